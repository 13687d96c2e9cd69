"""How far a job is: a bar on a terminal; elsewhere a note now and then, for whoever reads the log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from entailment.cli.notes import note

if TYPE_CHECKING:
    from entailment.scale import Progress

Tell = Callable[["Progress"], None]

NOTE_SECONDS = 60.0


@contextmanager
def job_progress() -> Iterator[Tell]:
    """Yields what `run_job` takes as `progress`."""
    if not sys.stderr.isatty():
        yield _Notes()
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"))
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None, told="")
        speed = _Speed()

        def tell(progress: Progress) -> None:
            doing = "reading" if progress.reading else "answering"
            told = speed.told(progress)
            bar.update(task, description=doing, completed=progress.done, total=progress.total, told=told)

        yield tell


class _Notes:
    """A note a minute, the first after a minute: who looks only at the end reads nothing but that."""

    def __init__(self) -> None:
        self._speed = _Speed()
        self._last = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        told = self._speed.told(progress)
        if time.monotonic() - self._last >= NOTE_SECONDS:
            self._last = time.monotonic()
            note(told)


class _Speed:
    """Rows a second since answering began, and the time that is left at that rate."""

    def __init__(self) -> None:
        self._begun: float | None = None

    def told(self, progress: Progress) -> str:
        """One line, e.g. ``"120,000 of 3,000,000 rows, 95.1 rows/s, 8 h 24 min left"``."""
        if progress.reading or progress.total is None:
            return f"{progress.done:,} rows read"
        if self._begun is None:
            self._begun = time.monotonic()
        told = f"{progress.done:,} of {progress.total:,} rows"
        seconds = time.monotonic() - self._begun
        if not progress.fresh or seconds <= 0:
            return told
        rate = progress.fresh / seconds
        return f"{told}, {rate:,.1f} rows/s, {duration((progress.total - progress.done) / rate)} left"


def duration(seconds: float) -> str:
    """As a person says it: ``"40 s"``, ``"12 min"``, ``"8 h 24 min"``, ``"3 d 4 h"``."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"
