"""Names of checkpoints and ours: strict both ways."""

from __future__ import annotations

import numpy as np
import pytest
from tests.tiny import Arrays, tiny_bert_arrays, tiny_bert_config

from entailment.checkpoint.config import BertConfig, Config, DistilBertConfig, MobileBertConfig
from entailment.checkpoint.names import DROPPED, TABLES, checkpoint_name, rename
from entailment.checkpoint.shapes import shapes
from entailment.errors import WeightsMismatchError

CONFIG = BertConfig.from_dict(tiny_bert_config())
SMALL: tuple[Config, ...] = (
    CONFIG,
    DistilBertConfig(vocab_size=20, dim=8, n_heads=2, n_layers=2, hidden_dim=16, max_position_embeddings=10),
    MobileBertConfig(vocab_size=20, hidden_size=16, num_hidden_layers=2, intra_bottleneck_size=8),
    MobileBertConfig(vocab_size=20, hidden_size=16, num_hidden_layers=2, use_bottleneck=False),
    MobileBertConfig.ib_bert_teacher(),
)


def arrays(prefix: str = "bert.") -> Arrays:
    return tiny_bert_arrays(tiny_bert_config(), prefix=prefix)


def empty_arrays(config: Config) -> Arrays:
    """Arrays of every shape a configuration asks for, under a checkpoint's names, without memory."""
    ours = rename_shapes(config)
    return {
        checkpoint_name(name, config): np.broadcast_to(np.float32(0), shape) for name, shape in ours.items()
    }


def rename_shapes(config: Config) -> dict[str, tuple[int, ...]]:
    networks = config.num_feedforward_networks - 1 if isinstance(config, MobileBertConfig) else 0
    found = {}
    for pattern, shape in shapes(config).items():
        for layer in range(config.num_hidden_layers if "{}" in pattern else 1):
            for network in range(networks if pattern.count("{}") == 2 else 1):
                found[pattern.format(layer, network)] = shape
    return found


@pytest.mark.parametrize("config", SMALL)
def test_ours_to_the_checkpoint_and_back(config: Config) -> None:
    stored = empty_arrays(config)
    renamed = rename(stored, config)
    assert {name: array.shape for name, array in renamed.items()} == rename_shapes(config)
    assert {checkpoint_name(name, config) for name in renamed} == set(stored)


@pytest.mark.parametrize("config", SMALL)
def test_tables_name_each_array_once(config: Config) -> None:
    table = TABLES[config.model_type]
    names = [*table.encoder.values(), *table.head.values()]
    assert len(set(names)) == len(names) and not set(names) & DROPPED.keys()
    assert set(shapes(config)) <= {*table.encoder, *table.head}


def test_with_and_without_prefix() -> None:
    with_prefix, without = rename(arrays(), CONFIG), rename(arrays(prefix=""), CONFIG)
    assert with_prefix.keys() == without.keys()
    assert all(np.array_equal(with_prefix[name], without[name]) for name in without)
    assert checkpoint_name("pooler.weight", CONFIG) == "bert.pooler.dense.weight"
    assert checkpoint_name("classifier.weight", CONFIG) == "classifier.weight"


def test_known_names_are_dropped() -> None:
    extra = {name: np.zeros(1) for name in DROPPED} | {"bert.embeddings.position_ids": np.arange(4)}
    assert rename(arrays() | extra, CONFIG).keys() == rename(arrays(), CONFIG).keys()


def test_an_encoder_alone() -> None:
    encoder = {name: array for name, array in arrays(prefix="").items() if "classifier" not in name}
    assert "pooler.weight" in rename(encoder, CONFIG, require_head=False)
    with pytest.raises(WeightsMismatchError, match=r"lack the classification head.*encoder alone"):
        rename(encoder, CONFIG)
    without_pooler = {name: array for name, array in encoder.items() if "pooler" not in name}
    assert "pooler.weight" not in rename(without_pooler, CONFIG, require_head=False)
    half = encoder | {"classifier.weight": arrays()["classifier.weight"]}
    with pytest.raises(WeightsMismatchError, match=r"classifier\.bias"):
        rename(half, CONFIG, require_head=False)


def changed(**arguments: np.ndarray | None) -> Arrays:
    """The arrays with some replaced, added, or taken away."""
    values = {**arrays(), **{name.replace("__", "."): array for name, array in arguments.items()}}
    return {name: array for name, array in values.items() if array is not None}


LAYER = "bert.encoder.layer.{}.attention.self.query.weight"


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (arrays() | {"roberta.x": np.zeros(1)}, r"hold roberta\.x, which a bert classifier of 2 layers"),
        (arrays() | {LAYER.format(2): np.zeros((32, 32))}, r"layer\.2\."),
        (arrays() | {LAYER.format("01"): np.zeros((32, 32))}, r"layer\.01\."),
        (arrays() | {"bert.bert.pooler.dense.bias": np.zeros(32)}, r"bert\.bert\."),
        (arrays() | {"bert.classifier.bias": np.zeros(3)}, r"bert\.classifier\.bias"),
        (
            arrays() | {"pooler.dense.bias": np.zeros(32)},
            "twice: as bert.pooler.dense.bias and as pooler.dense.bias",
        ),
        (changed(bert__pooler__dense__bias=None), r"lack pooler\.dense\.bias"),
        (changed(classifier__bias=None), r"classification head \(classifier\.bias\)"),
        (changed(classifier__bias=np.zeros(2, np.float32)), r"shape \[2\], but config\.json asks for \[3\]"),
        (changed(classifier__bias=np.zeros(3, np.int64)), "of type int64"),
        ({}, "lack embeddings.word_embeddings.weight.* and 38 more"),
    ],
)
def test_what_does_not_fit_is_named(weights: Arrays, said: str) -> None:
    with pytest.raises(WeightsMismatchError, match=said):
        rename(weights, CONFIG)


def test_no_such_name() -> None:
    with pytest.raises(WeightsMismatchError, match=r"no array named layers.2"):
        checkpoint_name("layers.2.attention.query.weight", CONFIG)
