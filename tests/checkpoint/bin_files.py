"""pytorch_model.bin files written instruction by instruction: without torch, and bad ones, too."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

KINDS = {
    "f4": "FloatStorage",
    "f8": "DoubleStorage",
    "f2": "HalfStorage",
    "i8": "LongStorage",
    "b1": "BoolStorage",
}


def name(module: str, attribute: str) -> bytes:
    return f"c{module}\n{attribute}\n".encode()


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    if -(1 << 31) <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    return b"\x8a\x0b" + value.to_bytes(11, "little", signed=True)


def sequence(*values: bytes) -> bytes:
    return b"(" + b"".join(values) + b"t"


def storage(key: str, count: int, kind: str = "FloatStorage", *, legacy: bool = False) -> bytes:
    view = [b"N"] if legacy else []
    return sequence(text("storage"), name("torch", kind), text(key), text("cpu"), number(count), *view) + b"Q"


def tensor(
    data: bytes, shape: tuple[int, ...], *, offset: int = 0, strides: tuple[int, ...] | None = None
) -> bytes:
    if strides is None:
        strides = tuple(int(np.prod(shape[index + 1 :])) for index in range(len(shape)))
    arguments = (
        data,
        number(offset),
        sequence(*map(number, shape)),
        sequence(*map(number, strides)),
        b"\x89",
        name("collections", "OrderedDict") + b")R",
    )
    return name("torch._utils", "_rebuild_tensor_v2") + sequence(*arguments) + b"R"


def state_dict(items: Mapping[str, bytes], *, metadata: bytes = b"}") -> bytes:
    pairs = b"".join(text(key) + value for key, value in items.items())
    state = b"}" + text("_metadata") + metadata + b"s"
    return name("collections", "OrderedDict") + b")R(" + pairs + b"u" + state + b"b"


def pickled(value: bytes) -> bytes:
    return b"\x80\x02" + value + b"."


def write_zip(path: Path, value: bytes, storages: Mapping[str, bytes], **extra: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", pickled(value))
        for key, data in storages.items():
            archive.writestr(f"archive/data/{key}", data)
        for entry, data in extra.items():
            archive.writestr(f"archive/{entry}", data)
    return path


def write_legacy(path: Path, value: bytes, storages: Mapping[str, bytes], *, itemsize: int = 4) -> Path:
    head = (
        number(0x1950A86A20F9469CFC6C),
        number(1001),
        b"}" + text("little_endian") + b"\x88s",
        value,
        b"](" + b"".join(map(text, storages)) + b"e",
    )
    body = b"".join(struct.pack("<q", len(data) // itemsize) + data for data in storages.values())
    path.write_bytes(b"".join(map(pickled, head)) + body)
    return path


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray], *, legacy: bool = False) -> Path:
    """A good file, each array in a storage of its own; the legacy layout takes float32 alone."""
    items = {}
    storages = {}
    for index, (key, array) in enumerate(arrays.items()):
        kind = KINDS[array.dtype.str[1:]]
        items[key] = tensor(storage(str(index), array.size, kind, legacy=legacy), array.shape)
        storages[str(index)] = array.tobytes()
    if legacy:
        return write_legacy(path, state_dict(items), storages)
    return write_zip(path, state_dict(items), storages)
