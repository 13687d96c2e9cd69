"""The forward passes of the tasks, the same for every architecture.

A task class composes an encoder and the layers of its head, says in `logits` what it computes from the
encoder's answer, and takes its `forward` from here:

    class BertForTokenClassification(nn.Module):
        def __init__(self, config): ...  # self.encoder = BertModel(config), self.classifier = ...
        def logits(self, encoded): return self.classifier(self.dropout(encoded.last_hidden_state))
        forward = heads.classify_tokens

Arguments are those of the reference documentation:

    input_ids              [B, T] ids; or else inputs_embeds [B, T, E]
    attention_mask         [B, T], 1 for tokens and 0 for padding; or [B, T, T], which token sees which
    token_type_ids         [B, T], 0 for the first text and 1 for the second; DistilBERT ignores them
    position_ids           [B, T], by default 0, 1, 2, ...
    head_mask              [A] or [N, A], 1 for heads that count and 0 for those that do not
    labels                 see each function; -100 is ignored
    output_attentions      return each layer's attention probabilities; likewise output_hidden_states
    return_dict            False returns a plain tuple of what is there

The last three, left out, are as config.json says. A wrong argument is an `InputError` that names it.

Legend of shapes: B batch, T tokens, E embedding width, A heads, N layers, K classes, V vocabulary, C choices.
"""

from __future__ import annotations

import warnings
from typing import Any, Protocol

from torch import Tensor, nn

from entailment.checkpoint.config import Config
from entailment.errors import InputError
from entailment.models import outputs
from entailment.models.losses import class_loss, sequence_loss, span_loss
from entailment.models.outputs import BaseModelOutputWithPooling


class Head(Protocol):
    """A task class: its encoder, and what it computes from the encoder's answer."""

    @property
    def config(self) -> Config:
        """The configuration."""
        ...

    @property
    def encoder(self) -> nn.Module:
        """The encoder, called with the documented arguments in their order."""
        ...

    def logits(self, encoded: BaseModelOutputWithPooling) -> Tensor:
        """The head's scores."""
        ...


class PreTrainingHead(Head, Protocol):
    """A task class with both pre-training heads."""

    def next_sentence_logits(self, encoded: BaseModelOutputWithPooling) -> Tensor:
        """[B, 2]."""
        ...


def predict_masked_and_next(
    self: PreTrainingHead,
    input_ids: Tensor | None = None,
    attention_mask: Tensor | None = None,
    token_type_ids: Tensor | None = None,
    position_ids: Tensor | None = None,
    head_mask: Tensor | None = None,
    inputs_embeds: Tensor | None = None,
    labels: Tensor | None = None,
    next_sentence_label: Tensor | None = None,
    output_attentions: bool | None = None,
    output_hidden_states: bool | None = None,
    return_dict: bool | None = None,
) -> outputs.PreTrainingOutput | tuple[Any, ...]:
    """Both pre-training tasks; `labels` [B, T] of the vocabulary, `next_sentence_label` [B] of 0 and 1.

    The loss is the sum over the labels that were given.
    """
    encoded = self.encoder(
        input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
        output_hidden_states, output_attentions, True,
    )  # fmt: skip
    words, order = self.logits(encoded), self.next_sentence_logits(encoded)
    losses = [] if labels is None else [class_loss(words, labels)]
    if next_sentence_label is not None:
        losses.append(class_loss(order, next_sentence_label, name="next_sentence_label"))
    output = outputs.PreTrainingOutput(
        loss=sum(losses[1:], losses[0]) if losses else None,
        prediction_logits=words,
        seq_relationship_logits=order,
        hidden_states=encoded.hidden_states,
        attentions=encoded.attentions,
    )
    return outputs.answer(output, self.config, return_dict)


def predict_masked(
    self: Head,
    input_ids: Tensor | None = None,
    attention_mask: Tensor | None = None,
    token_type_ids: Tensor | None = None,
    position_ids: Tensor | None = None,
    head_mask: Tensor | None = None,
    inputs_embeds: Tensor | None = None,
    labels: Tensor | None = None,
    output_attentions: bool | None = None,
    output_hidden_states: bool | None = None,
    return_dict: bool | None = None,
) -> outputs.MaskedLMOutput | tuple[Any, ...]:
    """Masked language modelling; `labels` [B, T] of the vocabulary, -100 where nothing is asked."""
    encoded = self.encoder(
        input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
        output_hidden_states, output_attentions, True,
    )  # fmt: skip
    logits = self.logits(encoded)
    output = outputs.MaskedLMOutput(
        loss=None if labels is None else class_loss(logits, labels),
        logits=logits,
        hidden_states=encoded.hidden_states,
        attentions=encoded.attentions,
    )
    return outputs.answer(output, self.config, return_dict)


def predict_next_sentence(
    self: Head,
    input_ids: Tensor | None = None,
    attention_mask: Tensor | None = None,
    token_type_ids: Tensor | None = None,
    position_ids: Tensor | None = None,
    head_mask: Tensor | None = None,
    inputs_embeds: Tensor | None = None,
    labels: Tensor | None = None,
    output_attentions: bool | None = None,
    output_hidden_states: bool | None = None,
    return_dict: bool | None = None,
    next_sentence_label: Tensor | None = None,
) -> outputs.NextSentencePredictorOutput | tuple[Any, ...]:
    """Next sentence prediction; `labels` [B]: 0 the second text continues the first, 1 it is a random one.

    `next_sentence_label` is an older name of `labels`, with a FutureWarning.
    """
    if next_sentence_label is not None:
        if labels is not None:
            raise InputError("next_sentence_label is an older name of labels; give labels alone")
        warnings.warn("next_sentence_label is now called labels", FutureWarning, stacklevel=2)
        labels = next_sentence_label
    encoded = self.encoder(
        input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
        output_hidden_states, output_attentions, True,
    )  # fmt: skip
    logits = self.logits(encoded)
    output = outputs.NextSentencePredictorOutput(
        loss=None if labels is None else class_loss(logits, labels),
        logits=logits,
        hidden_states=encoded.hidden_states,
        attentions=encoded.attentions,
    )
    return outputs.answer(output, self.config, return_dict)


