"""Where answers go: a file, lines of JSON, or a table for a person."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import click

from entailment.cli.notes import note, progress
from entailment.errors import DataFileError
from entailment.tables import Row, check_writable, json_line, write_rows
from entailment.tables.reading import counted

Answer = TypeVar("Answer")

STDIN = "-"


@dataclass(frozen=True)
class Form(Generic[Answer]):
    """How a command's answers look in each place.

    Attributes:
        unit: what is counted, e.g. ``"texts"``.
        row: an answer as the object of a line of JSON.
        columns: the header of a .csv file.
        cells: an answer as a row of it.
        show: prints answers for a person, as they come.
    """

    unit: str
    row: Callable[[Answer], Row]
    columns: Sequence[str]
    cells: Callable[[Answer], Row]
    show: Callable[[Iterable[Answer]], None]


def check_output(output: Path | None, *sources: str | Path | None) -> None:
    """Refuses an --output before the work whose answers go there; None is none.

    Args:
        output: the file to write.
        sources: the files to read; "-" is standard input.

    Raises:
        DataFileError: it cannot be written, or is one of the sources, whose rows would be lost.
    """
    if output is None:
        return
    check_writable(output)
    for source in sources:
        if source is not None and _same_file(output, source):
            raise DataFileError(f"--output {output} is the file that is read; name another")


def _same_file(path: Path, source: str | Path) -> bool:
    try:
        return os.path.samestat(path.stat(), os.stat(0 if source == STDIN else source))  # noqa: PTH116  # by number
    except OSError:  # one of them is not there
        return False


def deliver(
    answers: Iterable[Answer], form: Form[Answer], *, output: Path | None, as_json: bool, many: bool
) -> None:
    """Sends answers to `output`, to stdout as JSON, or to stdout for a person.

    `many` tells answers to a file, without end perhaps, from answers to texts typed in: with it, a pipe gets
    lines of JSON.
    """
    if output is not None:
        shape = form.cells if output.suffix.lower() == ".csv" else form.row
        with progress(form.unit) as advance:
            rows = (shape(answer) for answer in _counted(answers, advance))
            count = write_rows(output, rows, columns=form.columns)
        note(f"{counted(count, form.unit.removesuffix('s'))} answered in {output}")
    elif as_json or (many and not sys.stdout.isatty()):
        with progress(form.unit) as advance:
            for answer in answers if sys.stdout.isatty() else _counted(answers, advance):
                print_json(form.row(answer))
    else:
        form.show(answers)


def print_json(value: object) -> None:
    """One line of JSON on stdout; escaped where stdout is not UTF-8, so that it stays valid."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    click.echo(json_line(value, ascii_only=encoding != "utf8"))


def _counted(answers: Iterable[Answer], advance: Callable[[int], None]) -> Iterator[Answer]:
    for answer in answers:
        yield answer
        advance(1)
