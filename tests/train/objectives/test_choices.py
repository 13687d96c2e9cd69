"""The best of several continuations."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.train.objectives.tiny_heads import Tokenizer, learn, measured, tiny_head, tokenizer_in

from entailment.errors import DataFileError
from entailment.train.objectives.choices import MultipleChoice
from entailment.train.objectives.padded import Order

ROWS: list[dict[str, object]] = [
    {"context": "The striker runs.", "choices": ["He scored.", "Soup.", "It is a red car."], "label": 0},
    {"context": "Rain.", "choices": ["A team.", "The street is water.", "Sun."], "label": "1"},
    {
        "context": "The dog eats.",
        "choices": ["Music.", "A minister.", "It is happy."],
        "label": "It is happy.",
    },
]


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    return tokenizer_in(tmp_path)


def test_choices_stand_together_in_the_second_axis(tokenizer: Tokenizer) -> None:
    objective = MultipleChoice(ROWS, ROWS, tokenizer, max_length=32, order=Order(rows=2))
    batch = objective.batch(0, [2, 0])
    assert batch.input_ids.shape[:2] == (2, 3)
    assert batch.targets["labels"].tolist() == [2, 0]
    alone = tokenizer("The striker runs.", "He scored.")["input_ids"]
    assert batch.input_ids[1, 0, : len(alone)].tolist() == alone
    assert batch.attention_mask[1, 0].sum() == len(alone)
    assert batch.tokens == int(batch.attention_mask.sum())


def test_choices_may_share_a_beginning(tokenizer: Tokenizer) -> None:
    rows = [{"context": "A dog.", "question": "It", "choices": ["runs", "sits"], "label": 1}]
    batch = MultipleChoice(rows, rows, tokenizer, max_length=32, order=Order(rows=1)).batch(0, [0])
    assert batch.input_ids.tolist() == [tokenizer(["A dog."] * 2, ["It runs", "It sits"])["input_ids"]]


def test_a_budget_of_tokens_counts_all_choices(tokenizer: Tokenizer) -> None:
    objective = MultipleChoice(ROWS, ROWS, tokenizer, max_length=32, order=Order(tokens=100))
    for members in objective.plan(0):
        assert len(members) == 1 or objective.batch(0, members).input_ids.numel() <= 100


def test_it_is_learnt(tokenizer: Tokenizer) -> None:
    objective = MultipleChoice(ROWS, ROWS, tokenizer, max_length=32, order=Order(rows=2))
    model = tiny_head("MultipleChoice")
    before = measured(objective, model)
    with torch.inference_mode():
        assert before["loss"] == pytest.approx(objective.loss(model, objective.batch(0, range(3))).item())
    learn(objective, model, epochs=30)
    after = measured(objective, model)
    assert after["loss"] < before["loss"] / 4
    assert after["accuracy"] == 1


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"context": "A.", "choices": ["B.", "C."], "label": 2}, "place from 0 to 1"),
        ({"context": "A.", "choices": ["B.", "C."], "label": -1}, "place from 0 to 1"),
        ({"context": "A.", "choices": ["B.", "B."], "label": "B."}, "place from 0 to 1"),
        ({"context": "A.", "choices": [], "label": 0}, "not a list of texts"),
        ({"context": None, "choices": ["B.", "C."], "label": 0}, "context is None"),
    ],
)
def test_rows_that_do_not_fit_are_refused(tokenizer: Tokenizer, row: dict[str, object], says: str) -> None:
    with pytest.raises(DataFileError, match=says):
        MultipleChoice([row], [row], tokenizer, max_length=32, order=Order(rows=1))


def test_rows_need_the_same_number_of_choices(tokenizer: Tokenizer) -> None:
    other = {"context": "A.", "choices": ["B.", "C."], "label": 0}
    with pytest.raises(
        DataFileError, match="validation row 1 has 2 choices, but the first training row has 3"
    ):
        MultipleChoice(ROWS, [other], tokenizer, max_length=32, order=Order(rows=1))
