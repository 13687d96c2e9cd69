"""How a run is set: threads, rounds, texts, and where things lie."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.interleave import Clock, Pass, interleave

ROOT = Path(__file__).parents[1]
DATA = "ENTAILMENT_DATA"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Settings:
    """What every group is given.

    Attributes:
        threads: of every competitor.
        rounds: that count.
        quick: few texts and the first sizes of everything, to see that it all works.
        data: the data folder, or None for texts made up.
        work: where checkpoints and conversions are kept between runs.
        clock: wall time, or processor time on a machine that does other work.
        say: shows what is being done.
    """

    threads: int
    rounds: int
    quick: bool
    data: Path | None
    work: Path
    clock: Clock = time.perf_counter
    say: Say = print

    def several(self, many: int) -> int:
        """So many texts or calls; few of them in a quick run."""
        return max(2, many // 8) if self.quick else many

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """Those that the fastest is looked for among."""
        return (1, 8) if self.quick else (1, 8, 16, 32)

    @property
    def sample(self) -> int:
        """With how many pairs it is looked for."""
        return 8 if self.quick else 32

    def measure(self, title: str, passes: Mapping[str, Pass]) -> dict[str, tuple[float, ...]]:
        """Time passes in interleaved rounds."""
        return interleave(
            passes,
            rounds=self.rounds,
            clock=self.clock,
            watch=lambda name, number: self.say(f"{title}: round {number} of {self.rounds} · {name}"),
        )


def data_folder() -> Path | None:
    """The folder that ENTAILMENT_DATA names, else ../shared/data if it is there."""
    named = os.environ.get(DATA)
    if named:
        return Path(named)
    beside = ROOT.parent / "shared" / "data"
    return beside if beside.is_dir() else None
