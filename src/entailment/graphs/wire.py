"""The few protobuf messages of an ONNX file, written byte by byte.

`import onnx` costs a fifth of a second, which is a good part of a command's life; writing is the easy half of
protobuf. Three kinds of field are enough: a varint, four bytes of float, and a length followed by bytes.
Every function returns the bytes of one message; the numbers are the field numbers of `onnx.proto3`
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3). The tests read what is written here back with the
`onnx` package.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]
Attribute = int | float | str | tuple[int, ...]
Dimension = int | str
"""A fixed size, or the name of one that is known only at run time."""

IR_VERSION = 8
OPSETS = {"": 17, "com.microsoft": 1}
ELEMENT_TYPES = {  # TensorProto.DataType
    "float32": 1,
    "uint8": 2,
    "int8": 3,
    "int32": 6,
    "int64": 7,
    "bool": 9,
    "float16": 10,
}
INT64 = ELEMENT_TYPES["int64"]
LOCATION = "__init__.py"
"""The file that is said to hold the weights. ONNX Runtime 1.31 wants it to be there even where all weights
are given in memory, and in the folder of a package there is one of this name."""
_VARINT, _BYTES, _FLOAT = 0, 2, 5


def model(graph_bytes: bytes) -> bytes:
    """A ModelProto around the bytes of a GraphProto."""
    opsets = (_bytes(8, _text(1, domain) + _int(2, version)) for domain, version in OPSETS.items())
    return _int(1, IR_VERSION) + _text(2, "entailment") + _bytes(7, graph_bytes) + b"".join(opsets)


def graph(
    name: str,
    nodes: Iterable[bytes],
    initializers: Iterable[bytes],
    inputs: Iterable[bytes],
    outputs: Iterable[bytes],
) -> bytes:
    """A GraphProto of the messages that the functions below wrote."""
    fields = ((1, nodes), (5, initializers), (11, inputs), (12, outputs))
    return _text(2, name) + b"".join(_bytes(number, part) for number, parts in fields for part in parts)


def node(
    operator: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    *,
    domain: str,
    name: str,
    attributes: Mapping[str, Attribute],
) -> bytes:
    """A NodeProto: one operator between named values; an empty name stands for an input that is left out."""
    return b"".join(
        [
            *(_text(1, value) for value in inputs),
            *(_text(2, value) for value in outputs),
            _text(3, name),
            _text(4, operator),
            *(_bytes(5, _attribute(key, value)) for key, value in attributes.items()),
            _text(7, domain),
        ]
    )


def value_info(name: str, dtype: str, shape: Sequence[Dimension]) -> bytes:
    """A ValueInfoProto: the name, element type and shape of an input or output of the graph."""
    dimensions = (_int(1, size) if isinstance(size, int) else _text(2, size) for size in shape)
    shape_bytes = b"".join(_bytes(1, dimension) for dimension in dimensions)
    tensor_type = _int(1, ELEMENT_TYPES[dtype]) + _bytes(2, shape_bytes)
    return _text(1, name) + _bytes(2, _bytes(1, tensor_type))


def inline_tensor(name: str, array: Array) -> bytes:
    """A TensorProto that carries its data: for shapes, axes and the like."""
    return _tensor(name, array) + _bytes(9, np.ascontiguousarray(array).tobytes())


def external_tensor(name: str, array: Array) -> bytes:
    """A TensorProto whose data goes to the session by `SessionOptions.add_initializer`."""
    location = _text(1, "location") + _text(2, LOCATION)
    return _tensor(name, array) + _bytes(13, location) + _int(14, 1)


def _tensor(name: str, array: Array) -> bytes:
    dimensions = b"".join(_int(1, size) for size in array.shape)
    return dimensions + _int(2, ELEMENT_TYPES[array.dtype.name]) + _text(8, name)


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, int):
        return _text(1, name) + _int(3, value) + _int(20, 2)
    if isinstance(value, float):
        return _text(1, name) + _key(2, _FLOAT) + struct.pack("<f", value) + _int(20, 1)
    if isinstance(value, str):
        return _text(1, name) + _text(4, value) + _int(20, 3)
    return _text(1, name) + b"".join(_int(8, item) for item in value) + _int(20, 7)


def _text(number: int, value: str) -> bytes:
    return _bytes(number, value.encode())


def _bytes(number: int, value: bytes) -> bytes:
    return _key(number, _BYTES) + _varint(len(value)) + value


def _int(number: int, value: int) -> bytes:
    return _key(number, _VARINT) + _varint(value)


def _key(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; a negative number is written as its 64-bit two's complement."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
