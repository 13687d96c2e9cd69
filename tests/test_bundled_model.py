"""The model that travels with the package: there, small, right on plain texts, independent of its company."""

from __future__ import annotations

import itertools
import random
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from entailment import NLI, ZeroShotClassifier, open_checkpoint
from entailment.checkpoint.probe_pairs import PROBE_PAIRS
from entailment.tasks.model import PairModel, load_model

LABELS = ("sports", "politics", "cooking", "technology", "health", "music")
TEXTS = {
    "The striker scored twice in the final": "sports",
    "Parliament passed the budget by two votes": "politics",
    "Let the sauce simmer until it thickens": "cooking",
    "The new phone has a faster processor and a better screen": "technology",
    "The orchestra played the symphony without a conductor": "music",
}


@pytest.fixture(scope="module")
def model() -> PairModel:
    return load_model(threads=1)


def test_it_is_in_the_package_and_small() -> None:
    folder = Path(str(files("entailment") / "bundled"))
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 48_000_000
    config = open_checkpoint().config
    assert config.attention == "prefix"
    assert list(config.id2label.values()) == ["entailment", "neutral", "contradiction"]


@pytest.mark.parametrize(("text", "label"), TEXTS.items())
def test_plain_texts_are_sorted_right(model: PairModel, text: str, label: str) -> None:
    assert ZeroShotClassifier(model)(text, LABELS)["labels"][0] == label


def test_plain_pairs_are_judged_right(model: PairModel) -> None:
    nli = NLI(model)
    right = [nli(premise, hypothesis).label == label for premise, hypothesis, label in PROBE_PAIRS]
    assert sum(right) >= 0.7 * len(right)


def test_logits_of_a_label_are_the_same_alone_in_company_and_in_any_order(model: PairModel) -> None:
    text = next(iter(TEXTS))
    pairs = [(text, f"This example is {label}.") for label in LABELS]
    _, together = model.run(pairs)
    for index, pair in enumerate(pairs):
        np.testing.assert_allclose(model.run([pair])[1][0], together[index], atol=1e-5, rtol=0)
    for order in itertools.islice(itertools.permutations(range(len(pairs))), 5, 720, 143):
        _, shuffled = model.run([pairs[index] for index in order])
        np.testing.assert_allclose(shuffled, together[list(order)], atol=1e-5, rtol=0)


def test_a_batch_never_changes_an_answer(model: PairModel) -> None:
    draw = random.Random(0)
    words = " ".join(TEXTS).split()
    texts = [" ".join(draw.choices(words, k=draw.randint(1, 80))) for _ in range(40)]
    pairs = [(text, f"This is about {draw.choice(LABELS)}.") for text in texts]
    _, together = model.run(pairs)
    alone = np.concatenate([model.run([pair])[1] for pair in pairs])
    np.testing.assert_allclose(together, alone, atol=1e-5, rtol=0)
