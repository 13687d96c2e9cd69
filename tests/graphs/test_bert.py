from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.graphs.reference import reference_logits
from tests.runtime.models import KINDS, MemoryCheckpoint, assert_alike, tiny_checkpoint
from tests.runtime.pairs import random_pairs, shuffled

from entailment.checkpoint.config import BertConfig
from entailment.errors import UnsupportedModelError, WeightsMismatchError
from entailment.graphs.bert import build_bert
from entailment.runtime.engine import OnnxEngine
from entailment.text.pairs import EncodedPair

SHAPES = {  # premise length, hypothesis lengths
    "shortest": [(2, [1])],
    "one token a side": [(3, [2])],
    "one hypothesis": [(9, [4])],
    "many hypotheses": [(9, [4, 1, 12, 4, 7])],
    "mixed": [(2, [9, 1]), (30, [2]), (7, [3, 3, 8]), (7, [1])],
    "maximum length": [(62, [2, 1]), (2, [62]), (32, [32, 3])],
}
SIZES = {
    "one layer": {"layers": 1},
    "one head": {"heads": 1},
    "as many heads as width": {"hidden": 8, "heads": 8},
    "odd sizes": {"hidden": 15, "heads": 3, "intermediate": 7, "layers": 3},
    "wide": {"hidden": 96, "heads": 12, "intermediate": 130, "layers": 4},
}


def assert_as_reference(checkpoint: MemoryCheckpoint[BertConfig], pairs: list[EncodedPair]) -> None:
    got = OnnxEngine.from_checkpoint(checkpoint, threads=1).logits(pairs)
    wanted = [reference_logits(checkpoint.config, checkpoint.arrays, pair) for pair in pairs]
    assert_alike(got, wanted)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shapes", SHAPES.values(), ids=SHAPES)
def test_logits_are_those_of_the_definition(kind: str, shapes: list[tuple[int, list[int]]]) -> None:
    checkpoint = tiny_checkpoint("prefix" if kind == "prefix" else "full")
    assert_as_reference(checkpoint, shuffled(random_pairs(shapes))[0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_sizes(kind: str, sizes: dict[str, Any]) -> None:
    checkpoint = tiny_checkpoint("prefix" if kind == "prefix" else "full", **sizes)
    assert_as_reference(checkpoint, random_pairs(SHAPES["mixed"]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hidden_act", ["gelu", "gelu_new", "relu", "silu", "tanh"])
def test_activations(kind: str, hidden_act: str) -> None:
    checkpoint = tiny_checkpoint("prefix" if kind == "prefix" else "full", hidden_act=hidden_act)
    assert_as_reference(checkpoint, random_pairs(SHAPES["mixed"]))


def test_the_kinds_differ() -> None:
    pairs = random_pairs(SHAPES["mixed"])
    full, prefix = (
        OnnxEngine.from_checkpoint(tiny_checkpoint(kind), threads=1).logits(pairs) for kind in KINDS
    )
    assert np.abs(full - prefix).max() > 0.01


def test_large_scores_do_not_overflow() -> None:
    """Softmax over scores in the thousands, where one without its maximum taken off would be infinite."""
    for kind in KINDS:
        checkpoint = tiny_checkpoint(kind)
        for name, array in checkpoint.arrays.items():
            if "query.weight" in name or "key.weight" in name:
                checkpoint.arrays[name] = array * 30
        pairs = random_pairs(SHAPES["mixed"])
        got = OnnxEngine.from_checkpoint(checkpoint, threads=1).logits(pairs)
        wanted = [reference_logits(checkpoint.config, checkpoint.arrays, pair) for pair in pairs]
        assert_alike(got, wanted, atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_taken_by_reference(kind: str) -> None:
    checkpoint = tiny_checkpoint("prefix" if kind == "prefix" else "full")
    graph = build_bert(checkpoint.config, checkpoint.arrays)
    taken = {**graph.weights, **graph.tables}
    assert taken.keys() == checkpoint.arrays.keys()
    assert list(graph.tables) == ["embeddings.word.weight"]
    for name, array in taken.items():
        assert array is checkpoint.arrays[name]
    assert len(graph.model) < 40_000


def test_missing_weight() -> None:
    checkpoint = tiny_checkpoint()
    del checkpoint.arrays["layers.1.feed_forward.up.bias"]
    with pytest.raises(WeightsMismatchError, match=r"lack 'layers\.1\.feed_forward\.up\.bias'.*\[64\]"):
        build_bert(checkpoint.config, checkpoint.arrays)


def test_wrong_shape() -> None:
    checkpoint = tiny_checkpoint()
    checkpoint.arrays["pooler.weight"] = np.zeros((32, 31), np.float32)
    with pytest.raises(WeightsMismatchError, match=r"'pooler\.weight' has shape \[32, 31\].*\[32, 32\]"):
        build_bert(checkpoint.config, checkpoint.arrays)


def test_one_token_type_is_too_few() -> None:
    checkpoint = tiny_checkpoint()
    with pytest.raises(UnsupportedModelError, match="type_vocab_size is 1"):
        build_bert(replace(checkpoint.config, type_vocab_size=1), checkpoint.arrays)
