"""MobileBERT for pairs of texts as one fused ONNX graph, with every switch of its configuration.

Paper: Sun et al. 2020, "MobileBERT" (arXiv:2004.02984). What differs from BERT, and how it is computed here:

    trigram      a token's embedding is widened together with its neighbours': one lookup of three rows a
                 token, and one product. The rows come from the input `neighbours`, which knows where a text
                 ends: beyond its ends there are zeros, never [PAD] and never another text of the batch
    bottleneck   a layer works at width W: a linear layer in front narrows, one behind widens (section 3.1)
    attention    queries and keys come from a second, shared bottleneck, computed once; values from the wide
                 state (figure 1)
    networks     several feed-forward networks in a layer, 4 in MobileBERT (section 3.2)
    NoNorm       scale and shift (section 3.3), folded into the linear layers beside it (`graphs.affine`)

Of the 8 NoNorms of a MobileBERT layer those of both bottlenecks and that of attention cost nothing, and
neither does that of the last network, which the layer behind it reads alone; of the others, which close a sum
with what the sum is read from again, one multiplication is left. Layer normalisation, where a configuration
asks for it, is computed as it is written.

A batch never changes a result, and none of it is [PAD]: the reference gives the same where it is run on one
text without padding. With prefix attention, the trigram embedding is that of the joined pair but for the
premise's last token, which does not see the hypothesis and has zeros on that side.

Legend of shapes: N stream tokens, R answers, n either of them, E embedding, H between layers, W within a
layer, I intermediate, K classes.
"""

from __future__ import annotations

import numpy as np

from entailment.checkpoint.config import MobileBertConfig
from entailment.errors import UnsupportedModelError
from entailment.graphs.affine import Scale, affine_of, product, scale_of
from entailment.graphs.attention import ATTENTION_KINDS, Attention
from entailment.graphs.bert import activation, linear
from entailment.graphs.builder import Graph, GraphBuilder, Weights

DEFAULT_EPS = 1e-5
"""Of two layer norms, which the reference implementation makes without `layer_norm_eps`."""


def is_folded(config: MobileBertConfig) -> bool:
    """Whether norms are scale and shift, which linear layers take in."""
    return config.normalization_type == "no_norm"


def layer_norm(b: GraphBuilder, name: str, x: str, *, width: int, eps: float) -> str:
    """Layer norm: [n, width] -> [n, width]."""
    scale, shift = b.weight(f"{name}.weight", width), b.weight(f"{name}.bias", width)
    return b.node("LayerNormalization", x, scale, shift, attributes={"epsilon": eps})


def normed(
    b: GraphBuilder, config: MobileBertConfig, name: str, norm: str, x: str, *, inputs: int, outputs: int
) -> str:
    """norm(linear(x)): [n, inputs] -> [n, outputs]."""
    if is_folded(config):
        layer = affine_of(b, name, inputs=inputs, outputs=outputs)
        return product(b, name, layer.then(scale_of(b, norm, outputs)), x)
    x = linear(b, name, x, inputs=inputs, outputs=outputs)
    return layer_norm(b, norm, x, width=outputs, eps=config.layer_norm_eps)


def closed(
    b: GraphBuilder,
    config: MobileBertConfig,
    name: str,
    norm: str,
    x: str,
    residual: str,
    *,
    inputs: int,
    outputs: int,
    eps: float,
) -> str:
    """norm(linear(x) + residual): [n, inputs], [n, outputs] -> [n, outputs]."""
    if is_folded(config):
        layer = affine_of(b, name, inputs=inputs, outputs=outputs)
        folded = product(b, name, layer.then(scale_of(b, norm, outputs)), x)
        return b.node("Add", folded, b.node("Mul", residual, b.weight(f"{norm}.weight", outputs)))
    summed = b.node("Add", linear(b, name, x, inputs=inputs, outputs=outputs), residual)
    return layer_norm(b, norm, summed, width=outputs, eps=eps)


