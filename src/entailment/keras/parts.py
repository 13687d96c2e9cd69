"""Keras layers that the encoder is made of, built when they are constructed: their widths are known.

A built layer has its variables, so that a model is complete before its first call: it can be filled from a
checkpoint, counted and saved at once.

Legend of shapes: B batch, T tokens, A heads, D head width, N width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from entailment.checkpoint import fields
from entailment.checkpoint.config import MobileBertConfig

Tensor = Any


def _gelu(x: Tensor) -> Tensor:
    return ops.gelu(x, approximate=False)


def _gelu_tanh(x: Tensor) -> Tensor:
    return ops.gelu(x, approximate=True)


_FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "relu": ops.relu,
    "silu": ops.silu,
    "tanh": ops.tanh,
}


def activation(name: str) -> Callable[[Tensor], Tensor]:
    """The function a checkpoint calls `name`; the configuration has refused names that nobody knows."""
    return _FUNCTIONS[fields.ACTIVATIONS[name]]


def random(std: float) -> Any:
    """New weights, as documented: normally distributed, truncated at two deviations."""
    return keras.initializers.TruncatedNormal(stddev=std)


def linear(name: str, inputs: int, outputs: int, std: float) -> Any:
    """A dense layer, built: [..., inputs] -> [..., outputs]."""
    layer = keras.layers.Dense(outputs, kernel_initializer=random(std), name=name)
    layer.build((None, inputs))
    return layer


def embedding(name: str, entries: int, width: int, std: float) -> Any:
    """A table, built: ids [...] -> [..., width]."""
    layer = keras.layers.Embedding(entries, width, embeddings_initializer=random(std), name=name)
    layer.build(None)
    return layer


class NoNorm(keras.layers.Layer):
    """Scale and shift instead of normalisation (section 3.3): [..., N] -> [..., N]."""

    def __init__(self, width: int, *, name: str) -> None:
        super().__init__(name=name)
        with keras.name_scope(name):
            self.weight = self.add_weight(shape=(width,), initializer="ones", name="weight")
            self.bias = self.add_weight(shape=(width,), initializer="zeros", name="bias")
        self.built = True

    def call(self, x: Tensor) -> Tensor:
        """[..., N] -> [..., N]."""
        return x * self.weight + self.bias


def layer_norm(name: str, width: int, eps: float) -> Any:
    """Layer normalisation, built: [..., N] -> [..., N]."""
    layer = keras.layers.LayerNormalization(epsilon=eps, name=name)
    layer.build((None, width))
    return layer


def norm(name: str, config: MobileBertConfig, width: int, eps: float) -> Any:
    """The configuration's norm."""
    return (
        NoNorm(width, name=name) if config.normalization_type == "no_norm" else layer_norm(name, width, eps)
    )


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[B, T, A * D] -> [B, A, T, D]."""
    T, width = ops.shape(x)[1], x.shape[-1]
    return ops.transpose(ops.reshape(x, (-1, T, heads, width // heads)), (0, 2, 1, 3))


def join_heads(x: Tensor) -> Tensor:
    """[B, A, T, D] -> [B, T, A * D]."""
    T, heads, width = ops.shape(x)[2], x.shape[1], x.shape[3]
    return ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (-1, T, heads * width))


def attention_weights(queries: Tensor, keys: Tensor, visible: Tensor | None) -> Tensor:
    """Two [B, A, T, D] and [B, 1, 1 or T, T], True for what is seen -> probabilities [B, A, T, T]."""
    width = queries.shape[-1]
    scores = ops.matmul(queries * width**-0.5, ops.transpose(keys, (0, 1, 3, 2)))
    if visible is not None:
        # The least that every precision can hold: a row always sees something, so that it comes to zero.
        lowest = ops.cast(-65504.0 if scores.dtype == "float16" else -3e38, scores.dtype)
        scores = ops.where(visible, scores, lowest)
    return ops.softmax(scores, axis=-1)
