"""How far a student is from its teacher: each distance is 0 where they agree, and a mean over what is real.

`mask` is True for tokens and False for padding, which counts in none of them. All is computed in float32.

Legend of shapes: B batch, T tokens, H hidden, A heads, D head width, K classes or vocabulary, N anything.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def soft_target_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """KL divergence of the teacher's softened classes from the student's, times the temperature squared.

    So its gradients keep their size whatever the temperature (Hinton et al. 2015, arXiv:1503.02531, sec. 2).

    Args:
        student: logits [N, K].
        teacher: likewise.
        temperature: that both are divided by.
    """
    said, taught = ((logits.float() / temperature).log_softmax(-1) for logits in (student, teacher))
    return F.kl_div(said, taught, reduction="batchmean", log_target=True) * temperature**2


def cosine_loss(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """1 minus the cosine of each token's states [B, T, H] (Sanh et al. 2019, arXiv:1910.01108, sec. 3)."""
    return (1 - F.cosine_similarity(student[mask], teacher[mask], dim=-1)).mean()


def state_loss(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """Mean squared difference of states [B, T, H] (Jiao et al. 2020, arXiv:1909.10351, equations 8 and 9)."""
    return F.mse_loss(student[mask], teacher[mask])


def score_loss(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """Mean squared difference of attention scores [B, A, T, T] before the softmax (ibid., equation 7)."""
    real = (mask[:, None, :, None] & mask[:, None, None, :]).expand_as(student)
    return F.mse_loss(student[real], teacher[real])


def relation_loss(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """KL divergence of the teacher's attention from the student's, over heads and tokens.

    With scores of queries and keys it is the attention transfer of Sun et al. 2020 (arXiv:2004.02984,
    sec. 3.5) and of Wang et al. 2020 (arXiv:2002.10957, sec. 3.1); with those of values and values the value
    relation transfer of the latter (sec. 3.2).

    Args:
        student: scores [B, A, T, T] before the softmax.
        teacher: likewise.
        mask: [B, T].
    """
    hidden = ~mask[:, None, None, :]
    said, taught = (
        scores.masked_fill(hidden, torch.finfo(scores.dtype).min).log_softmax(-1)
        for scores in (student, teacher)
    )
    divergence = (taught.exp() * (taught - said)).sum(-1)  # [B, A, T]
    return divergence[mask[:, None, :].expand_as(divergence)].mean()


def feature_map_loss(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """How far a layer's output [B, T, H] is from the teacher's: MobileBERT's feature map transfer.

    Sun et al. 2020 (arXiv:2004.02984, sec. 3.5) take the mean squared difference apart, which trains more
    steadily: that of the normalised states, and that of the statistics they were normalised by. How much each
    counts the paper does not say; 100, 5000 and 5 are what the authors' repository trains with.
    """
    said, taught = student[mask], teacher[mask]  # [N, H]
    width = said.shape[-1:]
    shape = F.mse_loss(F.layer_norm(said, width), F.layer_norm(taught, width))
    mean = F.mse_loss(said.mean(-1), taught.mean(-1))
    variance = F.l1_loss(said.var(-1, correction=0), taught.var(-1, correction=0))
    return 100 * shape + 5000 * mean + 5 * variance
