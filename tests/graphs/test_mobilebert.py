"""The graph of MobileBERT is its definition: every switch, both attention kinds, alone and in company."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from tests.graphs.mobilebert_reference import mobilebert_logits
from tests.runtime.models import KINDS, MemoryCheckpoint, assert_alike
from tests.runtime.pairs import random_pairs, shuffled
from tests.tiny import tiny_mobilebert

from entailment.checkpoint.config import MobileBertConfig
from entailment.checkpoint.folder import open_checkpoint
from entailment.errors import UnsupportedModelError, WeightsMismatchError
from entailment.graphs.mobilebert import build_mobilebert
from entailment.runtime.engine import OnnxEngine
from entailment.text.pairs import EncodedPair

SHAPES = {  # premise length, hypothesis lengths
    "one token a side": [(1, [1])],
    "one hypothesis": [(9, [4])],
    "many hypotheses": [(9, [4, 1, 12, 4, 7])],
    "mixed": [(2, [9, 1]), (30, [2]), (7, [3, 3, 8]), (7, [1])],
    "maximum length": [(62, [2, 1]), (2, [62]), (32, [32, 3])],
}
SWITCHES: dict[str, dict[str, Any]] = {
    "as released": {},
    "no trigram": {"trigram_input": False},
    "no trigram, no transformation": {"trigram_input": False, "embedding_size": 32},
    "no trigram, no transformation, layer norm": {
        "trigram_input": False,
        "embedding_size": 32,
        "normalization_type": "layer_norm",
    },
    "trigram as wide as the encoder": {"embedding_size": 32},
    "no bottleneck": {"use_bottleneck": False},
    "bottleneck attention": {"use_bottleneck_attention": True},
    "bottleneck attention, unshared": {
        "use_bottleneck_attention": True,
        "key_query_shared_bottleneck": False,
    },
    "unshared": {"key_query_shared_bottleneck": False},
    "layer norm": {"normalization_type": "layer_norm", "layer_norm_eps": 1e-3},
    "layer norm, no bottleneck": {"normalization_type": "layer_norm", "use_bottleneck": False},
    "1 network": {"num_feedforward_networks": 1},
    "gelu": {"hidden_act": "gelu"},
    "no classifier activation": {"classifier_activation": False},
    "one layer": {"num_hidden_layers": 1},
    "inverted bottleneck": {
        "intra_bottleneck_size": 64,
        "num_feedforward_networks": 1,
        "normalization_type": "layer_norm",
        "key_query_shared_bottleneck": False,
        "hidden_act": "gelu",
    },
}


def opened(folder: Path, **switches: Any) -> MemoryCheckpoint[MobileBertConfig]:
    checkpoint = open_checkpoint(tiny_mobilebert(folder, **switches))
    assert isinstance(checkpoint.config, MobileBertConfig)
    return MemoryCheckpoint(checkpoint.config, checkpoint.weights())


def assert_as_defined(checkpoint: MemoryCheckpoint[MobileBertConfig], pairs: list[EncodedPair]) -> np.ndarray:
    engine = OnnxEngine.from_checkpoint(checkpoint, threads=1)
    wanted = np.array([mobilebert_logits(checkpoint.config, checkpoint.arrays, pair) for pair in pairs])
    assert_alike(engine.logits(pairs), wanted)
    assert_alike(np.concatenate([engine.logits([pair]) for pair in pairs]), wanted)
    return wanted


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("switches", SWITCHES.values(), ids=SWITCHES)
def test_switches(tmp_path: Path, kind: str, switches: dict[str, Any]) -> None:
    checkpoint = opened(tmp_path / "m", attention=kind, **switches)
    logits = assert_as_defined(checkpoint, shuffled(random_pairs(SHAPES["mixed"], vocabulary=200))[0])
    assert logits.std(axis=0).min() > 0.1, "logits that hardly differ would prove nothing"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shapes", SHAPES.values(), ids=SHAPES)
def test_lengths(tmp_path: Path, kind: str, shapes: list[tuple[int, list[int]]]) -> None:
    assert_as_defined(opened(tmp_path / "m", attention=kind), random_pairs(shapes, vocabulary=200))


def test_pad_is_never_seen(tmp_path: Path) -> None:
    """Whatever [PAD]'s embedding is, even NaN, no pair of a batch of many lengths notices."""
    checkpoint = opened(tmp_path / "m")
    pairs = random_pairs(SHAPES["mixed"], vocabulary=200)
    before = OnnxEngine.from_checkpoint(checkpoint, threads=1).logits(pairs)
    words = checkpoint.arrays["embeddings.word.weight"]
    words[checkpoint.config.pad_token_id] = np.nan
    np.testing.assert_array_equal(OnnxEngine.from_checkpoint(checkpoint, threads=1).logits(pairs), before)


