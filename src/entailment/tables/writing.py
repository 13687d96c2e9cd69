"""Writing rows to a file that appears when all of them are down: never half a file."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from entailment.errors import DataFileError
from entailment.tables.reading import Row, listed
from entailment.tables.whole import told, whole

WRITABLE = (".jsonl", ".csv")


def check_writable(path: str | Path, formats: Sequence[str] = WRITABLE) -> Path:
    """Refuses an output path that could not be written, before the work whose results go there.

    Args:
        path: the file to write or replace.
        formats: the suffixes it may have; by default those of `write_rows`.

    Raises:
        DataFileError: no name, another suffix, no such folder, no permission to write there.
    """
    if not str(path):
        raise DataFileError("the name of the file to write is empty")
    path = Path(path)
    if path.suffix.lower() not in formats:
        raise DataFileError(f"cannot tell the format of {path}: its name should end in {listed(formats)}")
    if not path.parent.is_dir():
        raise DataFileError(f"cannot write {path}: the folder {path.parent} does not exist")
    if path.is_dir():
        raise DataFileError(f"cannot write {path}: a folder has that name")
    if not os.access(path.parent, os.W_OK):
        raise DataFileError(f"cannot write {path}: the folder {path.parent} is not writable")
    return path


def write_rows(path: str | Path, rows: Iterable[Row], *, columns: Sequence[str] | None = None) -> int:
    """Writes rows as .jsonl or .csv and returns how many. Nothing appears under `path` until all are down.

    Args:
        path: the file to write or replace; a link is followed, and permissions of what was there are kept.
        rows: consumed once, in order; an error it raises is passed on and leaves `path` as it was.
        columns: the header of a .csv file; by default the keys of the first row. Lists and dictionaries
            become JSON in a cell. A .jsonl file needs no header and keeps every row's own keys.

    Raises:
        DataFileError: as `check_writable`; a row whose keys are not the columns; a full disk.
    """
    path = check_writable(path)
    encode = _csv_lines if path.suffix.lower() == ".csv" else _json_lines
    written = 0

    def counted() -> Iterator[Row]:
        nonlocal written
        for row in rows:
            yield row
            written += 1

    with whole(path) as partial, _opened(partial, path) as file:
        for line in encode(counted(), columns, path):
            _put(file, line, path)
    return written


def json_line(row: object, *, ascii_only: bool = False) -> str:
    """One value as one line of JSON, without the line feed; infinities and NaN are refused."""
    return json.dumps(row, ensure_ascii=ascii_only, allow_nan=False)


def _json_lines(rows: Iterator[Row], columns: Sequence[str] | None, path: Path) -> Iterator[str]:
    del columns, path  # every line says its own
    for row in rows:
        yield json_line(row) + "\n"


def _csv_lines(rows: Iterator[Row], columns: Sequence[str] | None, path: Path) -> Iterator[str]:
    sink = _Line()
    # Every text is quoted: a lone carriage return inside one would otherwise end the record for most readers.
    writer = csv.writer(sink, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    if columns is not None:
        writer.writerow(columns)
        yield sink.text
    for number, row in enumerate(rows, start=1):
        if columns is None:
            columns = list(row)
            writer.writerow(columns)
            yield sink.text
        if set(row) != set(columns):
            raise DataFileError(
                f"{path}: row {number} has columns {listed(list(row))}, not {listed(columns)}"
            )
        writer.writerow([_cell(row[column]) for column in columns])
        yield sink.text


def _cell(value: object) -> object:
    return json_line(value) if isinstance(value, (list, tuple, dict)) else value


class _Line:
    """What csv.writer needs of a file: it keeps the last record written."""

    text = ""

    def write(self, text: str) -> int:
        self.text = text
        return len(text)


@contextmanager
def _opened(partial: Path, path: Path) -> Iterator[IO[str]]:
    with told(path):
        file = partial.open("w", encoding="utf-8", newline="")
    try:
        yield file
        with told(path):
            file.flush()
    finally:
        with suppress(OSError):  # of what could not be written before
            file.close()


def _put(file: IO[str], text: str, path: Path) -> None:
    try:
        with told(path):
            file.write(text)
    except UnicodeEncodeError as error:
        raise DataFileError(
            f"{path}: half a surrogate pair cannot be written ({error.object[error.start]!r})"
        ) from None
