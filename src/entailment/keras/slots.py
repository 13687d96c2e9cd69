"""The variables of a model by our names: the attributes that lead to them, as in a PyTorch state dict.

encoder.layers[0].attention.query.kernel   ->   layers.0.attention.query.weight
predictions.extra                          ->   predictions.extra
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from entailment.checkpoint.keras_file import ENDINGS

_LEAVES = (keras.layers.Dense, keras.layers.Embedding, keras.layers.LayerNormalization)


@dataclass(frozen=True, eq=False)
class Slot:
    """Where an array of a checkpoint goes.

    Attributes:
        variable: the Keras variable; its own name ("kernel", "gamma", "weight", ...) says what it is.
    """

    variable: Any

    @property
    def transposed(self) -> bool:
        """A dense kernel is [inputs, outputs], the checkpoint's weight [outputs, inputs]."""
        return bool(self.variable.name == "kernel")

    @property
    def shape(self) -> tuple[int, ...]:
        """As in the checkpoint."""
        shape = tuple(self.variable.shape)
        return shape[::-1] if self.transposed else shape

    def read(self) -> np.ndarray:
        """The array as in the checkpoint, float32."""
        array = np.asarray(self.variable.numpy()).astype(np.float32)
        return np.ascontiguousarray(array.T if self.transposed else array)

    def write(self, array: np.ndarray) -> None:
        """Take over an array of the checkpoint."""
        self.variable.assign(array.T if self.transposed else array)


def slots_of(model: Any) -> dict[str, Slot]:
    """Our name -> slot, for every array of a model."""
    return {name.removeprefix("encoder."): Slot(variable) for name, variable in _walk(model, "")}


def encoder_of(self: Any) -> Any:
    """The layer that makes states of ids."""
    return self.encoder


def get_input_embeddings(self: Any) -> Any:
    """The layer of the word embeddings [V, E]."""
    return self.encoder.embeddings.word


def num_parameters(self: Any, only_trainable: bool = False) -> int:
    """How many numbers the model has learned, tied ones counted once."""
    variables = self.trainable_weights if only_trainable else [s.variable for s in slots_of(self).values()]
    return sum(int(np.prod(variable.shape)) for variable in variables)


def _walk(layer: Any, before: str) -> Iterator[tuple[str, Any]]:
    if isinstance(layer, _LEAVES):
        for variable in layer.weights:
            yield before + ENDINGS.get(variable.name, variable.name), variable
        return
    attributes, variables = dict(vars(layer)), {id(variable) for variable in layer.weights}
    if hasattr(layer, "named_children"):  # on its torch back end a layer keeps those that it owns there
        attributes |= dict(layer.named_children())
    for key, value in attributes.items():
        name = before + key.rstrip("_")
        if key.startswith("_"):
            continue
        if id(value) in variables:
            yield name, value
        elif isinstance(value, keras.layers.Layer):
            yield from _walk(value, f"{name}.")
        elif isinstance(value, list):
            for i, member in enumerate(value):
                if isinstance(member, keras.layers.Layer):
                    yield from _walk(member, f"{name}.{i}.")
