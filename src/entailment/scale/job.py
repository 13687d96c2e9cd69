"""A job run, or gone on with: the one way from a task and its input to a folder of finished parts."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from entailment.errors import InputError, TextError
from entailment.scale.executors import Executor, Here
from entailment.scale.folder import Format, JobFolder, check_format, refusals_of
from entailment.scale.inputs import InputFile, Parts, Refusals, columns_of, find_inputs, hashed, survey
from entailment.scale.kept import check_keep
from entailment.scale.record import (
    MOST_PARTS,
    Record,
    another,
    answer_facts,
    check_same,
    model_facts,
    read_record,
)
from entailment.scale.tasks import Task, check_task
from entailment.scale.worker import Heard, OpenModel, Setup, Worker
from entailment.tasks.model import load_model

PART_ROWS = 10_000

logger = logging.getLogger("entailment")


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes:
        reading: whether this is the first pass over the input; then the numbers are of rows read.
        done: rows.
        total: rows; None where that is what the first pass is to find out.
        fresh: rows of `done` that this call has answered.
    """

    reading: bool
    done: int
    total: int | None = None
    fresh: int = 0


@dataclass(frozen=True)
class Summary:
    """What a job has come to.

    Attributes:
        folder: of the job.
        rows: of the input.
        parts: files of answers.
        computed: parts that this call has computed; 0: the job was finished before.
        refused: rows that could not be answered.
        first_refused: the first of them.
        why: it could not be answered.
        seconds: that this call took.
    """

    folder: Path
    rows: int
    parts: int
    computed: int
    refused: int
    first_refused: int | None
    why: str | None
    seconds: float


