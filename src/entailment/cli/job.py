"""`entail job`: answers to many rows, computed by a job that survives a crash."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from entailment.cli.classify import label_options, label_set
from entailment.cli.job_progress import duration, job_progress
from entailment.cli.notes import note
from entailment.cli.opening import open_model
from entailment.cli.options import CPU, PATH, model_options
from entailment.errors import EntailmentError
from entailment.tables import json_line
from entailment.tables.reading import counted

if TYPE_CHECKING:
    from entailment.scale import Executor, Status, Summary, Task

Command = TypeVar("Command", bound=Callable[..., object])


@click.group(short_help="Answer millions of rows; after a crash, go on where it was.")
def job() -> None:
    """Answer the rows of many files by a job that survives a crash.

    \b
    entail job classify --input 'logs/*.parquet' --text-column message --labels-file labels.json \\
        --keep id --out jobs/june
    entail job nli --input pairs.jsonl --out jobs/pairs
    entail job status jobs/june
    entail job collect jobs/june --output answers.csv

    Rows are cut into parts, and the answers to a part are one file in OUT/parts, there whole or not at all.
    The same command, said again after a crash, a power cut, a full disk or Ctrl-C, computes the parts that
    are not there. Another command for the same folder is refused.
    """


def job_options(command: Command) -> Command:
    """What the commands that answer rows have in common."""
    options: list[Callable[[Any], Any]] = [
        click.option(
            "--input",
            "inputs",
            multiple=True,
            required=True,
            metavar="FILES",
            help="A .txt, .jsonl, .csv or .parquet file, or a quoted pattern as in 'logs/*.parquet'; may be "
            "given often.",
        ),
        click.option(
            "--out",
            type=PATH,
            required=True,
            metavar="FOLDER",
            help="The folder that the job has for itself.",
        ),
        click.option(
            "--keep",
            multiple=True,
            metavar="COLUMN",
            help="A column of the input to stand in the answers, as an id; may be given often.",
        ),
        click.option(
            "--part-rows",
            type=click.IntRange(min=1),
            default=10_000,
            metavar="N",
            show_default=True,
            help="Rows of a part. A crash costs the parts in hand, one a worker.",
        ),
        click.option(
            "--format",
            type=click.Choice(["jsonl", "parquet"]),
            default="jsonl",
            show_default=True,
            help="Of the files of parts.",
        ),
        click.option(
            "--strict",
            is_flag=True,
            help="End at the first row that cannot be answered, in place of saying so in its answer.",
        ),
        click.option(
            "--workers",
            type=click.IntRange(min=1),
            metavar="N",
            help="Processes with a model each, that share the cores; one already uses all of them.  "
            "[default: 1; with --ray, as many as the cluster has room for]",
        ),
        click.option(
            "--ray",
            metavar="ADDRESS",
            help="Compute on this Ray cluster; local: on one of this machine (pip install "
            "'entailment[scale]').",
        ),
        click.option("--model", metavar="M", help="A folder or a hub name.  [default: the bundled model]"),
        model_options,
    ]
    for option in reversed(options):
        command = option(command)
    return command


@job.command(short_help="Sort the texts of many files into labels.")
@label_options
@click.option("--text-column", default="text", metavar="C", show_default=True, help="The column to read.")
@click.option("--scores", is_flag=True, help="Answers have the scores of all labels.")
@job_options
def classify(
    labels: str | None,
    labels_file: Path | None,
    text_column: str,
    multi_label: bool,
    template: str | None,
    threshold: float | None,
    scores: bool,
    **options: Any,
) -> None:
    """Sort the texts of many files into labels of your own; after a crash, go on where it was.

    \b
    entail job classify --input 'logs/*.parquet' --text-column message --labels-file labels.json \\
        --keep id --out jobs/june

    Answers have the keys row (numbered through all files, from 1), those of --keep, label and score (of the
    best label), and truncated where the end of a text was not read; with --scores, scores of all labels; with
    --multi-label, labels: all that score at least --threshold (0.5 without one); with --threshold, abstained,
    and where that is true label and score are null and best has them. An answer to a row that cannot be
    answered has row, refused (why), and the columns of --keep.
    """
    wanted = label_set(labels, labels_file, template)

    from entailment.scale import Classify
    from entailment.tasks.classification import TEMPLATE

    task = Classify(
        wanted.labels,
        template=TEMPLATE if wanted.template is None else wanted.template,
        text_column=text_column,
        multi_label=multi_label or bool(wanted.multi_label),
        threshold=threshold,
        scores=scores,
    )
    _run(task, **options)


@job.command(short_help="Judge the pairs of many files.")
@job_options
def nli(**options: Any) -> None:
    """Judge the pairs of many files, columns premise and hypothesis; after a crash, go on where it was.

    \b
    entail job nli --input pairs.jsonl --keep id --out jobs/pairs

    Answers have the keys row (numbered through all files, from 1), those of --keep, label and score (of the
    most probable class), scores of all classes, and truncated where the end of a premise was not read. An
    answer to a row that cannot be answered has row, refused (why), and the columns of --keep.
    """
    from entailment.scale import Nli

    _run(Nli(), **options)


@job.command(short_help="How far is a job?")
@click.argument("out", type=PATH, metavar="FOLDER")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def status(out: Path, as_json: bool) -> None:
    """How far is the job in FOLDER? It may be at work, or have ended in any way.

    \b
    entail job status jobs/june
    """
    from entailment.scale import status as status_of

    found = status_of(out)
    if as_json:
        facts = {**asdict(found), "folder": str(found.folder), "finished": found.finished}
        click.echo(json_line(facts, ascii_only=True))  # names of files may be no Unicode
    else:
        _show(found)


@job.command(short_help="Join the answers of a finished job.")
@click.argument("out", type=PATH, metavar="FOLDER")
@click.option("--output", type=PATH, required=True, metavar="FILE", help="A .jsonl, .csv or .parquet file.")
def collect(out: Path, output: Path) -> None:
    """Join the answers of the finished job in FOLDER to one file, in the order of the rows.

    \b
    entail job collect jobs/june --output answers.csv

    A .csv or .parquet file has all columns in each row, and a column "score:NAME" for each score.
    """
    from entailment.scale import collect as join

    count = join(out, output)
    note(f"{counted(count, 'answer')} of {out} in {output}")


def _run(
    task: Task,
    *,
    inputs: tuple[str, ...],
    out: Path,
    keep: tuple[str, ...],
    part_rows: int,
    format: Literal["jsonl", "parquet"],
    strict: bool,
    workers: int | None,
    ray: str | None,
    model: str | None,
    threads: int | None,
    device: str,
    **opening: Any,
) -> None:
    """Runs a job and says what it has come to; `opening` is the rest of what `open_model` takes."""
    from entailment.scale import run_job
    from entailment.scale import status as status_of

    executor = _executor(workers, ray, threads, device)
    if threads is None and device == CPU:
        threads = executor.threads
    try:
        with job_progress() as tell:
            summary = run_job(
                task,
                inputs,
                out,
                open_model=partial(open_model, model, threads=threads, device=device, **opening),
                keep=keep,
                part_rows=part_rows,
                format=format,
                strict=strict,
                executor=executor,
                progress=tell,
            )
    except (KeyboardInterrupt, SystemExit):
        try:
            found = status_of(out)
        except EntailmentError:
            note("stopped before any row was answered; the same command begins again")
        else:
            done = f"{found.done_rows:,} of {found.rows:,} rows"
            note(f"stopped: {done} are answered, and the same command goes on")
        raise
    _say(summary, out)


def _executor(workers: int | None, ray: str | None, threads: int | None, device: str) -> Executor:
    from entailment.scale import Here, OnRay, Processes

    if ray is not None:
        return OnRay(ray, actors=workers, cpus=threads or 1, gpus=0 if device == CPU else 1)
    return Here() if workers in (None, 1) else Processes(workers or 1)


def _say(summary: Summary, out: Path) -> None:
    rows, parts = counted(summary.rows, "row"), counted(summary.parts, "part")
    if summary.computed:
        note(f"{rows} in {parts} in {out}: {summary.computed:,} computed now, in {duration(summary.seconds)}")
    else:
        note(f"{out} is finished: {rows} in {parts}; nothing was left to do")
    if summary.refused:
        note(
            f"{counted(summary.refused, 'row')} could not be answered, first row {summary.first_refused}: "
            f"{summary.why}"
        )


def _show(found: Status) -> None:
    from entailment.cli import show

    share = 100 * found.done_rows / found.rows
    facts = {
        "job": f"{found.task}, {found.model}",
        "input": counted(len(found.files), "file"),
        "rows": f"{found.done_rows:,} of {found.rows:,} ({share:.1f} %)",
        "parts": f"{found.done_parts:,} of {found.parts:,}",
        "refused": f"{found.refused:,}"
        + (f", first row {found.first_refused}: {found.why}" if found.refused else ""),
        "at work": found.holder or ("nobody: it is finished" if found.finished else "nobody"),
    }
    show.facts(facts)
