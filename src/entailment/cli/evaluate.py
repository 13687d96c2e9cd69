"""`entail evaluate`: how often, and how surely, a model is right on a labelled file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from entailment.cli.inputs import naming
from entailment.cli.notes import note, progress
from entailment.cli.options import PATH, LabelSet, model_options, read_labels
from entailment.cli.output import print_json
from entailment.errors import DataFileError
from entailment.tables import read_rows

if TYPE_CHECKING:
    from entailment.evaluate.run import Evaluation
    from entailment.runtime.engine import Precision

NLI_COLUMNS = ("premise", "hypothesis", "label")
TEXT_COLUMNS = ("text", "label")

# A wider matrix does not fit a terminal; it is in the JSON.
WIDEST_MATRIX = 8


@click.command(short_help="Measure a model on a labelled file.")
@click.argument("model", required=False)
@click.option(
    "--data",
    type=PATH,
    required=True,
    metavar="FILE",
    help="Labelled rows: .jsonl, .csv or .parquet.",
)
@click.option(
    "--labels-file",
    type=PATH,
    metavar="FILE",
    help="The candidate labels (and template) for texts; what label numbers mean, by index, for pairs.",
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Measure the first N rows only.")
@model_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def evaluate(
    model: str | None,
    data: Path,
    labels_file: Path | None,
    limit: int | None,
    threads: int | None,
    precision: Precision,
    label_order: tuple[str, ...] | None,
    as_json: bool,
) -> None:
    """Measure MODEL (a folder or a hub name; without it, the bundled model) on a labelled file.

    \b
    entail evaluate --data mnli_matched.parquet
    entail evaluate my-model --data ag_news.parquet --labels-file ag_news.labels.json --json

    A file with the columns premise, hypothesis and label is scored as NLI; where it or the model knows two
    classes only, entailment is scored against the rest. A file with text and label is scored as zero-shot
    classification. Its candidate labels come from --labels-file, else from NAME.labels.json beside
    NAME.parquet, else they are the labels that occur.
    """
    if str(data) == "-":
        raise click.UsageError("--data must be a file, not standard input: it is read twice")
    pairs = _holds_pairs(data)
    found = read_labels(labels_file) if labels_file else None
    candidates = None if pairs else found or _candidates(data)

    from entailment.evaluate.run import evaluate_nli, evaluate_zero_shot
    from entailment.tasks.model import load_model
    from entailment.tasks.zero_shot import TEMPLATE

    loaded = load_model(model, threads=threads, label_order=label_order, precision=precision)
    with progress("pairs" if pairs else "texts", limit) as advance, naming(data):
        if candidates is None:
            result = evaluate_nli(
                loaded,
                read_rows(data, columns=NLI_COLUMNS),
                limit,
                label_names=found.labels if found else None,
                progress=lambda _: advance(1),
            )
        else:
            result = evaluate_zero_shot(
                loaded,
                read_rows(data, columns=TEXT_COLUMNS),
                candidates.labels,
                TEMPLATE if candidates.template is None else candidates.template,
                limit,
                progress=lambda _: advance(1),
            )
    if as_json:
        print_json(result.to_dict())
    else:
        _show(result)


def _holds_pairs(data: Path) -> bool:
    """Whether a file has the columns of NLI, not those of labelled texts; DataFileError if it has neither."""
    first = next(read_rows(data), None)
    if first is None:
        raise DataFileError(f"{data} holds no rows")
    for columns in (NLI_COLUMNS, TEXT_COLUMNS):
        if all(column in first for column in columns):
            return columns is NLI_COLUMNS
    raise DataFileError(
        f"{data} has neither premise, hypothesis and label nor text and label; it has {', '.join(first)}"
    )


def _candidates(data: Path) -> LabelSet:
    """The labels where the caller names none: those of a file beside the data, else those that occur."""
    beside = data.with_name(f"{data.stem}.labels.json")
    if beside.is_file():
        note(f"labels and template are those of {beside}")
        return read_labels(beside)
    # What is no text is refused with its row when the rows are read.
    golds = (row["label"] for row in read_rows(data, columns=["label"]))
    labels = sorted({gold for gold in golds if isinstance(gold, str)})
    note(f"no --labels-file: the candidate labels are the {len(labels)} that occur in {data}")
    return LabelSet(tuple(labels))


def _show(result: Evaluation) -> None:
    from entailment.cli import show

    show.facts(
        {
            "rows": f"{result.count:,}",
            "accuracy": f"{result.accuracy:.4f}",
            "macro precision": f"{result.macro_precision:.4f}",
            "macro recall": f"{result.macro_recall:.4f}",
            "macro F1": f"{result.macro_f1:.4f}",
            "expected calibration error": f"{result.ece:.4f}",
            "samples per second": f"{result.samples_per_second:,.1f}",
        }
    )
    show.grid(
        ("class", "precision", "recall", "F1", "rows"),
        (
            (name, f"{found.precision:.4f}", f"{found.recall:.4f}", f"{found.f1:.4f}", f"{found.support:,}")
            for name, found in result.per_class.items()
        ),
    )
    if len(result.classes) <= WIDEST_MATRIX:
        show.grid(
            ("gold, then predicted as", *result.classes),
            (
                (name, *(f"{count:,}" for count in counts))
                for name, counts in zip(result.classes, result.confusion_matrix, strict=True)
            ),
        )
