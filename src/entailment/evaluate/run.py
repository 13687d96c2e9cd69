"""Runs a model over labelled rows and measures it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from entailment.checkpoint.labels import CONTRADICTION, ENTAILMENT, NEUTRAL, NOT_ENTAILMENT
from entailment.errors import DataFileError, InputError
from entailment.evaluate import metrics
from entailment.evaluate.gold import LabelIndex, NLIRow, TextRow, nli_rows, text_rows
from entailment.tasks.candidates import label_sets, one_set
from entailment.tasks.chunks import Notes
from entailment.tasks.model import PairModel
from entailment.tasks.nli import NLI
from entailment.tasks.zero_shot import TEMPLATE, ZeroShotClassifier

THREE_CLASSES = (ENTAILMENT, NEUTRAL, CONTRADICTION)
TWO_CLASSES = (ENTAILMENT, NOT_ENTAILMENT)

Rows = Iterable[Mapping[str, object]]
Progress = Callable[[int], object]  # called with the number of rows done, after each
Row = TypeVar("Row")

logger = logging.getLogger("entailment")


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What a model got right on N rows; shares are from 0 to 1.

    Attributes:
        count: N.
        accuracy, macro_precision, macro_recall, macro_f1: as in `entailment.evaluate.metrics`.
        classes: the class names, in the order of `per_class` and of both axes of the matrix.
        per_class: precision, recall, F1 and support by class name.
        confusion_matrix: counts; the row is the gold class, the column the predicted one.
        ece: expected calibration error, 15 equal-width bins.
        samples_per_second: rows a second from text to answer, reading of the rows included, loading of the
            model not.
    """

    count: int
    accuracy: float
    macro_precision: float
    macro_recall: float
    macro_f1: float
    classes: tuple[str, ...]
    per_class: dict[str, metrics.ClassMeasures]
    confusion_matrix: tuple[tuple[int, ...], ...]
    ece: float
    samples_per_second: float

    def to_dict(self) -> dict[str, object]:
        """The same as plain JSON values, under the names of the attributes."""
        plain = asdict(self)
        plain["classes"] = list(self.classes)
        plain["confusion_matrix"] = [list(row) for row in self.confusion_matrix]
        return plain


