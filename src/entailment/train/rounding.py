"""Weights that int8 computes with as they are.

Quantizing a finished model rounds its weights and the inputs of its layers, and either changes the answers.
Where the weights are rounded before the model is validated and shipped, float32 and int8 compute with the
same ones, and only the inputs are left to differ.
"""

from __future__ import annotations

import torch
from torch import nn

from entailment.graphs.products import rounded_weight

BITS = 8


@torch.no_grad()
def round_weights(model: nn.Module) -> None:
    """Round the weights of all linear layers to the numbers of int8."""
    for module in model.modules():
        if isinstance(module, nn.Linear):
            numbers, steps = rounded_weight(module.weight.float().cpu().numpy(), BITS)
            module.weight.copy_(torch.from_numpy(numbers.T * steps[:, None]))
