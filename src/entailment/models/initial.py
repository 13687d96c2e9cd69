"""New weights, as the reference draws them: normal ones for matrices, zeros for biases, ones for norms.

Devlin et al. 2019 (arXiv:1810.04805, appendix A.2) truncate the normal distribution; the reference libraries
do not.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


@torch.no_grad()
def initialise(module: nn.Module, std: float) -> None:
    """Draw the weights of every linear layer and embedding in `module`; norms keep their ones and zeros."""
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Embedding):
            part.weight.normal_(std=std)
        if isinstance(part, nn.Linear) and part.bias is not None:
            part.bias.zero_()
        if isinstance(part, nn.Embedding) and part.padding_idx is not None:
            part.weight[part.padding_idx].zero_()


def sinusoids(positions: int, width: int) -> Tensor:
    """Fixed positions [positions, width]: sine and cosine in turn (Vaswani et al. 2017, section 3.5)."""
    at = torch.arange(positions, dtype=torch.float64)[:, None]
    pair = torch.arange(width, dtype=torch.float64) // 2
    angles = at / 10000 ** (2 * pair / width)
    even = torch.arange(width) % 2 == 0
    return torch.where(even, angles.sin(), angles.cos()).float()
