"""The arguments of the documentation, by name and in their order."""

from __future__ import annotations

import dataclasses
import inspect

import pytest
import torch
from tests.models.tiny_models import EVERY_CLASS, config, fed, labelled, model_class, tiny

from entailment.checkpoint.config import MobileBertConfig
from entailment.errors import InputError
from entailment.models.outputs import MobileBertForPreTrainingOutput

INPUTS = ("input_ids", "attention_mask", "token_type_ids", "position_ids", "head_mask", "inputs_embeds")
FLAGS = ("output_attentions", "output_hidden_states", "return_dict")
ARGUMENTS = {
    "Model": (*INPUTS, "output_hidden_states", "output_attentions", "return_dict"),
    "ForPreTraining": (*INPUTS, "labels", "next_sentence_label", *FLAGS),
    "ForQuestionAnswering": (*INPUTS, "start_positions", "end_positions", *FLAGS),
}
CONFIG = {
    "vocab_size": 30522,
    "hidden_size": 512,
    "num_hidden_layers": 24,
    "num_attention_heads": 4,
    "intermediate_size": 512,
    "hidden_act": "relu",
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.1,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "initializer_range": 0.02,
    "layer_norm_eps": 1e-12,
    "pad_token_id": 0,
    "embedding_size": 128,
    "trigram_input": True,
    "use_bottleneck": True,
    "intra_bottleneck_size": 128,
    "use_bottleneck_attention": False,
    "key_query_shared_bottleneck": True,
    "num_feedforward_networks": 4,
    "normalization_type": "no_norm",
    "classifier_activation": True,
    "classifier_dropout": None,
}


@pytest.mark.parametrize(("architecture", "task"), EVERY_CLASS)
def test_forward_takes_what_is_documented(architecture: str, task: str) -> None:
    kind = model_class(architecture, task)
    taken = tuple(inspect.signature(kind.forward).parameters)
    older = ("next_sentence_label",) if task == "ForNextSentencePrediction" else ()
    assert taken == ("self", *ARGUMENTS.get(task, (*INPUTS, "labels", *FLAGS)), *older)
    assert kind.config_class is type(config(architecture))
    assert kind.__doc__


def test_the_encoder_takes_add_pooling_layer() -> None:
    built = inspect.signature(model_class("MobileBert", "Model")).parameters
    assert tuple(built) == ("config", "add_pooling_layer")
    assert built["add_pooling_layer"].default is True
    model = model_class("MobileBert", "Model")(config("MobileBert"), add_pooling_layer=False)
    assert model.pooler is None
    assert model(inputs_embeds=model.get_input_embeddings().weight[None, :3]).pooler_output is None


def test_the_defaults_of_the_configuration() -> None:
    default = MobileBertConfig()
    assert {name: getattr(default, name) for name in CONFIG} == CONFIG


def test_the_output_of_pre_training_has_the_documented_name() -> None:
    answer = tiny("MobileBert", "ForPreTraining")(**labelled("ForPreTraining"))
    assert isinstance(answer, MobileBertForPreTrainingOutput)
    assert [field.name for field in dataclasses.fields(MobileBertForPreTrainingOutput)] == [
        "loss",
        "prediction_logits",
        "seq_relationship_logits",
        "hidden_states",
        "attentions",
    ]


@pytest.mark.parametrize("architecture", ["Bert", "MobileBert"])
def test_next_sentence_label_is_an_older_name_of_labels(architecture: str) -> None:
    model = tiny(architecture, "ForNextSentencePrediction")
    given, labels = fed("ForNextSentencePrediction"), torch.tensor([1, 0])
    with pytest.warns(FutureWarning, match="next_sentence_label is now called labels"):
        older = model(**given, next_sentence_label=labels)
    assert torch.equal(older.loss, model(**given, labels=labels).loss)
    with pytest.raises(InputError, match="give labels alone"):
        model(**given, labels=labels, next_sentence_label=labels)


@pytest.mark.parametrize(("architecture", "task"), EVERY_CLASS)
def test_a_model_is_made_of_its_own_configuration(architecture: str, task: str) -> None:
    kind, other = model_class(architecture, task), "Bert" if architecture != "Bert" else "MobileBert"
    wanted = rf"made of a {architecture}Config, not of .*from_pretrained"
    for wrong in ("org/model", None, config(other), {"hidden_size": 16}):
        with pytest.raises(InputError, match=wanted):
            kind(wrong)
