"""Checkpoint folders: every array accounted for, new heads reported, and nothing changed on the way."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.models.tiny_models import (
    ARCHITECTURES,
    EVERY_CLASS,
    fed,
    main_output,
    model_class,
    tiny,
)
from tests.tiny import tiny_bert

from entailment.checkpoint.auto import AutoConfig
from entailment.checkpoint.config import BertConfig
from entailment.errors import CheckpointError, InputError, UnsupportedModelError, WeightsMismatchError
from entailment.models.auto import (
    AutoModel,
    AutoModelForNextSentencePrediction,
    AutoModelForSequenceClassification,
)
from entailment.models.bert import BertForSequenceClassification, BertModel
from entailment.models.load import load_encoder, load_model


def edit(folder: Path, change: Any) -> Path:
    """Apply `change` to the dictionary of a folder's arrays, in place."""
    arrays = load_file(folder / "model.safetensors")
    change(arrays)
    save_file({name: array.clone() for name, array in arrays.items()}, folder / "model.safetensors")
    return folder


def saved(architecture: str, task: str, folder: Path, **settings: Any) -> Path:
    tiny(architecture, task, **settings).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(("architecture", "task"), EVERY_CLASS)
def test_there_and_back_without_a_changed_bit(architecture: str, task: str, tmp_path: Path) -> None:
    model = tiny(architecture, task)
    model.save_pretrained(tmp_path)
    again = model_class(architecture, task).from_pretrained(tmp_path)
    assert again.loading_report.initialised == again.loading_report.unused == ()
    assert not again.training
    state = again.state_dict()
    assert state.keys() == model.state_dict().keys()
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, state[name]), name
    assert all(not parameter.is_meta and parameter.requires_grad for parameter in again.parameters())
    assert torch.equal(main_output(again(**fed(task))), main_output(model(**fed(task))))
    assert again.config.architectures == (architecture + task,)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors"]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_missing_head_is_new_and_reported(
    architecture: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = saved(architecture, "ForMaskedLM", tmp_path)
    with caplog.at_level(logging.WARNING, "entailment"):
        model = model_class(architecture, "ForSequenceClassification").from_pretrained(folder, num_labels=3)
    report = model.loading_report
    assert {"classifier.bias", "classifier.weight"} <= set(report.initialised)
    assert all("cls." in name or "vocab_" in name for name in report.unused)
    assert report.unused
    assert "classifier.weight" in caplog.text
    assert "mean nothing until trained" in caplog.text
    assert model.classifier.weight.shape == (3, 16)
    assert 0.1 < model.classifier.weight.std() < 0.6
    assert torch.equal(model.classifier.bias, torch.zeros(3))
    assert all(parameter.isfinite().all() for parameter in model.parameters())


@pytest.mark.parametrize("architecture", ["Bert", "MobileBert"])
def test_one_head_of_two(architecture: str, tmp_path: Path) -> None:
    folder = saved(architecture, "ForMaskedLM", tmp_path)
    report = model_class(architecture, "ForPreTraining").from_pretrained(folder).loading_report
    assert report.initialised == (
        "cls.seq_relationship.bias",
        "cls.seq_relationship.weight",
        "pooler.dense.bias",
        "pooler.dense.weight",
    )


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_names_with_and_without_the_prefix(architecture: str, tmp_path: Path) -> None:
    prefix = architecture.lower() + "."
    bare = saved(architecture, "Model", tmp_path / "bare")
    kind = model_class(architecture, "Model")
    expected = kind.from_pretrained(bare).state_dict()

    def put_before(arrays: dict[str, Any]) -> None:
        for name in list(arrays):
            arrays[prefix + name] = arrays.pop(name)

    prefixed = edit(saved(architecture, "Model", tmp_path / "prefixed"), put_before)
    found = kind.from_pretrained(prefixed).state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


