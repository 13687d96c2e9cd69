"""The shape each of our arrays must have, by the patterns of `names.py` (`{}` stands for a layer index).

Shapes are as in the checkpoint: a linear layer is [outputs, inputs], an embedding [entries, width].
"""

from __future__ import annotations

from entailment.checkpoint.config import BertConfig, Config, DistilBertConfig, MobileBertConfig

Shape = tuple[int, ...]


def shapes(config: Config) -> dict[str, Shape]:
    """Pattern of our name -> shape, for the encoder and a classification head."""
    if isinstance(config, BertConfig):
        return bert_shapes(config)
    if isinstance(config, DistilBertConfig):
        return distilbert_shapes(config)
    return mobilebert_shapes(config)


def bert_shapes(config: BertConfig) -> dict[str, Shape]:
    """BERT: [V, H] embeddings, [H, H] projections, [F, H] and [H, F] feed-forward, [K, H] classifier."""
    H = config.hidden_size
    return {
        "embeddings.word.weight": (config.vocab_size, H),
        "embeddings.position.weight": (config.max_position_embeddings, H),
        "embeddings.token_type.weight": (config.type_vocab_size, H),
        **_norm("embeddings.norm", H),
        **_layer(H, config.intermediate_size),
        **_linear("pooler", H, H),
        **_linear("classifier", config.num_labels, H),
    }


def distilbert_shapes(config: DistilBertConfig) -> dict[str, Shape]:
    """DistilBERT: BERT without token types and pooler; the head brings a [H, H] layer of its own."""
    H = config.dim
    return {
        "embeddings.word.weight": (config.vocab_size, H),
        "embeddings.position.weight": (config.max_position_embeddings, H),
        **_norm("embeddings.norm", H),
        **_layer(H, config.hidden_dim),
        **_linear("pre_classifier", H, H),
        **_linear("classifier", config.num_labels, H),
    }


def mobilebert_shapes(config: MobileBertConfig) -> dict[str, Shape]:
    """MobileBERT (paper, table 1): E embedding width, H between the layers, W within them, F feed-forward."""
    E, H, W = config.embedding_size, config.hidden_size, config.true_hidden_size
    F = config.intermediate_size
    # What feeds queries and keys, and what feeds values, depends on the bottleneck (paper, figure 1).
    narrow = (
        not config.use_bottleneck or config.key_query_shared_bottleneck or config.use_bottleneck_attention
    )
    table = {
        "embeddings.word.weight": (config.vocab_size, E),
        "embeddings.position.weight": (config.max_position_embeddings, H),
        "embeddings.token_type.weight": (config.type_vocab_size, H),
        **_linear("embeddings.transformation", H, 3 * E if config.trigram_input else E),
        **_norm("embeddings.norm", H),
        **_linear("layers.{}.attention.query", W, W if narrow else H),
        **_linear("layers.{}.attention.key", W, W if narrow else H),
        **_linear("layers.{}.attention.value", W, W if config.use_bottleneck_attention else H),
        **_linear("layers.{}.attention.output", W, W),
        **_norm("layers.{}.attention.norm", W),
        **_linear("layers.{}.feed_forward.up", F, W),
        **_linear("layers.{}.feed_forward.down", W, F),
        **_norm("layers.{}.feed_forward.norm", W),
    }
    if config.num_feedforward_networks > 1:
        table |= {
            **_linear("layers.{}.networks.{}.up", F, W),
            **_linear("layers.{}.networks.{}.down", W, F),
            **_norm("layers.{}.networks.{}.norm", W),
        }
    if config.use_bottleneck:
        table |= {
            **_linear("layers.{}.bottleneck.input", W, H),
            **_norm("layers.{}.bottleneck.input_norm", W),
            **_linear("layers.{}.bottleneck.output", H, W),
            **_norm("layers.{}.bottleneck.output_norm", H),
        }
        if config.key_query_shared_bottleneck:
            table |= {
                **_linear("layers.{}.bottleneck.attention", W, H),
                **_norm("layers.{}.bottleneck.attention_norm", W),
            }
    if config.classifier_activation:
        table |= _linear("pooler", H, H)
    return table | _linear("classifier", config.num_labels, H)


def _layer(width: int, intermediate: int) -> dict[str, Shape]:
    return {
        **_linear("layers.{}.attention.query", width, width),
        **_linear("layers.{}.attention.key", width, width),
        **_linear("layers.{}.attention.value", width, width),
        **_linear("layers.{}.attention.output", width, width),
        **_norm("layers.{}.attention.norm", width),
        **_linear("layers.{}.feed_forward.up", intermediate, width),
        **_linear("layers.{}.feed_forward.down", width, intermediate),
        **_norm("layers.{}.feed_forward.norm", width),
    }


def _linear(name: str, outputs: int, inputs: int) -> dict[str, Shape]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, width: int) -> dict[str, Shape]:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}
