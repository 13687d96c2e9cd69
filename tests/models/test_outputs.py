"""Answers are read by attribute, key, position and as a tuple, like the reference's."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.models.tiny_models import EVERY_CLASS, fed, labelled, model_class, tiny

from entailment.models.outputs import (
    BaseModelOutputWithPooling,
    MobileBertForPreTrainingOutput,
    SequenceClassifierOutput,
)


def output(*, loss: bool = False) -> SequenceClassifierOutput:
    return SequenceClassifierOutput(loss=torch.tensor(0.5) if loss else None, logits=torch.ones(2, 3))


def test_four_ways_in() -> None:
    found = output()
    assert found.logits is found["logits"] is found[0] is found.to_tuple()[0]
    assert found[:1] == (found.logits,)
    assert output(loss=True)[0].item() == 0.5


def test_what_is_not_there_is_no_key() -> None:
    found = output()
    assert found.loss is None
    assert list(found) == ["logits"] == list(found.keys())
    assert len(found) == 1
    assert "loss" not in found
    assert "loss" in output(loss=True)
    assert found.get("loss") is None
    assert found.get("loss", 3) == 3
    with pytest.raises(KeyError, match="loss"):
        found["loss"]
    with pytest.raises(IndexError):
        found[1]


def test_it_is_a_mapping() -> None:
    found = output(loss=True)
    assert dict(found.items()) == {**{name: found[name] for name in found}}
    assert dict(zip(found, found.values(), strict=True)).keys() == {"loss", "logits"}


def test_an_answer_is_made_as_documented() -> None:
    loss, words, order = torch.zeros(()), torch.ones(1, 2, 3), torch.ones(1, 2)
    assert list(MobileBertForPreTrainingOutput()) == []
    absent: Any = dict.fromkeys(("loss", "seq_relationship_logits", "hidden_states", "attentions"))
    named = MobileBertForPreTrainingOutput(prediction_logits=words, **absent)
    assert list(named) == ["prediction_logits"]
    assert MobileBertForPreTrainingOutput(loss, words, order).to_tuple() == (loss, words, order)
    assert BaseModelOutputWithPooling(words, order).pooler_output is order


def test_it_is_frozen_and_travels() -> None:
    found = output()
    with pytest.raises(AttributeError):
        found.logits = torch.zeros(1)  # type: ignore[misc]
    for again in (copy.deepcopy(found), pickle.loads(pickle.dumps(found))):  # noqa: S301
        assert torch.equal(again.logits, found.logits)


@pytest.mark.parametrize(("architecture", "task"), EVERY_CLASS)
@torch.inference_mode()
def test_a_tuple_on_demand(architecture: str, task: str) -> None:
    model = tiny(architecture, task)
    given = (
        labelled(task)
        if task != "Model"
        else {"input_ids": labelled("ForSequenceClassification")["input_ids"]}
    )
    everything = {"output_hidden_states": True, "output_attentions": True}
    answer = model(**given, **everything)
    plain = model(**given, **everything, return_dict=False)
    assert isinstance(plain, tuple)
    assert len(plain) == len(answer)
    for one, other in zip(plain, answer.values(), strict=True):
        for mine, yours in zip(*((x if isinstance(x, tuple) else (x,)) for x in (one, other)), strict=True):
            assert torch.equal(mine, yours)
    assert len(answer.hidden_states) == 3
    assert len(answer.attentions) == 2
    if task != "Model":
        assert answer.loss.shape == ()


@pytest.mark.parametrize(("architecture", "task"), EVERY_CLASS)
@torch.inference_mode()
def test_a_configuration_may_ask_for_more(architecture: str, task: str, tmp_path: Path) -> None:
    settings = {"output_attentions": True, "output_hidden_states": True, "return_dict": False}
    given = fed(task)["input_ids"]
    fewer = tiny(architecture, task)(given)
    tiny(architecture, task, **settings).save_pretrained(tmp_path / "stated")
    tiny(architecture, task).save_pretrained(tmp_path / "plain")
    kind = model_class(architecture, task)
    for model in (
        tiny(architecture, task, **settings),
        kind.from_pretrained(tmp_path / "stated"),
        kind.from_pretrained(tmp_path / "plain", **settings),
    ):
        assert model.config.output_hidden_states is True
        assert isinstance(model(given), tuple)
        assert len(model(given)) == len(fewer) + 2
        named = model(given, return_dict=True, output_attentions=False)
        assert list(named) == [*fewer, "hidden_states"]
    replaced = tiny(architecture, task)
    replaced.config = replace(replaced.config, **settings)
    assert len(replaced(given)) == len(fewer) + 2
    assert isinstance(replaced(given), tuple)
    assert replaced.base_model.config is replaced.config
    quiet = kind.from_pretrained(tmp_path / "stated", output_attentions=False, return_dict=True)
    assert quiet(given).keys() == named.keys()
