"""Fits with an answer known by hand, what holds of any rows, and what the tasks make of a calibration."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.tasks.pair_fakes import by_word, fake_model

from entailment.checkpoint.calibration import (
    HIGHEST_TEMPERATURE,
    LOWEST_TEMPERATURE,
    UNCALIBRATED,
    Calibration,
    Scaling,
)
from entailment.errors import CheckpointError, InputError
from entailment.tasks.calibrate import fit_temperature, fit_temperature_and_bias, fit_threshold
from entailment.tasks.check import DocumentChecker
from entailment.tasks.cross_encoder import CrossEncoder
from entailment.tasks.nli import NLI
from entailment.tasks.scores import softmax
from entailment.tasks.zero_shot import ZeroShotClassifier

NAMES = ("entailment", "neutral", "contradiction")


def scaling(temperature: float, bias: dict[str, float] | None = None) -> Scaling:
    return Scaling(temperature, bias or {}, None, "rows", 1, 0.0, 0.0, 0.0, 0.0)


def loss(logits: np.ndarray, gold: np.ndarray) -> float:
    return float(-np.log(softmax(logits)[np.arange(len(gold)), gold]).mean())


def drawn(seed: int, rows: int, classes: int, sharpness: float) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and gold classes drawn from their softmax after multiplication with `sharpness`."""
    random = np.random.default_rng(seed)
    logits = random.normal(scale=2.0, size=(rows, classes))
    gold = [random.choice(classes, p=row) for row in softmax(logits * sharpness)]
    return logits, np.array(gold, dtype=np.int64)


cases = st.tuples(
    st.integers(0, 2**32),
    st.integers(8, 60),
    st.integers(2, 5),
    st.sampled_from([-1.0, 0.0, 0.1, 0.5, 1.0, 2.0]),
)


def test_a_temperature_by_hand() -> None:
    # Three of four are right, at logits 1 and 0: the sigmoid of 1 / T is to be 3 / 4.
    logits, gold = np.array([[1.0, 0.0]] * 4), np.array([0, 0, 0, 1])
    assert fit_temperature(logits, gold) == pytest.approx(1 / math.log(3), rel=1e-12)
    assert fit_temperature(logits * 7 + 100, gold) == pytest.approx(7 / math.log(3), rel=1e-12)


def test_biases_by_hand() -> None:
    # Logits that differ by chance alone: what is left to learn is how frequent the classes are.
    logits, gold = np.array([[1.0, 0, 0], [-1.0, 0, 0]] * 4), np.array([0, 0, 1, 1, 0, 0, 2, 2])
    temperature, biases = fit_temperature_and_bias(logits, gold)
    assert biases.sum() == pytest.approx(0)
    assert biases[1] == pytest.approx(biases[2])
    assert temperature == pytest.approx(HIGHEST_TEMPERATURE, rel=0.01)
    assert softmax(biases) == pytest.approx([0.5, 0.25, 0.25], abs=1e-3)


def test_the_temperature_that_rows_were_drawn_with_is_found() -> None:
    logits, gold = drawn(0, 4_000, 3, 0.5)
    assert fit_temperature(logits, gold) == pytest.approx(2.0, rel=0.05)
    moved = logits * 2 - np.array([0.6, 0.0, -0.6])
    temperature, biases = fit_temperature_and_bias(moved, gold)
    assert temperature == pytest.approx(4.0, rel=0.06)
    assert biases == pytest.approx([0.15, 0.0, -0.15], abs=0.08)


@settings(max_examples=50, deadline=None)
@given(case=cases)
def test_the_best_temperature_is_the_best_and_moves_no_answer(case: tuple[int, int, int, float]) -> None:
    logits, gold = drawn(*case)
    found = fit_temperature(logits, gold)
    assert LOWEST_TEMPERATURE <= found <= HIGHEST_TEMPERATURE
    np.testing.assert_array_equal((logits / found).argmax(axis=1), logits.argmax(axis=1))
    best = loss(logits / found, gold)
    for other in (1.0, found * 0.99, found * 1.01, *np.geomspace(0.05, 20, 9)):
        if LOWEST_TEMPERATURE <= other <= HIGHEST_TEMPERATURE:
            assert best <= loss(logits / other, gold) + 1e-9


