"""`from_pretrained` and `save_pretrained`, which every model class takes by name."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, Unpack, cast, overload

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from entailment.checkpoint import head_names
from entailment.checkpoint.arguments import refuse_unknown
from entailment.checkpoint.config import Config
from entailment.checkpoint.folder import Checkpoint
from entailment.checkpoint.loading_options import opened
from entailment.checkpoint.loading_report import LoadingInfo, loading_info
from entailment.checkpoint.matching import tied_as_stored
from entailment.checkpoint.weights import read_weights
from entailment.errors import CheckpointError, InputError, UnsupportedModelError
from entailment.models.filling import Slots, config_of, fill, slots_of
from entailment.models.options import LoadingOptions, building, wanted_dtype
from entailment.text.files import TOKENIZER_FILES

M = TypeVar("M", bound=nn.Module)
ConfigT = TypeVar("ConfigT", bound=Config)


class FromPretrained:
    """The class method `from_pretrained` of every model class, as a descriptor that knows the class."""

    def __get__(self, instance: object, owner: type[M]) -> Loader[M]:
        return Loader(lambda config: owner)


@dataclass(frozen=True)
class Loader(Generic[M]):
    """`from_pretrained` of one model class, or of a task that has one for each architecture.

    Attributes:
        class_of: the model class for a configuration.
    """

    class_of: Callable[[Config], type[M]]

    @overload
    def __call__(
        self,
        pretrained_model_name_or_path: str | Path | None = ...,
        *,
        output_loading_info: Literal[False] = ...,
        **options: Unpack[LoadingOptions],
    ) -> M: ...
    @overload
    def __call__(
        self,
        pretrained_model_name_or_path: str | Path | None = ...,
        *,
        output_loading_info: Literal[True],
        **options: Unpack[LoadingOptions],
    ) -> tuple[M, LoadingInfo]: ...
    def __call__(
        self,
        pretrained_model_name_or_path: str | Path | None = None,
        *,
        output_loading_info: bool = False,
        **options: Unpack[LoadingOptions],
    ) -> M | tuple[M, LoadingInfo]:
        """A model with the weights of a checkpoint, in evaluation mode.

        Args:
            pretrained_model_name_or_path: a folder, a hub name ("org/model"), or None for the model inside
                the package.
            output_loading_info: return the model and a `LoadingInfo`.
            **options: see `LoadingOptions`, and any setting of the configuration; others are refused.

        Raises:
            CheckpointError: the folder cannot be used, or its weights are not those of its configuration.
            InputError: an argument or a setting that there is not.
            UnsupportedModelError: it is of another architecture than the class, or has another attention.
        """
        checkpoint, found = opened(pretrained_model_name_or_path, options, LoadingOptions.__annotations__)
        dtype = wanted_dtype(found, options)
        model_class = self.class_of(found)
        _refuse_other(model_class, found, checkpoint)
        weights = read_weights(checkpoint.folder)
        model = _built(partial(model_class, **building(model_class, options)), found, weights)
        report = fill(
            model,
            weights,
            checkpoint,
            ignore_mismatched_sizes=options.get("ignore_mismatched_sizes", False),
        )
        report.warn(model_class.__name__)
        model.loading_report = report  # type: ignore[assignment]
        if dtype is not None:
            model.to(dtype)
        model.eval()
        if not output_loading_info:
            return model
        return model, loading_info(report, slots_of(model), found.model_type)


def save_pretrained(
    self: nn.Module,
    save_directory: str | Path,
    is_main_process: bool = True,
    state_dict: Mapping[str, Tensor] | None = None,
    save_function: object = None,
    *,
    tokenizer_folder: str | Path | None = None,
    dtype: torch.dtype | None = None,
    **options: Any,
) -> None:
    """Write a checkpoint folder that the reference library opens, too: config.json and model.safetensors.

    Each file is written whole or not at all.

    Args:
        self: what to save.
        save_directory: made where it does not exist.
        is_main_process: False: leave the writing to the process that is.
        state_dict: weights in the place of the model's own, by the names of its `state_dict()`.
        save_function: without effect, so that calls carry over: safetensors have a writer of their own.
        tokenizer_folder: where a tokenizer's files are copied from.
        dtype: how weights are stored, by default as they are; float16 halves the file.
        **options: arguments of the reference library that ask for nothing, as `push_to_hub=False`.

    Raises:
        CheckpointError: the folder cannot be written.
        InputError: an argument that there is not, or a `state_dict` of another model.
    """
    known = ("dtype", "is_main_process", "save_directory", "state_dict", "tokenizer_folder")
    refuse_unknown(options, known, "save_pretrained of a model")
    if not is_main_process:
        return
    config, folder = config_of(self), Path(save_directory)
    slots = slots_of(self)
    theirs = head_names.saved_names(slots, config.model_type)
    arrays = {
        theirs[name]: tensor.detach().to("cpu", dtype or tensor.dtype).contiguous().clone()
        for name, tensor in _tensors(slots, state_dict).items()
    }
    twins = head_names.twins(arrays, config.model_type)
    arrays |= {second: arrays[first].clone() for second, first in twins.items()}
    stored = str(next(iter(arrays.values())).dtype).removeprefix("torch.")
    # The reference opens the weights in the precision that config.json names.
    extra = {**{k: v for k, v in config.extra.items() if k != "torch_dtype"}, "dtype": stored}
    saved = replace(config, architectures=(type(self).__name__.removeprefix("Prefix"),), extra=extra)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / "model.safetensors.part"
        save_file(arrays, part, metadata={"format": "pt"})
        part.replace(folder / "model.safetensors")
        saved.save_pretrained(folder)
        for name in TOKENIZER_FILES if tokenizer_folder is not None else ():
            source = Path(tokenizer_folder or "") / name
            if source.exists():
                shutil.copyfile(source, folder / name)
    except OSError as error:
        raise CheckpointError(f"{folder} cannot be written: {error.strerror or error}") from error


def _tensors(slots: Slots, state_dict: Mapping[str, Tensor] | None) -> dict[str, Tensor]:
    """By our names, the model's own parameters or what a `state_dict` has in their place."""
    if state_dict is None:
        return {name: parameter for name, (parameter, _) in slots.items()}
    names = {place for _, places in slots.values() for place in places}
    odd = sorted(names ^ state_dict.keys())
    if odd:
        verb = "lacks" if odd[0] in names else "holds"
        raise InputError(f"the state_dict {verb} {odd[0]}: it is not one of this model")
    return {name: state_dict[places[0]] for name, (_, places) in slots.items()}


