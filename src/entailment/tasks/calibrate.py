"""Fits how sure a model may be: a temperature, perhaps a bias for each class, and a threshold.

The temperature divides all logits, so that it never changes which class is the most probable (Guo et al.
2017, "On Calibration of Modern Neural Networks", section 4.2). With a bias for each class, which may change
it, this is their vector scaling with one slope (as in Platt scaling, section 4.1). Both minimise the
cross-entropy of the validation rows, which is convex in the biases and the inverse of the temperature.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from entailment.checkpoint.calibration import HIGHEST_TEMPERATURE, LOWEST_TEMPERATURE, Threshold
from entailment.errors import InputError
from entailment.tables.reading import counted
from entailment.tasks.scores import softmax

Floats = NDArray[np.float64]

FEWEST_ROWS, FEWEST_CLASSES = 2, 2
HALVINGS = 40  # of a range of less than three decades: ten digits of the temperature
NEWTON_STEPS, STEP_HALVINGS = 50, 20
SETTLED = 1e-10  # how far a class may be, on average, from being as probable as it is frequent


def fit_temperature(logits: Floats, gold: NDArray[np.int64]) -> float:
    """The temperature, from 0.05 to 20, by which logits give the gold classes the lowest cross-entropy.

    Where every row is right there is no such one: the lower, the better, until rounding or the range ends it.

    Args:
        logits: [N, K]; any number may be added to a row, so that logarithms of probabilities serve as well.
        gold: [N], class indices.

    Raises:
        InputError: too few rows or classes, or the shapes do not fit.
    """
    _check(logits, gold)
    return _best_temperature(logits, gold, lambda scaled: np.zeros(scaled.shape[1]))


def fit_temperature_and_bias(logits: Floats, gold: NDArray[np.int64]) -> tuple[float, Floats]:
    """Temperature and biases [K] of the lowest cross-entropy; the biases sum to 0 and follow the division.

    Args:
        logits, gold: as in `fit_temperature`.

    Raises:
        InputError: as `fit_temperature` does; or a class has no row, so that its bias would have no end.
    """
    _check(logits, gold)
    if np.bincount(gold, minlength=logits.shape[1]).min() == 0:
        raise InputError("a bias for each class needs rows of each class; fit the temperature alone")
    temperature = _best_temperature(logits, gold, lambda scaled: _best_biases(scaled, gold))
    return temperature, _best_biases(logits / temperature, gold)


def _best_temperature(logits: Floats, gold: NDArray[np.int64], biases: Callable[[Floats], Floats]) -> float:
    """Where the loss stops falling, given the biases that are best for each temperature.

    The loss is convex in the biases and the inverse of the temperature, and so is its lowest value for each
    temperature in the latter; its slope there is that at the best biases.
    """
    right = logits[np.arange(len(gold)), gold]
    low, high = LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE
    for _ in range(HALVINGS):
        middle = float(np.sqrt(low * high))
        scaled = logits / middle
        # In the inverse temperature: the expected logit less the right one.
        slope = float(((softmax(scaled + biases(scaled)) * logits).sum(axis=1) - right).mean())
        low, high = (low, middle) if slope < 0 else (middle, high)
    return float(np.sqrt(low * high))


def _best_biases(logits: Floats, gold: NDArray[np.int64]) -> Floats:
    """The biases [K] of the lowest cross-entropy, by Newton's method with steps that make it fall."""
    classes = logits.shape[1]
    shares = np.bincount(gold, minlength=classes) / len(gold)
    biases = np.zeros(classes)
    loss = _loss(logits, gold)
    for _ in range(NEWTON_STEPS):
        probabilities = softmax(logits + biases)
        means = probabilities.mean(axis=0)
        if np.abs(means - shares).max() < SETTLED:
            break
        curve = np.diag(means) - probabilities.T @ probabilities / len(gold)
        # What is added to all biases alike has no effect; the pseudo-inverse leaves it out.
        step = np.linalg.pinv(curve, hermitian=True) @ (means - shares)
        tried = (biases - step * 0.5**halvings for halvings in range(STEP_HALVINGS))
        better = next((one for one in tried if _loss(logits + one, gold) < loss), None)
        if better is None:
            break
        biases, loss = better, _loss(logits + better, gold)
    return np.asarray(biases - biases.mean())


def fit_threshold(confidences: Floats, correct: NDArray[np.bool_], target: float) -> Threshold:
    """The threshold that leaves most answers of which at least the share `target` is right.

    Args:
        confidences: [N], the probability of each top answer.
        correct: [N], whether it is right.
        target: the precision wanted, above 0 and at most 1.

    Raises:
        InputError: no threshold reaches it; the message says what can be reached.
    """
    if not 0 < target <= 1:
        raise InputError(f"the precision wanted must be above 0 and at most 1, not {target}")
    order = np.argsort(-confidences, kind="stable")
    sure, right = confidences[order], np.cumsum(correct[order])
    counts = np.arange(1, len(sure) + 1)
    # Answers of equal confidence are given or withheld together: only the last of them can end the set.
    ends = np.append(sure[1:] < sure[:-1], True)
    precision = np.where(ends, right / counts, -1.0)
    reached = np.flatnonzero(precision >= target)
    if not reached.size:
        best = int(precision.argmax())
        raise InputError(
            f"no threshold gives a precision of {target:g}: the highest is {precision[best]:.4f}, on "
            f"{counts[best]:,} of {len(sure):,} rows"
        )
    last = int(reached[-1])
    return Threshold(
        value=float(sure[last]),
        target=target,
        precision=float(precision[last]),
        coverage=float(counts[last] / len(sure)),
    )


def _loss(logits: Floats, gold: NDArray[np.int64]) -> float:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return float((np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(gold)), gold]).mean())


def _check(logits: Floats, gold: NDArray[np.int64]) -> None:
    if logits.ndim != 2 or gold.shape != logits.shape[:1] or not np.isfinite(logits).all():
        raise InputError(f"logits {logits.shape} and gold classes {gold.shape} cannot be fitted")
    if logits.shape[1] < FEWEST_CLASSES:
        raise InputError(
            f"there is nothing to choose from: a fit needs at least {FEWEST_CLASSES} classes, not "
            f"{logits.shape[1]}"
        )
    if len(gold) < FEWEST_ROWS:
        raise InputError(
            f"{counted(len(gold), 'row')}, but a fit needs at least {FEWEST_ROWS}, and better hundreds"
        )
