"""From answers to a scaling: whose classes, and what is recorded."""

from __future__ import annotations

import math

import numpy as np
import pytest

from entailment.errors import InputError
from entailment.evaluate.fitting import fit_scaling
from entailment.evaluate.predict import Predictions

CLASSES = ("entailment", "neutral", "contradiction")


def answers(gold: list[int], rows: list[list[float]], classes: tuple[str, ...] = CLASSES) -> Predictions:
    return Predictions(
        classes=classes,
        gold=np.array(gold),
        probabilities=np.array(rows),
        groups=(),
        texts=(),
        numbers=(),
        seconds=1.0,
    )


SURE = 1 / (1 + math.exp(-2))  # the sigmoid of 2


def test_what_is_fitted_and_recorded_by_hand() -> None:
    found = answers([0, 0, 0, 1], [[SURE, 1 - SURE]] * 4, ("entailment", "not_entailment"))
    # The classes in the model's own order, which changes nothing.
    scaling = fit_scaling(found, ("not_entailment", "entailment"), data="rows.csv", target=0.5)
    assert scaling.temperature == pytest.approx(2 / math.log(3))
    assert (scaling.bias, scaling.data, scaling.rows) == ({}, "rows.csv", 4)
    assert scaling.loss_before == pytest.approx(-(3 * math.log(SURE) + math.log(1 - SURE)) / 4)
    assert scaling.loss == pytest.approx(-(3 * math.log(0.75) + math.log(0.25)) / 4)
    assert scaling.ece_before == pytest.approx(SURE - 0.75)
    assert scaling.ece == pytest.approx(0, abs=1e-9)
    assert scaling.threshold is not None
    assert scaling.threshold.value == pytest.approx(0.75)
    assert (scaling.threshold.precision, scaling.threshold.coverage) == (0.75, 1.0)


def test_biases_have_the_names_of_the_classes() -> None:
    rows = [[0.5, 0.3, 0.2], [0.2, 0.5, 0.3], [0.4, 0.3, 0.3], [0.3, 0.3, 0.4], [0.5, 0.25, 0.25]]
    scaling = fit_scaling(
        answers([0, 1, 2, 2, 1], rows), ("contradiction", "entailment", "neutral"), data="d", bias=True
    )
    assert list(scaling.bias) == ["contradiction", "entailment", "neutral"]
    assert scaling.bias["entailment"] < scaling.bias["contradiction"]
    assert scaling.loss < scaling.loss_before


def test_a_probability_of_zero() -> None:
    scaling = fit_scaling(answers([0, 1], [[1.0, 0.0, 0.0]] * 2), CLASSES, data="d")
    assert scaling.temperature == pytest.approx(20.0)
    assert math.isfinite(scaling.loss)


def test_rows_and_model_must_know_the_same_classes() -> None:
    folded = answers([0, 1], [[0.5, 0.5]] * 2, ("entailment", "not_entailment"))
    with pytest.raises(
        InputError, match="measured as entailment, not_entailment, and the model's classes are"
    ):
        fit_scaling(folded, CLASSES, data="d")
    neutral = answers([0, 1], [[0.5, 0.0, 0.5]] * 2)
    with pytest.raises(InputError, match="measured as entailment, neutral"):
        fit_scaling(neutral, ("entailment", "contradiction"), data="d")