def test_old_names(tmp_path: Path) -> None:
    """LayerNorm.gamma and .beta, a position_ids buffer, and a decoder beside the embeddings it is tied to."""
    folder = saved("Bert", "ForPreTraining", tmp_path)
    expected = model_class("Bert", "ForPreTraining").from_pretrained(folder).state_dict()

    def age(arrays: dict[str, Any]) -> None:
        arrays["bert.embeddings.position_ids"] = torch.arange(20)[None]
        arrays["cls.predictions.decoder.weight"] = arrays["bert.embeddings.word_embeddings.weight"]
        arrays["cls.predictions.decoder.bias"] = arrays["cls.predictions.bias"]
        for name in list(arrays):
            old = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
                "LayerNorm.bias", "LayerNorm.beta"
            )
            arrays[old] = arrays.pop(name)

    model = model_class("Bert", "ForPreTraining").from_pretrained(edit(folder, age))
    assert model.loading_report.initialised == model.loading_report.unused == ()
    assert model.predictions.decoder.weight is model.encoder.embeddings.word.weight
    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in expected.items())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_tied_weights_are_one_and_saved_once(architecture: str, tmp_path: Path) -> None:
    folder = saved(architecture, "ForMaskedLM", tmp_path)
    assert not any(
        "decoder" in name or name == "vocab_projector.weight"
        for name in load_file(folder / "model.safetensors")
    )
    model = model_class(architecture, "ForMaskedLM").from_pretrained(folder)
    assert model.predictions.decoder.weight is model.get_input_embeddings().weight


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_decoder_that_was_never_tied_stays_its_own(architecture: str, tmp_path: Path) -> None:
    decoder = "vocab_projector.weight" if architecture == "DistilBert" else "cls.predictions.decoder.weight"
    folder = saved(architecture, "ForMaskedLM", tmp_path)
    words = model_class(architecture, "ForMaskedLM").from_pretrained(folder).get_input_embeddings().weight
    edit(folder, lambda arrays: arrays.update({decoder: words.detach() * 2}))
    model = model_class(architecture, "ForMaskedLM").from_pretrained(folder)
    assert torch.equal(model.predictions.decoder.weight, words * 2)
    model.save_pretrained(tmp_path / "again")
    again = model_class(architecture, "ForMaskedLM").from_pretrained(tmp_path / "again")
    assert torch.equal(again.predictions.decoder.weight, words * 2)
    assert json.loads((tmp_path / "again/config.json").read_text())["tie_word_embeddings"] is False


LAYER = "bert.encoder.layer.{}.output.dense.bias"
NORM = "bert.embeddings.LayerNorm.bias"
HEAD = "classifier.bias"
SLIPS: dict[str, tuple[str, Any]] = {
    "unknown": ("hold bert.embeddings.extra", lambda a: a.update({"bert.embeddings.extra": torch.zeros(2)})),
    "a layer too many": ("hold bert.enc.*layer.2", lambda a: a.update({LAYER.format(2): torch.zeros(16)})),
    "missing": ("lack encoder.layer.1.output.dense.bias", lambda a: a.pop(LAYER.format(1))),
    "half a head": ("lack classifier.bias", lambda a: a.pop(HEAD)),
    "doubled": ("twice", lambda a: a.update({NORM.removeprefix("bert."): torch.zeros(16)})),
    "misplaced": ("hold bert.classifier.bias", lambda a: a.update({f"bert.{HEAD}": a.pop(HEAD)})),
    "shape": (r"has shape \[3\], but .* needs \[16\]", lambda a: a.update({NORM: torch.zeros(3)})),
    "type": ("not of floating point", lambda a: a.update({HEAD: torch.zeros(3, dtype=torch.long)})),
}


@pytest.mark.parametrize(("message", "change"), SLIPS.values(), ids=SLIPS.keys())
def test_wrong_arrays_are_refused(message: str, change: Any, tmp_path: Path) -> None:
    folder = edit(saved("Bert", "ForSequenceClassification", tmp_path, num_labels=3), change)
    with pytest.raises(WeightsMismatchError, match=message) as caught:
        BertForSequenceClassification.from_pretrained(folder)
    assert str(tmp_path) in str(caught.value)


def test_a_name_out_of_a_file_reaches_no_terminal_as_it_is(tmp_path: Path) -> None:
    evil = "evil\x1b[2Jname"
    folder = edit(saved("Bert", "Model", tmp_path), lambda arrays: arrays.update({evil: torch.zeros(2)}))
    with pytest.raises(WeightsMismatchError, match=r"hold 'evil\\x1b\[2Jname'"):
        BertModel.from_pretrained(folder)


def test_two_biases_that_differ(tmp_path: Path) -> None:
    folder = saved("Bert", "ForMaskedLM", tmp_path)
    edit(folder, lambda arrays: arrays.update({"cls.predictions.decoder.bias": torch.ones(40)}))
    with pytest.raises(WeightsMismatchError, match="twice"):
        model_class("Bert", "ForMaskedLM").from_pretrained(folder)