def test_neighbours_matter(tmp_path: Path) -> None:
    """The guard of the test above: with other neighbours the logits are others."""
    checkpoint = opened(tmp_path / "m")
    words = checkpoint.arrays["embeddings.transformation.weight"]
    pairs = random_pairs(SHAPES["mixed"], vocabulary=200)
    before = OnnxEngine.from_checkpoint(checkpoint, threads=1).logits(pairs)
    E = checkpoint.config.embedding_size
    checkpoint.arrays["embeddings.transformation.weight"] = np.concatenate(
        [words[:, 2 * E :], words[:, E : 2 * E], words[:, :E]], axis=1
    )
    after = OnnxEngine.from_checkpoint(checkpoint, threads=1).logits(pairs)
    assert np.abs(after - before).max() > 0.1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("choices", [[0, 1e-6, -0.5, 1, 1.5], [1e-6, -0.5, 1, 1.5], [1e-30, 1]])
def test_norms_of_any_size(tmp_path: Path, kind: str, choices: list[float]) -> None:
    """Factors may be zero, tiny, large and negative, also where residual sums divide by them."""
    checkpoint = opened(tmp_path / "m", attention=kind)
    rng = np.random.default_rng(0)
    for name, array in checkpoint.arrays.items():
        if name.endswith("norm.weight"):
            checkpoint.arrays[name] = rng.choice(choices, array.shape).astype(np.float32)
    assert_as_defined(checkpoint, random_pairs(SHAPES["mixed"], vocabulary=200))


@pytest.mark.parametrize("bottleneck", [True, False])
def test_norms_in_a_row(tmp_path: Path, bottleneck: bool) -> None:
    """The factors of a long stream of norms multiply to what float32 has no room for, and are never met."""
    sizes = {"num_hidden_layers": 25, "num_feedforward_networks": 1, "intra_bottleneck_size": 32}
    checkpoint = opened(tmp_path / "m", use_bottleneck=bottleneck, **sizes)
    for name, array in checkpoint.arrays.items():
        if name.endswith("norm.weight"):
            array[::2], array[1::2] = -0.2, 0.9
    graph = build_mobilebert(checkpoint.config, checkpoint.arrays)
    assert any(name.endswith("folded.factor") for name in graph.weights)
    wanted = assert_as_defined(checkpoint, random_pairs(SHAPES["mixed"], vocabulary=200))
    assert wanted.std(axis=0).min() > 0.01


def test_norms_cost_nothing(tmp_path: Path) -> None:
    """Of the norms nothing is left, and of residual sums nothing but the products that begin with them."""
    checkpoint = opened(tmp_path / "m")
    model = onnx.load_from_string(build_mobilebert(checkpoint.config, checkpoint.arrays).model)
    operators = Counter(node.op_type for node in model.graph.node)
    assert operators["Mul"] == 0
    assert operators["Add"] == 2, "position and token type, in the embeddings"
    config = checkpoint.config
    products_of_a_layer = 3 + 2 + 1 + 2 * config.num_feedforward_networks + 1
    assert operators["Gemm"] == 1 + config.num_hidden_layers * products_of_a_layer + 2


@pytest.mark.parametrize("normalization_type", ["no_norm", "layer_norm"])
def test_what_nothing_is_folded_into_is_taken_by_reference(tmp_path: Path, normalization_type: str) -> None:
    checkpoint = opened(tmp_path / "m", normalization_type=normalization_type)
    graph = build_mobilebert(checkpoint.config, checkpoint.arrays)
    assert list(graph.tables) == ["embeddings.word.weight"]
    made = set()
    for name, array in {**graph.weights, **graph.tables}.items():
        if "folded" in name or name == "embeddings.nothing":
            made.add(name)
        else:
            assert array is checkpoint.arrays[name]
    assert all(graph.weights[name].dtype == np.float32 for name in made)
    if (
        normalization_type == "layer_norm"
    ):  # Sums begin with the residual, and so have their bias behind them.
        assert all(name.endswith(".folded.shift") for name in made - {"embeddings.nothing"})


@pytest.mark.parametrize(
    "name",
    [
        "embeddings.transformation.weight",
        "layers.1.bottleneck.input_norm.bias",
        "layers.0.networks.2.up.bias",
    ],
)
def test_missing_and_wrong(tmp_path: Path, name: str) -> None:
    checkpoint = opened(tmp_path / "m")
    array = checkpoint.arrays.pop(name)
    with pytest.raises(WeightsMismatchError, match=f"lack '{name}'"):
        build_mobilebert(checkpoint.config, checkpoint.arrays)
    checkpoint.arrays[name] = array[:-1]
    with pytest.raises(WeightsMismatchError, match=f"'{name}' has shape"):
        build_mobilebert(checkpoint.config, checkpoint.arrays)


def test_one_token_type_is_too_few(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path / "m")
    with pytest.raises(UnsupportedModelError, match="type_vocab_size is 1"):
        build_mobilebert(replace(checkpoint.config, type_vocab_size=1), checkpoint.arrays)
