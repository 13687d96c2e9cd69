"""Several classes of a text, and numbers of texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.train.objectives.tiny_heads import Tokenizer, learn, measured, tiny_head, tokenizer_in

from entailment.errors import DataFileError
from entailment.train.objectives.padded import Order
from entailment.train.objectives.texts import MultiLabel, Regression, pearson

ONE = Order(rows=1)
TOPICS = ("sport", "food", "music")
ROWS: list[dict[str, object]] = [
    {"text": "The striker scored twice.", "label": ["sport"]},
    {"text": "Bread and soup.", "label": ["food"]},
    {"text": "The team played music over soup.", "label": ["sport", "food", "music"]},
    {"text": "Rain.", "label": []},
]
NUMBERS: list[dict[str, object]] = [
    {"text": "very good", "label": 2.0},
    {"text": "good", "label": "1"},
    {"text": "bad", "label": -1},
    {"text": "very bad and sad", "label": -2.0},
]


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    return tokenizer_in(tmp_path)


def several(tokenizer: Tokenizer, rows: int = 2) -> MultiLabel:
    return MultiLabel(ROWS, ROWS, tokenizer, labels=TOPICS, max_length=16, order=Order(rows=rows, seed=1))


def test_a_batch_holds_its_rows_padded_to_the_longest(tokenizer: Tokenizer) -> None:
    objective = several(tokenizer)
    batch = objective.batch(0, [3, 0])
    expected = tokenizer(
        ["Rain.", "The striker scored twice."], padding=True, return_tensors="pt", return_token_type_ids=True
    )
    for name in ("input_ids", "attention_mask", "token_type_ids"):
        assert torch.equal(getattr(batch, name), expected[name])
    assert batch.targets["labels"].tolist() == [[0, 0, 0], [1, 0, 0]]
    assert batch.tokens == int(expected["attention_mask"].sum())
    assert batch.to(torch.device("meta")).targets["labels"].is_meta


def test_every_row_is_learnt_once_an_epoch_in_another_order(tokenizer: Tokenizer) -> None:
    objective = several(tokenizer, rows=1)
    plans = [[tuple(batch) for batch in objective.plan(epoch)] for epoch in range(6)]
    assert all(sorted(plan) == [(0,), (1,), (2,), (3,)] for plan in plans)
    assert len({tuple(plan) for plan in plans}) > 1
    assert plans == [[tuple(batch) for batch in several(tokenizer, rows=1).plan(epoch)] for epoch in range(6)]


def test_the_loss_is_that_of_the_head_and_falls(tokenizer: Tokenizer) -> None:
    objective = several(tokenizer)
    model = tiny_head("SequenceClassification", TOPICS, problem_type=objective.problem_type)
    before = measured(objective, model)
    batch = objective.batch(0, range(4))
    logits = model(batch.input_ids, batch.attention_mask, batch.token_type_ids).logits
    gold = batch.targets["labels"]
    expected = -(gold * logits.sigmoid().log() + (1 - gold) * (1 - logits.sigmoid()).log()).mean()
    assert objective.loss(model, batch).item() == pytest.approx(expected.item(), abs=1e-5)
    assert before["loss"] == pytest.approx(expected.item(), abs=1e-5)
    learn(objective, model, epochs=30)
    after = measured(objective, model)
    assert after["loss"] < before["loss"] / 4
    assert (after["macro_f1"], after["micro_f1"], after["exact_match"]) == (1, 1, 1)


@pytest.mark.parametrize("seed", range(3))
def test_measures_of_several_classes_are_those_of_scikit_learn(tokenizer: Tokenizer, seed: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    draw = np.random.default_rng(seed)
    # The last class is never asked for, and the first always.
    gold = draw.random((7, 4)) < [1.0, 0.6, 0.3, 0.0]
    names = np.array(["a", "b", "c", "d"])
    rows = [{"text": "dog " * n, "label": names[row].tolist()} for n, row in enumerate(gold, start=1)]
    objective = MultiLabel(rows, rows, tokenizer, labels=names.tolist(), max_length=16, order=Order(rows=2))
    answers = torch.tensor(draw.standard_normal((7, 4)), dtype=torch.float32)
    found = measured(objective, Stated({2 + n: answers[n - 1] for n in range(1, 8)}))
    said = (answers > 0).numpy()
    assert found["macro_f1"] == pytest.approx(metrics.f1_score(gold, said, average="macro", zero_division=0))
    assert found["micro_f1"] == pytest.approx(metrics.f1_score(gold, said, average="micro", zero_division=0))
    assert found["exact_match"] == pytest.approx(metrics.accuracy_score(gold, said))


class Stated(torch.nn.Module):
    """Answers with what is stated for a text of so many tokens."""

    def __init__(self, answers: dict[int, torch.Tensor]) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.answers = answers

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor,
        return_dict: bool,
        labels: torch.Tensor,
    ) -> Any:
        from entailment.models.outputs import SequenceClassifierOutput

        logits = torch.stack([self.answers[length] for length in attention_mask.sum(1).tolist()])
        return SequenceClassifierOutput(loss=torch.tensor(0.0), logits=logits)


def test_a_regression_is_learnt(tokenizer: Tokenizer) -> None:
    objective = Regression(NUMBERS, NUMBERS, tokenizer, max_length=16, order=Order(rows=2))
    model = tiny_head("SequenceClassification", ("score",), problem_type=objective.problem_type)
    before = measured(objective, model)
    learn(objective, model, epochs=60)
    after = measured(objective, model)
    assert after["loss"] < before["loss"] / 4
    assert after["pearson"] > 0.95


@given(st.lists(st.tuples(st.integers(-99, 99), st.integers(-99, 99)), min_size=2, max_size=20))
def test_pearson_is_that_of_numpy(pairs: list[tuple[int, int]]) -> None:
    first, second = (np.array(side, dtype=np.float32) for side in zip(*pairs, strict=True))
    found = pearson(first, second)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        assert found == 0
    else:
        assert found == pytest.approx(np.corrcoef(first, second)[0, 1], abs=1e-9)


def test_two_texts_are_read_as_a_pair(tokenizer: Tokenizer) -> None:
    rows = [{"text": "a dog", "text_pair": "a cat runs", "label": 1.0}]
    batch = Regression(rows, rows, tokenizer, max_length=16, order=ONE).batch(0, [0])
    expected = tokenizer(["a dog"], ["a cat runs"], return_token_type_ids=True)
    assert batch.input_ids.tolist() == expected["input_ids"]
    assert batch.token_type_ids.tolist() == expected["token_type_ids"]


def test_a_long_text_is_cut(tokenizer: Tokenizer) -> None:
    rows: list[dict[str, object]] = [{"text": "dog " * 50, "label": 1}]
    objective = Regression(rows, rows, tokenizer, max_length=9, order=ONE)
    assert objective.batch(0, [0]).input_ids.shape == (1, 9)


@pytest.mark.parametrize("label", ["sport", ["war"], None])
def test_labels_that_are_no_list_of_names_are_refused(tokenizer: Tokenizer, label: object) -> None:
    with pytest.raises(DataFileError, match="training row 1 has the label"):
        MultiLabel([{"text": "A.", "label": label}], ROWS, tokenizer, labels=TOPICS, max_length=9, order=ONE)


@pytest.mark.parametrize("label", ["good", None, "nan", [1.0]])
def test_labels_that_are_no_numbers_are_refused(tokenizer: Tokenizer, label: object) -> None:
    with pytest.raises(DataFileError, match=r"validation row 1 has the label .*, not a number"):
        Regression(NUMBERS, [{"text": "A.", "label": label}], tokenizer, max_length=9, order=ONE)


def test_rows_without_texts_and_no_rows_are_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(DataFileError, match="no training rows"):
        Regression([], NUMBERS, tokenizer, max_length=9, order=ONE)
    with pytest.raises(DataFileError, match="row 1: text is 3"):
        Regression([{"text": 3, "label": 1}], NUMBERS, tokenizer, max_length=9, order=ONE)