def classify_sequence(
    self: Head,
    input_ids: Tensor | None = None,
    attention_mask: Tensor | None = None,
    token_type_ids: Tensor | None = None,
    position_ids: Tensor | None = None,
    head_mask: Tensor | None = None,
    inputs_embeds: Tensor | None = None,
    labels: Tensor | None = None,
    output_attentions: bool | None = None,
    output_hidden_states: bool | None = None,
    return_dict: bool | None = None,
) -> outputs.SequenceClassifierOutput | tuple[Any, ...]:
    """Classes of a text or a pair; `labels` [B], or [B, K] for several a text, by `config.problem_type`."""
    encoded = self.encoder(
        input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
        output_hidden_states, output_attentions, True,
    )  # fmt: skip
    logits = self.logits(encoded)
    output = outputs.SequenceClassifierOutput(
        loss=None if labels is None else sequence_loss(logits, labels, self.config),
        logits=logits,
        hidden_states=encoded.hidden_states,
        attentions=encoded.attentions,
    )
    return outputs.answer(output, self.config, return_dict)


def choose(
    self: Head,
    input_ids: Tensor | None = None,
    attention_mask: Tensor | None = None,
    token_type_ids: Tensor | None = None,
    position_ids: Tensor | None = None,
    head_mask: Tensor | None = None,
    inputs_embeds: Tensor | None = None,
    labels: Tensor | None = None,
    output_attentions: bool | None = None,
    output_hidden_states: bool | None = None,
    return_dict: bool | None = None,
) -> outputs.MultipleChoiceModelOutput | tuple[Any, ...]:
    """The best of C choices; what has [B, T] elsewhere has [B, C, T] here; `labels` [B] of 0 to C-1."""
    given = input_ids if input_ids is not None else inputs_embeds
    axes = 3 if input_ids is not None else 4
    if given is not None and given.ndim != axes:
        shown = (
            "input_ids must be [batch, choices, tokens]" if axes == 3 else "inputs_embeds must have 4 axes"
        )
        raise InputError(
            f"{shown}, not {list(given.shape)}: a question's choices stand together in the second axis"
        )
    # [B, C, ...] -> [B * C, ...]: every choice is a text of its own to the encoder.
    folded = [
        x.flatten(0, 1) if x is not None and x.ndim > 2 else x
        for x in (input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds)
    ]
    encoded = self.encoder(*folded[:4], head_mask, folded[4], output_hidden_states, output_attentions, True)
    logits = self.logits(encoded).view(-1, 1 if given is None else given.shape[1])  # [B * C, 1] -> [B, C]
    output = outputs.MultipleChoiceModelOutput(
        loss=None if labels is None else class_loss(logits, labels),
        logits=logits,
        hidden_states=encoded.hidden_states,
        attentions=encoded.attentions,
    )
    return outputs.answer(output, self.config, return_dict)


def classify_tokens(
    self: Head,
    input_ids: Tensor | None = None,
    attention_mask: Tensor | None = None,
    token_type_ids: Tensor | None = None,
    position_ids: Tensor | None = None,
    head_mask: Tensor | None = None,
    inputs_embeds: Tensor | None = None,
    labels: Tensor | None = None,
    output_attentions: bool | None = None,
    output_hidden_states: bool | None = None,
    return_dict: bool | None = None,
) -> outputs.TokenClassifierOutput | tuple[Any, ...]:
    """A class for every token; `labels` [B, T], -100 where there is none."""
    encoded = self.encoder(
        input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
        output_hidden_states, output_attentions, True,
    )  # fmt: skip
    logits = self.logits(encoded)
    output = outputs.TokenClassifierOutput(
        loss=None if labels is None else class_loss(logits, labels),
        logits=logits,
        hidden_states=encoded.hidden_states,
        attentions=encoded.attentions,
    )
    return outputs.answer(output, self.config, return_dict)


def find_answer(
    self: Head,
    input_ids: Tensor | None = None,
    attention_mask: Tensor | None = None,
    token_type_ids: Tensor | None = None,
    position_ids: Tensor | None = None,
    head_mask: Tensor | None = None,
    inputs_embeds: Tensor | None = None,
    start_positions: Tensor | None = None,
    end_positions: Tensor | None = None,
    output_attentions: bool | None = None,
    output_hidden_states: bool | None = None,
    return_dict: bool | None = None,
) -> outputs.QuestionAnsweringModelOutput | tuple[Any, ...]:
    """Where the answer is; `start_positions` and `end_positions` [B]: its first and last token.

    The loss needs both; positions outside the text are left out of it.
    """
    encoded = self.encoder(
        input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
        output_hidden_states, output_attentions, True,
    )  # fmt: skip
    start_logits, end_logits = self.logits(encoded).unbind(-1)  # [B, T] each
    loss = None
    if start_positions is not None and end_positions is not None:
        loss = span_loss(start_logits, end_logits, start_positions, end_positions)
    output = outputs.QuestionAnsweringModelOutput(
        loss=loss,
        start_logits=start_logits,
        end_logits=end_logits,
        hidden_states=encoded.hidden_states,
        attentions=encoded.attentions,
    )
    return outputs.answer(output, self.config, return_dict)
