"""AdamW over groups of weights, each with a rate and a decay of its own, and the schedule of the rate."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from typing import Any

import torch
from torch import nn

from entailment.train.settings import Settings

_EMBEDDINGS = re.compile(r"(^|\.)embeddings\.")
_LAYER = re.compile(r"(^|\.)layers\.(\d+)\.")


def adamw(model: nn.Module, settings: Settings) -> torch.optim.AdamW:
    """The optimizer of a model: no decay on biases and norms, and layer-wise rates where they are asked for.

    Each group has, besides what torch wants, `factor`: its share of the schedule's rate.
    """
    names = [name for name, weight in model.named_parameters() if weight.requires_grad]
    factors = layer_factors(names, settings.layer_decay)
    members: defaultdict[tuple[float, bool], list[nn.Parameter]] = defaultdict(list)
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            # Whatever is a vector is a bias, or the weight of a norm.
            members[factors[name], weight.ndim > 1].append(weight)
    groups: list[dict[str, Any]] = [
        {
            "params": weights,
            "weight_decay": settings.weight_decay if decays else 0.0,
            "lr": settings.learning_rate * factor,
            "factor": factor,
        }
        for (factor, decays), weights in members.items()
    ]
    return torch.optim.AdamW(
        groups, lr=settings.learning_rate, betas=settings.betas, eps=settings.epsilon, fused=True
    )


def layer_factors(names: list[str], decay: float) -> dict[str, float]:
    """The share of the peak rate of each weight: `decay` to the power of its distance to the head.

    The head and pooler are at distance 0, the topmost layer at 1, and the embeddings one below the lowest
    layer.

    Args:
        names: of weights, as our modules name them: `...embeddings.` and `...layers.<number>.`.
        decay: 1.0 gives every weight the share 1.0.
    """
    layers = {name: int(found[2]) for name in names if (found := _LAYER.search(name))}
    top = max(layers.values(), default=-1)
    distances = {
        name: top + 2 if _EMBEDDINGS.search(name) else top + 1 - layers[name] if name in layers else 0
        for name in names
    }
    return {name: decay**distance for name, distance in distances.items()}


def warm_steps(settings: Settings, total: int) -> int:
    """Steps in which the rate climbs, of a run of `total` steps."""
    if settings.warmup_steps is not None:
        return min(settings.warmup_steps, total)
    return math.ceil(total * settings.warmup)


def rate_share(step: int, total: int, settings: Settings) -> float:
    """The share of the peak rate that step number `step` (from 0) of a run of `total` steps is taken with.

    As in the reference Trainer a warm-up begins at zero: its first step moves nothing but AdamW's means.
    """
    warm = warm_steps(settings, total)
    if step < warm:
        return step / warm
    if settings.schedule == "constant":
        return 1.0
    done = (step - warm) / max(1, total - warm)
    if settings.schedule == "cosine":
        return 0.5 * (1.0 + math.cos(math.pi * done))
    return 1.0 - done
