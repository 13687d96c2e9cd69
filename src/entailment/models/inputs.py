"""What may be handed to a model's `forward`, checked once for every architecture.

A wrong tensor raises `InputError` before anything is computed: on a GPU an id beyond the vocabulary would
otherwise end the process, and a mask of another shape could broadcast into a silent wrong answer.

Legend of shapes: B batch, T tokens, E embedding width, A heads, N layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from entailment.checkpoint.config import Config, DistilBertConfig
from entailment.errors import InputError


@dataclass(frozen=True, eq=False)
class Inputs:
    """The checked arguments of a forward pass, defaults filled in.

    Attributes:
        input_ids: [B, T], of a type that embeddings take, or None with `inputs_embeds`.
        token_mask: [B, T], True for tokens and False for padding; None where nothing says what is padding.
        attention_mask: [B, 1, 1 or T, T], True where a token (third axis) may see another (fourth); None:
            everywhere.
        position_ids: [B or 1, T].
        token_type_ids: [B or 1, T].
        head_masks: for each layer the factors [A, 1, 1] of its heads; None: no head is masked.
    """

    input_ids: Tensor | None
    token_mask: Tensor | None
    attention_mask: Tensor | None
    position_ids: Tensor
    token_type_ids: Tensor
    head_masks: tuple[Tensor, ...] | None


def prepare(
    config: Config,
    heads: Sequence[int],
    width: int,
    input_ids: Tensor | None,
    attention_mask: Tensor | None,
    token_type_ids: Tensor | None,
    position_ids: Tensor | None,
    head_mask: Tensor | None,
    inputs_embeds: Tensor | None,
) -> Inputs:
    """Check the arguments of a forward pass against the configuration, and fill in what was left out.

    Args:
        config: of the encoder.
        heads: how many attention heads each layer has.
        width: of a token's embedding, E.
        input_ids: [B, T], or None with `inputs_embeds`.
        attention_mask: [B, T] or [B, T, T] of 0 and 1; a row that is all padding sees everything, for a
            softmax over nothing is no number, and what is computed for it means nothing.
        token_type_ids: [B, T]; DistilBERT has none, and every value is then without effect.
        position_ids: [B, T] or [1, T].
        head_mask: [A] or [N, A].
        inputs_embeds: [B, T, E].

    Raises:
        InputError: naming the argument, what it is, and what it must be.
    """
    B, T, device = _size(input_ids, inputs_embeds, width)
    longest = config.max_position_embeddings
    if position_ids is None:
        if longest < T:
            raise InputError(
                f"the sequence has {T} tokens, but the model has {longest} positions; truncate it"
            )
        position_ids = torch.arange(T, device=device)[None]
    types = 1 if isinstance(config, DistilBertConfig) else config.type_vocab_size
    if token_type_ids is None or isinstance(config, DistilBertConfig):
        token_type_ids = torch.zeros((1, T), dtype=torch.long, device=device)
    _check_ids("position_ids", position_ids, (B, T))
    _check_ids("token_type_ids", token_type_ids, (B, T))
    input_ids = None if input_ids is None else _long(input_ids)
    position_ids, token_type_ids = _long(position_ids), _long(token_type_ids)
    _check_ranges(
        [
            ("input_ids", input_ids, config.vocab_size - 1, "ids of the model's vocabulary"),
            ("position_ids", position_ids, longest - 1, "positions"),
            ("token_type_ids", token_type_ids, types - 1, "token types"),
            ("attention_mask", attention_mask, 1, "1 for tokens and 0 for padding"),
        ]
    )
    token_mask = attention_mask.bool() if attention_mask is not None and attention_mask.ndim == 2 else None
    return Inputs(
        input_ids=input_ids,
        token_mask=token_mask,
        attention_mask=_visible(attention_mask, (B, T)),
        position_ids=position_ids,
        token_type_ids=token_type_ids,
        head_masks=_head_masks(head_mask, heads, device),
    )


def _size(
    input_ids: Tensor | None, inputs_embeds: Tensor | None, width: int
) -> tuple[int, int, torch.device]:
    if input_ids is not None and inputs_embeds is not None:
        raise InputError("both input_ids and inputs_embeds were given; give one of them")
    if input_ids is not None:
        if input_ids.ndim != 2 or 0 in input_ids.shape or not _whole(input_ids):
            raise InputError(f"input_ids must be whole numbers [batch, tokens], not {_seen(input_ids)}")
        return input_ids.shape[0], input_ids.shape[1], input_ids.device
    if inputs_embeds is None:
        raise InputError("neither input_ids nor inputs_embeds was given; give one of them")
    if inputs_embeds.ndim != 3 or 0 in inputs_embeds.shape or inputs_embeds.shape[-1] != width:
        raise InputError(f"inputs_embeds must be [batch, tokens, {width}], not {_seen(inputs_embeds)}")
    return inputs_embeds.shape[0], inputs_embeds.shape[1], inputs_embeds.device


def _check_ids(name: str, ids: Tensor, shape: tuple[int, int]) -> None:
    B, T = shape
    if tuple(ids.shape) not in ((B, T), (1, T), (T,)) or not _whole(ids):
        raise InputError(f"{name} must be whole numbers [{B}, {T}] as the tokens are, not {_seen(ids)}")


def _check_ranges(checks: Sequence[tuple[str, Tensor | None, int, str]]) -> None:
    """Compare the extremes of all tensors with 0 and their highest value, waiting for the device once."""
    asked = [
        (name, ids, highest, what) for name, ids, highest, what in checks if ids is not None and ids.numel()
    ]
    if not all(has_values(ids) for _, ids, _, _ in asked):
        return
    found = torch.stack(
        [extreme.double() for _, ids, _, _ in asked for extreme in torch.aminmax(_numbers(ids))]
    )
    extremes = found.tolist()
    for (name, _, highest, what), low, high in zip(asked, extremes[::2], extremes[1::2], strict=True):
        if low < 0 or high > highest:
            wrong = low if low < 0 else high
            raise InputError(f"{name} holds {wrong:g}, but 0 to {highest} are its values ({what})")


def has_values(tensor: Tensor) -> bool:
    """Whether values can be looked at: not while a compiler or a tracer runs, nor without memory."""
    tracing = torch.compiler.is_compiling() or cast(Any, torch.jit).is_tracing()
    return not (tracing or tensor.is_meta)


def _visible(mask: Tensor | None, shape: tuple[int, int]) -> Tensor | None:
    B, T = shape
    if mask is None:
        return None
    if tuple(mask.shape) not in ((B, T), (B, T, T)):
        raise InputError(f"attention_mask must be [{B}, {T}] or [{B}, {T}, {T}], not {_seen(mask)}")
    visible = mask.bool()[:, None, None, :] if mask.ndim == 2 else mask.bool()[:, None]
    return visible | ~visible.any(-1, keepdim=True)


def _head_masks(mask: Tensor | None, heads: Sequence[int], device: torch.device) -> tuple[Tensor, ...] | None:
    if mask is None:
        return None
    shapes = {(A,) for A in heads} | {(len(heads), A) for A in heads}
    if tuple(mask.shape) not in shapes or len(set(heads)) != 1:
        raise InputError(
            f"head_mask must be [heads] or [layers, heads], not {_seen(mask)}: the model has {len(heads)} "
            f"layers of {', '.join(str(A) for A in sorted(set(heads)))} heads"
        )
    rows = mask.to(device).expand(len(heads), -1)
    return tuple(row[:, None, None] for row in rows)


def _whole(ids: Tensor) -> bool:
    return not ids.is_floating_point() and not ids.is_complex() and ids.dtype != torch.bool


def _long(ids: Tensor) -> Tensor:
    """Ids that embeddings can look up; those of the right types are left alone, for a trace shows a cast."""
    return ids if ids.dtype in (torch.long, torch.int) else ids.long()


def _numbers(values: Tensor) -> Tensor:
    return values.byte() if values.dtype == torch.bool else values


def _seen(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"
