"""Linear layers computed in other ways than in float32: in int8, and watched to find out how int8 may go.

**int8.** The weights of each output share a scale; the input as a whole has one, fixed beforehand, so that a
text is answered alike whatever it is batched with (a scale taken from each batch would not give that).
Transformers have a few channels with values ten times as large as all others (Dettmers et al. 2022,
"LLM.int8()", arXiv:2208.07339, section 4), and a range wide enough for those would leave few steps for the
rest. So the range is that of the others, the product cuts off what lies outside, and what was cut off in the
outliers is multiplied in float32:

    x = clip(x) + excess(x),    x @ W.T = int8(clip(x)) @ W.T + excess(x)[:, outliers] @ W[:, outliers].T

Legend of shapes: n rows, I inputs, O outputs, E outliers.
"""

from __future__ import annotations

from functools import cache
from weakref import WeakKeyDictionary

import numpy as np

from entailment.checkpoint.quantization import Int8Input, Quantization
from entailment.errors import CorruptCheckpointError
from entailment.graphs.builder import GraphBuilder, float32_product


class WatchedProduct:
    """The float32 product; the input of every layer becomes an output of the graph.

    Attributes:
        outputs: by the name of the layer, the name of the output that holds its input.
    """

    def __init__(self) -> None:
        self.outputs: dict[str, str] = {}

    def __call__(self, b: GraphBuilder, name: str, x: str, *, inputs: int, outputs: int) -> str:
        """The product: [n, I] -> [n, O]."""
        self.outputs[name] = f"{name}.input"
        b.output(self.outputs[name], x, "float32", [f"rows of {name}", inputs])
        return float32_product(b, name, x, inputs=inputs, outputs=outputs)


class Int8Product:
    """The product in int8 where the quantization names the layer, in float32 elsewhere."""

    def __init__(self, quantization: Quantization) -> None:
        self._quantization = quantization
        # By graph as well, for names of values mean nothing in another; and no longer than that is built, for
        # it holds weights.
        self._rounded: WeakKeyDictionary[GraphBuilder, dict[tuple[str, Int8Input], str]] = WeakKeyDictionary()

    def __call__(self, b: GraphBuilder, name: str, x: str, *, inputs: int, outputs: int) -> str:
        """The product: [n, I] -> [n, O].

        Raises:
            CorruptCheckpointError: the quantization names a channel that the layer does not have.
        """
        how = self._quantization.inputs.get(name)
        if how is None:
            return float32_product(b, name, x, inputs=inputs, outputs=outputs)
        if max(how.outliers, default=0) >= inputs:
            raise CorruptCheckpointError(
                f"the quantization of {name} names channel {max(how.outliers)}, and it has {inputs}; "
                "run `entail quantize` again"
            )

        def weight() -> np.ndarray:
            return b.array(f"{name}.weight", outputs, inputs)

        @cache
        def rounded() -> tuple[np.ndarray, np.ndarray]:
            return rounded_weight(weight(), self._quantization.weight_bits)

        scale, zero_point = b.constant(how.scale, "float32"), b.constant(how.zero_point, "uint8")
        product = b.node(
            "com.microsoft:MatMulIntegerToFloat",
            self._as_int8(b, x, how),
            b.made_once(f"{name}.weight.int8", lambda: rounded()[0], "int8"),
            scale,
            b.made_once(f"{name}.weight.steps", lambda: rounded()[1]),
            zero_point,
            "",
            b.weight(f"{name}.bias", outputs),
        )
        if not how.outliers:
            return product
        of_outliers = b.made_once(f"{name}.weight.outliers", lambda: weight()[:, how.outliers])
        return b.node("Gemm", _excess(b, x, how), of_outliers, product, attributes={"transB": 1})

    def _as_int8(self, b: GraphBuilder, x: str, how: Int8Input) -> str:
        """[n, I] float32 -> [n, I] uint8, once for all layers that read the same value the same way."""
        rounded = self._rounded.setdefault(b, {})
        if (x, how) not in rounded:
            scale, zero_point = b.constant(how.scale, "float32"), b.constant(how.zero_point, "uint8")
            rounded[x, how] = b.node("QuantizeLinear", x, scale, zero_point)
        return rounded[x, how]


def _excess(b: GraphBuilder, x: str, how: Int8Input) -> str:
    """What is cut off in the outliers: [n, I] -> [n, E]."""
    chosen = b.node("Gather", x, b.constant(how.outliers), attributes={"axis": 1})
    lowest, highest = b.constant(how.lowest, "float32"), b.constant(how.highest, "float32")
    return b.node("Sub", chosen, b.node("Clip", chosen, lowest, highest))


def rounded_weight(weight: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers and their step for each output: [O, I] -> int8 [I, O] and float32 [O].

    The largest number of an output's weights becomes 2 ** (bits - 1) - 1. With 7 bits the sum of two products
    of an 8-bit input fits into 16 bits, which is what processors without VNNI add up in.
    """
    most = 2 ** (bits - 1) - 1
    steps = np.abs(weight).max(axis=1) / np.float32(most)
    steps[steps == 0] = 1.0
    numbers = np.rint(weight / steps[:, None]).astype(np.int8)
    return np.ascontiguousarray(numbers.T), steps