@settings(max_examples=25, deadline=None)
@given(case=cases)
def test_biases_never_fit_worse(case: tuple[int, int, int, float]) -> None:
    logits, gold = drawn(*case)
    assume(np.bincount(gold, minlength=logits.shape[1]).min() > 0)
    temperature, biases = fit_temperature_and_bias(logits, gold)
    best = loss(logits / temperature + biases, gold)
    assert best <= loss(logits / fit_temperature(logits, gold), gold) + 1e-9
    assert biases.sum() == pytest.approx(0, abs=1e-9)
    # Where the loss is lowest, each class is on average as probable as it is frequent.
    shares = np.bincount(gold, minlength=logits.shape[1]) / len(gold)
    assert softmax(logits / temperature + biases).mean(axis=0) == pytest.approx(shares, abs=1e-5)


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.tuples(st.sampled_from([0.3, 0.4, 0.5, 0.7, 0.9, 1.0]), st.booleans()), min_size=1),
    target=st.sampled_from([0.2, 0.5, 0.8, 0.9, 1.0]),
)
def test_a_threshold_keeps_its_word_and_no_lower_one_would(
    rows: list[tuple[float, bool]], target: float
) -> None:
    confidences, correct = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    kept = {value: correct[confidences >= value].mean() for value in confidences}
    fitting = [value for value, precision in kept.items() if precision >= target]
    if not fitting:
        with pytest.raises(InputError, match=rf"the highest is {max(kept.values()):.4f}"):
            fit_threshold(confidences, correct, target)
        return
    found = fit_threshold(confidences, correct, target)
    assert found.value == min(fitting)
    assert found.precision == pytest.approx(kept[found.value])
    assert found.precision >= target
    assert found.coverage == pytest.approx((confidences >= found.value).mean())


def test_a_threshold_by_hand() -> None:
    found = fit_threshold(np.array([0.9, 0.8, 0.8, 0.6, 0.5]), np.array([1, 1, 0, 1, 0], dtype=bool), 0.75)
    assert (found.value, found.precision, found.coverage, found.target) == (0.6, 0.75, 0.8, 0.75)


@pytest.mark.parametrize("target", [0.0, -1.0, 1.1, math.nan])
def test_a_precision_that_cannot_be(target: float) -> None:
    with pytest.raises(InputError, match="above 0 and at most 1"):
        fit_threshold(np.array([0.5]), np.array([True]), target)


def test_rows_that_cannot_be_fitted() -> None:
    with pytest.raises(InputError, match=r"^1 row, but a fit needs at least 2"):
        fit_temperature(np.zeros((1, 3)), np.array([0]))
    with pytest.raises(InputError, match="nothing to choose from: a fit needs at least 2 classes, not 1"):
        fit_temperature(np.zeros((2, 1)), np.array([0, 0]))
    with pytest.raises(InputError, match="cannot be fitted"):
        fit_temperature(np.zeros((2, 3)), np.array([0]))
    with pytest.raises(InputError, match="cannot be fitted"):
        fit_temperature(np.array([[0.0, np.nan]] * 2), np.array([0, 1]))
    with pytest.raises(InputError, match="needs rows of each class"):
        fit_temperature_and_bias(np.ones((4, 3)), np.array([0, 1, 0, 1]))


# What the tasks make of it. Logits are those of `by_word`: (2, 0, -1) for each shared word.

PAIRS = scaling(2.0, {"entailment": 0.5, "neutral": 0.0, "contradiction": -0.5})
CALIBRATED = replace(fake_model(by_word), calibration=Calibration(pairs=PAIRS, labels=scaling(4.0)))
PLAIN = fake_model(by_word)
TEXT = "a cup of tea"


