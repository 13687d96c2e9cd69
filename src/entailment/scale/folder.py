"""The folder of a job: who works on it, what it is, and its parts, each there whole or not at all."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Literal, get_args

from entailment.errors import JobError, MissingExtraError
from entailment.scale.answers import Answer, Layout
from entailment.scale.inputs import Refusals
from entailment.tables import json_line, read_rows
from entailment.tables.whole import PARTIAL, told, whole

Format = Literal["jsonl", "parquet"]

_LOCK_SECONDS = 0.5  # `entail job status` holds the lock for a moment


class JobFolder:
    """A folder that a job has for itself.

    Args:
        path: it need not exist.

    Attributes:
        record: says what the job is (see `record.py`).
    """

    def __init__(self, path: str | Path) -> None:
        if not str(path):
            raise JobError("the name of the job's folder is empty")
        self.path = Path(path).absolute()
        self.record = self.path / "job.json"
        self._lock = self.path / "lock"
        self._parts = self.path / "parts"

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Makes the folder, and keeps other processes from working on it as long as the context lasts.

        What was left half written is removed at both ends. The system lets go of the folder when the process
        ends, however it ends.

        Raises:
            JobError: another process works on it, or it is no folder of a job and not empty.
            DataFileError: it cannot be made or written to.
        """
        self._check_ours()
        with told(self.path):
            self._parts.mkdir(parents=True, exist_ok=True)
            lock = self._lock.open("ab+", buffering=0)  # closed on a full disk, a buffer would fail again
        with lock:
            deadline = time.monotonic() + _LOCK_SECONDS
            while not _try_lock(lock):
                if time.monotonic() > deadline:
                    raise JobError(
                        f"{self.path} is in the hands of {self._holder()}: wait for it, or end it first"
                    )
                time.sleep(0.05)
            with told(self._lock):
                lock.truncate(0)
                lock.write(f"process {os.getpid()} on {socket.gethostname()}\n".encode())
            with told(self.path):
                self._remove_partial()
            try:
                yield
            finally:
                with suppress(OSError):  # of a folder that is gone
                    self._remove_partial()
                    lock.truncate(0)

    def holder(self) -> str | None:
        """Who works on it, e.g. ``"process 4711 on example"``; None if nobody does."""
        try:
            with self._lock.open("rb") as lock:  # which may be all that one is permitted
                return None if _try_lock(lock, shared=True) else self._holder()
        except OSError:
            return None

    def part(self, number: int, format: Format) -> Path:
        """The file of a part."""
        return self._parts / f"{number:06d}.{format}"

    def present(self, count: int, format: Format) -> list[int]:
        """The numbers of the parts that are there, of so many, rising; JobError if nobody can see them."""
        try:
            names = {entry.name for entry in os.scandir(self._parts)}
        except FileNotFoundError:
            return []
        except OSError as error:
            raise JobError(f"cannot read {self._parts}: {error.strerror or error}") from error
        return [number for number in range(1, count + 1) if self.part(number, format).name in names]

    def check_no_parts(self) -> None:
        """Refuses parts of which nothing says what job they are of; JobError."""
        left = min((path.name for path in self._parts.iterdir()), default=None)
        if left is not None:
            raise JobError(
                f"{self.path} has parts (as {left}) and no {self.record.name} that says of which job: put it "
                "back, or name an empty folder"
            )

    def _remove_partial(self) -> None:
        """Removes what processes left that were killed while they wrote. Only for who has the lock."""
        for folder in (self.path, self._parts):
            for left in folder.glob(PARTIAL):
                left.unlink(missing_ok=True)

    def _holder(self) -> str:
        with suppress(OSError), self._lock.open(encoding="utf-8", errors="replace") as lock:
            return lock.read(200).strip() or "another process"
        return "another process"

    def _check_ours(self) -> None:
        """Parts are put into no folder that holds something else."""
        ours = {self.record.name, self._lock.name, self._parts.name}
        try:
            held = sorted(entry.name for entry in os.scandir(self.path))
        except FileNotFoundError:
            return
        except OSError as error:
            raise JobError(f"{self.path} cannot be the folder of a job: {error.strerror}") from error
        if held and not ours & set(held):
            raise JobError(
                f"{self.path} is no folder of a job (it holds {held[0]!r}): name one that is empty or new"
            )


