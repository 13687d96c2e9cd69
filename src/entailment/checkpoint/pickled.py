"""pytorch_model.bin as arrays, without PyTorch and without running anything the file says.

A pickle is a program. `pickle_machine.py` interprets the few instructions that `torch.save` writes for a
dictionary of tensors; it never imports what a file names, and calls nothing but functions of our own.
Whatever else a file asks for is an `UnsafeCheckpointError`. Nothing is allocated on a file's word: a tensor
must lie within a storage that is really there.

Formats (torch/serialization.py): since 1.6 a zip archive, `data.pkl` and one uncompressed entry `data/<key>`
for each storage; before, a stream of pickles (magic number, protocol, system, object, storage keys) and then
the storages.
"""

from __future__ import annotations

import math
import mmap
import struct
import zipfile
from collections.abc import Callable
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO, Literal, cast

import numpy as np

from entailment.checkpoint.fields import printable
from entailment.checkpoint.pickle_machine import Machine
from entailment.checkpoint.pickle_values import STORAGES, Storage, Tensor
from entailment.checkpoint.precision import from_bfloat16
from entailment.errors import CorruptCheckpointError, UnsafeCheckpointError

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001

#: The pickle of a checkpoint of ten thousand tensors is some 2 MB.
LARGEST_PICKLE = 64 << 20

#: Names may share a storage, as tied weights do; all arrays together are at most this many times the file.
MOST_SHARING = 8

_ZIP_START = b"PK\x03\x04"


def read_bin(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file that `torch.save` wrote from a state dict, in either layout.

    bfloat16 comes as float32, every other type as it is.

    Raises:
        UnsafeCheckpointError: the file asks for more than tensors; nothing of it was run.
        CorruptCheckpointError: it is truncated or damaged, or holds something else than named tensors.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(_ZIP_START))
            read = _read_zip if _ZIP_START.startswith(start) else _read_legacy
            file.seek(0)
            return read(file, path.stat().st_size)
    except UnsafeCheckpointError as error:
        raise UnsafeCheckpointError(
            f"{path}: {error}; nothing was run. Use a checkpoint in safetensors format"
        ) from error
    # RuntimeError: what zipfile raises for features that torch.save does not use.
    except (ValueError, OSError, EOFError, RuntimeError, zipfile.BadZipFile, struct.error) as error:
        raise CorruptCheckpointError(f"{path} is truncated or damaged: {error}") from error


def _read_zip(file: BinaryIO, size: int) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(file) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        pickles = [name for name in entries if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise CorruptCheckpointError(f"the archive holds {len(pickles)} entries data.pkl instead of one")
        root = pickles[0].removesuffix("data.pkl")

        def content(name: str, length: int | None = None) -> bytearray:
            entry = entries.get(root + name)
            if entry is None:
                raise CorruptCheckpointError(f"the archive has no entry {printable(name)}")
            # torch.save never compresses, so an entry is never larger than the file.
            if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > size or entry.flag_bits & 1:
                raise CorruptCheckpointError(
                    f"entry {printable(name)} is compressed, encrypted or larger than the file"
                )
            if length is not None and entry.file_size != length:
                raise CorruptCheckpointError(
                    f"entry {printable(name)} has {entry.file_size} bytes, not {length}"
                )
            if length is None and entry.file_size > LARGEST_PICKLE:
                raise CorruptCheckpointError(
                    f"entry {printable(name)} is larger than {LARGEST_PICKLE >> 20} MiB"
                )
            data = bytearray(entry.file_size)
            with archive.open(entry) as stream:
                if cast(BufferedIOBase, stream).readinto(data) != len(data):
                    raise CorruptCheckpointError(f"entry {printable(name)} ends early")
                stream.read(1)  # the end, where zipfile compares the checksum
            return data

        order: Literal["<", ">"] = "<"
        if root + "byteorder" in entries and content("byteorder") == b"big":
            order = ">"
        tensors = _named_tensors(Machine(bytes(content("data.pkl"))).run())

        def load(storage: Storage) -> np.ndarray:
            data = content(f"data/{storage.key}", storage.count * _type(storage).itemsize)
            numbers = np.frombuffer(data, _type(storage).newbyteorder(order))
            return numbers.astype(_type(storage), copy=False)

        return _arrays(tensors, load, size)


def _read_legacy(file: BinaryIO, size: int) -> dict[str, np.ndarray]:
    # Mapped, so that the pickles are read in place and each storage is copied once, to an aligned address.
    data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    machine = Machine(data[:LARGEST_PICKLE])
    if machine.run() != MAGIC_NUMBER:
        raise CorruptCheckpointError("it is not a file that torch.save wrote")
    if machine.run() != PROTOCOL_VERSION:
        raise CorruptCheckpointError("torch.save wrote it in a layout that is not known")
    machine.run()  # sizes of integers on the writer's machine
    tensors = _named_tensors(machine.run())
    keys = machine.run()
    if not isinstance(keys, list):
        raise CorruptCheckpointError("it has no list of storages")
    offsets: dict[str, int] = {}
    position = machine.position
    for key in keys:
        storage = machine.storages.get(key) if isinstance(key, str) else None
        if storage is None or key in offsets or position + 8 > size:
            raise CorruptCheckpointError("its list of storages does not fit its tensors")
        (count,) = struct.unpack_from("<q", data, position)
        if count != storage.count:
            raise CorruptCheckpointError(
                f"storage {printable(key)} has {count} elements, not {storage.count}"
            )
        offsets[key] = position + 8
        position = offsets[key] + count * _type(storage).itemsize
    if position != size:
        raise CorruptCheckpointError(f"it has {size} bytes, not {position}")

    def load(storage: Storage) -> np.ndarray:
        if storage.key not in offsets:
            raise CorruptCheckpointError(f"it lacks storage {printable(storage.key)}")
        return np.frombuffer(data, _type(storage), storage.count, offsets[storage.key]).copy()

    return _arrays(tensors, load, size)


def _named_tensors(value: object) -> dict[str, Tensor]:
    if not isinstance(value, dict):
        raise CorruptCheckpointError("it holds no dictionary of tensors")
    for name, entry in value.items():
        if not isinstance(name, str) or not isinstance(entry, Tensor):
            raise CorruptCheckpointError(
                f"its entry {str(name)[:80]!r} is no tensor; it must hold a state dict and nothing beside it"
            )
    return value


def _arrays(
    tensors: dict[str, Tensor], load: Callable[[Storage], np.ndarray], size: int
) -> dict[str, np.ndarray]:
    total = sum(math.prod(tensor.shape) * _type(tensor.storage).itemsize for tensor in tensors.values())
    if total > MOST_SHARING * size:
        raise CorruptCheckpointError(f"its tensors take {total} bytes, out of a file of {size}")
    loaded: dict[str, np.ndarray] = {}
    arrays: dict[str, np.ndarray] = {}
    for name, tensor in tensors.items():
        storage = tensor.storage
        if storage.key not in loaded:
            numbers = load(storage)
            loaded[storage.key] = from_bfloat16(numbers) if storage.kind == "BFloat16Storage" else numbers
        numbers = loaded[storage.key]
        strides = tuple(stride * numbers.itemsize for stride in tensor.strides)
        # `Machine` has proven that this view lies within the storage.
        view = np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.shape, strides)
        arrays[name] = view if view.flags.c_contiguous else view.copy()
    return arrays


def _type(storage: Storage) -> np.dtype:
    return np.dtype(STORAGES[storage.kind])
