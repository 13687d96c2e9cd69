"""The paired bootstrap: cases whose answer is known, and rows drawn one by one as the papers describe it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entailment.errors import InputError
from entailment.evaluate.compare import RESAMPLES, paired_bootstrap

Answers = list[tuple[bool, bool]]


def answers(both: int, first: int, second: int, neither: int) -> tuple[list[bool], list[bool]]:
    """So many rows that both, one alone, or neither gets right."""
    rows = [(True, True)] * both + [(True, False)] * first + [(False, True)] * second
    rows += [(False, False)] * neither
    return [row[0] for row in rows], [row[1] for row in rows]


@given(correct=st.lists(st.booleans(), min_size=1, max_size=50))
def test_a_model_beside_itself(correct: list[bool]) -> None:
    found = paired_bootstrap(correct, correct, resamples=100)
    assert found.accuracy == found.other_accuracy
    assert (found.difference, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)
    assert found.only_first == found.only_second == 0


def test_always_against_never() -> None:
    found = paired_bootstrap([True] * 30, [False] * 30)
    assert (found.difference, found.low, found.high) == (1.0, 1.0, 1.0)
    assert found.p_value == 1 / (RESAMPLES + 1)  # no draw is as far away; never 0, though
    assert (found.only_first, found.only_second) == (30, 0)


def test_many_rows_are_as_the_normal_distribution_says() -> None:
    found = paired_bootstrap(*answers(600, 130, 100, 170))
    spread = math.sqrt((0.23 - 0.03**2) / 1000)
    assert found.difference == pytest.approx(0.03)
    assert (found.low, found.high) == pytest.approx((0.03 - 1.96 * spread, 0.03 + 1.96 * spread), abs=0.002)
    assert found.p_value == pytest.approx(math.erfc(0.03 / spread / math.sqrt(2)), abs=0.01)


def test_as_rows_drawn_one_by_one() -> None:
    first, second = map(np.array, answers(9, 6, 2, 3))
    drawn = np.random.default_rng(1).integers(0, 20, size=(20_000, 20))
    moved = (first[drawn].astype(int) - second[drawn].astype(int)).mean(axis=1)
    found = paired_bootstrap(first, second)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(moved, [0.025, 0.975])), abs=0.051)
    assert found.p_value == pytest.approx((np.abs(moved - 0.2) >= 0.2 - 1e-9).mean(), abs=0.02)


@settings(max_examples=30, deadline=None)
@given(rows=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_what_holds_of_any_rows(rows: Answers) -> None:
    first, second = [row[0] for row in rows], [row[1] for row in rows]
    found, again = (paired_bootstrap(first, second, resamples=500) for _ in range(2))
    assert found == again
    assert found.difference == pytest.approx(found.accuracy - found.other_accuracy)
    assert -1 <= found.low <= found.high <= 1
    assert 0 < found.p_value <= 1
    swapped = paired_bootstrap(second, first, resamples=500)
    assert swapped.difference == -found.difference


@pytest.mark.parametrize(("first", "second"), [([], []), ([True], [True, False]), ([[True]], [[True]])])
def test_what_cannot_be_compared(first: list[bool], second: list[bool]) -> None:
    with pytest.raises(InputError, match="cannot compare"):
        paired_bootstrap(first, second)
