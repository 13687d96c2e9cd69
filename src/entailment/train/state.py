"""The state of a run on disk: everything that a step changes, written whole or not at all."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from pickle import UnpicklingError  # raised by torch.load; nothing is unpickled here
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from entailment.errors import CheckpointError
from entailment.train.average import Average
from entailment.train.parallel import Processes
from entailment.train.settings import Settings

STATE, BEST, LOG = "state.pt", "best.safetensors", "log.jsonl"


@dataclass(frozen=True)
class Learner:
    """What learns: the objects that a step changes."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    average: Average | None


@dataclass
class Position:
    """Where a run is, and what it has seen on the way.

    Attributes:
        step: steps taken.
        best: the measures of the best evaluation, with its `score` and `step`; empty before the first.
        stale: evaluations since then.
        evaluations: of each its step, mean training loss since the one before, rate and measures.
        loss_sum: of the steps since the last evaluation.
        loss_steps: how many those are.
        overflows: float16 steps in a row that were skipped because a gradient was too large.
        seconds: of training and validating.
        tokens: real tokens learnt from.
        energy: what is known of the energy used, or None.
    """

    step: int = 0
    best: dict[str, float] = field(default_factory=dict)
    stale: int = 0
    evaluations: list[dict[str, float]] = field(default_factory=list)
    loss_sum: float = 0.0
    loss_steps: int = 0
    overflows: int = 0
    seconds: float = 0.0
    tokens: int = 0
    energy: dict[str, float | str | None] | None = None


def save(
    folder: Path, settings: Settings, learner: Learner, position: Position, processes: Processes
) -> None:
    """Write `state.pt` and `log.jsonl`; every process calls it, the main one writes."""
    random: dict[str, Tensor] = {"cpu": torch.get_rng_state()}
    if processes.device.type == "cuda":
        random["cuda"] = torch.cuda.get_rng_state(processes.device)
    randoms = processes.gathered(random)
    if processes.main:
        lines = "".join(json.dumps(each, allow_nan=False) + "\n" for each in position.evaluations)
        _write_whole(
            folder / STATE,
            {
                "settings": asdict(settings),
                "model": learner.model.state_dict(),
                "optimizer": learner.optimizer.state_dict(),
                "scaler": learner.scaler.state_dict(),
                "average": learner.average.state_dict() if learner.average else None,
                "random": randoms,
                "position": asdict(position),
            },
        )
        # Written anew from the state: a run that died between the two repeats no line.
        (folder / LOG).write_text(lines, encoding="utf-8")


def resume(folder: Path, settings: Settings, learner: Learner, processes: Processes) -> Position:
    """Set everything as it was when `state.pt` was written; a new position where there is none.

    Raises:
        CheckpointError: the folder holds a damaged run, one that diverged, or one of another model, other
            settings or another number of processes.
    """
    path = folder / STATE
    if not path.exists():
        return Position()
    state = _read(path)
    if state["settings"] != asdict(settings):
        differing = sorted(
            name for name, value in asdict(settings).items() if state["settings"].get(name) != value
        )
        raise CheckpointError(
            f"{folder} holds a run with other settings ({', '.join(differing) or 'of another version'}); "
            "resume with those, or use an empty folder"
        )
    if len(state["random"]) != processes.count:
        raise CheckpointError(
            f"{folder} holds a run of {len(state['random'])} processes, and this is one of "
            f"{processes.count}; resume with as many, or use an empty folder"
        )
    try:
        learner.model.load_state_dict(state["model"])
        learner.optimizer.load_state_dict(state["optimizer"])
        learner.scaler.load_state_dict(state["scaler"])
        if learner.average:
            learner.average.load_state_dict(state["average"])
    except (RuntimeError, ValueError) as error:
        raise CheckpointError(f"{folder} holds a run of another model; use an empty folder") from error
    position = Position(**state["position"])
    if not all(math.isfinite(value) for each in position.evaluations for value in each.values()):
        raise CheckpointError(f"{folder} holds a run that diverged; use an empty folder")
    random = state["random"][processes.rank]
    torch.set_rng_state(random["cpu"])
    if processes.device.type == "cuda":
        torch.cuda.set_rng_state(random["cuda"], processes.device)
    return position


def write_weights(path: Path, model: nn.Module) -> None:
    """Write a model's weights under the names of its modules, whole or not at all; tied ones once."""
    neighbour = path.with_name(path.name + ".part")
    save_file({name: tensor.detach().contiguous() for name, tensor in _weights(model).items()}, neighbour)
    neighbour.replace(path)


@torch.no_grad()
def read_weights(path: Path, model: nn.Module) -> None:
    """Give a model the weights that `write_weights` wrote of it."""
    saved = load_file(path)
    for name, tensor in _weights(model).items():
        tensor.copy_(saved[name])


def _weights(model: nn.Module) -> Mapping[str, Tensor]:
    kept = model.state_dict().keys()  # Buffers that are computed, not learnt, are not among them.
    named = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return {name: tensor for name, tensor in named.items() if name in kept}


def _read(path: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, UnpicklingError) as error:
        raise CheckpointError(f"{path} is damaged; remove it to start the run again") from error
    if "position" not in state:
        raise CheckpointError(f"{path} is of an older version of the loop; use an empty folder")
    return state


def _write_whole(path: Path, state: dict[str, Any]) -> None:
    neighbour = path.with_name(path.name + ".part")
    with neighbour.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())  # Else a power cut could leave the new name on an empty file.
    neighbour.replace(path)
