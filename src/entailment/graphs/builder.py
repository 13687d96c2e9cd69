"""A graph under construction: nodes added one call each, weights checked and kept beside it by reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from entailment.errors import WeightsMismatchError
from entailment.graphs import wire
from entailment.graphs.wire import Attribute, Dimension

Weights = Mapping[str, npt.NDArray[np.float32]]
"""Arrays by our names, see `entailment.checkpoint.names`."""


@dataclass(frozen=True, eq=False)
class Graph:
    """An ONNX model without its weights, and the weights: the very arrays that were handed in.

    Attributes:
        model: a serialised ONNX ModelProto whose weights have no data of their own.
        weights: that data by initialiser name, for `SessionOptions.add_external_initializers`.
        tables: large arrays by the name of a graph input, to be fed with every run.
        inputs: the names of the other inputs.
    """

    model: bytes
    weights: Mapping[str, npt.NDArray[Any]]
    tables: Weights
    inputs: tuple[str, ...]


class Product(Protocol):
    """Adds the linear layer called `name` of x to a graph: [n, inputs] -> [n, outputs].

    Raises:
        WeightsMismatchError: an array is missing or has another shape.
    """

    def __call__(self, b: GraphBuilder, name: str, x: str, *, inputs: int, outputs: int) -> str:
        """The name of the product."""
        ...


def float32_product(b: GraphBuilder, name: str, x: str, *, inputs: int, outputs: int) -> str:
    """x @ weight.T + bias, as the checkpoint states it: [n, inputs] -> [n, outputs]."""
    weight, bias = b.weight(f"{name}.weight", outputs, inputs), b.weight(f"{name}.bias", outputs)
    return b.node("Gemm", x, weight, bias, attributes={"transB": 1})


class GraphBuilder:
    """Collects inputs, nodes, constants and weights; a method that makes a value returns its name.

    Args:
        name: of the graph.
        weights: the arrays that `weight` looks up.
        product: how linear layers are computed.
    """

    def __init__(self, name: str, weights: Weights, product: Product = float32_product) -> None:
        self._name = name
        self._weights = weights
        self._product = product
        self._given: dict[str, npt.NDArray[Any]] = {}
        self._tables: dict[str, npt.NDArray[np.float32]] = {}
        self._nodes: list[bytes] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._initializers: list[bytes] = []
        self._inputs: dict[str, bytes] = {}
        self._outputs: list[bytes] = []

    def input(self, name: str, dtype: str, shape: Sequence[Dimension]) -> str:
        """Declares an input of the graph."""
        self._inputs[name] = wire.value_info(name, dtype, shape)
        return name

    def output(self, name: str, value: str, dtype: str, shape: Sequence[Dimension]) -> None:
        """Declares `value` to be the output called `name`."""
        self._nodes.append(wire.node("Identity", [value], [name], domain="", name=name, attributes={}))
        self._outputs.append(wire.value_info(name, dtype, shape))

    def weight(self, name: str, *shape: int) -> str:
        """The weight called `name`, which must have this shape.

        Raises:
            WeightsMismatchError: there is no such weight, or it has another shape.
        """
        if name not in self._given:
            self._given[name] = self._checked(name, shape)
            self._initializers.append(wire.external_tensor(name, self._given[name]))
        return name

    def array(self, name: str, *shape: int) -> npt.NDArray[np.float32]:
        """The array called `name`, for making others of it; it does not become part of the graph.

        Raises:
            WeightsMismatchError: there is no such weight, or it has another shape.
        """
        return self._checked(name, shape)

    def made(self, name: str, array: npt.NDArray[Any], dtype: str = "float32") -> str:
        """A weight that was made of others, under a name that no other weight of the graph has."""
        self._given[name] = np.ascontiguousarray(array, dtype=dtype)
        self._initializers.append(wire.external_tensor(name, self._given[name]))
        return name

    def made_once(self, name: str, make: Callable[[], npt.NDArray[Any]], dtype: str = "float32") -> str:
        """A weight that `make` makes of others; taken as it is where the weights hold it already.

        They do where they are those of a graph that was built before: both graphs share the array.
        """
        return self.made(name, self._weights[name] if name in self._weights else make(), dtype)

    def rows(self, name: str, indices: str, *shape: int) -> str:
        """Rows of the weight called `name`, in float32: int64 [n] -> [n, width].

        The weight becomes an input of the graph: a run reads it where it is, be it in a file and in float16,
        while the other weights are float32 arrays in memory.

        Raises:
            WeightsMismatchError: there is no such weight, or it has another shape.
        """
        if name not in self._tables:
            self._tables[name] = self._of_shape(name, shape)
            self.input(name, self._tables[name].dtype.name, shape)
        found = self.node("Gather", name, indices)
        if self._tables[name].dtype == np.float16:
            found = self.node("Cast", found, attributes={"to": wire.ELEMENT_TYPES["float32"]})
        return found

    def _checked(self, name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
        # Weights are so already when they come from `Checkpoint.weights()`; then nothing is copied.
        return np.ascontiguousarray(self._of_shape(name, shape), dtype=np.float32)

    def _of_shape(self, name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
        if name not in self._weights:
            raise WeightsMismatchError(f"the weights lack {name!r}, which should have shape {list(shape)}")
        array = self._weights[name]
        if array.shape != shape:
            raise WeightsMismatchError(
                f"{name!r} has shape {list(array.shape)} and should have {list(shape)}"
            )
        return array

    def constant(self, values: Sequence[int] | float, dtype: str = "int64") -> str:
        """A small array written into the model itself; equal constants are written once."""
        array = np.array(values, dtype=dtype)
        key = (dtype, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = f"constant_{len(self._constants)}"
            self._initializers.append(wire.inline_tensor(self._constants[key], array))
        return self._constants[key]

    def node(self, operator: str, *inputs: str, attributes: Mapping[str, Attribute] | None = None) -> str:
        """Adds an operator with one output.

        ``com.microsoft:Name`` is an operator of ONNX Runtime's own; "" stands for an input that is left out.
        """
        return self.nodes(operator, *inputs, outputs=1, attributes=attributes)[0]

    def nodes(
        self, operator: str, *inputs: str, outputs: int, attributes: Mapping[str, Attribute] | None = None
    ) -> list[str]:
        """Adds an operator with several outputs."""
        domain, _, kind = operator.rpartition(":")
        name = f"{kind}_{len(self._nodes)}"
        names = [f"{name}.{number}" for number in range(outputs)]
        self._nodes.append(
            wire.node(kind, inputs, names, domain=domain, name=name, attributes=attributes or {})
        )
        return names

    def linear(self, name: str, x: str, *, inputs: int, outputs: int) -> str:
        """The linear layer called `name` of x: [n, inputs] -> [n, outputs].

        Raises:
            WeightsMismatchError: an array is missing or has another shape.
        """
        return self._product(self, name, x, inputs=inputs, outputs=outputs)

    def reshape(self, value: str, *shape: int | str) -> str:
        """The same data in another shape.

        A dimension is a size, 0 (as it was), -1 (what is left), or the name of an int64 [1] value, see
        `size`.
        """
        if all(isinstance(size, int) for size in shape):
            return self.node("Reshape", value, self.constant([int(size) for size in shape]))
        sizes = [size if isinstance(size, str) else self.constant([size]) for size in shape]
        return self.node("Reshape", value, self.node("Concat", *sizes, attributes={"axis": 0}))

    def size(self, value: str, axis: int) -> str:
        """How long an axis of a value is, as an int64 [1] value."""
        return self.node("Shape", value, attributes={"start": axis, "end": axis + 1})

    def transpose(self, value: str, *axes: int) -> str:
        """The axes in another order."""
        return self.node("Transpose", value, attributes={"perm": axes})

    def build(self) -> Graph:
        """The finished graph."""
        graph = wire.graph(self._name, self._nodes, self._initializers, self._inputs.values(), self._outputs)
        inputs = tuple(name for name in self._inputs if name not in self._tables)
        return Graph(wire.model(graph), self._given, self._tables, inputs)
