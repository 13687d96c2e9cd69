"""What a run tells of itself: trackers, energy, the machine; and the extras that are asked for by name."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch
from tests.tiny import tiny_bert
from tests.train.matching import SETTINGS, objective

from entailment.errors import InputError, MissingExtraError
from entailment.models.load import load_model
from entailment.train import energy, loop, outcome, parallel


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
    with energy.metered() as meter:
        sum(range(3_000_000))
    assert meter.energy is not None
    kwh, seconds = meter.energy["kwh"], meter.energy["seconds"]
    assert isinstance(kwh, float) and kwh > 0
    assert isinstance(seconds, float) and seconds > 0
    assert meter.energy["co2_kg"] is None, "nobody said in which country this is"

    both = energy.together(meter.energy, meter.energy)
    assert both is not None and both["kwh"] == pytest.approx(2 * kwh)
    assert both["cpu_method"] == meter.energy["cpu_method"]


def test_energy_is_none_without_codecarbon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "codecarbon", None)
    with energy.metered() as meter:
        pass
    assert meter.energy is None
    assert energy.together(None, meter.energy) is None


def test_the_machine_is_described() -> None:
    found = outcome.hardware(torch.device("cpu"), 2)
    assert (found["device"], found["processes"]) == ("cpu", 2)
    assert found["name"] and found["system"]
    assert {"python", "torch", "entailment"} <= outcome.versions().keys()
