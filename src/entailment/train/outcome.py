"""What a run came to, as facts a model card is written from."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import torch

from entailment.train.energy import Energy

RECORDED = ("entailment", "torch", "accelerate", "tokenizers", "datasets", "codecarbon")
"""The packages whose versions are recorded, where they are installed."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run came to; `run.json` in its folder holds the same.

    Attributes:
        steps: taken.
        total: that the run was planned for; early stopping takes fewer.
        best: the measures of the best evaluation, with its `score` and `step`; empty when the call ended
            before the first.
        seconds: of training and validating, over all calls that the run was continued in.
        tokens: real tokens learnt from, padding not counted.
        evaluations: of each its step, mean training loss since the one before, rate and measures.
        energy: see `energy.Meter`; None where codecarbon is not installed.
        hardware: what the run was computed on.
        versions: of the packages that matter.
    """

    steps: int
    total: int
    best: dict[str, float]
    seconds: float
    tokens: int
    evaluations: list[dict[str, float]]
    energy: Energy | None
    hardware: dict[str, str | int]
    versions: dict[str, str]


def hardware(device: torch.device, processes: int) -> dict[str, str | int]:
    """The machine as far as it can be told: kind of device, its name, threads, processes."""
    name = _processor()
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    return {
        "device": device.type,
        "name": name,
        "processes": processes,
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count() or 1,
        "system": platform.platform(),
    }


def versions() -> dict[str, str]:
    """The versions of what a result may depend on."""
    found = {"python": platform.python_version()}
    for name in RECORDED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
