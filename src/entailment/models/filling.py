"""The arrays of a checkpoint put into a torch module; a head that it was not trained with is initialised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from entailment.checkpoint.config import Config
from entailment.checkpoint.folder import Checkpoint
from entailment.checkpoint.loading_report import LoadingReport
from entailment.checkpoint.matching import match
from entailment.models.initial import initialise

Slots = dict[str, tuple[nn.Parameter, tuple[str, ...]]]


def fill(
    model: nn.Module,
    weights: Mapping[str, np.ndarray],
    checkpoint: Checkpoint,
    *,
    ignore_mismatched_sizes: bool = False,
) -> LoadingReport:
    """Give a model the arrays of a checkpoint; what is missing of a head is initialised.

    Args:
        model: may be on the meta device; it is on the CPU afterwards.
        weights: arrays by the checkpoint's names.
        checkpoint: for messages.
        ignore_mismatched_sizes: initialise a head whose shapes differ.

    Raises:
        WeightsMismatchError: the arrays are not those of the model.
    """
    config, slots = config_of(model), slots_of(model)
    arrays, report = match(
        weights,
        {name: tuple(parameter.shape) for name, (parameter, _) in slots.items()},
        config,
        checkpoint,
        ignore_mismatched_sizes=ignore_mismatched_sizes,
    )
    for name, array in arrays.items():
        parameter, places = slots[name]
        tensor = torch.from_numpy(array if array.flags.writeable else array.copy())
        if parameter.is_meta:
            _assign(model, places, tensor)
        else:
            with torch.no_grad():
                parameter.copy_(tensor)
    _initialise_missing(model, config)
    return report


def config_of(model: nn.Module) -> Config:
    """The configuration of any model of this package."""
    return cast(Config, model.config)


def encoder_of(model: nn.Module) -> nn.Module:
    """The encoder in a task class; any other model is its own."""
    return cast(nn.Module, getattr(model, "encoder", model))


def slots_of(model: nn.Module) -> Slots:
    """Our name -> the parameter and its names in the module: a tied one has several, the encoder's first."""
    by_parameter: dict[nn.Parameter, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        by_parameter.setdefault(parameter, []).append(name)
    return {
        places[0].removeprefix("encoder."): (parameter, tuple(places))
        for parameter, places in by_parameter.items()
    }


def _assign(model: nn.Module, places: Sequence[str], tensor: Tensor) -> None:
    parameter = nn.Parameter(tensor)
    for place in places:
        owner, _, leaf = place.rpartition(".")
        setattr(model.get_submodule(owner), leaf, parameter)


def _initialise_missing(model: nn.Module, config: Config) -> None:
    """Memory and new weights for what is still on the meta device."""
    for module in model.modules():
        if any(parameter.is_meta for parameter in module.parameters(recurse=False)):
            module.to_empty(device="cpu", recurse=False)
            for parameter in module.parameters(recurse=False):
                nn.init.zeros_(parameter)
            if isinstance(module, nn.LayerNorm):
                nn.init.ones_(module.weight)
            initialise(module, config.initializer_range)
