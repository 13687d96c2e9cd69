"""The weight files of a checkpoint folder, whole or sharded, as arrays by the names in the files.

Read is the first of these that is there:

    model.safetensors, model.safetensors.index.json    the format that cannot run code
    pytorch_model.bin, pytorch_model.bin.index.json    through `pickled.py`: tensors and nothing else
    tf_model.h5                                        through `keras_file.py`, which needs the extra `h5`
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from entailment.checkpoint.fields import printable
from entailment.checkpoint.json_files import read_json
from entailment.checkpoint.precision import from_bfloat16, to_float32
from entailment.errors import CheckpointNotFoundError, CorruptCheckpointError, WeightsMismatchError

Arrays = dict[str, np.ndarray]

#: What these layers' parameters were called before they were weight and bias.
OLD_ENDINGS = {".gamma": ".weight", ".beta": ".bias"}

_LFS_POINTER = b"version https://git-lfs"


def read_weights(folder: str | Path) -> Arrays:
    """Every array of a checkpoint folder, by its name in the file, with the oldest endings modernised.

    Raises:
        CheckpointNotFoundError: there is no weight file, or no shard that the index names.
        CorruptCheckpointError: a file is truncated or damaged, or index and shards contradict each other.
        UnsafeCheckpointError: a .bin file asks for more than tensors.
        MissingExtraError: there is nothing but a tf_model.h5, and h5py is not installed.
        WeightsMismatchError: a name is there twice, once in its old and once in its new spelling.
    """
    folder = Path(folder)
    for file, read in _LAYOUTS.items():
        path = folder / file
        if path.is_file():
            return _modernised(read(path))
    held = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    others = [name for name in held if name.endswith((".h5", ".msgpack", ".onnx", ".ckpt", ".pt"))]
    hint = f"; it has {', '.join(others)}, which this package does not read" if others else ""
    raise CheckpointNotFoundError(f"{folder} has no weights: none of {', '.join(_LAYOUTS)}{hint}")


def _read_safetensors(path: Path) -> Arrays:
    from safetensors import SafetensorError, safe_open

    _refuse_pointer(path)
    try:
        with safe_open(path, framework="numpy") as file:
            names: list[str] = file.keys()
            types = {name: file.get_slice(name).get_dtype() for name in names}
            arrays = {name: to_float32(file.get_tensor(name)) for name in types if types[name] != "BF16"}
        if len(arrays) < len(types):
            arrays |= _read_bfloat16(path)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptCheckpointError(
            f"{path} is truncated or damaged ({error}); fetch the file again"
        ) from error
    return arrays


def _read_bfloat16(path: Path) -> Arrays:
    """The bfloat16 arrays, which safetensors cannot give to NumPy; it has validated the header."""
    arrays: Arrays = {}
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        for name, entry in header.items():
            if entry.get("dtype") == "BF16":
                file.seek(8 + length + entry["data_offsets"][0])
                bits = np.fromfile(file, "<u2", math.prod(entry["shape"]))
                arrays[name] = from_bfloat16(bits.reshape(entry["shape"]))
    return arrays


def _read_bin(path: Path) -> Arrays:
    from entailment.checkpoint.pickled import read_bin

    _refuse_pointer(path)
    return {name: to_float32(array) for name, array in read_bin(path).items()}


def _read_h5(path: Path) -> Arrays:
    from entailment.checkpoint.keras_file import read_h5

    _refuse_pointer(path)
    return {name: to_float32(array) for name, array in read_h5(path).items()}


def _sharded(read: Callable[[Path], Arrays], suffix: str) -> Callable[[Path], Arrays]:
    """A reader of the index file whose shards `read` opens."""

    def read_shards(index: Path) -> Arrays:
        weight_map = read_json(index).get("weight_map")
        if not isinstance(weight_map, Mapping) or not weight_map:
            raise CorruptCheckpointError(f"{index} has no weight_map from names to files")
        members: dict[str, set[str]] = {}
        for name, file in weight_map.items():
            if not isinstance(file, str) or not _is_plain(file, suffix):
                raise CorruptCheckpointError(
                    f"{index} puts {printable(name)} into {file!r}, which is not a {suffix} file beside it"
                )
            members.setdefault(file, set()).add(name)
        arrays: Arrays = {}
        for file, names in sorted(members.items()):
            shard = index.parent / file
            if not shard.is_file():
                raise CheckpointNotFoundError(f"{shard} is missing, though {index.name} names it; fetch it")
            part = read(shard)
            if part.keys() != names:
                odd = sorted(part.keys() ^ names)[0]
                raise CorruptCheckpointError(
                    f"{shard} and {index.name} disagree on whether it holds {printable(odd)}"
                )
            arrays |= part
        return arrays

    return read_shards


_LAYOUTS: dict[str, Callable[[Path], Arrays]] = {
    "model.safetensors": _read_safetensors,
    "model.safetensors.index.json": _sharded(_read_safetensors, ".safetensors"),
    "pytorch_model.bin": _read_bin,
    "pytorch_model.bin.index.json": _sharded(_read_bin, ".bin"),
    "tf_model.h5": _read_h5,
}


def _modernised(arrays: Arrays) -> Arrays:
    modern: Arrays = {}
    for name, array in arrays.items():
        stem, dot, ending = name.rpartition(".")
        new_name = stem + OLD_ENDINGS.get(dot + ending, dot + ending)
        if new_name in modern or (new_name != name and new_name in arrays):
            raise WeightsMismatchError(f"the weights hold {new_name} twice: also as {name}, its old name")
        modern[new_name] = array
    return modern


def _is_plain(file: str, suffix: str) -> bool:
    return file.endswith(suffix) and not file.startswith(".") and not set(file) & set("/\\:\0")


def _refuse_pointer(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(len(_LFS_POINTER))
    except OSError as error:
        raise CorruptCheckpointError(f"{path} cannot be read: {error.strerror}") from error
    if not start:
        raise CorruptCheckpointError(f"{path} is empty; fetch the file again")
    if start == _LFS_POINTER:
        raise CorruptCheckpointError(f"{path} is a Git LFS pointer, not the weights; run `git lfs pull`")
