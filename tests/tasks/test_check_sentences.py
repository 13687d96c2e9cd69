"""The sentence splitter: what it should part and keep together, and what holds for any text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entailment.tasks.sentences import split_sentences


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


@pytest.mark.parametrize(
    "sentences",
    [
        ["One.", "Two!", "Three?", "Four"],
        ["He said so.", "I did not."],
        ["It was over...", "Then it began."],
        ['"Stop!"', "She did."],
        ["(It rained.)", "We left."],
        ["Is it no. 5?", "The answer is no.", "He knew."],
        ["See Fig. 3 and pp. 4-9.", "It shows Jan. 5."],
        ["Dr. A. B. Smith met Mrs. Jones, e.g. Smith vs. Jones et al. (2020).", "They talked."],
        ["The U.S. Forest Service is here.", "It left at 5 p.m.", "The end."],
        ["Acme Inc. Holdings grew.", "It bought Foo Ltd.", "The rest is history."],
        ["He has a Ph.D. Students like him."],  # in doubt there is no break
        ["Vitamin C.", "The next one."],
        ["So did I.", "Nobody else."],
        ["It costs 3.50 at example.com/a.b today.", "Yes."],
        ["What?!", "No!!", "Oh."],
        ["It ended… and began.", "So…", "Yes."],
        ["\u201cWho?\u201d asked he.", "\u2018Me.\u2019", "She left."],
    ],
)
def test_prose(sentences: list[str]) -> None:
    assert split(" ".join(sentences)) == sentences
    assert split("\n\n".join(sentences)) == sentences


def test_prose_without_capitals() -> None:
    assert split("it rained. we left. nobody cared") == ["it rained.", "we left.", "nobody cared"]
    assert split("It rained. iPhones got wet.") == ["It rained. iPhones got wet."]


def test_chinese_and_japanese() -> None:
    sentences = ["今天下雨。", "我们走了\uff01", "「好。」", "他说"]
    assert split("".join(sentences)) == sentences


@pytest.mark.parametrize("stop", ["\u0964", "\u0965", "\u061f", "\u06d4"])  # of Hindi, Arabic and Urdu
def test_stops_of_other_scripts(stop: str) -> None:
    sentences = [f"\u0915 \u0916{stop}", f"\u0917{stop}", "\u0918"]
    assert split(" ".join(sentences)) == sentences


def test_lines_that_were_wrapped_are_joined() -> None:
    text = "The shop opens at nine on Sundays and\ncloses at five. It is closed on\nMondays."
    assert split(text) == [
        "The shop opens at nine on Sundays and\ncloses at five.",
        "It is closed on\nMondays.",
    ]


def test_lines_that_were_meant_are_parted() -> None:
    text = "Opening hours\nMondays closed\nThe shop opens at nine and closes at five\r\n\r\nPrices\n"
    assert split(text) == [
        "Opening hours",
        "Mondays closed",
        "The shop opens at nine and closes at five",
        "Prices",
    ]


def test_list_items() -> None:
    text = (
        "We sell:\n- bread. Fresh bread\n  and rolls\n* soup\n1. First do this.\n2) Then that.\n(a) Or this."
    )
    assert split(text) == [
        "We sell:",
        "- bread.",
        "Fresh bread\n  and rolls",
        "* soup",
        "1. First do this.",
        "2) Then that.",
        "(a) Or this.",
    ]


@pytest.mark.parametrize("text", ["", " \n\t ", "\n\n\n"])
def test_nothing(text: str) -> None:
    assert split(text) == []


PIECES = st.sampled_from(
    [
        *" \n\t.!?…\"')(-aAI1。",
        "\n\n",
        ". ",
        "Dr.",
        "e.g.",
        "U.S.",
        "- ",
        "1. ",
        "word",
        "Word",
        "\u2028",
        "\x85",
    ]
)


@given(st.one_of(st.text(), st.lists(PIECES, max_size=30).map("".join)))
def test_spans_are_in_order_apart_and_whole(text: str) -> None:
    spans = split_sentences(text)
    place = 0
    for start, end in spans:
        assert place <= start < end
        assert not text[place:start].strip()
        assert text[start:end] == text[start:end].strip()
        place = end
    assert not text[place:].strip()


@given(st.lists(PIECES, max_size=30).map("".join))
def test_a_paragraph_does_not_depend_on_others(text: str) -> None:
    before = "An Ordinary paragraph."
    shift = len(before) + 2
    cased = split_sentences("A\n\n" + text)  # capitals anywhere count for all of a text
    assert [(start + shift - 3, end + shift - 3) for start, end in cased[1:]] == [
        (start, end) for start, end in split_sentences(before + "\n\n" + text)[1:]
    ]
