"""The eight documented classes: the encoder of `mobilebert`, and a head on it.

Each `call` has the documented arguments:

    input_ids              [B, T] ids; or else inputs_embeds [B, T, E]; or all inputs, in either format
    attention_mask         [B, T], 1 for tokens and 0 for padding; or [B, T, T], which token sees which
    token_type_ids         [B, T], 0 for the first text and 1 for the second
    position_ids           [B, T], by default 0, 1, 2, ...
    head_mask              [A] or [N, A], 1 for heads that count and 0 for those that do not
    labels                 see each class; -100 is ignored
    output_attentions      return each layer's attention probabilities; likewise output_hidden_states
    return_dict            False returns a plain tuple of what is there
    training               whether dropout drops

`output_attentions`, `output_hidden_states` and `return_dict`, left out, are as config.json says. A wrong
argument is an `InputError` that names it.

Legend of shapes: B batch, T tokens, E embedding width, H hidden, A heads, N layers, K classes, V vocabulary,
C choices, n labels that are not ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from entailment.checkpoint.config import MobileBertConfig
from entailment.checkpoint.head_settings import head_dropout, two_labels
from entailment.keras import outputs
from entailment.keras.inputs import any_format
from entailment.keras.losses import Losses, class_losses, sequence_losses, span_losses
from entailment.keras.mobilebert import MobileBertEncoder, MobileBertPredictionHead
from entailment.keras.model import TFPreTrainedModel, registered
from entailment.keras.parts import linear

Tensor = Any
Answer = outputs.ModelOutput | tuple[Any, ...]


@registered
class TFMobileBertModel(TFPreTrainedModel):
    """The encoder: states of the tokens, and the first of them pooled."""

    def __init__(self, config: MobileBertConfig, *, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(config, name=name, dtype=dtype)
        with self.assembling():
            self.encoder = MobileBertEncoder(config)

    @any_format
    def call(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        head_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        training: bool | None = False,
    ) -> Answer:
        """Ids [B, T] -> states [B, T, H] and pooled [B, H]."""
        encoded = self.encode(
            input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
            output_attentions, output_hidden_states, training,
        )  # fmt: skip
        return self.answer(
            outputs.TFBaseModelOutputWithPooling,
            encoded,
            return_dict,
            last_hidden_state=encoded.last_hidden_state,
            pooler_output=encoded.pooler_output,
        )


@registered
class TFMobileBertForPreTraining(TFPreTrainedModel):
    """Both pre-training heads: masked words, and whether the second text follows."""

    label_names = ("labels", "next_sentence_label")

    def __init__(self, config: MobileBertConfig, *, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(config, name=name, dtype=dtype)
        with self.assembling():
            self.encoder = MobileBertEncoder(config)
            self.predictions = MobileBertPredictionHead(config)
            self.seq_relationship = linear(
                "seq_relationship", config.hidden_size, 2, config.initializer_range
            )

    @any_format
    def call(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        head_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        labels: Tensor | None = None,
        next_sentence_label: Tensor | None = None,
        training: bool | None = False,
    ) -> Answer:
        """`labels` [B, T] of the vocabulary, `next_sentence_label` [B] of 0 and 1.

        The loss [] is the sum of both tasks' means, or of the one that has labels.
        """
        encoded = self.encode(
            input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
            output_attentions, output_hidden_states, training,
        )  # fmt: skip
        words = self.predictions(encoded.last_hidden_state, self.get_input_embeddings().embeddings)
        order = self.seq_relationship(encoded.pooler_output)
        scores = {"prediction_logits": words, "seq_relationship_logits": order}
        means = [losses.mean() for losses in self.task_losses(scores, _given(labels, next_sentence_label))]
        loss = sum(means[1:], means[0]) if means else None
        return self.answer(
            outputs.TFMobileBertForPreTrainingOutput, encoded, return_dict, loss=loss, **scores
        )

    def task_losses(self, scores: Mapping[str, Tensor], labels: Mapping[str, Tensor]) -> tuple[Losses, ...]:
        """Masked words, then next sentences, of what has labels."""
        losses = []
        if "labels" in labels:
            losses.append(class_losses(scores["prediction_logits"], labels["labels"]))
        if "next_sentence_label" in labels:
            name = "next_sentence_label"
            losses.append(class_losses(scores["seq_relationship_logits"], labels[name], name=name))
        return tuple(losses)


@registered
class TFMobileBertForMaskedLM(TFPreTrainedModel):
    """The masked-language-model head."""

    label_names = ("labels",)

    def __init__(self, config: MobileBertConfig, *, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(config, name=name, dtype=dtype)
        with self.assembling():
            self.encoder = MobileBertEncoder(config, add_pooling_layer=False)
            self.predictions = MobileBertPredictionHead(config)

    @any_format
    def call(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        head_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        labels: Tensor | None = None,
        training: bool | None = False,
    ) -> Answer:
        """`labels` [B, T] of the vocabulary, -100 where nothing is asked; the loss [] is their mean."""
        encoded = self.encode(
            input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
            output_attentions, output_hidden_states, training,
        )  # fmt: skip
        logits = self.predictions(encoded.last_hidden_state, self.get_input_embeddings().embeddings)
        loss = None if labels is None else class_losses(logits, labels).mean()
        return self.answer(outputs.TFMaskedLMOutput, encoded, return_dict, loss=loss, logits=logits)

    def task_losses(self, scores: Mapping[str, Tensor], labels: Mapping[str, Tensor]) -> tuple[Losses, ...]:
        """Cross-entropy at the labelled tokens."""
        return (class_losses(scores["logits"], labels["labels"]),)


@registered
class TFMobileBertForNextSentencePrediction(TFPreTrainedModel):
    """The head that tells whether the second text follows the first."""

    label_names = ("next_sentence_label",)

    def __init__(self, config: MobileBertConfig, *, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(config, name=name, dtype=dtype)
        with self.assembling():
            self.encoder = MobileBertEncoder(config)
            self.seq_relationship = linear(
                "seq_relationship", config.hidden_size, 2, config.initializer_range
            )

    @any_format
    def call(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        head_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        next_sentence_label: Tensor | None = None,
        training: bool | None = False,
    ) -> Answer:
        """`next_sentence_label` [B]: 0 the second text continues the first, 1 a random one; loss [n]."""
        encoded = self.encode(
            input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
            output_attentions, output_hidden_states, training,
        )  # fmt: skip
        logits = self.seq_relationship(encoded.pooler_output)
        loss = None
        if next_sentence_label is not None:
            loss = class_losses(logits, next_sentence_label, name="next_sentence_label").kept()
        return self.answer(
            outputs.TFNextSentencePredictorOutput, encoded, return_dict, loss=loss, logits=logits
        )

    def task_losses(self, scores: Mapping[str, Tensor], labels: Mapping[str, Tensor]) -> tuple[Losses, ...]:
        """Cross-entropy of each pair."""
        name = "next_sentence_label"
        return (class_losses(scores["logits"], labels[name], name=name),)


@registered
class TFMobileBertForSequenceClassification(TFPreTrainedModel):
    """K classes of a text or of a pair, pooled at [CLS]."""

    label_names = ("labels",)

    def __init__(self, config: MobileBertConfig, *, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(config, name=name, dtype=dtype)
        with self.assembling():
            self.encoder = MobileBertEncoder(config)
            self.dropout = keras.layers.Dropout(head_dropout(config))
            self.classifier = linear(
                "classifier", config.hidden_size, config.num_labels, config.initializer_range
            )

    @any_format
    def call(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        head_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        labels: Tensor | None = None,
        training: bool | None = False,
    ) -> Answer:
        """`labels` [B], or [B, K] for several a text, by `config.problem_type`; loss [B]."""
        encoded = self.encode(
            input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
            output_attentions, output_hidden_states, training,
        )  # fmt: skip
        logits = self.classifier(self.dropout(encoded.pooler_output, training=training))
        loss = None if labels is None else sequence_losses(logits, labels, self.config).each
        return self.answer(outputs.TFSequenceClassifierOutput, encoded, return_dict, loss=loss, logits=logits)

    def task_losses(self, scores: Mapping[str, Tensor], labels: Mapping[str, Tensor]) -> tuple[Losses, ...]:
        """The loss of `config.problem_type` of each text."""
        return (sequence_losses(scores["logits"], labels["labels"], self.config),)


@registered
class TFMobileBertForMultipleChoice(TFPreTrainedModel):
    """A score for each of C texts."""

    label_names = ("labels",)
    has_choices = True

    def __init__(self, config: MobileBertConfig, *, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(config, name=name, dtype=dtype)
        with self.assembling():
            self.encoder = MobileBertEncoder(config)
            self.dropout = keras.layers.Dropout(head_dropout(config))
            self.classifier = linear("classifier", config.hidden_size, 1, config.initializer_range)

    @any_format
    def call(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        head_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        labels: Tensor | None = None,
        training: bool | None = False,
    ) -> Answer:
        """What has [B, T] elsewhere has [B, C, T] here; `labels` [B] of 0 to C - 1; loss [B]."""
        given = input_ids if input_ids is not None else inputs_embeds
        choices = ops.shape(given)[1]
        encoded = self.encode(
            _folded(input_ids), _folded(attention_mask), _folded(token_type_ids), _folded(position_ids),
            head_mask, _folded(inputs_embeds), output_attentions, output_hidden_states, training,
        )  # fmt: skip
        logits = self.classifier(self.dropout(encoded.pooler_output, training=training))  # [B * C, 1]
        logits = ops.reshape(logits, (-1, choices))
        loss = None if labels is None else class_losses(logits, labels).each
        return self.answer(
            outputs.TFMultipleChoiceModelOutput, encoded, return_dict, loss=loss, logits=logits
        )

    def task_losses(self, scores: Mapping[str, Tensor], labels: Mapping[str, Tensor]) -> tuple[Losses, ...]:
        """Cross-entropy of each question."""
        return (class_losses(scores["logits"], labels["labels"]),)


@registered
class TFMobileBertForTokenClassification(TFPreTrainedModel):
    """K classes of every token."""

    label_names = ("labels",)

    def __init__(self, config: MobileBertConfig, *, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(config, name=name, dtype=dtype)
        with self.assembling():
            self.encoder = MobileBertEncoder(config, add_pooling_layer=False)
            self.dropout = keras.layers.Dropout(head_dropout(config))
            self.classifier = linear(
                "classifier", config.hidden_size, config.num_labels, config.initializer_range
            )

    @any_format
    def call(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        head_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        labels: Tensor | None = None,
        training: bool | None = False,
    ) -> Answer:
        """`labels` [B, T], -100 where there is none; loss [n]."""
        encoded = self.encode(
            input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
            output_attentions, output_hidden_states, training,
        )  # fmt: skip
        logits = self.classifier(self.dropout(encoded.last_hidden_state, training=training))
        loss = None if labels is None else class_losses(logits, labels).kept()
        return self.answer(outputs.TFTokenClassifierOutput, encoded, return_dict, loss=loss, logits=logits)

    def task_losses(self, scores: Mapping[str, Tensor], labels: Mapping[str, Tensor]) -> tuple[Losses, ...]:
        """Cross-entropy of each token."""
        return (class_losses(scores["logits"], labels["labels"]),)


@registered
class TFMobileBertForQuestionAnswering(TFPreTrainedModel):
    """The scores of every token to begin the answer, and to end it."""

    label_names = ("start_positions", "end_positions")

    def __init__(self, config: MobileBertConfig, *, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(config, name=name, dtype=dtype)
        with self.assembling():
            self.encoder = MobileBertEncoder(config, add_pooling_layer=False)
            K = two_labels(config)
            self.qa_outputs = linear("qa_outputs", config.hidden_size, K, config.initializer_range)

    @any_format
    def call(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        head_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        start_positions: Tensor | None = None,
        end_positions: Tensor | None = None,
        training: bool | None = False,
    ) -> Answer:
        """`start_positions` and `end_positions` [B]: the answer's first and last token.

        The loss [B] needs both; a position behind the text adds nothing to it.
        """
        encoded = self.encode(
            input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
            output_attentions, output_hidden_states, training,
        )  # fmt: skip
        both = self.qa_outputs(encoded.last_hidden_state)  # [B, T, 2]
        start, end = both[..., 0], both[..., 1]
        loss = None
        if start_positions is not None and end_positions is not None:
            loss = span_losses(start, end, start_positions, end_positions).each
        return self.answer(
            outputs.TFQuestionAnsweringModelOutput,
            encoded,
            return_dict,
            loss=loss,
            start_logits=start,
            end_logits=end,
        )

    def task_losses(self, scores: Mapping[str, Tensor], labels: Mapping[str, Tensor]) -> tuple[Losses, ...]:
        """The mean of both cross-entropies of each text."""
        starts, ends = labels["start_positions"], labels["end_positions"]
        return (span_losses(scores["start_logits"], scores["end_logits"], starts, ends),)


def _given(labels: Tensor | None, next_sentence_label: Tensor | None) -> dict[str, Tensor]:
    given = {"labels": labels, "next_sentence_label": next_sentence_label}
    return {name: value for name, value in given.items() if value is not None}


def _folded(tensor: Tensor | None) -> Tensor | None:
    """[B, C, T, ...] -> [B * C, T, ...]: every choice is a text of its own to the encoder."""
    if tensor is None or len(tensor.shape) < 3:
        return tensor
    sizes = ops.shape(tensor)
    return ops.reshape(tensor, (-1, *sizes[2:]))
