"""The loop learns, stops, and resumes to the bit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tiny import tiny_bert

from entailment.errors import CheckpointError, DataFileError, NonFiniteLogitsError
from entailment.models.load import PairClassifier, load_model
from entailment.train.batches import EncodedExample, collate
from entailment.train.examples import CONTRADICTION, ENTAILMENT
from entailment.train.finetune import Settings, Special, finetune, score

SPECIAL = Special(pad_id=0, sep_id=3)
SETTINGS = Settings(learning_rate=3e-3, epochs=4, tokens_per_batch=240, evaluations=4, seed=7)


def matching(epoch: int, count: int = 120) -> list[EncodedExample]:
    """Whether premise and hypothesis are of one kind, of two: nothing to be learned from either alone."""
    draw = np.random.default_rng(epoch)
    examples = []
    for _ in range(count):
        kind, *others = draw.integers(0, 2, size=3)
        premise = np.array([2, 60 + 10 * kind + draw.integers(4), 3])
        hypotheses = tuple(np.array([80 + 10 * other + draw.integers(4), 3]) for other in others)
        targets = tuple(ENTAILMENT if other == kind else CONTRADICTION for other in others)
        examples.append(EncodedExample(premise, hypotheses, targets, choice=False))
    return examples


HELD_OUT = collate(matching(99), pad_id=0, sep_id=3)


def validate(model: PairClassifier) -> dict[str, float]:
    return {"accuracy": float((score(model, HELD_OUT).argmax(-1) == HELD_OUT.targets).float().mean())}


@pytest.fixture(params=["prefix", "full"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> PairClassifier:
    return load_model(tiny_bert(tmp_path / "model", attention=request.param))


def test_learns_to_compare(model: PairClassifier, tmp_path: Path) -> None:
    before = validate(model.eval())["accuracy"]
    settings = replace(SETTINGS, epochs=30, evaluations=6, patience=6)
    best = finetune(model, matching, validate, settings, tmp_path / "run", special=SPECIAL)
    assert best["accuracy"] > max(0.9, before + 0.2)
    assert validate(model)["accuracy"] == best["accuracy"], "the model is left with its best weights"


def test_an_interrupted_run_ends_with_the_same_weights(model: PairClassifier, tmp_path: Path) -> None:
    start = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    def run(folder: str, *stops: int | None) -> dict[str, torch.Tensor]:
        for stop in stops:
            model.load_state_dict(start)
            torch.manual_seed(1234 + (stop or 0))  # whatever state the process is in
            finetune(model, matching, validate, SETTINGS, tmp_path / folder, special=SPECIAL, stop_after=stop)
        return {name: tensor.clone() for name, tensor in model.state_dict().items()}

    whole, resumed = run("whole", None), run("resumed", 5, 23, None)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert not all(torch.equal(whole[name], start[name]) for name in whole)
    assert (tmp_path / "whole/log.jsonl").read_text() == (tmp_path / "resumed/log.jsonl").read_text()


def test_resuming_with_other_settings_is_refused(model: PairClassifier, tmp_path: Path) -> None:
    finetune(model, matching, validate, SETTINGS, tmp_path, special=SPECIAL, stop_after=2)
    with pytest.raises(CheckpointError, match="other settings"):
        finetune(model, matching, validate, replace(SETTINGS, seed=8), tmp_path, special=SPECIAL)


def test_stops_when_nothing_improves(model: PairClassifier, tmp_path: Path) -> None:
    settings = replace(SETTINGS, evaluations=8, patience=2)
    best = finetune(model, matching, lambda _: {"flat": 0.5}, settings, tmp_path, special=SPECIAL)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert len(log) == 3 and best["step"] == log[0]["step"]


def test_a_run_that_cannot_go_on_says_why(model: PairClassifier, tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="no examples"):
        finetune(model, lambda _: [], validate, SETTINGS, tmp_path / "empty", special=SPECIAL)

    damaged = tmp_path / "damaged"
    finetune(model, matching, validate, SETTINGS, damaged, special=SPECIAL, stop_after=1)
    whole = (damaged / "state.pt").read_bytes()
    for size in (0, 100, len(whole) // 2):
        (damaged / "state.pt").write_bytes(whole[:size])
        with pytest.raises(CheckpointError, match="damaged"):
            finetune(model, matching, validate, SETTINGS, damaged, special=SPECIAL)

    (damaged / "state.pt").write_bytes(whole)
    other = load_model(tiny_bert(tmp_path / "other", layers=3))
    with pytest.raises(CheckpointError, match="another model"):
        finetune(other, matching, validate, SETTINGS, damaged, special=SPECIAL)

    with torch.no_grad():
        model.classifier.bias.fill_(float("nan"))
    with pytest.raises(NonFiniteLogitsError, match="the loss is nan at step 1"):
        finetune(model, matching, validate, SETTINGS, tmp_path / "nan", special=SPECIAL)
