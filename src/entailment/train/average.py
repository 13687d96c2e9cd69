"""The running mean of a model's weights over its steps: often better than the last weights, never costly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


class Average:
    """An exponential running mean of weights (after Polyak and Juditsky 1992, doi:10.1137/0330046).

    The decay of update n is at most (1 + n) / (10 + n), so that early on the mean forgets the start.

    Args:
        model: whose weights are averaged, beginning with those it has now.
        decay: what the mean keeps of itself at each step, e.g. 0.999.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.names = [name for name, _ in model.named_parameters()]
        self.mean = [weight.detach().clone() for weight in model.parameters()]

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Move the mean towards the weights the model has now."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(self.mean, [weight.detach() for weight in model.parameters()], 1 - decay)

    @contextmanager
    def in_place_of_weights(self, model: nn.Module) -> Iterator[None]:
        """Inside, the model has the mean for weights."""
        own = [weight.detach().clone() for weight in model.parameters()]
        self._copy(self.mean, model)
        try:
            yield
        finally:
            self._copy(own, model)

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` takes."""
        return {"updates": self.updates, "mean": dict(zip(self.names, self.mean, strict=True))}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where another `Average` of the same model was."""
        self.updates = state["updates"]
        for name, ours in zip(self.names, self.mean, strict=True):
            ours.copy_(state["mean"][name])

    @staticmethod
    @torch.no_grad()
    def _copy(weights: list[Tensor], model: nn.Module) -> None:
        for weight, value in zip(model.parameters(), weights, strict=True):
            weight.copy_(value)
