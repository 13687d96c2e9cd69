"""Rows in pieces: how many are tokenised or measured at once changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.train.objectives.tiny_heads import measured, tiny_head, tokenizer_in

from entailment.errors import InputError
from entailment.train.objectives import padded
from entailment.train.objectives.padded import Order
from entailment.train.objectives.texts import Regression

TEXTS = ("the dog runs", "rain", "a cat eats in the kitchen", "very good", "soup and bread")


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_pieces_change_neither_rows_nor_measures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, paired: bool
) -> None:
    second = {"text_pair": "the sun"} if paired else {}
    rows = [{"text": text, "label": len(text), **second} for text in TEXTS]
    tokenizer = tokenizer_in(tmp_path)
    whole = Regression(rows, rows, tokenizer, max_length=8, order=Order(rows=2))
    model = tiny_head("SequenceClassification", ("score",), problem_type=whole.problem_type)
    expected = measured(whole, model)
    monkeypatch.setattr(padded, "ROWS_AT_A_TIME", size)
    monkeypatch.setattr(padded, "VALIDATION_TOKENS", 8 * size)
    pieces = Regression(rows, rows, tokenizer, max_length=8, order=Order(rows=2))
    assert torch.equal(pieces.batch(0, range(5)).input_ids, whole.batch(0, range(5)).input_ids)
    assert measured(pieces, model) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "rows is None and tokens is None; a batch is measured in either rows or tokens"),
        ({"rows": 2, "tokens": 64}, "rows is 2 and tokens is 64; a batch is measured in either"),
        ({"rows": 0}, "rows is 0; a batch has at least 1"),
        ({"tokens": -1}, "tokens is -1; a batch has at least 1"),
        ({"rows": 2, "seed": -5}, "seed is -5; it must be 0 or more"),
    ],
)
def test_an_order_is_in_rows_or_in_tokens(given: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Order(**given)  # type: ignore[arg-type]
