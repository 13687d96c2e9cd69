"""MobileBERT's encoder and its head for masked words as Keras 3 layers.

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
width, I intermediate, V vocabulary. `visible` is True where a token (third axis) may see another (fourth).

Attributes are named as the tables in `names` and `head_names` of `entailment.checkpoint` name the
arrays; `input_` and `output_` are `input` and `output`, which Keras keeps for itself.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
from keras import ops

from entailment.checkpoint.config import MobileBertConfig
from entailment.errors import UnsupportedModelError
from entailment.keras.parts import (
    activation,
    attention_weights,
    embedding,
    join_heads,
    layer_norm,
    linear,
    norm,
    random,
    split_heads,
)

Tensor = Any

#: Where the reference leaves PyTorch's default instead of the configuration's epsilon.
DEFAULT_EPS = 1e-5


class Encoded(NamedTuple):
    """States [B, T, H], pooled [B, H]; where asked for, all states and all probabilities [B, A, T, T]."""

    last_hidden_state: Tensor
    pooler_output: Tensor | None
    hidden_states: tuple[Tensor, ...] | None
    attentions: tuple[Tensor, ...] | None


class MobileBertEmbeddings(keras.layers.Layer):
    """Each word with its neighbours, widened, + position + token type: [B, T] -> [B, T, H]."""

    def __init__(self, config: MobileBertConfig, *, name: str = "embeddings") -> None:
        super().__init__(name=name)
        E, H, std = config.embedding_size, config.hidden_size, config.initializer_range
        self.trigram = config.trigram_input
        with keras.name_scope(name):
            self.word = embedding("word", config.vocab_size, E, std)
            self.position = embedding("position", config.max_position_embeddings, H, std)
            self.token_type = embedding("token_type", config.type_vocab_size, H, std)
            self.transformation = linear("transformation", 3 * E if self.trigram else E, H, std)
            self.norm = norm("norm", config, H, DEFAULT_EPS)
            self.dropout = keras.layers.Dropout(config.hidden_dropout_prob)
        self.transforms = self.trigram or E != H
        self.built = True

    def call(
        self,
        input_ids: Tensor | None,
        inputs_embeds: Tensor | None,
        token_type_ids: Tensor | None,
        position_ids: Tensor | None,
        real: Tensor | None,
    ) -> Tensor:
        """Ids [B, T] or embedded words [B, T, E], and which of them are no padding [B, T] -> [B, T, H]."""
        words = self.word(input_ids) if inputs_embeds is None else inputs_embeds  # [B, T, E]
        T = ops.shape(words)[1]
        if self.trigram:
            if real is not None:
                words = words * ops.cast(real, words.dtype)[..., None]
            after = ops.pad(words[:, 1:], ((0, 0), (0, 1), (0, 0)))
            before = ops.pad(words[:, :-1], ((0, 0), (1, 0), (0, 0)))
            words = ops.concatenate([after, words, before], axis=-1)  # [B, T, 3 E]
        if self.transforms:
            words = self.transformation(words)  # [B, T, H]
        places = ops.arange(T, dtype="int32")[None] if position_ids is None else position_ids
        types = ops.zeros((1, T), dtype="int32") if token_type_ids is None else token_type_ids
        return self.dropout(self.norm(words + self.position(places) + self.token_type(types)))


class MobileBertBottleneck(keras.layers.Layer):
    """The narrow ends of a layer: H to W in front, W to H behind (section 3.1)."""

    def __init__(self, config: MobileBertConfig, *, name: str = "bottleneck") -> None:
        super().__init__(name=name)
        H, W = config.hidden_size, config.intra_bottleneck_size
        eps, std = config.layer_norm_eps, config.initializer_range
        shared = config.key_query_shared_bottleneck
        with keras.name_scope(name):
            self.input_ = linear("input", H, W, std)
            self.input_norm = norm("input_norm", config, W, eps)
            self.attention = linear("attention", H, W, std) if shared else None
            self.attention_norm = norm("attention_norm", config, W, eps) if shared else None
            self.output_ = linear("output", W, H, std)
            self.output_norm = norm("output_norm", config, H, eps)
            self.dropout = keras.layers.Dropout(config.hidden_dropout_prob)
        self.narrow_attention = config.use_bottleneck_attention
        self.built = True

    def narrow(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B, T, H] -> what the residual [B, T, W], queries and keys, and values [B, T, W or H] come from."""
        narrow = self.input_norm(self.input_(x))
        if self.narrow_attention:
            return narrow, narrow, narrow
        if self.attention is None or self.attention_norm is None:
            return narrow, x, x
        return narrow, self.attention_norm(self.attention(x)), x

    def widen(self, x: Tensor, residual: Tensor) -> Tensor:
        """[B, T, W] and the layer's input [B, T, H] -> [B, T, H]."""
        return self.output_norm(self.dropout(self.output_(x)) + residual)


