"""tf_model.h5: the arrays of every architecture, and what is wrong with files that cannot be read."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tests.checkpoint.h5_files import tf_path, write_h5
from tests.tiny import tiny_bert, tiny_distilbert, tiny_mobilebert, write_json, write_weights

from entailment.checkpoint.folder import open_checkpoint
from entailment.checkpoint.keras_file import read_h5, torch_name
from entailment.checkpoint.weights import read_weights
from entailment.errors import CheckpointNotFoundError, CorruptCheckpointError, MissingExtraError

SCOPES = {"bert": "tf_bert", "distilbert": "tf_distil_bert", "mobilebert": "tf_mobile_bert"}
TINY: dict[str, Callable[..., Path]] = {
    "bert": tiny_bert,
    "distilbert": tiny_distilbert,
    "mobilebert": tiny_mobilebert,
}
Arrays = dict[str, np.ndarray]


def as_h5(folder: Path, family: str = "bert") -> Arrays:
    """Replace the weights of a folder by a tf_model.h5; returns them."""
    arrays: Arrays = load_file(folder / "model.safetensors")
    scope = f"{SCOPES[family]}_for_sequence_classification"
    write_h5(folder / "tf_model.h5", arrays, scope=scope, no_norm=family == "mobilebert")
    (folder / "model.safetensors").unlink()
    return arrays


@pytest.mark.parametrize("family", TINY)
def test_every_array_arrives(tmp_path: Path, family: str) -> None:
    folder = TINY[family](tmp_path / "model")
    wanted = open_checkpoint(folder).weights()
    arrays = as_h5(folder, family)
    read = read_weights(folder)
    assert read.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array, strict=True)
        assert read[name].flags.c_contiguous
    ours = open_checkpoint(folder).weights()
    assert all(np.array_equal(ours[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize("family", TINY)
def test_safetensors_of_tensorflow(tmp_path: Path, family: str) -> None:
    """The TensorFlow classes of transformers 4 put their names and kernels into a model.safetensors, too."""
    folder = TINY[family](tmp_path / "model")
    wanted = open_checkpoint(folder).weights()
    arrays: Arrays = load_file(folder / "model.safetensors")
    theirs: Arrays = {}
    for name, array in arrays.items():
        variable = tf_path(name, "", no_norm=family == "mobilebert").lstrip("/")
        theirs[variable] = np.ascontiguousarray(array.T) if variable.endswith("kernel:0") else array
    assert not theirs.keys() & arrays.keys()
    save_file(theirs, folder / "model.safetensors")
    read = read_weights(folder)
    assert read.keys() == arrays.keys() and all(each.flags.c_contiguous for each in read.values())
    ours = open_checkpoint(folder).weights()
    assert all(np.array_equal(ours[name], wanted[name]) for name in wanted)


def test_shards_of_tensorflow(tmp_path: Path) -> None:
    """There a file has the variables without the scope of the model, and the index has them with it."""
    folder = tiny_mobilebert(tmp_path / "model")
    arrays: Arrays = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    placed: dict[str, str] = {}
    for i, name in enumerate(arrays):
        variable, shard = tf_path(name, "", no_norm=True).lstrip("/"), f"tf_model-0000{i % 2 + 1}-of-00002.h5"
        placed[f"tf_mobile_bert_for_sequence_classification/{variable}"] = shard
        with h5py.File(folder / shard, "a") as file:
            file[variable] = arrays[name].T if variable.endswith("kernel:0") else arrays[name]
    write_json(folder / "tf_model.h5.index.json", {"weight_map": placed})
    read = read_weights(folder)
    assert read.keys() == arrays.keys()
    assert all(np.array_equal(read[name], array) for name, array in arrays.items())
    (folder / "tf_model-00002-of-00002.h5").unlink()
    with pytest.raises(CheckpointNotFoundError, match=r"tf_model-00002-of-00002\.h5 is missing"):
        read_weights(folder)


# Written by hand after the naming rules of transformers 4: its modeling_tf_*.py name the layers, and its
# modeling_tf_pytorch_utils.py reads such names. No file from the hub was at hand.
@pytest.mark.parametrize(
    ("path", "name"),
    [
        (
            "bert/tf_bert_for_sequence_classification_1/bert/encoder/layer_._11/attention/self/query/kernel:0",
            "bert.encoder.layer.11.attention.self.query.weight",
        ),
        ("bert/encoder/layer_._0/output/LayerNorm/beta:0", "bert.encoder.layer.0.output.LayerNorm.bias"),
        ("classifier/bias:0", "classifier.bias"),
        (
            "bert/tf_bert_model/bert/embeddings/word_embeddings/weight:0",
            "bert.embeddings.word_embeddings.weight",
        ),
        (
            "bert/tf_bert_model/bert/embeddings/position_embeddings/embeddings:0",
            "bert.embeddings.position_embeddings.weight",
        ),
        (
            "mlm___cls/tf_bert_for_pre_training/bert/embeddings/word_embeddings/weight:0",
            "bert.embeddings.word_embeddings.weight",
        ),
        (
            "mlm___cls/tf_bert_for_pre_training/mlm___cls/predictions/transform/dense/kernel:0",
            "cls.predictions.transform.dense.weight",
        ),
        (
            "nsp___cls/tf_bert_for_pre_training/nsp___cls/seq_relationship/bias:0",
            "cls.seq_relationship.bias",
        ),
        (
            "distilbert/tf_distil_bert_model/distilbert/transformer/layer_._3/sa_layer_norm/gamma:0",
            "distilbert.transformer.layer.3.sa_layer_norm.weight",
        ),
        (
            "mobilebert/tf_mobile_bert_model/mobilebert/encoder/layer_._2/ffn.1/output/LayerNorm/weight:0",
            "mobilebert.encoder.layer.2.ffn.1.output.LayerNorm.weight",
        ),
        (
            "predictions___cls/tf_mobile_bert_for_pre_training/predictions___cls/predictions/decoder/weight:0",
            "cls.predictions.decoder.weight",
        ),
    ],
)
def test_names(path: str, name: str) -> None:
    assert torch_name(path) == name


def test_a_shared_layer_is_saved_twice_and_read_once(tmp_path: Path) -> None:
    one = np.arange(6, dtype=np.float32).reshape(2, 3)
    with h5py.File(tmp_path / "tf_model.h5", "w") as file:
        for layer in ("bert", "mlm___cls"):
            file[f"{layer}/tf_bert_for_masked_lm/bert/embeddings/word_embeddings/weight:0"] = one
    assert list(read_h5(tmp_path / "tf_model.h5")) == ["bert.embeddings.word_embeddings.weight"]
    with h5py.File(tmp_path / "tf_model.h5", "a") as file:
        file["mlm___cls/tf_bert_for_masked_lm/bert/embeddings/word_embeddings/weight:0"][0, 0] = 7
    with pytest.raises(CorruptCheckpointError, match=r"word_embeddings\.weight is there twice"):
        read_h5(tmp_path / "tf_model.h5")


def test_half_precision(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "tf_model.h5", "w") as file:
        file["classifier/kernel:0"] = np.ones((2, 3), np.float16)
    np.testing.assert_array_equal(
        read_weights(tmp_path)["classifier.weight"], np.ones((3, 2), np.float32), strict=True
    )


def test_safetensors_come_first(tmp_path: Path) -> None:
    write_weights(tmp_path, {"a": np.ones(1, np.float32)})
    (tmp_path / "tf_model.h5").write_bytes(b"never opened")
    assert list(read_weights(tmp_path)) == ["a"]


def test_without_h5py(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_h5(tiny_bert(tmp_path))
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingExtraError, match=r"reading tf_model\.h5 needs h5py: .*'entailment\[h5\]'"):
        read_weights(tmp_path)


def test_truncated_anywhere(tmp_path: Path) -> None:
    as_h5(tiny_bert(tmp_path))
    path = tmp_path / "tf_model.h5"
    whole = path.read_bytes()
    for length in (1, 8, 100, 2000, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(CorruptCheckpointError, match=r"tf_model\.h5 is truncated or damaged"):
            read_weights(tmp_path)


def test_damaged_anywhere(tmp_path: Path) -> None:
    """Whatever byte is overwritten: other numbers, or a named error; nothing else."""
    as_h5(tiny_bert(tmp_path))
    path = tmp_path / "tf_model.h5"
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for position in rng.integers(0, 8000, 150):
        path.write_bytes(whole[:position] + rng.bytes(2) + whole[position + 2 :])
        try:
            read_weights(tmp_path)
        except CorruptCheckpointError:
            refused += 1
    assert refused > 5


def dataset(file: Any, **options: Any) -> None:
    file.create_dataset("classifier/kernel:0", shape=(4, 4), dtype="f4", **options)


def links(file: Any) -> None:
    file["classifier/kernel:0"] = h5py.ExternalLink("/etc/passwd", "/x")


def virtual(file: Any) -> None:
    layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", shape=(4,))
    file.create_virtual_dataset("classifier/bias:0", layout)


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda file: None, "holds no arrays"),
        (links, "holds no arrays"),
        (virtual, "kept outside the file"),
        (lambda file: dataset(file, external=[("/etc/passwd", 0, 64)]), "kept outside the file"),
        (lambda file: dataset(file, compression="gzip"), "compressed"),
        (lambda file: dataset(file), "not stored as large as it is"),
        (lambda file: file.create_dataset("a/b:0", shape=(1 << 40,), dtype="f4"), "larger than the file"),
        (lambda file: file.create_dataset("a/b:0", data=["text"]), "not an array of numbers"),
        (lambda file: file.create_dataset("a/b:0", data=h5py.Empty("f4")), "not an array of numbers"),
    ],
    ids="nothing links virtual external compressed unstored huge text empty".split(),
)
def test_what_is_no_array_of_the_file(tmp_path: Path, write: Callable[[Any], None], said: str) -> None:
    with h5py.File(tmp_path / "tf_model.h5", "w") as file:
        write(file)
    with pytest.raises(CorruptCheckpointError, match=rf"tf_model\.h5.* {said}"):
        read_weights(tmp_path)
