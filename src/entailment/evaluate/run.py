"""Runs a model over labelled rows and measures it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from entailment.evaluate import metrics
from entailment.evaluate.predict import Predictions, Progress, Rows, predict_nli, predict_zero_shot
from entailment.tasks.classification import TEMPLATE
from entailment.tasks.model import PairModel
from entailment.tasks.nli import NLI
from entailment.tasks.zero_shot import ZeroShotClassifier


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What a model got right on N rows; shares are from 0 to 1.

    Attributes:
        count: N.
        accuracy, macro_precision, macro_recall, macro_f1: as in `entailment.evaluate.metrics`.
        weighted_precision, weighted_recall, weighted_f1: the same means, weighted by the rows of each class.
        loss: mean cross-entropy, in nats.
        classes: the class names, in the order of `per_class` and of both axes of the matrix.
        per_class: precision, recall, F1 and support by class name.
        confusion_matrix: counts; the row is the gold class, the column the predicted one.
        ece: expected calibration error, 15 equal-width bins.
        seconds: from text to answer, reading of the rows included, loading of the model not.
        samples_per_second: rows a second of that time.
    """

    count: int
    accuracy: float
    macro_precision: float
    macro_recall: float
    macro_f1: float
    weighted_precision: float
    weighted_recall: float
    weighted_f1: float
    loss: float
    classes: tuple[str, ...]
    per_class: dict[str, metrics.ClassMeasures]
    confusion_matrix: tuple[tuple[int, ...], ...]
    ece: float
    seconds: float
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
    probable as both together. Nothing is folded where both know entailment and contradiction alone.

    Args:
        model: an `NLI`, or what `NLI` takes.
        rows: read as they are needed; only classes and probabilities are kept.
        limit: measure the first so many rows only.
        label_names: what number labels mean, by index; without it they are refused.
        progress: called with the number of rows done, after each.

    Raises:
        DataFileError: no rows, a missing column, an empty text or a bad label; with row and value.
        InputError: `rows` is no iterable of rows, or `limit` no positive whole number.
        LabelsError: `label_names` does not name the classes.
    """
    return measure(predict_nli(model, rows, limit, label_names=label_names, progress=progress))


def evaluate_zero_shot(
    model: ZeroShotClassifier | PairModel | str | Path | None,
    rows: Rows,
    labels: str | Iterable[str] | None = None,
    template: str = TEMPLATE,
    limit: int | None = None,
    *,
    label_names: Sequence[str] | None = None,
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
        label_names: what number labels mean, by index; each is one of `labels`. Without it they are refused.
        progress: called with the number of rows done, after each.

    Raises:
        DataFileError: no rows, a missing column, an empty text, or a label that is no candidate; with row and
            value.
        InputError: `rows` is no iterable of rows, or `limit` no positive whole number.
        LabelsError: fewer than two candidates, or empty ones.
        TemplateError: not exactly one ``{}``.
    """
    return measure(
        predict_zero_shot(model, rows, labels, template, limit, label_names=label_names, progress=progress)
    )


def measure(found: Predictions) -> Evaluation:
    """What predictions are worth."""
    matrix = metrics.confusion_matrix(found.gold, found.predicted, len(found.classes))
    precision, recall, f1 = metrics.macro(matrix)
    weighted_precision, weighted_recall, weighted_f1 = metrics.weighted(matrix)
    return Evaluation(
        count=len(found.gold),
        accuracy=metrics.accuracy(matrix),
        macro_precision=precision,
        macro_recall=recall,
        macro_f1=f1,
        weighted_precision=weighted_precision,
        weighted_recall=weighted_recall,
        weighted_f1=weighted_f1,
        loss=metrics.cross_entropy(found.probabilities, found.gold),
        classes=found.classes,
        per_class=dict(zip(found.classes, metrics.per_class(matrix), strict=True)),
        confusion_matrix=tuple(tuple(row) for row in matrix.tolist()),
        ece=metrics.expected_calibration_error(found.confidences, found.correct),
        seconds=found.seconds,
        samples_per_second=len(found.gold) / max(found.seconds, 1e-9),
    )
