"""pytorch_model.bin: good files of both layouts, hostile ones that must run nothing, damaged ones."""

from __future__ import annotations

import contextlib
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.checkpoint.bin_files import (
    name,
    number,
    pickled,
    sequence,
    state_dict,
    storage,
    tensor,
    text,
    write_arrays,
    write_legacy,
    write_zip,
)

from entailment.checkpoint.pickled import read_bin
from entailment.errors import CheckpointError, CorruptCheckpointError, UnsafeCheckpointError

FOUR = np.arange(4, dtype=np.float32)
Write = Callable[[Path, bytes, dict[str, bytes]], Path]
LAYOUTS = pytest.mark.parametrize("write", [write_zip, write_legacy])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pytorch_model.bin"


@pytest.mark.parametrize("legacy", [False, True])
def test_arrays_come_back(path: Path, legacy: bool) -> None:
    arrays = {
        "a.weight": FOUR.reshape(2, 2),
        "a.bias": FOUR[:1],
        "empty": FOUR[:0],
        "scalar": FOUR[3:].reshape(()),
    }
    read = read_bin(write_arrays(path, arrays, legacy=legacy))
    assert read.keys() == arrays.keys()
    for key, array in arrays.items():
        np.testing.assert_array_equal(read[key], array, strict=True)
        assert read[key].flags.writeable and read[key].flags.aligned


def test_types_of_the_zip_layout(path: Path) -> None:
    arrays = {kind: FOUR.astype(kind) for kind in ("<f4", "<f8", "<f2", "<i8", "|b1")}
    for kind, array in read_bin(write_arrays(path, arrays)).items():
        np.testing.assert_array_equal(array, arrays[kind], strict=True)


@LAYOUTS
def test_views_share_a_storage(path: Path, write: Write) -> None:
    legacy = write is write_legacy
    whole = storage("0", 4, legacy=legacy)
    value = state_dict(
        {
            "turned": tensor(whole, (2, 2), strides=(1, 2)),
            "column": tensor(whole, (2,), offset=1, strides=(2,)),
            "tied": tensor(whole, (2, 2)),
        }
    )
    read = read_bin(write(path, value, {"0": FOUR.tobytes()}))
    assert read["turned"].tolist() == [[0, 2], [1, 3]]
    assert read["column"].tolist() == [1, 3]
    assert read["tied"].tolist() == [[0, 1], [2, 3]]


def test_bfloat16_and_big_endian(path: Path) -> None:
    bits = (FOUR.view(np.uint32) >> 16).astype(">u2")
    value = state_dict({"a": tensor(storage("0", 4, "BFloat16Storage"), (4,))})
    read = read_bin(write_zip(path, value, {"0": bits.tobytes()}, byteorder=b"big"))
    np.testing.assert_array_equal(read["a"], FOUR, strict=True)


def _hostile(sentinel: Path) -> dict[str, bytes]:
    """Values that would run something in an ordinary unpickler."""
    command = text(f"touch {sentinel}")
    evil = name("os", "system") + sequence(command) + b"R"
    good = tensor(storage("0", 4), (4,))
    rebuild = name("torch._utils", "_rebuild_tensor_v2")
    return {
        "system": evil,
        "eval": name("builtins", "eval") + sequence(text(f"open({str(sentinel)!r}, 'w')")) + b"R",
        "within a state dict": state_dict({"a": good, "b": evil}),
        "in the metadata": state_dict({"a": good}, metadata=evil),
        "as an argument": rebuild + sequence(evil) + b"R",
        "getattr": name("builtins", "getattr") + sequence(name("os", "path"), text("os")) + b"R",
        "dotted name": name("collections", "OrderedDict.fromkeys") + sequence(command) + b"R",
        "module of torch": name("torch", "load") + sequence(command) + b"R",
        "torch.hub": name("torch.hub", "load") + sequence(command) + b"R",
        "computed name": text("os") + text("system") + b"\x93" + sequence(command) + b"R",
        "computed name of a call": evil + text("system") + b"\x93",
        "state of a function": rebuild + b"}" + text("__code__") + command + b"sb",
        "state of a tensor": good + b"}" + text("__class__") + command + b"sb",
        "state of a storage class": name("torch", "FloatStorage") + b"}" + text("x") + command + b"sb",
        "call of a storage class": name("torch", "FloatStorage") + sequence(number(1 << 40)) + b"R",
        "call of a text": command + sequence(command) + b"R",
        "new object": name("collections", "OrderedDict") + b")\x81",
        "instance": b"(" + command + b"ios\nsystem\n",
        "object": b"(" + name("os", "system") + command + b"o",
        "extension": b"\x82\x01" + sequence(command) + b"R",
        "other reference": sequence(text("module"), name("os", "system"), text("x"), text("y"), text("z"))
        + b"Q",
        "text reference": b"Pos.system\n",
    }


@LAYOUTS
@pytest.mark.parametrize("attack", _hostile(Path("x")))
def test_hostile_files_run_nothing(path: Path, write: Write, attack: str) -> None:
    sentinel = path.with_name("sentinel")
    write(path, _hostile(sentinel)[attack], {"0": FOUR.tobytes()})
    with pytest.raises(UnsafeCheckpointError, match=r"pytorch_model\.bin: the pickle .*; nothing was run"):
        read_bin(path)
    assert not sentinel.exists()


