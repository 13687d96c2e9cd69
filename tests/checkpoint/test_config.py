"""config.json to dataclass and back; every wrong value is named."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tiny import tiny_bert_config, write_json

from entailment.checkpoint.config import BertConfig, DistilBertConfig, MobileBertConfig, config_from_dict
from entailment.checkpoint.folder import read_config
from entailment.errors import (
    CheckpointError,
    CheckpointNotFoundError,
    CorruptCheckpointError,
    UnsupportedModelError,
)

CLASSES = (BertConfig, DistilBertConfig, MobileBertConfig)
NLI = {0: "entailment", 1: "neutral", 2: "contradiction"}


def test_documented_defaults_of_mobilebert() -> None:
    config = MobileBertConfig()
    assert (config.hidden_size, config.intra_bottleneck_size, config.true_hidden_size) == (512, 128, 128)
    assert (config.num_feedforward_networks, config.normalization_type, config.hidden_act) == (
        4,
        "no_norm",
        "relu",
    )
    teacher = MobileBertConfig.ib_bert_teacher()
    assert (teacher.true_hidden_size, teacher.intermediate_size, teacher.normalization_type) == (
        1024,
        4096,
        "layer_norm",
    )


@pytest.mark.parametrize("cls", CLASSES)
def test_num_labels_and_id2label_make_each_other(cls: type[BertConfig]) -> None:
    assert cls().num_labels == 2
    assert cls(num_labels=3).id2label == {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}
    config = cls(id2label=NLI)
    assert (config.num_labels, config.label2id["contradiction"]) == (3, 2)
    assert config.with_labels(["entailment", "not_entailment"]).num_labels == 2
    assert replace(config, initializer_range=0.5).id2label == NLI
    with pytest.raises(CheckpointError, match="num_labels is 2 but id2label names 3"):
        cls(id2label=NLI, num_labels=2)


def test_configurations_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        BertConfig().hidden_size = 3  # type: ignore[misc]


@pytest.mark.parametrize("cls", CLASSES)
def test_saved_and_read_again_is_equal(cls: type[BertConfig], tmp_path: Path) -> None:
    config = cls(
        id2label=NLI,
        attention="prefix",
        problem_type="single_label_classification",
        architectures=("SomeClass",),
        extra={"finetuning_task": "mnli", "nested": {"a": [1, None]}},
    )
    config.save_pretrained(tmp_path / "new" / "folder")
    assert cls.from_pretrained(tmp_path / "new" / "folder") == config
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == ["config.json"]


def test_a_file_comes_back_as_it_was(tmp_path: Path) -> None:
    values = tiny_bert_config() | {
        "transformers_version": "4.8.2",
        "torch_dtype": "float32",
        "use_cache": True,
    }
    written = BertConfig.from_dict(values).to_dict()
    assert {key: written[key] for key in values} == values
    assert "attention" not in written and "num_labels" not in written


def test_string_ids_and_null_are_understood() -> None:
    config = config_from_dict(
        {
            "model_type": "bert",
            "id2label": {"1": "b", "0": "a"},
            "label2id": {"a": "0", "b": "1"},
            "classifier_dropout": None,
            "pad_token_id": None,
            "architectures": None,
        }
    )
    assert (config.id2label, config.label2id, config.pad_token_id) == ({0: "a", 1: "b"}, {"a": 0, "b": 1}, 0)


def test_another_class_is_named(tmp_path: Path) -> None:
    DistilBertConfig().save_pretrained(tmp_path)
    with pytest.raises(UnsupportedModelError, match="use DistilBertConfig"):
        BertConfig.from_pretrained(tmp_path)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"hidden_size": 30}, "hidden_size 30 is not divisible by num_attention_heads 4"),
    ({"hidden_size": "32"}, "hidden_size must be a whole number, not '32'"),
    ({"hidden_size": 32.0}, "hidden_size must be a whole number"),
    ({"num_hidden_layers": True}, "num_hidden_layers must be a whole number"),
    ({"num_hidden_layers": 0}, "num_hidden_layers must be between 1 and"),
    ({"num_attention_heads": -4}, "num_attention_heads must be between 1 and"),
    ({"num_attention_heads": 0}, "num_attention_heads must be between 1 and"),
    ({"vocab_size": 10**12}, "vocab_size must be between 1 and"),
    ({"intermediate_size": -1}, "intermediate_size must be between"),
    ({"max_position_embeddings": 0}, "max_position_embeddings must be between"),
    ({"type_vocab_size": 0}, "type_vocab_size must be between"),
    ({"pad_token_id": 10**6}, "pad_token_id 1000000 is outside the vocabulary"),
    ({"pad_token_id": -1}, "pad_token_id -1 is outside the vocabulary"),
    ({"layer_norm_eps": 0}, "layer_norm_eps must be above 0"),
    ({"layer_norm_eps": float("nan")}, "layer_norm_eps must be finite"),
    ({"hidden_dropout_prob": 1.0}, "hidden_dropout_prob must be a probability"),
    ({"classifier_dropout": "none"}, "classifier_dropout must be a number"),
    ({"id2label": {"0": "a", "2": "b"}}, "id2label must name the ids 0 to 1"),
    ({"id2label": {"x": "a"}}, "id2label has 'x'"),
    ({"id2label": {"0": None}}, "id2label names label 0 None"),
    ({"id2label": ["a", "b"]}, "id2label must map"),
    ({"label2id": {"a": "zero"}}, "label2id gives 'a' the id 'zero'"),
    ({"num_labels": 2}, "num_labels is 2 but id2label names 3"),
    ({"num_labels": 10**9}, "num_labels must be between"),
    ({"architectures": "BertModel"}, "architectures must be a list"),
    ({"output_attentions": "yes"}, "output_attentions must be true or false, not 'yes'"),
    ({"return_dict": 0}, "return_dict must be true or false, not 0"),
]


@pytest.mark.parametrize(("values", "said"), WRONG)
def test_wrong_values_are_named_with_their_file(tmp_path: Path, values: dict[str, Any], said: str) -> None:
    write_json(tmp_path / "config.json", tiny_bert_config() | values)
    with pytest.raises(CorruptCheckpointError, match=f"config\\.json: {said}"):
        read_config(tmp_path)


UNSUPPORTED: list[tuple[dict[str, Any], str]] = [
    ({"model_type": "gpt2"}, "'gpt2' is not one of bert, distilbert, mobilebert"),
    ({"model_type": None}, "not one of bert"),
    ({"model_type": ["bert"]}, "not one of bert"),
    ({"hidden_act": "mish"}, "hidden_act 'mish' is not supported; known are gelu"),
    ({"position_embedding_type": "relative_key"}, "position_embedding_type 'relative_key' is not supported"),
    ({"attention": "causal"}, "attention 'causal' is not supported; known are full, prefix"),
    ({"attention": ["full"]}, "attention"),
    ({"problem_type": "ranking"}, "problem_type 'ranking'"),
    ({"is_decoder": True}, "is_decoder is set"),
]


@pytest.mark.parametrize(("values", "said"), UNSUPPORTED)
def test_what_is_not_supported_is_named_with_its_file(
    tmp_path: Path, values: dict[str, Any], said: str
) -> None:
    write_json(tmp_path / "config.json", tiny_bert_config() | values)
    with pytest.raises(UnsupportedModelError, match=f"config\\.json: .*{said}"):
        read_config(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not valid JSON"),
        (b'{"model_type": "bert"', "not valid JSON"),
        (b"\xff\xfe\x00", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[]", "must hold a JSON object"),
        (b"null", "must hold a JSON object"),
    ],
)
def test_what_is_no_json_object(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(CorruptCheckpointError, match=f"config\\.json .*{said}"):
        read_config(tmp_path)


def test_a_missing_file_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(CheckpointNotFoundError, match=r"has no config\.json \(it holds model\.safetensors\)"):
        read_config(tmp_path)


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    BertConfig().save_pretrained(tmp_path)
    before = (tmp_path / "config.json").read_bytes()
    with pytest.raises(CheckpointError, match="cannot be written"):
        BertConfig(extra={"unwritable": object()}).save_pretrained(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
    assert (tmp_path / "config.json").read_bytes() == before
    assert json.loads(before)["model_type"] == "bert"


@pytest.mark.parametrize("cls", CLASSES)
def test_what_models_answer_with_is_stated_by_argument_and_by_file(
    cls: type[BertConfig], tmp_path: Path
) -> None:
    names = ("output_attentions", "output_hidden_states", "return_dict")
    assert [getattr(cls(), name) for name in names] == [False, False, True]
    config = cls(output_attentions=True, output_hidden_states=True, return_dict=False)
    assert [getattr(config, name) for name in names] == [True, True, False]
    config.save_pretrained(tmp_path)
    assert cls.from_pretrained(tmp_path) == config
    assert cls.from_dict({"output_attentions": True}).extra == {}
    assert cls.from_dict(dict.fromkeys(names)) == cls()


def test_an_activation_may_be_a_function_of_torch() -> None:
    torch = pytest.importorskip("torch")
    functions = {"relu": torch.nn.functional.relu, "gelu": torch.nn.functional.gelu, "tanh": torch.tanh}
    for name, function in functions.items():
        assert BertConfig(hidden_act=function) == BertConfig(hidden_act=name)
        assert MobileBertConfig(hidden_act=function) == MobileBertConfig(hidden_act=name)
        assert DistilBertConfig(activation=function) == DistilBertConfig(activation=name)
    assert MobileBertConfig(hidden_act=torch.relu).to_dict()["hidden_act"] == "relu"


def test_what_another_function_computes_is_not_guessed() -> None:
    def gelu(x: float) -> float:
        return x

    torch = pytest.importorskip("torch")
    for wrong in (gelu, abs, torch.nn.functional.elu, torch.nn.GELU(approximate="tanh"), torch.nn.ReLU):
        with pytest.raises(UnsupportedModelError, match=r"hidden_act .* is no activation of torch.* gelu, "):
            MobileBertConfig(hidden_act=wrong)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedModelError, match=r"activation .* give a name"):
        DistilBertConfig(activation=gelu)  # type: ignore[arg-type]


def test_numbers_of_numpy_are_kept_as_pythons() -> None:
    labels = np.array([0, 2, 1])
    config = MobileBertConfig(
        hidden_size=np.int64(256),  # type: ignore[arg-type]
        hidden_dropout_prob=np.float32(0.5),  # type: ignore[arg-type]
        layer_norm_eps=np.float64(1e-6),
        num_labels=labels.max() + 1,
    )
    same = MobileBertConfig(hidden_size=256, hidden_dropout_prob=0.5, layer_norm_eps=1e-6, num_labels=3)
    assert config == same and config.to_json_string() == same.to_json_string()
    kinds = [type(getattr(config, name)) for name in ("hidden_size", "hidden_dropout_prob", "layer_norm_eps")]
    assert (kinds, type(config.num_labels)) == ([int, float, float], int)
    names = {np.int64(0): np.str_("no"), np.int32(1): np.str_("yes")}
    ids: Any = {"no": np.int64(0), "yes": np.int64(1)}
    named = BertConfig(id2label=names, label2id=ids)  # type: ignore[arg-type]
    assert named == BertConfig(id2label={0: "no", 1: "yes"})
    assert BertConfig.from_dict(json.loads(named.to_json_string())) == named
    for wrong in (np.float64(3), np.array([1, 2]), np.bool_(True)):
        with pytest.raises(CheckpointError, match="num_hidden_layers must be a whole number"):
            BertConfig(num_hidden_layers=wrong)  # type: ignore[arg-type]
