"""BERT in torch, with every documented head: also MiniLM and TinyBERT, which differ from it in size alone.

Papers: Devlin et al. 2019, "BERT" (arXiv:1810.04805); Wang et al. 2020, "MiniLM" (arXiv:2002.10957);
Jiao et al. 2020, "TinyBERT" (arXiv:1909.10351). Post-norm transformer encoder with learned positions and
token types.

Legend of shapes: B batch, T tokens, H hidden, A heads, D = H / A head width, I intermediate, K classes, V
vocabulary, C choices. Masks are boolean, True where a token (third axis) may see another (fourth).

The submodules are named as `names` and `head_names` of `entailment.checkpoint` name the arrays, so a
state dict and a checkpoint differ by those tables alone. Attention over a premise shared by many hypotheses
stands in `entailment.models.prefix`. What the task classes share, their `forward` and the generic methods,
are functions of `heads`, `pretrained` and `surgery`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from entailment.checkpoint.config import BertConfig
from entailment.checkpoint.head_settings import head_dropout, two_labels
from entailment.models import heads, pretrained, surgery
from entailment.models.activations import activation
from entailment.models.attention import (
    attend,
    attend_written_out,
    head_counts,
    join_heads,
    run_layers,
    split_heads,
)
from entailment.models.initial import initialise
from entailment.models.inputs import prepare
from entailment.models.outputs import BaseModelOutputWithPooling, answer, setting


class BertEmbeddings(nn.Module):
    """Word + position + token type, normalised: ids [B, T] -> [B, T, H]."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        H = config.hidden_size
        self.word = nn.Embedding(config.vocab_size, H, padding_idx=config.pad_token_id)
        self.position = nn.Embedding(config.max_position_embeddings, H)
        self.token_type = nn.Embedding(config.type_vocab_size, H)
        self.norm = nn.LayerNorm(H, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, input_ids: Tensor, position_ids: Tensor, token_type_ids: Tensor) -> Tensor:
        """Embed ids; the three arguments broadcast against each other."""
        return self.place(self.word(input_ids), position_ids, token_type_ids)

    def place(self, words: Tensor, position_ids: Tensor, token_type_ids: Tensor) -> Tensor:
        """Words that are embedded already, put in their places: [B, T, H] -> [B, T, H]."""
        summed = words + self.position(position_ids) + self.token_type(token_type_ids)
        embedded: Tensor = self.dropout(self.norm(summed))
        return embedded