def checked(config: ConfigT, kind: type[ConfigT]) -> ConfigT:
    """The configuration a model is made of, if it is of its kind.

    Raises:
        InputError: it is something else, the name of a checkpoint perhaps.
    """
    if not isinstance(config, kind):
        raise InputError(
            f"a new model is made of a {kind.__name__}, not of {config!r:.80} ({type(config).__name__}); a "
            "checkpoint is opened with from_pretrained"
        )
    return config


def _built(build: Callable[[Config], M], config: Config, weights: Mapping[str, np.ndarray]) -> M:
    """The model without memory, its decoder, if it has one, tied to the word embeddings or not."""
    with torch.device("meta"):  # shapes alone: no memory is filled twice
        model = build(config)
        as_stored = tied_as_stored(config, weights)
        return model if as_stored is config or not hasattr(model, "predictions") else build(as_stored)


def _refuse_other(model_class: type[nn.Module], config: Config, checkpoint: Checkpoint) -> None:
    wanted = cast(type[Any], getattr(model_class, "config_class", object))
    if not isinstance(config, wanted):
        raise UnsupportedModelError(
            f"{checkpoint.name} is a {config.model_type}, not what {model_class.__name__} is for; "
            "use the class of its architecture, or the Auto class of the task"
        )
    if config.attention == "prefix" and not getattr(model_class, "prefix_attention", False):
        raise UnsupportedModelError(
            f"{checkpoint.name} was trained with prefix attention, and {model_class.__name__} has full "
            "attention, in which its weights mean something else; open it with "
            "entailment.models.load.load_model, or use it with NLI and ZeroShotClassifier"
        )
