"""Operations of matrix products, counted another way."""

from __future__ import annotations

import pytest

from benchmarks import arithmetic
from entailment.checkpoint import counts
from entailment.checkpoint.config import BertConfig

CONFIG = BertConfig(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536)


@pytest.mark.parametrize("tokens", [1, 64, 512])
def test_nearly_all_operations_are_products(tokens: int) -> None:
    assert 0.97 < arithmetic.nominal(CONFIG, tokens) / counts.flops(CONFIG, tokens) < 1


def test_one_layer_by_hand() -> None:
    config = BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    head = 2 * (8 * 8 + 8 * config.num_labels)
    assert arithmetic.nominal(config, 3) == 2 * 3 * (4 * 8 * 8 + 2 * 8 * 16) + 2 * (2 * 3 * 3 * 8) + head
    one = 2 * (2 * 8 * 8 + 2 * 8 * 16) + 2 * 3 * (2 * 8 * 8) + 2 * (2 * 3 * 8) + head
    assert arithmetic.performed(config, 3) == one


def test_the_last_layer_is_computed_for_the_answers_alone() -> None:
    saved = 1 - arithmetic.performed(CONFIG, 64) / arithmetic.nominal(CONFIG, 64)
    assert 0.1 < saved < 1 / 6