class BertAttention(nn.Module):
    """Multi-head attention with its output projection, residual and norm."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        H = config.hidden_size
        self.num_heads = config.num_attention_heads
        self.query = nn.Linear(H, H)
        self.key = nn.Linear(H, H)
        self.value = nn.Linear(H, H)
        self.output = nn.Linear(H, H)
        self.norm = nn.LayerNorm(H, eps=config.layer_norm_eps)
        self.probability_dropout = config.attention_probs_dropout_prob
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def heads(self, x: Tensor) -> Tensor:
        """Split the last dimension into heads: [B, T, H] -> [B, A, T, D]."""
        return split_heads(x, self.num_heads)

    def close(self, context: Tensor, residual: Tensor) -> Tensor:
        """Project what the heads read, add the residual and normalise: two [B, T, H] -> [B, T, H]."""
        closed: Tensor = self.norm(self.dropout(self.output(context)) + residual)
        return closed

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Self-attention: [B, T, H], mask [B, 1, 1 or T, T] -> [B, T, H]."""
        queries, keys, values = self.heads(self.query(x)), self.heads(self.key(x)), self.heads(self.value(x))
        context = attend(queries, keys, values, mask, self.probability_dropout if self.training else 0.0)
        return self.close(join_heads(context), x)

    def examine(self, x: Tensor, mask: Tensor | None, head_mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """The same with its probabilities [B, A, T, T]; `head_mask` [A, 1, 1] scales what each head reads."""
        queries, keys, values = self.heads(self.query(x)), self.heads(self.key(x)), self.heads(self.value(x))
        dropout = self.probability_dropout if self.training else 0.0
        context, weights = attend_written_out(queries, keys, values, mask, head_mask, dropout)
        return self.close(join_heads(context), x), weights


class BertFeedForward(nn.Module):
    """The position-wise network with its residual and norm: [..., H] -> [..., H]."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.up = nn.Linear(config.hidden_size, config.intermediate_size)
        self.down = nn.Linear(config.intermediate_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.activation = activation(config.hidden_act)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, x: Tensor) -> Tensor:
        """[..., H] -> [..., I] -> [..., H]."""
        out: Tensor = self.norm(self.dropout(self.down(self.activation(self.up(x)))) + x)
        return out


class BertLayer(nn.Module):
    """Attention, then the feed-forward network: [B, T, H] -> [B, T, H]."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.attention = BertAttention(config)
        self.feed_forward = BertFeedForward(config)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """[B, T, H], mask [B, 1, 1 or T, T] -> [B, T, H]."""
        out: Tensor = self.feed_forward(self.attention(x, mask))
        return out

    def examine(self, x: Tensor, mask: Tensor | None, head_mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """The same, and the attention's probabilities [B, A, T, T]."""
        attended, weights = self.attention.examine(x, mask, head_mask)
        return self.feed_forward(attended), weights


class BertModel(nn.Module):
    """The encoder, with a pooler of the first token unless `add_pooling_layer` is False."""

    config_class = BertConfig
    from_pretrained = pretrained.FromPretrained()
    save_pretrained = pretrained.save_pretrained
    resize_token_embeddings = surgery.resize_token_embeddings
    get_input_embeddings, set_input_embeddings = surgery.get_input_embeddings, surgery.set_input_embeddings
    get_output_embeddings = surgery.get_output_embeddings
    set_output_embeddings, tie_weights = surgery.set_output_embeddings, surgery.tie_weights
    prune_heads, enable_input_require_grads = surgery.prune_heads, surgery.enable_input_require_grads
    num_parameters, get_memory_footprint = surgery.num_parameters, surgery.get_memory_footprint
    device, dtype, base_model = surgery.device, surgery.dtype, surgery.base_model
    base_model_prefix = "bert"
    gradient_checkpointing_enable = surgery.gradient_checkpointing_enable
    gradient_checkpointing_disable = surgery.gradient_checkpointing_disable

    def __init__(self, config: BertConfig, add_pooling_layer: bool = True) -> None:
        super().__init__()
        self.config = pretrained.checked(config, BertConfig)
        self.gradient_checkpointing = False
        self.embeddings = BertEmbeddings(config)
        self.layers = nn.ModuleList(BertLayer(config) for _ in range(config.num_hidden_layers))
        self.pooler = nn.Linear(config.hidden_size, config.hidden_size) if add_pooling_layer else None
        initialise(self, config.initializer_range)
        surgery.prune_as_configured(self)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        head_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        return_dict: bool | None = None,
    ) -> BaseModelOutputWithPooling | tuple[Any, ...]:
        """Ids [B, T] -> states [B, T, H] and pooled [B, H]; arguments and errors as in `heads`."""
        config = self.config
        inputs = prepare(
            config, head_counts(self.layers), config.hidden_size,
            input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
        )  # fmt: skip
        # [B, T, H]
        words = self.embeddings.word(inputs.input_ids) if inputs_embeds is None else inputs_embeds
        x, hidden_states, attentions = run_layers(
            self.layers,
            self.embeddings.place(words, inputs.position_ids, inputs.token_type_ids),
            inputs,
            output_hidden_states=setting(config, "output_hidden_states", output_hidden_states),
            output_attentions=setting(config, "output_attentions", output_attentions),
            recompute=self.gradient_checkpointing and self.training,
        )
        output = BaseModelOutputWithPooling(
            last_hidden_state=x,
            pooler_output=None if self.pooler is None else torch.tanh(self.pooler(x[:, 0])),
            hidden_states=hidden_states,
            attentions=attentions,
        )
        return answer(output, config, return_dict)


class BertPredictionHead(nn.Module):
    """Scores of every vocabulary entry: [B, T, H] -> [B, T, V]; the decoder is the word embeddings [V, H]."""

    def __init__(self, config: BertConfig, words: nn.Embedding) -> None:
        super().__init__()
        self.transform = nn.Linear(config.hidden_size, config.hidden_size)
        self.activation = activation(config.hidden_act)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.decoder = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))
        initialise(self, config.initializer_range)
        if config.tie_word_embeddings:
            self.decoder.weight = words.weight

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, H] -> [B, T, V]."""
        return F.linear(self.norm(self.activation(self.transform(x))), self.decoder.weight, self.bias)


class BertForPreTraining(nn.Module):
    """BERT with both pre-training heads: masked words, and whether the second text follows."""

    config_class = BertConfig
    config = surgery.ConfigOfEncoder[BertConfig]()
    from_pretrained = pretrained.FromPretrained()
    save_pretrained = pretrained.save_pretrained
    resize_token_embeddings = surgery.resize_token_embeddings
    get_input_embeddings, set_input_embeddings = surgery.get_input_embeddings, surgery.set_input_embeddings
    get_output_embeddings = surgery.get_output_embeddings
    set_output_embeddings, tie_weights = surgery.set_output_embeddings, surgery.tie_weights
    prune_heads, enable_input_require_grads = surgery.prune_heads, surgery.enable_input_require_grads
    num_parameters, get_memory_footprint = surgery.num_parameters, surgery.get_memory_footprint
    device, dtype, base_model = surgery.device, surgery.dtype, surgery.base_model
    base_model_prefix, bert = "bert", surgery.base_model
    gradient_checkpointing_enable = surgery.gradient_checkpointing_enable
    gradient_checkpointing_disable = surgery.gradient_checkpointing_disable
    forward = heads.predict_masked_and_next

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.encoder = BertModel(config)
        self.predictions = BertPredictionHead(config, self.encoder.embeddings.word)
        self.seq_relationship = nn.Linear(config.hidden_size, 2)
        initialise(self.seq_relationship, config.initializer_range)

    def logits(self, encoded: BaseModelOutputWithPooling) -> Tensor:
        """[B, T, V]."""
        scores: Tensor = self.predictions(encoded.last_hidden_state)
        return scores

    def next_sentence_logits(self, encoded: BaseModelOutputWithPooling) -> Tensor:
        """[B, 2]."""
        scores: Tensor = self.seq_relationship(encoded.pooler_output)
        return scores


class BertForMaskedLM(nn.Module):
    """BERT with the masked-language-model head."""

    config_class = BertConfig
    config = surgery.ConfigOfEncoder[BertConfig]()
    from_pretrained = pretrained.FromPretrained()
    save_pretrained = pretrained.save_pretrained
    resize_token_embeddings = surgery.resize_token_embeddings
    get_input_embeddings, set_input_embeddings = surgery.get_input_embeddings, surgery.set_input_embeddings
    get_output_embeddings = surgery.get_output_embeddings
    set_output_embeddings, tie_weights = surgery.set_output_embeddings, surgery.tie_weights
    prune_heads, enable_input_require_grads = surgery.prune_heads, surgery.enable_input_require_grads
    num_parameters, get_memory_footprint = surgery.num_parameters, surgery.get_memory_footprint
    device, dtype, base_model = surgery.device, surgery.dtype, surgery.base_model
    base_model_prefix, bert = "bert", surgery.base_model
    gradient_checkpointing_enable = surgery.gradient_checkpointing_enable
    gradient_checkpointing_disable = surgery.gradient_checkpointing_disable
    forward = heads.predict_masked

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.encoder = BertModel(config, add_pooling_layer=False)
        self.predictions = BertPredictionHead(config, self.encoder.embeddings.word)

    def logits(self, encoded: BaseModelOutputWithPooling) -> Tensor:
        """[B, T, V]."""
        scores: Tensor = self.predictions(encoded.last_hidden_state)
        return scores


class BertForNextSentencePrediction(nn.Module):
    """BERT with the head that tells whether the second text follows the first."""

    config_class = BertConfig
    config = surgery.ConfigOfEncoder[BertConfig]()
    from_pretrained = pretrained.FromPretrained()
    save_pretrained = pretrained.save_pretrained
    resize_token_embeddings = surgery.resize_token_embeddings
    get_input_embeddings, set_input_embeddings = surgery.get_input_embeddings, surgery.set_input_embeddings
    get_output_embeddings = surgery.get_output_embeddings
    set_output_embeddings, tie_weights = surgery.set_output_embeddings, surgery.tie_weights
    prune_heads, enable_input_require_grads = surgery.prune_heads, surgery.enable_input_require_grads
    num_parameters, get_memory_footprint = surgery.num_parameters, surgery.get_memory_footprint
    device, dtype, base_model = surgery.device, surgery.dtype, surgery.base_model
    base_model_prefix, bert = "bert", surgery.base_model
    gradient_checkpointing_enable = surgery.gradient_checkpointing_enable
    gradient_checkpointing_disable = surgery.gradient_checkpointing_disable
    forward = heads.predict_next_sentence

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.encoder = BertModel(config)
        self.seq_relationship = nn.Linear(config.hidden_size, 2)
        initialise(self.seq_relationship, config.initializer_range)

    def logits(self, encoded: BaseModelOutputWithPooling) -> Tensor:
        """[B, 2]."""
        scores: Tensor = self.seq_relationship(encoded.pooler_output)
        return scores


class BertForSequenceClassification(nn.Module):
    """BERT with K classes of a text or of a pair, pooled at [CLS]."""

    config_class = BertConfig
    config = surgery.ConfigOfEncoder[BertConfig]()
    from_pretrained = pretrained.FromPretrained()
    save_pretrained = pretrained.save_pretrained
    resize_token_embeddings = surgery.resize_token_embeddings
    get_input_embeddings, set_input_embeddings = surgery.get_input_embeddings, surgery.set_input_embeddings
    get_output_embeddings = surgery.get_output_embeddings
    set_output_embeddings, tie_weights = surgery.set_output_embeddings, surgery.tie_weights
    prune_heads, enable_input_require_grads = surgery.prune_heads, surgery.enable_input_require_grads
    num_parameters, get_memory_footprint = surgery.num_parameters, surgery.get_memory_footprint
    device, dtype, base_model = surgery.device, surgery.dtype, surgery.base_model
    base_model_prefix, bert = "bert", surgery.base_model
    gradient_checkpointing_enable = surgery.gradient_checkpointing_enable
    gradient_checkpointing_disable = surgery.gradient_checkpointing_disable
    forward = heads.classify_sequence

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.encoder = BertModel(config)
        self.dropout = nn.Dropout(head_dropout(config))
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        initialise(self.classifier, config.initializer_range)

    def logits(self, encoded: BaseModelOutputWithPooling) -> Tensor:
        """[B, K]."""
        scores: Tensor = self.classifier(self.dropout(encoded.pooler_output))
        return scores


class BertForMultipleChoice(nn.Module):
    """BERT with a score for each of C texts."""

    config_class = BertConfig
    config = surgery.ConfigOfEncoder[BertConfig]()
    from_pretrained = pretrained.FromPretrained()
    save_pretrained = pretrained.save_pretrained
    resize_token_embeddings = surgery.resize_token_embeddings
    get_input_embeddings, set_input_embeddings = surgery.get_input_embeddings, surgery.set_input_embeddings
    get_output_embeddings = surgery.get_output_embeddings
    set_output_embeddings, tie_weights = surgery.set_output_embeddings, surgery.tie_weights
    prune_heads, enable_input_require_grads = surgery.prune_heads, surgery.enable_input_require_grads
    num_parameters, get_memory_footprint = surgery.num_parameters, surgery.get_memory_footprint
    device, dtype, base_model = surgery.device, surgery.dtype, surgery.base_model
    base_model_prefix, bert = "bert", surgery.base_model
    gradient_checkpointing_enable = surgery.gradient_checkpointing_enable
    gradient_checkpointing_disable = surgery.gradient_checkpointing_disable
    forward = heads.choose

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.encoder = BertModel(config)
        self.dropout = nn.Dropout(head_dropout(config))
        self.classifier = nn.Linear(config.hidden_size, 1)
        initialise(self.classifier, config.initializer_range)

    def logits(self, encoded: BaseModelOutputWithPooling) -> Tensor:
        """[B * C, 1]."""
        scores: Tensor = self.classifier(self.dropout(encoded.pooler_output))
        return scores


class BertForTokenClassification(nn.Module):
    """BERT with K classes of every token."""

    config_class = BertConfig
    config = surgery.ConfigOfEncoder[BertConfig]()
    from_pretrained = pretrained.FromPretrained()
    save_pretrained = pretrained.save_pretrained
    resize_token_embeddings = surgery.resize_token_embeddings
    get_input_embeddings, set_input_embeddings = surgery.get_input_embeddings, surgery.set_input_embeddings
    get_output_embeddings = surgery.get_output_embeddings
    set_output_embeddings, tie_weights = surgery.set_output_embeddings, surgery.tie_weights
    prune_heads, enable_input_require_grads = surgery.prune_heads, surgery.enable_input_require_grads
    num_parameters, get_memory_footprint = surgery.num_parameters, surgery.get_memory_footprint
    device, dtype, base_model = surgery.device, surgery.dtype, surgery.base_model
    base_model_prefix, bert = "bert", surgery.base_model
    gradient_checkpointing_enable = surgery.gradient_checkpointing_enable
    gradient_checkpointing_disable = surgery.gradient_checkpointing_disable
    forward = heads.classify_tokens

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.encoder = BertModel(config, add_pooling_layer=False)
        self.dropout = nn.Dropout(head_dropout(config))
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        initialise(self.classifier, config.initializer_range)

    def logits(self, encoded: BaseModelOutputWithPooling) -> Tensor:
        """[B, T, K]."""
        scores: Tensor = self.classifier(self.dropout(encoded.last_hidden_state))
        return scores


class BertForQuestionAnswering(nn.Module):
    """BERT with the scores of every token to begin the answer, and to end it."""

    config_class = BertConfig
    config = surgery.ConfigOfEncoder[BertConfig]()
    from_pretrained = pretrained.FromPretrained()
    save_pretrained = pretrained.save_pretrained
    resize_token_embeddings = surgery.resize_token_embeddings
    get_input_embeddings, set_input_embeddings = surgery.get_input_embeddings, surgery.set_input_embeddings
    get_output_embeddings = surgery.get_output_embeddings
    set_output_embeddings, tie_weights = surgery.set_output_embeddings, surgery.tie_weights
    prune_heads, enable_input_require_grads = surgery.prune_heads, surgery.enable_input_require_grads
    num_parameters, get_memory_footprint = surgery.num_parameters, surgery.get_memory_footprint
    device, dtype, base_model = surgery.device, surgery.dtype, surgery.base_model
    base_model_prefix, bert = "bert", surgery.base_model
    gradient_checkpointing_enable = surgery.gradient_checkpointing_enable
    gradient_checkpointing_disable = surgery.gradient_checkpointing_disable
    forward = heads.find_answer

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.encoder = BertModel(config, add_pooling_layer=False)
        self.qa_outputs = nn.Linear(config.hidden_size, two_labels(config))
        initialise(self.qa_outputs, config.initializer_range)

    def logits(self, encoded: BaseModelOutputWithPooling) -> Tensor:
        """[B, T, 2]."""
        scores: Tensor = self.qa_outputs(encoded.last_hidden_state)
        return scores
