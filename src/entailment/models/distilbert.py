"""DistilBERT in torch, with every documented head.

Paper: Sanh et al. 2019, "DistilBERT" (arXiv:1910.01108). BERT with half the layers, without token types and
without a pooler: a classifier brings a layer of its own, with ReLU, to the first token's state.

Legend of shapes: B batch, T tokens, H hidden, A heads, D = H / A head width, I intermediate, K classes, V
vocabulary, C choices. Masks are boolean, True where a token (third axis) may see another (fourth).

The submodules are named as `names` and `head_names` of `entailment.checkpoint` name the arrays. What
the task classes share, their `forward` and the generic methods, are functions of `heads`, `pretrained` and
`surgery`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from entailment.checkpoint.config import DistilBertConfig
from entailment.checkpoint.head_settings import two_labels
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
from entailment.models.initial import initialise, sinusoids
from entailment.models.inputs import prepare
from entailment.models.outputs import BaseModelOutput, answer, setting

EPS = 1e-12  # of every normalisation; no field of the configuration


class DistilBertEmbeddings(nn.Module):
    """Word + position, normalised: [B, T] -> [B, T, H]."""

    def __init__(self, config: DistilBertConfig) -> None:
        super().__init__()
        self.word = nn.Embedding(config.vocab_size, config.dim, padding_idx=config.pad_token_id)
        self.position = nn.Embedding(config.max_position_embeddings, config.dim)
        self.norm = nn.LayerNorm(config.dim, eps=EPS)
        self.dropout = nn.Dropout(config.dropout)

    def place(self, words: Tensor, position_ids: Tensor) -> Tensor:
        """Words that are embedded already, put in their places: [B, T, H] -> [B, T, H]."""
        embedded: Tensor = self.dropout(self.norm(words + self.position(position_ids)))
        return embedded


class DistilBertAttention(nn.Module):
    """Multi-head attention with its output projection, residual and norm."""

    def __init__(self, config: DistilBertConfig) -> None:
        super().__init__()
        H = config.dim
        self.num_heads = config.n_heads
        self.query = nn.Linear(H, H)
        self.key = nn.Linear(H, H)
        self.value = nn.Linear(H, H)
        self.output = nn.Linear(H, H)
        self.norm = nn.LayerNorm(H, eps=EPS)
        self.probability_dropout = config.attention_dropout

    def heads(self, x: Tensor) -> Tensor:
        """Split the last dimension into heads: [B, T, H] -> [B, A, T, D]."""
        return split_heads(x, self.num_heads)

    def close(self, context: Tensor, residual: Tensor) -> Tensor:
        """Project what the heads read, add the residual and normalise: two [B, T, H] -> [B, T, H]."""
        closed: Tensor = self.norm(self.output(context) + residual)
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


class DistilBertFeedForward(nn.Module):
    """The position-wise network with its residual and norm: [..., H] -> [..., H]."""

    def __init__(self, config: DistilBertConfig) -> None:
        super().__init__()
        self.up = nn.Linear(config.dim, config.hidden_dim)
        self.down = nn.Linear(config.hidden_dim, config.dim)
        self.norm = nn.LayerNorm(config.dim, eps=EPS)
        self.activation = activation(config.activation)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[..., H] -> [..., I] -> [..., H]."""
        out: Tensor = self.norm(self.dropout(self.down(self.activation(self.up(x)))) + x)
        return out


