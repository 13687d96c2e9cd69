"""A server tells what its engine computes, whichever it is, and answers as the library does on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
import torch
from tests.runtime.int8 import planned_checkpoint
from tests.serve.support import ask, post, stub_model
from tests.tiny import tiny_bert

from entailment.models.engine import load_on
from entailment.runtime.engine import OnnxEngine
from entailment.tasks.model import PairModel, load_model
from entailment.tasks.zero_shot import ZeroShotClassifier

Attention = Literal["full", "prefix"]


def int8(folder: Path, attention: Attention) -> PairModel:
    checkpoint = planned_checkpoint(attention)
    return stub_model(folder, OnnxEngine.from_checkpoint(checkpoint, threads=1, precision="int8"))


def float32(folder: Path, attention: Attention) -> PairModel:
    return load_model(tiny_bert(folder / "model", attention=attention), threads=1)


def bfloat16(folder: Path, attention: Attention) -> PairModel:
    return load_on("cpu", tiny_bert(folder / "model", attention=attention), dtype=torch.bfloat16)


def torch_float32(folder: Path, attention: Attention) -> PairModel:
    return load_on("cpu", tiny_bert(folder / "model", attention=attention))


@pytest.mark.parametrize("attention", ["full", "prefix"])
@pytest.mark.parametrize(
    ("opened", "precision"),
    [(int8, "int8"), (float32, "float32"), (torch_float32, "float32"), (bfloat16, "bfloat16")],
)
def test_it_tells_what_it_computes(
    tmp_path: Path, opened: Callable[[Path, Attention], PairModel], precision: str, attention: Attention
) -> None:
    model = opened(tmp_path, attention)
    assert ask(model, lambda client: client.get("/info")).json()["model_dtype"] == precision
    (told,) = ask(model, lambda client: client.get("/v1/models")).json()["data"]
    assert told["attention"] == attention


@pytest.mark.parametrize("attention", ["full", "prefix"])
def test_torch_answers_as_in_the_library(tmp_path: Path, attention: Attention) -> None:
    model = torch_float32(tmp_path, attention)
    text, labels = "the team won the game", ["game", "music"]
    wanted = ZeroShotClassifier(model)(text, labels)
    (found,) = post(model, "/v1/classify", {"text": text, "labels": labels}).json()["results"]
    assert found["labels"] == wanted["labels"]
    assert found["scores"] == pytest.approx(wanted["scores"], abs=1e-5)
