"""Natural language inference: does a premise entail, contradict or leave open a hypothesis?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import NDArray

from entailment.checkpoint.calibration import UNCALIBRATED, Calibration
from entailment.errors import TextError
from entailment.tasks.chunks import Notes, check_chunk_size, chunked, pair_cost
from entailment.tasks.lists import refuse_unordered
from entailment.tasks.model import PairModel, as_model
from entailment.tasks.scores import softmax

if TYPE_CHECKING:
    from entailment.checkpoint.labels import LabelOrder
    from entailment.runtime.engine import Precision
    from entailment.tasks.premise import Premise
    from entailment.text.pairs import EncodedPair, Truncation


@dataclass(frozen=True)
class NLIResult:
    """The answer to one pair.

    Attributes:
        label: the most probable class: entailment, neutral or contradiction; of a two-class model, entailment
            or not_entailment.
        scores: probability of each class by name, in the order of the model's logits; they sum to 1.
        truncated: how many characters of the premise the model read, and how many it has; None if it read
            all.
    """

    label: str
    scores: dict[str, float]
    truncated: Truncation | None = None


class NLI:
    """Answers pairs of premise and hypothesis.

    >>> nli = NLI()
    >>> nli("A man plays the guitar.", "Someone makes music.").label
    'entailment'

    Args:
        model: a folder, a hub name, a `PairModel` already open, or None for the model in the package.
        label_order, threads, max_length, precision: as in `load_model`.
    """

    def __init__(
        self,
        model: str | Path | PairModel | None = None,
        *,
        label_order: Sequence[str] | None = None,
        threads: int | None = None,
        max_length: int | None = None,
        precision: Precision | None = None,
    ) -> None:
        self.model = as_model(
            model, label_order=label_order, threads=threads, max_length=max_length, precision=precision
        )

    @overload
    def __call__(self, premise: str, hypothesis: str) -> NLIResult: ...
    @overload
    def __call__(self, premise: Iterable[tuple[str, str]]) -> list[NLIResult]: ...
    def __call__(
        self, premise: str | Iterable[tuple[str, str]], hypothesis: str | None = None
    ) -> NLIResult | list[NLIResult]:
        """Answer one pair, ``nli(premise, hypothesis)``, or many, ``nli([(premise, hypothesis), ...])``.

        Raises:
            TextError: an empty text, something that is not a pair of texts, or a hypothesis too long for the
                model.
            NonFiniteLogitsError: the model answered NaN or infinity.
        """
        if isinstance(premise, str):
            if hypothesis is None:
                raise TextError(
                    "nli(premise, hypothesis) needs both; for many pairs give a list of (premise, hypothesis)"
                )
            return next(self.stream([(premise, hypothesis)]))
        if hypothesis is not None:
            raise TextError(
                "give either two texts or one list of (premise, hypothesis) pairs, not a list and a text"
            )
        return list(self.stream(premise))

    def premise(self, text: str) -> Premise:
        """Open one text for several calls, which read it once: ``with nli.premise(text) as premise``.

        Raises:
            TextError: the text is empty.
        """
        from entailment.tasks.premise import Premise  # Here, for it knows this class.

        return Premise(self.model, text)

    def stream(
        self, pairs: Iterable[tuple[str, str]], *, chunk_size: int = 512, notes: Notes | None = None
    ) -> Iterator[NLIResult]:
        """Yield the answers to any number of pairs, in order and in bounded memory.

        Args:
            pairs: (premise, hypothesis); read `chunk_size` at a time.
            chunk_size: pairs sorted by length and run together; it changes speed and delay, never an answer.
            notes: says what is to be noted; None: the logger does, to a reader who has the answers.
        """
        notes = Notes(fields=True) if notes is None else notes
        return self._stream(check_pairs(pairs), notes, check_chunk_size(chunk_size))

    def _stream(self, pairs: Iterator[tuple[str, str]], notes: Notes, chunk_size: int) -> Iterator[NLIResult]:
        order = self.model.order
        number = 0
        for chunk in chunked(pairs, chunk_size, pair_cost):
            encoded, logits = self.model.run(chunk, count_from(number + 1, "pair"))
            for result in nli_results(encoded, logits, order, self.model.calibration):
                number += 1
                note_truncation(notes, f"the premise of pair {number}", result.truncated)
                yield result


def nli_results(
    encoded: Sequence[EncodedPair],
    logits: NDArray[np.float32],
    order: LabelOrder,
    calibration: Calibration = UNCALIBRATED,
) -> Iterator[NLIResult]:
    """One answer per pair, from the pairs as the model read them and their logits [N, K]."""
    for pair, row in zip(encoded, softmax(calibration.of_pairs(logits, order.names)), strict=True):
        yield NLIResult(
            label=order.names[int(row.argmax())],
            scores=dict(zip(order.names, row.tolist(), strict=True)),
            truncated=pair.truncated,
        )


def count_from(first: int, what: str) -> Callable[[int], str]:
    """Names of a chunk's items by their index in it, e.g. "pair 513" for index 0 of a second chunk."""
    return lambda index: f"{what} {first + index}"


def check_pairs(pairs: Iterable[object]) -> Iterator[tuple[str, str]]:
    """The pairs, each checked when it is read; TextError for what is none, or not a list of them."""
    refuse_unordered(pairs, "pairs")
    if isinstance(pairs, (str, bytes)) or not isinstance(pairs, Iterable):
        raise TextError(f"pairs must be a list of (premise, hypothesis), not {type(pairs).__name__}")
    return (check_pair(pair, row) for row, pair in enumerate(pairs, start=1))


def check_pair(pair: object, row: int) -> tuple[str, str]:
    """Return `pair` as a tuple of two texts that are not blank, or raise TextError with its row (from 1)."""
    if (
        not isinstance(pair, (tuple, list))
        or len(pair) != 2
        or not all(isinstance(text, str) for text in pair)
    ):
        raise TextError(f"pair {row} is not a pair of texts (premise, hypothesis): {pair!r:.100}")
    premise, hypothesis = pair
    for name, text in (("premise", premise), ("hypothesis", hypothesis)):
        if not text.strip():
            raise TextError(f"the {name} of pair {row} is empty")
    return premise, hypothesis


def note_truncation(notes: Notes, what: str, truncated: Truncation | None) -> None:
    """Say once per call that a text was cut."""
    if truncated is not None:
        note_cut(notes, what, truncated.read, truncated.total)


def note_cut(notes: Notes, what: str, read: int, total: int) -> None:
    """The note of `note_truncation`, for a cut given in characters."""
    others = "the field `truncated` of each answer says so, " if notes.fields else ""
    notes.say(
        "truncation",
        f"{what} is longer than the model reads: {read:,} of {total:,} characters "
        f"were read; {others}this note comes once",
    )
