"""`from_pretrained` and `save_pretrained` of every model class."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, Unpack, overload

import numpy as np

from entailment.checkpoint.arguments import refuse_unknown
from entailment.checkpoint.config import MobileBertConfig
from entailment.checkpoint.folder import Checkpoint, open_checkpoint
from entailment.checkpoint.keras_file import torch_name
from entailment.checkpoint.weights import read_weights
from entailment.errors import CheckpointError, WeightsMismatchError
from entailment.keras import names
from entailment.keras.h5_file import write_h5
from entailment.keras.matching import match
from entailment.keras.options import LoadingInfo, LoadingOptions, configured
from entailment.keras.slots import Slot, slots_of
from entailment.text.files import TOKENIZER_FILES

M = TypeVar("M")
logger = logging.getLogger("entailment")


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
    mismatched: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]


class FromPretrained:
    """The class method `from_pretrained` of every model class, as a descriptor that knows the class."""

    def __get__(self, instance: object, owner: type[M]) -> Loader[M]:
        return Loader(owner)


@dataclass(frozen=True)
class Loader(Generic[M]):
    """`from_pretrained` of one model class.

    Attributes:
        model_class: the class.
    """

    model_class: type[M]

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
        """A model with the weights of a checkpoint.

        Args:
            name: a folder, or a hub name ("org/model").
            output_loading_info: return the model and a `LoadingInfo`.
            **options: see `LoadingOptions`; any other is refused.

        Raises:
            CheckpointError: the folder cannot be used, or its weights are not those of its configuration.
            InputError: an argument that there is not, or a configuration that is none.
            UnsupportedModelError: it is of another architecture, or has another attention.
            MissingExtraError: there is nothing but a tf_model.h5, and h5py is not installed.
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
        found = configured(checkpoint, options, self.model_class.__name__)
        weights = _by_torch_names(read_weights(checkpoint.folder))
        construct: Any = self.model_class
        model = construct(_tied_or_not(found, weights), dtype=options.get("dtype"))
        report = _fill(model, weights, checkpoint, options.get("ignore_mismatched_sizes", False))
        if report.initialised:
            logger.warning(
                "%s has no trained weights for %s of %s: they are new, and mean nothing until trained",
                checkpoint.name,
                ", ".join(report.initialised),
                self.model_class.__name__,
            )
        model.loading_report = report
        filled: M = model
        return (filled, _info(model, report)) if output_loading_info else filled


def save_pretrained(
    self: Any,
    folder: str | Path,
    *,
    safe_serialization: bool = True,
    tokenizer_folder: str | Path | None = None,
) -> None:
    """Write a checkpoint folder: config.json, and model.safetensors or tf_model.h5, in float32.

    The former opens in PyTorch, too, here and in the reference library; the latter in the TensorFlow classes
    of transformers before release 5. Each file is written whole or not at all, and weights of the other kind
    that the folder holds are removed: a reader would take them for these.

    Args:
        self: what to save.
        folder: made where it does not exist.
        safe_serialization: False writes tf_model.h5.
        tokenizer_folder: where a tokenizer's files are copied from.

    Raises:
        CheckpointError: the folder cannot be written.
        MissingExtraError: tf_model.h5 is wanted, and h5py is not installed.
    """
    config, folder, slots = self.config, Path(folder), slots_of(self)
    extra = {**{k: v for k, v in config.extra.items() if k != "torch_dtype"}, "dtype": "float32"}
    saved = replace(config, architectures=(type(self).__name__.removeprefix("TF"),), extra=extra)
    file = "model.safetensors" if safe_serialization else "tf_model.h5"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{file}.part"
        if safe_serialization:
            _write_safetensors(part, slots)
        else:
            write_h5(part, slots, type(self).__name__)
        part.replace(folder / file)
        for other in {"model.safetensors", "tf_model.h5"} - {file}:
            (folder / other).unlink(missing_ok=True)
        saved.save_pretrained(folder)
        for name in TOKENIZER_FILES if tokenizer_folder is not None else ():
            source = Path(tokenizer_folder or "") / name
            if source.exists():
                shutil.copyfile(source, folder / name)
    except OSError as error:
        raise CheckpointError(f"{folder} cannot be written: {error.strerror or error}") from error


def _write_safetensors(path: Path, slots: Mapping[str, Slot]) -> None:
    from safetensors.numpy import save_file

    before = names.PREFIX if any(names.is_head(name) for name in slots) else ""
    arrays = {
        ("" if names.is_head(name) else before) + names.checkpoint_name(name): slot.read()
        for name, slot in slots.items()
    }
    arrays |= {second: arrays[first] for second, first in names.twins(arrays).items()}
    save_file(arrays, path, metadata={"format": "pt"})


def _fill(
    model: Any, weights: Mapping[str, np.ndarray], checkpoint: Checkpoint, ignore_mismatched_sizes: bool
) -> LoadingReport:
    slots = slots_of(model)
    shapes = {name: slot.shape for name, slot in slots.items()}
    try:
        matched = match(weights, shapes, ignore_mismatched_sizes=ignore_mismatched_sizes)
    except WeightsMismatchError as error:
        raise WeightsMismatchError(f"{checkpoint.folder}: {error}") from error
    for name, array in matched.arrays.items():
        slots[name].write(array)
    return LoadingReport(checkpoint.name, matched.initialised, matched.unused, matched.mismatched)


def _info(model: Any, report: LoadingReport) -> LoadingInfo:
    """The report as the reference words it: encoder arrays have their prefix, mismatched ones are apart."""
    before = names.PREFIX if any(names.is_head(name) for name in slots_of(model)) else ""
    heads = names.HEADS.values()
    mismatched = {name for name, _, _ in report.mismatched}
    missing = [name for name in report.initialised if name not in mismatched]
    return {
        "missing_keys": [name if name in heads else before + name for name in missing],
        "unexpected_keys": list(report.unused),
        "mismatched_keys": list(report.mismatched),
        "error_msgs": [],
    }


def _by_torch_names(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A model.safetensors that TensorFlow's classes wrote has their names and kernels: undo both."""
    renamed = {}
    for name, array in weights.items():
        is_kernel = "/" in name and name.removesuffix(":0").endswith("/kernel") and array.ndim == 2
        renamed[torch_name(f"/{name}").removeprefix(".") if "/" in name else name] = (
            array.T if is_kernel else array
        )
    return renamed


def _tied_or_not(config: MobileBertConfig, weights: Mapping[str, np.ndarray]) -> MobileBertConfig:
    """A decoder that is not the word embeddings was never tied to them, whatever config.json says."""
    decoder = weights.get(names.DECODER)
    words = weights.get(names.PREFIX + names.WORDS, weights.get(names.WORDS))
    if decoder is None or words is None or np.array_equal(decoder, words):
        return config
    return replace(config, extra={**config.extra, "tie_word_embeddings": False})