class DistilBertLayer(nn.Module):
    """Attention, then the feed-forward network: [B, T, H] -> [B, T, H]."""

    def __init__(self, config: DistilBertConfig) -> None:
        super().__init__()
        self.attention = DistilBertAttention(config)
        self.feed_forward = DistilBertFeedForward(config)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """[B, T, H], mask [B, 1, 1 or T, T] -> [B, T, H]."""
        out: Tensor = self.feed_forward(self.attention(x, mask))
        return out

    def examine(self, x: Tensor, mask: Tensor | None, head_mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """The same, and the attention's probabilities [B, A, T, T]."""
        attended, weights = self.attention.examine(x, mask, head_mask)
        return self.feed_forward(attended), weights


class DistilBertModel(nn.Module):
    """The encoder; it has no pooler."""

    config_class = DistilBertConfig
    from_pretrained = pretrained.FromPretrained()
    save_pretrained = pretrained.save_pretrained
    resize_token_embeddings = surgery.resize_token_embeddings
    get_input_embeddings, set_input_embeddings = surgery.get_input_embeddings, surgery.set_input_embeddings
    get_output_embeddings = surgery.get_output_embeddings
    set_output_embeddings, tie_weights = surgery.set_output_embeddings, surgery.tie_weights
    prune_heads, enable_input_require_grads = surgery.prune_heads, surgery.enable_input_require_grads
    num_parameters, get_memory_footprint = surgery.num_parameters, surgery.get_memory_footprint
    device, dtype, base_model = surgery.device, surgery.dtype, surgery.base_model
    base_model_prefix = "distilbert"
    gradient_checkpointing_enable = surgery.gradient_checkpointing_enable
    gradient_checkpointing_disable = surgery.gradient_checkpointing_disable

    def __init__(self, config: DistilBertConfig) -> None:
        super().__init__()
        self.config = pretrained.checked(config, DistilBertConfig)
        self.gradient_checkpointing = False
        self.embeddings = DistilBertEmbeddings(config)
        self.layers = nn.ModuleList(DistilBertLayer(config) for _ in range(config.n_layers))
        initialise(self, config.initializer_range)
        if config.sinusoidal_pos_embds:
            at = sinusoids(config.max_position_embeddings, config.dim)
            self.embeddings.position.weight = nn.Parameter(at.to(self.embeddings.position.weight.device))
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
    ) -> BaseModelOutput | tuple[Any, ...]:
        """Ids [B, T] -> states [B, T, H]; arguments and errors as in `heads`."""
        config = self.config
        inputs = prepare(
            config, head_counts(self.layers), config.dim,
            input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
        )  # fmt: skip
        # [B, T, H]
        words = self.embeddings.word(inputs.input_ids) if inputs_embeds is None else inputs_embeds
        x, hidden_states, attentions = run_layers(
            self.layers,
            self.embeddings.place(words, inputs.position_ids),
            inputs,
            output_hidden_states=setting(config, "output_hidden_states", output_hidden_states),
            output_attentions=setting(config, "output_attentions", output_attentions),
            recompute=self.gradient_checkpointing and self.training,
        )
        output = BaseModelOutput(
            last_hidden_state=x,
            hidden_states=hidden_states,
            attentions=attentions,
        )
        return answer(output, config, return_dict)


