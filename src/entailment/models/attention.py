"""Attention in two ways with one result, and the run through the layers that chooses between them.

Fused (`torch`'s scaled dot product attention) is the default; written out where the probabilities are asked
for, or heads are masked, because the fused kernels never hold the probabilities (Vaswani et al. 2017,
arXiv:1706.03762).

Legend of shapes: B batch, T tokens, H hidden, A heads, D head width.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from entailment.models.inputs import Inputs
from entailment.models.outputs import Tensors


class Layer(Protocol):
    """What `run_layers` asks of an architecture's layer."""

    def __call__(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """[B, T, H] -> [B, T, H], attention fused."""
        ...

    def examine(self, x: Tensor, mask: Tensor | None, head_mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """The same with attention written out, and its probabilities [B, A, T, T]."""
        ...


def head_counts(layers: Iterable[nn.Module]) -> list[int]:
    """How many attention heads each layer has: pruning may leave one fewer than another."""
    return [cast(Any, layer).attention.num_heads for layer in layers]


def split_heads(x: Tensor, num_heads: int) -> Tensor:
    """[B, T, A * D] -> [B, A, T, D]."""
    return x.unflatten(-1, (num_heads, -1)).transpose(1, 2)


def join_heads(x: Tensor) -> Tensor:
    """[B, A, T, D] -> [B, T, A * D]."""
    return x.transpose(1, 2).flatten(-2)


def attend(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, dropout: float) -> Tensor:
    """What each token reads: three [B, A, T, D] and a boolean mask (True: may be seen) -> [B, A, T, D]."""
    return F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, dropout_p=dropout)


def attend_written_out(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    mask: Tensor | None,
    head_mask: Tensor | None,
    dropout: float,
) -> tuple[Tensor, Tensor]:
    """The same, and the probabilities [B, A, T, T] used: after dropout and the head mask [A, 1, 1]."""
    scores = (queries * queries.shape[-1] ** -0.5) @ keys.transpose(-1, -2)  # [B, A, T, T]
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    weights = F.dropout(scores.softmax(-1), dropout, dropout > 0)
    if head_mask is not None:
        weights = weights * head_mask.to(weights.dtype)
    return weights @ values, weights


def run_layers(
    layers: Iterable[nn.Module],
    x: Tensor,
    inputs: Inputs,
    *,
    output_hidden_states: bool,
    output_attentions: bool,
    recompute: bool,
) -> tuple[Tensor, Tensors | None, Tensors | None]:
    """The embeddings [B, T, H] through every layer.

    Args:
        layers: each of them a `Layer`.
        x: [B, T, H].
        inputs: what `prepare` made of the call's arguments.
        output_hidden_states: keep the state before every layer and after the last.
        output_attentions: keep every layer's probabilities.
        recompute: gradient checkpointing (Chen et al. 2016, arXiv:1604.06174): keep the input of each layer
            alone and compute the layer once more on the way back.

    Returns:
        The last state, then the hidden states and the attentions, each None where not asked for.
    """
    states, attentions = [x], []
    written_out = output_attentions or inputs.head_masks is not None
    for i, module in enumerate(layers):
        layer = cast(Layer, module)
        if written_out:
            head_mask = None if inputs.head_masks is None else inputs.head_masks[i]
            x, weights = layer.examine(x, inputs.attention_mask, head_mask)
            attentions.append(weights)
        elif recompute and torch.is_grad_enabled():
            x = checkpoint(module, x, inputs.attention_mask, use_reentrant=False)
        else:
            x = layer(x, inputs.attention_mask)
        states.append(x)
    return (
        x,
        tuple(states) if output_hidden_states else None,
        tuple(attentions) if output_attentions else None,
    )
