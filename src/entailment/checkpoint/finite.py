"""Weights that are not numbers: a model that has them answers nothing, and is not for others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from entailment.errors import CheckpointError


def require_finite(weights: Mapping[str, np.ndarray], folder: Path) -> None:
    """Refuse weights with NaN or infinity among them.

    Args:
        weights: arrays by name.
        folder: whose they are.

    Raises:
        CheckpointError: by the name of the first such array.
    """
    for name, array in weights.items():
        if not np.isfinite(array).all():
            raise CheckpointError(
                f"{folder}: {name} holds NaN or infinity, as after a training that diverged; train the model "
                "again, with a lower learning rate"
            )
