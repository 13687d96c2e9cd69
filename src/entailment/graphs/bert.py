"""BERT for pairs of texts as one fused ONNX graph: also MiniLM and TinyBERT, which differ in size alone.

Papers: Devlin et al. 2019, "BERT" (arXiv:1810.04805); Wang et al. 2020, "MiniLM" (arXiv:2002.10957); Jiao et
al. 2020, "TinyBERT" (arXiv:1909.10351). Post-norm transformer encoder with learned positions and token types.

What makes it fast: one stream of tokens without padding through everything but attention
(`entailment.graphs.attention` explains streams and grids, and holds both attention kinds); weights as
checkpoints store them, handed to ONNX Runtime by reference; and a last layer that is computed for the answers
alone, that is for the tokens that pairs are pooled from.

Legend of shapes: N stream tokens, R answers, n either of them, H hidden, I intermediate, K classes, V
vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

from entailment.checkpoint.config import BertConfig
from entailment.checkpoint.fields import ACTIVATIONS
from entailment.errors import UnsupportedModelError
from entailment.graphs.attention import ATTENTION_KINDS, Attention
from entailment.graphs.builder import Graph, GraphBuilder, Product, Weights, float32_product

OPERATORS = {  # by the function that `ACTIVATIONS` names
    "gelu": "com.microsoft:Gelu",
    "gelu_tanh": "com.microsoft:FastGelu",
    "relu": "Relu",
    "silu": "com.microsoft:QuickGelu",
    "tanh": "Tanh",
}


def norm(b: GraphBuilder, config: BertConfig, name: str, x: str) -> str:
    """Layer norm: [n, H] -> [n, H]."""
    H = config.hidden_size
    scale, shift = b.weight(f"{name}.weight", H), b.weight(f"{name}.bias", H)
    return b.node("LayerNormalization", x, scale, shift, attributes={"epsilon": config.layer_norm_eps})


def embeddings(b: GraphBuilder, config: BertConfig) -> str:
    """Word + position + token type, normalised, of the graph's inputs: [N, H].

    Inputs of the graph: input_ids, position_ids, token_type_ids, each int64 [N].
    """
    H = config.hidden_size
    position = b.weight("embeddings.position.weight", config.max_position_embeddings, H)
    token_type = b.weight("embeddings.token_type.weight", config.type_vocab_size, H)
    summed = b.rows("embeddings.word.weight", b.input("input_ids", "int64", ["N"]), config.vocab_size, H)
    summed = b.node("Add", summed, b.node("Gather", position, b.input("position_ids", "int64", ["N"])))
    summed = b.node("Add", summed, b.node("Gather", token_type, b.input("token_type_ids", "int64", ["N"])))
    return norm(b, config, "embeddings.norm", summed)


def activation(b: GraphBuilder, hidden_act: str, x: str) -> str:
    """The function that checkpoints call `hidden_act`: [n, I] -> [n, I]."""
    operator = OPERATORS[ACTIVATIONS[hidden_act]]
    # QuickGelu is x * sigmoid(alpha * x), which with alpha 1 is SiLU.
    return b.node(operator, x, attributes={"alpha": 1.0} if operator == "com.microsoft:QuickGelu" else {})


def feed_forward(b: GraphBuilder, config: BertConfig, name: str, x: str) -> str:
    """Up, activation, down, residual, norm: [n, H] -> [n, H]."""
    H, I = config.hidden_size, config.intermediate_size  # noqa: E741
    up = activation(b, config.hidden_act, b.linear(f"{name}.up", x, inputs=H, outputs=I))  # [n, I]
    down = b.linear(f"{name}.down", up, inputs=I, outputs=H)
    return norm(b, config, f"{name}.norm", b.node("Add", down, x))


def keys_and_values(b: GraphBuilder, config: BertConfig, name: str, x: str) -> tuple[str, str]:
    """What the tokens of a layer are read by: [N, H] -> twice [N, H]."""
    H = config.hidden_size
    keys = b.linear(f"{name}.attention.key", x, inputs=H, outputs=H)
    return keys, b.linear(f"{name}.attention.value", x, inputs=H, outputs=H)


def queries(b: GraphBuilder, config: BertConfig, name: str, x: str) -> str:
    """What the tokens of a layer read by: [n, H] -> [n, H]."""
    H = config.hidden_size
    return b.linear(f"{name}.attention.query", x, inputs=H, outputs=H)


def after_reading(b: GraphBuilder, config: BertConfig, name: str, read: str, x: str) -> str:
    """Projection, residual, norm and the feed-forward network: twice [n, H] -> [n, H]."""
    H = config.hidden_size
    read = b.linear(f"{name}.attention.output", read, inputs=H, outputs=H)
    x = norm(b, config, f"{name}.attention.norm", b.node("Add", read, x))
    return feed_forward(b, config, f"{name}.feed_forward", x)


def layer(b: GraphBuilder, config: BertConfig, attention: Attention, name: str, x: str, *, last: bool) -> str:
    """Attention, then the feed-forward network: [N, H] -> [N, H], and in the last layer -> [R, H]."""
    asking = b.node("Gather", x, attention.answers) if last else x  # [n, H]
    read = (attention.at_answers if last else attention.everywhere)(
        queries(b, config, name, asking), *keys_and_values(b, config, name, x)
    )  # [n, H]
    return after_reading(b, config, name, read, asking)


def layers(b: GraphBuilder, config: BertConfig, attentions: Sequence[Attention], x: str) -> str:
    """All layers, with an attention each: [N, H] -> [R, H]."""
    last = config.num_hidden_layers - 1
    for index, attention in enumerate(attentions):
        x = layer(b, config, attention, f"layers.{index}", x, last=index == last)
    return x


def encoder(b: GraphBuilder, config: BertConfig, x: str) -> str:
    """All layers, with the attention that `config.attention` names: [N, H] -> [R, H]."""
    kind = ATTENTION_KINDS[config.attention]
    attention = kind(b, hidden_size=config.hidden_size, num_heads=config.num_attention_heads)
    return layers(b, config, [attention] * config.num_hidden_layers, x)


def classifier(b: GraphBuilder, config: BertConfig, x: str) -> str:
    """The pooler and the classification head: [n, H] -> [n, K]."""
    H = config.hidden_size
    pooled = b.node("Tanh", b.linear("pooler", x, inputs=H, outputs=H))
    return b.linear("classifier", pooled, inputs=H, outputs=config.num_labels)


def build_bert(config: BertConfig, weights: Weights, product: Product = float32_product) -> Graph:
    """The graph of `BertForSequenceClassification`, with the attention that `config.attention` names.

    Args:
        config: the architecture.
        weights: float32 arrays by our names, see `entailment.checkpoint.names`; the graph keeps references to
            them.
        product: how linear layers are computed, see `entailment.graphs.products`.

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
    b = GraphBuilder("bert", weights, product)
    x = encoder(b, config, embeddings(b, config))  # [R, H]
    b.output("logits", classifier(b, config, x), "float32", ["R", config.num_labels])
    return b.build()
