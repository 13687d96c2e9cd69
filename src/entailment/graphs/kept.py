"""Prefix attention in two halves, for a premise that meets hypotheses call after call.

With prefix attention nothing that is computed for a premise depends on its hypotheses, and all that those
need of it are the keys and values of each layer. So one graph computes these, and nothing of the last layer
but these; another takes them and computes the hypotheses alone. Together they are the graph of `build_bert`
or `build_distilbert`. MobileBERT has no halves: its trigrams cross the border between the two texts.

Legend of shapes: S tokens of the premise, N tokens of all hypotheses, L hypotheses, H hidden, A heads,
D = H / A head width, K classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeGuard

from entailment.checkpoint.config import BertConfig, Config, DistilBertConfig, MobileBertConfig
from entailment.graphs import bert, distilbert, wire
from entailment.graphs.attention import Hypotheses, KeptAttention, attend, split_heads
from entailment.graphs.builder import Graph, GraphBuilder, Product, Weights, float32_product

Part = Callable[[GraphBuilder, BertConfig], str]
Head = Callable[[GraphBuilder, BertConfig, str], str]


@dataclass(frozen=True, eq=False)
class KeptGraphs:
    """Both halves.

    Attributes:
        premise: from input_ids, position_ids, token_type_ids, each int64 [S], to the outputs `states`, each
            float32 [1, A, S, D].
        hypotheses: from the states, the same three inputs, each int64 [N], and hypotheses int64 [1, L, T],
            hypothesis_lengths int32 [1, L], homes int64 [N] and answers int64 [L] to logits float32 [L, K].
        states: the names of the keys and values of each layer.
    """

    premise: Graph
    hypotheses: Graph
    states: tuple[str, ...]


def can_keep(config: Config) -> TypeGuard[BertConfig | DistilBertConfig]:
    """Whether an architecture has the two halves: prefix attention, and no MobileBERT."""
    return config.attention == "prefix" and not isinstance(config, MobileBertConfig)


def build_kept(
    config: BertConfig | DistilBertConfig, weights: Weights, product: Product = float32_product
) -> KeptGraphs:
    """Both halves of a model with prefix attention.

    Args:
        config: the architecture, one that `can_keep`.
        weights: arrays by our names; those of the whole graph (its `weights` and `tables`) are used again as
            they are, rounded ones too.
        product: how linear layers are computed.

    Raises:
        WeightsMismatchError: a weight is missing or has a wrong shape.
    """
    if isinstance(config, BertConfig):
        parts: tuple[BertConfig, Part, Head] = config, bert.embeddings, bert.classifier
    else:
        parts = distilbert.as_bert(config), distilbert.embeddings, distilbert.classifier
    common, embeddings, classifier = parts
    names = [state_names(index) for index in range(common.num_hidden_layers)]

    b = GraphBuilder("premise", weights, product)
    premise_layers(b, common, embeddings(b, common))
    premise = b.build()

    b = GraphBuilder("hypotheses", weights, product)
    x = bert.layers(b, common, kept_attentions(b, common), embeddings(b, common))  # [L, H]
    b.output("logits", classifier(b, common, x), "float32", ["L", common.num_labels])
    return KeptGraphs(premise, b.build(), tuple(name for pair in names for name in pair))


def state_names(index: int) -> tuple[str, str]:
    """What the keys and the values of a layer are called, as outputs and as inputs."""
    return f"keys.{index}", f"values.{index}"


def premise_layers(b: GraphBuilder, config: BertConfig, x: str) -> None:
    """The layers of one premise, [S, H], as far as keys and values of each, which become outputs."""
    H, A = config.hidden_size, config.num_attention_heads
    last = config.num_hidden_layers - 1
    # Nothing is padding. But without a length ONNX Runtime adds up in another order, and what int8 makes of
    # the difference is larger than rounding.
    length = b.node("Cast", b.size(x, 0), attributes={"to": wire.ELEMENT_TYPES["int32"]})
    for index in range(config.num_hidden_layers):
        name = f"layers.{index}"
        told = bert.keys_and_values(b, config, name, x)
        keys, values = (b.reshape(each, 1, -1, H) for each in told)  # [1, S, H]
        for output, each in zip(state_names(index), (keys, values), strict=True):
            split = split_heads(b, each, 1, num_heads=A, hidden_size=H)
            b.output(output, split, "float32", [1, A, "S", H // A])
        if index < last:
            asking = b.reshape(bert.queries(b, config, name, x), 1, -1, H)  # [1, S, H]
            read = attend(b, asking, keys, values, length, A)  # [1, S, H]
            read = b.reshape(read, -1, H)
            x = bert.after_reading(b, config, name, read, x)


def kept_attentions(b: GraphBuilder, config: BertConfig) -> list[KeptAttention]:
    """The attention of each layer to the premise's keys and values, which become inputs."""
    H, A = config.hidden_size, config.num_attention_heads
    states = [
        [b.input(name, "float32", [1, A, "S", H // A]) for name in state_names(index)]
        for index in range(config.num_hidden_layers)
    ]
    hypotheses = Hypotheses(b, b.size(states[0][0], 2), hidden_size=H, num_heads=A)
    homes, answers = b.input("homes", "int64", ["N"]), b.input("answers", "int64", ["L"])
    return [KeptAttention(b, hypotheses, homes, answers, keys, values) for keys, values in states]
