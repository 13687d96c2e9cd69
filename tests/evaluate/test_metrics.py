"""Values by hand first; then the same measures against scikit-learn on random rows, if it is there."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entailment.errors import InputError
from entailment.evaluate import metrics
from entailment.tasks.scores import softmax

GOLD = [0, 0, 0, 0, 1, 1, 1, 2, 2, 2]
PREDICTED = [0, 0, 1, 2, 1, 1, 0, 0, 0, 1]  # class 2 is named once, wrongly


def test_confusion_matrix_has_gold_rows() -> None:
    matrix = metrics.confusion_matrix(GOLD, PREDICTED, 3)
    assert matrix.tolist() == [[2, 1, 1], [1, 2, 0], [2, 1, 0]]
    assert metrics.accuracy(matrix) == 0.4


def test_per_class_by_hand() -> None:
    first, second, third = metrics.per_class(metrics.confusion_matrix(GOLD, PREDICTED, 3))
    assert (first.precision, first.recall, first.support) == (2 / 5, 2 / 4, 4)
    assert first.f1 == pytest.approx(2 * 0.4 * 0.5 / 0.9)
    assert (second.precision, second.recall, second.support) == (2 / 4, 2 / 3, 3)
    assert second.f1 == pytest.approx(4 / 7)
    assert third == metrics.ClassMeasures(precision=0.0, recall=0.0, f1=0.0, support=3)


def test_macro_by_hand() -> None:
    precision, recall, f1 = metrics.macro(metrics.confusion_matrix(GOLD, PREDICTED, 3))
    assert precision == pytest.approx((0.4 + 0.5 + 0.0) / 3)
    assert recall == pytest.approx((0.5 + 2 / 3 + 0.0) / 3)
    assert f1 == pytest.approx((4 / 9 + 4 / 7 + 0.0) / 3)


def test_macro_leaves_out_classes_that_never_occur() -> None:
    assert metrics.macro(metrics.confusion_matrix(GOLD, PREDICTED, 9)) == metrics.macro(
        metrics.confusion_matrix(GOLD, PREDICTED, 3)
    )


def test_no_rows() -> None:
    matrix = metrics.confusion_matrix([], [], 3)
    assert metrics.accuracy(matrix) == 0.0
    assert metrics.macro(matrix) == (0.0, 0.0, 0.0)
    assert metrics.expected_calibration_error([], []) == 0.0


def test_expected_calibration_error_by_hand() -> None:
    # Bins of width 1/15: 0.95 and 0.94 share (14/15, 1]; 0.50 lies in (7/15, 8/15]; 0.40 in (5/15, 6/15].
    confidences = [0.95, 0.94, 0.50, 0.50, 0.40]
    correct = [True, False, True, True, False]
    expected = 2 / 5 * abs(0.5 - 0.945) + 2 / 5 * abs(1.0 - 0.5) + 1 / 5 * abs(0.0 - 0.4)
    assert metrics.expected_calibration_error(confidences, correct) == pytest.approx(expected)


def test_bins_own_their_upper_edge() -> None:
    # 0.5 ends the first of two bins; were both in the second, their gaps would cancel.
    assert metrics.expected_calibration_error([0.5, 0.5000001], [True, False], bins=2) == pytest.approx(0.5)
    assert metrics.expected_calibration_error([0.0, 1.0], [False, True]) == 0.0


@pytest.mark.parametrize(("confidence", "hit"), [(1.0, False), (0.0, True)])
def test_worst_calibration(confidence: float, hit: bool) -> None:
    assert metrics.expected_calibration_error([confidence] * 4, [hit] * 4) == 1.0


def test_a_loss_of_nothing_is_not_less() -> None:
    sums = np.array([[np.nextafter(1.0, 2.0), 0.0]])  # of classes that were added up
    for probabilities in (np.array([[1.0, 0.0]]), sums):
        assert f"{metrics.cross_entropy(probabilities, [0]):.4f}" == "0.0000"
    assert math.isnan(metrics.cross_entropy(np.array([[np.nan, 0.0]]), [0]))


def test_bad_arguments() -> None:
    with pytest.raises(InputError, match="whole numbers from 0 to 2"):
        metrics.confusion_matrix([3], [0], 3)
    with pytest.raises(InputError, match="predicted classes"):
        metrics.confusion_matrix([0], [-1], 3)
    with pytest.raises(InputError, match="2 gold classes and 1 predicted"):
        metrics.confusion_matrix([0, 1], [0], 3)
    with pytest.raises(InputError, match="one length"):
        metrics.expected_calibration_error([0.5], [])
    with pytest.raises(InputError, match="from 0 to 1"):
        metrics.expected_calibration_error([1.5], [True])
    with pytest.raises(InputError, match="from 0 to 1"):
        metrics.expected_calibration_error([float("nan")], [True])


@pytest.mark.oracle
@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60))
def test_equal_to_scikit_learn(rows: list[tuple[int, int]]) -> None:
    reference = pytest.importorskip("sklearn.metrics")
    gold, predicted = [row[0] for row in rows], [row[1] for row in rows]
    matrix = metrics.confusion_matrix(gold, predicted, 5)
    labels = list(range(5))
    np.testing.assert_array_equal(matrix, reference.confusion_matrix(gold, predicted, labels=labels))
    assert metrics.accuracy(matrix) == reference.accuracy_score(gold, predicted)
    columns = reference.precision_recall_fscore_support(gold, predicted, labels=labels, zero_division=0)
    ours = [(m.precision, m.recall, m.f1, m.support) for m in metrics.per_class(matrix)]
    np.testing.assert_array_equal(ours, np.stack(columns, axis=1))
    for average, found in (("macro", metrics.macro(matrix)), ("weighted", metrics.weighted(matrix))):
        expected = reference.precision_recall_fscore_support(
            gold, predicted, average=average, zero_division=0
        )
        # Sums of up to five numbers, perhaps in another order: the last of 16 digits may differ.
        assert found == pytest.approx(expected[:3], rel=4e-16, abs=0)


@pytest.mark.oracle
@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.lists(st.floats(-8, 8), min_size=3, max_size=3), st.integers(0, 2)), min_size=1
    )
)
def test_cross_entropy_equals_that_of_scikit_learn(rows: list[tuple[list[float], int]]) -> None:
    reference = pytest.importorskip("sklearn.metrics")
    probabilities, gold = softmax([row[0] for row in rows]), [row[1] for row in rows]
    expected = reference.log_loss(gold, probabilities, labels=[0, 1, 2])
    assert metrics.cross_entropy(probabilities, gold) == pytest.approx(expected, rel=1e-12)


def test_cross_entropy_by_hand() -> None:
    assert metrics.cross_entropy(np.array([[0.5, 0.5], [0.25, 0.75]]), [0, 0]) == pytest.approx(
        1.5 * np.log(2)
    )
    assert metrics.cross_entropy(np.array([[0.0, 1.0]]), [0]) == pytest.approx(708.4, abs=0.1)
    assert metrics.cross_entropy(np.zeros((0, 3)), []) == 0.0
    with pytest.raises(InputError, match="do not fit 1 gold classes"):
        metrics.cross_entropy(np.array([[0.5, 0.5]] * 2), [0])


def test_weighted_by_hand() -> None:
    precision, recall, f1 = metrics.weighted(metrics.confusion_matrix(GOLD, PREDICTED, 3))
    assert precision == pytest.approx((4 * 0.4 + 3 * 0.5) / 10)
    assert recall == 0.4
    assert f1 == pytest.approx((4 * 4 / 9 + 3 * 4 / 7) / 10)
    assert metrics.weighted(metrics.confusion_matrix([], [], 3)) == (0.0, 0.0, 0.0)


def test_reliability_by_hand() -> None:
    low, high = metrics.reliability([0.5, 0.3, 0.9], [True, False, True], bins=2)
    assert (low.low, low.high, low.count, low.confidence, low.accuracy) == (0.0, 0.5, 2, 0.4, 0.5)
    assert (high.low, high.high, high.count, high.confidence, high.accuracy) == (0.5, 1.0, 1, 0.9, 1.0)
    assert metrics.reliability([], [], bins=1) == (metrics.Bin(0.0, 1.0, 0, 0.0, 0.0),)


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_calibration_error_equals_its_definition(rows: list[tuple[float, bool]]) -> None:
    edges = np.linspace(0, 1, metrics.ECE_BINS + 1)
    expected = 0.0
    for index, (low, high) in enumerate(itertools.pairwise(edges)):
        inside = [(c, hit) for c, hit in rows if low < c <= high or (index == 0 and c == 0)]
        if inside:
            gap = np.mean([hit for _, hit in inside]) - np.mean([c for c, _ in inside])
            expected += float(len(inside) / len(rows) * abs(gap))
    confidences, correct = zip(*rows, strict=True)
    assert metrics.expected_calibration_error(confidences, correct) == pytest.approx(expected, abs=1e-12)
    found = metrics.reliability(confidences, correct)
    from_bins = sum(one.count * abs(one.accuracy - one.confidence) for one in found) / len(rows)
    assert from_bins == pytest.approx(expected, abs=1e-12)
