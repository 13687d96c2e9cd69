"""Reading rows, streaming, so that a file may be larger than memory.

What cannot be read to the letter is refused with the line it is on, never skipped or repaired: a skipped row
would shift every answer after it.
"""

from __future__ import annotations

import csv
import itertools
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from entailment.errors import DataFileError, MissingExtraError

READABLE = (".txt", ".jsonl", ".csv", ".parquet")

Row = dict[str, object]
Reader = Callable[[Path, tuple[str, ...] | None], Iterator[Row]]  # of a file, with these columns or all

# The csv module stops at 128 KiB a field. Ours ends only where a quote was surely never closed.
_CSV_FIELD_LIMIT = 64 * 1024 * 1024
_PARQUET_BATCH_ROWS = 1024
_UTF8_BOM = b"\xef\xbb\xbf"
_CONVERT = (
    "a line should end with a line feed, so convert the file if carriage returns end its lines: "
    "tr '\\r' '\\n' < OLD > NEW"
)


def read_rows(
    path: str | Path, *, columns: Sequence[str] | None = None, format: str | None = None
) -> Iterator[Row]:
    """Yields the rows of a file in order, streaming.

    Args:
        path: a .txt file (one text a line, read as column ``text``), .jsonl (one object a line), .csv (a
            header, then rows; values are strings) or .parquet. ``"-"`` reads standard input: JSON lines if
            its first line that is not blank begins with ``{``, else one text a line, also of CSV.
        columns: keep these columns only, and refuse a file that lacks one; None keeps all.
        format: one of the suffixes, for a file whose name does not say; ignored for standard input.

    Raises:
        DataFileError: no such file, no name, an unknown suffix, a missing column, a broken line, a key twice
            in an object, a carriage return inside a line, bytes not UTF-8, a NUL character in a text.
        MissingExtraError: a .parquet file without pyarrow installed.
    """
    wanted = None if columns is None else tuple(columns)
    if str(path) == "-":
        return _without_nul(_stdin_rows(wanted), "standard input")
    return _without_nul(_reader_of(path, format)(Path(path), wanted), str(path))


def columns_of(path: str | Path) -> tuple[str, ...] | None:
    """The columns of the first row of a file; None where it holds no rows. Of .parquet no value is read.

    Raises:
        DataFileError, MissingExtraError: as `read_rows` does.
    """
    reader = _reader_of(path, None)
    if reader is _parquet_rows:
        return _parquet_columns(Path(path))
    first = next(reader(Path(path), None), None)
    return None if first is None else tuple(first)


def _reader_of(path: str | Path, format: str | None) -> Reader:
    if not str(path):
        raise DataFileError("the name of the file to read is empty")
    path = Path(path)
    reader = _READERS.get(format or path.suffix.lower())
    if reader is None:
        raise DataFileError(f"cannot tell the format of {path}: its name should end in {listed(READABLE)}")
    if not path.exists():
        raise DataFileError(f"no such file: {path}")
    if path.is_dir():
        raise DataFileError(f"{path} is a folder, not a file")
    return reader


def _text_rows(path: Path, wanted: tuple[str, ...] | None) -> Iterator[Row]:
    with _opened(path) as file:
        yield from _rows_of_text(file, str(path), wanted)


def _json_rows(path: Path, wanted: tuple[str, ...] | None) -> Iterator[Row]:
    with _opened(path) as file:
        yield from _rows_of_json(file, str(path), wanted)


def _stdin_rows(wanted: tuple[str, ...] | None) -> Iterator[Row]:
    if sys.stdin is None:  # it was closed before this process began
        return
    file: Iterable[bytes] = sys.stdin.buffer
    read: list[bytes] = []
    start = b""  # of the first line that is not blank
    for line in file:
        start = (line if read else line.removeprefix(_UTF8_BOM)).strip()
        read.append(line)
        if start:
            break
    if not read:
        return
    if start == b"[" or start.startswith(b"[{"):
        raise DataFileError("standard input begins a JSON array; write one JSON object {...} a line")
    rows_of = _rows_of_json if start.startswith(b"{") else _rows_of_text
    yield from rows_of(itertools.chain(read, file), "standard input", wanted)


def _rows_of_text(file: Iterable[bytes], name: str, wanted: tuple[str, ...] | None) -> Iterator[Row]:
    _require_columns(wanted, ["text"], f"{name} is plain text and")
    empty = 0  # empty lines so far: rows of their own, unless nothing but the end of the file follows
    for number, line in _decoded(file, name):
        text = line.rstrip("\r\n")
        if "\r" in text:
            raise DataFileError(f"{name}, line {number}: a carriage return inside the line; {_CONVERT}")
        if not text:
            empty += 1
            continue
        for _ in range(empty):
            yield _picked({"text": ""}, wanted)
        empty = 0
        yield _picked({"text": text}, wanted)


def _rows_of_json(file: Iterable[bytes], name: str, wanted: tuple[str, ...] | None) -> Iterator[Row]:
    for number, line in _decoded(file, name):
        if not line.strip():
            continue
        try:
            row = _JSON.decode(line)
        except json.JSONDecodeError as error:
            why = f"{error.msg} at column {error.colno}"
            raise DataFileError(f"{name}, line {number}: not valid JSON ({why})") from None
        except (ValueError, RecursionError) as error:  # `_once`; 5,000 digits; brackets nested too deep
            raise DataFileError(f"{name}, line {number}: JSON that cannot be read ({error})") from None
        if not isinstance(row, dict):
            kind = type(row).__name__
            raise DataFileError(f"{name}, line {number}: expected a JSON object {{...}}, found {kind}")
        _require_columns(wanted, list(row), f"{name}, line {number}")
        yield _picked(row, wanted)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object of JSON; ValueError for a key that is there twice, the last of which would win silently."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, _ in pairs if [other for other, _ in pairs].count(name) > 1)
        raise ValueError(f"the key {twice!r:.60} is there twice; leave one out")
    return found


