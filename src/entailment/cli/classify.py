"""`entail classify`: texts into labels of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from entailment.cli.inputs import checked_text, texts_of
from entailment.cli.notes import note
from entailment.cli.opening import open_model
from entailment.cli.options import PATH, LabelSet, comma_separated, finite, model_options, read_labels
from entailment.cli.output import Form, check_output, deliver
from entailment.tables import Row

if TYPE_CHECKING:
    from entailment.runtime.engine import Precision
    from entailment.tasks.classification import Classification

Command = TypeVar("Command", bound=Callable[..., object])

ABSTAINED = "-"


def label_options(command: Command) -> Command:
    """What is asked of a text, for `entail classify` and `entail job classify`."""
    labels = click.option("--labels", metavar="A,B,C", help="The labels, separated by commas.")
    labels_file = click.option(
        "--labels-file",
        type=PATH,
        metavar="FILE",
        help='A label a line; or .json: {"labels": [...], "hypothesis_template": "..."}.',
    )
    multi_label = click.option(
        "--multi-label", is_flag=True, help="Each label may be true or not, on its own."
    )
    template = click.option(
        "--template",
        metavar="T",
        help="The sentence a label becomes, with one {}.  [default: This example is {}.]",
    )
    threshold = click.option(
        "--threshold",
        type=click.FloatRange(0, 1),
        callback=finite,
        metavar="X",
        help="Abstain where no label scores at least X; with --multi-label also leave out each that does "
        "not.",
    )
    return labels(labels_file(multi_label(template(threshold(command)))))


@click.command(short_help="Sort texts into labels of your own.")
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@label_options
@click.option(
    "--input",
    "input_",
    metavar="FILE",
    help="Texts from .txt (one a line), .jsonl, .csv, .parquet; - is stdin: JSON lines if it begins with {, "
    "else a text a line.",
)
@click.option(
    "--text-column", default="text", metavar="C", show_default=True, help="The column of --input to read."
)
@click.option("--output", type=PATH, metavar="FILE", help="Write the answers to .jsonl or .csv.")
@click.option("--model", metavar="M", help="A folder or a hub name.  [default: the bundled model]")
@model_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object a text on stdout.")
def classify(
    texts: tuple[str, ...],
    labels: str | None,
    labels_file: Path | None,
    input_: str | None,
    text_column: str,
    output: Path | None,
    multi_label: bool,
    template: str | None,
    threshold: float | None,
    model: str | None,
    threads: int | None,
    precision: Precision | None,
    device: str,
    label_order: tuple[str, ...] | None,
    as_json: bool,
) -> None:
    """Sort texts into labels of your own, without training.

    \b
    entail classify "The striker scored twice in the final" --labels sports,politics,cooking
    entail classify --input reviews.csv --text-column review --labels good,bad --output answers.csv
    cat tickets.jsonl | entail classify --input - --labels-file labels.json --threshold 0.6 --json

    Answers have the keys sequence, labels and scores (best first), truncated where the end of a text was not
    read, and with --threshold abstained; where that is true there are no labels, and best has the label and
    score of the best one.

    Without --json a person gets a table; with --input and stdout not a terminal, the lines are those of
    --json. A .csv --output has the columns sequence, label, score, one "score:LABEL" per label, and
    truncated. Nothing appears under the name of --output until all answers are in.
    """
    wanted = label_set(labels, labels_file, template)
    if bool(texts) == (input_ is not None):
        raise click.UsageError("give either texts or --input FILE")
    check_output(output, input_, labels_file)
    sequences = _typed(texts) if input_ is None else texts_of(input_, text_column)
    multi_label = multi_label or bool(wanted.multi_label)

    from entailment.tasks.classification import TEMPLATE
    from entailment.tasks.zero_shot import ZeroShotClassifier

    opened = open_model(
        model,
        threads=threads,
        label_order=label_order,
        precision=precision,
        device=device,
        packed=input_ is not None,  # a few typed texts are one batch
    )
    answers = ZeroShotClassifier(opened).stream(
        sequences,
        list(wanted.labels),
        hypothesis_template=TEMPLATE if wanted.template is None else wanted.template,
        multi_label=multi_label,
        threshold=threshold,
    )
    form = _form(
        tuple(dict.fromkeys(wanted.labels)),
        at_least=(0.5 if threshold is None else threshold) if multi_label else None,
    )
    if len(texts) == 1:
        form = replace(form, show=_show_one)
    deliver(answers, form, output=output, as_json=as_json, many=input_ is not None)


def label_set(labels: str | None, labels_file: Path | None, template: str | None) -> LabelSet:
    """What --labels or --labels-file say, with the --template, if there is one, in place of the file's."""
    if (labels is None) == (labels_file is None):
        raise click.UsageError("give either --labels A,B,C or --labels-file FILE")
    found = read_labels(labels_file) if labels_file else LabelSet(comma_separated(labels, "--labels") or ())
    return found if template is None else replace(found, template=template)


def _typed(texts: tuple[str, ...]) -> Iterator[str]:
    for number, text in enumerate(texts, start=1):
        yield checked_text(text, "the text" if len(texts) == 1 else f"text {number}")


def _form(labels: tuple[str, ...], at_least: float | None) -> Form[Classification]:
    """How answers look; with `at_least` (of --multi-label) a table names every label that scores so much."""
    columns = ["sequence", "label", "score", *(f"score:{label}" for label in labels), "truncated"]

    def cells(answer: Classification) -> Row:
        found = dict(zip(answer["labels"], answer["scores"], strict=True))
        label, score = next(iter(found.items()), ("", None))
        row: Row = {"sequence": answer["sequence"], "label": label, "score": score}
        row.update({f"score:{name}": found.get(name) for name in labels})
        row["truncated"] = answer.get("truncated")
        return row

    def shown(answer: Classification) -> tuple[tuple[str], str, float]:
        if not answer["labels"]:
            return (answer["sequence"],), ABSTAINED, answer["best"]["score"]
        ranked = zip(answer["labels"], answer["scores"], strict=True)
        kept = (
            answer["labels"][:1]
            if at_least is None
            else [label for label, score in ranked if score >= at_least]
        )
        return (answer["sequence"],), ", ".join(kept) or ABSTAINED, answer["scores"][0]

    def show(answers: Iterable[Classification]) -> None:
        from entailment.cli import show

        widest = sum(map(len, labels)) if at_least is not None else max(map(len, labels))
        show.answers(["text"], map(shown, answers), widest)

    return Form(unit="texts", row=lambda answer: dict(answer), columns=columns, cells=cells, show=show)


def _show_one(answers: Iterable[Classification]) -> None:
    from entailment.cli import show

    for answer in answers:
        ranked = list(zip(answer["labels"], answer["scores"], strict=True))
        show.scores({"text": answer["sequence"]}, ranked)
        if not ranked:
            best = answer["best"]
            note(f"no label reached the threshold; the best is {best['label']!r} with {best['score']:.3f}")
