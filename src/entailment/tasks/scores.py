"""Logits to probabilities, safe at any size of logit."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def softmax(logits: ArrayLike) -> NDArray[np.float64]:
    """Softmax over the last axis: any shape in, the same shape out, each last axis summing to 1.

    Computed in float64 and shifted by the maximum, so logits of a thousand neither overflow nor give NaN.
    """
    x = np.asarray(logits, dtype=np.float64)
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def sigmoid(logits: ArrayLike) -> NDArray[np.float64]:
    """Logistic function of each element, in float64, without overflow on either side."""
    x = np.asarray(logits, dtype=np.float64)
    small = np.exp(-np.abs(x))  # always in (0, 1]
    return np.where(x >= 0, 1.0, small) / (1.0 + small)
