"""MobileBERT in torch, and IB-BERT, the teacher it is distilled from.

Paper: Sun et al. 2020, "MobileBERT" (arXiv:2004.02984). What differs from BERT:

    embeddings   E = 128 wide; each token sees its neighbours' embeddings, too, and one product widens 3 E
                 to H (section 3.4)
    bottleneck   a layer works at width W: a linear layer in front narrows H to W, one behind widens W to H
                 (section 3.1)
    attention    queries and keys come from a second bottleneck that they share, values from the wide state
                 (figure 1)
    networks     several feed-forward networks in a layer, 4 in MobileBERT (section 3.2)
    NoNorm       scale and shift instead of layer normalisation (section 3.3)

Padding is masked in the trigram embedding, where the reference library lets the last token see the [PAD] row:
here a text's logits never depend on what it is batched with, and equal the reference run on the text alone.

Legend of shapes: B batch, T tokens, E embedding, H between layers, W within a layer, A heads, D = W / A head
width, I intermediate, V vocabulary. Masks are True where a token (third axis) may see another (fourth).

The submodules are named as the tables in `names` and `head_names` of `entailment.checkpoint` name the
arrays. The task classes stand in `entailment.models.mobilebert_heads`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from entailment.checkpoint.config import MobileBertConfig
from entailment.errors import NonFiniteLogitsError, UnsupportedModelError
from entailment.models import pretrained, surgery
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


class NoNorm(nn.Module):
    """Scale and shift, element by element (section 3.3): [..., N] -> [..., N]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """[..., N] -> [..., N]."""
        return x * self.weight + self.bias


def norm(config: MobileBertConfig, width: int, eps: float) -> nn.Module:
    """The configuration's norm; an `eps` of 1e-5 is where the reference leaves torch's default."""
    return NoNorm(width) if config.normalization_type == "no_norm" else nn.LayerNorm(width, eps=eps)


class MobileBertEmbeddings(nn.Module):
    """Each word with its neighbours, widened, + position + token type: [B, T] -> [B, T, H]."""

    def __init__(self, config: MobileBertConfig) -> None:
        super().__init__()
        E, H = config.embedding_size, config.hidden_size
        self.trigram = config.trigram_input
        self.word = nn.Embedding(config.vocab_size, E, padding_idx=config.pad_token_id)
        self.position = nn.Embedding(config.max_position_embeddings, H)
        self.token_type = nn.Embedding(config.type_vocab_size, H)
        self.transformation = nn.Linear(3 * E if self.trigram else E, H)
        self.norm = norm(config, H, 1e-5)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def place(
        self, words: Tensor, position_ids: Tensor, token_type_ids: Tensor, token_mask: Tensor | None
    ) -> Tensor:
        """Embedded words [B, T, E] and their mask [B, T] -> [B, T, H]."""
        if self.trigram:
            if token_mask is not None:
                words = words * token_mask[..., None]
            # Padded first and cut then: an exporter with an open T would ask what T - 1 tokens are.
            after, before = F.pad(words, (0, 0, 0, 1))[:, 1:], F.pad(words, (0, 0, 1, 0))[:, :-1]
            words = torch.cat([after, words, before], dim=-1)  # [B, T, 3 E]
        if words.shape[-1] != self.position.embedding_dim or self.trigram:
            words = self.transformation(words)  # [B, T, H]
        summed = words + self.position(position_ids) + self.token_type(token_type_ids)
        embedded: Tensor = self.dropout(self.norm(summed))
        return embedded


class MobileBertBottleneck(nn.Module):
    """The narrow ends of a layer: H to W in front, W to H behind (section 3.1)."""

    def __init__(self, config: MobileBertConfig) -> None:
        super().__init__()
        H, W, eps = config.hidden_size, config.intra_bottleneck_size, config.layer_norm_eps
        self.input = nn.Linear(H, W)
        self.input_norm = norm(config, W, eps)
        self.attention = nn.Linear(H, W) if config.key_query_shared_bottleneck else None
        self.attention_norm = norm(config, W, eps) if config.key_query_shared_bottleneck else None
        self.output = nn.Linear(W, H)
        self.output_norm = norm(config, H, eps)
        self.narrow_attention = config.use_bottleneck_attention
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def narrow(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B, T, H] -> what the residual [B, T, W], queries and keys, and values [B, T, W or H] come from."""
        narrow = self.input_norm(self.input(x))
        if self.narrow_attention:
            return narrow, narrow, narrow
        if self.attention is None or self.attention_norm is None:
            return narrow, x, x
        return narrow, self.attention_norm(self.attention(x)), x

    def widen(self, x: Tensor, residual: Tensor) -> Tensor:
        """[B, T, W] and the layer's input [B, T, H] -> [B, T, H]."""
        wide: Tensor = self.output_norm(self.dropout(self.output(x)) + residual)
        return wide


