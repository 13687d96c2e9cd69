"""How far a job is, told from its folder alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from entailment.errors import JobError
from entailment.scale.folder import JobFolder, refusals_of
from entailment.scale.record import Record, read_record


@dataclass(frozen=True)
class Status:
    """How far a job is.

    Attributes:
        folder: of the job.
        task: "classify" or "nli"; of another task what it has itself described as ``kind``.
        model: its name.
        files: the input, a path and its number of rows each; rows are numbered through them in this order.
        rows, parts: of the whole job.
        done_rows, done_parts: of them, what is finished.
        refused: rows of the finished parts that could not be answered.
        first_refused: the first of them.
        why: it could not be answered.
        holder: who works on it, e.g. ``"process 4711 on example"``; None if nobody does.
    """

    folder: Path
    task: str
    model: str
    files: tuple[tuple[str, int], ...]
    rows: int
    parts: int
    done_rows: int
    done_parts: int
    refused: int
    first_refused: int | None
    why: str | None
    holder: str | None

    @property
    def finished(self) -> bool:
        """Whether all parts are there."""
        return self.done_parts == self.parts


def status(out: str | Path) -> Status:
    """How far the job in a folder is. It may be at work.

    Raises:
        JobError: there is no job, or its input is still being read for the first time.
    """
    folder = JobFolder(out)
    record = begun(folder)
    holder = folder.holder()
    present = folder.present(record.parts, record.format)
    refused = refusals_of(folder.part(number, record.format) for number in present)
    return Status(
        folder=Path(out),
        task=str(record.task.get("kind")),
        model=str(record.model["name"]),
        files=tuple((file.path, file.rows) for file in record.files),
        rows=record.rows,
        parts=record.parts,
        done_rows=sum(
            min(number * record.part_rows, record.rows) - (number - 1) * record.part_rows
            for number in present
        ),
        done_parts=len(present),
        refused=refused.count,
        first_refused=refused.row,
        why=refused.why,
        holder=holder,
    )


def begun(folder: JobFolder) -> Record:
    """What the job in a folder is; JobError if there is none yet."""
    record = read_record(folder)
    if record is None:
        holder = folder.holder()
        why = f"{holder} is reading its input for the first time" if holder else "no job was begun there"
        raise JobError(f"{folder.path}: {why}")
    return record
