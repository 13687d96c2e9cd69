"""`entail calibrate`: fit how sure a model may be, and write it beside its weights."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from entailment.cli.labelled import Labelled, open_labelled
from entailment.cli.notes import note
from entailment.cli.opening import open_model
from entailment.cli.options import PATH, finite, model_options
from entailment.cli.output import print_json
from entailment.cli.target import check_target, write_beside
from entailment.errors import CheckpointError
from entailment.tables.reading import counted

if TYPE_CHECKING:
    from entailment.checkpoint.calibration import Calibration, Question, Scaling
    from entailment.runtime.engine import Precision

FEW_ROWS = 500  # below which chance has a say in the temperature
NEAR = 1.01  # how close to an end of its range, as a ratio, a temperature is no fit but that end


@click.command(short_help="Fit how sure a model may be.")
@click.argument("model", required=False)
@click.option(
    "--data",
    type=PATH,
    required=True,
    metavar="FILE",
    help="Labelled rows that the model was not trained on, as `entail evaluate` takes them.",
)
@click.option(
    "--labels-file",
    type=PATH,
    metavar="FILE",
    help="The candidate labels (and template) for texts; by index, what label numbers mean.",
)
@click.option("--bias", is_flag=True, help="Of pairs: fit a bias for each class, too. It may change answers.")
@click.option(
    "--precision-target",
    type=click.FloatRange(0, 1, min_open=True),
    callback=finite,
    metavar="SHARE",
    help="Find the threshold from which on so many of the top answers are right, as in 0.9.",
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Fit to the first N rows only.")
@click.option("--out", type=PATH, metavar="FOLDER", help="A new folder for a calibrated copy of the model.")
@model_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def calibrate(
    model: str | None,
    data: Path,
    labels_file: Path | None,
    bias: bool,
    precision_target: float | None,
    limit: int | None,
    out: Path | None,
    threads: int | None,
    precision: Precision | None,
    device: str,
    label_order: tuple[str, ...] | None,
    as_json: bool,
) -> None:
    """Fit how sure MODEL (a folder or a hub name; without it, the bundled model) may be.

    \b
    entail calibrate my-model --data validation.parquet --precision-target 0.9
    entail calibrate my-model --data texts.parquet --labels-file labels.json
    entail calibrate --data validation.parquet --out bundled-calibrated

    A temperature is fitted by which the model's probabilities fit the rows best, and written into
    calibration.json in the folder of MODEL or in a copy of it (--out). All commands use it from then on.
    Pairs calibrate the classes of pairs; texts, with their candidate labels, calibrate the choice of one
    label among several. The file holds both, and a second run with the other kind of rows adds to it.
    """
    if str(data) == "-":
        raise click.UsageError("--data must be a file, not standard input: it is read twice")
    rows = open_labelled(data, labels_file)
    if bias and rows.candidates is not None:
        raise click.UsageError(f"--bias is for the classes of pairs, and {data} holds texts")

    from entailment.checkpoint.calibration import (
        CALIBRATION_FILE,
        HIGHEST_TEMPERATURE,
        LOWEST_TEMPERATURE,
        write_calibration,
    )
    from entailment.checkpoint.folder import open_checkpoint
    from entailment.evaluate.fitting import fit_scaling

    checkpoint = open_checkpoint(model)
    check_target(checkpoint, out)
    print_of = checkpoint.fingerprint()
    before = _before(checkpoint.folder, print_of)
    loaded = open_model(
        model, threads=threads, label_order=label_order, precision=precision, device=device, calibrated=False
    )
    answers = rows.put_to(loaded, limit)
    question: Question = "pairs" if rows.candidates is None else "labels"
    names = loaded.order.names if question == "pairs" else answers.classes
    found = fit_scaling(answers, names, data=data.name, bias=bias, target=precision_target)
    if found.rows < FEW_ROWS:
        note(f"only {counted(found.rows, 'row')}: some hundreds more would make the fit surer")
    if answers.correct.all():
        note(
            f"all {counted(found.rows, 'row')} are answered right, and the lower a temperature, the better "
            f"it fits such rows: {found.temperature:.4g} says little; give rows with wrong answers, too"
        )
    elif not LOWEST_TEMPERATURE * NEAR < found.temperature < HIGHEST_TEMPERATURE / NEAR:
        note(
            f"the temperature {found.temperature:.4g} is at an end of its range, {LOWEST_TEMPERATURE:g} to "
            f"{HIGHEST_TEMPERATURE:g}: perhaps the labels of the rows, or those of the model, are in another "
            "order (--labels-file, --label-order)"
        )
    fitted = before.pairs if question == "pairs" else before.labels
    if fitted and fitted.threshold and not found.threshold:
        note(
            f"the threshold {fitted.threshold.value:.4f} that was there, for a precision of "
            f"{fitted.threshold.target:g}, is dropped: --precision-target finds one for the new temperature"
        )
    after = replace(before, **{question: found})
    folder = write_beside(
        checkpoint, out, CALIBRATION_FILE, lambda folder: write_calibration(folder, after, print_of)
    )
    if as_json:
        print_json({"folder": str(folder), "question": question, **asdict(found)})
    else:
        _show(rows, found)


def _before(folder: Path, print_of: str) -> Calibration:
    """What was fitted before for these weights; nothing where the file cannot be used, which is noted."""
    from entailment.checkpoint.calibration import CALIBRATION_FILE, UNCALIBRATED, read_calibration

    if not (folder / CALIBRATION_FILE).is_file():
        return UNCALIBRATED
    try:
        return read_calibration(folder, print_of)
    except CheckpointError as error:
        note(f"what was there is replaced: {error}")
        return UNCALIBRATED


def _show(rows: Labelled, found: Scaling) -> None:
    from entailment.cli import show

    lines = {
        "rows": f"{counted(found.rows, 'pair' if rows.candidates is None else 'text')} of {rows.name}",
        "temperature": f"{found.temperature:.4f}",
        "bias": ", ".join(f"{name} {value:+.4f}" for name, value in found.bias.items()) or "none",
    }
    if (threshold := found.threshold) is not None:
        lines["threshold"] = (
            f"{threshold.value:.4f}, where {threshold.precision:.2%} of the answers are right; "
            f"{threshold.coverage:.1%} of the rows reach it"
        )
    show.facts(lines)
    show.grid(
        ("on these rows", "before", "after"),
        [
            ("loss", f"{found.loss_before:.4f}", f"{found.loss:.4f}"),
            ("expected calibration error", f"{found.ece_before:.4f}", f"{found.ece:.4f}"),
        ],
    )