def run_job(
    task: Task,
    inputs: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    open_model: OpenModel = load_model,
    keep: Sequence[str] = (),
    part_rows: int = PART_ROWS,
    format: Format = "jsonl",
    strict: bool = False,
    executor: Executor | None = None,
    progress: Callable[[Progress], None] = lambda progress: None,
) -> Summary:
    """Answer all rows of files, or go on with that where it was.

    The answers stand in ``out/parts``, `part_rows` rows a file; `collect` joins them. Called again with the
    same arguments, after whatever end, it computes the parts that are not there.

    Args:
        task: `Classify(labels, ...)` or `Nli()`.
        inputs: .txt, .jsonl, .csv or .parquet files, or patterns such as ``logs/*.parquet``; read in this
            order, the matches of a pattern sorted.
        out: the folder of the job, which it has for itself.
        open_model: opens the model, as in ``functools.partial(load_model, "folder", precision="int8")``. Its
            name must lead to its checkpoint, revision included.
        keep: columns of the input that stand in the answers.
        part_rows: rows of a part.
        format: of the files of parts: "jsonl", or "parquet".
        strict: a row that cannot be answered ends the job; else its answer has ``refused``, with the reason.
        executor: `Here()`, `Processes(count)` or `OnRay(address)`. Answers are the same with each.
        progress: called now and then.

    Raises:
        JobError: the folder holds another job, or another process works on it.
        DataFileError: a file cannot be read to its end, has changed, or lacks a column; no row can be
            answered; the disk is full.
        TextError: a row cannot be answered, if `strict`.
        LabelsError, CheckpointError, LabelOrderError, NonFiniteLogitsError: labels or model cannot be used.
        InputError: an argument is out of range.
        WorkerDiedError: a worker process ended in the middle of its work.
        MissingExtraError: ray or pyarrow is not installed.
    """
    begun = time.monotonic()
    check_task(task)
    keep = check_keep(keep)
    check_format(format)
    if isinstance(part_rows, bool) or not isinstance(part_rows, int) or part_rows < 1:
        raise InputError(f"part_rows is {part_rows!r:.40}; it must be a whole number from 1")
    executor = Here() if executor is None else executor
    executor.check()
    paths = find_inputs(inputs)
    open_model = _sharing(open_model, executor.threads)
    folder = JobFolder(out)
    with folder.claimed():
        answers = answer_facts(part_rows, format, keep)
        record = read_record(folder)
        if record is not None:  # what can be compared at once is, before a model is opened
            check_same(folder, {**record.task, **record.answers}, {**task.described(), **answers})
        else:
            folder.check_no_parts()
        model, notes = open_model(), Heard()
        facts = model_facts(model)
        if record is not None:
            check_same(folder, record.model, facts, of="the model's ", but=["name"])
            present = folder.present(record.parts, format)
            files = _same_files(folder, record.files, paths, finished=len(present) == record.parts)
        else:
            task.rehearse(model, notes)
            found = survey(paths, task, keep, strict=strict, told=lambda rows: progress(Progress(True, rows)))
            if -(-found.rows // part_rows) > MOST_PARTS:
                raise InputError(
                    f"{found.rows:,} rows are more than {MOST_PARTS:,} parts of {part_rows:,}: take larger "
                    "parts"
                )
            layout, files = task.layout(model.order.names, found.kept), found.files
            record = Record(task.described(), answers, facts, files, layout, found.refusals)
            record.write(folder)
            present = []
        part_file = partial(folder.part, format=format)
        if strict:
            _refuse_refusals(refusals_of(map(part_file, present)), record.refusals)
        wanted = tuple(sorted(set(range(1, record.parts + 1)) - set(present)))
        if wanted:
            setup = Setup(task, open_model, record.layout, part_file, strict)
            parts = Parts(files, columns_of(task, keep), part_rows, wanted)
            _compute(executor, setup, parts, Worker(setup, model), notes, progress)
        refusals = refusals_of(map(part_file, range(1, record.parts + 1)))
    return Summary(
        folder=Path(out),
        rows=record.rows,
        parts=record.parts,
        computed=len(wanted),
        refused=refusals.count,
        first_refused=refusals.row,
        why=refusals.why,
        seconds=time.monotonic() - begun,
    )


def _compute(
    executor: Executor,
    setup: Setup,
    parts: Parts,
    worker: Worker,
    notes: Heard,
    progress: Callable[[Progress], None],
) -> None:
    """Has the wanted parts computed, tells how far it is, and logs each kind of note once."""
    there = parts.rows - sum(len(parts.span(number)) for number in parts.wanted)
    fresh = 0
    said: set[str] = set()

    def note(found: dict[str, str]) -> None:
        for kind, message in found.items():
            if kind not in said:
                said.add(kind)
                logger.warning(message)

    def tell(rows: int) -> None:
        nonlocal fresh
        fresh += rows
        progress(Progress(False, there + fresh, parts.rows, fresh))

    note(notes.take())
    tell(0)
    finished = 0
    with closing(executor.run(setup, parts, worker, tell)) as running:
        for part in running:
            note(part.notes)
            finished += part.rows
            tell(max(0, finished - fresh))  # of an executor that tells of whole parts alone


def _sharing(open_model: OpenModel, threads: int | None) -> OpenModel:
    """`load_model`, with or without arguments, with so many threads unless it states its own."""
    given = open_model if isinstance(open_model, partial) else partial(open_model)
    if threads is None or given.func is not load_model or given.keywords.get("threads") is not None:
        return open_model
    return partial(given, threads=threads)


def _same_files(
    folder: JobFolder, then: Sequence[InputFile], now: Sequence[Path], *, finished: bool
) -> tuple[InputFile, ...]:
    """The files that the job was begun with, where they lie now; JobError if they are others.

    A finished job computes nothing, so there size and time of a file are enough to know it by.
    """
    if len(then) != len(now):
        raise another(folder, [f"the number of input files (then {len(then):,}, now {len(now):,})"])
    found = []
    for number, (file, path) in enumerate(zip(then, now, strict=True), start=1):
        if finished and str(path) == file.path and file.unchanged():
            found.append(file)
            continue
        here = replace(hashed(path), rows=file.rows)
        if here.sha256 != file.sha256:
            was, is_now = (f"{each.size:,} bytes, sha256 {each.sha256[:12]}" for each in (file, here))
            raise another(folder, [f"input file {number} (then {file.path}, {was}; now {path}, {is_now})"])
        found.append(here)
    return tuple(found)


def _refuse_refusals(*refusals: Refusals) -> None:
    """TextError if there is one: the job is strict now, and was not when they were let pass."""
    for found in refusals:
        if found.count:
            raise TextError(f"row {found.row}: {found.why}")
