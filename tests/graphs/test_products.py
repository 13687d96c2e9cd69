"""The int8 product against its definition in numpy, and what it makes of a graph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtime.models import assert_alike, tiny_checkpoint
from tests.runtime.pairs import random_pairs

from entailment.checkpoint.quantization import Gate, Int8Input, Quantization, WeightBits
from entailment.errors import CorruptCheckpointError, WeightsMismatchError
from entailment.graphs.builder import Graph, GraphBuilder, Product, float32_product
from entailment.graphs.products import Int8Product, WatchedProduct, rounded_weight
from entailment.runtime.engine import OnnxEngine, build_graph
from entailment.runtime.processor import exact_weight_bits
from entailment.runtime.session import Session

Array = npt.NDArray[np.float32]

PARTS = ("attention.query", "attention.key", "attention.value", "attention.output")
BITS: tuple[WeightBits, ...] = (7, 8)
GATE = Gate(1, 1.0, None, None, ())

on_both = pytest.mark.parametrize("bits", BITS)


@dataclass(frozen=True, eq=False)
class Layer:
    """A linear layer and rows for it."""

    weight: Array
    bias: Array
    x: Array

    def run(self, product: Product) -> Array:
        return run(self.graph(product), self.x)

    def graph(self, product: Product) -> Graph:
        O, I = self.weight.shape  # noqa: E741
        b = GraphBuilder("layer", {"a.weight": self.weight, "a.bias": self.bias}, product)
        b.output(
            "y", b.linear("a", b.input("x", "float32", ["n", I]), inputs=I, outputs=O), "float32", ["n", O]
        )
        return b.build()


def run(graph: Graph, x: Array) -> Array:
    (y,) = Session(graph, 1).run(["y"], {"x": x})
    assert isinstance(y, np.ndarray)
    return y


def layer(rows: int = 9, inputs: int = 24, outputs: int = 10, *, seed: int = 0) -> Layer:
    """Random numbers; three channels of the input are ten times as large as the others."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, inputs))
    x[:, [2, 7, inputs - 1]] *= 10
    weight, bias = rng.standard_normal((outputs, inputs)) / inputs**0.5, rng.standard_normal(outputs)
    return Layer(weight.astype(np.float32), bias.astype(np.float32), x.astype(np.float32))


def int8(how: Int8Input, bits: WeightBits) -> Int8Product:
    return Int8Product(Quantization(bits, {"a": how}, GATE))


def defined(given: Layer, how: Int8Input, bits: WeightBits) -> npt.NDArray[np.float64]:
    """clip(x), rounded, times the rounded weights, and what was cut off times the exact ones."""
    x, weight = given.x.astype(np.float64), given.weight.astype(np.float64)
    scale = float(np.float32(how.scale))
    numbers = np.clip(np.rint(given.x / np.float32(how.scale)) + how.zero_point, 0, 255) - how.zero_point
    most = 2 ** (bits - 1) - 1
    steps = np.abs(weight).max(axis=1, keepdims=True) / most
    rounded = np.rint(weight / np.where(steps == 0, 1, steps)) * steps
    lowest, highest = -how.zero_point * scale, (255 - how.zero_point) * scale
    excess = (x - np.clip(x, lowest, highest))[:, how.outliers]
    y: npt.NDArray[np.float64] = (
        numbers * scale @ rounded.T + excess @ weight[:, how.outliers].T + given.bias.astype(np.float64)
    )
    return y


def bits_of_this_machine(bits: WeightBits) -> None:
    """Where 8-bit products are not exact, there is nothing to compare with."""
    if bits > exact_weight_bits():
        pytest.skip("this processor adds products of 8-bit weights up in 16 bits")


@on_both
@pytest.mark.parametrize("outliers", [(), (2,), (2, 7, 23), tuple(range(24))], ids=len)
@pytest.mark.parametrize("zero_point", [0, 128, 255])
@pytest.mark.parametrize("rows", [0, 1, 9])
def test_the_product_is_that_of_the_definition(
    bits: WeightBits, outliers: tuple[int, ...], zero_point: int, rows: int
) -> None:
    bits_of_this_machine(bits)
    given, how = layer(rows), Int8Input(0.02, zero_point, outliers)
    assert_alike(given.run(int8(how, bits)), defined(given, how, bits))