@pytest.mark.parametrize("architecture", ["Bert", "MobileBert"])
def test_an_untied_decoder_has_a_bias_of_its_own(architecture: str, tmp_path: Path) -> None:
    """The reference computes with it: it is saved beside the other, and what a file holds of it counts."""
    first, second = "cls.predictions.bias", "cls.predictions.decoder.bias"
    kind = model_class(architecture, "ForMaskedLM")
    for task in ("ForMaskedLM", "ForPreTraining"):
        folder = saved(architecture, task, tmp_path, extra={"tie_word_embeddings": False})
        held = load_file(folder / "model.safetensors")
        assert torch.equal(held[second], held[first])
    edit(folder, lambda arrays: arrays.update({second: torch.ones(40), first: torch.zeros(40)}))
    model = kind.from_pretrained(folder)
    assert torch.equal(model.predictions.bias, torch.ones(40))
    assert not {first, second} & set(model.loading_report.unused)
    edit(folder, lambda arrays: arrays.pop(second))
    assert torch.equal(kind.from_pretrained(folder).predictions.bias, torch.zeros(40))
    encoder = model_class(architecture, "Model").from_pretrained(
        edit(folder, lambda a: a.update({second: a[first]}))
    )
    assert {first, second} <= set(encoder.loading_report.unused)


def test_another_number_of_classes(tmp_path: Path) -> None:
    folder = saved("Bert", "ForSequenceClassification", tmp_path, id2label={0: "no", 1: "yes"})
    with pytest.raises(WeightsMismatchError, match="ignore_mismatched_sizes=True"):
        BertForSequenceClassification.from_pretrained(folder, num_labels=5)
    model: Any = BertForSequenceClassification.from_pretrained(
        folder, num_labels=5, ignore_mismatched_sizes=True
    )
    assert model.loading_report.initialised == ("classifier.bias", "classifier.weight")
    assert model.config.id2label[4] == "LABEL_4"
    same = BertForSequenceClassification.from_pretrained(folder, num_labels=2)
    assert same.config.id2label == {0: "no", 1: "yes"}


def test_settings_of_the_call(tmp_path: Path) -> None:
    folder = saved("Bert", "ForSequenceClassification", tmp_path)
    model = BertForSequenceClassification.from_pretrained(
        folder,
        id2label={0: "bad", 1: "good"},
        label2id={"bad": 0, "good": 1},
        problem_type="multi_label_classification",
        output_attentions=True,
        dtype=torch.bfloat16,
    )
    assert model.config.id2label[1] == "good"
    assert model.config.problem_type == "multi_label_classification"
    assert model.classifier.weight.dtype == torch.bfloat16
    assert model(**fed("ForSequenceClassification")).attentions[0].dtype == torch.bfloat16


def test_the_stored_precision_is_the_stated_one(tmp_path: Path) -> None:
    model = tiny("Bert", "ForSequenceClassification", extra={"torch_dtype": "float16"})
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        folder = tmp_path / str(dtype)
        model.save_pretrained(folder, dtype=dtype)
        config = json.loads((folder / "config.json").read_text())
        assert config["dtype"] == str(dtype).removeprefix("torch.")
        assert "torch_dtype" not in config
        assert load_file(folder / "model.safetensors")["classifier.weight"].dtype == dtype
        again = BertForSequenceClassification.from_pretrained(folder)
        assert torch.equal(again.classifier.weight, model.classifier.weight.to(dtype).float())


def test_another_architecture(tmp_path: Path) -> None:
    folder = saved("MobileBert", "Model", tmp_path)
    with pytest.raises(UnsupportedModelError, match="is a mobilebert, not what BertModel is for"):
        BertModel.from_pretrained(folder)


def test_prefix_attention_is_not_read_as_full(tmp_path: Path) -> None:
    folder = tiny_bert(tmp_path / "model", attention="prefix")
    for kind in (BertForSequenceClassification, AutoModelForSequenceClassification, BertModel):
        with pytest.raises(UnsupportedModelError, match="prefix attention"):
            kind.from_pretrained(folder)
    assert type(load_model(folder)).__name__ == "PrefixBertForSequenceClassification"


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="cannot be written"):
        tiny("Bert").save_pretrained(tmp_path / "file" / "model")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_auto_classes_know_the_architecture(architecture: str, tmp_path: Path) -> None:
    folder = saved(architecture, "ForSequenceClassification", tmp_path)
    assert type(AutoConfig.from_pretrained(folder)).__name__ == architecture + "Config"
    assert type(AutoModel.from_pretrained(folder)).__name__ == architecture + "Model"
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    assert type(model).__name__ == architecture + "ForSequenceClassification"
    assert type(AutoModelForSequenceClassification.from_config(model.config)) is type(model)
    assert type(load_model(folder)) is type(model)


