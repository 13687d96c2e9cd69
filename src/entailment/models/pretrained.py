"""`from_pretrained` and `save_pretrained`, which every model class takes by name."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, Unpack, cast, overload

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from entailment.checkpoint.arguments import refuse_unknown
from entailment.checkpoint.config import Config
from entailment.checkpoint.folder import Checkpoint, open_checkpoint
from entailment.checkpoint.weights import read_weights
from entailment.errors import CheckpointError, InputError, UnsupportedModelError
from entailment.models import names
from entailment.models.filling import LoadingReport, config_of, encoder_of, fill, slots_of
from entailment.models.options import LoadingInfo, LoadingOptions, configured, wanted_dtype
from entailment.text.files import TOKENIZER_FILES

M = TypeVar("M", bound=nn.Module)
ConfigT = TypeVar("ConfigT", bound=Config)
logger = logging.getLogger("entailment")


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
        name: str | Path | None = ...,
        *,
        output_loading_info: Literal[False] = ...,
        **options: Unpack[LoadingOptions],
    ) -> M: ...
    @overload
    def __call__(
        self,
        name: str | Path | None = ...,
        *,
        output_loading_info: Literal[True],
        **options: Unpack[LoadingOptions],
    ) -> tuple[M, LoadingInfo]: ...
    def __call__(
        self,
        name: str | Path | None = None,
        *,
        output_loading_info: bool = False,
        **options: Unpack[LoadingOptions],
    ) -> M | tuple[M, LoadingInfo]:
        """A model with the weights of a checkpoint, in evaluation mode.

        Args:
            name: a folder, a hub name ("org/model"), or None for the model inside the package.
            output_loading_info: return the model and a `LoadingInfo`.
            **options: see `LoadingOptions`; any other is refused.

        Raises:
            CheckpointError: the folder cannot be used, or its weights are not those of its configuration.
            InputError: an argument that there is not.
            UnsupportedModelError: it is of another architecture than the class, or has another attention.
        """
        refuse_unknown(
            options, {*LoadingOptions.__annotations__, "output_loading_info"}, "from_pretrained of a model"
        )
        checkpoint = open_checkpoint(
            name,
            revision=options.get("revision"),
            cache_dir=options.get("cache_dir"),
            offline=options.get("local_files_only", False),
            token=options.get("token"),
        )
        found = configured(options.get("config") or checkpoint.config, options)
        dtype = wanted_dtype(found, options)
        model_class = self.class_of(found)
        _refuse_other(model_class, found, checkpoint)
        weights = read_weights(checkpoint.folder)
        model = _built(model_class, found, weights)
        report = fill(
            model,
            weights,
            checkpoint,
            ignore_mismatched_sizes=options.get("ignore_mismatched_sizes", False),
        )
        if report.initialised:
            logger.warning(
                "%s has no trained weights for %s of %s: they are new, and mean nothing until trained",
                checkpoint.name,
                ", ".join(report.initialised),
                model_class.__name__,
            )
        model.loading_report = report  # type: ignore[assignment]
        if dtype is not None:
            model.to(dtype)
        model.eval()
        return (model, _info(model, report)) if output_loading_info else model


def save_pretrained(
    self: nn.Module,
    folder: str | Path,
    *,
    tokenizer_folder: str | Path | None = None,
    dtype: torch.dtype | None = None,
) -> None:
    """Write a checkpoint folder that the reference library opens, too: config.json and model.safetensors.

    Each file is written whole or not at all.

    Args:
        self: what to save.
        folder: made where it does not exist.
        tokenizer_folder: where a tokenizer's files are copied from.
        dtype: how weights are stored, by default as they are; float16 halves the file.

    Raises:
        CheckpointError: the folder cannot be written.
    """
    config, folder = config_of(self), Path(folder)
    slots = slots_of(self)
    theirs = names.checkpoint_names(slots, config)
    before = names.prefix_of(config) if any(names.is_head(name, config) for name in slots) else ""
    arrays = {
        theirs[name] if names.is_head(name, config) else before + theirs[name]: tensor.detach()
        .to("cpu", dtype or tensor.dtype)
        .contiguous()
        .clone()
        for name, (tensor, _) in slots.items()
    }
    arrays |= {second: arrays[first].clone() for second, first in names.twins(arrays, config).items()}
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


def _built(model_class: type[M], config: Config, weights: Mapping[str, np.ndarray]) -> M:
    """The model without memory, its decoder tied to the word embeddings or not.

    Old files hold the decoder beside the embeddings it was tied to. Where the two differ they were never
    tied, whatever config.json says, and scoring with the embeddings would be another model.
    """
    with torch.device("meta"):  # shapes alone: no memory is filled twice
        model = model_class(config)
        decoder = weights.get(names.HEADS[config.model_type]["predictions.decoder.weight"])
        words = weights.get(names.prefix_of(config) + names.WORDS, weights.get(names.WORDS))
        if (
            not hasattr(model, "predictions")
            or decoder is None
            or words is None
            or np.array_equal(decoder, words)
        ):
            return model
        return model_class(replace(config, extra={**config.extra, "tie_word_embeddings": False}))


def _info(model: nn.Module, report: LoadingReport) -> LoadingInfo:
    """The report as the reference words it: encoder arrays have their prefix, mismatched ones are apart."""
    config = config_of(model)
    before = names.prefix_of(config) if encoder_of(model) is not model else ""
    heads = names.HEADS[config.model_type].values()
    mismatched = {name for name, _, _ in report.mismatched}
    missing = [name for name in report.initialised if name not in mismatched]
    return {
        "missing_keys": [name if name in heads else before + name for name in missing],
        "unexpected_keys": list(report.unused),
        "mismatched_keys": list(report.mismatched),
        "error_msgs": [],
    }


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
