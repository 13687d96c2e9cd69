"""The files of a job: found, read once from end to end before any model sees them, and cut into parts."""

from __future__ import annotations

import glob
import os
import stat
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from entailment.errors import DataFileError, TextError
from entailment.scale.kept import Type, Types, kept_value
from entailment.scale.tasks import Task
from entailment.tables import Row, read_rows
from entailment.tables.digest import sha256

_TELL_EVERY = 10_000  # rows


@dataclass(frozen=True)
class InputFile:
    """A file as the first pass found it.

    Attributes:
        path: absolute.
        sha256: of its bytes.
        size: in bytes.
        modified: when, in nanoseconds.
        rows: how many it holds.
    """

    path: str
    sha256: str
    size: int
    modified: int
    rows: int

    def unchanged(self) -> bool:
        """Whether it has the size and the time that it had; DataFileError if it is not there."""
        seen = _stat(Path(self.path))
        return (seen.st_size, seen.st_mtime_ns) == (self.size, self.modified)

    def check_unchanged(self) -> None:
        """See that it is still the file that was read first; DataFileError."""
        if not self.unchanged():
            raise _changed(self.path)


def _changed(path: str) -> DataFileError:
    return DataFileError(
        f"{path} was changed while the job ran: its answers would be to other rows than those counted; begin "
        "in an empty folder"
    )


@dataclass(frozen=True)
class Refusals:
    """Rows that cannot be answered: how many, and the first, with why."""

    count: int = 0
    row: int | None = None
    why: str | None = None


@dataclass(frozen=True)
class Survey:
    """What the first pass found.

    Attributes:
        files: in order.
        kept: the columns kept, and their types.
        refusals: rows that nobody could answer. (What only a model finds unreadable is not among them.)
    """

    files: tuple[InputFile, ...]
    kept: dict[str, Type]
    refusals: Refusals

    @property
    def rows(self) -> int:
        """Of all files."""
        return sum(file.rows for file in self.files)


def find_inputs(inputs: str | Path | Sequence[str | Path]) -> tuple[Path, ...]:
    """The files of names and patterns, absolute: names in the order given, the matches of a pattern sorted.

    Raises:
        DataFileError: no such file, no match, a file that is named twice, of no known format, or that cannot
            be read twice, as standard input and pipes.
    """
    found: list[Path] = []
    for name in map(str, [inputs] if isinstance(inputs, (str, Path)) else inputs):
        if name == "-":
            raise DataFileError("standard input cannot be read again when a job goes on; name a file")
        plain = name and (not glob.has_magic(name) or os.path.exists(name))  # noqa: PTH110  # of any length
        matches = [name] if plain else sorted(glob.glob(name, recursive=True))  # noqa: PTH207  # may be absolute
        if not matches:
            raise DataFileError(f"no file is called or matches {name!r}")
        found += [Path(match).absolute() for match in matches]
    if not found:
        raise DataFileError("name the files to read")
    names: dict[tuple[int, int], Path] = {}
    for path in found:
        seen = _stat(path)
        if stat.S_ISDIR(seen.st_mode):
            raise DataFileError(f"{path} is a folder; name the files in it, as in '{path}/*.jsonl'")
        if not stat.S_ISREG(seen.st_mode):
            raise DataFileError(f"{path} cannot be read again when a job goes on; name a file")
        read_rows(path)  # reads nothing yet, and refuses a name that says no format
        if (other := names.setdefault((seen.st_dev, seen.st_ino), path)) is not path:
            raise DataFileError(
                f"{path} is to be read twice (it is {other}): its rows would be answered twice"
            )
    return tuple(found)


