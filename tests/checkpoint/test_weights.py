"""Weight files in every layout, and what is wrong with those that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.checkpoint.bin_files import write_arrays
from tests.tiny import Arrays, tiny_bert_arrays, tiny_bert_config, write_json, write_weights

from entailment.checkpoint.weights import read_weights
from entailment.errors import CheckpointNotFoundError, CorruptCheckpointError, WeightsMismatchError

INDEX = "model.safetensors.index.json"


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    return tiny_bert_arrays(tiny_bert_config())


def assert_same(read: Arrays, wanted: Arrays) -> None:
    assert read.keys() == wanted.keys()
    for name, array in wanted.items():
        np.testing.assert_array_equal(read[name], array, strict=True)


def write_sharded_bin(folder: Path, arrays: Arrays) -> None:
    names = list(arrays)
    shards = {"pytorch_model-1.bin": names[::2], "pytorch_model-2.bin": names[1::2]}
    for file, members in shards.items():
        write_arrays(folder / file, {name: arrays[name] for name in members})
    weight_map = {name: file for file, members in shards.items() for name in members}
    write_json(folder / "pytorch_model.bin.index.json", {"weight_map": weight_map})


def test_every_layout_reads_alike(tmp_path: Path, arrays: Arrays) -> None:
    for layout in ("safetensors", "sharded", "zip", "legacy", "sharded bin"):
        folder = tmp_path / layout
        folder.mkdir()
        if layout == "sharded bin":
            write_sharded_bin(folder, arrays)
        elif layout in ("zip", "legacy"):
            write_arrays(folder / "pytorch_model.bin", arrays, legacy=layout == "legacy")
        else:
            write_weights(folder, arrays, layout="sharded" if layout == "sharded" else "safetensors")
        assert_same(read_weights(folder), arrays)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_other_precisions_become_float32(tmp_path: Path, arrays: Arrays, dtype: str) -> None:
    stored = {name: array.astype(dtype) for name, array in arrays.items()}
    wanted = {name: array.astype(np.float32) for name, array in stored.items()}
    write_weights(tmp_path, stored)
    assert_same(read_weights(tmp_path), wanted)


def test_bfloat16_in_safetensors(tmp_path: Path) -> None:
    bits = np.array([[0x3F80, 0xC000], [0x7F80, 0x0000]], "<u2")
    header = json.dumps(
        {
            "__metadata__": {"format": "pt"},
            "a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
            "b": {"dtype": "BF16", "shape": [2, 2], "data_offsets": [4, 12]},
        }
    ).encode()
    content = len(header).to_bytes(8, "little") + header + np.float32(3).tobytes() + bits.tobytes()
    (tmp_path / "model.safetensors").write_bytes(content)
    read = read_weights(tmp_path)
    np.testing.assert_array_equal(read["a"], np.array([3], np.float32), strict=True)
    np.testing.assert_array_equal(read["b"], np.array([[1, -2], [np.inf, 0]], np.float32), strict=True)


def test_integers_stay(tmp_path: Path) -> None:
    write_weights(tmp_path, {"embeddings.position_ids": np.arange(4)})
    assert read_weights(tmp_path)["embeddings.position_ids"].dtype == np.int64


def test_old_names_become_modern(tmp_path: Path) -> None:
    one = np.ones(1, np.float32)
    write_weights(
        tmp_path, {"a.LayerNorm.gamma": one, "a.LayerNorm.beta": one, "b.gamma.weight": one, "c": one}
    )
    assert set(read_weights(tmp_path)) == {"a.LayerNorm.weight", "a.LayerNorm.bias", "b.gamma.weight", "c"}
    write_weights(tmp_path, {"a.LayerNorm.gamma": one, "a.LayerNorm.weight": one})
    with pytest.raises(WeightsMismatchError, match=r"a\.LayerNorm\.weight twice"):
        read_weights(tmp_path)


def test_safetensors_come_before_bin(tmp_path: Path, arrays: Arrays) -> None:
    write_weights(tmp_path, arrays)
    (tmp_path / "pytorch_model.bin").write_bytes(b"never opened")
    assert_same(read_weights(tmp_path), arrays)


def test_no_weights_at_all(tmp_path: Path) -> None:
    (tmp_path / "flax_model.msgpack").touch()
    with pytest.raises(CheckpointNotFoundError, match=r"none of model\.safetensors.*it has flax_model\.m"):
        read_weights(tmp_path)
    (tmp_path / "pytorch_model.fp16.bin").touch()
    with pytest.raises(CheckpointNotFoundError, match=r"pytorch_model\.fp16\.bin, of a variant: rename"):
        read_weights(tmp_path)
    with pytest.raises(CheckpointNotFoundError, match="no weights"):
        read_weights(tmp_path / "nowhere")


@pytest.mark.parametrize("file", ["model.safetensors", "pytorch_model.bin", "tf_model.h5"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
        (b"<!DOCTYPE html><html>not found</html>", "truncated or damaged"),
        (b"\xff" * 100, "truncated or damaged"),
    ],
)
def test_what_is_no_weight_file(tmp_path: Path, file: str, content: bytes, said: str) -> None:
    (tmp_path / file).write_bytes(content)
    with pytest.raises(CorruptCheckpointError, match=f"{file} .*{said}"):
        read_weights(tmp_path)


def test_truncated_safetensors(tmp_path: Path, arrays: Arrays) -> None:
    write_weights(tmp_path, arrays)
    path = tmp_path / "model.safetensors"
    whole = path.read_bytes()
    for length in (1, 8, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(CorruptCheckpointError, match=r"model\.safetensors is truncated or damaged"):
            read_weights(tmp_path)


@pytest.mark.parametrize(
    "file",
    [
        "../model.safetensors",
        "/etc/model.safetensors",
        "sub/model.safetensors",
        "sub\\model.safetensors",
        "C:model.safetensors",
        "..",
        ".safetensors",
        "model.bin",
        "a\0.safetensors",
        7,
        None,
    ],
)
def test_an_index_names_plain_files_only(tmp_path: Path, arrays: Arrays, file: Any) -> None:
    folder = tmp_path / "model"
    write_weights(folder, arrays, layout="sharded")
    write_weights(tmp_path, arrays)
    write_json(folder / INDEX, {"weight_map": {"a": file}})
    with pytest.raises(CorruptCheckpointError, match=r"not a .safetensors file beside it"):
        read_weights(folder)


@pytest.mark.parametrize("index", [{}, {"weight_map": {}}, {"weight_map": ["a"]}])
def test_an_index_without_a_map(tmp_path: Path, index: dict[str, object]) -> None:
    write_json(tmp_path / INDEX, index)
    with pytest.raises(CorruptCheckpointError, match="no weight_map"):
        read_weights(tmp_path)


def test_shards_that_disagree_with_the_index(tmp_path: Path, arrays: Arrays) -> None:
    write_weights(tmp_path, arrays, layout="sharded")
    index = json.loads((tmp_path / INDEX).read_text())
    gone = index["weight_map"].pop("classifier.bias")
    write_json(tmp_path / INDEX, index)
    with pytest.raises(CorruptCheckpointError, match=r"disagree on whether it holds classifier\.bias"):
        read_weights(tmp_path)
    (tmp_path / gone).unlink()
    with pytest.raises(CheckpointNotFoundError, match=f"{gone} is missing"):
        read_weights(tmp_path)