@settings(max_examples=25)
@given(
    rows=st.integers(1, 5),
    inputs=st.integers(1, 70),
    outputs=st.integers(1, 40),
    zero_point=st.integers(0, 255),
    seed=st.integers(0, 99),
)
def test_shapes(rows: int, inputs: int, outputs: int, zero_point: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    outliers = tuple(np.flatnonzero(rng.random(inputs) < 0.2).tolist())
    how = Int8Input(0.03, zero_point, outliers)
    weight = rng.uniform(-0.1, 0.1, (outputs, inputs)).astype(np.float32)
    given = Layer(
        weight, rng.uniform(-1, 1, outputs).astype(np.float32), layer(rows, max(inputs, 8)).x[:, :inputs]
    )
    assert_alike(given.run(int8(how, 7)), defined(given, how, 7), atol=2e-5)


@on_both
def test_the_largest_sums_are_exact(bits: WeightBits) -> None:
    """All numbers at their ends: what a sum in 16 bits would lose, had the weights a bit more."""
    bits_of_this_machine(bits)
    x = np.full((2, 64), 255 * 0.5, np.float32)
    weight = np.stack([np.full(64, 1.0), np.full(64, -1.0)]).astype(np.float32)
    given = Layer(weight, np.zeros(2, np.float32), x)
    wanted = np.tile([64 * 127.5, -64 * 127.5], (2, 1))
    np.testing.assert_allclose(given.run(int8(Int8Input(0.5, 0, ()), bits)), wanted, rtol=1e-6)


@on_both
def test_an_output_whose_weights_are_zero(bits: WeightBits) -> None:
    bits_of_this_machine(bits)
    given = layer()
    given.weight[4] = 0
    y = given.run(int8(Int8Input(0.02, 100, (2, 7, 23)), bits))
    assert_alike(y[:, 4], np.full(9, given.bias[4]))
    assert np.isfinite(y).all()


@on_both
def test_with_every_channel_an_outlier_nothing_is_lost_but_by_rounding(bits: WeightBits) -> None:
    """However small the range: inside of it inputs are off by half a step, and outside weights are exact."""
    bits_of_this_machine(bits)
    given = layer()
    for scale in (1e-3, 0.01, 0.1):
        how = Int8Input(scale, 128, tuple(range(24)))
        difference = np.abs(given.run(int8(how, bits)) - given.run(float32_product))
        inside = np.abs(np.clip(given.x, how.lowest, how.highest))
        steps = np.abs(given.weight).max(axis=1) / (2 ** (bits - 1) - 1)
        by_weights = inside.sum(axis=1, keepdims=True) * steps / 2
        by_inputs = scale / 2 * (np.abs(given.weight).sum(axis=1) + 24 * steps / 2)
        assert (difference <= by_weights + by_inputs + 1e-5).all()


def test_outliers_make_the_product_closer() -> None:
    """A range for most channels and the excess of three, against one range for all of them."""
    given = layer(200)
    exact = given.run(float32_product)
    most = float(np.abs(given.x).max())
    one_range = given.run(int8(Int8Input(2 * most / 255, 128, ()), 7))
    usual = np.abs(given.x[:, [channel for channel in range(24) if channel not in (2, 7, 23)]]).max()
    with_excess = given.run(int8(Int8Input(float(2 * usual / 255), 128, (2, 7, 23)), 7))
    assert np.abs(with_excess - exact).mean() < np.abs(one_range - exact).mean() / 1.5


@on_both
def test_rounded_weights(bits: WeightBits) -> None:
    weight = layer().weight
    weight[3] = 0
    numbers, steps = rounded_weight(weight, bits)
    most = 2 ** (bits - 1) - 1
    assert (numbers.dtype.name, numbers.shape) == ("int8", (24, 10))
    assert (steps.dtype.name, steps.shape) == ("float32", (10,))
    assert np.delete(np.abs(numbers.astype(int)).max(axis=0), 3).tolist() == [most] * 9
    assert (numbers[:, 3] == 0).all()
    assert (np.abs(numbers.T * steps[:, None] - weight) <= steps[:, None] * 0.5001).all()


def test_layers_that_are_not_named_stay_as_they_were() -> None:
    given = layer()
    unnamed = Int8Product(Quantization(8, {"b": Int8Input(0.1, 0, ())}, GATE))
    np.testing.assert_array_equal(given.run(unnamed), given.run(float32_product))


def test_a_channel_that_the_layer_does_not_have() -> None:
    with pytest.raises(CorruptCheckpointError, match="quantization of a names channel 24, and it has 24"):
        layer().graph(int8(Int8Input(0.1, 0, (3, 24)), 8))


@pytest.mark.parametrize("missing", ["a.weight", "a.bias"])
def test_missing_weights(missing: str) -> None:
    weights = {
        name: np.zeros(shape, np.float32) for name, shape in {"a.weight": (2, 3), "a.bias": (2,)}.items()
    }
    del weights[missing]
    b = GraphBuilder("layer", weights, int8(Int8Input(0.1, 0, ()), 8))
    with pytest.raises(WeightsMismatchError, match=f"lack '{missing}'"):
        b.linear("a", b.input("x", "float32", ["n", 3]), inputs=3, outputs=2)


def test_one_product_serves_several_graphs() -> None:
    product = int8(Int8Input(0.02, 128, (2,)), 7)
    given = layer()
    np.testing.assert_array_equal(given.run(product), given.run(product))


def test_the_watched_product_is_that_of_float32_and_shows_its_input() -> None:
    watched, given = WatchedProduct(), layer()
    graph = given.graph(watched)
    assert watched.outputs == {"a": "a.input"}
    y, x = Session(graph, 1).run(["y", "a.input"], {"x": given.x})
    np.testing.assert_array_equal(x, given.x)
    np.testing.assert_array_equal(y, given.run(float32_product))


class TestWholeModel:
    """What the products make of a tiny BERT of two layers."""

    checkpoint = tiny_checkpoint("prefix")
    layers = tuple(f"layers.{index}.{part}" for index in range(2) for part in PARTS)

    def operators(self, plan: Quantization) -> list[str]:
        graph = build_graph(self.checkpoint.config, self.checkpoint.arrays, Int8Product(plan))
        return [node.op_type for node in onnx.ModelProto.FromString(graph.model).graph.node]

    def plan(self, *hows: Int8Input) -> Quantization:
        return Quantization(8, {name: hows[i % len(hows)] for i, name in enumerate(self.layers)}, GATE)

    def test_query_key_and_value_share_their_numbers(self) -> None:
        """Query, key and value of a layer read one value; the last layer's query reads the answers alone."""
        alike = self.operators(self.plan(Int8Input(0.05, 128, ())))
        assert alike.count("QuantizeLinear") == 2 + 3
        assert alike.count("MatMulIntegerToFloat") == 8
        assert alike.count("Clip") == 0

    def test_unless_they_read_it_in_different_ways(self) -> None:
        ways = [Int8Input(0.05 + 0.01 * index, 128, (1,)) for index in range(4)]
        different = self.operators(self.plan(*ways))
        assert different.count("QuantizeLinear") == different.count("Clip") == 8

    def test_float32_weights_of_int8_layers_are_not_kept(self) -> None:
        graph = build_graph(
            self.checkpoint.config, self.checkpoint.arrays, Int8Product(self.plan(Int8Input(0.05, 128, ())))
        )
        assert not {f"{name}.weight" for name in self.layers} & set(graph.weights)
        assert graph.weights["layers.0.attention.query.weight.int8"].dtype == np.int8

    def test_fine_steps_come_close_to_float32(self) -> None:
        pairs = random_pairs([(9, [4, 1]), (30, [2])])
        config, arrays = self.checkpoint.config, self.checkpoint.arrays
        wanted = OnnxEngine(build_graph(config, arrays), config, threads=1).logits(pairs)
        graph = build_graph(config, arrays, Int8Product(self.plan(Int8Input(0.04, 128, ()))))
        got = OnnxEngine(graph, config, threads=1).logits(pairs)
        assert 0 < np.abs(got - wanted).max() < 0.5
