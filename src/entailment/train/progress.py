"""The bar of a run, on stderr: loss, rate, real tokens per second, time left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Bar:
    """What `shown` gives to write on; the one of a process that is not the main one shows nothing."""

    def __init__(self, progress: Progress | None, total: int, step: int) -> None:
        self._progress = progress
        self._task = progress.add_task("training", total=total, completed=step, note="") if progress else None

    def at(self, step: int, *, loss: float, rate: float, tokens_per_second: float) -> None:
        """Show where the run is."""
        if self._progress is not None and self._task is not None:
            note = f"loss {loss:.3f}  rate {rate:.2e}  {tokens_per_second:,.0f} tokens/s"
            self._progress.update(self._task, completed=step, note=note)

    def evaluated(self, step: int, total: int, measures: Mapping[str, float]) -> None:
        """Leave a line about an evaluation above the bar."""
        if self._progress is not None:
            named = "  ".join(f"{name} {value:.4f}" for name, value in measures.items())
            self._progress.console.print(f"step {step} of {total}  {named}", highlight=False)


@contextmanager
def shown(total: int, step: int, *, visible: bool) -> Iterator[Bar]:
    """A bar for a run of `total` steps that begins, or goes on, at `step`."""
    if not visible:
        yield Bar(None, total, step)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield Bar(progress, total, step)
