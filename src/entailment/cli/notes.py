"""What a person is told beside the answers: all of it on stderr, so that stdout stays data."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from entailment.cli.streams import forget


def note(text: str) -> None:
    """Something worth knowing that is no error: one line."""
    say(f"entail: note: {one_line(text)}")


def complain(text: str) -> None:
    """An error: one line."""
    say(f"entail: error: {one_line(text)}")


def say(text: str) -> None:
    """Text on stderr. Where nobody can read it, the answers still matter."""
    try:
        click.echo(text, err=True)
    except OSError:
        forget(sys.stderr)


class _NoteHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        note(record.getMessage())


@contextmanager
def library_notes() -> Iterator[None]:
    """What the library logs, and what any library warns of, as notes on stderr."""
    logger, handler = logging.getLogger("entailment"), _NoteHandler(logging.WARNING)
    logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: note(str(message))
            yield
    finally:
        logger.removeHandler(handler)


def one_line(text: str) -> str:
    """White space of any kind to single blanks; other control characters and half surrogates made visible."""
    text = " ".join(text.split())
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


@contextmanager
def progress(unit: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Counts along on a terminal, and says nothing where stderr is a file or a pipe.

    Yields a function to call with the number of `unit`s just done.
    """
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn(unit), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(unit, total=total)
        yield lambda done: bar.advance(task, done)
