"""One request's pairs on their way through the model: a job, cut into pieces that fit into a batch."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import TypeVar

import numpy as np

from entailment.checkpoint.config import Attention
from entailment.runtime.batches import Work, by_premise, split
from entailment.runtime.engine import Logits
from entailment.text.pairs import EncodedPair

Outcome = TypeVar("Outcome")


@dataclass(frozen=True, eq=False)
class Piece:
    """What goes into a batch as a whole: pairs of one job, those of one text together.

    Attributes:
        job: whose they are.
        indices: of the pairs in the job.
        tokens: that are computed for them.
    """

    job: Job
    indices: Sequence[int]
    tokens: int

    def pairs(self) -> list[EncodedPair]:
        """The pairs themselves."""
        return [self.job.pairs[index] for index in self.indices]


@dataclass(eq=False)
class Job:
    """Pairs that somebody waits for.

    Attributes:
        pairs: as encoded.
        deadline: by `time.monotonic`; after it no worker begins a piece.
        result: the logits [N, K], or why there are none. Cancelling it takes the job out of the queue.
        waiting: the pieces no worker has taken.
        tokens: of all pieces.
        suspect: a worker died on it; it runs alone from now on.
        submitted, begun, finished: by `time.monotonic`; `begun` and `finished` are None until then.
    """

    pairs: Sequence[EncodedPair]
    deadline: float
    result: Future[Logits]
    waiting: deque[Piece] = field(default_factory=deque)
    tokens: int = 0
    suspect: bool = False
    submitted: float = field(default_factory=time.monotonic)
    begun: float | None = None
    finished: float | None = None
    _lock: Lock = field(default_factory=Lock)
    _logits: Logits | None = None
    _answered: set[Piece] = field(default_factory=set)
    _missing: int = 0

    def __post_init__(self) -> None:
        self._missing = len(self.pairs)

    def answer(self, piece: Piece, logits: Logits) -> None:
        """Takes the logits of a piece; the last one completes the result. From any thread."""
        with self._lock:
            if self._logits is None:
                self._logits = np.empty((len(self.pairs), logits.shape[1]), dtype=np.float32)
            self._logits[list(piece.indices)] = logits
            self._answered.add(piece)
            self._missing -= len(piece.indices)
            complete = not self._missing
            whole = self._logits
        if complete:
            self.finished = time.monotonic()
            self._settle(self.result.set_result, whole)

    def lacks(self, piece: Piece) -> bool:
        """Whether somebody still waits for this piece."""
        return piece not in self._answered and not self.result.done()

    def fail(self, error: BaseException) -> None:
        """Ends the job with an error; what still waits is never run."""
        self._settle(self.result.set_exception, error)

    def _settle(self, settle: Callable[[Outcome], None], outcome: Outcome) -> None:
        with suppress(InvalidStateError):  # cancelled, or failed in another piece: nobody waits for it
            settle(outcome)


def new_job(
    pairs: Sequence[EncodedPair], attention: Attention, result: Future[Logits], *, most: int, deadline: float
) -> Job:
    """A job with its pieces, of `most` tokens each unless a single pair has more; one pair at least."""
    job = Job(pairs, deadline, result)
    for indices, tokens in _joined(_works(pairs, attention, most), most):
        job.waiting.append(Piece(job, indices, tokens))
        job.tokens += tokens
    return job


def _works(pairs: Sequence[EncodedPair], attention: Attention, most: int) -> Iterator[Work]:
    """What cannot be cut, or only at a price: a pair, or as many hypotheses of one premise as fit."""
    if attention == "prefix":
        for group in by_premise(pairs):
            yield from split(pairs, group, most)
        return
    for index, pair in enumerate(pairs):
        length = len(pair.premise) + len(pair.hypothesis)
        yield Work([index], length, length, 0)


def _joined(works: Iterable[Work], most: int) -> Iterator[tuple[list[int], int]]:
    """Neighbours together, as many as fit."""
    indices: list[int] = []
    tokens = 0
    for work in works:
        if indices and tokens + work.tokens > most:
            yield indices, tokens
            indices, tokens = [], 0
        indices.extend(work.pairs)
        tokens += work.tokens
    if indices:
        yield indices, tokens
