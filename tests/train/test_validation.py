"""One temperature for pairs and for choices between labels."""

from __future__ import annotations

import numpy as np
import pytest

from entailment.tasks.calibrate import fit_temperature
from entailment.train.validation import NO_LABEL, best_temperature


def test_the_temperature_follows_the_scale_of_the_logits() -> None:
    draw = np.random.default_rng(1)
    golds, nli, choices = draw.integers(0, 3, 300), draw.normal(size=(300, 3)), draw.normal(size=(200, 5))
    nli[np.arange(300), golds] += 1.0
    choices[:, 0] += 1.5
    choices[:100, 3:] = NO_LABEL
    found = best_temperature(nli, golds, choices)
    assert best_temperature(3 * nli, golds, 3 * choices) == pytest.approx(3 * found, rel=1e-3)


def test_it_lies_between_that_of_the_pairs_and_that_of_the_choices() -> None:
    draw = np.random.default_rng(2)
    golds, nli, choices = draw.integers(0, 3, 400), draw.normal(size=(400, 3)), draw.normal(size=(400, 6))
    nli[np.arange(400), golds] += 1.0
    choices[:, 0] += 1.0
    choices *= 4
    alone = fit_temperature(nli, golds), fit_temperature(choices, np.zeros(400, dtype=np.int64))
    assert alone[0] < best_temperature(nli, golds, choices) < alone[1]
