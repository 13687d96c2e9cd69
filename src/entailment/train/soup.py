"""A greedy soup: the mean of the weights of several runs, of those that make it better.

Wortsman et al. 2022, "Model soups" (arXiv:2203.05482), section 2, recipe 1. Runs that went on from one
another lie in one valley, so that the mean of their weights is a model; it often validates better than each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from entailment.train.loop import score


@dataclass(frozen=True)
class Soup:
    """What a model was filled with.

    Attributes:
        members: the names of those whose mean it is, the best first.
        measures: of the mean.
        alone: the measures of every candidate by name.
    """

    members: tuple[str, ...]
    measures: Mapping[str, float]
    alone: Mapping[str, Mapping[str, float]]


def greedy_soup(
    model: nn.Module, candidates: Mapping[str, Path], validate: Callable[[], Mapping[str, float]]
) -> Soup:
    """Fill a model with the mean of the weights of some candidates.

    The best candidate is in it. The others are tried in the order of how good they are, and each stays if the
    mean with it validates no worse.

    Args:
        model: of the candidates' shapes.
        candidates: safetensors files of weights by the model's own names, at least one.
        validate: measures the model as it is; the mean of the measures, see `score`, decides.
    """
    alone = {}
    for name, path in candidates.items():
        _fill(model, load_file(path))
        alone[name] = validate()
    first, *others = sorted(candidates, key=lambda name: -score(alone[name]))
    members, mean, best = [first], load_file(candidates[first]), alone[first]
    for name in others:
        added = load_file(candidates[name])
        share = 1 / (len(members) + 1)
        tried = {key: mean[key].lerp(added[key], share) for key in mean}
        _fill(model, tried)
        measures = validate()
        if score(measures) >= score(best):
            members, mean, best = [*members, name], tried, measures
    _fill(model, mean)
    return Soup(tuple(members), best, alone)


def fill_with_mean(model: nn.Module, paths: Sequence[Path]) -> None:
    """Fill a model with the mean of weights in safetensors files by the model's own names."""
    every = [load_file(path) for path in paths]
    _fill(model, {name: torch.stack([each[name] for each in every]).mean(0) for name in every[0]})


@torch.no_grad()
def _fill(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    model.load_state_dict(weights)
