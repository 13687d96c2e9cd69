"""What a pickle of tensors is made of, as inert values, and the only calls it may make.

A `Global` is the name of a class or function and never the thing itself; a `Tensor` is a description that is
known to fit its `Storage`. What `torch.save` writes as a call is one of `CALLS`, which are written here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from entailment.checkpoint.fields import printable
from entailment.errors import CorruptCheckpointError

#: Storage class -> NumPy type; bfloat16 goes by its bits.
STORAGES: Final = {
    "BFloat16Storage": "u2",
    "BoolStorage": "?",
    "ByteStorage": "u1",
    "CharStorage": "i1",
    "DoubleStorage": "f8",
    "FloatStorage": "f4",
    "HalfStorage": "f2",
    "IntStorage": "i4",
    "LongStorage": "i8",
    "ShortStorage": "i2",
}

MOST_DIMENSIONS = 8


@dataclass(frozen=True)
class Global:
    """The name of a class or function: compared, never imported."""

    module: str
    name: str

    def __str__(self) -> str:
        return printable(f"{self.module}.{self.name}")


@dataclass(frozen=True)
class Storage:
    """A block of `count` numbers of one type, which the file holds under `key`."""

    kind: str
    key: str
    count: int


@dataclass(frozen=True)
class Tensor:
    """A view of a storage; offset and strides count elements. Proven to lie within the storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class StateDict(dict[Any, Any]):
    """What stands in for OrderedDict, to which torch attaches metadata that no one here needs."""


def _state_dict(*arguments: Any) -> StateDict:
    if arguments:  # Python 2 listed the items here
        raise ValueError("a dictionary that is not made empty")
    return StateDict()


def _rebuild_tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Tensor:
    """What torch._utils._rebuild_tensor_v2 does; gradients and hooks are left."""
    if not isinstance(storage, Storage) or not isinstance(shape, tuple) or not isinstance(strides, tuple):
        raise ValueError("a tensor without storage or shape")
    tensor = Tensor(storage, whole(offset), tuple(map(whole, shape)), tuple(map(whole, strides)))
    if len(tensor.shape) != len(tensor.strides) or len(tensor.shape) > MOST_DIMENSIONS:
        raise ValueError("a tensor whose shape and strides do not fit")
    elements = 1
    last = tensor.offset
    for size, stride in zip(tensor.shape, tensor.strides, strict=True):
        elements *= size
        last += (size - 1) * stride
    # A tensor larger than its storage repeats elements: no parameter does, and it costs memory the file does
    # not have.
    if elements and (last >= storage.count or elements > storage.count):
        raise CorruptCheckpointError(
            f"a tensor of shape {list(tensor.shape)} exceeds its storage of {storage.count}"
        )
    return tensor


def _rebuild_parameter(data: Any, *_: Any) -> Tensor:
    if not isinstance(data, Tensor):
        raise ValueError("a parameter that is no tensor")
    return data


def whole(value: Any) -> int:
    """A size or an offset; anything else is nonsense."""
    if type(value) is not int or not 0 <= value < 1 << 48:
        raise ValueError("a size that is no number, or negative, or absurd")
    return value


CALLS: dict[Global, Callable[..., Any]] = {
    Global("collections", "OrderedDict"): _state_dict,
    Global("torch._utils", "_rebuild_tensor"): _rebuild_tensor,
    Global("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    Global("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
}
