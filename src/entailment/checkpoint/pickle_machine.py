"""The pickle instructions that describe a dictionary of tensors, interpreted; all others are refused.

`pickle.Unpickler` with a restricted `find_class` still executes every instruction, on real classes and
functions. Here an instruction that no tensor file needs does not exist, a global is a name and never an
object, and a call is one of those in `pickle_values.CALLS`. So the worst a hostile file can do is to be
refused.

Written after torch/_weights_only_unpickler.py and the opcode list of pickletools.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from entailment.checkpoint.pickle_values import CALLS, STORAGES, Global, StateDict, Storage, whole
from entailment.errors import CheckpointError, CorruptCheckpointError, UnsafeCheckpointError


class Mark:
    """The stack's bracket."""


class Machine:
    """Runs the pickles in `data`, one behind the other; `position` is the byte behind the last."""

    def __init__(self, data: bytes | memoryview) -> None:
        self.data = memoryview(data)
        self.position = 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.storages: dict[str, Storage] = {}

    def run(self) -> Any:
        """The next pickled value: built-in scalars and containers, `Storage`s and `Tensor`s.

        Raises:
            UnsafeCheckpointError: an instruction, a class or a call that no tensor file needs.
            CorruptCheckpointError: the pickle is truncated, or nonsense.
        """
        self.stack.clear()
        self.memo.clear()
        try:
            while True:
                at = self.position
                opcode = self.take(1)[0]
                if opcode == _STOP:
                    return self.pop()
                instruction = _INSTRUCTIONS.get(opcode)
                if instruction is None:
                    self.refuse_instruction(opcode, at)
                else:
                    instruction(self)
        except CheckpointError:  # which is a ValueError, too
            raise
        except (IndexError, KeyError, TypeError, ValueError, AttributeError, struct.error) as error:
            raise CorruptCheckpointError(
                f"nonsense at byte {self.position} of the pickle ({error})"
            ) from error

    def take(self, count: int) -> memoryview:
        """The next bytes."""
        end = self.position + count
        if count < 0 or end > len(self.data):
            raise CorruptCheckpointError(f"the pickle ends at byte {len(self.data)}, before it is complete")
        taken = self.data[self.position : end]
        self.position = end
        return taken

    def number(self, code: str) -> Any:
        """The next number, in a format of `struct`."""
        return struct.unpack(code, self.take(struct.calcsize(code)))[0]

    def line(self) -> str:
        """The next text up to a newline."""
        rest = self.data[self.position : self.position + 1024].tobytes()
        length = rest.find(b"\n")
        if length < 0:
            raise CorruptCheckpointError(f"no end to the name at byte {self.position} of the pickle")
        self.position += length + 1
        return rest[:length].decode("utf-8")

    def text(self, length: int) -> str:
        """The next text of a known length."""
        return self.take(length).tobytes().decode("utf-8", "surrogatepass")

    def pop(self) -> Any:
        """The top of the stack; a bracket there is nonsense."""
        value = self.stack.pop()
        if value is Mark:
            raise ValueError("a bracket that nothing closes")
        return value

    def push(self, value: object) -> None:
        """Put a value on the stack."""
        self.stack.append(value)

    def since_mark(self) -> list[Any]:
        """The values above the last bracket, which are taken off together with it."""
        for index in range(len(self.stack) - 1, -1, -1):
            if self.stack[index] is Mark:
                values = self.stack[index + 1 :]
                del self.stack[index:]
                return values
        raise ValueError("values without a bracket")

    def tuple_of(self, count: int) -> None:
        """Replace the top values by a tuple of them."""
        values = [self.pop() for _ in range(count)]
        self.push(tuple(reversed(values)))

    def refuse_instruction(self, opcode: int, at: int) -> None:
        """Raise for an instruction that is not in the table: unsafe if pickle knows it, else damage."""
        import pickletools

        known = {ord(entry.code): entry.name for entry in pickletools.opcodes}
        if opcode not in known:
            raise CorruptCheckpointError(f"byte {at} of the pickle is no instruction")
        raise UnsafeCheckpointError(f"the pickle uses {known[opcode]}, which no file of tensors needs")


def _global(machine: Machine, module: str, name: str) -> None:
    found = Global(module, name)
    if found not in CALLS and not (module == "torch" and name in STORAGES):
        raise UnsafeCheckpointError(f"the pickle asks for {found}, which no file of tensors needs")
    machine.push(found)


