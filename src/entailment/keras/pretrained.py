"""`from_pretrained` and `save_pretrained` of every model class."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, Unpack, overload

from entailment.checkpoint import head_names
from entailment.checkpoint.arguments import refuse_unknown
from entailment.checkpoint.config import MobileBertConfig
from entailment.checkpoint.loading_options import opened
from entailment.checkpoint.loading_report import LoadingInfo, loading_info
from entailment.checkpoint.matching import match, tied_as_stored
from entailment.checkpoint.weights import read_weights
from entailment.errors import CheckpointError, UnsupportedModelError
from entailment.keras.h5_file import write_h5
from entailment.keras.options import LoadingOptions
from entailment.keras.slots import Slot, slots_of
from entailment.text.files import TOKENIZER_FILES

M = TypeVar("M")


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
        """A model with the weights of a checkpoint.

        Args:
            pretrained_model_name_or_path: a folder, or a hub name ("org/model").
            output_loading_info: return the model and a `LoadingInfo`.
            **options: see `LoadingOptions`, and any setting of the configuration; others are refused.

        Raises:
            CheckpointError: the folder cannot be used, or its weights are not those of its configuration.
            InputError: an argument or a setting that there is not, or a configuration that is none.
            UnsupportedModelError: it is of another architecture, or has another attention.
            MissingExtraError: there is nothing but a tf_model.h5, and h5py is not installed.
        """
        checkpoint, found = opened(
            pretrained_model_name_or_path, options, LoadingOptions.__annotations__, "a MobileBertConfig"
        )
        if not isinstance(found, MobileBertConfig):
            raise UnsupportedModelError(
                f"{checkpoint.name} is a {found.model_type}, not what {self.model_class.__name__} is for; "
                "the PyTorch classes and the Auto classes have its architecture"
            )
        weights = read_weights(checkpoint.folder)
        construct: Any = self.model_class
        as_stored = tied_as_stored(found, weights)
        model = construct(as_stored, name=options.get("name"), dtype=options.get("dtype"))
        slots = slots_of(model)
        arrays, report = match(
            weights,
            {name: slot.shape for name, slot in slots.items()},
            found,
            checkpoint,
            ignore_mismatched_sizes=options.get("ignore_mismatched_sizes", False),
        )
        for our_name, array in arrays.items():
            slots[our_name].write(array)
        report.warn(self.model_class.__name__)
        model.loading_report = report
        filled: M = model
        return (filled, loading_info(report, slots, found.model_type)) if output_loading_info else filled


def save_pretrained(
    self: Any,
    save_directory: str | Path,
    *,
    safe_serialization: bool = True,
    version: int = 1,
    tokenizer_folder: str | Path | None = None,
    **options: Any,
) -> None:
    """Write a checkpoint folder: config.json, and model.safetensors or tf_model.h5, in float32.

    The former opens in PyTorch, too, here and in the reference library; the latter in the TensorFlow classes
    of transformers before release 5. Each file is written whole or not at all, and weights of the other kind
    that the folder holds are removed: a reader would take them for these.

    Args:
        self: what to save.
        save_directory: made where it does not exist.
        safe_serialization: False writes tf_model.h5.
        version: of a SavedModel, which `export` writes; without effect, so that calls carry over.
        tokenizer_folder: where a tokenizer's files are copied from.
        **options: arguments of the reference library that ask for nothing, as `push_to_hub=False`.

    Raises:
        CheckpointError: the folder cannot be written.
        InputError: an argument that there is not.
        MissingExtraError: tf_model.h5 is wanted, and h5py is not installed.
    """
    known = ("safe_serialization", "save_directory", "tokenizer_folder")
    refuse_unknown(options, known, "save_pretrained of a model")
    config, folder, slots = self.config, Path(save_directory), slots_of(self)
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

    theirs = head_names.saved_names(slots, MobileBertConfig.model_type)
    arrays = {theirs[name]: slot.read() for name, slot in slots.items()}
    twins = head_names.twins(arrays, MobileBertConfig.model_type)
    arrays |= {second: arrays[first] for second, first in twins.items()}
    save_file(arrays, path, metadata={"format": "pt"})
