"""What a run refuses to keep: measures and weights that are not finite.

A step's loss is checked as it is taken (`step.py`), and says nothing of the weights that the step leaves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from entailment.errors import NonFiniteLogitsError


def require_finite_measures(measures: Mapping[str, float], step: int, folder: Path) -> None:
    """Refuse an evaluation that says nothing.

    Args:
        measures: by name.
        step: after which they were taken.
        folder: of the run.

    Raises:
        NonFiniteLogitsError: one of them is NaN or infinite, by name.
    """
    for name, value in measures.items():
        if not math.isfinite(value):
            raise NonFiniteLogitsError(
                f"the validation's {name} is {value} after step {step}: look at the validation rows, or "
                f"{_start_anew(folder)}"
            )


@torch.no_grad()
def require_finite_weights(model: nn.Module, step: int, folder: Path) -> None:
    """Refuse weights that no later step can mend.

    Args:
        model: that learns.
        step: the last one taken.
        folder: of the run.

    Raises:
        NonFiniteLogitsError: a weight is NaN or infinite, by the first tensor's name.
    """
    named = list(model.named_parameters())
    # Put together before they are looked at: a GPU is waited for once.
    finite = torch.stack([weight.isfinite().all() for _, weight in named]).tolist()
    if not all(finite):
        name = named[finite.index(False)][0]
        raise NonFiniteLogitsError(f"{name} is no longer finite after step {step}: {_start_anew(folder)}")


def _start_anew(folder: Path) -> str:
    return (
        f"lower the learning rate and start in an empty folder ({folder} holds the run up to its last state, "
        "if it had come to one)"
    )
