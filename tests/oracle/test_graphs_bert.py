"""Full attention agrees with `transformers` on the same checkpoint folder, to 1e-5."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from tests.runtime.pairs import random_pairs, shuffled
from tests.tiny import tiny_bert

from entailment.checkpoint.folder import open_checkpoint
from entailment.runtime.engine import OnnxEngine
from entailment.text.pairs import EncodedPair

pytestmark = pytest.mark.oracle

SHAPES = {
    "one token a side": [(3, [2])],
    "maximum length": [(40, [24]), (62, [2]), (3, [61])],
    "mixed": [(2, [9, 1]), (30, [2]), (7, [3, 3, 8]), (7, [1]), (50, [14, 3])],
}
SIZES: list[dict[str, Any]] = [
    {"layers": 1, "heads": 1},
    {"layers": 2, "heads": 2, "hidden": 32},
    {"layers": 3, "heads": 5, "hidden": 35, "intermediate": 33},
    {"layers": 4, "heads": 12, "hidden": 192, "intermediate": 768},
]


def reference(folder: Path, pairs: list[EncodedPair]) -> np.ndarray:
    """One padded, masked batch through `BertForSequenceClassification`."""
    model = transformers.BertForSequenceClassification.from_pretrained(
        folder, attn_implementation="eager"
    ).eval()
    joined = [torch.from_numpy(np.concatenate([pair.premise, pair.hypothesis])) for pair in pairs]
    types = [torch.tensor([0] * len(pair.premise) + [1] * len(pair.hypothesis)) for pair in pairs]
    padded = torch.nn.utils.rnn.pad_sequence(joined, batch_first=True)
    mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(ids) for ids in joined], batch_first=True)
    token_types = torch.nn.utils.rnn.pad_sequence(types, batch_first=True)
    with torch.no_grad():
        output = model(input_ids=padded, attention_mask=mask, token_type_ids=token_types)
    logits: np.ndarray = output.logits.numpy()
    return logits


def assert_alike(folder: Path, shapes: list[tuple[int, list[int]]]) -> None:
    engine = OnnxEngine.from_checkpoint(open_checkpoint(folder), threads=1)
    pairs = shuffled(random_pairs(shapes, vocabulary=engine.config.vocab_size))[0]
    np.testing.assert_allclose(engine.logits(pairs), reference(folder, pairs), rtol=0, atol=1e-5)


@pytest.mark.parametrize("shapes", SHAPES.values(), ids=SHAPES)
def test_lengths(tmp_path: Path, shapes: list[tuple[int, list[int]]]) -> None:
    assert_alike(tiny_bert(tmp_path / "m"), shapes)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_sizes(tmp_path: Path, sizes: dict[str, Any]) -> None:
    assert_alike(tiny_bert(tmp_path / "m", **sizes), SHAPES["mixed"])


@pytest.mark.parametrize(
    "hidden_act",
    ["gelu", "gelu_python", "gelu_new", "gelu_fast", "gelu_pytorch_tanh", "relu", "silu", "swish", "tanh"],
)
def test_activations(tmp_path: Path, hidden_act: str) -> None:
    assert_alike(tiny_bert(tmp_path / "m", hidden_act=hidden_act), SHAPES["mixed"])


def test_two_classes(tmp_path: Path) -> None:
    assert_alike(tiny_bert(tmp_path / "m", labels=("entailment", "not_entailment")), SHAPES["mixed"])