def evaluate_nli(
    model: NLI | PairModel | str | Path | None,
    rows: Rows,
    limit: int | None = None,
    *,
    label_names: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure a model on rows with ``premise``, ``hypothesis`` and ``label``.

    Labels are class names in any case and spelling ("Entailment", "not-entailment", "contradictory"). Where
    the rows or the model know two classes only, both sides are folded to entailment and not_entailment: the
    probabilities of neutral and contradiction are added, so entailment is predicted if it is at least as
    probable as both together.

    Args:
        model: an `NLI`, or what `NLI` takes.
        rows: read as they are needed; only classes and probabilities are kept.
        limit: measure the first so many rows only.
        label_names: what number labels mean, by index; without it they are refused.
        progress: called with the number of rows done, after each.

    Raises:
        DataFileError: no rows, a missing column, an empty text or a bad label; with row and value.
        LabelsError: `label_names` does not name the classes.
    """
    nli = model if isinstance(model, NLI) else NLI(model)
    gold: list[str] = []
    scores: list[dict[str, float]] = []
    start = time.perf_counter()

    def pairs(checked: Iterator[NLIRow]) -> Iterator[tuple[str, str]]:
        for row in checked:
            gold.append(row.gold)
            yield row.premise, row.hypothesis

    for result in nli.stream(pairs(nli_rows(_first(rows, limit), label_names))):
        scores.append(result.scores)
        if progress is not None:
            progress(len(scores))
    seconds = time.perf_counter() - start
    if not gold:
        raise DataFileError("there are no rows to evaluate on")
    two = NOT_ENTAILMENT in gold or NOT_ENTAILMENT in scores[0]
    if two and not {*gold, *scores[0]} <= set(TWO_CLASSES):
        logger.warning("two classes are measured: neutral and contradiction are folded into not_entailment")
    classes = TWO_CLASSES if two else THREE_CLASSES
    table = np.array([[row.get(name, 0.0) for name in THREE_CLASSES] for row in scores])
    if two:
        against = table[:, 1:].sum(axis=1) + [row.get(NOT_ENTAILMENT, 0.0) for row in scores]
        table = np.stack([table[:, 0], against], axis=1)
    # With two classes every name but entailment folds to index 1.
    places = [classes.index(name) if name in classes else 1 for name in gold]
    predicted = table.argmax(axis=1)
    return _measure(classes, places, predicted.tolist(), table.max(axis=1).tolist(), seconds)


def evaluate_zero_shot(
    model: ZeroShotClassifier | PairModel | str | Path | None,
    rows: Rows,
    labels: str | Iterable[str] | None = None,
    template: str = TEMPLATE,
    limit: int | None = None,
    *,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure a model on rows with ``text`` and ``label``: the label with the highest score is the
    prediction.

    Args:
        model: a `ZeroShotClassifier`, or what it takes.
        rows: read as they are needed, unless `labels` is None.
        labels: the candidates; None takes all labels that occur in the rows (also beyond `limit`), in their
            order.
        template: with one ``{}`` for the label.
        limit: measure the first so many rows only.
        progress: called with the number of rows done, after each.

    Raises:
        DataFileError: no rows, a missing column, an empty text, or a label that is no candidate; with row and
            value.
        LabelsError: no candidates, or empty ones.
        TemplateError: not exactly one ``{}``.
    """
    classifier = model if isinstance(model, ZeroShotClassifier) else ZeroShotClassifier(model)
    checked = text_rows(rows)
    if labels is None:
        candidates, checked = _labels_of(checked, limit)
    else:
        found = label_sets(labels, Notes())
        if not isinstance(found, tuple):
            raise InputError("evaluate_zero_shot takes one list of labels for all rows")
        candidates = found
    index = LabelIndex(candidates)
    gold: list[int] = []
    predicted: list[int] = []
    confidences: list[float] = []
    place = {label: position for position, label in enumerate(candidates)}

    def texts(checked: Iterator[TextRow]) -> Iterator[str]:
        for row in checked:
            gold.append(index.find(row))
            yield row.text

    start = time.perf_counter()
    for answer in classifier.stream(texts(_first(checked, limit)), candidates, hypothesis_template=template):
        predicted.append(place[answer["labels"][0]])
        confidences.append(answer["scores"][0])
        if progress is not None:
            progress(len(predicted))
    seconds = time.perf_counter() - start
    if not gold:
        raise DataFileError("there are no rows to evaluate on")
    return _measure(candidates, gold, predicted, confidences, seconds)


def _measure(
    classes: tuple[str, ...], gold: list[int], predicted: list[int], confidences: list[float], seconds: float
) -> Evaluation:
    matrix = metrics.confusion_matrix(gold, predicted, len(classes))
    precision, recall, f1 = metrics.macro(matrix)
    return Evaluation(
        count=len(gold),
        accuracy=metrics.accuracy(matrix),
        macro_precision=precision,
        macro_recall=recall,
        macro_f1=f1,
        classes=classes,
        per_class=dict(zip(classes, metrics.per_class(matrix), strict=True)),
        confusion_matrix=tuple(tuple(row) for row in matrix.tolist()),
        ece=metrics.expected_calibration_error(confidences, np.equal(gold, predicted)),
        samples_per_second=len(gold) / max(seconds, 1e-9),
    )


def _labels_of(rows: Iterator[TextRow], limit: int | None) -> tuple[tuple[str, ...], Iterator[TextRow]]:
    """All labels that occur, in order, and the rows to measure again from the start."""
    kept: list[TextRow] = []
    seen: dict[str, None] = {}  # a set that keeps the order
    for row in rows:
        if not isinstance(row.gold, str) or not row.gold.strip():
            raise DataFileError(
                f"row {row.row}: the label {row.gold!r:.100} is not a name; give the labels by name"
            )
        seen.setdefault(row.gold)
        if limit is None or len(kept) < limit:
            kept.append(row)
    if not kept:
        raise DataFileError("there are no rows to evaluate on")
    return one_set(seen, Notes()), iter(kept)


def _first(rows: Iterable[Row], limit: int | None) -> Iterator[Row]:
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise InputError(f"limit must be a positive whole number, not {limit!r}")
    return islice(rows, limit)