def test_nli_is_calibrated() -> None:
    scores = NLI(CALIBRATED)(TEXT, "tea").scores
    assert list(scores.values()) == pytest.approx(softmax([2 / 2 + 0.5, 0.0, -1 / 2 - 0.5]).tolist())
    assert list(NLI(PLAIN)(TEXT, "tea").scores.values()) == pytest.approx(softmax([2.0, 0, -1]).tolist())


def test_biases_go_by_name_whatever_the_order_of_the_logits() -> None:
    model = fake_model(lambda *_: (-1.0, 2.0, 0.0), ("contradiction", "entailment", "neutral"))
    scores = NLI(replace(model, calibration=Calibration(pairs=PAIRS)))(TEXT, "tea").scores
    assert scores == pytest.approx(NLI(CALIBRATED)(TEXT, "tea").scores)


def test_biases_of_other_classes_are_not_used_in_part() -> None:
    of_two = scaling(1.0, {"entailment": -1.0, "not_entailment": 1.0})
    with pytest.raises(CheckpointError, match="biases for entailment, not_entailment, but the logits are"):
        replace(fake_model(by_word), calibration=Calibration(pairs=of_two))
    with pytest.raises(KeyError):
        Calibration(pairs=of_two).of_pairs(np.zeros((1, 2)), ("entailment", "contradiction"))
    # A temperature has no names, and the choice among labels no classes.
    replace(fake_model(by_word), calibration=Calibration(pairs=scaling(2.0), labels=scaling(4.0)))


def test_rival_labels_have_a_temperature_of_their_own() -> None:
    found = ZeroShotClassifier(CALIBRATED)(TEXT, ["tea", "coal"], hypothesis_template="{}")
    assert found["labels"] == ["tea", "coal"]
    assert found["scores"] == pytest.approx(softmax([2 / 4, 0.0]).tolist())


@pytest.mark.parametrize(("labels", "multi_label"), [(["tea"], False), (["tea", "coal"], True)])
def test_labels_asked_one_by_one_are_calibrated_as_pairs(labels: list[str], multi_label: bool) -> None:
    classifier = ZeroShotClassifier(CALIBRATED)
    found = classifier(TEXT, labels, hypothesis_template="{}", multi_label=multi_label)
    assert found["scores"][0] == pytest.approx(softmax([-1 / 2 - 0.5, 2 / 2 + 0.5])[1])


def test_documents_are_calibrated_as_pairs() -> None:
    from tests.tasks.check_fakes import word_model

    plain = word_model(lambda *_: (3.0, 1.0, 0.0), room=60)
    model = replace(plain, calibration=Calibration(pairs=scaling(2.0)))
    scores = DocumentChecker(model)("A cup of tea.", ["A cup."])[0]["scores"]
    before = DocumentChecker(plain)("A cup of tea.", ["A cup."])[0]["scores"]
    assert scores.keys() == before.keys()
    halved = softmax(np.log(list(before.values())) / 2)
    assert list(scores.values()) == pytest.approx(halved.tolist())


def test_raw_logits_stay_raw_and_ranks_are_calibrated() -> None:
    np.testing.assert_array_equal(
        CrossEncoder(CALIBRATED).predict([(TEXT, "tea")]), CrossEncoder(PLAIN).predict([(TEXT, "tea")])
    )
    score = CrossEncoder(CALIBRATED).rank("tea", [TEXT])[0]["score"]
    assert score == pytest.approx(NLI(CALIBRATED)(TEXT, "tea").scores["entailment"])


def test_without_a_calibration_logits_are_left_alone() -> None:
    logits = np.ones((2, 3), dtype=np.float32)
    assert UNCALIBRATED.of_pairs(logits, NAMES) is logits
    assert UNCALIBRATED.of_labels(logits) is logits
