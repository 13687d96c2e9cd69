"""Options that several commands share, and the small files they point at."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

import click

from entailment.errors import DataFileError, LabelsError
from entailment.tables import read_rows

Command = TypeVar("Command", bound=Callable[..., object])


def _path(value: str) -> Path:
    if not value:  # a path of nothing is the folder one is in
        raise click.BadParameter("the name is empty")
    return Path(value)


PATH = _path

# What ONNX Runtime computes on; every other device is PyTorch's.
CPU = "cpu"

# Files of rows: a line of one is no label.
NO_LABELS = (".jsonl", ".csv", ".parquet")

# What a labels file in JSON may say that is read; it may say more about itself, as its name.
LABELS_KEYS = ("labels", "hypothesis_template", "multi_label")


def label_order_option(command: Command) -> Command:
    """--label-order, for every command that asks what a logit means."""
    return click.option(
        "--label-order",
        metavar="A,B,C",
        callback=lambda _context, _option, value: comma_separated(value, "--label-order"),
        help="What each logit of the model means, in order, where its checkpoint does not say.",
    )(command)


def model_options(command: Command) -> Command:
    """How a model runs, for every command that runs one: what `open_model` is told."""
    threads = click.option(
        "--threads", type=click.IntRange(min=1), metavar="N", help="CPU threads.  [default: one a core]"
    )
    precision = click.option(
        "--precision",
        type=click.Choice(["float32", "int8"]),
        help="int8 is faster; `entail quantize` measures how close it comes, and allows it.  "
        "[default: float32, or bfloat16 on a GPU that has it]",
    )
    device = click.option(
        "--device",
        default=CPU,
        metavar="D",
        show_default=True,
        help="As in cuda or cuda:1: PyTorch runs the model there, in place of ONNX Runtime "
        "(pip install 'entailment[torch]').",
    )
    return label_order_option(threads(precision(device(command))))


def comma_separated(value: str | None, option: str) -> tuple[str, ...] | None:
    """``"a, b"`` as ``("a", "b")``; an empty part is a slip of the fingers, not a label."""
    if value is None:
        return None
    parts = tuple(part.strip() for part in value.split(","))
    if not all(parts):
        raise LabelsError(
            f"{option} {value!r} has an empty part; write them as {option} sports,politics,cooking"
        )
    return parts


def finite(_context: click.Context, _option: click.Parameter, value: float | None) -> float | None:
    """Refuses ``nan``, which passes every range check."""
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a number between 0 and 1")
    return value


@dataclass(frozen=True)
class LabelSet:
    """What a --labels-file says. None: it does not."""

    labels: tuple[str, ...]
    template: str | None = None
    multi_label: bool | None = None


def read_labels(path: Path) -> LabelSet:
    """Labels a line, or .json: ``{"labels": [...], "hypothesis_template": "..."}``, or a list of labels.

    Raises:
        DataFileError: the file is missing, unreadable, or not of that form; a key that looks like a slip.
        LabelsError: it holds no label, or an empty one.
    """
    if str(path) == "-" or path.suffix.lower() in NO_LABELS:
        raise DataFileError(f"cannot read labels from {path}: give a text file with a label a line, or .json")
    found = _labels_of_json(path) if path.suffix.lower() == ".json" else LabelSet(_labels_of_text(path))
    if not found.labels:
        raise LabelsError(f"{path} holds no labels")
    return found


def _labels_of_text(path: Path) -> tuple[str, ...]:
    lines = (str(row["text"]).strip() for row in read_rows(path, format=".txt"))
    return tuple(line for line in lines if line)


def _labels_of_json(path: Path) -> LabelSet:
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataFileError(f"cannot read {path}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:  # JSON and UTF-8 errors alike
        raise DataFileError(f"{path} is not valid JSON: {error}") from None
    if isinstance(value, list):
        value = {"labels": value}
    if not isinstance(value, dict) or not isinstance(value.get("labels"), list):
        raise DataFileError(
            f'{path} should hold {{"labels": [...], "hypothesis_template": "..."}}, or a list'
        )
    for key in value:
        near = get_close_matches(key.casefold(), LABELS_KEYS, n=1, cutoff=0.55)  # template has 0.59
        if key not in LABELS_KEYS and near and near != ["labels"]:  # those are there
            raise DataFileError(f"{path} has the key {key!r}, which nobody reads; is it {near[0]}?")
    labels = value["labels"]
    for label in labels:
        if not isinstance(label, str) or not label.strip():
            raise LabelsError(f"{path}: {label!r} is not a label; each should be a text")
    template, multi_label = value.get("hypothesis_template"), value.get("multi_label")
    if template is not None and not isinstance(template, str):
        raise DataFileError(f"{path}: hypothesis_template should be a text, not {template!r}")
    if multi_label is not None and not isinstance(multi_label, bool):
        raise DataFileError(f"{path}: multi_label should be true or false, not {multi_label!r}")
    return LabelSet(tuple(label.strip() for label in labels), template, multi_label)
