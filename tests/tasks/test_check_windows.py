"""Units and windows of a document: nothing is cut, nothing is left out."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tasks.check_fakes import INVISIBLE, neutral, word_model
from tests.tiny import tiny_bert

from entailment.tasks.model import PairModel, load_model
from entailment.tasks.sentences import split_sentences
from entailment.tasks.windows import Words, _words, units, windows
from entailment.text.wordpiece import WordPiece


def found_in(document: str, model: PairModel, claim: str = "a claim") -> list[str]:
    return [document[start:end] for start, end in units(document, claim, model.encode)]


def test_sentences_that_fit_are_the_units() -> None:
    assert found_in("One two. Three.\n\nFour", word_model(neutral)) == ["One two.", "Three.", "Four"]


def test_what_has_no_tokens_is_no_unit() -> None:
    document = f"One two.\n\n{INVISIBLE}\n\nThree."
    assert found_in(document, word_model(neutral)) == ["One two.", "Three."]
    assert found_in(INVISIBLE, word_model(neutral)) == []
    assert found_in(f"{INVISIBLE} " * 20_000, word_model(neutral)) == []


@given(st.integers(3, 12), st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_a_sentence_too_long_becomes_pieces_that_overlap(room: int, lengths: list[int]) -> None:
    model = word_model(neutral, room=room)
    words = iter(f"w{number}" for number in range(1000))
    document = " ".join(" ".join(next(words) for _ in range(length)) + "." for length in lengths)
    spans = units(document, "claim", model.encode)
    assert all(pair.truncated is None for pair in model.encode([(document[a:b], "claim") for a, b in spans]))
    read = [document[a:b].split() for a, b in spans]
    assert {word for piece in read for word in piece} == set(document.split())
    if room > 5:
        for sentence in split_sentences(document):
            inside = [(a, b) for a, b in spans if sentence.start <= a and b <= sentence.end]
            assert all(second[0] < first[1] for first, second in pairwise(inside))


@pytest.mark.parametrize("attention", ["full", "prefix"])
@pytest.mark.parametrize(
    "text", ["the dog sleeps " * 40, "dog" * 40, "dogsleeps " * 20, "d,og" * 50, "x" * 400]
)
def test_pieces_for_a_real_tokenizer(tmp_path: Path, attention: str, text: str) -> None:
    model = load_model(tiny_bert(tmp_path / "model", attention="prefix" if attention == "prefix" else "full"))
    spans = units(text, "the cat", model.encode)
    pairs = model.encode([(text[start:end], "the cat") for start, end in spans])
    assert all(pair.truncated is None for pair in pairs)
    covered = {place for start, end in spans for place in range(start, end)}
    assert {place for place, letter in enumerate(text) if not letter.isspace()} <= covered


def test_windows_are_the_sentence_and_its_neighbours() -> None:
    model, document = word_model(neutral), "One. Two. Three. Four."
    spans = units(document, "claim", model.encode)
    around = windows(document, spans, "claim", model.encode, [0, 1, 2, 3])
    assert [document[start:end] for start, end in around.values()] == [
        "One. Two. Three.",
        "One. Two. Three.",
        "Two. Three. Four.",
        "Two. Three. Four.",
    ]
    (alone,) = units("One.", "claim", model.encode)
    assert windows("One.", [alone], "claim", model.encode, [0]) == {0: alone}


@pytest.mark.parametrize(("room", "around"), [(7, "A b. C d. E f."), (5, "A b. C d."), (3, "C d.")])
def test_windows_are_as_large_as_fits(room: int, around: str) -> None:
    model, document = word_model(neutral, room=room), "A b. C d. E f."
    spans = units(document, "claim", model.encode)
    start, end = windows(document, spans, "claim", model.encode, [1])[1]
    assert document[start:end] == around


def test_relevance_counts_rare_words() -> None:
    document = "The shop opens at nine. The shop sells bread. The museum is closed on Sundays."
    spans = split_sentences(document)
    words = Words(document, spans)
    first, second, third = words.relevance("The shop opens.")
    assert first == pytest.approx(1)
    assert first > second > third > 0
    assert words.relevance("Is a museum open on Sunday?").argmax() == 2  # Sunday, Sundays
    assert words.relevance("Nothing alike!").tolist() == [0, 0, 0]
    assert words.relevance("?").tolist() == [0, 0, 0]


def test_relevance_of_scripts_without_spaces() -> None:
    document = "今天下雨。我们走了。"
    assert Words(document, split_sentences(document)).relevance("他们走吗").argmax() == 1


DEVANAGARI_BOOK = "\u0915\u093f\u0924\u093e\u092c"  # kitab, whose two vowels are marks


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("Z\u00fcrich caf\u00e9", "Zurich cafe"),
        ("Z\u00fcrich caf\u00e9", "Zu\u0308rich cafe\u0301"),
        ("The mu\u00adse\u00adum\u200b", "the museum"),
        ("mu\x01seum\x85\ufffd\ue000", "museum"),
        ("\u0130stanbul", "istanbul"),
        ("\ud55c\uad6d\uc740", "\u1112\u1161\u11ab\u1100\u116e\u11a8\u110b\u1173\u11ab"),
        ("\u30ac", "\u30ab\u3099"),
        ("a\u4e2d", "a \u4e2d"),
        ("\u041a\u0418\u0439", "\u043a\u0438\u0438"),
    ],
)
def test_the_same_tokens_are_the_same_words(text: str, same: str) -> None:
    """Oracle: BERT's own reading of a text, spelled out in `text/wordpiece.py`."""
    reading = WordPiece(vocabulary={})
    assert list(reading.words(text)) == list(reading.words(same))
    assert _words(text) == _words(same)


@given(st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=40))
def test_words_are_those_of_the_normalised_text(text: str) -> None:
    assert _words(WordPiece(vocabulary={}).normalize(text)) == _words(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (DEVANAGARI_BOOK, {DEVANAGARI_BOOK}),
        ("\ud55c\uad6d\uc0ac\ub78c\ub4e4\uc740", {"\ud55c\uad6d\uc0ac\ub78c\ub4e4"}),  # five letters
        ("\u0e44\u0e17\u0e22", {"\u0e44", "\u0e17", "\u0e22"}),
        ("2019\u5e74_x \u20ac5", {"2019", "\u5e74", "x", "5"}),
    ],
)
def test_words_of_several_scripts(text: str, words: set[str]) -> None:
    assert _words(text) == words