def embeddings(b: GraphBuilder, config: MobileBertConfig) -> str:
    """Each word with its neighbours, widened, + position + token type, normalised: [N, H].

    Inputs of the graph: input_ids, position_ids, token_type_ids, each int64 [N]; with `trigram_input`,
    neighbours int64 [N, 3]: the token behind, the token itself and the one before, 1 + their place in the
    stream, 0 where there is none.
    """
    E, H = config.embedding_size, config.hidden_size
    positions, types = config.max_position_embeddings, config.type_vocab_size
    words = b.table("embeddings.word.weight", config.vocab_size, E)
    words = b.node("Gather", words, b.input("input_ids", "int64", ["N"]))  # [N, E]
    width = E
    if config.trigram_input:
        width = 3 * E
        nothing = b.made("embeddings.nothing", np.zeros((1, E)))
        words = b.node("Concat", nothing, words, attributes={"axis": 0})  # [1 + N, E]
        words = b.node("Gather", words, b.input("neighbours", "int64", ["N", 3]))  # [N, 3, E]
        words = b.reshape(words, -1, width)
    widened = config.trigram_input or E != H
    position_ids = b.input("position_ids", "int64", ["N"])
    token_type_ids = b.input("token_type_ids", "int64", ["N"])

    if widened and is_folded(config):
        norm = scale_of(b, "embeddings.norm", H)
        layer = affine_of(b, "embeddings.transformation", inputs=width, outputs=H)
        x = product(b, "embeddings.transformation", layer.then(norm), words)
        for part, rows, ids in (("position", positions, position_ids), ("token_type", types, token_type_ids)):
            scaled = norm.factor * b.array(f"embeddings.{part}.weight", rows, H)
            x = b.node("Add", x, b.node("Gather", b.made(f"embeddings.{part}.folded", scaled), ids))
        return x

    x = linear(b, "embeddings.transformation", words, inputs=width, outputs=H) if widened else words
    x = b.node("Add", x, b.node("Gather", b.weight("embeddings.position.weight", positions, H), position_ids))
    x = b.node("Add", x, b.node("Gather", b.weight("embeddings.token_type.weight", types, H), token_type_ids))
    if is_folded(config):  # There is no linear layer to fold it into.
        x = b.node("Mul", x, b.weight("embeddings.norm.weight", H))
        return b.node("Add", x, b.weight("embeddings.norm.bias", H))
    return layer_norm(b, "embeddings.norm", x, width=H, eps=DEFAULT_EPS)


def attend(
    b: GraphBuilder, config: MobileBertConfig, attention: Attention, name: str, x: str, *, last: bool
) -> str:
    """The bottlenecks in front, attention, residual and norm: [N, H] -> [N, W], in the last layer [R, W]."""
    H, W = config.hidden_size, config.true_hidden_size

    def asking(value: str) -> str:
        """The rows that a layer computes: [N, ...] -> [n, ...]."""
        return b.node("Gather", value, attention.answers) if last else value

    def narrow(part: str, value: str) -> str:
        """Through one of the bottlenecks: [n, H] -> [n, W]."""
        bottleneck = f"{name}.bottleneck.{part}"
        return normed(b, config, bottleneck, f"{bottleneck}_norm", value, inputs=H, outputs=W)

    residual = None  # What is narrowed for the residual alone comes at the end.
    if not config.use_bottleneck:
        residual, seen, told, seen_width, told_width = asking(x), x, x, W, W
    elif config.use_bottleneck_attention:
        seen = told = narrow("input", x)
        residual, seen_width, told_width = asking(seen), W, W
    elif config.key_query_shared_bottleneck:
        seen, told, seen_width, told_width = narrow("attention", x), x, W, H
    else:
        seen, told, seen_width, told_width = x, x, H, H
    read = (attention.at_answers if last else attention.everywhere)(
        linear(b, f"{name}.attention.query", asking(seen), inputs=seen_width, outputs=W),
        linear(b, f"{name}.attention.key", seen, inputs=seen_width, outputs=W),
        linear(b, f"{name}.attention.value", told, inputs=told_width, outputs=W),
    )  # [n, W]

    output, norm = f"{name}.attention.output", f"{name}.attention.norm"
    if residual is None and is_folded(config):
        scale = scale_of(b, norm, W)
        layer = affine_of(b, output, inputs=W, outputs=W).then(scale)
        bottleneck = affine_of(b, f"{name}.bottleneck.input", inputs=H, outputs=W)
        bottleneck = bottleneck.then(scale_of(b, f"{name}.bottleneck.input_norm", W)).times(scale.factor)
        scaled = product(b, f"{name}.bottleneck.input", bottleneck.plus(layer.bias), asking(x))
        return product(b, output, layer, read, onto=scaled)
    if residual is None:
        residual = narrow("input", asking(x))
    return closed(b, config, output, norm, read, residual, inputs=W, outputs=W, eps=config.layer_norm_eps)


