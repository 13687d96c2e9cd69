"""Special tokens of the public tokenizers against the reference: constructed, set, added, skipped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from entailment.text.hub_tokenizers import BertTokenizer, BertTokenizerFast

pytestmark = pytest.mark.oracle
transformers = pytest.importorskip("transformers")

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "red", "blue", "sky", "<", ">", "x", "mask"]
VOCABULARY = {token: index for index, token in enumerate(TOKENS)}
TEXTS = ["red <x> blue", "<mask> sky <y> <X>", "sky[MASK]"]


@pytest.mark.parametrize("cls", [BertTokenizer, BertTokenizerFast])
@pytest.mark.parametrize("vocabulary", [VOCABULARY, {"[UNK]": 0, "red": 1, "x": 2}])
@pytest.mark.parametrize(
    "settings",
    [
        {"additional_special_tokens": ["<x>", "<y>"]},
        {"mask_token": "<mask>"},
        {"cls_token": "<y>", "pad_token": "sky", "additional_special_tokens": ["red", "<y>"]},
    ],
)
def test_constructed(cls: Any, vocabulary: dict[str, int], settings: dict[str, Any]) -> None:
    mine, theirs = cls(vocabulary, **settings), transformers.BertTokenizer(vocab=vocabulary, **settings)
    assert mine.get_vocab() == theirs.get_vocab()
    assert mine.all_special_tokens == theirs.all_special_tokens
    assert mine(TEXTS, padding=True)["input_ids"] == theirs(TEXTS, padding=True)["input_ids"]


def _added(tokenizer: Any) -> None:
    tokenizer.add_tokens(["<x>"], special_tokens=True)
    tokenizer.add_tokens(["<y>"])


def _replaced(tokenizer: Any) -> None:
    tokenizer.add_special_tokens({"additional_special_tokens": ["<x>"]})
    tokenizer.add_special_tokens({"additional_special_tokens": ["<y>"]})


def _extended(tokenizer: Any) -> None:
    tokenizer.add_special_tokens({"additional_special_tokens": ["<x>"]})
    more = {"additional_special_tokens": ["<y>"]}
    tokenizer.add_special_tokens(more, replace_extra_special_tokens=False)
    tokenizer.add_special_tokens({"extra_special_tokens": [], "pad_token": "sky"})


def _set(tokenizer: Any) -> None:
    tokenizer.pad_token = TOKENS[6]
    tokenizer.mask_token_id = VOCABULARY["mask"]


@pytest.mark.parametrize("cls", [BertTokenizer, BertTokenizerFast])
@pytest.mark.parametrize("change", [_added, _replaced, _extended, _set])
def test_changed(cls: Any, change: Callable[[Any], None]) -> None:
    both = [cls(VOCABULARY), transformers.BertTokenizer(vocab=VOCABULARY)]
    for each in both:
        change(each)
    mine, theirs = both
    assert mine.all_special_tokens == theirs.all_special_tokens
    assert mine.get_vocab() == theirs.get_vocab()
    rows = mine(TEXTS, padding=True)["input_ids"]
    assert rows == theirs(TEXTS, padding=True)["input_ids"]
    for row in rows:
        found, expected = (
            (
                each.decode(row, skip_special_tokens=change is not _set),
                each.convert_ids_to_tokens(row, skip_special_tokens=True),
                each.get_special_tokens_mask(row, already_has_special_tokens=True),
            )
            for each in both
        )
        assert found == expected


@pytest.mark.parametrize("cls", [BertTokenizer, BertTokenizerFast])
def test_encode_takes_what_a_call_takes(cls: Any) -> None:
    both = [cls(VOCABULARY), transformers.BertTokenizer(vocab=VOCABULARY)]
    mine, theirs = (
        (
            each.encode(["red", "skyx"], is_split_into_words=True),
            each.encode("red blue", return_token_type_ids=False, pad_to_multiple_of=8, padding=True),
            each.tokenize(["red", "sky"], is_split_into_words=True),
        )
        for each in both
    )
    assert mine == theirs
