"""What `from_pretrained` and `save_pretrained` take by the names of the reference library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.models.tiny_models import ARCHITECTURES, EVERY_CLASS, fed, model_class, tiny

from entailment.checkpoint.auto import AutoConfig
from entailment.errors import InputError
from entailment.models.auto import AutoModelForSequenceClassification
from entailment.models.bert import BertForSequenceClassification, BertModel
from entailment.models.distilbert import DistilBertForSequenceClassification, DistilBertModel
from entailment.models.mobilebert import MobileBertModel


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_documented_names_of_places(architecture: str, tmp_path: Path) -> None:
    model = tiny(architecture, "ForSequenceClassification")
    model.save_pretrained(save_directory=tmp_path)
    model.config.save_pretrained(save_directory=tmp_path / "config", push_to_hub=False)
    openers: tuple[Any, ...] = (
        type(model),
        AutoModelForSequenceClassification,
        type(model.config),
        AutoConfig,
    )
    for opens in openers:
        found = opens.from_pretrained(pretrained_model_name_or_path=tmp_path)
        assert getattr(found, "config", found).model_type == architecture.lower()


def test_settings_of_the_configuration_by_name(tmp_path: Path) -> None:
    tiny("Bert", "ForSequenceClassification").save_pretrained(tmp_path / "bert")
    tiny("DistilBert", "ForSequenceClassification").save_pretrained(tmp_path / "distilbert")
    kinds: tuple[Any, ...] = (BertForSequenceClassification, AutoModelForSequenceClassification)
    for kind in kinds:
        model = kind.from_pretrained(
            tmp_path / "bert", classifier_dropout=0.3, hidden_dropout_prob=0.2, layer_norm_eps=1e-6
        )
        assert (model.dropout.p, model.encoder.embeddings.dropout.p) == (0.3, 0.2)
        assert (model.config.classifier_dropout, model.config.layer_norm_eps) == (0.3, 1e-6)
        assert (
            kind.from_pretrained(tmp_path / "bert", finetuning_task="mnli").config.finetuning_task == "mnli"
        )
    other = DistilBertForSequenceClassification.from_pretrained(
        tmp_path / "distilbert", seq_classif_dropout=0.4
    )
    assert other.dropout.p == 0.4
    with pytest.raises(InputError, match="seq_classif_dropout is no setting of a bert"):
        BertForSequenceClassification.from_pretrained(tmp_path / "bert", seq_classif_dropout=0.4)
    with pytest.raises(InputError, match="hidden_dropout_prob must be a probability"):
        BertForSequenceClassification.from_pretrained(tmp_path / "bert", hidden_dropout_prob=2)
    with pytest.raises(InputError, match="no argument 'hidden_dropout'"):
        kinds[0].from_pretrained(tmp_path / "bert", hidden_dropout=0.1)


def test_an_encoder_without_its_pooler(tmp_path: Path) -> None:
    for architecture, kind in (("Bert", BertModel), ("MobileBert", MobileBertModel)):
        folder = tmp_path / architecture
        tiny(architecture).save_pretrained(folder)
        model: Any = kind.from_pretrained(folder, add_pooling_layer=False)
        assert model.pooler is None and model(**fed("Model")).pooler_output is None
        assert model.loading_report.unused == ("pooler.dense.bias", "pooler.dense.weight")
    with pytest.raises(InputError, match="is for BertModel and MobileBertModel, not BertForSequenceC"):
        BertForSequenceClassification.from_pretrained(tmp_path / "Bert", add_pooling_layer=False)
    tiny("DistilBert").save_pretrained(tmp_path / "DistilBert")
    with pytest.raises(InputError, match="not DistilBertModel"):
        DistilBertModel.from_pretrained(tmp_path / "DistilBert", add_pooling_layer=True)


def test_what_saving_is_asked_for(tmp_path: Path) -> None:
    model = tiny("Bert", "ForSequenceClassification")
    model.save_pretrained(tmp_path / "other", False)
    assert not (tmp_path / "other").exists()
    nothing = {"safe_serialization": True, "max_shard_size": "5GB", "variant": None, "push_to_hub": False}
    model.save_pretrained(tmp_path / "plain", save_function=torch.save, **nothing)
    assert sorted(path.name for path in (tmp_path / "plain").iterdir()) == [
        "config.json",
        "model.safetensors",
    ]
    for name, value, said in (
        ("push_to_hub", True, "`entail push` uploads"),
        ("safe_serialization", False, "written as safetensors"),
        ("max_shard_size", "20KB", "one file"),
        ("variant", "fp16", "give the variant's file such a name"),
        ("colour", 1, "it has dtype, is_main_process, save_directory"),
    ):
        with pytest.raises(InputError, match=f"save_pretrained of a model has no argument .*{said}"):
            model.save_pretrained(tmp_path / "other", **{name: value})
    with pytest.raises(InputError, match="save_pretrained of a configuration has no argument push_to_hub"):
        model.config.save_pretrained(tmp_path / "other", push_to_hub=True)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(("architecture", "task"), EVERY_CLASS)
def test_a_state_in_the_place_of_the_models_own(architecture: str, task: str, tmp_path: Path) -> None:
    model, other = tiny(architecture, task), tiny(architecture, task, seed=1)
    model.save_pretrained(tmp_path, state_dict=other.state_dict())
    again = model_class(architecture, task).from_pretrained(tmp_path)
    assert all(torch.equal(again.state_dict()[name], each) for name, each in other.state_dict().items())


def test_a_state_of_another_model(tmp_path: Path) -> None:
    model = tiny("Bert", "ForSequenceClassification")
    with pytest.raises(InputError, match=r"the state_dict lacks classifier\.bias: it is not one of"):
        fewer = {name: each for name, each in model.state_dict().items() if name != "classifier.bias"}
        model.save_pretrained(tmp_path, state_dict=fewer)
    with pytest.raises(InputError, match=r"the state_dict holds module\.x"):
        model.save_pretrained(tmp_path, state_dict={**model.state_dict(), "module.x": torch.ones(1)})
    assert not list(tmp_path.iterdir())
