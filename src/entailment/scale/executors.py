"""The one protocol between a job and what computes it: parts in, finished parts out; and the plainest."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from entailment.scale.inputs import Parts
from entailment.scale.worker import Setup, Worker


@dataclass(frozen=True)
class Finished:
    """A part whose file is there.

    Attributes:
        number: of the part.
        rows: how many it has.
        notes: what is to be noted, by kind.
    """

    number: int
    rows: int
    notes: dict[str, str] = field(default_factory=dict)


class Executor(Protocol):
    """Computes parts: in this process, in several, or on a cluster."""

    @property
    def threads(self) -> int | None:
        """How many threads a worker should compute with, where nobody says; None: as many as processors."""

    def check(self) -> None:
        """See that it can begin, before anything is read; MissingExtraError or InputError."""

    def run(
        self, setup: Setup, parts: Parts, worker: Worker, told: Callable[[int], None]
    ) -> Generator[Finished, None, None]:
        """Computes the wanted parts, in any order, and writes them to the folder of the job.

        Closed, it ends what it has begun; a part in hand is given up.

        Args:
            setup: all that a worker needs, in whichever process.
            parts: the wanted ones are computed.
            worker: one of this process, with its model open.
            told: of rows just answered, in parts that are not finished yet, so far as it hears of them.

        Raises:
            EntailmentError: what a worker raised.
            WorkerDiedError: one has ended in the middle of its work.
        """


@dataclass(frozen=True)
class Here:
    """Computes in this process, one part after the other: a single model uses all processors."""

    threads: ClassVar[int | None] = None

    def check(self) -> None:
        """As `Executor`: it always can."""

    def run(
        self, setup: Setup, parts: Parts, worker: Worker, told: Callable[[int], None]
    ) -> Generator[Finished, None, None]:
        """As `Executor`."""
        del setup  # the worker has it
        for part in parts:
            yield Finished(part.number, len(part.rows), worker.finish(part, told))