def feed_forward(b: GraphBuilder, config: MobileBertConfig, name: str, x: str, *, eps: float) -> str:
    """Up, activation, down, residual, norm: [n, W] -> [n, W]."""
    W, I = config.true_hidden_size, config.intermediate_size  # noqa: E741
    up = activation(b, config.hidden_act, linear(b, f"{name}.up", x, inputs=W, outputs=I))  # [n, I]
    return closed(b, config, f"{name}.down", f"{name}.norm", up, x, inputs=I, outputs=W, eps=eps)


def widen(b: GraphBuilder, config: MobileBertConfig, name: str, x: str, wide: str) -> str:
    """The last network and the bottleneck behind it: [n, W], the layer's input [n, H] -> [n, H]."""
    H, W, I = config.hidden_size, config.true_hidden_size, config.intermediate_size  # noqa: E741
    network, output, norm = (
        f"{name}.feed_forward",
        f"{name}.bottleneck.output",
        f"{name}.bottleneck.output_norm",
    )
    if not is_folded(config):
        x = feed_forward(b, config, network, x, eps=DEFAULT_EPS)
        return closed(b, config, output, norm, x, wide, inputs=W, outputs=H, eps=config.layer_norm_eps)
    up = activation(b, config.hidden_act, linear(b, f"{network}.up", x, inputs=W, outputs=I))  # [n, I]
    down = affine_of(b, f"{network}.down", inputs=I, outputs=W)
    x = product(b, f"{network}.down", down, up, onto=x)  # Its bias goes with the norm:
    between = scale_of(b, f"{network}.norm", W)
    between = Scale(between.factor, between.factor * down.bias + between.shift)
    behind = scale_of(b, norm, H)
    x = product(b, output, affine_of(b, output, inputs=W, outputs=H).behind(between).then(behind), x)
    return b.node("Add", x, b.node("Mul", wide, b.weight(f"{norm}.weight", H)))


def layer(
    b: GraphBuilder, config: MobileBertConfig, attention: Attention, name: str, x: str, *, last: bool
) -> str:
    """Bottleneck, attention, networks and back: [N, H] -> [N, H], in the last layer [R, H]."""
    attended = attend(b, config, attention, name, x, last=last)  # [n, W]
    for index in range(config.num_feedforward_networks - 1):
        attended = feed_forward(b, config, f"{name}.networks.{index}", attended, eps=config.layer_norm_eps)
    if not config.use_bottleneck:
        return feed_forward(b, config, f"{name}.feed_forward", attended, eps=DEFAULT_EPS)
    return widen(b, config, name, attended, b.node("Gather", x, attention.answers) if last else x)


def encoder(b: GraphBuilder, config: MobileBertConfig, x: str) -> str:
    """All layers, with the attention that `config.attention` names: [N, H] -> [R, H]."""
    kind = ATTENTION_KINDS[config.attention]
    attention = kind(b, hidden_size=config.true_hidden_size, num_heads=config.num_attention_heads)
    last = config.num_hidden_layers - 1
    for index in range(config.num_hidden_layers):
        x = layer(b, config, attention, f"layers.{index}", x, last=index == last)
    return x


def classifier(b: GraphBuilder, config: MobileBertConfig, x: str) -> str:
    """The pooler, unless `classifier_activation` is off, and the classification head: [R, H] -> [R, K]."""
    H = config.hidden_size
    if config.classifier_activation:
        x = b.node("Tanh", linear(b, "pooler", x, inputs=H, outputs=H))
    return linear(b, "classifier", x, inputs=H, outputs=config.num_labels)


def build_mobilebert(config: MobileBertConfig, weights: Weights) -> Graph:
    """The graph of `MobileBertForSequenceClassification`, with the attention that `config.attention` names.

    Args:
        config: the architecture.
        weights: float32 arrays by our names, see `entailment.checkpoint.names`; the graph keeps references to
            those that nothing was folded into.

    Returns:
        A graph from the inputs of `embeddings` and of the attention kind (`FullAttention`, `PrefixAttention`)
        to logits, float32 [R, K].

    Raises:
        UnsupportedModelError: the model has no token type for the hypothesis.
        WeightsMismatchError: a weight is missing or has a wrong shape.
    """
    if config.type_vocab_size < 2:
        raise UnsupportedModelError(
            f"type_vocab_size is {config.type_vocab_size}: a hypothesis cannot be told from its premise"
        )
    b = GraphBuilder("mobilebert", weights)
    x = encoder(b, config, embeddings(b, config))  # [R, H]
    b.output("logits", classifier(b, config, x), "float32", ["R", config.num_labels])
    return b.build()
