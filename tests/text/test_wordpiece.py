"""The plain-Python tokenisation: worked examples, and the Rust library asked about every code point."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from entailment.text.wordpiece import WordPiece, clean, lower, strip_accents

UNKNOWN = "[UNK]"
VOCABULARY = {
    token: index
    for index, token in enumerate(
        [
            "[PAD]",
            "[UNK]",
            "un",
            "##aff",
            "##able",
            "!",
            "a",
            "##b",
            "ab",
            "b",
            "i",
            "\u4e2d",
            "Keep",
            "##\u0300",
        ]
    )
}
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def rust_words(text: str, *, lower_case: bool, accents: bool | None, chinese: bool) -> list[str]:
    normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=chinese, strip_accents=accents, lowercase=lower_case
    )
    splitter = pre_tokenizers.BertPreTokenizer()
    return [word for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))]


def our_words(text: str, *, lower_case: bool, accents: bool | None, chinese: bool) -> list[str]:
    tokenizer = WordPiece(
        vocabulary=VOCABULARY, lower_case=lower_case, accents_stripped=accents, chinese_apart=chinese
    )
    return list(tokenizer.words(text))


def test_the_example_of_the_paper() -> None:
    assert WordPiece(vocabulary=VOCABULARY).tokenize("Unaffable!") == ["un", "##aff", "##able", "!"]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        (" \t\r\n\u3000\u2028", []),
        ("\x00\ufffd\u200b\x85", []),
        ("a\u0000b", ["ab"]),
        ("a\u2028b", ["a", "b"]),
        ("\u00e1b", ["ab"]),
        ("A\u0301B", ["ab"]),
        ("\u0130", ["i"]),
        ("a\u4e2db", ["a", "\u4e2d", "b"]),
        ("azb", ["[UNK]"]),
        ("b" * 100, ["b"] + ["##b"] * 99),
        ("b" * 101, ["[UNK]"]),
        ("a!b", ["a", "!", "b"]),
    ],
)
def test_examples(text: str, tokens: list[str]) -> None:
    assert WordPiece(vocabulary=VOCABULARY).tokenize(text) == tokens


def test_settings() -> None:
    assert WordPiece(vocabulary=VOCABULARY, lower_case=False).tokenize("A\u0300 a\u0300") == [
        "[UNK]",
        "a",
        "##\u0300",
    ]
    assert WordPiece(vocabulary=VOCABULARY, accents_stripped=False).tokenize("A\u0300") == ["a", "##\u0300"]
    assert WordPiece(vocabulary=VOCABULARY, lower_case=False, accents_stripped=True).tokenize("a\u0300") == [
        "a"
    ]
    assert WordPiece(vocabulary=VOCABULARY, chinese_apart=False).tokenize("a\u4e2d") == ["[UNK]"]
    assert WordPiece(vocabulary=VOCABULARY, basic=False).tokenize("ab a! ab") == ["ab", "[UNK]", "ab"]
    kept = WordPiece(vocabulary=VOCABULARY, never_split=frozenset({"Keep", "b!b"}))
    assert kept.tokenize("Keep b!b b!") == ["Keep", "b!b", "b", "!"]


def test_a_capital_sigma_ignores_its_place() -> None:
    assert lower("\u039f\u03a3") == "\u03bf\u03c3"  # str.lower() would write the final form, U+03C2


def test_newer_characters_are_as_the_reference_has_them() -> None:
    assert clean("\u0378") == "\u0378"  # not assigned: kept
    assert (
        strip_accents("\u1abf") == "\u1abf"
    )  # an accent since Unicode 13, which the reference does not know


def _code_points(first: int, last: int) -> str:
    points = itertools.filterfalse(lambda point: 0xD800 <= point <= 0xDFFF, range(first, last + 1))
    # Beside a letter on either side, and alone: joining, splitting, vanishing and white space all show.
    return "".join(f" A{chr(point)}b {chr(point)}" for point in points)


ASSIGNED = [(0, 0x1FFFF), (0x2A600, 0x2FA2F), (0xE0000, 0xE01FF), (0xF0000, 0xF00FF), (0x10FF00, 0x10FFFF)]


@pytest.mark.parametrize(("first", "last"), ASSIGNED)
@pytest.mark.parametrize("lower_case", [True, False])
def test_every_code_point_is_as_in_rust(first: int, last: int, lower_case: bool) -> None:
    text = _code_points(first, last)
    mine = our_words(text, lower_case=lower_case, accents=None, chinese=True)
    theirs = rust_words(text, lower_case=lower_case, accents=None, chinese=True)
    assert mine == theirs


@pytest.mark.slow
@pytest.mark.parametrize("lower_case", [True, False])
@pytest.mark.parametrize("accents", [True, False, None])
@pytest.mark.parametrize("chinese", [True, False])
def test_all_of_unicode_in_all_settings(lower_case: bool, accents: bool | None, chinese: bool) -> None:
    for first in range(0, 0x110000, 0x10000):
        text = _code_points(first, first + 0xFFFF)
        mine = our_words(text, lower_case=lower_case, accents=accents, chinese=chinese)
        assert mine == rust_words(text, lower_case=lower_case, accents=accents, chinese=chinese), hex(first)


@settings(deadline=None)
@given(
    text=ANY_TEXT,
    lower_case=st.booleans(),
    accents=st.none() | st.booleans(),
    chinese=st.booleans(),
)
@example("\u1100\u0301\u0323\u0345\ua806\U00011938\u0344", True, True, True)
def test_any_text_is_as_in_rust(text: str, lower_case: bool, accents: bool | None, chinese: bool) -> None:
    mine = our_words(text, lower_case=lower_case, accents=accents, chinese=chinese)
    assert mine == rust_words(text, lower_case=lower_case, accents=accents, chinese=chinese)


@settings(deadline=None)
@given(st.text("ab\u0300c", max_size=120))
def test_pieces_are_as_in_rust(word: str) -> None:
    rust = Tokenizer(models.WordPiece(VOCABULARY, unk_token=UNKNOWN))
    assert WordPiece(vocabulary=VOCABULARY).pieces(word) == rust.encode(word).tokens


@settings(deadline=None)
@given(ANY_TEXT)
def test_tokens_spell_the_text(text: str) -> None:
    """What is not unknown can be put together again: nothing is lost, doubled or moved."""
    tokenizer = WordPiece(
        vocabulary={piece: 0 for char in text for piece in (char, "##" + char)} | VOCABULARY
    )
    spelled = "".join(
        token.removeprefix("##") if len(token) > 2 else token for token in tokenizer.tokenize(text)
    )
    words = "".join(tokenizer.words(text))
    assert "[UNK]" in spelled or spelled == words