def _try_lock(file: IO[bytes], *, shared: bool = False) -> bool:
    """Whether nobody else has it; then this file object has, until it is closed.

    `shared`: with whoever else only looks.
    """
    if sys.platform == "win32":
        import msvcrt

        file.seek(1 << 20)  # away from what the file says, for there a locked byte cannot be read
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise JobError(f"{file.name} cannot be locked ({error.strerror}): put it on another disk") from error
    return True


def write_part(path: Path, answers: Sequence[Answer], layout: Layout) -> None:
    """The file of a part, whole or not at all; its suffix says in which format.

    Raises:
        DataFileError: the system refuses, as where the disk is full.
        MissingExtraError: a .parquet file without pyarrow installed.
    """
    if path.suffix == ".jsonl":
        text = "".join(json_line(answer) + "\n" for answer in answers)
        with whole(path) as partial, told(path):
            partial.write_bytes(text.encode("utf-8"))
        return
    pyarrow, parquet = import_parquet(f"writing {path}")
    table = pyarrow.Table.from_pylist([layout.cells(answer) for answer in answers], schema=layout.schema())
    with whole(path) as partial, told(path):
        parquet.write_table(table, partial)


@contextmanager
def as_written(path: Path) -> Iterator[None]:
    """What fails inside, as it does where a part does not hold what was written to it, is a JobError."""
    try:
        yield
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        refused = error if isinstance(error, OSError) else error.__context__
        if isinstance(refused, OSError) and refused.errno:
            raise JobError(f"cannot read {path}: {refused.strerror}") from error
        why = f"no {error}" if isinstance(error, KeyError) else error
        raise JobError(
            f"{path} does not hold what the job wrote ({why}): remove it, and the job computes it again"
        ) from error


def read_part(path: Path, layout: Layout) -> Iterator[Answer]:
    """The answers in the file of a part; JobError if it was changed."""
    with as_written(path):
        for row in read_rows(path):
            yield row if path.suffix == ".jsonl" else layout.answer(row)


def refusals_of(parts: Iterable[Path]) -> Refusals:
    """The rows of parts that were not answered; JobError if a part was changed."""
    each = [found for found in map(_refusals_of, parts) if found.count]
    return replace(each[0], count=sum(found.count for found in each)) if each else Refusals()


def _refusals_of(path: Path) -> Refusals:
    """Of one part; the answers are not decoded."""
    with as_written(path):
        if path.suffix == ".jsonl":
            found = _REFUSED.findall(path.read_bytes())
            first = (int(found[0][0]), str(json.loads(found[0][1]))) if found else (None, None)
            return Refusals(len(found), *first)
        rows = [row for row in read_rows(path, columns=["row", "refused"]) if row["refused"] is not None]
        return Refusals(len(rows), int(str(rows[0]["row"])), str(rows[0]["refused"])) if rows else Refusals()


# The two keys that a refusal begins with; so nothing that a row keeps can look like them.
_REFUSED = re.compile(rb'^\{"row": (\d+), "refused": ("(?:[^"\\]|\\.)*")', re.MULTILINE)


def import_parquet(purpose: str) -> tuple[Any, Any]:
    """The modules pyarrow and pyarrow.parquet; MissingExtraError where they are not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError:
        raise MissingExtraError("pyarrow", extra="parquet", purpose=purpose) from None
    return pyarrow, pyarrow.parquet


def check_format(format: str) -> None:
    """Refuses a format that parts cannot have; JobError. MissingExtraError for parquet without pyarrow."""
    if format not in get_args(Format):
        raise JobError(f"the format of parts is {format!r:.40}; it must be 'jsonl' or 'parquet'")
    if format == "parquet":
        import_parquet("--format parquet")
