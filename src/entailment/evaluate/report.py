"""What there is to say about one evaluation, and the three files that say it: JSON, Markdown, HTML."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from entailment.checkpoint.calibration import Calibration
from entailment.checkpoint.json_files import write_whole
from entailment.errors import DataFileError
from entailment.evaluate import metrics
from entailment.evaluate.compare import Comparison
from entailment.evaluate.predict import Predictions
from entailment.evaluate.run import Evaluation, measure

Task = Literal["nli", "zero-shot"]

MISTAKES = 20
JSON_FILE, MARKDOWN_FILE, HTML_FILE = "report.json", "report.md", "report.html"

#: What tells our Markdown and HTML from what somebody wrote.
MARK = "Written by `entail evaluate`."


@dataclass(frozen=True)
class Subject:
    """What was measured, in words.

    Attributes:
        model, data: names of the model and of the file.
        task: which question was asked about each row.
        template: the hypothesis template; None for pairs.
        other_model: the model it is compared with, if any.
        group_by: the column that the groups come from, if any.
        version: of this package.
        weights: the fingerprint of the model's weights, so that no card shows it for others.
        precision: what the model computed in: float32, int8, bfloat16, ...
        calibration: what `calibrated_by` says of the model's, so that no card shows it for another.
    """

    model: str
    data: str
    task: Task
    version: str
    template: str | None = None
    other_model: str | None = None
    group_by: str | None = None
    weights: str | None = None
    precision: str | None = None
    calibration: dict[str, Any] | None = None


@dataclass(frozen=True)
class Group:
    """The measures of the rows of one group; as in `Evaluation`."""

    name: str
    count: int
    accuracy: float
    macro_f1: float
    ece: float


@dataclass(frozen=True)
class Mistake:
    """A row that the model got wrong.

    Attributes:
        row: its number in the file or set, from 1.
        texts: premise and hypothesis, or the text.
        gold, predicted: class names.
        confidence: the probability of the predicted class.
    """

    row: int
    texts: tuple[str, ...]
    gold: str
    predicted: str
    confidence: float


@dataclass(frozen=True)
class Wording:
    """What a hypothesis template is worth on the same rows."""

    template: str
    accuracy: float
    macro_f1: float
    ece: float


@dataclass(frozen=True)
class Report:
    """All of it; shares are from 0 to 1.

    Attributes:
        subject: what was measured.
        evaluation: the measures of all rows.
        bins: of the reliability plot.
        groups: by falling number of rows; empty where the rows have none.
        mistakes: by falling confidence; empty where texts were not kept.
        comparison: with `subject.other_model`.
        wordings: the template study, by falling macro F1; empty where there was none.
    """

    subject: Subject
    evaluation: Evaluation
    bins: tuple[metrics.Bin, ...]
    groups: tuple[Group, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    comparison: Comparison | None = None
    wordings: tuple[Wording, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """The same as plain JSON values, under the names of the attributes."""
        return {**asdict(self), "evaluation": self.evaluation.to_dict()}


def calibrated_by(calibration: Calibration, task: Task) -> dict[str, Any] | None:
    """What a calibration does to the probabilities of a task: temperature and bias; None where nothing."""
    scaling = calibration.pairs if task == "nli" else calibration.labels
    return None if scaling is None else {"temperature": scaling.temperature, "bias": dict(scaling.bias)}


def make_report(
    subject: Subject,
    found: Predictions,
    *,
    most_mistakes: int = MISTAKES,
    comparison: Comparison | None = None,
    wordings: Iterable[Wording] = (),
) -> Report:
    """Everything that follows from the predictions, with what was measured besides."""
    return Report(
        subject=subject,
        evaluation=measure(found),
        bins=metrics.reliability(found.confidences, found.correct),
        groups=groups_of(found),
        mistakes=worst_mistakes(found, most_mistakes),
        comparison=comparison,
        wordings=tuple(sorted(wordings, key=lambda one: -one.macro_f1)),
    )


def groups_of(found: Predictions) -> tuple[Group, ...]:
    """The measures of each group, the largest first."""
    if not found.groups:
        return ()
    names, places = np.unique(np.array(found.groups, dtype=object), return_inverse=True)
    measured = []
    for index, name in enumerate(names):
        inside = places == index
        matrix = metrics.confusion_matrix(found.gold[inside], found.predicted[inside], len(found.classes))
        ece = metrics.expected_calibration_error(found.confidences[inside], found.correct[inside])
        f1 = metrics.macro(matrix)[2]
        measured.append(Group(str(name), int(inside.sum()), metrics.accuracy(matrix), f1, ece))
    return tuple(sorted(measured, key=lambda group: (-group.count, group.name)))


def worst_mistakes(found: Predictions, most: int) -> tuple[Mistake, ...]:
    """The wrong answers that the model is surest of; rows of equal confidence in the order of the file."""
    if not found.texts:
        return ()
    predicted, confidences = found.predicted, found.confidences
    wrong = np.flatnonzero(~found.correct)
    worst = wrong[np.argsort(-confidences[wrong], kind="stable")][:most]
    return tuple(
        Mistake(
            row=found.numbers[index],
            texts=found.texts[index],
            gold=found.classes[found.gold[index]],
            predicted=found.classes[predicted[index]],
            confidence=float(confidences[index]),
        )
        for index in worst.tolist()
    )


def wording(template: str, evaluation: Evaluation) -> Wording:
    """A line of the template study."""
    return Wording(template, evaluation.accuracy, evaluation.macro_f1, evaluation.ece)


def write_report(folder: Path, report: Report, *, force: bool = False) -> tuple[Path, ...]:
    """Write report.json, report.md and report.html into a folder, which is made; returns the three.

    Older reports of these names are replaced, each whole or not at all.

    Args:
        folder: where they go.
        report: what they say.
        force: also over files of these names that were not written here.

    Raises:
        DataFileError: a file cannot be written, or is somebody's work.
    """
    from entailment.evaluate.report_html import html
    from entailment.evaluate.report_markdown import markdown

    texts = {
        JSON_FILE: json.dumps(report.to_dict(), indent=2, ensure_ascii=False) + "\n",
        MARKDOWN_FILE: markdown(report),
        HTML_FILE: html(report),
    }
    if not force:
        _refuse_others_work(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            # A text may hold half of a surrogate pair, which no encoding can write.
            write_whole(folder / name, text, errors="replace")
    except OSError as error:
        raise DataFileError(
            f"cannot write the report into {folder}: {error.strerror or error}; name another folder"
        ) from error
    return tuple(folder / name for name in texts)


def check_report_folder(folder: Path, *, force: bool = False) -> None:
    """Refuses a folder that `write_report` would refuse, before the work whose results go there.

    Raises:
        DataFileError: it is a file, may not be written to, or, without `force`, holds somebody's work under
            the name of a report.
    """
    first: Sequence[Path] = [path for path in (folder, *folder.absolute().parents) if path.exists()]
    if not first[0].is_dir() or not os.access(first[0], os.W_OK):
        raise DataFileError(
            f"cannot write the report into {folder}: {first[0]} is not a folder that you may write to"
        )
    if not force:
        _refuse_others_work(folder)


def _refuse_others_work(folder: Path) -> None:
    for name in (JSON_FILE, MARKDOWN_FILE, HTML_FILE):
        path = folder / name
        if path.is_file() and not _is_ours(path):
            raise DataFileError(
                f"{path} was not written by `entail evaluate`; name another folder, or replace it with "
                "--force"
            )


def _is_ours(path: Path) -> bool:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.name != JSON_FILE:
            return MARK in text
        found = json.loads(text)
    except (OSError, ValueError, RecursionError):
        return False
    # What `entail card` reads it by, too.
    return isinstance(found, dict) and {"subject", "evaluation"} <= found.keys()
