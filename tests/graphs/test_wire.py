"""What is written here byte by byte is read back with the `onnx` package."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtime.models import KINDS, tiny_checkpoint

from entailment.errors import WeightsMismatchError
from entailment.graphs import wire
from entailment.graphs.bert import build_bert
from entailment.graphs.builder import GraphBuilder

int64 = st.integers(-(2**63), 2**63 - 1)


@settings(deadline=None)
@given(value=int64)
def test_integers(value: int) -> None:
    parsed = onnx.NodeProto.FromString(
        wire.node("Op", [], [], domain="", name="", attributes={"a": value, "b": (value, 0, value)})
    )
    one, many = parsed.attribute
    assert (one.type, one.i) == (onnx.AttributeProto.INT, value)
    assert (many.type, list(many.ints)) == (onnx.AttributeProto.INTS, [value, 0, value])


@settings(deadline=None)
@given(value=st.floats(width=32, allow_nan=False))
def test_floats(value: float) -> None:
    (parsed,) = onnx.NodeProto.FromString(
        wire.node("Op", [], [], domain="", name="", attributes={"a": value})
    ).attribute
    assert (parsed.type, parsed.f) == (onnx.AttributeProto.FLOAT, value)


def test_node() -> None:
    parsed = onnx.NodeProto.FromString(
        wire.node(
            "Gemm", ["x", "", "ä"], ["y", "z"], domain="com.example", name="n", attributes={"mode": "fast"}
        )
    )
    assert (parsed.op_type, parsed.domain, parsed.name) == ("Gemm", "com.example", "n")
    assert (list(parsed.input), list(parsed.output)) == (["x", "", "ä"], ["y", "z"])
    (attribute,) = parsed.attribute
    assert (attribute.name, attribute.type, attribute.s) == ("mode", onnx.AttributeProto.STRING, b"fast")


@pytest.mark.parametrize("dtype", wire.ELEMENT_TYPES)
def test_inline_tensors(dtype: str) -> None:
    for array in (np.arange(6).reshape(2, 3).astype(dtype), np.array(1).astype(dtype)):
        parsed = onnx.TensorProto.FromString(wire.inline_tensor("t", array))
        assert parsed.name == "t"
        read = onnx.numpy_helper.to_array(parsed)
        assert (read.dtype, read.shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(read, array)


def test_external_tensors_carry_no_data() -> None:
    parsed = onnx.TensorProto.FromString(wire.external_tensor("w", np.zeros((300, 70), np.float32)))
    assert (parsed.name, list(parsed.dims), parsed.data_type) == ("w", [300, 70], onnx.TensorProto.FLOAT)
    assert parsed.data_location == onnx.TensorProto.EXTERNAL
    assert not parsed.raw_data


def test_value_info() -> None:
    parsed = onnx.ValueInfoProto.FromString(wire.value_info("x", "int64", ["B", 300, "T"]))
    assert (parsed.name, parsed.type.tensor_type.elem_type) == ("x", onnx.TensorProto.INT64)
    sizes = [dim.dim_param or dim.dim_value for dim in parsed.type.tensor_type.shape.dim]
    assert sizes == ["B", 300, "T"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_graph(kind: str) -> None:
    checkpoint = tiny_checkpoint("prefix" if kind == "prefix" else "full")
    graph = build_bert(checkpoint.config, checkpoint.arrays)
    model = onnx.load_from_string(graph.model)
    assert {opset.domain: opset.version for opset in model.opset_import} == wire.OPSETS
    external = {tensor.name for tensor in model.graph.initializer if tensor.data_location}
    assert external == set(graph.weights)
    for tensor in model.graph.initializer:
        if tensor.name in external:  # The data is elsewhere, so the checker wants a file: give it the data.
            tensor.CopyFrom(onnx.numpy_helper.from_array(graph.weights[tensor.name], tensor.name))
    onnx.checker.check_model(model)
    onnx.shape_inference.infer_shapes(model, strict_mode=True)
    assert [output.name for output in model.graph.output] == ["logits"]


class TestBuilder:
    def test_equal_constants_are_written_once(self) -> None:
        b = GraphBuilder("g", {})
        assert b.constant((1, 2)) == b.constant([1, 2])
        different = {
            b.constant(1),
            b.constant([1]),
            b.constant(1.0, "float32"),
            b.constant([1, 2]),
            b.constant([2, 1]),
        }
        assert len(different) == 5

    def test_a_weight_is_taken_once(self) -> None:
        b = GraphBuilder("g", {"w": np.zeros((2, 3), np.float32), "unused": np.zeros(1, np.float32)})
        assert b.weight("w", 2, 3) == b.weight("w", 2, 3) == "w"
        assert list(b.build().weights) == ["w"]

    def test_weights_are_made_float32_and_contiguous(self) -> None:
        array = np.arange(6, dtype=np.float64).reshape(2, 3).T
        b = GraphBuilder("g", {"w": array.astype(np.float32).T.copy().T})
        b.weight("w", 3, 2)
        (taken,) = b.build().weights.values()
        assert taken.dtype == np.float32
        assert taken.flags.c_contiguous
        np.testing.assert_array_equal(taken, array)

    def test_missing_and_misshapen_weights(self) -> None:
        b = GraphBuilder("g", {"w": np.zeros((2, 3), np.float32)})
        with pytest.raises(WeightsMismatchError, match=r"lack 'v', which should have shape \[4\]"):
            b.weight("v", 4)
        with pytest.raises(WeightsMismatchError, match=r"'w' has shape \[2, 3\] and should have \[3, 2\]"):
            b.weight("w", 3, 2)
