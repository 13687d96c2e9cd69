"""A document as a model can read it: units of a sentence each, and windows of neighbouring units.

Nothing is cut: the encoder itself says what fits. A sentence longer than the model reads becomes several
units that overlap, so that what stands at a seam stands whole in one of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from entailment.errors import TextError
from entailment.tasks.sentences import Span, split_sentences, stripped

if TYPE_CHECKING:
    from entailment.text.pairs import EncodedPair

Encode = Callable[[Sequence[tuple[str, str]]], "list[EncodedPair]"]

OVERLAP = 0.25  # of a piece of an over-long sentence, which the next piece begins with
_STEM = 5  # letters by which a word is known
_WORD_BY_ITSELF = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]")
_SLICE = 16_384  # characters offered to the encoder at once, so that time grows with length, not its square


def units(document: str, claim: str, encode: Encode) -> list[Span]:
    """The units of a document, in order, none of them empty.

    Args:
        document: any text.
        claim: a hypothesis that every unit must leave room for: the one with the most tokens.
        encode: as `PairModel.encode`.
    """
    found: list[Span] = []
    sentences = split_sentences(document)
    for span, pair in zip(sentences, _encoded(document, sentences, claim, encode), strict=True):
        if pair is None:
            continue
        if pair.truncated is None:
            found.append(span)
        else:
            found.extend(_pieces(document, span, claim, encode))
    return found


def windows(
    document: str, found: Sequence[Span], claim: str, encode: Encode, wanted: Sequence[int]
) -> dict[int, Span]:
    """For each unit `wanted`, the largest window around it that fits: three units, two, or itself.

    At either end of the document the window is the first or the last three units.
    """
    choices = {index: _around(found, index) for index in wanted}
    fitting: dict[int, Span] = {}
    while choices:
        spans = {index: next(candidates) for index, candidates in choices.items()}
        encoded = _encoded(document, list(spans.values()), claim, encode)
        for (index, span), pair in zip(spans.items(), encoded, strict=True):
            if span == found[index] or (pair is not None and pair.truncated is None):
                fitting[index] = span
                del choices[index]
    return fitting


def _around(found: Sequence[Span], index: int) -> Iterator[Span]:
    first = max(0, min(index - 1, len(found) - 3))
    for start, stop in ((first, first + 3), (index - 1, index + 1), (index, index + 2)):
        if start >= 0:
            last = found[min(stop, len(found)) - 1]
            yield Span(found[start].start, last.end)
    yield found[index]


def _encoded(
    document: str, spans: Sequence[Span], claim: str, encode: Encode
) -> Sequence[EncodedPair | None]:
    """Each span as a premise; None for one without tokens, such as a paragraph of invisible characters."""
    pairs = [(document[span.start : span.end], claim) for span in spans]
    try:
        return encode(pairs)
    except TextError:
        return [_encoded_alone(pair, encode) for pair in pairs]


def _encoded_alone(pair: tuple[str, str], encode: Encode) -> EncodedPair | None:
    try:
        return encode([pair])[0]
    except TextError:
        return None


def _pieces(document: str, sentence: Span, claim: str, encode: Encode) -> Iterator[Span]:
    """A sentence that does not fit, as pieces that do; each shares a quarter or more with the one before."""
    start = sentence.start
    while start < sentence.end:
        end = min(sentence.end, start + _SLICE)
        pair = _encoded_alone((document[start:end], claim), encode)
        while pair is not None and pair.truncated is not None:
            read = max(1, min(pair.truncated.read, end - start - 1))
            end = _word_start(document, start + (read + 1) // 2, start + read)
            pair = _encoded_alone((document[start:end], claim), encode)
        if pair is not None:
            yield stripped(document, start, end)
        if end == sentence.end:
            return
        start = end if pair is None else _word_start(document, start + 1, end - int(OVERLAP * (end - start)))


def _word_start(document: str, earliest: int, latest: int) -> int:
    """The last place from `earliest` to `latest` where a word begins; `latest` where there is none."""
    for place in range(latest, earliest, -1):
        if document[place - 1].isspace() and not document[place : place + 1].isspace():
            return place
    return max(latest, earliest)


class Words:
    """Which units of a document hold which words.

    A word is known by its first letters, so that *Sunday* and *Sundays*, *opened* and *opens* are one; each
    letter of a script without spaces is a word. Accents and invisible characters are dropped, as BERT's
    tokenizers drop them: texts that are the same tokens have the same words.
    """

    def __init__(self, document: str, found: Sequence[Span]) -> None:
        self.count = len(found)
        self.holders: dict[str, list[int]] = {}
        for index, (start, end) in enumerate(found):
            for word in _words(document[start:end]):
                self.holders.setdefault(word, []).append(index)

    def relevance(self, claim: str) -> NDArray[np.float64]:
        """How much of a claim each unit speaks of: float64 [units], from 0 to 1.

        The share of the claim's distinct words that occur in the unit, a word weighing the more the fewer
        units hold it (inverse document frequency as in BM25: Robertson and Zaragoza 2009, section 3).
        """
        scores, total = np.zeros(self.count), 0.0
        for word in sorted(_words(claim)):
            places = self.holders.get(word, [])
            weight = float(np.log1p((self.count - len(places) + 0.5) / (len(places) + 0.5)))
            scores[places] += weight
            total += weight
        return scores / total if total else scores


def _words(text: str) -> set[str]:
    letters = unicodedata.normalize("NFD", text).translate(_LETTERS).casefold()
    # Composed again, for what is left of a syllable of Korean shall count as one letter.
    return {word[:_STEM] for word in unicodedata.normalize("NFC", letters).split()}


class _Letters(dict[int, str]):
    """What each character, by its code, is in a word; a space where words are parted. Filled by use."""

    def __missing__(self, code: int) -> str:
        self[code] = _letter(chr(code))
        return self[code]


_LETTERS = _Letters()


def _letter(character: str) -> str:
    kind = unicodedata.category(character)
    if _WORD_BY_ITSELF.match(character) and kind != "Mn":
        return f" {character} "
    if character in "\t\n\r":
        return " "
    if kind in ("Mn", "Cc", "Cf", "Co") or character == "\ufffd":  # accents, soft hyphens: BERT drops them
        return ""
    return character if character.isalnum() or kind in ("Mc", "Me") else " "  # Mc: vowels of Hindi
