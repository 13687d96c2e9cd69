"""Writing rows to a temporary neighbour, which takes the final name when it is whole: never half a file."""

from __future__ import annotations

import csv
import json
import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from entailment.errors import DataFileError
from entailment.tables.reading import Row, listed

WRITABLE = (".jsonl", ".csv")


def check_writable(path: str | Path) -> Path:
    """Refuses an output path that `write_rows` could not write, before the work whose results go there.

    Raises:
        DataFileError: no name, a suffix other than .jsonl or .csv, no such folder, no permission to write
            there.
    """
    if not str(path):
        raise DataFileError("the name of the file to write is empty")
    path = Path(path)
    if path.suffix.lower() not in WRITABLE:
        raise DataFileError(f"cannot tell the format of {path}: its name should end in {listed(WRITABLE)}")
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

    with _replacing(path) as file:
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
def _replacing(path: Path) -> Iterator[IO[str]]:
    """A text file beside `path` that takes its name at the end, or vanishes if anything goes wrong before."""
    target = path.resolve()
    partial = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}.partial")
    try:  # before the file is there: a signal may come right after
        with _told(path):
            file = partial.open("x", encoding="utf-8", newline="")
        with file:
            # Who could not read the old file cannot read the new one.
            with _told(path), suppress(FileNotFoundError):
                partial.chmod(stat.S_IMODE(target.stat().st_mode))
            yield file
            _put(file, "", path, durable=True)
        with _told(path):
            partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _put(file: IO[str], text: str, path: Path, *, durable: bool = False) -> None:
    try:
        with _told(path):
            file.write(text)
            if durable:
                file.flush()
                os.fsync(file.fileno())
    except UnicodeEncodeError as error:
        raise DataFileError(
            f"{path}: half a surrogate pair cannot be written ({error.object[error.start]!r})"
        ) from None


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What the system refuses inside is an error about the file that the user named."""
    try:
        yield
    except OSError as error:
        raise DataFileError(f"cannot write {path}: {error.strerror or error}") from None
