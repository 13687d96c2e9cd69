"""Tokens added to a slow tokenizer leave the rest of a text to be read as before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken

from entailment.text.hub_tokenizers import BertTokenizer, BertTokenizerFast

TOKENS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "red",
    "sky",
    "don",
    "'",
    "t",
    "don't",
    "DON'T",
    "RED",
]
VOCABULARY = {token: index for index, token in enumerate(TOKENS)}


def test_without_basic_tokenization_a_text_stays_as_it_is(tmp_path: Path) -> None:
    tokenizer = BertTokenizer(VOCABULARY, do_basic_tokenize=False)
    before = ["RED", "[UNK]", "[UNK]", "[UNK]", "red"]
    assert tokenizer.tokenize("RED <x> SKY <X> red") == before
    tokenizer.add_tokens(["<x>"])
    tokenizer.save_pretrained(tmp_path)
    for each in (tokenizer, BertTokenizer.from_pretrained(tmp_path, do_basic_tokenize=False)):
        assert each.tokenize("RED <x> SKY <X> red") == ["RED", "<x>", "[UNK]", "[UNK]", "red"]


@pytest.mark.parametrize("lower_case", [True, False])
def test_words_that_are_never_split_are_kept(lower_case: bool) -> None:
    tokenizer = BertTokenizer(VOCABULARY, do_lower_case=lower_case, never_split=["DON'T"])
    text = "DON'T red don't DON'T."
    don = "don" if lower_case else "[UNK]"
    t = "t" if lower_case else "[UNK]"
    expected = ["DON'T", "red", "don", "'", "t", don, "'", t, "[UNK]"]
    assert tokenizer.tokenize(text) == expected
    tokenizer.add_tokens(["<x>"])
    assert tokenizer.tokenize(text) == expected
    assert tokenizer.tokenize(f"<x> {text}<x>red") == ["<x>", *expected, "<x>", "red"]
    glued = ["don", "'", "t"] if lower_case else ["DON'T"]
    assert tokenizer.tokenize("DON'T<x>") == [*glued, "<x>"]
    # Compared with the text as it is written, also after a normalised copy of it was searched.
    small = BertTokenizer(VOCABULARY, do_lower_case=lower_case, never_split=["don't"])
    expected = [don, "'", t, "don't"]
    assert small.tokenize("DON'T don't") == expected
    small.add_tokens(["<x>"])
    assert small.tokenize("DON'T don't") == expected


def test_a_token_that_is_such_a_word_is_found_in_any_case() -> None:
    tokenizer = BertTokenizer(VOCABULARY, never_split=["DON'T"])
    tokenizer.add_tokens(["DON'T"])
    ids = [VOCABULARY["DON'T"]] * 3 + [VOCABULARY["red"]]
    assert tokenizer.encode("DON'T don't Don'tred", add_special_tokens=False) == ids


@pytest.mark.parametrize("cls", [BertTokenizer, BertTokenizerFast])
def test_special_tokens_of_normalized_texts_are_split_as_well(cls: Any) -> None:
    tokenizer = cls(VOCABULARY)
    tokenizer.add_tokens([AddedToken("<x>", special=True, normalized=True), "<y>"])
    assert tokenizer.tokenize("<X> <Y>") == ["<x>", "<y>"]
    assert tokenizer.tokenize("<X> <Y>", split_special_tokens=True) == ["[UNK]"] * 3 + ["<y>"]
