"""Folders that open and folders that are refused."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tests.keras.tiny_keras import close, ids, model
from tests.tiny import tiny_bert, tiny_mobilebert

from entailment.errors import (
    CheckpointError,
    CheckpointNotFoundError,
    InputError,
    MissingExtraError,
    UnsupportedModelError,
    WeightsMismatchError,
)
from entailment.keras import (
    TFMobileBertForMaskedLM,
    TFMobileBertForPreTraining,
    TFMobileBertForSequenceClassification,
    TFMobileBertModel,
)

Arrays = dict[str, np.ndarray]


def test_a_bin_file_opens(tmp_path: Path) -> None:
    import torch

    whole = model(num_labels=3)
    whole.save_pretrained(tmp_path)
    arrays = load_file(tmp_path / "model.safetensors")
    (tmp_path / "model.safetensors").unlink()
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    torch.save(tensors, tmp_path / "pytorch_model.bin")
    again = TFMobileBertForSequenceClassification.from_pretrained(tmp_path, from_pt=True)
    close(again(ids(1, 4)).logits, whole(ids(1, 4)).logits, within=0)


def test_heads_come_and_go(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model("ForPreTraining").save_pretrained(tmp_path)
    with caplog.at_level(logging.WARNING, logger="entailment"):
        classifier = TFMobileBertForSequenceClassification.from_pretrained(
            tmp_path, id2label={0: "no", 1: "perhaps", 2: "yes"}, output_attentions=True
        )
    assert classifier.loading_report.initialised == ("classifier.bias", "classifier.weight")
    assert "cls.seq_relationship.weight" in classifier.loading_report.unused
    assert "has no trained weights for classifier.bias, classifier.weight" in caplog.text
    answer = classifier(ids(1, 4))
    assert (answer.logits.shape, len(answer.attentions)) == ((1, 3), 1)
    masked = TFMobileBertForMaskedLM.from_pretrained(tmp_path)
    assert masked.loading_report.initialised == ()
    classifier.save_pretrained(tmp_path / "classifier")
    with pytest.raises(WeightsMismatchError, match="ignore_mismatched_sizes=True starts with a new head"):
        TFMobileBertForSequenceClassification.from_pretrained(tmp_path / "classifier", num_labels=2)
    other = TFMobileBertForSequenceClassification.from_pretrained(
        tmp_path / "classifier", num_labels=2, ignore_mismatched_sizes=True
    )
    assert other(ids(1, 4)).logits.shape == (1, 2)
    with pytest.raises(InputError, match="num_labels is 2 but id2label names 1"):
        TFMobileBertModel.from_pretrained(tmp_path, num_labels=2, id2label={0: "one"})
    encoder = TFMobileBertModel.from_pretrained(tmp_path)
    encoder.save_pretrained(tmp_path / "encoder")  # whose names have no prefix
    assert "embeddings.LayerNorm.weight" in load_file(tmp_path / "encoder" / "model.safetensors")
    assert TFMobileBertForPreTraining.from_pretrained(tmp_path / "encoder").loading_report.unused == ()


def without_one(arrays: Arrays) -> None:
    del arrays["mobilebert.encoder.layer.0.output.dense.bias"]


def half_a_head(arrays: Arrays) -> None:
    del arrays["classifier.bias"]


def doubled(arrays: Arrays) -> None:
    arrays["pooler.dense.bias"] = arrays["mobilebert.pooler.dense.bias"]


def unknown(arrays: Arrays) -> None:
    arrays["mobilebert.encoder.layer.7.output.dense.bias"] = arrays["classifier.bias"]


def misplaced(arrays: Arrays) -> None:
    arrays["mobilebert.classifier.bias"] = arrays.pop("classifier.bias")


def reshaped(arrays: Arrays) -> None:
    arrays["mobilebert.pooler.dense.bias"] = np.ones(3, np.float32)


def integers(arrays: Arrays) -> None:
    arrays["classifier.bias"] = arrays["classifier.bias"].astype(np.int64)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (without_one, "the weights lack encoder.layer.0.output.dense.bias"),
        (half_a_head, "the weights lack classifier.bias"),
        (doubled, "hold pooler.dense.bias twice"),
        (unknown, "hold mobilebert.encoder.layer.7"),
        (misplaced, "hold mobilebert.classifier.bias"),
        (reshaped, r"pooler.dense.bias has shape \[3\], but the model needs \[32\]"),
        (integers, "classifier.bias is of type int64"),
    ],
)
def test_every_array_is_accounted_for(tmp_path: Path, damage: Any, said: str) -> None:
    folder = tiny_mobilebert(tmp_path, num_hidden_layers=1)
    arrays = load_file(folder / "model.safetensors")
    damage(arrays)
    save_file(arrays, folder / "model.safetensors")
    with pytest.raises(WeightsMismatchError, match=said):
        TFMobileBertForSequenceClassification.from_pretrained(folder)


def test_what_is_no_mobilebert(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModelError, match="is a bert, not what TFMobileBertModel is for"):
        TFMobileBertModel.from_pretrained(tiny_bert(tmp_path / "bert"))
    with pytest.raises(UnsupportedModelError, match="full attention"):
        TFMobileBertForSequenceClassification.from_pretrained(
            tiny_mobilebert(tmp_path / "prefix", attention="prefix")
        )
    with pytest.raises(CheckpointNotFoundError):
        TFMobileBertModel.from_pretrained(tmp_path / "nothing")


def test_saving_leaves_one_kind_of_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = model()
    one.save_pretrained(tmp_path / "folder")
    one.save_pretrained(tmp_path / "folder", safe_serialization=False)
    assert sorted(path.name for path in (tmp_path / "folder").iterdir()) == ["config.json", "tf_model.h5"]
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="file cannot be written"):
        one.save_pretrained(tmp_path / "file")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingExtraError, match=r"writing tf_model.h5 needs h5py: .*\[tensorflow\]"):
        one.save_pretrained(tmp_path / "folder", safe_serialization=False)


def test_the_documented_names_of_places(tmp_path: Path) -> None:
    one = model()
    one.save_pretrained(save_directory=tmp_path, push_to_hub=False, saved_model=False, version=1)
    kind: Any = TFMobileBertForSequenceClassification
    again = kind.from_pretrained(pretrained_model_name_or_path=tmp_path, name="mine", classifier_dropout=0.3)
    assert (again.name, again.dropout.rate, again.config.classifier_dropout) == ("mine", 0.3, 0.3)
    assert again.base_model_prefix == "mobilebert"
    again.mobilebert.trainable = False
    assert len(again.trainable_weights) == 2
    with pytest.raises(InputError, match=r"has no argument saved_model: export\(folder\) writes"):
        one.save_pretrained(tmp_path, saved_model=True)
    with pytest.raises(InputError, match="dropout is no setting of a mobilebert"):
        kind.from_pretrained(tmp_path, dropout=0.3)


def test_arguments_of_the_pytorch_classes(tmp_path: Path) -> None:
    model(num_labels=2).save_pretrained(tmp_path)
    kind: Any = TFMobileBertForSequenceClassification
    plain = kind.from_pretrained(tmp_path, return_dict=False, token=False)
    assert type(plain(ids(1, 4))) is tuple
    same, told = kind.from_pretrained(tmp_path, output_loading_info=True)
    assert type(same) is kind
    assert told == {"missing_keys": [], "unexpected_keys": [], "mismatched_keys": [], "error_msgs": []}
    _, told = kind.from_pretrained(
        tmp_path, num_labels=5, ignore_mismatched_sizes=True, output_loading_info=True
    )
    assert told["mismatched_keys"] == [
        ("classifier.bias", (2,), (5,)),
        ("classifier.weight", (2, 16), (5, 16)),
    ]
    assert told["missing_keys"] == []
    _, told = TFMobileBertForPreTraining.from_pretrained(tmp_path, output_loading_info=True)
    assert "cls.predictions.bias" in told["missing_keys"]
    assert told["unexpected_keys"] == ["classifier.bias", "classifier.weight"]
    assert kind.from_pretrained(tmp_path, from_tf=False).config == same.config
    for wrong, said in (
        ({"config": "model"}, "config must be a MobileBertConfig, not 'model'; AutoConfig"),
        ({"use_safetensors": True}, "has no argument use_safetensors: safetensors are read first"),
        ({"colour": 1}, "has no argument 'colour'; it has .*cache_dir, .*config, .*dtype,"),
    ):
        with pytest.raises(InputError, match=said):
            kind.from_pretrained(tmp_path, **wrong)