_JSON = json.JSONDecoder(object_pairs_hook=_once)


def _csv_rows(path: Path, wanted: tuple[str, ...] | None) -> Iterator[Row]:
    # The limit is one number for the whole process; it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), _CSV_FIELD_LIMIT))
    with _opened(path) as file:
        reader = csv.reader((line for _, line in _decoded(file, str(path))), strict=True)
        header = _next_record(reader, path)
        while header == []:
            header = _next_record(reader, path)
        if header is None:
            raise DataFileError(f"{path} is empty: a .csv file begins with a line naming its columns")
        _require_columns(wanted, header, str(path))
        for column in header if wanted is None else wanted:
            if header.count(column) > 1:
                raise DataFileError(
                    f"{path} has {header.count(column)} columns named {column!r}; rename all but one"
                )
        empty = 0  # as in a text file, where one column is all there is; else empty lines part the others
        while (record := _next_record(reader, path)) is not None:
            if not record:
                empty += len(header) == 1
                continue
            for _ in range(empty):
                yield _picked({header[0]: ""}, wanted)
            empty = 0
            if len(record) != len(header):
                raise DataFileError(
                    f"{path}, line {reader.line_num}: {counted(len(record), 'field')}, but the header has "
                    f"{len(header)}"
                )
            yield _picked(dict(zip(header, record, strict=True)), wanted)


def _next_record(reader: Iterator[list[str]], path: Path) -> list[str] | None:
    try:
        return next(reader, None)
    except csv.Error as error:
        where = f"{path}, line {getattr(reader, 'line_num', '?')}"
        if "new-line character" in str(error):  # what is said further is advice on Python's `open`
            raise DataFileError(f"{where}: a carriage return outside quotes; {_CONVERT}") from None
        raise DataFileError(f"{where}: not valid CSV ({error}); is a quote left open?") from None


def _parquet_rows(path: Path, wanted: tuple[str, ...] | None) -> Iterator[Row]:
    with _opened_parquet(path) as file:
        names = list(file.schema_arrow.names)
        _require_columns(wanted, names, str(path))
        for column in names if wanted is None else wanted:
            if names.count(column) > 1:
                raise DataFileError(f"{path} has {names.count(column)} columns named {column!r}")
        for batch in file.iter_batches(_PARQUET_BATCH_ROWS, columns=None if wanted is None else list(wanted)):
            yield from batch.to_pylist()


def _parquet_columns(path: Path) -> tuple[str, ...] | None:
    with _opened_parquet(path) as file:
        return tuple(file.schema_arrow.names) if file.metadata.num_rows else None


@contextmanager
def _opened_parquet(path: Path) -> Iterator[Any]:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ModuleNotFoundError:
        raise MissingExtraError("pyarrow", extra="parquet", purpose=f"reading {path}") from None
    try:
        with parquet.ParquetFile(path) as file:
            yield file
    except DataFileError:  # a ValueError, too
        raise
    # The last two: bytes that are no text, a date in the year 20000, which Python's own cannot hold.
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise DataFileError(f"{path} cannot be read as Parquet: {_one_line(error)}") from None


_READERS: dict[str, Reader] = {
    ".txt": _text_rows,
    ".jsonl": _json_rows,
    ".csv": _csv_rows,
    ".parquet": _parquet_rows,
}


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise DataFileError(f"cannot read {path}: {error.strerror or error}") from None


def _decoded(file: Iterable[bytes], name: str) -> Iterator[tuple[int, str]]:
    """Numbered lines as text. A line feed alone ends one: texts may hold any other separator of lines."""
    for number, line in enumerate(file, start=1):
        if number == 1:
            line = line.removeprefix(_UTF8_BOM)
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            byte = line[error.start]
            raise DataFileError(
                f"{name}, line {number}: byte 0x{byte:02x} is not UTF-8; convert the file"
            ) from None
        refuse_nul(text, f"{name}, line {number}")
        yield number, text


def refuse_nul(text: str, where: str) -> None:
    """Refuses what decodes as UTF-8 and is none, as UTF-16 of English text is; DataFileError."""
    if "\0" in text:
        raise DataFileError(f"{where}: a NUL byte; this is not a UTF-8 text file")


def _without_nul(rows: Iterator[Row], name: str) -> Iterator[Row]:
    """The same rows. JSON and Parquet can hold a NUL character, and no file of text that it is written to."""
    for number, row in enumerate(rows, start=1):
        for column, value in row.items():
            if isinstance(value, str) and "\0" in value:
                raise DataFileError(f"{name}, row {number}: {column} holds a NUL character; take it out")
        yield row


def _require_columns(wanted: tuple[str, ...] | None, there: Sequence[str], where: str) -> None:
    for column in wanted or ():
        if column not in there:
            raise DataFileError(f"{where} has no column {column!r}; it has {listed(there)}")


def _picked(row: Row, wanted: tuple[str, ...] | None) -> Row:
    return row if wanted is None else {column: row[column] for column in wanted}


def listed(names: Sequence[str]) -> str:
    """Names as a message shows them."""
    return ", ".join(names) if names else "none"


def counted(count: int, noun: str) -> str:
    """How many there are of something, as a message shows it: ``"1 row"``, ``"1,000 rows"``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
