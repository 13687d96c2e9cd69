"""Vocabulary, heads and memory of a built model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.models.tiny_models import (
    ARCHITECTURES,
    EVERY_CLASS,
    VOCABULARY,
    fed,
    ids,
    labelled,
    main_output,
    model_class,
    tiny,
)

from entailment.checkpoint.config import BertConfig, DistilBertConfig, MobileBertConfig
from entailment.errors import InputError
from entailment.models.bert import BertForSequenceClassification, BertModel
from entailment.models.distilbert import DistilBertModel
from entailment.models.mobilebert import MobileBertModel


@pytest.mark.parametrize(("architecture", "task"), EVERY_CLASS)
def test_a_larger_vocabulary(architecture: str, task: str, tmp_path: Path) -> None:
    model = tiny(architecture, task)
    before = main_output(model(**fed(task)))
    new = model.resize_token_embeddings(VOCABULARY + 3)
    assert new is model.get_input_embeddings()
    assert new.weight.shape[0] == model.config.vocab_size == VOCABULARY + 3
    after = main_output(model(**fed(task)))
    if hasattr(model, "predictions"):
        assert after.shape[-1] == VOCABULARY + 3
        assert model.predictions.decoder.weight is new.weight
        after = after[..., :VOCABULARY]
    torch.testing.assert_close(after, before, atol=1e-6, rtol=0)
    shape = (1, 3, 2) if task == "ForMultipleChoice" else (1, 2)
    assert main_output(model(torch.full(shape, VOCABULARY + 2))).isfinite().all()
    model.save_pretrained(tmp_path)
    again = model_class(architecture, task).from_pretrained(tmp_path)
    assert torch.equal(main_output(again(**fed(task))), main_output(model(**fed(task))))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_smaller_vocabulary(architecture: str) -> None:
    model = tiny(architecture, "ForMaskedLM")
    few = ids(2, 4) % 10
    before = model(few).logits
    model.resize_token_embeddings(9, pad_to_multiple_of=8)
    assert model.config.vocab_size == 16
    torch.testing.assert_close(model(few).logits, before[..., :16], atol=1e-6, rtol=0)
    with pytest.raises(InputError, match="input_ids holds 16"):
        model(few * 0 + 16)
    labels = few.clone()
    model.train()(few, labels=labels).loss.backward()
    assert model.get_input_embeddings().weight.grad is not None


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("tied", [True, False])
def test_what_is_frozen_stays_frozen(architecture: str, tied: bool) -> None:
    model = tiny(architecture, "ForMaskedLM", extra={"tie_word_embeddings": tied})
    frozen = {name for name, _ in model.named_parameters() if "word" in name or "query" in name}
    frozen |= {"predictions.bias"} | ({"predictions.extra"} if architecture == "MobileBert" else set())
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name not in frozen)
    assert frozen <= dict(model.named_parameters()).keys()
    model.resize_token_embeddings(VOCABULARY + 3)
    model.prune_heads({0: [1]})
    assert {name for name, p in model.named_parameters() if not p.requires_grad} == frozen
    for parameter in model.parameters():
        parameter.requires_grad_(not parameter.requires_grad)
    model.resize_token_embeddings(VOCABULARY)
    model.prune_heads({1: [2]})
    assert {name for name, p in model.named_parameters() if p.requires_grad} == frozen


def test_an_unchanged_vocabulary() -> None:
    model = tiny("Bert")
    assert model.resize_token_embeddings() is model.get_input_embeddings()
    assert model.resize_token_embeddings(VOCABULARY) is model.get_input_embeddings()
    assert model.resize_token_embeddings(pad_to_multiple_of=64).weight.shape[0] == 64


def test_a_model_says_where_it_is() -> None:
    assert tiny("Bert", "ForMaskedLM").device == torch.device("cpu")
    assert tiny("MobileBert").to("meta").device == torch.device("meta")


def test_an_impossible_vocabulary() -> None:
    with pytest.raises(InputError, match="cannot have 0 entries"):
        tiny("Bert").resize_token_embeddings(0)
    with pytest.raises(InputError, match="padding has the id 5"):
        tiny("Bert", pad_token_id=5).resize_token_embeddings(5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_pruned_heads_are_masked_ones(architecture: str, tmp_path: Path) -> None:
    model = tiny(architecture, "ForSequenceClassification")
    given = fed("ForSequenceClassification")
    mask = torch.ones(2, 4)
    mask[0, [1, 3]] = mask[1, 2] = 0
    expected = model(**given, head_mask=mask).logits
    assert not torch.allclose(expected, model(**given).logits, atol=1e-3)
    size = model.num_parameters()
    model.prune_heads({0: [3]})
    model.prune_heads({0: [1, 3], 1: [2]})
    torch.testing.assert_close(model(**given).logits, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(model(**given, output_attentions=True).logits, expected, atol=1e-5, rtol=0)
    assert [w.shape[1] for w in model(**given, output_attentions=True).attentions] == [2, 3]
    assert model.num_parameters() < size
    model.save_pretrained(tmp_path)
    again = model_class(architecture, "ForSequenceClassification").from_pretrained(tmp_path)
    assert again.config.extra["pruned_heads"] == again.config.pruned_heads == {0: [1, 3], 1: [2]}
    assert json.loads((tmp_path / "config.json").read_text())["pruned_heads"] == {"0": [1, 3], "1": [2]}
    assert torch.equal(again(**given).logits, model(**given).logits)
    with pytest.raises(InputError, match="2, 3 heads"):
        model(**given, head_mask=torch.ones(4))


def test_impossible_pruning() -> None:
    model = tiny("Bert")
    for wrong, message in [
        ({2: [0]}, "layer 2"),
        ({0: [4]}, "no heads"),
        ({0: [0, 1, 2, 3]}, "no head left"),
    ]:
        with pytest.raises(InputError, match=message):
            model.prune_heads(wrong)
    assert "pruned_heads" not in model.config.extra
    with pytest.raises(InputError, match="pruned_heads must map"):
        tiny("Bert", extra={"pruned_heads": [1, 2]})


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_recomputed_layers_give_the_same_gradients(architecture: str) -> None:
    model = tiny(architecture, "ForSequenceClassification")
    dropout = ("hidden_dropout_prob", "dropout", "attention_dropout", "seq_classif_dropout")
    names = [name for name in (*dropout, "attention_probs_dropout_prob") if hasattr(model.config, name)]
    none: dict[str, Any] = dict.fromkeys(names, 0.0)
    model = tiny(architecture, "ForSequenceClassification", **none).train()
    given = labelled("ForSequenceClassification")

    def gradients() -> list[torch.Tensor]:
        model.zero_grad()
        model(**given).loss.backward()
        return [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]

    plain = gradients()
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    hook = model.encoder.layers[0].register_forward_pre_hook(count)
    model.gradient_checkpointing_enable()
    recomputed = gradients()
    assert calls == 2
    model.gradient_checkpointing_disable()
    gradients()
    assert calls == 3
    hook.remove()
    for one, other in zip(plain, recomputed, strict=True):
        torch.testing.assert_close(one, other)


def test_dropout_is_for_training() -> None:
    model = tiny("Bert", "ForSequenceClassification", hidden_dropout_prob=0.5)
    given = fed("ForSequenceClassification")
    assert torch.equal(model(**given).logits, model(**given).logits)
    model.train()
    assert not torch.equal(model(**given).logits, model(**given).logits)
    own = tiny("Bert", "ForSequenceClassification", hidden_dropout_prob=0.0, classifier_dropout=0.5,
               attention_probs_dropout_prob=0.0).train()  # fmt: skip
    assert not torch.equal(own(**given).logits, own(**given).logits)


def test_new_weights_are_drawn_as_documented() -> None:
    model = tiny("Bert", initializer_range=0.02, hidden_size=64, intermediate_size=64)
    assert 0.018 < model.layers[0].attention.query.weight.std() < 0.022
    assert 0.017 < model.embeddings.word.weight.std() < 0.023
    assert torch.equal(model.embeddings.word.weight[0], torch.zeros(64))
    assert torch.equal(model.pooler.bias, torch.zeros(64))
    assert torch.equal(model.embeddings.norm.weight, torch.ones(64))


def test_fixed_positions() -> None:
    model = tiny("DistilBert", sinusoidal_pos_embds=True)
    at = model.embeddings.position.weight
    torch.testing.assert_close(
        at[1, :2],
        torch.tensor([1.0, 1.0]).sin() * torch.tensor([1.0, 0.0])
        + torch.tensor([0.0, 1.0]) * torch.tensor([1.0, 1.0]).cos(),
    )
    torch.testing.assert_close(at[0], torch.tensor([0.0, 1.0] * 8))


@pytest.mark.parametrize(
    ("kind", "config", "millions", "tolerance"),
    [
        (MobileBertModel, MobileBertConfig(), 25.3, 0.03),
        (MobileBertModel, MobileBertConfig.ib_bert_teacher(), 293.0, 0.01),
        (BertModel, BertConfig(), 109.5, 0.005),
        (DistilBertModel, DistilBertConfig(), 66.4, 0.005),
        (BertModel, BertConfig(hidden_size=384, num_hidden_layers=6, intermediate_size=1536), 22.7, 0.005),
        (
            BertForSequenceClassification,
            BertConfig(hidden_size=312, num_hidden_layers=4, intermediate_size=1200),
            14.35,
            0.01,
        ),
    ],
    ids=[
        "MobileBERT",
        "IB-BERT",
        "BERT base",
        "DistilBERT",
        "MiniLM-L6",
        "TinyBERT",
    ],
)
def test_sizes_are_those_of_the_papers(kind: type, config: object, millions: float, tolerance: float) -> None:
    with torch.device("meta"):
        model = kind(config)
    assert model.num_parameters() / 1e6 == pytest.approx(millions, rel=tolerance)


@pytest.mark.parametrize(("architecture", "task"), EVERY_CLASS)
def test_what_every_model_has(architecture: str, task: str) -> None:
    model = tiny(architecture, task)
    assert model.base_model is (model if task == "Model" else model.encoder)
    assert type(model.base_model).__name__ == f"{architecture}Model"
    assert model.dtype == torch.float32
    assert tiny(architecture, task).to(torch.bfloat16).dtype == torch.bfloat16
    predicts = task in ("ForPreTraining", "ForMaskedLM")
    assert (model.get_output_embeddings() is not None) == predicts
    words = torch.nn.Embedding.from_pretrained(model.get_input_embeddings().weight.flip(1), freeze=False)
    given = fed(task)
    before = main_output(model(**given))
    model.set_input_embeddings(words)
    assert model.get_input_embeddings() is words
    assert not torch.equal(main_output(model(**given)), before)
    if predicts:
        assert model.get_output_embeddings().weight is words.weight


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_weights_are_tied_where_they_are_said_to_be(architecture: str) -> None:
    for stated in (True, False):
        model = tiny(architecture, "ForMaskedLM", extra={"tie_word_embeddings": stated})
        decoder = model.get_output_embeddings()
        decoder.weight = torch.nn.Parameter(decoder.weight.detach().clone())
        model.tie_weights()
        assert (decoder.weight is model.get_input_embeddings().weight) == stated
    classifier = tiny(architecture, "ForSequenceClassification")
    state = {name: tensor.clone() for name, tensor in classifier.state_dict().items()}
    classifier.tie_weights()
    assert all(torch.equal(state[name], tensor) for name, tensor in classifier.state_dict().items())


@pytest.mark.parametrize(("architecture", "task"), EVERY_CLASS)
def test_the_encoder_under_the_name_of_the_reference(architecture: str, task: str) -> None:
    model = tiny(architecture, task)
    assert model.base_model_prefix == architecture.lower()
    encoder = getattr(model, model.base_model_prefix, model)
    assert encoder is model.base_model
    for parameter in encoder.parameters():
        parameter.requires_grad_(False)
    assert (model.num_parameters(only_trainable=True) == 0) == (task == "Model")


def test_what_is_counted() -> None:
    model = tiny("Bert", "ForMaskedLM")
    whole, tables = model.num_parameters(), VOCABULARY * 16 + 20 * 16 + 2 * 16
    assert model.num_parameters(exclude_embeddings=True) == whole - tables
    model.get_input_embeddings().weight.requires_grad_(False)
    assert model.num_parameters(True) == whole - VOCABULARY * 16
    assert model.num_parameters(True, True) == whole - tables
    assert model.get_memory_footprint() == 4 * whole
    assert model.to(torch.bfloat16).get_memory_footprint() == 2 * whole


def test_gradients_reach_the_words_of_a_frozen_encoder() -> None:
    model = tiny("MobileBert", "ForSequenceClassification").requires_grad_(False)
    given = fed("ForSequenceClassification")
    assert not model(**given).logits.requires_grad
    model.enable_input_require_grads()
    assert model(**given).logits.requires_grad


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_another_decoder(architecture: str, tmp_path: Path) -> None:
    model = tiny(architecture, "ForMaskedLM")
    before = model.get_output_embeddings()
    new = torch.nn.Linear(before.in_features, before.out_features, bias=False)
    model.set_output_embeddings(new)
    assert model.get_output_embeddings() is new
    model.save_pretrained(tmp_path)
    again = model_class(architecture, "ForMaskedLM").from_pretrained(tmp_path)
    assert torch.equal(again(**fed("ForMaskedLM")).logits, model(**fed("ForMaskedLM")).logits)
    for wrong in (torch.nn.Linear(before.in_features, before.out_features), torch.nn.Embedding(40, 16)):
        with pytest.raises(InputError, match=r"must be an nn.Linear\(.*bias=False\), not"):
            model.set_output_embeddings(wrong)
    with pytest.raises(InputError, match="predicts no words"):
        tiny(architecture).set_output_embeddings(new)


def test_word_embeddings_of_another_shape() -> None:
    model = tiny("MobileBert", "ForMaskedLM")
    for wrong in (torch.nn.Embedding(VOCABULARY + 1, 6), torch.nn.Linear(6, VOCABULARY), torch.ones(40, 6)):
        with pytest.raises(InputError, match=rf"Embedding\({VOCABULARY}, 6\), not .*resize_token_embeddings"):
            model.set_input_embeddings(wrong)