def survey(
    paths: Sequence[Path],
    task: Task,
    keep: Sequence[str],
    *,
    strict: bool = False,
    told: Callable[[int], None] = lambda rows: None,
) -> Survey:
    """Read all files from end to end.

    Args:
        paths: of `find_inputs`.
        task: says which columns, and which rows nobody could answer.
        keep: more columns.
        strict: whether such a row is an error.
        told: of the rows read so far, now and then.

    Raises:
        DataFileError: a file cannot be read to its end, lacks a column, or holds what cannot be kept; there
            are no rows, or none of them can be answered.
        TextError: a row cannot be answered, if `strict`.
        MissingExtraError: a .parquet file without pyarrow installed.
    """
    columns = columns_of(task, keep)
    types, files = Types(keep), []
    before, refused = 0, 0
    first: tuple[int | None, str | None] = (None, None)
    for path in paths:
        file, rows = hashed(path), 0
        for rows, row in enumerate(read_rows(path, columns=columns), start=1):  # the count is needed after
            for column in keep:
                types.see(column, kept_value(row[column], f"{path}, row {rows}: {column}"))
            if (why := task.fault(row)) is not None:
                if strict:
                    raise TextError(f"{path}, row {rows}: {why}")
                first = first if refused else (before + rows, why)
                refused += 1
            if not (before + rows) % _TELL_EVERY:
                told(before + rows)
        files.append(replace(file, rows=rows))
        file.check_unchanged()
        before += rows
    told(before)
    if not before:
        raise DataFileError(f"{', '.join(map(str, paths))}: no rows")
    if refused == before:
        raise DataFileError(
            f"none of the {before:,} rows can be answered: {first[1]} in row {first[0]}; another column?"
        )
    return Survey(tuple(files), types.found(), Refusals(refused, *first))


def columns_of(task: Task, keep: Sequence[str]) -> tuple[str, ...]:
    """All columns that are read."""
    return tuple(dict.fromkeys((*task.columns, *keep)))


def hashed(path: Path) -> InputFile:
    """A file as it is now, its rows not counted; DataFileError if it cannot be read, or changes meanwhile."""
    seen = _stat(path)
    file = InputFile(str(path), sha256(path), seen.st_size, seen.st_mtime_ns, rows=0)
    file.check_unchanged()
    return file


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise DataFileError(f"cannot read {path}: {error.strerror or error}") from error


@dataclass(frozen=True)
class Part:
    """Consecutive rows.

    Attributes:
        number: of the part, from 1.
        first: the number of its first row in the whole input, from 1.
        rows: with the columns of the task and those kept.
    """

    number: int
    first: int
    rows: list[Row]


@dataclass(frozen=True)
class Parts:
    """The input cut into parts, read as they are needed. An object of it can be pickled.

    Iterating gives the `wanted` parts in order; rows before and between them are passed over, and files
    without any of them are not opened. A file that is no longer what the first pass found is a DataFileError.

    Attributes:
        files: of the survey.
        columns: to read.
        size: rows of a part; the last may have fewer.
        wanted: numbers of the parts to give, rising.
    """

    files: tuple[InputFile, ...]
    columns: tuple[str, ...]
    size: int
    wanted: tuple[int, ...]

    @property
    def rows(self) -> int:
        """Of all parts, wanted or not."""
        return sum(file.rows for file in self.files)

    @property
    def count(self) -> int:
        """Of all parts, wanted or not."""
        return -(-self.rows // self.size)

    def span(self, number: int) -> range:
        """The rows of a part, numbered from 0."""
        return range((number - 1) * self.size, min(number * self.size, self.rows))

    def __iter__(self) -> Iterator[Part]:
        wanted = deque(self.wanted)
        rows: list[Row] = []  # of the first wanted part, as far as files before held them
        start = 0
        for file in self.files:
            end = start + file.rows
            if wanted and self.span(wanted[0]).start < end:
                source, at = read_rows(file.path, columns=self.columns), start
                while wanted and (span := self.span(wanted[0])).start < end:
                    begin, stop = max(span.start, start), min(span.stop, end)
                    found = list(islice(source, begin - at, stop - at))
                    file.check_unchanged()
                    if len(found) != stop - begin:
                        raise _changed(file.path)
                    rows, at = rows + found, stop
                    if span.stop > end:
                        break
                    yield Part(wanted.popleft(), span.start + 1, rows)
                    rows = []
            start = end
