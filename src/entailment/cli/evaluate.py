"""`entail evaluate`: a model on labelled rows."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from entailment.cli.labelled import Labelled, open_labelled, read_templates
from entailment.cli.notes import note
from entailment.cli.opening import open_model
from entailment.cli.options import PATH, model_options
from entailment.cli.output import print_json
from entailment.errors import InputError

if TYPE_CHECKING:
    from entailment.evaluate.compare import Comparison
    from entailment.evaluate.predict import Predictions
    from entailment.evaluate.report import Report
    from entailment.runtime.engine import Precision
    from entailment.tasks.model import PairModel

# Wider a matrix does not fit a terminal; it is in the JSON.
WIDEST_MATRIX = 8


@click.command(short_help="Measure a model on a labelled file.")
@click.argument("model", required=False)
@click.option(
    "--data",
    type=PATH,
    required=True,
    metavar="FILE",
    help="Labelled rows: .jsonl, .csv or .parquet; or the name of a known set.",
)
@click.option(
    "--labels-file",
    type=PATH,
    metavar="FILE",
    help="The candidate labels (and template) for texts; by index, what label numbers mean.",
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Measure the first N rows only.")
@click.option(
    "--report", type=PATH, metavar="FOLDER", help="Write report.json, report.md and report.html there."
)
@click.option(
    "--group-by",
    metavar="COLUMN",
    help="Measure the rows of each value of a column, too.  [default, in a report: genre, if there]",
)
@click.option(
    "--errors",
    type=click.IntRange(min=0),
    default=20,
    metavar="N",
    show_default=True,
    help="Quote the N wrong answers that the model is surest of in the report; 0: it quotes no row.",
)
@click.option("--force", is_flag=True, help="Write the report over files that somebody else wrote, too.")
@click.option("--compare", metavar="MODEL", help="Another model: is one better, or was it luck?")
@click.option(
    "--templates", type=PATH, metavar="FILE", help="Hypothesis templates, one a line, to try on texts."
)
@model_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def evaluate(
    model: str | None,
    data: Path,
    labels_file: Path | None,
    limit: int | None,
    report: Path | None,
    group_by: str | None,
    errors: int,
    force: bool,
    compare: str | None,
    templates: Path | None,
    threads: int | None,
    precision: Precision | None,
    device: str,
    label_order: tuple[str, ...] | None,
    as_json: bool,
) -> None:
    """Measure MODEL (a folder or a hub name; without it, the bundled model) on labelled rows.

    \b
    entail evaluate --data mnli_matched.parquet
    entail evaluate my-model --data ag_news.parquet --labels-file ag_news.labels.json --json
    entail evaluate my-model --data mnli_matched.parquet --report report --compare another-model

    A file with the columns premise, hypothesis and label is scored as NLI; where it or the model knows two
    classes only, entailment is scored against the rest. A file with text and label is scored as zero-shot
    classification. Its candidate labels come from --labels-file, else from NAME.labels.json beside
    NAME.parquet, else they are the labels that occur.

    Known by name, and fetched from the hub through `datasets`: mnli-matched, mnli-mismatched, snli, anli-r1,
    anli-r2, anli-r3, hans, stress-antonym, stress-length-mismatch, stress-negation,
    stress-numerical-reasoning, stress-spelling-error and stress-word-overlap.
    """
    if str(data) == "-":
        raise click.UsageError("--data must be a file, not standard input: it is read twice")
    rows = open_labelled(data, labels_file)
    if templates is not None and rows.candidates is None:
        raise click.UsageError(f"--templates is for texts, and {data} holds pairs")
    rows.check_group(group_by)
    if report is not None:
        group_by = group_by or rows.usual_group
    wordings = () if templates is None else read_templates(templates)

    from importlib.metadata import version

    from entailment.checkpoint.folder import open_checkpoint
    from entailment.evaluate.report import (
        Subject,
        Task,
        calibrated_by,
        check_report_folder,
        make_report,
        wording,
        write_report,
    )
    from entailment.evaluate.run import measure

    if report is not None:
        check_report_folder(report, force=force)
    loaded = open_model(model, threads=threads, label_order=label_order, precision=precision, device=device)
    # Opened now, so that a name that leads nowhere costs no time.
    other = (
        None if compare is None else open_model(compare, threads=threads, precision=precision, device=device)
    )
    answered = rows.put_to(loaded, limit, group_by=group_by, keep_texts=report is not None and errors > 0)
    comparison = None if other is None else _compared(loaded, answered, other, rows, limit)
    tried = []
    for template in wordings:
        note(f"template {template!r}")
        tried.append(wording(template, measure(rows.put_to(loaded, limit, template=template))))
    task: Task = "nli" if rows.candidates is None else "zero-shot"
    subject = Subject(
        model=loaded.name,
        data=data.name,
        task=task,
        version=version("entailment"),
        template=rows.template,
        other_model=compare,
        group_by=group_by,
        weights=open_checkpoint(model).fingerprint() if as_json or report is not None else None,
        precision=getattr(loaded.engine, "precision", None),
        calibration=calibrated_by(loaded.calibration, task),
    )
    whole = make_report(subject, answered, most_mistakes=errors, comparison=comparison, wordings=tried)
    if report is not None:
        for path in write_report(report, whole, force=force):
            note(f"written: {path}")
    if as_json:
        print_json(_plain(whole))
    else:
        _show(whole)


def _compared(
    first: PairModel, answered: Predictions, second: PairModel, rows: Labelled, limit: int | None
) -> Comparison:
    """Both models on the same rows; `answered` is what the first said."""
    from entailment.evaluate.compare import paired_bootstrap

    others = rows.put_to(second, limit)
    if others.classes != answered.classes:
        raise InputError(
            f"{first.name} is measured on {len(answered.classes)} classes and {second.name} on "
            f"{len(others.classes)}, so that their accuracies cannot be compared"
        )
    return paired_bootstrap(answered.correct, others.correct)


def _plain(report: Report) -> dict[str, object]:
    """What was measured, the measures, and what was asked for besides, as JSON values."""
    plain = {"subject": asdict(report.subject), **report.evaluation.to_dict()}
    if report.groups:
        plain["groups"] = [asdict(group) for group in report.groups]
    if report.comparison is not None:
        plain["comparison"] = asdict(report.comparison)
    if report.wordings:
        plain["templates"] = [asdict(wording) for wording in report.wordings]
    return plain


def _show(report: Report) -> None:
    from entailment.cli import show
    from entailment.evaluate.report_tables import asked_for

    _show_measures(report)
    for table in asked_for(report):
        show.grid(table.head, table.rows)
        if table.title == "Comparison":
            show.facts({"": table.note})


def _show_measures(report: Report) -> None:
    from entailment.cli import show
    from entailment.evaluate.report_tables import classes

    result, by_class = report.evaluation, classes(report)
    show.facts(
        {
            "rows": f"{result.count:,}",
            "accuracy": f"{result.accuracy:.4f}",
            "macro precision": f"{result.macro_precision:.4f}",
            "macro recall": f"{result.macro_recall:.4f}",
            "macro F1": f"{result.macro_f1:.4f}",
            "loss": f"{result.loss:.4f}",
            "expected calibration error": f"{result.ece:.4f}",
            "samples per second": f"{result.samples_per_second:,.1f}",
        }
    )
    show.grid(by_class.head, by_class.rows)
    if len(result.classes) <= WIDEST_MATRIX:
        show.grid(
            ("gold, then predicted as", *result.classes),
            (
                (name, *(f"{count:,}" for count in counts))
                for name, counts in zip(result.classes, result.confusion_matrix, strict=True)
            ),
        )
