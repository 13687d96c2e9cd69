"""Pairs to ids: the joined form, sharing, truncation with its report, and texts of any length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from entailment.errors import InputError, TextError
from entailment.text.beginning import read_beginnings
from entailment.text.files import TokenizerFiles
from entailment.text.pairs import EncodedPair, PairEncoder, Truncation
from entailment.text.tokenizer import Tokenizer

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz!.=<", "\u4e2d", "\u4e00"]
TOKENS += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz\u0301"]
FILES = TokenizerFiles(
    source=Path("vocab.txt"), vocabulary={token: index for index, token in enumerate(TOKENS)}
)
TOKENIZER = Tokenizer(FILES)
CASED = Tokenizer(
    TokenizerFiles(source=FILES.source, vocabulary=FILES.vocabulary, lower_case=False, split_chinese=False)
)
# The characters and strings that cutting has to mind, besides anything at all.
TRICKY = st.sampled_from(
    [
        *("a", "b ", " ", "\n", ".", "[SEP]", "[", "]", "SEP", "[MASK]", "a" * 101, "b" * 60),
        *("\u4e2d", "\u0301", "\u0327", "\u2260", "\u226e", "\u200b", "\x00", "\ufffd", "\u1fef", "\u037e"),
        *("\u0130", "\u3000", "\U0001f600", "\uf900", "\u302e", "\u0344"),
    ]
)
LONG_TEXT = st.lists(TRICKY | st.characters(exclude_categories=["Cs"]), max_size=60).map("".join)


def joined(pair: EncodedPair) -> list[str]:
    return [TOKENS[index] for index in np.concatenate([pair.premise, pair.hypothesis])]


def test_the_joined_form() -> None:
    (pair,) = PairEncoder(TOKENIZER).encode([("A b!", "c")])
    assert joined(pair) == ["[CLS]", "a", "b", "!", "[SEP]", "c", "[SEP]"]
    assert pair.truncated is None
    assert pair.premise.dtype == pair.hypothesis.dtype == np.int64


def test_nothing_to_encode() -> None:
    assert PairEncoder(TOKENIZER).encode([]) == []


def test_shared_texts_share_their_array() -> None:
    first, second, third, fourth = PairEncoder(TOKENIZER, max_length=8, hypothesis_reserve=2).encode(
        [("a b c d e f", "g"), ("a b c d e f", "h i"), ("x", "g"), ("a b c d e f", "h i j")]
    )
    assert first.premise is second.premise
    assert first.hypothesis is third.hypothesis
    assert len(first.premise) == 5
    assert fourth.premise is not first.premise  # its hypothesis is longer than the reserve
    assert len(fourth.premise) == 4


def test_a_premise_that_fits_is_shared_whatever_the_room() -> None:
    first, second = PairEncoder(TOKENIZER, max_length=10).encode([("a b", "c"), ("a b", "d e f g")])
    assert first.premise is second.premise
    assert first.truncated is None is second.truncated


def test_truncation_is_reported_in_characters() -> None:
    encoder = PairEncoder(TOKENIZER, max_length=8)
    (pair,) = encoder.encode([("\u00e1 bb   c. d", "x y")])  # a b ##b c . d, of which 3 fit
    assert joined(pair) == ["[CLS]", "a", "b", "##b", "[SEP]", "x", "y", "[SEP]"]
    assert pair.truncated == Truncation(read=4, total=11)
    (pair,) = encoder.encode([("a b c", "x y")])
    assert pair.truncated is None
    (pair,) = encoder.encode([("a b c  \n \u200b", "x y")])
    assert pair.truncated is None  # nothing but white space is lost


def test_the_reserve_makes_cuts_independent_of_the_hypothesis() -> None:
    premise = " ".join("abcdefghijklmnopqrst")
    encoder = PairEncoder(TOKENIZER, max_length=16, hypothesis_reserve=4)
    cuts = [pair.premise for pair in encoder.encode([(premise, "x"), (premise, "x y"), (premise, "x y z w")])]
    assert cuts[0] is cuts[1] is cuts[2]
    assert len(cuts[0]) == 16 - 3 - 4 + 2


def test_a_large_reserve_leaves_half_to_the_premise() -> None:
    encoder = PairEncoder(TOKENIZER, max_length=23, hypothesis_reserve=64)
    assert encoder.hypothesis_reserve == 10
    (pair,) = encoder.encode([("a " * 30, "b")])
    assert len(pair.premise) == 12


def test_a_hypothesis_that_leaves_no_room() -> None:
    encoder = PairEncoder(TOKENIZER, max_length=8)
    (pair,) = encoder.encode([("a b", "c d e f")])
    assert joined(pair) == ["[CLS]", "a", "[SEP]", "c", "d", "e", "f", "[SEP]"]
    with pytest.raises(
        TextError, match=r"hypothesis of pair 1 has 5 tokens; a model of 8 takes 4 at most.*'c d e f g'"
    ):
        encoder.encode([("a", "b"), ("a b", "c d e f g")])
    with pytest.raises(TextError, match="hypothesis of pair 0 has 6 or more tokens"):
        encoder.encode([("a", "c " * 1_000_000)])


@pytest.mark.parametrize("empty", ["", "  \n\t", "\u3000\u2028", "\x00\u200b\ufffd", "\u0301\u0301"])
def test_empty_texts_are_named(empty: str) -> None:
    encoder = PairEncoder(TOKENIZER)
    with pytest.raises(TextError, match="the premise of pair 1 is empty"):
        encoder.encode([("a", "b"), (empty, "b")])
    with pytest.raises(TextError, match="the hypothesis of pair 2 is empty"):
        encoder.encode([("a", "b"), ("a", "b"), ("a", empty), ("a", empty)])


@pytest.mark.parametrize("bad", [None, 1, b"a", ["a"]])
def test_what_is_no_text_is_named(bad: Any) -> None:
    encoder = PairEncoder(TOKENIZER)
    with pytest.raises(TextError, match=f"the premise of pair 0 is {type(bad).__name__}, not a string"):
        encoder.encode([(bad, "b")])
    with pytest.raises(TextError, match=f"the hypothesis of pair 1 is {type(bad).__name__}, not a string"):
        encoder.encode([("a", "b"), ("a", bad)])


@pytest.mark.parametrize("bad", ["ab", ("a",), ("a", "b", "c"), None])
def test_what_is_no_pair_is_named(bad: Any) -> None:
    with pytest.raises(TextError, match="pair 0 is not a"):
        PairEncoder(TOKENIZER).encode([bad])


def test_lone_surrogates_are_named() -> None:
    with pytest.raises(TextError, match=r"the hypothesis of pair 0 .*\(U\+DC00 at character 1\)"):
        PairEncoder(TOKENIZER).encode([("a", "b\udc00")])


@pytest.mark.parametrize(("max_length", "reserve"), [(4, 0), (0, 0), (-1, 0), (16, -1)])
def test_impossible_lengths_are_refused(max_length: int, reserve: int) -> None:
    with pytest.raises(InputError):
        PairEncoder(TOKENIZER, max_length=max_length, hypothesis_reserve=reserve)


@settings(deadline=None)
@given(
    premise=st.text("ab. ", min_size=1).filter(str.strip),
    hypothesis=st.text("ab. ", min_size=1, max_size=9).filter(str.strip),
    max_length=st.integers(14, 24),
    reserve=st.integers(0, 12),
)
def test_pairs_fit_and_lose_only_the_end_of_the_premise(
    premise: str, hypothesis: str, max_length: int, reserve: int
) -> None:
    encoder = PairEncoder(TOKENIZER, max_length=max_length, hypothesis_reserve=reserve)
    (pair,) = encoder.encode([(premise, hypothesis)])
    whole, tail = TOKENIZER.ids([premise, hypothesis])
    limit = encoder.room - max(len(tail), encoder.hypothesis_reserve)
    assert len(pair.premise) + len(pair.hypothesis) <= max_length
    np.testing.assert_array_equal(pair.premise[1:-1], whole[:limit])
    np.testing.assert_array_equal(pair.hypothesis[:-1], tail)
    if len(whole) <= limit:
        assert pair.truncated is None
    else:
        assert pair.truncated is not None
        assert pair.truncated.total == len(premise)
        # What was reported as read holds all the kept tokens, and no more.
        np.testing.assert_array_equal(len(TOKENIZER.ids([premise[: pair.truncated.read]])[0]), limit)


@settings(max_examples=300, deadline=None)
@given(text=LONG_TEXT, limit=st.integers(1, 12), size=st.integers(1, 20), cased=st.booleans())
@example("a[SEP]b", 4, 2, False)
@example("[SEP]" * 3, 2, 3, False)
@example("\u0301" * 30 + "a", 2, 5, False)
@example("a" * 50 + "\u2260" + "b" * 101, 4, 5, False)
@example("a" * 50 + "\u2260" + "b" * 101, 4, 5, True)
@example("\u4e2d" * 30, 4, 5, True)
def test_a_beginning_is_that_of_the_whole(text: str, limit: int, size: int, cased: bool) -> None:
    tokenizer = CASED if cased else TOKENIZER
    (found,) = read_beginnings(tokenizer, [text], limit=limit, size=size)
    whole = tokenizer.ids([text])[0]
    np.testing.assert_array_equal(found.ids, whole[: limit + 1])
    offsets = tokenizer.backend.encode(text, add_special_tokens=False).offsets
    for count in range(1, len(found.ids) + 1):
        # A long unknown word may end with invisible characters; else the ends agree.
        assert offsets[count - 1][1] <= found.end_of(count) <= len(text)


@pytest.mark.parametrize(
    ("text", "tokens", "truncated"),
    [
        ("a" * 2_000_000, ["[UNK]"], None),
        (" " * 10_000_000 + "b", ["b"], None),
        ("\u0301" * 1_000_000 + "b", ["b"], None),
        ("\u200b" * 10_000_000, None, None),
        ("ab. " * 2_500_000, ["a", "##b", "."], Truncation(3, 10_000_000)),
        ("\u4e2d" * 10_000_000, ["\u4e2d"] * 3, Truncation(3, 10_000_000)),
        ("b" * 2_000_000 + " a b c", ["[UNK]", "a", "b"], Truncation(2_000_004, 2_000_006)),
    ],
    ids=["word", "spaces", "accents", "invisible", "text", "chinese", "word first"],
)
def test_millions_of_characters(
    text: str, tokens: list[str] | None, truncated: Truncation | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    longest = 0
    ids = TOKENIZER.ids

    def watched(texts: list[str]) -> list[Any]:
        nonlocal longest
        longest = max([longest, *map(len, texts)])
        return ids(texts)

    monkeypatch.setattr(TOKENIZER, "ids", watched)
    encoder = PairEncoder(TOKENIZER, max_length=8)
    if tokens is None:
        with pytest.raises(TextError, match="premise of pair 0 is empty"):
            encoder.encode([(text, "a b")])
    else:
        (pair,) = encoder.encode([(text, "a b")])
        assert joined(pair)[1 : len(pair.premise) - 1] == tokens
        assert pair.truncated == truncated
    assert longest < 2000  # characters that reached the tokenizer at once
