"""The weight files of a checkpoint folder, whole or sharded, as arrays by the names in the files.

Read is the first of these that is there:

    model.safetensors, model.safetensors.index.json    the format that cannot run code
    pytorch_model.bin, pytorch_model.bin.index.json    through `pickled.py`: tensors and nothing else
    tf_model.h5, tf_model.h5.index.json                through `keras_file.py`, which needs the extra `h5`

A file of TensorFlow's classes, a model.safetensors too, has their names and kernels: what is returned has
PyTorch's.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from entailment.checkpoint.fields import printable
from entailment.checkpoint.json_files import read_json
from entailment.checkpoint.keras_file import is_kernel, variable_name
from entailment.checkpoint.precision import from_bfloat16, to_float32
from entailment.errors import CheckpointNotFoundError, CorruptCheckpointError, WeightsMismatchError

Arrays = dict[str, np.ndarray]
Reader = Callable[[Path, bool], Arrays]  # the bool: `map_tables`

#: What these layers' parameters were called before they were weight and bias.
OLD_ENDINGS = {".gamma": ".weight", ".beta": ".bias"}

#: How the files of a variant begin, model.fp16.safetensors for one.
_STEMS = ("model.", "pytorch_model.")

_TABLE = "word_embeddings.weight"
_MAPPED_TYPES = {"F16": "<f2", "F32": "<f4"}

_LFS_POINTER = b"version https://git-lfs"


def read_weights(folder: str | Path, *, map_tables: bool = False) -> Arrays:
    """Every array of a checkpoint folder, by its name in PyTorch's classes, the oldest endings modernised.

    Args:
        folder: where the files are.
        map_tables: word embeddings of a .safetensors file are not read: they stay in the file, in its
            precision (float32 or float16), and a row that is looked up is fetched by the operating system.

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
            return _modernised(_by_torch_names(read(path, map_tables)))
    held = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    variants = [name for name in held if name.startswith(_STEMS) and name.endswith((".safetensors", ".bin"))]
    others = [name for name in held if name.endswith((".h5", ".msgpack", ".onnx", ".ckpt", ".pt"))]
    hint = f"; it has {', '.join(others)}, which this package does not read" if others else ""
    if variants:
        hint = f"; it has {', '.join(variants)}, of a variant: rename a file to one of these names to read it"
    raise CheckpointNotFoundError(f"{folder} has no weights: none of {', '.join(_LAYOUTS)}{hint}")


def _read_safetensors(path: Path, map_tables: bool) -> Arrays:
    from safetensors import SafetensorError, safe_open

    _refuse_pointer(path)
    try:
        with safe_open(path, framework="numpy") as file:
            names: list[str] = file.keys()
            types = {name: file.get_slice(name).get_dtype() for name in names}
            mapped = {
                name
                for name in types
                if map_tables and name.endswith(_TABLE) and types[name] in _MAPPED_TYPES
            }
            arrays = {
                name: to_float32(file.get_tensor(name))
                for name in types
                if types[name] != "BF16" and name not in mapped
            }
        if "BF16" in types.values():
            arrays |= _read_bfloat16(path)
        for name in mapped:
            arrays[name] = _map_array(path, name)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptCheckpointError(
            f"{path} is truncated or damaged ({error}); fetch the file again"
        ) from error
    return arrays


def _header(path: Path) -> tuple[dict[str, Any], int]:
    """The header of a file that safetensors has validated, and where the arrays start."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        return json.loads(file.read(length)), 8 + length


def _read_bfloat16(path: Path) -> Arrays:
    """The bfloat16 arrays, which safetensors cannot give to NumPy."""
    header, start = _header(path)
    arrays: Arrays = {}
    for name, entry in header.items():
        if entry.get("dtype") == "BF16":
            count, offset = math.prod(entry["shape"]), start + entry["data_offsets"][0]
            bits = np.fromfile(path, "<u2", count, offset=offset)
            arrays[name] = from_bfloat16(bits.reshape(entry["shape"]))
    return arrays


def _map_array(path: Path, name: str) -> np.ndarray:
    """An array that stays in its file."""
    header, start = _header(path)
    entry = header[name]
    mapped = np.memmap(
        path,
        _MAPPED_TYPES[entry["dtype"]],
        mode="r",
        offset=start + entry["data_offsets"][0],
        shape=tuple(entry["shape"]),
    )
    return np.asarray(mapped)


def _read_bin(path: Path, _: bool) -> Arrays:
    from entailment.checkpoint.pickled import read_bin

    _refuse_pointer(path)
    return {name: to_float32(array) for name, array in read_bin(path).items()}


def _read_h5(path: Path, _: bool) -> Arrays:
    from entailment.checkpoint.keras_file import read_h5

    _refuse_pointer(path)
    return {name: to_float32(array) for name, array in read_h5(path).items()}


def _as_stored(name: str) -> str:
    return name


def _sharded(read: Reader, suffix: str, name_of: Callable[[str], str] = _as_stored) -> Reader:
    """A reader of the index file whose shards `read` opens; `name_of` makes their names of the index's."""

    def read_shards(index: Path, map_tables: bool) -> Arrays:
        weight_map = read_json(index).get("weight_map")
        if not isinstance(weight_map, Mapping) or not weight_map:
            raise CorruptCheckpointError(f"{index} has no weight_map from names to files")
        members: dict[str, set[str]] = {}
        for name, file in weight_map.items():
            if not isinstance(file, str) or not _is_plain(file, suffix):
                raise CorruptCheckpointError(
                    f"{index} puts {printable(name)} into {file!r}, which is not a {suffix} file beside it"
                )
            members.setdefault(file, set()).add(name_of(name))
        arrays: Arrays = {}
        for file, names in sorted(members.items()):
            shard = index.parent / file
            if not shard.is_file():
                raise CheckpointNotFoundError(f"{shard} is missing, though {index.name} names it; fetch it")
            part = read(shard, map_tables)
            if part.keys() != names:
                odd = sorted(part.keys() ^ names)[0]
                raise CorruptCheckpointError(
                    f"{shard} and {index.name} disagree on whether it holds {printable(odd)}"
                )
            arrays |= part
        return arrays

    return read_shards


_LAYOUTS: dict[str, Reader] = {
    "model.safetensors": _read_safetensors,
    "model.safetensors.index.json": _sharded(_read_safetensors, ".safetensors"),
    "pytorch_model.bin": _read_bin,
    "pytorch_model.bin.index.json": _sharded(_read_bin, ".bin"),
    "tf_model.h5": _read_h5,
    "tf_model.h5.index.json": _sharded(_read_h5, ".h5", variable_name),
}


def _by_torch_names(arrays: Arrays) -> Arrays:
    """A model.safetensors that TensorFlow's classes wrote has their names and kernels: undo both."""
    return {
        variable_name(name) if "/" in name else name: (
            np.ascontiguousarray(array.T) if is_kernel(name) and array.ndim == 2 else array
        )
        for name, array in arrays.items()
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
