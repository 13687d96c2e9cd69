"""Which sentences of a document may speak of a claim: found by shared words, before any model reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from entailment.errors import TextError
from entailment.tasks.model import PairModel
from entailment.tasks.sentences import Span, split_sentences
from entailment.tasks.windows import Words, units, windows

if TYPE_CHECKING:
    from entailment.text.pairs import EncodedPair

RELEVANT = 0.7  # of the relevance of the most relevant sentence; from 0.6 to 1 it matters little


@dataclass(frozen=True)
class Reading:
    """One sentence that may speak of a claim, and the window around it; the two may be the same."""

    claim: int
    sentence: Span
    window: Span


def locate(
    document: str, claims: Sequence[str], model: PairModel, allow: Callable[[int], object] | None = None
) -> list[Reading]:
    """The readings of every claim, one at least, claim by claim.

    Those of a claim do not depend on the others: only claims that leave a text the same room in the model
    share sentences and windows, or any where every sentence fits beside the longest.

    Args:
        document: any text.
        claims: one at least.
        model: only its encoder is used.
        allow: called for each claim with the least number of pairs that it and those before it need; claims
            that leave least room come first. What it raises ends the search.

    Raises:
        TextError: a claim too long for the model, or a document without a readable character.
    """
    heads = model.encode([(".", claim) for claim in claims], lambda index: f"claim {index + 1}")
    sentences = set(split_sentences(document))
    found: list[Span] | None = None
    readings: list[Reading] = []
    count = 0
    for group in _groups(heads, getattr(model.encoder, "hypothesis_reserve", 0)):
        longest = claims[group[0]]
        if found is None or not sentences.issuperset(found):  # with more room, pieces would be longer
            found = units(document, longest, model.encode)
            words = Words(document, found)
        if not found:
            raise TextError("the document holds no text: none of its characters is a token of the model")
        relevant = {}
        for claim in group:
            relevant[claim] = _relevant(words.relevance(claims[claim]))
            count += len(relevant[claim])  # each will be a pair, and so may the window around it
            if allow is not None:
                allow(count)
        around = windows(document, found, longest, model.encode, sorted(set().union(*relevant.values())))
        readings += (
            Reading(claim, found[index], around[index])
            for claim, indices in relevant.items()
            for index in indices
        )
    return sorted(readings, key=lambda reading: reading.claim)


def _groups(heads: Sequence[EncodedPair], reserve: int) -> Iterator[list[int]]:
    """Claims by the room they take, the most first; what takes no more than the reserve takes that."""
    groups: dict[int, list[int]] = {}
    for claim, head in enumerate(heads):
        groups.setdefault(max(len(head.hypothesis) - 1, reserve), []).append(claim)
    for room in sorted(groups, reverse=True):
        yield groups[room]


def _relevant(scores: NDArray[np.float64]) -> list[int]:
    return np.flatnonzero(scores >= RELEVANT * scores.max()).tolist()
