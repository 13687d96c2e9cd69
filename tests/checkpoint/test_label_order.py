"""Which logit is entailment: every family of published checkpoints, and all that must be refused."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import numpy as np
import pytest

from entailment.checkpoint.labels import (
    LabelOrder,
    order_from_names,
    order_from_probe,
    order_stated,
    probe_disagreement,
)
from entailment.checkpoint.probe_pairs import PROBE_PAIRS
from entailment.errors import LabelOrderError

THREE = ("entailment", "neutral", "contradiction")


@pytest.mark.parametrize(
    ("id2label", "names"),
    [
        ({0: "ENTAILMENT", 1: "NEUTRAL", 2: "CONTRADICTION"}, THREE),  # typeform
        ({0: "entailment", 1: "neutral", 2: "contradiction"}, THREE),  # MoritzLaurer
        ({0: "contradiction", 1: "neutral", 2: "entailment"}, THREE[::-1]),  # bart
        ({0: "contradiction", 1: "entailment", 2: "neutral"}, ("contradiction", "entailment", "neutral")),
        (
            {"2": "Neutral", "0": "Contradiction", "1": "Entailment"},
            ("contradiction", "entailment", "neutral"),
        ),
        ({0: "entailment", 1: "not_entailment"}, ("entailment", "not_entailment")),
        ({0: "NOT-ENTAILMENT", 1: "ENTAILMENT"}, ("not_entailment", "entailment")),
        ({0: "not entailment ", 1: " Entails"}, ("not_entailment", "entailment")),
        ({0: "contradiction", 1: "entailment"}, ("contradiction", "entailment")),
    ],
)
def test_families(id2label: dict[int, str], names: tuple[str, ...]) -> None:
    order = order_from_names(id2label)
    assert order is not None
    assert (order.names, order.source) == (names, "names")
    assert names[order.entailment] == "entailment"
    assert names[order.against] == ("contradiction" if "contradiction" in names else "not_entailment")
    assert (order.neutral is None) == ("neutral" not in names)
    assert (order.contradiction is None) == ("contradiction" not in names)
    assert (order.not_entailment is None) == ("not_entailment" not in names)


@pytest.mark.parametrize(
    "id2label",
    [
        {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"},
        {"0": "LABEL_0", "1": "LABEL_1"},
        {0: "LABEL_0"},
        {0: "entailment"},
        {0: "0", 1: "1", 2: "2"},
        {0: "POSITIVE", 1: "NEGATIVE"},
    ],
)
def test_names_that_say_nothing(id2label: dict[int, str]) -> None:
    assert order_from_names(id2label) is None


@pytest.mark.parametrize(
    "id2label",
    [
        {0: "entailment", 1: "neutral", 2: "LABEL_2"},
        {0: "entailment", 1: "Entailment", 2: "contradiction"},
        {0: "entailment", 1: "neutral"},
        {0: "neutral", 1: "contradiction"},
        {0: "entailment", 1: "neutral", 2: "not_entailment"},
        {0: "entailment", 1: "neutral", 2: "contradiction", 3: "other"},
        {0: "entailment", 2: "contradiction"},
        {"x": "entailment", "y": "contradiction"},
    ],
)
def test_names_that_contradict_themselves(id2label: dict[int, str]) -> None:
    with pytest.raises(LabelOrderError):
        order_from_names(id2label)


def test_the_other_table_is_checked() -> None:
    id2label = dict(enumerate(THREE))
    for agreeing in (
        {"ENTAILMENT": "0", "NEUTRAL": "1"},
        {"LABEL_0": 2},
        {},
        dict(zip(THREE, range(3), strict=True)),
    ):
        assert order_from_names(id2label, agreeing) == order_from_names(id2label)
    with pytest.raises(LabelOrderError, match=r"logit 0 is entailment, label2id says logit 2.*label_order="):
        order_from_names(id2label, {"entailment": 2, "neutral": 1, "contradiction": "0"})


def test_stated_orders() -> None:
    order = order_stated(["Contradiction", "entailment", "neutral"], num_labels=3)
    assert order == LabelOrder(("contradiction", "entailment", "neutral"), 1, 2, 0, None, "stated")
    assert order_stated("entailment, not_entailment").not_entailment == 1
    for wrong in (["entailment"], ["a", "b"], ["entailment"] * 3, []):
        with pytest.raises(LabelOrderError, match="stated order"):
            order_stated(wrong)
    with pytest.raises(LabelOrderError, match="names 2 logits, but the model has 3"):
        order_stated(["entailment", "not_entailment"], num_labels=3)


def test_probe_pairs_are_balanced_and_distinct() -> None:
    assert Counter(label for _, _, label in PROBE_PAIRS) == dict.fromkeys(THREE, 8)
    assert len({pair[:2] for pair in PROBE_PAIRS}) == len(PROBE_PAIRS)


def answers(names: tuple[str, ...], *, right: int = 8, strength: float = 2.0) -> np.ndarray:
    """Logits of a model with this order that gets so many of each eight pairs right, with noise."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 0.3, (len(PROBE_PAIRS), len(names)))
    for row, (_, _, label) in enumerate(PROBE_PAIRS):
        meant = names.index(label if label in names else "not_entailment")
        wrong = (meant + 1 + row % (len(names) - 1)) % len(names)
        logits[row, meant if row % 8 < right else wrong] += strength
    return logits