def test_an_auto_class_without_one(tmp_path: Path) -> None:
    folder = saved("DistilBert", "Model", tmp_path)
    with pytest.raises(
        UnsupportedModelError, match="AutoModelForNextSentencePrediction has no class for a distilbert"
    ):
        AutoModelForNextSentencePrediction.from_pretrained(folder)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_classifier_is_not_made_of_an_encoder_alone(architecture: str, tmp_path: Path) -> None:
    folder = saved(architecture, "Model", tmp_path)
    with pytest.raises(WeightsMismatchError, match="lack the classification head"):
        load_model(folder)
    model = tiny(architecture, "ForSequenceClassification", seed=4)
    head = model.classifier.weight.clone()
    load_encoder(model, folder)
    assert torch.equal(model.classifier.weight, head)
    words = model_class(architecture, "Model").from_pretrained(folder).get_input_embeddings().weight
    assert torch.equal(model.get_input_embeddings().weight, words)


def test_an_old_head_is_left_out_of_a_new_classifier(tmp_path: Path) -> None:
    folder = saved("DistilBert", "ForSequenceClassification", tmp_path)
    model = tiny("DistilBert", "ForSequenceClassification", seed=4, num_labels=5)
    before = model.pre_classifier.weight.clone()
    load_encoder(model, folder)
    assert torch.equal(model.pre_classifier.weight, before)


def test_the_config_is_the_models(tmp_path: Path) -> None:
    config = BertConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, vocab_size=9
    )
    assert BertModel(config).config is config


@pytest.mark.parametrize("named", ["dtype", "torch_dtype"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, "bfloat16", "torch.bfloat16", "auto"])
def test_the_type_of_weights_has_two_names(named: str, dtype: Any, tmp_path: Path) -> None:
    tiny("Bert").save_pretrained(tmp_path, dtype=torch.bfloat16)
    model = BertModel.from_pretrained(tmp_path, **{named: dtype})
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}


def test_a_type_that_weights_cannot_have(tmp_path: Path) -> None:
    tiny("Bert").save_pretrained(tmp_path)
    for wrong in (torch.int8, "int8", "nn", 16):
        with pytest.raises(InputError, match=r"expected torch\.float32, .*'auto'"):
            BertModel.from_pretrained(tmp_path, dtype=wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="give dtype"):
        BertModel.from_pretrained(tmp_path, dtype="float16", torch_dtype="bfloat16")
    (tmp_path / "config.json").write_text(
        json.dumps({k: v for k, v in tiny("Bert").config.to_dict().items() if k != "dtype"})
    )
    assert BertModel.from_pretrained(tmp_path, dtype="auto").embeddings.word.weight.dtype == torch.float32


def test_what_loading_found_is_told_when_asked(tmp_path: Path) -> None:
    folder = saved("Bert", "ForSequenceClassification", tmp_path)
    model, told = BertForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    assert isinstance(model, BertForSequenceClassification)
    assert told == {"missing_keys": [], "unexpected_keys": [], "mismatched_keys": [], "error_msgs": []}
    _, told = AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=5, ignore_mismatched_sizes=True, output_loading_info=True
    )
    assert told["mismatched_keys"] == [
        ("classifier.bias", (2,), (5,)),
        ("classifier.weight", (2, 16), (5, 16)),
    ]
    assert told["missing_keys"] == []


@pytest.mark.parametrize("kind", [BertModel, AutoModelForSequenceClassification])
def test_arguments_of_the_reference_that_are_not_ours(kind: Any, tmp_path: Path) -> None:
    folder = saved("Bert", "ForSequenceClassification", tmp_path)
    for name, value, instead in (
        ("trust_remote_code", True, "no code of a checkpoint is ever run"),
        ("from_tf", True, "a tf_model.h5 is read"),
        ("device_map", "auto", r"\.to\(device\)"),
        ("attn_implementation", "sdpa", "attention is fused"),
        ("torch_dtpye", None, r"it has .* dtype, .*id2label, .* torch_dtype"),
    ):
        with pytest.raises(InputError, match=f"from_pretrained of a model has no argument .*{instead}"):
            kind.from_pretrained(folder, **{name: value})
    kind.from_pretrained(folder, trust_remote_code=False, from_tf=False, device_map=None, token=None)


def test_a_configuration_that_is_none(tmp_path: Path) -> None:
    folder = saved("Bert", "ForSequenceClassification", tmp_path)
    wrong: Any
    for wrong in ("org/model", "", {"hidden_size": 16}, {}, folder):
        with pytest.raises(InputError, match=r"config must be a BertConfig, .*AutoConfig\.from_pretrained"):
            BertForSequenceClassification.from_pretrained(folder, config=wrong)
        with pytest.raises(InputError, match=r"config must be a BertConfig, .*AutoConfig\.from_pretrained"):
            AutoModelForSequenceClassification.from_config(wrong)