class DistilBertPredictionHead(nn.Module):
    """Scores of every vocabulary entry: [B, T, H] -> [B, T, V]; the decoder is the word embeddings [V, H]."""

    def __init__(self, config: DistilBertConfig, words: nn.Embedding) -> None:
        super().__init__()
        self.transform = nn.Linear(config.dim, config.dim)
        self.activation = activation(config.activation)
        self.norm = nn.LayerNorm(config.dim, eps=EPS)
        self.decoder = nn.Linear(config.dim, config.vocab_size, bias=False)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))
        initialise(self, config.initializer_range)
        if config.tie_word_embeddings:
            self.decoder.weight = words.weight

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, H] -> [B, T, V]."""
        return F.linear(self.norm(self.activation(self.transform(x))), self.decoder.weight, self.bias)


class DistilBertForMaskedLM(nn.Module):
    """DistilBERT with the masked-language-model head."""

    config_class = DistilBertConfig
    config = surgery.ConfigOfEncoder[DistilBertConfig]()
    from_pretrained = pretrained.FromPretrained()
    save_pretrained = pretrained.save_pretrained
    resize_token_embeddings = surgery.resize_token_embeddings
    get_input_embeddings, set_input_embeddings = surgery.get_input_embeddings, surgery.set_input_embeddings
    get_output_embeddings = surgery.get_output_embeddings
    set_output_embeddings, tie_weights = surgery.set_output_embeddings, surgery.tie_weights
    prune_heads, enable_input_require_grads = surgery.prune_heads, surgery.enable_input_require_grads
    num_parameters, get_memory_footprint = surgery.num_parameters, surgery.get_memory_footprint
    device, dtype, base_model = surgery.device, surgery.dtype, surgery.base_model
    base_model_prefix, distilbert = "distilbert", surgery.base_model
    gradient_checkpointing_enable = surgery.gradient_checkpointing_enable
    gradient_checkpointing_disable = surgery.gradient_checkpointing_disable
    forward = heads.predict_masked

    def __init__(self, config: DistilBertConfig) -> None:
        super().__init__()
        self.encoder = DistilBertModel(config)
        self.predictions = DistilBertPredictionHead(config, self.encoder.embeddings.word)

    def logits(self, encoded: BaseModelOutput) -> Tensor:
        """[B, T, V]."""
        scores: Tensor = self.predictions(encoded.last_hidden_state)
        return scores


class DistilBertForSequenceClassification(nn.Module):
    """DistilBERT with K classes of a text or a pair, from the state of [CLS]."""

    config_class = DistilBertConfig
    config = surgery.ConfigOfEncoder[DistilBertConfig]()
    from_pretrained = pretrained.FromPretrained()
    save_pretrained = pretrained.save_pretrained
    resize_token_embeddings = surgery.resize_token_embeddings
    get_input_embeddings, set_input_embeddings = surgery.get_input_embeddings, surgery.set_input_embeddings
    get_output_embeddings = surgery.get_output_embeddings
    set_output_embeddings, tie_weights = surgery.set_output_embeddings, surgery.tie_weights
    prune_heads, enable_input_require_grads = surgery.prune_heads, surgery.enable_input_require_grads
    num_parameters, get_memory_footprint = surgery.num_parameters, surgery.get_memory_footprint
    device, dtype, base_model = surgery.device, surgery.dtype, surgery.base_model
    base_model_prefix, distilbert = "distilbert", surgery.base_model
    gradient_checkpointing_enable = surgery.gradient_checkpointing_enable
    gradient_checkpointing_disable = surgery.gradient_checkpointing_disable
    forward = heads.classify_sequence

    def __init__(self, config: DistilBertConfig) -> None:
        super().__init__()
        self.encoder = DistilBertModel(config)
        self.pre_classifier = nn.Linear(config.dim, config.dim)
        self.dropout = nn.Dropout(config.seq_classif_dropout)
        self.classifier = nn.Linear(config.dim, config.num_labels)
        initialise(self.pre_classifier, config.initializer_range)
        initialise(self.classifier, config.initializer_range)

    def logits(self, encoded: BaseModelOutput) -> Tensor:
        """[B, K]."""
        pooled = F.relu(self.pre_classifier(encoded.last_hidden_state[:, 0]))  # [B, H]
        scores: Tensor = self.classifier(self.dropout(pooled))
        return scores


class DistilBertForMultipleChoice(nn.Module):
    """DistilBERT with a score for each of C texts."""

    config_class = DistilBertConfig
    config = surgery.ConfigOfEncoder[DistilBertConfig]()
    from_pretrained = pretrained.FromPretrained()
    save_pretrained = pretrained.save_pretrained
    resize_token_embeddings = surgery.resize_token_embeddings
    get_input_embeddings, set_input_embeddings = surgery.get_input_embeddings, surgery.set_input_embeddings
    get_output_embeddings = surgery.get_output_embeddings
    set_output_embeddings, tie_weights = surgery.set_output_embeddings, surgery.tie_weights
    prune_heads, enable_input_require_grads = surgery.prune_heads, surgery.enable_input_require_grads
    num_parameters, get_memory_footprint = surgery.num_parameters, surgery.get_memory_footprint
    device, dtype, base_model = surgery.device, surgery.dtype, surgery.base_model
    base_model_prefix, distilbert = "distilbert", surgery.base_model
    gradient_checkpointing_enable = surgery.gradient_checkpointing_enable
    gradient_checkpointing_disable = surgery.gradient_checkpointing_disable
    forward = heads.choose

    def __init__(self, config: DistilBertConfig) -> None:
        super().__init__()
        self.encoder = DistilBertModel(config)
        self.pre_classifier = nn.Linear(config.dim, config.dim)
        self.dropout = nn.Dropout(config.seq_classif_dropout)
        self.classifier = nn.Linear(config.dim, 1)
        initialise(self.pre_classifier, config.initializer_range)
        initialise(self.classifier, config.initializer_range)

    def logits(self, encoded: BaseModelOutput) -> Tensor:
        """[B * C, 1]."""
        pooled = F.relu(self.pre_classifier(encoded.last_hidden_state[:, 0]))  # [B * C, H]
        scores: Tensor = self.classifier(self.dropout(pooled))
        return scores


class DistilBertForTokenClassification(nn.Module):
    """DistilBERT with K classes of every token."""

    config_class = DistilBertConfig
    config = surgery.ConfigOfEncoder[DistilBertConfig]()
    from_pretrained = pretrained.FromPretrained()
    save_pretrained = pretrained.save_pretrained
    resize_token_embeddings = surgery.resize_token_embeddings
    get_input_embeddings, set_input_embeddings = surgery.get_input_embeddings, surgery.set_input_embeddings
    get_output_embeddings = surgery.get_output_embeddings
    set_output_embeddings, tie_weights = surgery.set_output_embeddings, surgery.tie_weights
    prune_heads, enable_input_require_grads = surgery.prune_heads, surgery.enable_input_require_grads
    num_parameters, get_memory_footprint = surgery.num_parameters, surgery.get_memory_footprint
    device, dtype, base_model = surgery.device, surgery.dtype, surgery.base_model
    base_model_prefix, distilbert = "distilbert", surgery.base_model
    gradient_checkpointing_enable = surgery.gradient_checkpointing_enable
    gradient_checkpointing_disable = surgery.gradient_checkpointing_disable
    forward = heads.classify_tokens

    def __init__(self, config: DistilBertConfig) -> None:
        super().__init__()
        self.encoder = DistilBertModel(config)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(config.dim, config.num_labels)
        initialise(self.classifier, config.initializer_range)

    def logits(self, encoded: BaseModelOutput) -> Tensor:
        """[B, T, K]."""
        scores: Tensor = self.classifier(self.dropout(encoded.last_hidden_state))
        return scores


class DistilBertForQuestionAnswering(nn.Module):
    """DistilBERT with the scores of every token to begin the answer, and to end it."""

    config_class = DistilBertConfig
    config = surgery.ConfigOfEncoder[DistilBertConfig]()
    from_pretrained = pretrained.FromPretrained()
    save_pretrained = pretrained.save_pretrained
    resize_token_embeddings = surgery.resize_token_embeddings
    get_input_embeddings, set_input_embeddings = surgery.get_input_embeddings, surgery.set_input_embeddings
    get_output_embeddings = surgery.get_output_embeddings
    set_output_embeddings, tie_weights = surgery.set_output_embeddings, surgery.tie_weights
    prune_heads, enable_input_require_grads = surgery.prune_heads, surgery.enable_input_require_grads
    num_parameters, get_memory_footprint = surgery.num_parameters, surgery.get_memory_footprint
    device, dtype, base_model = surgery.device, surgery.dtype, surgery.base_model
    base_model_prefix, distilbert = "distilbert", surgery.base_model
    gradient_checkpointing_enable = surgery.gradient_checkpointing_enable
    gradient_checkpointing_disable = surgery.gradient_checkpointing_disable
    forward = heads.find_answer

    def __init__(self, config: DistilBertConfig) -> None:
        super().__init__()
        self.encoder = DistilBertModel(config)
        self.dropout = nn.Dropout(config.qa_dropout)
        self.qa_outputs = nn.Linear(config.dim, two_labels(config))
        initialise(self.qa_outputs, config.initializer_range)

    def logits(self, encoded: BaseModelOutput) -> Tensor:
        """[B, T, 2]."""
        scores: Tensor = self.qa_outputs(self.dropout(encoded.last_hidden_state))
        return scores