class MobileBertAttention(nn.Module):
    """Multi-head attention at width W, with its output projection, residual and norm."""

    def __init__(self, config: MobileBertConfig) -> None:
        super().__init__()
        H, W = config.hidden_size, config.true_hidden_size
        narrow = config.use_bottleneck_attention or not config.use_bottleneck
        self.num_heads = config.num_attention_heads
        self.query = nn.Linear(W if narrow or config.key_query_shared_bottleneck else H, W)
        self.key = nn.Linear(W if narrow or config.key_query_shared_bottleneck else H, W)
        self.value = nn.Linear(W if narrow else H, W)
        self.output = nn.Linear(W, W)
        self.norm = norm(config, W, config.layer_norm_eps)
        self.probability_dropout = config.attention_probs_dropout_prob
        # Within a bottleneck the reference drops nothing out here.
        self.dropout = nn.Dropout(0.0 if config.use_bottleneck else config.hidden_dropout_prob)

    def heads(self, asking: Tensor, told: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values [B, A, T, D] of what they come from, [B, T, W or H] each."""
        queries, keys = (
            split_heads(self.query(asking), self.num_heads),
            split_heads(self.key(asking), self.num_heads),
        )
        return queries, keys, split_heads(self.value(told), self.num_heads)

    def close(self, context: Tensor, residual: Tensor) -> Tensor:
        """Project what the heads read [B, A, T, D], add the residual [B, T, W], normalise: [B, T, W]."""
        closed: Tensor = self.norm(self.dropout(self.output(join_heads(context))) + residual)
        return closed

    def forward(self, residual: Tensor, asking: Tensor, told: Tensor, mask: Tensor | None) -> Tensor:
        """Residual, what queries and keys and what values come from, mask -> [B, T, W]."""
        dropout = self.probability_dropout if self.training else 0.0
        return self.close(attend(*self.heads(asking, told), mask, dropout), residual)

    def examine(
        self, residual: Tensor, asking: Tensor, told: Tensor, mask: Tensor | None, head_mask: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The same with its probabilities [B, A, T, T]; `head_mask` [A, 1, 1] scales what each head reads."""
        dropout = self.probability_dropout if self.training else 0.0
        context, weights = attend_written_out(*self.heads(asking, told), mask, head_mask, dropout)
        return self.close(context, residual), weights


class MobileBertFeedForward(nn.Module):
    """One position-wise network with its residual and norm: [..., W] -> [..., I] -> [..., W]."""

    def __init__(self, config: MobileBertConfig, *, dropout: float, eps: float) -> None:
        super().__init__()
        self.up = nn.Linear(config.true_hidden_size, config.intermediate_size)
        self.down = nn.Linear(config.intermediate_size, config.true_hidden_size)
        self.norm = norm(config, config.true_hidden_size, eps)
        self.activation = activation(config.hidden_act)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[..., W] -> [..., W]."""
        out: Tensor = self.norm(self.dropout(self.down(self.activation(self.up(x)))) + x)
        return out


class MobileBertLayer(nn.Module):
    """Bottleneck, attention, feed-forward networks, and out of the bottleneck: [B, T, H] -> [B, T, H]."""

    def __init__(self, config: MobileBertConfig) -> None:
        super().__init__()
        dropout, networks = config.hidden_dropout_prob, range(config.num_feedforward_networks - 1)
        self.bottleneck = MobileBertBottleneck(config) if config.use_bottleneck else None
        self.attention = MobileBertAttention(config)
        self.networks = nn.ModuleList(
            MobileBertFeedForward(config, dropout=0.0, eps=config.layer_norm_eps) for _ in networks
        )
        self.feed_forward = MobileBertFeedForward(
            config, dropout=0.0 if config.use_bottleneck else dropout, eps=1e-5
        )

    def begin(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the residual, queries and keys, and values come from."""
        return (x, x, x) if self.bottleneck is None else self.bottleneck.narrow(x)

    def finish(self, attended: Tensor, x: Tensor) -> Tensor:
        """What attention gave [B, T, W] and the layer's input [B, T, H] -> [B, T, H]."""
        for network in self.networks:
            attended = network(attended)
        out: Tensor = self.feed_forward(attended)
        return out if self.bottleneck is None else self.bottleneck.widen(out, x)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """[B, T, H], mask [B, 1, 1 or T, T] -> [B, T, H]."""
        return self.finish(self.attention(*self.begin(x), mask), x)

    def examine(self, x: Tensor, mask: Tensor | None, head_mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """The same, and the attention's probabilities [B, A, T, T]."""
        attended, weights = self.attention.examine(*self.begin(x), mask, head_mask)
        return self.finish(attended, x), weights


class MobileBertModel(nn.Module):
    """The encoder, with the first token's state pooled unless `add_pooling_layer` is False."""

    config_class = MobileBertConfig
    from_pretrained = pretrained.FromPretrained()
    save_pretrained = pretrained.save_pretrained
    resize_token_embeddings = surgery.resize_token_embeddings
    get_input_embeddings, set_input_embeddings = surgery.get_input_embeddings, surgery.set_input_embeddings
    get_output_embeddings = surgery.get_output_embeddings
    set_output_embeddings, tie_weights = surgery.set_output_embeddings, surgery.tie_weights
    prune_heads, enable_input_require_grads = surgery.prune_heads, surgery.enable_input_require_grads
    num_parameters, get_memory_footprint = surgery.num_parameters, surgery.get_memory_footprint
    device, dtype, base_model = surgery.device, surgery.dtype, surgery.base_model
    base_model_prefix = "mobilebert"
    gradient_checkpointing_enable = surgery.gradient_checkpointing_enable
    gradient_checkpointing_disable = surgery.gradient_checkpointing_disable

    def __init__(self, config: MobileBertConfig, add_pooling_layer: bool = True) -> None:
        super().__init__()
        self.config = pretrained.checked(config, MobileBertConfig)
        H = config.hidden_size
        self.gradient_checkpointing = False
        self.embeddings = MobileBertEmbeddings(config)
        self.layers = nn.ModuleList(MobileBertLayer(config) for _ in range(config.num_hidden_layers))
        self.pooled = add_pooling_layer
        # Without `classifier_activation` what is pooled is the first token's state as it is.
        self.pooler = nn.Linear(H, H) if add_pooling_layer and config.classifier_activation else None
        initialise(self, config.initializer_range)
        surgery.prune_as_configured(self)

    def pool(self, first: Tensor) -> Tensor:
        """The first token's state [B, H] -> [B, H]."""
        return first if self.pooler is None else torch.tanh(self.pooler(first))

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
        """Ids [B, T] -> states [B, T, H] and pooled [B, H]; arguments and errors as in `heads`.

        Raises:
            NonFiniteLogitsError: in float16, activations grew beyond its 65504.
        """
        config = self.config
        inputs = prepare(
            config, head_counts(self.layers), config.embedding_size,
            input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
        )  # fmt: skip
        # [B, T, E]
        words = self.embeddings.word(inputs.input_ids) if inputs_embeds is None else inputs_embeds
        x, hidden_states, attentions = run_layers(
            self.layers,
            self.embeddings.place(words, inputs.position_ids, inputs.token_type_ids, inputs.token_mask),
            inputs,
            output_hidden_states=setting(config, "output_hidden_states", output_hidden_states),
            output_attentions=setting(config, "output_attentions", output_attentions),
            recompute=self.gradient_checkpointing and self.training,
        )
        refuse_overflow(x)
        output = BaseModelOutputWithPooling(
            last_hidden_state=x,
            pooler_output=self.pool(x[:, 0]) if self.pooled else None,
            hidden_states=hidden_states,
            attentions=attentions,
        )
        return answer(output, config, return_dict)


def refuse_overflow(x: Tensor) -> None:
    """Without a norm nothing keeps activations below float16's 65504: say so instead of answering NaN."""
    kind = x.device.type
    half = torch.is_autocast_enabled(kind) and torch.get_autocast_dtype(kind) == torch.float16
    if (half or x.dtype == torch.float16) and not bool(x.isfinite().all()):
        raise NonFiniteLogitsError(
            "MobileBERT's activations exceed float16, in whose range NoNorm does not keep them; "
            "use bfloat16 or float32"
        )


class MobileBertPredictionHead(nn.Module):
    """Scores of every vocabulary entry: [B, T, H] -> [B, T, V].

    The output embedding [V, H] is the word embeddings [V, E], and H - E columns of its own beside them.
    """

    def __init__(self, config: MobileBertConfig, words: nn.Embedding) -> None:
        super().__init__()
        V, E, H = config.vocab_size, config.embedding_size, config.hidden_size
        if E > H:
            raise UnsupportedModelError(
                f"embedding_size {E} is above hidden_size {H}: no head can predict words"
            )
        self.transform = nn.Linear(H, H)
        self.activation = activation(config.hidden_act)
        self.norm = nn.LayerNorm(H, eps=config.layer_norm_eps)
        self.decoder = nn.Linear(E, V, bias=False)
        self.extra = nn.Parameter(torch.empty(H - E, V).normal_(std=config.initializer_range))
        self.bias = nn.Parameter(torch.zeros(V))
        initialise(self, config.initializer_range)
        if config.tie_word_embeddings:
            self.decoder.weight = words.weight

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, H] -> [B, T, V]."""
        x = self.norm(self.activation(self.transform(x)))
        return x @ torch.cat([self.decoder.weight.T, self.extra]) + self.bias
