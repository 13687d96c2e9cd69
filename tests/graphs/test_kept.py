"""The two halves of a graph: what they hold. What they answer, tests/runtime/test_premise.py compares."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.runtime.int8 import planned_checkpoint
from tests.runtime.models import tiny_checkpoint
from tests.runtime.pairs import random_pairs
from tests.tiny import tiny_distilbert, tiny_mobilebert

from entailment.checkpoint.folder import open_checkpoint
from entailment.errors import WeightsMismatchError
from entailment.graphs.bert import build_bert
from entailment.graphs.builder import Weights
from entailment.graphs.kept import build_kept, can_keep
from entailment.graphs.products import Int8Product
from entailment.runtime.processor import exact_weight_bits
from entailment.runtime.session import Session


class Listed(dict[str, np.ndarray]):
    """Weights that can be referred to weakly."""


def test_only_prefix_attention_without_trigrams_has_halves(tmp_path: Path) -> None:
    for attention, kept in (("full", False), ("prefix", True)):
        bert = tiny_checkpoint("prefix" if kept else "full").config
        distilbert = open_checkpoint(tiny_distilbert(tmp_path / f"d {attention}", attention=attention)).config
        mobilebert = open_checkpoint(tiny_mobilebert(tmp_path / f"m {attention}", attention=attention)).config
        assert [can_keep(config) for config in (bert, distilbert, mobilebert)] == [kept, kept, False]


def test_weights_are_taken_by_reference() -> None:
    checkpoint = tiny_checkpoint("prefix")
    whole = build_bert(checkpoint.config, checkpoint.arrays)
    built = build_kept(checkpoint.config, {**whole.weights, **whole.tables})
    for half in (built.premise, built.hypotheses):
        for name, array in {**half.weights, **half.tables}.items():
            assert array is checkpoint.arrays[name]
    assert {**built.hypotheses.weights, **built.hypotheses.tables}.keys() == checkpoint.arrays.keys()


def test_int8_weights_are_rounded_once() -> None:
    """The halves take them from the whole graph, which holds no float32 weight of those layers any more."""
    checkpoint = planned_checkpoint("prefix")
    product = Int8Product(checkpoint.quantization(exact_weight_bits(), checkpoint.arrays))
    whole = build_bert(checkpoint.config, checkpoint.arrays, product)
    given: Weights = {**whole.weights, **whole.tables}
    assert "layers.0.attention.query.weight" not in given
    built = build_kept(checkpoint.config, given, product)
    for half in (built.premise, built.hypotheses):
        assert "layers.0.attention.query.weight.int8" in half.weights
        for name, array in {**half.weights, **half.tables}.items():
            assert array is given[name]


def test_a_product_does_not_hold_the_weights_it_was_used_with() -> None:
    checkpoint = planned_checkpoint("prefix")
    product = Int8Product(checkpoint.quantization(exact_weight_bits(), checkpoint.arrays))
    weights = Listed(checkpoint.arrays)
    watched = weakref.ref(weights)
    whole = build_bert(checkpoint.config, weights, product)
    del weights
    gc.collect()
    assert watched() is None
    assert whole.weights


def test_the_premise_half_ends_at_the_last_layers_keys_and_values() -> None:
    checkpoint = tiny_checkpoint("prefix", layers=3)
    built = build_kept(checkpoint.config, checkpoint.arrays)
    last = {name for name in built.premise.weights if name.startswith("layers.2.")}
    assert last == {
        f"layers.2.attention.{part}.{of}" for part in ("key", "value") for of in ("weight", "bias")
    }
    assert not any(name.startswith(("pooler", "classifier")) for name in built.premise.weights)
    assert built.states == ("keys.0", "values.0", "keys.1", "values.1", "keys.2", "values.2")


@pytest.mark.parametrize("layers", [1, 3])
def test_states_are_keys_and_values_by_head(layers: int) -> None:
    checkpoint = tiny_checkpoint("prefix", layers=layers, heads=4, hidden=32)
    built = build_kept(checkpoint.config, checkpoint.arrays)
    (pair,) = random_pairs([(9, [1])])
    feeds = {
        "input_ids": pair.premise,
        "position_ids": np.arange(9),
        "token_type_ids": np.zeros(9, np.int64),
    }
    states = Session(built.premise, 1).run(built.states, feeds)
    assert [state.shape for state in states] == [(1, 4, 9, 8)] * 2 * layers

    w = checkpoint.arrays
    x = w["embeddings.word.weight"][pair.premise] + w["embeddings.position.weight"][:9]
    x = x + w["embeddings.token_type.weight"][0]
    x = (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True)
    x = x * w["embeddings.norm.weight"] + w["embeddings.norm.bias"]
    keys = x @ w["layers.0.attention.key.weight"].T + w["layers.0.attention.key.bias"]  # [S, H]
    np.testing.assert_allclose(states[0][0], keys.reshape(9, 4, 8).transpose(1, 0, 2), atol=1e-5)


def test_a_missing_weight() -> None:
    checkpoint = tiny_checkpoint("prefix")
    del checkpoint.arrays["layers.1.attention.key.bias"]
    with pytest.raises(WeightsMismatchError, match=r"lack 'layers\.1\.attention\.key\.bias'"):
        build_kept(replace(checkpoint.config), checkpoint.arrays)
