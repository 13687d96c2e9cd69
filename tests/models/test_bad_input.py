"""What cannot be computed is refused by name, before anything is."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.models.tiny_models import ARCHITECTURES, POSITIONS, VOCABULARY, ids, model_class, tiny
from torch import Tensor

from entailment.errors import CheckpointError, InputError, UnsupportedModelError
from entailment.models.losses import class_loss, sequence_loss, span_loss

GIVEN = ids(2, 6)


def refused(model: Any, message: str, **arguments: Any) -> None:
    with pytest.raises(InputError, match=message):
        model(**arguments)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_tensors(architecture: str) -> None:
    model = tiny(architecture)
    width = model.get_input_embeddings().embedding_dim
    words = torch.zeros(2, 6, width)
    refused(model, "both input_ids and inputs_embeds", input_ids=GIVEN, inputs_embeds=words)
    refused(model, "neither input_ids nor inputs_embeds")
    refused(model, rf"must be \[batch, tokens, {width}\]", inputs_embeds=torch.zeros(2, 6, width + 1))
    refused(model, r"must be whole numbers \[batch, tokens\], not int64 \[6\]", input_ids=GIVEN[0])
    refused(model, "not float32", input_ids=GIVEN.float())
    refused(model, r"\[2, 0\]", input_ids=GIVEN[:, :0])
    refused(
        model, f"input_ids holds {VOCABULARY}, but 0 to {VOCABULARY - 1}", input_ids=GIVEN * 0 + VOCABULARY
    )
    refused(model, "input_ids holds -1", input_ids=GIVEN * 0 - 1)
    refused(
        model,
        f"{POSITIONS + 1} tokens, but the model has {POSITIONS} positions",
        input_ids=ids(1, POSITIONS + 1),
    )
    refused(model, "position_ids holds", input_ids=GIVEN, position_ids=GIVEN * 0 + POSITIONS)
    refused(model, r"position_ids must be whole numbers \[2, 6\]", input_ids=GIVEN, position_ids=GIVEN[:, :5])
    refused(model, r"attention_mask must be \[2, 6\]", input_ids=GIVEN, attention_mask=torch.ones(2, 5))
    refused(model, r"attention_mask must be \[2, 6\]", input_ids=GIVEN, attention_mask=torch.ones(2, 1, 1, 6))
    refused(model, "attention_mask holds -10000", input_ids=GIVEN, attention_mask=torch.full((2, 6), -1e4))
    heads = model.config.num_attention_heads
    refused(model, rf"2 layers of {heads} heads", input_ids=GIVEN, head_mask=torch.ones(heads + 1))
    refused(model, rf"2 layers of {heads} heads", input_ids=GIVEN, head_mask=torch.ones(3, heads))


@pytest.mark.parametrize("architecture", ["Bert", "MobileBert"])
def test_token_types(architecture: str) -> None:
    model = tiny(architecture)
    refused(model, "token_type_ids holds 2, but 0 to 1", input_ids=GIVEN, token_type_ids=GIVEN * 0 + 2)
    refused(model, "token_type_ids must be", input_ids=GIVEN, token_type_ids=GIVEN[:1, :3])


def test_distilbert_has_no_token_types_and_does_not_mind_them() -> None:
    model = tiny("DistilBert")
    given = model(GIVEN, token_type_ids=GIVEN * 0 + 1).last_hidden_state
    assert torch.equal(given, model(GIVEN).last_hidden_state)


def test_choices_need_their_axis() -> None:
    refused(
        tiny("Bert", "ForMultipleChoice"), r"input_ids must be \[batch, choices, tokens\]", input_ids=GIVEN
    )
    words = torch.zeros(2, 6, 16)
    refused(tiny("Bert", "ForMultipleChoice"), "inputs_embeds must have 4 axes", inputs_embeds=words)
    refused(tiny("Bert", "ForMultipleChoice"), "neither")


@pytest.mark.parametrize(
    ("task", "labels", "message"),
    [
        ("ForSequenceClassification", torch.tensor([0, 3]), "labels holds 3, but the classes are 0 to 2"),
        ("ForSequenceClassification", torch.tensor([0, -1]), "labels holds -1"),
        ("ForSequenceClassification", torch.tensor([0]), r"labels must be whole numbers \[2\]"),
        ("ForSequenceClassification", torch.tensor([0.0, 1.0]), r"must be \[2, 3\], not \[2\]"),
        ("ForSequenceClassification", torch.full((2, 3), 1.5), "0 to 1 for each class"),
        ("ForTokenClassification", torch.full((2, 6), 7), "labels holds 7"),
        ("ForTokenClassification", torch.full((2, 6), -100), "all -100"),
        ("ForTokenClassification", torch.zeros(2, 5, dtype=torch.long), r"whole numbers \[2, 6\]"),
        ("ForMaskedLM", torch.full((2, 6), VOCABULARY), f"labels holds {VOCABULARY}"),
        ("ForNextSentencePrediction", torch.tensor([0, 2]), "labels holds 2, but the classes are 0 to 1"),
    ],
)
def test_labels(task: str, labels: Tensor, message: str) -> None:
    refused(tiny("Bert", task, num_labels=3), message, input_ids=GIVEN, labels=labels)


def test_losses_by_themselves() -> None:
    with pytest.raises(InputError, match="next_sentence_label holds 5"):
        class_loss(torch.zeros(1, 2), torch.tensor([5]), name="next_sentence_label")
    with pytest.raises(InputError, match="start_positions are all behind the text of 4 tokens"):
        span_loss(torch.zeros(1, 4), torch.zeros(1, 4), torch.tensor([9]), torch.tensor([0]))
    with pytest.raises(InputError, match="regression"):
        sequence_loss(torch.zeros(2, 1), torch.zeros(3), tiny("Bert", "ForSequenceClassification").config)


def test_answers_outside_the_text_are_left_out() -> None:
    logits = torch.randn(2, 4, generator=torch.Generator().manual_seed(0))
    both = span_loss(logits, logits, torch.tensor([1, 9]), torch.tensor([1, 4]))
    torch.testing.assert_close(both, span_loss(logits[:1], logits[:1], torch.tensor([1]), torch.tensor([1])))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_questions_have_two_labels(architecture: str) -> None:
    with pytest.raises(UnsupportedModelError, match="num_labels=2"):
        tiny(architecture, "ForQuestionAnswering", num_labels=3)


def test_an_output_embedding_wider_than_the_encoder() -> None:
    with pytest.raises(CheckpointError, match="embedding_size 32 is above hidden_size 16"):
        tiny("MobileBert", "ForMaskedLM", embedding_size=32)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_row_of_padding_alone_is_finite(architecture: str) -> None:
    model = tiny(architecture)
    mask = torch.ones(2, 6, dtype=torch.long)
    mask[1] = 0
    fused = model(GIVEN, mask).last_hidden_state
    assert fused.isfinite().all()
    torch.testing.assert_close(
        fused, model(GIVEN, mask, output_attentions=True).last_hidden_state, atol=1e-5, rtol=0
    )
    torch.testing.assert_close(fused[:1], model(GIVEN[:1], mask[:1]).last_hidden_state, atol=1e-5, rtol=0)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_mask_for_every_token(architecture: str) -> None:
    """[B, T, T]: where no token sees a later one, the later ones change nothing before them."""
    settings: dict[str, Any] = {"trigram_input": False} if architecture == "MobileBert" else {}
    model = tiny(architecture, **settings)
    mask = torch.ones(6, 6, dtype=torch.long).tril().expand(2, -1, -1)
    other = GIVEN.clone()
    other[:, 4:] = 7
    found, changed = model(GIVEN, mask).last_hidden_state, model(other, mask).last_hidden_state
    torch.testing.assert_close(found[:, :4], changed[:, :4], atol=1e-6, rtol=0)
    assert not torch.allclose(found[:, 4:], changed[:, 4:])


def test_every_architecture_has_its_classes() -> None:
    assert model_class("DistilBert", "ForNextSentencePrediction") is None
    assert all(model_class(a, "ForQuestionAnswering") for a in ARCHITECTURES)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.short, torch.int])
def test_whole_numbers_of_every_type(architecture: str, dtype: torch.dtype) -> None:
    """Embeddings look up 64 and 32 bits alone; what is accepted is computed."""
    model = tiny(architecture)
    given = {"input_ids": GIVEN, "position_ids": GIVEN % POSITIONS, "token_type_ids": GIVEN % 2}
    expected = model(**given).last_hidden_state
    for name, tensor in given.items():
        assert torch.equal(model(**{**given, name: tensor.to(dtype)}).last_hidden_state, expected), name
    refused(model, "input_ids holds", **{**given, "input_ids": (GIVEN * 0 + VOCABULARY).to(dtype)})
    spans = tiny(architecture, "ForQuestionAnswering")
    starts, ends = torch.tensor([1, 9]), torch.tensor([2, 3])
    assert torch.equal(
        spans(GIVEN, start_positions=starts.to(dtype), end_positions=ends.to(dtype)).loss,
        spans(GIVEN, start_positions=starts, end_positions=ends).loss,
    )
