"""BERT over one pair in plain numpy, with any mask: the definition that the graphs are compared with.

Nothing is shared or batched here. A pair is the joined tokens `[CLS] premise [SEP] hypothesis [SEP]`, the
attention kind is a [T, T] matrix of who sees whom, and everything is computed in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import erf, sqrt

import numpy as np
import numpy.typing as npt

from entailment.checkpoint.config import BertConfig
from entailment.text.pairs import EncodedPair

Array = npt.NDArray[np.float64]

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "gelu": lambda x: x * 0.5 * (1 + np.vectorize(erf)(x / sqrt(2))),
    "gelu_new": lambda x: 0.5 * x * (1 + np.tanh(sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "relu": lambda x: np.maximum(x, 0),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "tanh": np.tanh,
}


def who_sees_whom(pair: EncodedPair, attention: str) -> npt.NDArray[np.bool_]:
    """[T, T]: whether the token of the row sees the token of the column."""
    S, T = len(pair.premise), len(pair.premise) + len(pair.hypothesis)
    if attention == "full":
        return np.ones((T, T), dtype=bool)
    seen = np.zeros((T, T), dtype=bool)
    seen[:S, :S] = True
    seen[S:, :] = True
    return seen


def linear_layer(weights: Mapping[str, Array], name: str, x: Array) -> Array:
    """Widths [I] to [O] on the last axis, by the layer of this name."""
    y: Array = x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
    return y


def reference_logits(config: BertConfig, weights: Mapping[str, np.ndarray], pair: EncodedPair) -> Array:
    """Logits [K] of one pair."""
    w = {name: array.astype(np.float64) for name, array in weights.items()}
    ids = np.concatenate([pair.premise, pair.hypothesis])
    types = np.repeat([0, 1], [len(pair.premise), len(pair.hypothesis)])
    seen, linear = who_sees_whom(pair, config.attention), partial(linear_layer, w)

    def norm(name: str, x: Array) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + config.layer_norm_eps)
        y: Array = scaled * w[f"{name}.weight"] + w[f"{name}.bias"]
        return y

    word, position, token_type = (
        w[f"embeddings.{table}.weight"] for table in ("word", "position", "token_type")
    )
    x = norm("embeddings.norm", word[ids] + position[np.arange(len(ids))] + token_type[types])
    D = config.hidden_size // config.num_attention_heads
    for layer in (f"layers.{index}" for index in range(config.num_hidden_layers)):
        q, k, v = (linear(f"{layer}.attention.{part}", x) for part in ("query", "key", "value"))
        read = []
        for head in range(config.num_attention_heads):
            columns = slice(head * D, (head + 1) * D)
            scores = np.where(seen, q[:, columns] @ k[:, columns].T / sqrt(D), -np.inf)
            shares = np.exp(scores - scores.max(-1, keepdims=True))
            read.append(shares / shares.sum(-1, keepdims=True) @ v[:, columns])
        x = norm(f"{layer}.attention.norm", x + linear(f"{layer}.attention.output", np.concatenate(read, -1)))
        up = ACTIVATIONS[config.hidden_act](linear(f"{layer}.feed_forward.up", x))
        x = norm(f"{layer}.feed_forward.norm", x + linear(f"{layer}.feed_forward.down", up))
    answer = x[-1] if config.attention == "prefix" else x[0]
    return linear("classifier", np.tanh(linear("pooler", answer)))