@pytest.mark.parametrize("names", [*permutations(THREE), *permutations(("entailment", "not_entailment"))])
@pytest.mark.parametrize("right", [8, 6])
def test_the_probe_finds_every_order(names: tuple[str, ...], right: int) -> None:
    order = order_from_probe(answers(names, right=right), len(names))
    assert (order.names, order.source) == (names, "probe")
    assert names[order.entailment] == "entailment"


def test_a_weak_model_that_leans_to_one_class_is_understood() -> None:
    logits = answers(THREE, right=6, strength=1.5) + np.array([0.0, -1.5, 0.0])
    assert (logits.argmax(axis=1) == 1).mean() < 0.1
    assert order_from_probe(logits, 3).names == THREE


def test_a_shift_of_all_logits_does_not_matter() -> None:
    names = ("contradiction", "entailment", "neutral")
    assert order_from_probe(answers(names) + 1e4, 3) == order_from_probe(answers(names), 3)


@pytest.mark.parametrize(
    ("logits", "said"),
    [
        (np.zeros((24, 3)), "cannot tell the order.*entailment pairs .0.33"),
        (np.tile([5.0, 0.0, 0.0], (24, 1)), "cannot tell"),
        (np.tile([5.0, 0.0], (24, 1)), "cannot tell"),
        (answers(THREE, strength=0.2), "cannot tell"),
        (answers(THREE, right=4), "cannot tell"),
        (np.full((24, 3), np.nan), "not finite"),
        (np.zeros((24, 4)), "no NLI model"),
        (np.zeros((24, 1)), "no NLI model"),
    ],
)
def test_the_probe_refuses_what_decides_nothing(logits: np.ndarray, said: str) -> None:
    with pytest.raises(LabelOrderError, match=said) as caught:
        order_from_probe(logits, logits.shape[1])
    assert "label_order=" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("names", [("sport", "food"), ("POSITIVE", "NEGATIVE"), ("no 1", "a label")])
def test_a_classifier_of_texts_is_called_so(names: tuple[str, ...]) -> None:
    said = f"its classes are {', '.join(names)}: it classifies texts and is no model of inference"
    with pytest.raises(LabelOrderError, match=said) as caught:
        order_from_probe(np.zeros((24, 2)), 2, names)
    assert "label_order=" in str(caught.value)


@pytest.mark.parametrize("names", [(), ("LABEL_0", "LABEL_1"), ("0", "1"), ("entailment", "contradiction")])
def test_names_of_no_task_are_not_taken_for_those_of_texts(names: tuple[str, ...]) -> None:
    with pytest.raises(LabelOrderError, match="the label names say nothing and the probe cannot tell"):
        order_from_probe(np.zeros((24, 2)), 2, names)


def test_names_from_a_file_stay_on_one_line() -> None:
    with pytest.raises(LabelOrderError) as caught:
        order_from_probe(np.zeros((24, 2)), 2, ("sport\nfood", "x" * 1000))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


def test_the_probe_needs_a_row_for_each_pair() -> None:
    with pytest.raises(LabelOrderError, match=r"shape \[24, 3\]"):
        order_from_probe(np.zeros((23, 3)), 3)


def test_chance_seldom_passes() -> None:
    """A model that knows nothing must be refused: of 500 random ones, at most a handful slip through."""
    passed = 0
    for seed in range(500):
        try:
            order_from_probe(np.random.default_rng(seed).normal(0, 2, (24, 3)), 3)
            passed += 1
        except LabelOrderError:
            pass
    assert passed <= 10


def test_disagreement_is_reported_if_decisive() -> None:
    named = order_from_names(dict(enumerate(THREE)))
    assert named is not None
    assert probe_disagreement(named, answers(THREE)) is None
    assert probe_disagreement(named, np.zeros((24, 3))) is None
    said = probe_disagreement(named, answers(THREE[::-1]))
    assert said is not None and "names say" in said and "contradiction, neutral, entailment" in said
    two = order_stated(["contradiction", "entailment"])
    assert probe_disagreement(two, answers(("not_entailment", "entailment"))) is None
    assert "it is stated" in str(probe_disagreement(two, answers(("entailment", "not_entailment"))))
