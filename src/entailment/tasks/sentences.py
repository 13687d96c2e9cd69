"""Where the sentences of a text begin and end, by rules that err on the safe side.

The two errors of a splitter are not alike here. A break that is missed makes a unit of two sentences, and
costs precision. A break too many tears a sentence in two, and neither half says what the whole said. So where
rules are in doubt ("She works for the U.S. Forest Service.") there is no break.

A text is cut in three steps, none of which ever looks back further than a word, so time grows with length:

1. blank lines part paragraphs;
2. inside a paragraph a line break counts where it was meant: before a list item, or where the next word
   would still have fitted beside it (a line that was wrapped ends because it would not);
3. ``. ! ? …`` and the stops of Hindi, Arabic and Urdu before white space end a sentence, with the quotes and
   brackets that close behind them, unless a lower-case letter follows or the full stop belongs to an
   abbreviation. The stops of Chinese and Japanese need no white space.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class Span(NamedTuple):
    """Characters `start` to `end` of a text."""

    start: int
    end: int


# Full stops behind these never end a sentence: something they belong to follows.
_TITLES = frozenset(
    "mr mrs ms messrs dr prof rev hon gen col lt capt cmdr sgt cpl sen rep gov pres st mt ft vs cf viz al "
    "e.g i.e eg ie ca incl mme mlle".split()
)
# Nor these before a number.
_BEFORE_NUMBERS = frozenset(
    "no nos nr fig figs eq eqs vol vols ch chap sec sect art p pp par para pt ex app tab col ver v "
    "jan feb mar apr jun jul aug sep sept oct nov dec approx".split()
)
# These may stand at an end, as may initials ("J.") and letters with stops ("U.S."): the next word decides.
_MAY_END = frozenset("inc ltd co corp llc bros jr sr etc dept est ave blvd rd univ approx a.k.a".split())
_STARTERS = frozenset(
    "a an the this that these those it its he she they we you i his her their our my your there here in on "
    "at by for from with to as if when while where after before since although though because but and or so "
    "yet however moreover then thus also not no what who why how which is are was were do does did some all "
    "many most each every both another one two once".split()
)
_LONGEST_WORD = 24  # characters before a full stop that are looked at: more is no abbreviation

# Quotes and brackets of several scripts, as escapes where a look-alike exists.
_OPENING = "\"'\u201c\u2018\u00ab([{*_"
_CLOSING = "\"'\u201d\u2019\u00bb)\\]}*_"
_STOPS = ".!?\u2026\u061f\u06d4\u0964\u0965"
_WIDE_STOPS = "\u3002\uff01\uff1f\uff61"
_WIDE_CLOSING = "\u300d\u300f\u201d\u2019\uff09"
_END = re.compile(rf"(?<![{_STOPS}])[{_STOPS}]++[{_CLOSING}]*+(?=\s|\Z)|[{_WIDE_STOPS}]++[{_WIDE_CLOSING}]*+")
_LIST_MARK = re.compile(
    r"(?:[-*+\u2022\u2023\u25e6\u25aa\u00b7\u2013\u2014]|\(?(?:\d{1,3}|[A-Za-z]|[ivx]{2,4})[.)])[ \t]+(?=\S)"
)
_LETTERS_WITH_STOPS = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]|Ph\.D")


def split_sentences(text: str) -> list[Span]:
    """The sentences of a text as spans: in order, apart, without white space around them.

    Every character that is not white space is in exactly one span. Headings, list items and lines that are
    no sentences are units, too.
    """
    cased = text != text.lower()
    found: list[Span] = []
    for paragraph in _paragraphs(text):
        for segment in _segments(text, paragraph):
            found.extend(_sentences(text, segment, cased))
    return found


def _paragraphs(text: str) -> Iterator[list[Span]]:
    """The lines of each paragraph, without the white space around them."""
    lines: list[Span] = []
    start = 0
    for line in text.splitlines(keepends=True):
        span = stripped(text, start, start + len(line))
        start += len(line)
        if span.start < span.end:
            lines.append(span)
        elif lines:
            yield lines
            lines = []
    if lines:
        yield lines


def _segments(text: str, lines: list[Span]) -> Iterator[Span]:
    """The lines of a paragraph joined where they were only wrapped."""
    width = max(end - start for start, end in lines)
    first = previous = lines[0]
    for line in lines[1:]:
        word = len(text[line.start : min(line.end, line.start + width)].split(None, 1)[0])
        fitted = previous.end - previous.start + 1 + word <= width
        if _LIST_MARK.match(text, line.start, line.end) or (fitted and not text[line.start].islower()):
            yield Span(first.start, previous.end)
            first = line
        previous = line
    yield Span(first.start, previous.end)


def _sentences(text: str, segment: Span, cased: bool) -> Iterator[Span]:
    mark = _LIST_MARK.match(text, *segment)
    start = segment.start
    for match in _END.finditer(text, mark.end() if mark else start, segment.end):
        following = stripped(text, match.end(), min(segment.end, match.end() + _LONGEST_WORD))
        if _ends(text, start, match, text[following.start : following.end], cased):
            yield Span(start, match.end())
            start = stripped(text, match.end(), segment.end).start
    if start < segment.end:
        yield Span(start, segment.end)


def _ends(text: str, start: int, match: re.Match[str], following: str, cased: bool) -> bool:
    """Whether what `match` found, with `following` behind it, ends the sentence that began at `start`."""
    if not following or match[0][0] in _WIDE_STOPS:
        return True
    following = following.lstrip(_OPENING)
    if cased and following[:1].islower():
        return False
    if match[0] != ".":
        return True
    head = text[max(start, match.start() - _LONGEST_WORD) : match.start()].split()
    word = head[-1].lstrip(_OPENING) if head else ""
    if word.lower() in _TITLES:
        return False
    if word.lower() in _BEFORE_NUMBERS and following[:1].isdigit():
        return False
    initial = len(word) == 1 and word.isupper() and word != "I"
    if initial or word.lower() in _MAY_END or _LETTERS_WITH_STOPS.fullmatch(word):
        next_word = re.match(r"\w*", following)
        return next_word is not None and next_word[0].lower() in _STARTERS
    return True


def stripped(text: str, start: int, end: int) -> Span:
    """Characters `start` to `end` without white space at either side; an empty span if there is no more."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return Span(start, end)
