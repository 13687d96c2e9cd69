"""What a run tells of itself: trackers, energy, the machine; and the extras that are asked for by name."""

from __future__ import annotations

import sys
import time
from importlib import import_module
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tests.tiny import tiny_bert
from tests.train.matching import SETTINGS, objective

from entailment.errors import InputError, MissingExtraError
from entailment.models.load import load_model
from entailment.train import energy, loop, outcome, parallel

DATA = (
    "energy_consumed", "cpu_energy", "gpu_energy", "ram_energy", "emissions", "country_name", "duration",
)  # fmt: skip
"""What is read of codecarbon's figures."""


def test_tensorboard_gets_losses_rates_and_measures(tmp_path: Path) -> None:
    events_module = "tensorboard.backend.event_processing.event_accumulator"
    EventAccumulator = import_module(events_module).EventAccumulator

    model = load_model(tiny_bert(tmp_path / "model"))
    cpu = torch.device("cpu")
    ended = loop.train(
        model, objective(), SETTINGS, tmp_path, trackers=["tensorboard"], device=cpu, measure_energy=False
    )
    (written,) = (tmp_path / "entailment").glob("events*")
    events = EventAccumulator(str(written))
    events.Reload()
    names = {"training/loss", "training/rate", "training/norm", "training/tokens_per_second"}
    assert names | {"validation/accuracy", "validation/score"} <= set(events.Tags()["scalars"])
    found = [event.value for event in events.Scalars("validation/accuracy")]
    assert found == pytest.approx([each["accuracy"] for each in ended.evaluations])


def test_an_unknown_tracker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no tracker 'tensorbord'; accelerate has .*tensorboard"):
        parallel.join(["tensorbord"], tmp_path)
    with pytest.raises(InputError, match="'aim' is not installed: pip install aim"):
        parallel.join(["aim"], tmp_path)


def test_training_without_accelerate_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(
        MissingExtraError, match=r"training needs accelerate: pip install 'entailment\[train\]'"
    ):
        parallel.join([], tmp_path)


def test_energy_is_measured_where_codecarbon_is(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("codecarbon", reason="the dev group is not installed")
    monkeypatch.delenv(energy.COUNTRY, raising=False)

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("codecarbon opened a connection")

    monkeypatch.setattr("socket.socket.connect", refuse)
    meter = energy.Meter()
    with meter.running():
        time.sleep(0.06)  # codecarbon measures nothing that is shorter than 0.05 s
        on_the_way = meter.so_far()
        time.sleep(0.06)
    first = meter.so_far()
    assert on_the_way is not None and first is not None
    kwh, seconds = first["kwh"], first["seconds"]
    assert isinstance(kwh, float) and isinstance(seconds, float)
    assert kwh > float(on_the_way["kwh"] or 0) > 0
    assert seconds > float(on_the_way["seconds"] or 0) > 0
    assert first["co2_kg"] is None, "nobody said in which country this is"
    assert meter.so_far() == first, "what has stopped counts no further"

    both = energy.together(first, first)
    assert both is not None and both["kwh"] == pytest.approx(2 * kwh)
    assert both["cpu_method"] == first["cpu_method"]


def test_energy_is_none_without_codecarbon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "codecarbon", None)
    meter, second = energy.Meter(), energy.Meter({"kwh": 2.0})
    with meter.running(), second.running():
        pass
    assert meter.so_far() is None
    assert second.so_far() == {"kwh": 2.0}


def test_a_run_that_dies_keeps_the_energy_of_its_last_save(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tracker(output: energy.Meter) -> Any:
        """Finds one kWh more at each look."""
        looks = count(1)

        def look() -> None:
            output.out(SimpleNamespace(**dict.fromkeys(DATA, next(looks))), None)

        return SimpleNamespace(start=lambda: None, flush=look, stop=look, _hardware=[])

    monkeypatch.setattr(energy, "_tracker", tracker)
    model = load_model(tiny_bert(tmp_path / "model"))
    learnt = objective()

    def run(learnt: Any) -> Any:
        cpu = torch.device("cpu")
        return loop.train(model, learnt, SETTINGS, tmp_path, save_seconds=-1, device=cpu)

    def dies(epoch: int, members: list[int]) -> Any:
        if epoch == 1:
            raise KeyboardInterrupt
        return learnt.batch(epoch, members)

    dying = SimpleNamespace(plan=learnt.plan, batch=dies, loss=learnt.loss, validate=learnt.validate)
    with pytest.raises(KeyboardInterrupt):
        run(dying)
    saved = torch.load(tmp_path / "state.pt")["position"]
    assert saved["energy"]["kwh"] == saved["step"] > 0, "a look at each save, and a save at each step"
    ended = run(learnt)
    assert ended.energy["kwh"] == ended.steps + 1, "and a look as the tracker stops"


def test_the_machine_is_described() -> None:
    found = outcome.hardware(torch.device("cpu"), 2)
    assert (found["device"], found["processes"]) == ("cpu", 2)
    assert found["name"] and found["system"]
    assert {"python", "torch", "entailment"} <= outcome.versions().keys()
