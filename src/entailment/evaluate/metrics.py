"""Classification measures from gold classes, predicted classes and confidences, with scikit-learn's
definitions.

All take classes as indices 0..C-1. A measure whose denominator is zero is 0.0 (``zero_division=0``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from entailment.errors import InputError

ECE_BINS = 15


@dataclass(frozen=True)
class ClassMeasures:
    """Precision, recall and F1 (from 0 to 1) of one class, and its number of gold rows."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Bin:
    """Rows whose confidence lies above `low` and not above `high`.

    Attributes:
        low, high: edges, from 0 to 1.
        count: how many rows.
        confidence: their mean confidence; 0.0 for none.
        accuracy: the share of them that is right; 0.0 for none.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def confusion_matrix(gold: ArrayLike, predicted: ArrayLike, classes: int) -> NDArray[np.int64]:
    """Counts [C, C]: the row is the gold class, the column the predicted one."""
    rows, columns = _indices(gold, classes, "gold"), _indices(predicted, classes, "predicted")
    if rows.shape != columns.shape:
        raise InputError(f"there are {rows.size} gold classes and {columns.size} predicted ones")
    return np.bincount(rows * classes + columns, minlength=classes * classes).reshape(classes, classes)


def accuracy(matrix: NDArray[np.int64]) -> float:
    """Share of rows on the diagonal of a confusion matrix; 0.0 for no rows."""
    return _ratio(int(np.trace(matrix)), int(matrix.sum()))


def per_class(matrix: NDArray[np.int64]) -> list[ClassMeasures]:
    """Measures of each class from a confusion matrix [C, C], by class index."""
    measures = []
    for index in range(len(matrix)):
        right, named, gold = int(matrix[index, index]), int(matrix[:, index].sum()), int(matrix[index].sum())
        measures.append(
            ClassMeasures(
                precision=_ratio(right, named),
                recall=_ratio(right, gold),
                f1=_ratio(2 * right, named + gold),  # = 2PR / (P + R), and defined where that is 0 / 0
                support=gold,
            )
        )
    return measures


def macro(matrix: NDArray[np.int64]) -> tuple[float, float, float]:
    """Unweighted means of precision, recall and F1.

    As scikit-learn does by default, over the classes that occur in the gold or the predicted rows: a class
    that is neither asked for nor answered says nothing about the model.
    """
    occurs = (matrix.sum(axis=0) + matrix.sum(axis=1)) > 0
    measures = [measure for measure, counts in zip(per_class(matrix), occurs, strict=True) if counts]
    if not measures:
        return 0.0, 0.0, 0.0
    table = np.array([(measure.precision, measure.recall, measure.f1) for measure in measures])
    precision, recall, f1 = table.mean(axis=0).tolist()
    return precision, recall, f1


def weighted(matrix: NDArray[np.int64]) -> tuple[float, float, float]:
    """Means of precision, recall and F1 weighted by the gold rows of each class; zeros for no rows."""
    support = matrix.sum(axis=1)
    if not support.sum():
        return 0.0, 0.0, 0.0
    table = np.array([(measure.precision, measure.recall, measure.f1) for measure in per_class(matrix)])
    precision, recall, f1 = np.average(table, axis=0, weights=support).tolist()
    return precision, recall, f1


def cross_entropy(probabilities: NDArray[np.float64], gold: ArrayLike) -> float:
    """Mean of -ln p(gold class), in nats; 0.0 for no rows.

    A probability of zero counts as the smallest that a float64 can tell from it, some 708 nats.

    Args:
        probabilities: [N, C], rows summing to 1.
        gold: [N], class indices.
    """
    places = _indices(gold, probabilities.shape[-1], "gold")
    if probabilities.ndim != 2 or len(probabilities) != places.size:
        raise InputError(f"probabilities {probabilities.shape} do not fit {places.size} gold classes")
    if not places.size:
        return 0.0
    # Added up of several classes, a probability may be rounded to above 1, and the loss to below 0.
    right = np.clip(probabilities[np.arange(places.size), places], np.finfo(np.float64).tiny, 1.0)
    return float(0.0 - np.log(right).mean())  # not -x, which is -0.0 where x is 0.0


def reliability(confidences: ArrayLike, correct: ArrayLike, bins: int = ECE_BINS) -> tuple[Bin, ...]:
    """The bins of `expected_calibration_error`, from low to high; arguments as there."""
    confidence, hit, place = _binned(confidences, correct, bins)
    edges = np.linspace(0.0, 1.0, bins + 1).tolist()
    found = []
    for index in range(bins):
        inside = place == index
        count = int(inside.sum())
        means = (float(confidence[inside].mean()), float(hit[inside].mean())) if count else (0.0, 0.0)
        found.append(Bin(edges[index], edges[index + 1], count, *means))
    return tuple(found)


def expected_calibration_error(confidences: ArrayLike, correct: ArrayLike, bins: int = ECE_BINS) -> float:
    """Mean distance between confidence and accuracy, weighted by rows: from 0 (calibrated) to 1.

    Equal-width bins of the predicted class's probability, each without its lower edge and with its upper one
    (Guo et al. 2017, "On Calibration of Modern Neural Networks", section 2, eq. 3). 0.0 for no rows.

    Args:
        confidences: [N], the probability of the class that was predicted, from 0 to 1.
        correct: [N], whether that class was the gold one.
        bins: how many bins.
    """
    confidence, hit, place = _binned(confidences, correct, bins)
    if confidence.size == 0:
        return 0.0
    # n_b / N * |mean hit - mean confidence| = |sum of (hit - confidence)| / N, so empty bins need no care.
    gaps = np.bincount(place, weights=hit - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / confidence.size)


def _binned(
    confidences: ArrayLike, correct: ArrayLike, bins: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Confidence, hit (0 or 1) and bin of each row, checked."""
    confidence = np.asarray(confidences, dtype=np.float64)
    hit = np.asarray(correct, dtype=np.float64)
    if confidence.shape != hit.shape or confidence.ndim != 1:
        raise InputError(
            f"confidences {confidence.shape} and correct {hit.shape} must be two lists of one length"
        )
    if confidence.size and not (
        np.isfinite(confidence).all() and confidence.min() >= 0 and confidence.max() <= 1 + 1e-6
    ):
        raise InputError("confidences must be probabilities from 0 to 1")
    inner_edges = np.linspace(0.0, 1.0, bins + 1)[1:-1]
    return confidence, hit, np.digitize(confidence, inner_edges, right=True).astype(np.int64)


def _indices(values: ArrayLike, classes: int, what: str) -> NDArray[np.int64]:
    indices = np.asarray(values)
    if indices.size == 0:
        return np.zeros(0, dtype=np.int64)
    if indices.ndim != 1 or indices.dtype.kind not in "iu" or indices.min() < 0 or indices.max() >= classes:
        raise InputError(f"{what} classes must be a list of whole numbers from 0 to {classes - 1}")
    return indices.astype(np.int64)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
