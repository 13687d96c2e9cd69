"""`from_pretrained` and `save_pretrained`, which every model class takes by name."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from entailment.checkpoint.config import Config
from entailment.checkpoint.folder import Checkpoint, open_checkpoint
from entailment.checkpoint.weights import read_weights
from entailment.errors import CheckpointError, UnsupportedModelError
from entailment.models import names
from entailment.models.filling import config_of, fill, slots_of
from entailment.text.files import TOKENIZER_FILES

M = TypeVar("M", bound=nn.Module)
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

    def __call__(
        self,
        name: str | Path | None = None,
        *,
        config: Config | None = None,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        num_labels: int | None = None,
        id2label: Mapping[int, str] | None = None,
        label2id: Mapping[str, int] | None = None,
        problem_type: str | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        ignore_mismatched_sizes: bool = False,
        dtype: torch.dtype | None = None,
    ) -> M:
        """A model with the weights of a checkpoint, in evaluation mode.

        Args:
            name: a folder, a hub name ("org/model"), or None for the model inside the package.
            config: instead of the checkpoint's own.
            revision: branch, tag or commit of a hub name.
            cache_dir: where downloads are kept.
            local_files_only: open no connection.
            num_labels: classes of the head, where the checkpoint's own number is not wanted.
            id2label: names of the classes.
            label2id: the way back.
            problem_type: "regression", "single_label_classification" or "multi_label_classification".
            output_attentions: return attentions unless a call says otherwise.
            output_hidden_states: return hidden states unless a call says otherwise.
            ignore_mismatched_sizes: initialise and report a head whose shapes differ, instead of refusing it.
            dtype: of the weights in memory; float32 by default.

        Raises:
            CheckpointError: the folder cannot be used, or its weights are not those of its configuration.
            UnsupportedModelError: it is of another architecture than the class, or has another attention.
        """
        checkpoint = open_checkpoint(name, revision=revision, cache_dir=cache_dir, offline=local_files_only)
        settings = {"output_attentions": output_attentions, "output_hidden_states": output_hidden_states}
        found = _with_labels(checkpoint.config if config is None else config, num_labels, id2label, label2id)
        found = replace(
            found,
            problem_type=problem_type or found.problem_type,
            extra={**found.extra, **{key: value for key, value in settings.items() if value is not None}},
        )
        model_class = self.class_of(found)
        _refuse_other(model_class, found, checkpoint)
        weights = read_weights(checkpoint.folder)
        model = _built(model_class, found, weights)
        report = fill(model, weights, checkpoint, ignore_mismatched_sizes=ignore_mismatched_sizes)
        if report.initialised:
            logger.warning(
                "%s has no trained weights for %s of %s: they are new, and mean nothing until trained",
                checkpoint.name,
                ", ".join(report.initialised),
                model_class.__name__,
            )
        model.loading_report = report  # type: ignore[assignment]
        return model.to(dtype).eval() if dtype is not None else model.eval()


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


def _with_labels(
    config: Config,
    num_labels: int | None,
    id2label: Mapping[int, str] | None,
    label2id: Mapping[str, int] | None,
) -> Config:
    if id2label is not None:
        return replace(
            config, id2label=dict(id2label), num_labels=num_labels or 0, label2id=dict(label2id or {})
        )
    if num_labels is not None and num_labels != config.num_labels:
        return replace(config, id2label={}, num_labels=num_labels, label2id=dict(label2id or {}))
    return config if label2id is None else replace(config, label2id=dict(label2id))


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