def _stack_global(machine: Machine) -> None:
    name, module = machine.pop(), machine.pop()
    if not isinstance(name, str) or not isinstance(module, str):
        raise UnsafeCheckpointError("the pickle computes the name of what it asks for")
    _global(machine, module, name)


def _reduce(machine: Machine) -> None:
    arguments, function = machine.pop(), machine.pop()
    if not isinstance(function, Global) or function not in CALLS or not isinstance(arguments, tuple):
        # Not the value itself: nested pairs of references would print for ever.
        called = function if isinstance(function, Global) else f"a {type(function).__name__}"
        raise UnsafeCheckpointError(f"the pickle calls {called}, which no file of tensors needs")
    machine.push(CALLS[function](*arguments))


def _build(machine: Machine) -> None:
    """State for an object: torch's metadata of a state dict, which is dropped."""
    machine.pop()
    if not isinstance(machine.stack[-1], StateDict):
        raise UnsafeCheckpointError("the pickle sets the state of something that is no dictionary of tensors")


def _persistent(machine: Machine) -> None:
    """A reference to a storage: ("storage", class, key, device, count[, None])."""
    reference = machine.pop()
    if not isinstance(reference, tuple) or len(reference) not in (5, 6) or reference[0] != "storage":
        raise UnsafeCheckpointError("the pickle refers to something outside it that is not a storage")
    _, kind, key, _, count = reference[:5]
    if len(reference) == 6 and reference[5] is not None:
        raise CorruptCheckpointError("views of storages, as torch before 0.4 wrote them, are not supported")
    if not isinstance(kind, Global) or kind.name not in STORAGES or not isinstance(key, str):
        raise ValueError("a storage without type or key")
    storage = Storage(kind.name, key, whole(count))
    if machine.storages.setdefault(key, storage) != storage:
        raise ValueError("a storage of two types or sizes")
    machine.push(storage)


def _set_items(machine: Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if not isinstance(target, dict) or len(items) % 2:
        raise ValueError("items for something that is no dictionary")
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, str | int):
            raise ValueError("a key that is no name")
        target[key] = value


def _append(machine: Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if not isinstance(target, list):
        raise ValueError("items for something that is no list")
    target.extend(items)


_STOP = ord(".")

_INSTRUCTIONS: dict[int, Callable[[Machine], object]] = {
    # frame and protocol
    0x80: lambda m: m.take(1),
    0x95: lambda m: m.take(8),
    # scalars
    ord("N"): lambda m: m.push(None),
    0x88: lambda m: m.push(True),
    0x89: lambda m: m.push(False),
    ord("J"): lambda m: m.push(m.number("<i")),
    ord("K"): lambda m: m.push(m.number("<B")),
    ord("M"): lambda m: m.push(m.number("<H")),
    0x8A: lambda m: m.push(int.from_bytes(m.take(m.number("<B")), "little", signed=True)),
    ord("G"): lambda m: m.push(m.number(">d")),
    ord("X"): lambda m: m.push(m.text(m.number("<I"))),
    0x8C: lambda m: m.push(m.text(m.number("<B"))),
    # containers
    ord("("): lambda m: m.push(Mark),
    ord(")"): lambda m: m.push(()),
    ord("]"): lambda m: m.push([]),
    ord("}"): lambda m: m.push({}),
    ord("t"): lambda m: m.push(tuple(m.since_mark())),
    0x85: lambda m: m.tuple_of(1),
    0x86: lambda m: m.tuple_of(2),
    0x87: lambda m: m.tuple_of(3),
    ord("a"): lambda m: _append(m, [m.pop()]),
    ord("e"): lambda m: _append(m, m.since_mark()),
    ord("s"): lambda m: _set_items(m, [m.pop(), m.pop()][::-1]),
    ord("u"): lambda m: _set_items(m, m.since_mark()),
    # memory
    ord("q"): lambda m: m.memo.__setitem__(m.number("<B"), m.stack[-1]),
    ord("r"): lambda m: m.memo.__setitem__(m.number("<I"), m.stack[-1]),
    0x94: lambda m: m.memo.__setitem__(len(m.memo), m.stack[-1]),
    ord("h"): lambda m: m.push(m.memo[m.number("<B")]),
    ord("j"): lambda m: m.push(m.memo[m.number("<I")]),
    # names, calls, storages
    ord("c"): lambda m: _global(m, m.line(), m.line()),
    0x93: _stack_global,
    ord("R"): _reduce,
    ord("b"): _build,
    ord("Q"): _persistent,
}
