"""Configurations take, keep and show what is no field of theirs, and say why they are not assigned to."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import pytest

from entailment.checkpoint.auto import AutoConfig
from entailment.checkpoint.config import BertConfig, DistilBertConfig, MobileBertConfig, config_from_dict
from entailment.errors import CheckpointError, InputError, UnsupportedModelError

CLASSES: tuple[Any, ...] = (BertConfig, DistilBertConfig, MobileBertConfig)
every = pytest.mark.parametrize("cls", CLASSES)


@every
def test_a_keyword_that_is_no_field_is_kept_and_read_as_attribute(cls: Any, tmp_path: Path) -> None:
    config = cls(finetuning_task="mnli", extra={"author": "me"}, num_labels=3)
    assert (config.finetuning_task, config.author, config.num_labels) == ("mnli", "me", 3)
    assert config.extra == {"author": "me", "finetuning_task": "mnli"}
    config.save_pretrained(tmp_path)
    assert cls.from_pretrained(tmp_path) == config
    assert cls.from_pretrained(tmp_path).finetuning_task == "mnli"
    assert replace(config, finetuning_task="qnli").extra == {"author": "me", "finetuning_task": "qnli"}
    assert cls(**config.to_dict()) == config
    with pytest.raises(AttributeError, match=f"a {cls.__name__} has no 'author'"):
        _ = cls().author


@every
def test_names_of_the_reference_without_a_field(cls: Any) -> None:
    assert (cls().tie_word_embeddings, cls().use_return_dict) == (True, True)
    config = cls(tie_word_embeddings=False, return_dict=False)
    assert (config.tie_word_embeddings, config.use_return_dict) == (False, False)
    assert config.to_dict()["tie_word_embeddings"] is False
    assert list(inspect.signature(cls).parameters.values())[-1].kind is inspect.Parameter.VAR_KEYWORD


@every
def test_the_text_of_the_file(cls: Any, tmp_path: Path) -> None:
    config = cls(finetuning_task="mnli")
    config.save_pretrained(tmp_path)
    assert config.to_json_string() == (tmp_path / "config.json").read_text(encoding="utf-8")
    assert config_from_dict(json.loads(config.to_json_string())) == config
    with pytest.raises(CheckpointError, match="cannot be written as JSON"):
        cls(thing=object()).to_json_string()


@every
def test_copies_and_pickles_are_equal(cls: Any) -> None:
    config = cls(finetuning_task="mnli")
    for twin in (copy.copy(config), copy.deepcopy(config), pickle.loads(pickle.dumps(config))):  # noqa: S301
        assert twin == config and twin.finetuning_task == "mnli"
    blank = cls.__new__(cls)
    assert not hasattr(blank, "extra") and not hasattr(blank, "finetuning_task") and not hasattr(blank, "own")
    assert not hasattr(cls(extra={"__array__": 1}), "__array__")


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ({"hidden_dropout": 0.2}, "hidden_dropout_prob"),
        ({"vocabsize": 5}, "vocab_size"),
        ({"layer_norm_epsilon": 1e-5}, "layer_norm_eps"),
        ({"classifier_dropout_prob": 0.2}, "classifier_dropout"),
    ],
)
def test_a_likely_slip_is_told(slip: dict[str, Any], meant: str, tmp_path: Path) -> None:
    (name,) = slip
    said = rf"MobileBertConfig has no '{name}'; did you mean '{meant}'\? .* extra=\{{'{name}': \.\.\.\}}"
    with pytest.raises(InputError, match=said):
        MobileBertConfig(**slip)
    MobileBertConfig(extra=slip).save_pretrained(tmp_path)
    assert MobileBertConfig.from_pretrained(tmp_path).extra == slip
    for opens in (MobileBertConfig.from_pretrained, AutoConfig.from_pretrained):
        with pytest.raises(InputError, match=said):
            opens(tmp_path, **slip)


def test_keys_of_the_reference_are_no_slips() -> None:
    keys = "bos_token_id eos_token_id sep_token_id mask_token_id pooler_num_attention_heads use_cache prefix"
    stated: dict[str, Any] = dict.fromkeys(keys.split(), 3)
    assert MobileBertConfig(**stated).extra == stated


def test_what_follows_from_fields_is_not_contradicted() -> None:
    same: dict[str, Any] = {"true_hidden_size": 128, "model_type": "mobilebert"}
    assert MobileBertConfig(**same) == MobileBertConfig(extra={"true_hidden_size": 128})
    wrong: list[tuple[Any, dict[str, Any]]] = [
        (MobileBertConfig, {"true_hidden_size": 64}),
        (DistilBertConfig, {"hidden_size": 128}),
        (BertConfig, {"model_type": "mobilebert"}),
        (BertConfig, {"use_return_dict": False}),
    ]
    for cls, settings in wrong:
        (name,) = settings
        with pytest.raises(InputError, match=f"{name} of a {cls.__name__} follows from its other settings"):
            cls(**settings)


@every
def test_what_nothing_here_computes_is_refused_as_keyword_too(cls: Any) -> None:
    assert cls(is_decoder=False).is_decoder is False
    with pytest.raises(UnsupportedModelError, match="is_decoder is set"):
        cls(is_decoder=True)
    with pytest.raises(CheckpointError, match="extra must map keys to values, not be None"):
        cls(extra=None)


@every
def test_from_pretrained_takes_changes(cls: Any, tmp_path: Path) -> None:
    cls(num_labels=3, finetuning_task="mnli").save_pretrained(tmp_path)
    two = {0: "yes", 1: "no"}
    openers: list[Any] = [cls.from_pretrained, AutoConfig.from_pretrained]
    for opens in openers:
        config = opens(
            tmp_path, num_labels=5, output_attentions=True, finetuning_task="qnli", use_cache=False
        )
        assert (config.num_labels, config.id2label[4], config.label2id["LABEL_4"]) == (5, "LABEL_4", 4)
        assert (config.output_attentions, config.finetuning_task, config.use_cache) == (True, "qnli", False)
        assert opens(tmp_path, id2label=two).label2id == {"yes": 0, "no": 1}
        assert opens(tmp_path, id2label=two, num_labels=2).id2label == two
        assert opens(tmp_path, num_labels=None, trust_remote_code=False, return_unused_kwargs=False) == opens(
            tmp_path, cache_dir=tmp_path, local_files_only=True, token=None
        )
        with pytest.raises(CheckpointError, match="num_labels is 3 but id2label names 2"):
            opens(tmp_path, id2label=two, num_labels=3)
        with pytest.raises(InputError, match="no argument trust_remote_code: no code"):
            opens(tmp_path, trust_remote_code=True)
        with pytest.raises(InputError, match="no argument 'return_unused_kwargs'"):
            opens(tmp_path, return_unused_kwargs=True)


def test_names_of_labels_stay_where_their_number_does(tmp_path: Path) -> None:
    BertConfig(id2label={0: "yes", 1: "no"}).save_pretrained(tmp_path)
    assert BertConfig.from_pretrained(tmp_path, num_labels=2).id2label == {0: "yes", 1: "no"}
    assert BertConfig.from_pretrained(tmp_path, num_labels=3).id2label[2] == "LABEL_2"


@every
def test_assigning_says_what_to_do_instead(cls: Any) -> None:
    config = cls()
    said = (
        rf"a {cls.__name__} is not changed in place; .*dataclasses\.replace\(config, output_attentions=True\)"
    )
    for kind in (InputError, FrozenInstanceError):
        with pytest.raises(kind, match=said):
            config.output_attentions = True
    with pytest.raises(InputError, match="not changed in place"):
        del config.vocab_size
    assert config == cls()


@every
def test_a_key_that_is_no_field_may_be_assigned(cls: Any, tmp_path: Path) -> None:
    config = cls(extra={"author": "me"})
    twin = replace(config, num_labels=3, id2label={}, label2id={})
    config.use_cache = False
    config.author = "you"
    assert (config.use_cache, config.author) == (False, "you")
    assert twin.extra == {"author": "me"}
    config.save_pretrained(tmp_path)
    assert cls.from_pretrained(tmp_path).use_cache is False
    config.update({"prefix": "p"})
    assert config.prefix == "p"
    with pytest.raises(InputError, match=r"did you mean 'num_labels'\?"):
        config.num_label = 3
    with pytest.raises(UnsupportedModelError, match="is_decoder is set"):
        config.is_decoder = True
    for name in ("to_dict", "model_type", "extra", "tie_word_embeddings"):
        with pytest.raises(InputError, match="not changed in place"):
            setattr(config, name, False)


@every
def test_what_the_reference_has_unasked(cls: Any) -> None:
    config = cls()
    assert (config.is_decoder, config.finetuning_task, config.chunk_size_feed_forward) == (False, None, 0)
    assert (config.pruned_heads, config.name_or_path, config.torch_dtype) == ({}, "", None)
    config.pruned_heads[0] = [1]
    assert config.pruned_heads == {} == cls().pruned_heads and config == cls() and config.extra == {}
    assert cls(extra={"_name_or_path": "org/model"}).name_or_path == "org/model"


@every
def test_pruned_heads_are_numbers(cls: Any, tmp_path: Path) -> None:
    for stated in ({"1": [0, 2]}, {1: (0, 2)}):
        config = cls(pruned_heads=stated)
        assert config.pruned_heads == {1: [0, 2]}
        assert config.to_dict()["pruned_heads"] == {"1": [0, 2]}
        config.save_pretrained(tmp_path)
        assert cls.from_pretrained(tmp_path) == config == cls(**config.to_dict())
    for wrong in ([1, 2], {"one": [1]}, {1: 2}):
        with pytest.raises(CheckpointError, match="pruned_heads must map layers to heads"):
            cls(pruned_heads=wrong)


@every
def test_files_and_differences(cls: Any, tmp_path: Path) -> None:
    config = cls(num_labels=3, finetuning_task="mnli", pad_token_id=1)
    usual = {"model_type": cls.model_type}
    assert cls().to_diff_dict() == usual
    assert config.to_diff_dict() == {
        **usual, "finetuning_task": "mnli", "pad_token_id": 1,
        "id2label": {str(i): f"LABEL_{i}" for i in range(3)}, "label2id": {f"LABEL_{i}": i for i in range(3)},
    }  # fmt: skip
    config.to_json_file(tmp_path / "one.json")
    assert cls.from_json_file(tmp_path / "one.json") == config
    assert json.loads(config.to_json_string(use_diff=True)) == config.to_diff_dict()
    assert AutoConfig.for_model(cls.model_type, num_labels=3) == cls(num_labels=3)


def test_the_published_checkpoint_of_mobilebert() -> None:
    assert list(MobileBertConfig.pretrained_config_archive_map) == ["google/mobilebert-uncased"]
    assert "pretrained_config_archive_map" not in MobileBertConfig().to_dict()
    with pytest.raises(UnsupportedModelError, match="'gpt2' is not one of bert"):
        AutoConfig.for_model("gpt2")


def test_mobilebert_takes_positions_in_the_documented_order() -> None:
    config = MobileBertConfig(100, 256, 3, 2, 64, "gelu")
    assert config == MobileBertConfig(
        vocab_size=100,
        hidden_size=256,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=64,
        hidden_act="gelu",
    )
    names = list(inspect.signature(MobileBertConfig).parameters.values())
    positional = [each.name for each in names if each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    assert (len(positional), positional[-1]) == (23, "classifier_dropout")
