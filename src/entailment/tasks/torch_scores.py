"""Scores and torch, which nothing here needs: its functions as activations, its tensors as answers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from entailment.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    import torch

Activation = Callable[[Any], Any]  # logits [n, K], an array or a tensor of torch, to one of as many rows


def check_activation(activation: object) -> None:
    """InputError for what cannot be called; None is none."""
    if activation is not None and not callable(activation):
        raise InputError(f"activation_fn must be a function of the logits, not {activation!r:.60}")


def activated(activation: Activation, logits: NDArray[np.float32]) -> NDArray[Any]:
    """The activation of an array, or of a tensor where it takes no arrays.

    Raises:
        InputError: it changed the number of rows.
    """
    torch = sys.modules.get("torch")  # who has a function of torch has loaded it
    with nullcontext() if torch is None else torch.no_grad():  # one with weights would answer with gradients
        try:
            scores = np.asarray(activation(logits))
        except (AttributeError, TypeError):
            if torch is None:
                raise
            scores = np.asarray(activation(torch.from_numpy(logits)))
    if scores.shape[:1] != logits.shape[:1]:
        raise InputError(f"activation_fn made {scores.shape} of logits {logits.shape}; it must keep the rows")
    return scores


def maker_of_tensors() -> Callable[[NDArray[Any]], torch.Tensor]:
    """What makes a tensor of an array.

    Raises:
        MissingExtraError: torch is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("torch", extra="torch", purpose="convert_to_tensor=True") from error
    return torch.tensor
