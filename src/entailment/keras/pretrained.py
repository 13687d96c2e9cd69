"""`from_pretrained` and `save_pretrained` of every model class."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from entailment.checkpoint.config import Config, MobileBertConfig
from entailment.checkpoint.folder import Checkpoint, open_checkpoint
from entailment.checkpoint.keras_file import torch_name
from entailment.checkpoint.weights import read_weights
from entailment.errors import CheckpointError, InputError, UnsupportedModelError, WeightsMismatchError
from entailment.keras import names
from entailment.keras.h5_file import write_h5
from entailment.keras.matching import match
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
    """

    checkpoint: str
    initialised: tuple[str, ...]
    unused: tuple[str, ...]


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

    def __call__(
        self,
        name: str | Path | None = None,
        *,
        config: Config | None = None,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        from_pt: bool | None = None,
        num_labels: int | None = None,
        id2label: Mapping[int, str] | None = None,
        label2id: Mapping[str, int] | None = None,
        problem_type: str | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        ignore_mismatched_sizes: bool = False,
        dtype: Any = None,
    ) -> M:
        """A model with the weights of a checkpoint.

        Args:
            name: a folder, or a hub name ("org/model").
            config: instead of the checkpoint's own.
            revision: branch, tag or commit of a hub name.
            cache_dir: where downloads are kept.
            local_files_only: open no connection.
            from_pt: without effect, so that calls carry over: whose weights a file has is seen by itself.
            num_labels: classes of the head, where the checkpoint's own number is not wanted.
            id2label: names of the classes.
            label2id: the way back.
            problem_type: "regression", "single_label_classification" or "multi_label_classification".
            output_attentions: return attentions unless a call says otherwise.
            output_hidden_states: return hidden states unless a call says otherwise.
            ignore_mismatched_sizes: leave new and report a head whose shapes differ, instead of refusing it.
            dtype: a Keras dtype policy, e.g. "mixed_bfloat16"; by default the global one.

        Raises:
            CheckpointError: the folder cannot be used, or its weights are not those of its configuration.
            UnsupportedModelError: it is of another architecture, or has another attention.
            MissingExtraError: there is nothing but a tf_model.h5, and h5py is not installed.
        """
        checkpoint = open_checkpoint(name, revision=revision, cache_dir=cache_dir, offline=local_files_only)
        found = _mobilebert(checkpoint.config if config is None else config, checkpoint, self.model_class)
        found = _with_labels(found, num_labels, id2label, label2id)
        found = replace(
            found,
            problem_type=problem_type or found.problem_type,
            output_attentions=found.output_attentions if output_attentions is None else output_attentions,
            output_hidden_states=(
                found.output_hidden_states if output_hidden_states is None else output_hidden_states
            ),
        )
        weights = _by_torch_names(read_weights(checkpoint.folder))
        construct: Any = self.model_class
        model = construct(_tied_or_not(found, weights), dtype=dtype)
        model.loading_report = _fill(model, weights, checkpoint, ignore_mismatched_sizes)
        if model.loading_report.initialised:
            logger.warning(
                "%s has no trained weights for %s of %s: they are new, and mean nothing until trained",
                checkpoint.name,
                ", ".join(model.loading_report.initialised),
                self.model_class.__name__,
            )
        filled: M = model
        return filled


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
    return LoadingReport(checkpoint.name, matched.initialised, matched.unused)


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


def _mobilebert(config: Config, checkpoint: Checkpoint, model_class: type[Any]) -> MobileBertConfig:
    if not isinstance(config, MobileBertConfig):
        raise UnsupportedModelError(
            f"{checkpoint.name} is a {config.model_type}, not what {model_class.__name__} is for; the "
            "PyTorch classes and the Auto classes have its architecture"
        )
    return config


def _with_labels(
    config: MobileBertConfig,
    num_labels: int | None,
    id2label: Mapping[int, str] | None,
    label2id: Mapping[str, int] | None,
) -> MobileBertConfig:
    if id2label is not None:
        if num_labels is not None and num_labels != len(id2label):
            raise InputError(
                f"num_labels is {num_labels}, but id2label names {len(id2label)}; give one of them"
            )
        return replace(config, id2label=dict(id2label), num_labels=0, label2id=dict(label2id or {}))
    if num_labels is not None and num_labels != config.num_labels:
        return replace(config, id2label={}, num_labels=num_labels, label2id=dict(label2id or {}))
    return config if label2id is None else replace(config, label2id=dict(label2id))