def test_the_sentinel_works(path: Path) -> None:
    """The guard of the test above: the same file in an ordinary unpickler does run."""
    sentinel = path.with_name("sentinel")
    pickle.loads(pickled(_hostile(sentinel)["system"]))  # noqa: S301
    assert sentinel.exists()


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch sentinel",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_pickles_of_any_protocol_are_refused(
    path: Path, protocol: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    path.write_bytes(pickle.dumps({"a": Evil()}, protocol=protocol))
    with pytest.raises(UnsafeCheckpointError):
        read_bin(path)
    assert list(path.parent.iterdir()) == [path]


@LAYOUTS
@pytest.mark.parametrize(
    ("value", "said"),
    [
        (state_dict({"a": tensor(storage("0", 1 << 40), (1 << 40,))}), "bytes|elements"),
        (state_dict({"a": tensor(storage("0", 4), (1 << 30, 1 << 17), strides=(0, 0))}), "exceeds"),
        (state_dict({"a": tensor(storage("0", 4), (2, 2), strides=(3, 1))}), "exceeds"),
        (state_dict({"a": tensor(storage("0", 4), (2,), offset=3)}), "exceeds"),
        (state_dict({"a": tensor(storage("0", 4), (4,), offset=-1)}), "negative"),
        (state_dict({"a": tensor(storage("0", 4), (4,), strides=(-1,))}), "negative"),
        (state_dict({"a": tensor(storage("0", 4), (1,) * 40)}), "fit"),
        (state_dict({"a": tensor(storage("0", 4), (2, 2), strides=(1,))}), "fit"),
        (state_dict({"a": number(3)}), "no tensor"),
        (state_dict({"model": state_dict({"a": tensor(storage("0", 4), (4,))})}), "no tensor"),
        (tensor(storage("0", 4), (4,)), "no dictionary"),
        (b"]" + number(1) + b"a", "no dictionary"),
        (b"\xff", "no instruction"),
        (b"h\x07", "nonsense"),
        (b"(", "nonsense"),
        (b"t", "nonsense"),
        (b"R", "nonsense"),
    ],
)
def test_nonsense_is_refused(path: Path, write: Write, value: bytes, said: str) -> None:
    write(path, value, {"0": FOUR.tobytes()})
    with pytest.raises(CorruptCheckpointError, match=said):
        read_bin(path)


def test_many_names_for_one_storage_are_refused(path: Path) -> None:
    data = np.zeros(10_000, np.float32)
    shared = tensor(storage("0", data.size), data.shape)
    value = state_dict({str(index): shared for index in range(200)})
    with pytest.raises(CorruptCheckpointError, match=r"take \d+ bytes"):
        read_bin(write_zip(path, value, {"0": data.tobytes()}))


def test_nested_pairs_of_references_do_not_explode(path: Path) -> None:
    doubled = b")" + b"".join(b"q\x00h\x00\x86" for _ in range(60))
    for value in (b"}" + doubled + b"Ns", doubled + b")R", state_dict({"a": doubled})):
        with pytest.raises(CheckpointError):
            read_bin(write_zip(path, value, {}))


@pytest.mark.parametrize("odd", ["a\nb\x1b[31m", "long" * 10_000])
def test_messages_stay_one_short_line(path: Path, odd: str) -> None:
    values = (
        text(odd) + text(odd) + b"\x93",
        state_dict({odd: number(1)}),
        state_dict({"a": tensor(storage(odd, 4), (4,))}),
    )
    for value in values:
        with pytest.raises(CheckpointError) as caught:
            read_bin(write_zip(path, value, {}))
        assert str(caught.value).isprintable() and len(str(caught.value)) < 600


def test_compressed_entries_are_refused(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\x00" * 10_000_000)
    with pytest.raises(CorruptCheckpointError, match="compressed"):
        read_bin(path)


@pytest.mark.parametrize("legacy", [False, True])
def test_every_truncation_is_reported(path: Path, legacy: bool) -> None:
    whole = write_arrays(path, {"a": FOUR, "b": FOUR}, legacy=legacy).read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(CorruptCheckpointError, match=r"pytorch_model\.bin"):
            read_bin(path)


@pytest.mark.parametrize("legacy", [False, True])
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 2000), byte=st.integers(0, 255))
def test_a_changed_byte_never_escapes_the_errors(path: Path, legacy: bool, position: int, byte: int) -> None:
    data = bytearray(write_arrays(path, {"a": FOUR, "b": FOUR}, legacy=legacy).read_bytes())
    data[position % len(data)] = byte
    path.write_bytes(data)
    try:
        read = read_bin(path)
    except (CorruptCheckpointError, UnsafeCheckpointError):
        return
    assert len(read) in (1, 2)  # a changed number in the legacy layout, which has no checksum; a changed name


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(min_size=1, max_size=200))
def test_random_instructions_never_escape_the_errors(path: Path, data: bytes) -> None:
    with contextlib.suppress(CorruptCheckpointError, UnsafeCheckpointError):
        assert read_bin(write_zip(path, data, {})) == {}
