"""Folding is composition."""

from __future__ import annotations

import numpy as np
import pytest

from entailment.graphs.affine import Affine, Scale

RNG = np.random.default_rng(0)
W, C, X = RNG.standard_normal((4, 3)), RNG.standard_normal(4), RNG.standard_normal(3)
LAYER = Affine(W, C)


def applied(layer: Affine, x: np.ndarray) -> np.ndarray:
    y: np.ndarray = layer.weight @ x + layer.bias
    return y


def norm(width: int) -> Scale:
    return Scale(RNG.standard_normal(width), RNG.standard_normal(width))


def test_a_norm_behind() -> None:
    n = norm(4)
    assert applied(LAYER.then(n), X) == pytest.approx(n.factor * (W @ X + C) + n.shift)


def test_a_norm_in_front() -> None:
    n = norm(3)
    assert applied(LAYER.behind(n), X) == pytest.approx(W @ (n.factor * X + n.shift) + C)


def test_factors_and_summands() -> None:
    assert applied(LAYER.times(C).plus(C), X) == pytest.approx(C * (W @ X + C) + C)


def test_in_any_number() -> None:
    first, second = norm(3), norm(4)
    both = LAYER.behind(first).then(second)
    wanted = second.factor * (W @ (first.factor * X + first.shift) + C) + second.shift
    assert applied(both, X) == pytest.approx(wanted)
