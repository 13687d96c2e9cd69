"""The torch engine against the ONNX engine: the same logits, whatever the batches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.runtime.models import assert_alike
from tests.runtime.pairs import random_pairs, shuffled
from tests.tiny import tiny_bert, tiny_distilbert, tiny_mobilebert

from entailment import ZeroShotClassifier
from entailment.checkpoint.folder import open_checkpoint
from entailment.errors import CheckpointError, InputError, NonFiniteLogitsError
from entailment.models.engine import TorchEngine, _usual_dtype, engine_on, load_on
from entailment.models.load import load_model
from entailment.runtime.engine import OnnxEngine
from entailment.tasks.model import load_model as load_pair_model

PAIRS = random_pairs([(2, [9, 1]), (30, [2]), (7, [3, 3, 8]), (7, [1])])
MAKERS: dict[str, Callable[[Path], Path]] = {
    "full": lambda folder: tiny_bert(folder, attention="full"),
    "prefix": lambda folder: tiny_bert(folder, attention="prefix"),
    "distilbert": tiny_distilbert,
    "mobilebert": tiny_mobilebert,
}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("tokens_per_batch", [1, 20, 10_000])
def test_answers_as_the_onnx_engine_does(kind: str, tokens_per_batch: int, tmp_path: Path) -> None:
    folder = MAKERS[kind](tmp_path / "model")
    wanted = OnnxEngine.from_checkpoint(open_checkpoint(folder), threads=1).logits(PAIRS)
    engine = TorchEngine(load_model(folder), tokens_per_batch=tokens_per_batch)
    assert_alike(engine.logits(PAIRS), wanted)
    mixed, order = shuffled(PAIRS)
    assert_alike(engine.logits(mixed), wanted[order])
    assert engine.logits([]).shape == (0, engine.num_labels)


def test_a_task_on_it_answers_as_usual(tmp_path: Path) -> None:
    folder = tiny_bert(tmp_path / "model", attention="prefix")
    texts, labels = ["good game", "bad music the film"], ["game", "music", "film"]
    found = ZeroShotClassifier(load_on("cpu", folder))(texts, labels)
    for one, usual in zip(found, ZeroShotClassifier(folder)(texts, labels), strict=True):
        assert one["labels"] == usual["labels"]
        np.testing.assert_allclose(one["scores"], usual["scores"], atol=1e-5)


def test_bfloat16_comes_close(tmp_path: Path) -> None:
    folder = tiny_bert(tmp_path / "model", attention="prefix")
    model = load_on("cpu", folder, dtype=torch.bfloat16)
    difference = np.abs(model.engine.logits(PAIRS) - load_on("cpu", folder).engine.logits(PAIRS))
    assert 0 < difference.max() < 0.2


def test_an_engine_says_what_it_computes(tmp_path: Path) -> None:
    folder = tiny_bert(tmp_path / "model", attention="prefix")
    for dtype, name in ((None, "float32"), (torch.float32, "float32"), (torch.bfloat16, "bfloat16")):
        engine = load_pair_model(folder, engine=engine_on("cpu", dtype=dtype)).engine
        assert isinstance(engine, TorchEngine)
        assert (engine.precision, engine.config.attention) == (name, "prefix")


@pytest.mark.parametrize(
    ("capability", "dtype"),
    [((7, 5), torch.float32), ((8, 0), torch.bfloat16), ((9, 0), torch.bfloat16)],
)
def test_bfloat16_is_for_gpus_that_compute_in_it(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], dtype: torch.dtype
) -> None:
    """The one that was asked for, that is; the first may be another."""
    gpus = {torch.device("cuda:0"): (8, 9), torch.device("cuda:1"): capability}
    monkeypatch.setattr(torch.cuda, "get_device_capability", gpus.__getitem__)
    assert _usual_dtype(torch.device("cuda:1")) == dtype
    assert _usual_dtype(torch.device("cpu")) == torch.float32


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_answers_as_the_processor_does(tmp_path: Path) -> None:
    folder = tiny_bert(tmp_path / "model", attention="prefix")
    wanted = load_on("cpu", folder).engine.logits(PAIRS)
    found = load_on("cuda", folder, dtype=torch.float32).engine.logits(PAIRS)
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_refusals(tmp_path: Path) -> None:
    folder = tiny_bert(tmp_path / "model")
    with pytest.raises(InputError, match=r"torch cannot compute on 'abacus' here .*'cpu' always works"):
        load_on("abacus", folder)
    with pytest.raises(InputError, match=r"torch cannot compute on 'meta' here"):
        load_on(torch.device("meta"), folder)
    with pytest.raises(InputError, match="tokens_per_batch is 0"):
        TorchEngine(load_model(folder), tokens_per_batch=0)
    with pytest.raises(InputError, match="pair 0 has 90 tokens, and the model reads 64"):
        TorchEngine(load_model(folder)).logits(random_pairs([(80, [10])]))
    broken = load_model(folder)
    with torch.no_grad():
        broken.classifier.bias[0] = torch.nan
    with pytest.raises(NonFiniteLogitsError, match="the model answered NaN or infinity for 7 of 7 pairs"):
        TorchEngine(broken).logits(PAIRS)


def test_prefix_attention_without_a_module_is_refused(tmp_path: Path) -> None:
    folder = tiny_distilbert(tmp_path / "model", attention="prefix")
    with pytest.raises(CheckpointError, match="trained with prefix attention, and DistilBertFor"):
        load_on("cpu", folder)
