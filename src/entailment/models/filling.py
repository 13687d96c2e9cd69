"""The arrays of a checkpoint put into a model, every one of them accounted for.

An array the architecture does not have, an encoder array that is missing or doubled, half a head, or a wrong
shape is refused. A head the checkpoint was not trained with is initialised and reported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from entailment.checkpoint.config import Config
from entailment.checkpoint.folder import Checkpoint
from entailment.errors import WeightsMismatchError
from entailment.models import names
from entailment.models.initial import initialise

Slots = dict[str, tuple[nn.Parameter, tuple[str, ...]]]


@dataclass(frozen=True)
class LoadingReport:
    """What loading had to decide.

    Attributes:
        checkpoint: its name.
        initialised: arrays of the model that the checkpoint lacks: new, and to be trained before they mean
            anything.
        unused: arrays of the checkpoint that belong to other heads.
        mismatched: (name, its shape in the checkpoint, its shape in the model) of those initialised for that.
    """

    checkpoint: str
    initialised: tuple[str, ...]
    unused: tuple[str, ...]
    mismatched: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...] = ()


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
    config = config_of(model)
    slots = slots_of(model)
    theirs = names.checkpoint_names(slots, config)
    try:
        found, unused = _matched(weights, theirs, config)
        kept = _of_right_shape(found, slots, theirs, config, ignore_mismatched_sizes)
        missing = _missing(kept, theirs, config)
    except WeightsMismatchError as error:
        raise WeightsMismatchError(f"{checkpoint.folder}: {error}") from error
    for name, array in kept.items():
        parameter, places = slots[name]
        tensor = torch.from_numpy(array if array.flags.writeable else array.copy())
        if parameter.is_meta:
            _assign(model, places, tensor)
        else:
            with torch.no_grad():
                parameter.copy_(tensor)
    _initialise_missing(model, config)
    shapes = {name: (array.shape, tuple(slots[name][0].shape)) for name, array in found.items()}
    return LoadingReport(
        checkpoint.name,
        tuple(sorted(theirs[name] for name in missing)),
        tuple(sorted(unused)),
        tuple(sorted((theirs[name], *pair) for name, pair in shapes.items() if pair[0] != pair[1])),
    )


def config_of(model: nn.Module) -> Config:
    """The configuration of any model of this package."""
    return cast(Config, model.config)


def encoder_of(model: nn.Module) -> nn.Module:
    """The encoder in a task class; any other model is its own."""
    return cast(nn.Module, getattr(model, "encoder", model))


def tied(config: Config) -> bool:
    """Whether masked words are scored with the word embeddings; config.json may say otherwise."""
    return bool(config.extra.get("tie_word_embeddings", True))


def slots_of(model: nn.Module) -> Slots:
    """Our name -> the parameter and its names in the module: a tied one has several, the encoder's first."""
    by_parameter: dict[nn.Parameter, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        by_parameter.setdefault(parameter, []).append(name)
    return {
        places[0].removeprefix("encoder."): (parameter, tuple(places))
        for parameter, places in by_parameter.items()
    }


def _matched(
    weights: Mapping[str, np.ndarray], theirs: Mapping[str, str], config: Config
) -> tuple[dict[str, np.ndarray], list[str]]:
    """The model's arrays under our names, and the names of those that belong to other heads."""
    ours = {checkpoint_name: name for name, checkpoint_name in theirs.items()}
    prefix, others = names.prefix_of(config), names.other_names(config)
    outdone = {first for second, first in names.twins(ours, config).items() if second in weights}
    found: dict[str, np.ndarray] = {}
    sources: dict[str, str] = {}
    unused, unknown = [], []
    for source, array in weights.items():
        bare = names.SECOND_NAMES.get(source, source.removeprefix(prefix))
        name = ours.get(bare)
        # The head has no prefix: "bert.classifier.weight" would be something else.
        misplaced = source.startswith(prefix) and bare in others and not bare.startswith("pooler.")
        if bare in names.DROPPED or source in outdone:
            continue
        if misplaced or (name is None and bare not in others):
            unknown.append(source)
        elif name is None:
            if not (bare in names.DECODERS and "predictions.bias" in theirs):
                unused.append(source)
        elif name in found and not (
            {source, sources[name]} & names.SECOND_NAMES.keys() and np.array_equal(found[name], array)
        ):
            raise WeightsMismatchError(f"the weights hold {bare} twice: as {sources[name]} and as {source}")
        elif array.dtype.kind != "f":
            raise WeightsMismatchError(f"{source} is of type {array.dtype}, not of floating point")
        else:
            found[name], sources[name] = array, source
    if unknown:
        raise WeightsMismatchError(
            f"the weights hold {_listed(unknown)}, which a {config.model_type} of "
            f"{config.num_hidden_layers} layers does not have; is config.json the one of these weights?"
        )
    return found, unused


def _of_right_shape(
    found: Mapping[str, np.ndarray],
    slots: Slots,
    theirs: Mapping[str, str],
    config: Config,
    ignore_mismatched_sizes: bool,
) -> dict[str, np.ndarray]:
    """The arrays, without the whole of any head of which one has another shape, if that may be ignored."""
    others: set[str] = set()
    for name, array in found.items():
        shape, is_head = tuple(slots[name][0].shape), names.is_head(name, config)
        if array.shape == shape:
            continue
        if not (is_head and ignore_mismatched_sizes):
            hint = "; ignore_mismatched_sizes=True starts with a new head" if is_head else ""
            raise WeightsMismatchError(
                f"{theirs[name]} has shape {list(array.shape)}, but the model needs {list(shape)}: is "
                f"config.json the one of these weights?{hint}"
            )
        others.add(name.split(".")[0])
    return {name: array for name, array in found.items() if name.split(".")[0] not in others}


def _missing(found: Mapping[str, np.ndarray], theirs: Mapping[str, str], config: Config) -> list[str]:
    """What has to be initialised: whole heads and the pooler. Anything else that is missing is an error."""
    missing = [name for name in theirs if name not in found]
    present = {name.split(".")[0] for name in found}
    for name in missing:
        part = name.split(".")[0]
        if part in present or not (names.is_head(name, config) or part == "pooler"):
            raise WeightsMismatchError(
                f"the weights lack {_listed([theirs[one] for one in missing])}, which config.json needs; "
                "is it the config.json of these weights?"
            )
    return missing


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


def _listed(items: Sequence[str], show: int = 3) -> str:
    more = f" and {len(items) - show} more" if len(items) > show else ""
    return ", ".join(items[:show]) + more
