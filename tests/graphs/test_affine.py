"""What a `Scaled` stands for is what the norms, layers and sums give that it came through."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from entailment.errors import WeightsMismatchError
from entailment.graphs.affine import Scaled, linear, no_norm, onto, plain, unscaled
from entailment.graphs.builder import GraphBuilder

RNG = np.random.default_rng(0)
N, WIDE, NARROW = 5, 4, 3
X, R = RNG.standard_normal((N, NARROW)), RNG.standard_normal((N, WIDE))
"""What a layer reads, and the residual it is added to."""

ORDINARY = RNG.standard_normal((2, WIDE)) + 2
FACTORS = {
    "ordinary": ORDINARY,
    "negative": -ORDINARY,
    "tiny": ORDINARY * 1e-8,
    "huge": ORDINARY * 1e8,
    "too small to divide by": ORDINARY * 1e-20,
    "too large to divide by": ORDINARY * 1e20,
    "zero": ORDINARY * [1, 0, 1, 0],
}


def weights(factors: np.ndarray = ORDINARY) -> dict[str, np.ndarray]:
    """A norm in front of layers NARROW -> WIDE, one layer back, and two norms WIDE with these factors."""
    shapes: dict[str, tuple[int, ...]] = {"front.weight": (NARROW,), "front.bias": (NARROW,)}
    for name in ("layer", "again", "thrice"):
        shapes |= {f"{name}.weight": (WIDE, NARROW), f"{name}.bias": (WIDE,)}
    shapes |= {"back.weight": (NARROW, WIDE), "back.bias": (NARROW,)}
    shapes |= {"first.bias": (WIDE,), "second.bias": (WIDE,)}
    rng = np.random.default_rng(1)
    arrays = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    first, second = factors.astype(np.float32)
    return {**arrays, "first.weight": first, "second.weight": second}


def started(w: dict[str, np.ndarray]) -> tuple[GraphBuilder, Scaled, Scaled]:
    b = GraphBuilder("affine", w)
    x, r = b.input("x", "float32", ["n", NARROW]), b.input("r", "float32", ["n", WIDE])
    return b, unscaled(x, NARROW), unscaled(r, WIDE)


def computed(b: GraphBuilder, value: str, width: int, r: np.ndarray = R) -> np.ndarray:
    b.output("y", value, "float32", ["n", width])
    graph = b.build()
    options = onnxruntime.SessionOptions()
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in graph.weights.values()]
    options.add_external_initializers(list(graph.weights), values)
    session = onnxruntime.InferenceSession(graph.model, options, providers=["CPUExecutionProvider"])
    feeds = {"x": X.astype(np.float32), "r": r.astype(np.float32)}
    y: np.ndarray = session.run(["y"], {name: feeds[name] for name in graph.inputs})[0]
    return y


def assert_stands_for(b: GraphBuilder, y: Scaled, wanted: np.ndarray) -> None:
    np.testing.assert_allclose(computed(b, plain(b, y).value, y.width), wanted, rtol=1e-5, atol=1e-5)


def layer(w: dict[str, np.ndarray], name: str, x: np.ndarray) -> np.ndarray:
    y: np.ndarray = x @ w[f"{name}.weight"].T.astype(np.float64) + w[f"{name}.bias"]
    return y


def norm(w: dict[str, np.ndarray], name: str, x: np.ndarray) -> np.ndarray:
    y: np.ndarray = x * w[f"{name}.weight"].astype(np.float64) + w[f"{name}.bias"]
    return y


def test_a_norm_of_a_norm() -> None:
    w = weights()
    b, _, r = started(w)
    assert_stands_for(b, no_norm(b, "second", no_norm(b, "first", r)), norm(w, "second", norm(w, "first", R)))


def test_a_layer_reads_a_norm() -> None:
    w = weights()
    b, x, _ = started(w)
    y = linear(b, "layer", no_norm(b, "front", x), outputs=WIDE)
    assert_stands_for(b, unscaled(y, WIDE), layer(w, "layer", norm(w, "front", X)))


@pytest.mark.parametrize("factors", FACTORS.values(), ids=FACTORS)
def test_sums_and_norms_in_turn(factors: np.ndarray) -> None:
    """A residual stream: norm, sum, norm, sum, and a layer that reads it."""
    w = weights(factors)
    residual = R / np.abs(factors[0]).max()  # For the first norm to make ordinary numbers of.
    b, x, r = started(w)
    front = no_norm(b, "front", x)
    y = no_norm(b, "second", onto(b, "layer", front, no_norm(b, "first", r)))
    back = linear(b, "back", y, outputs=NARROW)
    y = onto(b, "again", unscaled(back, NARROW), y)
    wanted = norm(w, "second", layer(w, "layer", norm(w, "front", X)) + norm(w, "first", residual))
    wanted = wanted + layer(w, "again", layer(w, "back", wanted))
    # Beside the largest number of a row the others are rounding.
    got = computed(b, plain(b, y).value, WIDE, residual)
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6 * np.abs(wanted).max())


def test_a_stream_is_added_to_and_nothing_else() -> None:
    b, x, r = started(weights())
    y = r
    for name, behind in (("layer", "first"), ("again", "second"), ("thrice", "first")):
        y = no_norm(b, behind, onto(b, name, x, y))
    b.output("y", y.value, "float32", ["n", WIDE])
    nodes = onnx.load_from_string(b.build().model).graph.node
    assert [node.op_type for node in nodes] == ["Gemm", "Gemm", "Gemm", "Identity"]
    assert [node.input[2] for node in nodes[:3]] == ["r", nodes[0].output[0], nodes[1].output[0]]


def test_what_stands_for_itself_costs_nothing() -> None:
    w = weights()
    b, x, r = started(w)
    assert plain(b, r) is not r and plain(b, r).value == r.value
    computed(b, linear(b, "layer", x, outputs=WIDE), WIDE)
    graph = b.build()
    assert all(graph.weights[name] is w[name] for name in ("layer.weight", "layer.bias"))


@pytest.mark.parametrize("name", ["front.weight", "layer.weight", "layer.bias"])
def test_missing_and_wrong(name: str) -> None:
    w = weights()
    array = w.pop(name)
    b, x, r = started(w)
    with pytest.raises(WeightsMismatchError, match=f"lack '{name}'"):
        onto(b, "layer", no_norm(b, "front", x), r)
    w[name] = array[:-1]
    with pytest.raises(WeightsMismatchError, match=f"'{name}' has shape"):
        linear(b, "layer", no_norm(b, "front", x), outputs=WIDE)