class MobileBertAttention(keras.layers.Layer):
    """Multi-head attention at width W, with its output projection, residual and norm."""

    def __init__(self, config: MobileBertConfig, *, name: str = "attention") -> None:
        super().__init__(name=name)
        H, W, std = config.hidden_size, config.true_hidden_size, config.initializer_range
        narrow = config.use_bottleneck_attention or not config.use_bottleneck
        asking = W if narrow or config.key_query_shared_bottleneck else H
        self.num_heads = config.num_attention_heads
        with keras.name_scope(name):
            self.query = linear("query", asking, W, std)
            self.key = linear("key", asking, W, std)
            self.value = linear("value", W if narrow else H, W, std)
            self.output_ = linear("output", W, W, std)
            self.norm = norm("norm", config, W, config.layer_norm_eps)
            self.probability_dropout = keras.layers.Dropout(config.attention_probs_dropout_prob)
            # Within a bottleneck the reference drops nothing out here.
            self.dropout = keras.layers.Dropout(0.0 if config.use_bottleneck else config.hidden_dropout_prob)
        self.built = True

    def call(
        self,
        residual: Tensor,
        asking: Tensor,
        told: Tensor,
        visible: Tensor | None,
        head_mask: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """What residual, queries and keys, and values come from; factors of the heads [A, 1, 1].

        Returns:
            [B, T, W], and the probabilities [B, A, T, T] used: after dropout and the head mask.
        """
        queries = split_heads(self.query(asking), self.num_heads)
        keys = split_heads(self.key(asking), self.num_heads)
        values = split_heads(self.value(told), self.num_heads)
        weights = self.probability_dropout(attention_weights(queries, keys, visible))
        if head_mask is not None:
            weights = weights * ops.cast(head_mask, weights.dtype)
        context = join_heads(ops.matmul(weights, values))
        return self.norm(self.dropout(self.output_(context)) + residual), weights


class MobileBertFeedForward(keras.layers.Layer):
    """One position-wise network with its residual and norm: [..., W] -> [..., I] -> [..., W]."""

    def __init__(self, config: MobileBertConfig, *, dropout: float, eps: float, name: str) -> None:
        super().__init__(name=name)
        W, I, std = config.true_hidden_size, config.intermediate_size, config.initializer_range  # noqa: E741
        with keras.name_scope(name):
            self.up = linear("up", W, I, std)
            self.down = linear("down", I, W, std)
            self.norm = norm("norm", config, W, eps)
            self.dropout = keras.layers.Dropout(dropout)
        self.activation = activation(config.hidden_act)
        self.built = True

    def call(self, x: Tensor) -> Tensor:
        """[..., W] -> [..., W]."""
        return self.norm(self.dropout(self.down(self.activation(self.up(x)))) + x)


class MobileBertLayer(keras.layers.Layer):
    """Bottleneck, attention, feed-forward networks, and out of the bottleneck: [B, T, H] -> [B, T, H]."""

    def __init__(self, config: MobileBertConfig, *, name: str) -> None:
        super().__init__(name=name)
        dropout = 0.0 if config.use_bottleneck else config.hidden_dropout_prob
        with keras.name_scope(name):
            self.bottleneck = MobileBertBottleneck(config) if config.use_bottleneck else None
            self.attention = MobileBertAttention(config)
            self.networks = [
                MobileBertFeedForward(config, dropout=0.0, eps=config.layer_norm_eps, name=f"network_{i}")
                for i in range(config.num_feedforward_networks - 1)
            ]
            self.feed_forward = MobileBertFeedForward(
                config, dropout=dropout, eps=DEFAULT_EPS, name="feed_forward"
            )
        self.built = True

    def call(self, x: Tensor, visible: Tensor | None, head_mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """[B, T, H] -> [B, T, H], and the attention's probabilities [B, A, T, T]."""
        residual, asking, told = (x, x, x) if self.bottleneck is None else self.bottleneck.narrow(x)
        state, weights = self.attention(residual, asking, told, visible, head_mask)
        for network in self.networks:
            state = network(state)
        state = self.feed_forward(state)
        return (state if self.bottleneck is None else self.bottleneck.widen(state, x)), weights


class MobileBertEncoder(keras.layers.Layer):
    """The encoder, with the first token's state pooled unless `add_pooling_layer` is False."""

    def __init__(
        self, config: MobileBertConfig, *, add_pooling_layer: bool = True, name: str = "encoder"
    ) -> None:
        super().__init__(name=name)
        H = config.hidden_size
        self.pooled = add_pooling_layer
        # Without `classifier_activation` what is pooled is the first token's state as it is.
        has_layer = add_pooling_layer and config.classifier_activation
        with keras.name_scope(name):
            self.embeddings = MobileBertEmbeddings(config)
            self.layers = [
                MobileBertLayer(config, name=f"layer_{i}") for i in range(config.num_hidden_layers)
            ]
            self.pooler = linear("pooler", H, H, config.initializer_range) if has_layer else None
        self.built = True

    def call(
        self,
        input_ids: Tensor | None,
        attention_mask: Tensor | None,
        token_type_ids: Tensor | None,
        position_ids: Tensor | None,
        head_mask: Tensor | None,
        inputs_embeds: Tensor | None,
        keep_states: bool,
        keep_attentions: bool,
        training: bool | None = None,
    ) -> Encoded:
        """The documented arguments, and what to keep -> the last state, pooled, and what was kept."""
        real = attention_mask if attention_mask is not None and len(attention_mask.shape) == 2 else None
        visible = _visible(attention_mask)
        x = self.embeddings(input_ids, inputs_embeds, token_type_ids, position_ids, real)
        states, attentions = [x], []
        for i, layer in enumerate(self.layers):
            x, weights = layer(x, visible, _of_layer(head_mask, i))
            if keep_states:
                states.append(x)
            if keep_attentions:  # [B, A, T, T] of every layer: nothing to keep unasked
                attentions.append(weights)
        return Encoded(
            last_hidden_state=x,
            pooler_output=self._pool(x[:, 0]) if self.pooled else None,
            hidden_states=tuple(states) if keep_states else None,
            attentions=tuple(attentions) if keep_attentions else None,
        )

    def _pool(self, first: Tensor) -> Tensor:
        return first if self.pooler is None else ops.tanh(self.pooler(first))


class MobileBertPredictionHead(keras.layers.Layer):
    """Scores of every vocabulary entry: [B, T, H] -> [B, T, V].

    The output embedding [V, H] is the word embeddings [V, E], and H - E columns of its own beside them. The
    former are the encoder's unless config.json says that they are not tied: then they are `decoder`.
    """

    def __init__(self, config: MobileBertConfig, *, name: str = "predictions") -> None:
        super().__init__(name=name)
        V, E, H = config.vocab_size, config.embedding_size, config.hidden_size
        if E > H:
            raise UnsupportedModelError(
                f"embedding_size {E} is above hidden_size {H}: no head can predict words"
            )
        std, tied = config.initializer_range, config.tie_word_embeddings
        with keras.name_scope(name):
            self.transform = linear("transform", H, H, std)
            self.norm = layer_norm("norm", H, config.layer_norm_eps)
            self.decoder = None if tied else embedding("decoder", V, E, std)
            self.extra = self.add_weight(shape=(H - E, V), initializer=random(std), name="extra")
            self.bias = self.add_weight(shape=(V,), initializer="zeros", name="bias")
        self.activation = activation(config.hidden_act)
        self.built = True

    def call(self, x: Tensor, words: Tensor) -> Tensor:
        """States [B, T, H] and the word embeddings [V, E] -> [B, T, V]."""
        x = self.norm(self.activation(self.transform(x)))
        decoder = ops.cast(words if self.decoder is None else self.decoder.embeddings, x.dtype)
        table = ops.concatenate([ops.transpose(decoder), ops.cast(self.extra, x.dtype)], axis=0)  # [H, V]
        return ops.matmul(x, table) + ops.cast(self.bias, x.dtype)


def _visible(mask: Tensor | None) -> Tensor | None:
    """[B, T] or [B, T, T] of 0 and 1 -> [B, 1, 1 or T, T]; a row that is all padding sees everything."""
    if mask is None:
        return None
    seen = ops.cast(mask, "bool")
    seen = seen[:, None, None, :] if len(mask.shape) == 2 else seen[:, None]
    return ops.logical_or(seen, ops.logical_not(ops.any(seen, axis=-1, keepdims=True)))


def _of_layer(head_mask: Tensor | None, layer: int) -> Tensor | None:
    """[A] or [N, A] -> [A, 1, 1]."""
    if head_mask is None:
        return None
    row = head_mask if len(head_mask.shape) == 1 else head_mask[layer]
    return row[:, None, None]
