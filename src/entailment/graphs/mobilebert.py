"""MobileBERT for pairs of texts as one fused ONNX graph, with every switch of its configuration.

Paper: Sun et al. 2020, "MobileBERT" (arXiv:2004.02984). What differs from BERT, and how it is computed here:

    trigram      a token's embedding is widened together with its neighbours': one lookup of three rows a
                 token, and one product. The rows come from the input `neighbours`, which knows where a text
                 ends: beyond its ends there are zeros, never [PAD] and never another text of the batch
    bottleneck   a layer works at width W: a linear layer in front narrows, one behind widens (section 3.1)
    attention    queries and keys come from a second, shared bottleneck, computed once; values from the wide
                 state (figure 1)
    networks     several feed-forward networks in a layer, 4 in MobileBERT (section 3.2)
    NoNorm       scale and shift (section 3.3), which are never computed: states are `Scaled`, and who reads
                 one has its scale and shift folded into its weights (`graphs.affine`)

So a layer is its matrix products, the activations between them, attention, and nothing else; a product that
closes a residual sum begins with the residual. Layer normalisation, where a configuration asks for it, is
computed as it is written. The last layer is computed for the answers alone, as in `graphs.bert`.

A batch never changes a result, and none of it is [PAD]: the reference gives the same where it is run on one
text without padding. With prefix attention, the trigram embedding is that of the joined pair but for the
premise's last token, which does not see the hypothesis and has zeros on that side.

Legend of shapes: N stream tokens, R answers, n either of them, E embedding, H between layers, W within a
layer, I intermediate, K classes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from entailment.checkpoint.config import MobileBertConfig
from entailment.errors import UnsupportedModelError
from entailment.graphs.affine import Scaled, linear, no_norm, onto, plain, unscaled
from entailment.graphs.attention import ATTENTION_KINDS, Attention
from entailment.graphs.bert import activation
from entailment.graphs.builder import Graph, GraphBuilder, Weights

DEFAULT_EPS = 1e-5
"""Of two layer norms, which the reference implementation makes without `layer_norm_eps`."""


def normed(b: GraphBuilder, config: MobileBertConfig, name: str, x: Scaled, *, eps: float) -> Scaled:
    """The norm that the configuration asks for: [n, width] -> [n, width]."""
    if config.normalization_type == "no_norm":
        return no_norm(b, name, x)
    scale, shift = b.weight(f"{name}.weight", x.width), b.weight(f"{name}.bias", x.width)
    x = plain(b, x)
    value = b.node("LayerNormalization", x.value, scale, shift, attributes={"epsilon": eps})
    return unscaled(value, x.width)


def embeddings(b: GraphBuilder, config: MobileBertConfig) -> Scaled:
    """Each word with its neighbours, widened, + position + token type, normalised: [N, H].

    Inputs of the graph: input_ids, position_ids, token_type_ids, each int64 [N]; with `trigram_input`,
    neighbours int64 [N, 3]: the token behind, the token itself and the one before, 1 + their place in the
    stream, 0 where there is none.
    """
    E, H = config.embedding_size, config.hidden_size
    ids = b.input("input_ids", "int64", ["N"])
    x = b.rows("embeddings.word.weight", ids, config.vocab_size, E)  # [N, E]
    width = E
    if config.trigram_input:
        width = 3 * E
        nothing = b.made("embeddings.nothing", np.zeros((1, E)))
        x = b.node("Concat", nothing, x, attributes={"axis": 0})  # [1 + N, E]
        x = b.node("Gather", x, b.input("neighbours", "int64", ["N", 3]))  # [N, 3, E]
        x = b.reshape(x, -1, width)
    if config.trigram_input or E != H:
        x = linear(b, "embeddings.transformation", unscaled(x, width), outputs=H)
    for part, rows in (("position", config.max_position_embeddings), ("token_type", config.type_vocab_size)):
        table = b.weight(f"embeddings.{part}.weight", rows, H)
        x = b.node("Add", x, b.node("Gather", table, b.input(f"{part}_ids", "int64", ["N"])))
    return normed(b, config, "embeddings.norm", unscaled(x, H), eps=DEFAULT_EPS)


def answering(b: GraphBuilder, attention: Attention, x: Scaled) -> Scaled:
    """The rows that a last layer computes: [N, width] -> [R, width]."""
    return replace(x, value=b.node("Gather", x.value, attention.answers))


def attend(
    b: GraphBuilder, config: MobileBertConfig, attention: Attention, name: str, x: Scaled, *, last: bool
) -> Scaled:
    """The bottlenecks in front, attention, residual and norm: [N, H] -> [N, W], in the last layer [R, W]."""
    W = config.true_hidden_size

    def narrow(part: str, wide: Scaled) -> Scaled:
        """Through one of the bottlenecks: [n, H] -> [n, W]."""
        bottleneck = f"{name}.bottleneck.{part}"
        narrowed = unscaled(linear(b, bottleneck, wide, outputs=W), W)
        return normed(b, config, f"{bottleneck}_norm", narrowed, eps=config.layer_norm_eps)

    seen = told = x  # What queries and keys are made of, and what values are.
    if config.use_bottleneck and config.use_bottleneck_attention:
        seen = told = narrow("input", x)
    elif config.use_bottleneck and config.key_query_shared_bottleneck:
        seen = narrow("attention", x)
    asking, residual = (answering(b, attention, each) if last else each for each in (seen, told))
    if config.use_bottleneck and not config.use_bottleneck_attention:
        residual = narrow("input", residual)
    read = (attention.at_answers if last else attention.everywhere)(
        linear(b, f"{name}.attention.query", asking, outputs=W),
        linear(b, f"{name}.attention.key", seen, outputs=W),
        linear(b, f"{name}.attention.value", told, outputs=W),
    )  # [n, W]
    attended = onto(b, f"{name}.attention.output", unscaled(read, W), residual)
    return normed(b, config, f"{name}.attention.norm", attended, eps=config.layer_norm_eps)


def feed_forward(b: GraphBuilder, config: MobileBertConfig, name: str, x: Scaled, *, eps: float) -> Scaled:
    """Up, activation, down, residual, norm: [n, W] -> [n, W]."""
    I = config.intermediate_size  # noqa: E741
    up = activation(b, config.hidden_act, linear(b, f"{name}.up", x, outputs=I))  # [n, I]
    return normed(b, config, f"{name}.norm", onto(b, f"{name}.down", unscaled(up, I), x), eps=eps)


def layer(
    b: GraphBuilder, config: MobileBertConfig, attention: Attention, name: str, x: Scaled, *, last: bool
) -> Scaled:
    """Bottleneck, attention, networks and back: [N, H] -> [N, H], in the last layer [R, H]."""
    inner = attend(b, config, attention, name, x, last=last)  # [n, W]
    for index in range(config.num_feedforward_networks - 1):
        inner = feed_forward(b, config, f"{name}.networks.{index}", inner, eps=config.layer_norm_eps)
    inner = feed_forward(b, config, f"{name}.feed_forward", inner, eps=DEFAULT_EPS)
    if not config.use_bottleneck:
        return inner
    output = f"{name}.bottleneck.output"
    widened = onto(b, output, inner, answering(b, attention, x) if last else x)  # [n, H]
    return normed(b, config, f"{output}_norm", widened, eps=config.layer_norm_eps)


def encoder(b: GraphBuilder, config: MobileBertConfig, x: Scaled) -> Scaled:
    """All layers, with the attention that `config.attention` names: [N, H] -> [R, H]."""
    kind = ATTENTION_KINDS[config.attention]
    attention = kind(b, hidden_size=config.true_hidden_size, num_heads=config.num_attention_heads)
    last = config.num_hidden_layers - 1
    for index in range(config.num_hidden_layers):
        x = layer(b, config, attention, f"layers.{index}", x, last=index == last)
    return x


def classifier(b: GraphBuilder, config: MobileBertConfig, x: Scaled) -> str:
    """The pooler, unless `classifier_activation` is off, and the classification head: [R, H] -> [R, K]."""
    if config.classifier_activation:
        x = unscaled(b.node("Tanh", linear(b, "pooler", x, outputs=x.width)), x.width)
    return linear(b, "classifier", x, outputs=config.num_labels)


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
