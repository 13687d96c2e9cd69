"""DistilBERT for pairs of texts as one fused ONNX graph.

Paper: Sanh et al. 2019, "DistilBERT" (arXiv:1910.01108), section 3. It has half the layers of BERT, no token
types (so that only [SEP] tells a hypothesis from its premise) and no pooler; the classification head brings a
hidden layer of its own, with ReLU. The layers are BERT's and come from `entailment.graphs.bert`.

Legend of shapes: N stream tokens, R answers, H hidden, K classes.
"""

from __future__ import annotations

from entailment.checkpoint.config import BertConfig, DistilBertConfig
from entailment.graphs.bert import encoder, norm
from entailment.graphs.builder import Graph, GraphBuilder, Product, Weights, float32_product

LAYER_NORM_EPS = 1e-12  # Not in config.json: the reference implementation writes it out.


def as_bert(config: DistilBertConfig) -> BertConfig:
    """The BERT whose layers these are."""
    return BertConfig(
        vocab_size=config.vocab_size,
        hidden_size=config.dim,
        num_hidden_layers=config.n_layers,
        num_attention_heads=config.n_heads,
        intermediate_size=config.hidden_dim,
        hidden_act=config.activation,
        max_position_embeddings=config.max_position_embeddings,
        layer_norm_eps=LAYER_NORM_EPS,
        attention=config.attention,
        num_labels=config.num_labels,
    )


def embeddings(b: GraphBuilder, config: BertConfig) -> str:
    """Word + position, normalised: [N, H].

    Inputs of the graph: input_ids, position_ids, each int64 [N].
    """
    ids = b.input("input_ids", "int64", ["N"])
    position = b.weight("embeddings.position.weight", config.max_position_embeddings, config.hidden_size)
    words = b.rows("embeddings.word.weight", ids, config.vocab_size, config.hidden_size)
    positions = b.node("Gather", position, b.input("position_ids", "int64", ["N"]))
    return norm(b, config, "embeddings.norm", b.node("Add", words, positions))


def classifier(b: GraphBuilder, config: BertConfig, x: str) -> str:
    """The classification head: [R, H] -> [R, K]."""
    H = config.hidden_size
    hidden = b.node("Relu", b.linear("pre_classifier", x, inputs=H, outputs=H))
    return b.linear("classifier", hidden, inputs=H, outputs=config.num_labels)


def build_distilbert(config: DistilBertConfig, weights: Weights, product: Product = float32_product) -> Graph:
    """The graph of `DistilBertForSequenceClassification`, with the attention that `config.attention` names.

    Args:
        config: the architecture.
        weights: float32 arrays by our names, see `entailment.checkpoint.names`; the graph keeps references to
            them.
        product: how linear layers are computed, see `entailment.graphs.products`.

    Returns:
        A graph from the inputs of `embeddings` and of the attention kind (`FullAttention`, `PrefixAttention`)
        to logits, float32 [R, K].

    Raises:
        WeightsMismatchError: a weight is missing or has a wrong shape.
    """
    bert = as_bert(config)
    b = GraphBuilder("distilbert", weights, product)
    x = encoder(b, bert, embeddings(b, bert))  # [R, H]
    b.output("logits", classifier(b, bert, x), "float32", ["R", bert.num_labels])
    return b.build()
