"""Full attention agrees with `transformers` on a tiny random DistilBERT, through our name table, to 1e-5."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from tests.runtime.models import MemoryCheckpoint, assert_alike
from tests.runtime.pairs import random_pairs, shuffled
from tests.tiny import tiny_distilbert

from entailment.checkpoint.config import DistilBertConfig
from entailment.checkpoint.folder import open_checkpoint
from entailment.checkpoint.names import rename
from entailment.runtime.engine import OnnxEngine
from entailment.text.pairs import EncodedPair

pytestmark = pytest.mark.oracle

SIZES: list[dict[str, Any]] = [
    {"n_layers": 1, "n_heads": 1, "dim": 16, "hidden_dim": 24},
    {"n_layers": 3, "n_heads": 5, "dim": 35, "hidden_dim": 33, "activation": "relu"},
    {"n_layers": 2, "n_heads": 12, "dim": 96, "hidden_dim": 192},
]
SHAPES = [(2, [9, 1]), (30, [2]), (7, [3, 3, 8]), (3, [2]), (50, [14, 3]), (62, [2])]


def reference_model(sizes: dict[str, Any]) -> Any:
    torch.manual_seed(0)
    config = transformers.DistilBertConfig(
        vocab_size=300,
        max_position_embeddings=64,
        num_labels=3,
        initializer_range=sizes["dim"] ** -0.5,
        **sizes,
    )
    config._attn_implementation = "eager"
    model = transformers.DistilBertForSequenceClassification(config).eval()
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.1)
    return model


def reference_logits(model: Any, pairs: list[EncodedPair]) -> np.ndarray:
    joined = [torch.from_numpy(np.concatenate([pair.premise, pair.hypothesis])) for pair in pairs]
    padded = torch.nn.utils.rnn.pad_sequence(joined, batch_first=True)
    mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(ids) for ids in joined], batch_first=True)
    with torch.no_grad():
        logits: np.ndarray = model(input_ids=padded, attention_mask=mask).logits.numpy()
    return logits


def checkpoint(
    sizes: dict[str, Any], model: Any, attention: str = "full"
) -> MemoryCheckpoint[DistilBertConfig]:
    settings: dict[str, Any] = {
        "vocab_size": 300,
        "max_position_embeddings": 64,
        "num_labels": 3,
        "attention": attention,
    }
    config = DistilBertConfig(**sizes, **settings)
    arrays = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    return MemoryCheckpoint(config, rename(arrays, config))


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_full(sizes: dict[str, Any]) -> None:
    model = reference_model(sizes)
    engine = OnnxEngine.from_checkpoint(checkpoint(sizes, model), threads=1)
    pairs = shuffled(random_pairs(SHAPES))[0]
    assert_alike(engine.logits(pairs), reference_logits(model, pairs))


def test_prefix_of_a_pair_alone_and_in_company() -> None:
    model = reference_model(SIZES[2])
    engine = OnnxEngine.from_checkpoint(checkpoint(SIZES[2], model, "prefix"), threads=1)
    pairs = shuffled(random_pairs(SHAPES))[0]
    alone = np.concatenate([engine.logits([pair]) for pair in pairs])
    assert_alike(engine.logits(pairs), alone)
    assert np.abs(alone - reference_logits(model, pairs)).max() > 0.01


@pytest.mark.parametrize("shapes", [[(1, [1])], [(40, [24]), (62, [2]), (3, [61])], SHAPES], ids=str)
def test_a_folder_that_the_reference_opens_as_well(tmp_path: Path, shapes: Any) -> None:
    """One token a side, maximum length, mixed; each pair alone and all of them in company."""
    folder = tiny_distilbert(tmp_path / "m")
    model = transformers.DistilBertForSequenceClassification.from_pretrained(
        folder, attn_implementation="eager"
    ).eval()
    engine = OnnxEngine.from_checkpoint(open_checkpoint(folder), threads=1)
    pairs = shuffled(random_pairs(shapes))[0]
    wanted = reference_logits(model, pairs)
    assert_alike(engine.logits(pairs), wanted)
    assert_alike(np.concatenate([engine.logits([pair]) for pair in pairs]), wanted)
