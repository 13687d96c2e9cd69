"""The parts of a finished job as one file."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from entailment.errors import DataFileError, JobError
from entailment.scale.answers import Answer
from entailment.scale.folder import JobFolder, as_written, import_parquet, read_part
from entailment.scale.record import Record
from entailment.scale.status import begun
from entailment.tables import WRITABLE, Row, check_writable, write_rows
from entailment.tables.whole import told, whole

PARQUET = ".parquet"
_ROWS_AT_ONCE = 10_000


def collect(out: str | Path, output: str | Path) -> int:
    """Write the answers of a finished job to one file, in the order of the rows, and return how many.

    Args:
        out: the folder of the job.
        output: .jsonl has the answers as the parts of format jsonl have them; .csv and .parquet have all
            columns in each row, and a score in each column ``score:NAME``. It appears when it is whole.

    Raises:
        JobError: there is no job, or it is not finished; a part does not hold the rows it should.
        DataFileError: `output` cannot be written, or is a file that the job reads or writes.
        MissingExtraError: .parquet without pyarrow installed.
    """
    output, folder = check_writable(output, (*WRITABLE, PARQUET)), JobFolder(out)
    suffix = output.suffix.lower()
    if suffix == PARQUET:
        import_parquet(f"writing {output}")
    record = begun(folder)
    present = folder.present(record.parts, record.format)
    if missing := sorted(set(range(1, record.parts + 1)) - set(present)):
        raise JobError(
            f"{folder.path} is not finished: {len(missing):,} of {record.parts:,} parts are not there, first "
            f"{missing[0]:06d}; say the command of the job again to go on"
        )
    _check_apart(output, folder, record)
    answers = _answers(folder, record)
    if suffix == ".jsonl":
        return write_rows(output, (answer for answer, _ in answers))
    rows = (cells for _, cells in answers)
    if suffix == ".csv":
        return write_rows(output, rows, columns=record.layout.columns)
    return _write_parquet(output, rows, record)


def _answers(folder: JobFolder, record: Record) -> Iterator[tuple[Answer, Row]]:
    """All of them, each also as a row of the table; JobError where they are not those that were written."""
    expected = 0
    for number in range(1, record.parts + 1):
        path = folder.part(number, record.format)
        last = min(number * record.part_rows, record.rows)
        for answer in read_part(path, record.layout):
            expected += 1
            with as_written(path):
                if answer.get("row") != expected or expected > last:
                    raise ValueError(f"row {answer.get('row')!r:.40} stands where row {expected} should")
                cells = record.layout.cells(answer)
            yield answer, cells
        with as_written(path):
            if expected != last:
                raise ValueError(f"it ends with row {expected}, not {last}")


def _write_parquet(output: Path, rows: Iterator[Row], record: Record) -> int:
    pyarrow, parquet = import_parquet(f"writing {output}")
    schema, count = record.layout.schema(), 0
    with whole(output) as partial, told(output), parquet.ParquetWriter(partial, schema) as writer:
        while some := list(islice(rows, _ROWS_AT_ONCE)):
            try:
                table = pyarrow.Table.from_pylist(some, schema=schema)
            except (ValueError, TypeError, OverflowError) as error:
                raise JobError(
                    f"a part with rows {count + 1:,} to {count + len(some):,} does not hold what the job "
                    f"wrote ({error}): remove it, and the job computes it again"
                ) from error
            writer.write_table(table)
            count += len(some)
    return count


def _check_apart(output: Path, folder: JobFolder, record: Record) -> None:
    """Refuses to write over what the job reads or has written; DataFileError."""
    for other in (folder.record, *(Path(file.path) for file in record.files)):
        if _same(output, other):
            raise DataFileError(f"{output} is a file of the job; name another")
    if _same(output.resolve().parent, folder.part(1, record.format).parent):
        raise DataFileError(f"{output} would lie among the parts of the job; name another folder")


def _same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except (OSError, ValueError):  # one of them is not there, or cannot be
        return False
