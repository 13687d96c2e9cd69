"""Is one model better than another, or was it luck? The paired bootstrap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from entailment.errors import InputError

RESAMPLES = 10_000


@dataclass(frozen=True)
class Comparison:
    """The accuracy of two models on the same rows.

    Attributes:
        accuracy, other_accuracy: shares from 0 to 1.
        difference: the first minus the second.
        low, high: the 95 % interval of the difference.
        p_value: how often a difference at least as large, of either sign, would come about by the choice of
            rows alone if the two were equally good.
        only_first, only_second: rows that one of the two alone gets right.
    """

    accuracy: float
    other_accuracy: float
    difference: float
    low: float
    high: float
    p_value: float
    only_first: int
    only_second: int


def paired_bootstrap(
    correct: ArrayLike, other_correct: ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0
) -> Comparison:
    """Compare two models by drawing the rows of the test set anew, with replacement.

    The interval holds the middle 95 % of the resampled differences (Koehn 2004, "Statistical Significance
    Tests for Machine Translation Evaluation", section 4). The p-value is that of Berg-Kirkpatrick et al.
    2012 ("An Empirical Investigation of Statistical Significance in NLP", section 2.1) for both sides: the
    resampled differences lie around the one that was measured, so those are counted that are as far from it
    as it is from zero.

    Args:
        correct, other_correct: [N], whether each model is right on each row; the same rows in the same order.
        resamples: how many sets are drawn.
        seed: of the draws; the same seed gives the same figures.

    Raises:
        InputError: no rows, or not the same number of them.
    """
    first, second = np.asarray(correct, dtype=bool), np.asarray(other_correct, dtype=bool)
    if first.ndim != 1 or first.shape != second.shape or not first.size:
        raise InputError(f"cannot compare answers to {first.size} rows with answers to {second.size}")
    count = first.size
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    difference = (only_first - only_second) / count
    # A row counts 1, -1 or 0, so how often each is drawn is multinomial: N draws at once, exactly.
    shares = np.array([only_first, only_second, count - only_first - only_second]) / count
    draws = np.random.default_rng(seed).multinomial(count, shares, size=resamples)
    moved = (draws[:, 0] - draws[:, 1]) / count
    low, high = np.quantile(moved, [0.025, 0.975]).tolist()
    # The sample itself counts as one more, so that p is never 0; the margin forgives rounding.
    far = int((np.abs(moved - difference) >= abs(difference) - 1e-12).sum())
    return Comparison(
        accuracy=float(first.mean()),
        other_accuracy=float(second.mean()),
        difference=difference,
        low=low,
        high=high,
        p_value=(far + 1) / (resamples + 1),
        only_first=only_first,
        only_second=only_second,
    )
