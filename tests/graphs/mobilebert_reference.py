"""MobileBERT over one pair in plain numpy, with any switch and mask: what the graph is compared with.

Nothing is folded, shared or batched here, and everything is computed in float64. With prefix attention the
trigram embedding is that of the joined pair, but for the premise's last token, which does not see what
follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from math import sqrt

import numpy as np
from tests.graphs.reference import ACTIVATIONS, Array, linear_layer, who_sees_whom

from entailment.checkpoint.config import MobileBertConfig
from entailment.text.pairs import EncodedPair


def trigrams(words: Array, pair: EncodedPair, attention: str) -> Array:
    """The words behind, of, and before each token: [T, E] -> [T, 3 E]."""
    behind, before = np.zeros_like(words), np.zeros_like(words)
    behind[:-1], before[1:] = words[1:], words[:-1]
    if attention == "prefix":
        behind[len(pair.premise) - 1] = 0
    return np.concatenate([behind, words, before], axis=1)


def mobilebert_logits(
    config: MobileBertConfig, weights: Mapping[str, np.ndarray], pair: EncodedPair
) -> Array:
    """Logits [K] of one pair."""
    w = {name: array.astype(np.float64) for name, array in weights.items()}
    ids = np.concatenate([pair.premise, pair.hypothesis])
    types = np.repeat([0, 1], [len(pair.premise), len(pair.hypothesis)])
    seen, linear = who_sees_whom(pair, config.attention), partial(linear_layer, w)

    def norm(name: str, x: Array, eps: float = config.layer_norm_eps) -> Array:
        if config.normalization_type == "layer_norm":
            x = x - x.mean(-1, keepdims=True)
            x = x / np.sqrt((x**2).mean(-1, keepdims=True) + eps)
        y: Array = x * w[f"{name}.weight"] + w[f"{name}.bias"]
        return y

    def network(name: str, x: Array, eps: float = config.layer_norm_eps) -> Array:
        up = ACTIVATIONS[config.hidden_act](linear(f"{name}.up", x))
        return norm(f"{name}.norm", linear(f"{name}.down", up) + x, eps)

    x = w["embeddings.word.weight"][ids]
    if config.trigram_input:
        x = trigrams(x, pair, config.attention)
    if config.trigram_input or config.embedding_size != config.hidden_size:
        x = linear("embeddings.transformation", x)
    x = x + w["embeddings.position.weight"][np.arange(len(ids))] + w["embeddings.token_type.weight"][types]
    x = norm("embeddings.norm", x, 1e-5)
    D = config.true_hidden_size // config.num_attention_heads
    for layer in (f"layers.{index}" for index in range(config.num_hidden_layers)):
        residual = asking = told = x
        if config.use_bottleneck:
            residual = norm(f"{layer}.bottleneck.input_norm", linear(f"{layer}.bottleneck.input", x))
            if config.use_bottleneck_attention:
                asking = told = residual
            elif config.key_query_shared_bottleneck:
                asking = norm(
                    f"{layer}.bottleneck.attention_norm", linear(f"{layer}.bottleneck.attention", x)
                )
        q, k = (linear(f"{layer}.attention.{part}", asking) for part in ("query", "key"))
        v = linear(f"{layer}.attention.value", told)
        read = []
        for head in range(config.num_attention_heads):
            columns = slice(head * D, (head + 1) * D)
            scores = np.where(seen, q[:, columns] @ k[:, columns].T / sqrt(D), -np.inf)
            shares = np.exp(scores - scores.max(-1, keepdims=True))
            read.append(shares / shares.sum(-1, keepdims=True) @ v[:, columns])
        projected = linear(f"{layer}.attention.output", np.concatenate(read, -1))
        inner = norm(f"{layer}.attention.norm", projected + residual)
        for index in range(config.num_feedforward_networks - 1):
            inner = network(f"{layer}.networks.{index}", inner)
        inner = network(f"{layer}.feed_forward", inner, 1e-5)
        if config.use_bottleneck:
            widened = linear(f"{layer}.bottleneck.output", inner)
            inner = norm(f"{layer}.bottleneck.output_norm", widened + x)
        x = inner
    answer = x[-1] if config.attention == "prefix" else x[0]
    return linear("classifier", np.tanh(linear("pooler", answer)) if config.classifier_activation else answer)
