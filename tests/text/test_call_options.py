"""The arguments of a tokenizer call: in `encode` and `tokenize`, and lengths of any whole-number type."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from entailment.errors import InputError
from entailment.text.call_options import NO_LIMIT, count, length_limit
from entailment.text.hub_tokenizers import BertTokenizer, BertTokenizerFast

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "red", "blue", "sky"]
VOCABULARY = {token: index for index, token in enumerate(TOKENS)}
BOTH = pytest.mark.parametrize("tokenizer", [BertTokenizer(VOCABULARY), BertTokenizerFast(VOCABULARY)])


@BOTH
def test_encode_and_tokenize_take_the_options_of_a_call(tokenizer: Any) -> None:
    words = ["red", "sky"]
    assert tokenizer.encode(words, is_split_into_words=True) == tokenizer("red sky")["input_ids"]
    assert tokenizer.encode("red", return_token_type_ids=False) == tokenizer("red")["input_ids"]
    assert tokenizer.encode("red", padding=True, pad_to_multiple_of=4)[3:] == [0]
    assert tokenizer.tokenize(words, is_split_into_words=True) == words
    assert tokenizer.tokenize("red blue sky", truncation=True, max_length=2) == ["red", "blue"]
    assert tokenizer.tokenize("red", "sky", True) == ["[CLS]", "red", "[SEP]", "sky", "[SEP]"]
    for call in (tokenizer.encode, tokenizer.tokenize):
        with pytest.raises(InputError, match=rf"^{call.__name__} has no argument 'max_len'; .*max_length"):
            call("red", max_len=3)
    # Of the arguments of the reference those that ask for nothing are taken.
    assert tokenizer.encode("red", pad_to_max_length=False) == tokenizer.encode("red")
    assert tokenizer.encode_plus("red", pad_to_max_length=False) == tokenizer("red")


@BOTH
def test_older_options_of_a_call_are_named(tokenizer: Any) -> None:
    row = tokenizer("red sky")
    nothing: dict[str, Any] = {"pad_to_max_length": False, "truncation_strategy": "do_not_truncate"}
    assert tokenizer("red sky", **nothing, never_split=None) == row
    assert tokenizer.encode("red sky", **nothing) == row["input_ids"]
    assert tokenizer.pad([row], verbose=False) == tokenizer.pad([row])
    for asked, message in (
        ({"pad_to_max_length": True}, "a tokenizer's call has no argument pad_to_max_length: say padding="),
        ({"truncation_strategy": "only_first"}, "no argument truncation_strategy: it is now called trunc"),
        ({"do_lower_case": False}, "no argument do_lower_case: state it when the tokenizer is made or open"),
        ({"max_len": 3}, "no argument 'max_len'; it has .*max_length.*text_target"),
    ):
        with pytest.raises(InputError, match=message):
            tokenizer("red sky", **asked)
    with pytest.raises(InputError, match="tokenize has no argument never_split: state it when the tokenizer"):
        tokenizer.tokenize("red sky", never_split=["red"])


@BOTH
def test_lengths_may_be_numbers_of_numpy(tokenizer: Any) -> None:
    text, length = "red blue sky", np.int64(4)
    assert tokenizer(text, truncation=True, max_length=length) == tokenizer(text, max_length=4)
    padded = tokenizer(text, padding=True, pad_to_multiple_of=length)
    assert padded == tokenizer(text, padding=True, pad_to_multiple_of=4)
    row = tokenizer("red")
    assert tokenizer.pad([row], pad_to_multiple_of=length).input_ids == [[2, 5, 3, 0]]
    for bad in (True, np.True_, 4.0, np.float64(4), "4", np.int64(0), np.array([4, 4])):
        with pytest.raises(InputError, match=r"max_length is .* expected a whole number from 1"):
            tokenizer(text, truncation=True, max_length=bad)


def test_numbers_become_pythons_own() -> None:
    assert type(count("max_length", np.int32(3))) is int
    assert count("max_length", None) is None
    limits = [length_limit(value) for value in (np.int64(7), 7.0, True, 0, None, "7", 1e30, float("nan"))]
    assert limits == [7, 7] + [NO_LIMIT] * 6
    assert BertTokenizerFast(VOCABULARY, model_max_length=np.int64(7)).model_max_length == 7  # type: ignore[arg-type]
