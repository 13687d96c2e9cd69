"""A run that diverges says so, writes nothing broken, and keeps what it had before."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.tiny import tiny_bert
from tests.train.matching import SETTINGS, examples, objective, steps_taken
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from entailment.errors import CheckpointError, NonFiniteLogitsError
from entailment.models.load import PairClassifier, load_model
from entailment.train import state
from entailment.train.average import Average
from entailment.train.finite import require_finite_measures, require_finite_weights
from entailment.train.loop import train
from entailment.train.optimizer import adamw
from entailment.train.parallel import join
from entailment.train.premises import Premises, Special, score
from entailment.train.settings import Settings
from entailment.train.state import Learner, Position

CPU = torch.device("cpu")


@pytest.fixture
def model(tmp_path: Path) -> PairClassifier:
    return load_model(tiny_bert(tmp_path / "model"))


def run(
    model: PairClassifier,
    folder: Path,
    settings: Settings,
    learnt: Premises | None = None,
    stop_after: int | None = None,
) -> None:
    train(
        model,
        learnt or objective(),
        settings,
        folder,
        stop_after=stop_after,
        device=CPU,
        measure_energy=False,
    )


def measuring(values: list[float]) -> Premises:
    """An objective that has one loss after another."""
    following = iter(values)

    def measures(_: PairClassifier) -> dict[str, float]:
        return {"accuracy": 0.5, "loss": next(following)}

    return Premises(examples, measures, special=Special(0, 3), tokens_per_batch=240, seed=7)


def test_a_run_that_diverges_in_its_last_step_is_no_success(model: PairClassifier, tmp_path: Path) -> None:
    """The loss of a step is that before it, and finite; what it leaves is seen in the validation alone."""
    held_out = objective().batch(0, [0, 1, 2, 3])

    def measures(trained: PairClassifier) -> dict[str, float]:
        return {"loss": float(score(trained, held_out).square().mean())}

    learnt = Premises(examples, measures, special=Special(0, 3), tokens_per_batch=240, seed=7)
    settings = replace(SETTINGS, learning_rate=1e30, warmup=0.0, max_steps=1, evaluations=1)
    with pytest.raises(NonFiniteLogitsError, match=r"the validation's loss is (nan|inf) after step 1: "):
        run(model, tmp_path / "run", settings, learnt)
    assert list((tmp_path / "run").iterdir()) == []


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_a_measure_that_is_no_number_stops_the_run(
    model: PairClassifier, tmp_path: Path, broken: float
) -> None:
    settings = replace(SETTINGS, follow="loss")
    with pytest.raises(NonFiniteLogitsError, match=f"the validation's loss is {broken} after step "):
        run(model, tmp_path, settings, measuring([0.9, broken, 0.3]))
    (evaluated,) = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert (evaluated["loss"], evaluated["step"]) == (0.9, steps_taken(tmp_path))
    run(model, tmp_path, settings, measuring([0.8, 0.7, 0.6]))  # it goes on from there
    assert json.loads((tmp_path / "run.json").read_text())["best"]["loss"] == 0.6


@pytest.mark.parametrize("evaluations", [1, 8])
def test_weights_that_are_no_numbers_are_not_saved(
    model: PairClassifier, tmp_path: Path, evaluations: int
) -> None:
    settings = replace(SETTINGS, evaluations=evaluations, patience=None, ema=0.5)
    run(model, tmp_path, settings, stop_after=5)
    weight = model.classifier.weight
    breaking = register_optimizer_step_post_hook(lambda *_: weight.data.__setitem__((0, 0), math.nan))
    try:
        with pytest.raises(
            NonFiniteLogitsError, match=r"classifier\.weight is no longer finite after step 6"
        ):
            run(model, tmp_path, settings, stop_after=6)
    finally:
        breaking.remove()
    assert steps_taken(tmp_path) == 5


def test_what_is_finite_passes(tmp_path: Path) -> None:
    layer = nn.Linear(2, 2)
    require_finite_weights(layer, 1, tmp_path)
    require_finite_measures({"loss": 0.0, "accuracy": 1}, 1, tmp_path)
    layer.bias.data[1] = -math.inf
    with pytest.raises(NonFiniteLogitsError, match=r"bias is no longer finite after step 7: .*learning rate"):
        require_finite_weights(layer, 7, tmp_path)


def test_a_run_that_was_written_although_it_had_diverged(model: PairClassifier, tmp_path: Path) -> None:
    run(model, tmp_path, SETTINGS)
    written = torch.load(tmp_path / "state.pt", weights_only=True)
    written["position"]["evaluations"][0]["accuracy"] = math.nan
    torch.save(written, tmp_path / "state.pt")
    with pytest.raises(CheckpointError, match="holds a run that diverged; use an empty folder"):
        run(model, tmp_path, SETTINGS)


def test_the_log_takes_json_alone(model: PairClassifier, tmp_path: Path) -> None:
    learner = Learner(model, adamw(model, SETTINGS), torch.amp.GradScaler("cpu"), Average(model, 0.5))
    processes = join([], tmp_path, device=CPU)
    folder = tmp_path / "run"
    folder.mkdir()
    with pytest.raises(ValueError, match="not JSON compliant"):
        state.save(folder, SETTINGS, learner, Position(evaluations=[{"loss": math.nan}]), processes)
    assert list(folder.iterdir()) == []
