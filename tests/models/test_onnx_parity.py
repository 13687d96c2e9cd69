"""The torch modules and the ONNX graphs are one model: the same logits, for both attention kinds."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tiny import WORDS, tiny_bert

from entailment.checkpoint.folder import open_checkpoint
from entailment.models.load import load_model
from entailment.runtime.engine import OnnxEngine
from entailment.text.pairs import EncodedPair, PairEncoder
from entailment.text.tokenizer import Tokenizer
from entailment.train.batches import EncodedExample, collate
from entailment.train.premises import score


def texts(seed: int, count: int, longest: int) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=draw.randint(1, longest))) for _ in range(count)]


def torch_logits(folder: Path, pairs: list[EncodedPair]) -> np.ndarray:
    model = load_model(folder)
    rows = []
    with torch.inference_mode():
        for pair in pairs:
            example = EncodedExample(pair.premise, (pair.hypothesis,), (0,), choice=False)
            rows.append(score(model, collate([example], pad_id=0, sep_id=3))[0, 0])
    return torch.stack(rows).numpy()


@pytest.mark.parametrize("attention", ["full", "prefix"])
def test_five_hundred_pairs_agree(tmp_path: Path, attention: str) -> None:
    folder = tiny_bert(tmp_path / "model", attention=attention, layers=3)  # type: ignore[arg-type]
    encoder = PairEncoder(Tokenizer.from_folder(folder), max_length=64)
    premises = texts(1, 125, 40)
    pairs = encoder.encode(
        [(premise, h) for i, premise in enumerate(premises) for h in texts(100 + i, 4, 12)]
    )
    found = OnnxEngine.from_checkpoint(open_checkpoint(folder), threads=1).logits(pairs)
    expected = torch_logits(folder, pairs)
    assert len(pairs) == 500
    assert expected.std(axis=0).min() > 0.1, "logits that hardly differ would prove nothing"
    np.testing.assert_allclose(found, expected, atol=1e-4, rtol=0)
