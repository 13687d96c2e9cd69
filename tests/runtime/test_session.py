from __future__ import annotations

import gc

import numpy as np
from tests.runtime.models import tiny_checkpoint

from entailment.graphs.builder import GraphBuilder
from entailment.runtime.engine import build_graph
from entailment.runtime.session import Session, Sessions


def test_weights_are_used_where_they_lie() -> None:
    """What is written to an array later, an unpacked session computes with; and it keeps the array alive."""
    weight = np.ones((3, 2), np.float32)
    b = GraphBuilder("product", {"w": weight})
    y = b.node("MatMul", b.input("x", "float32", ["n", 3]), b.weight("w", 3, 2))
    b.output("y", y, "float32", ["n", 2])
    session = Session(b.build(), 1, packed=False)
    weight[:] = 2.0
    del b
    gc.collect()
    (product,) = session.run(["y"], {"x": np.ones((1, 3), np.float32)})
    assert product.tolist() == [[6.0, 6.0]]


def test_opened_once_for_a_number_of_threads() -> None:
    checkpoint = tiny_checkpoint("full")
    sessions = Sessions(build_graph(checkpoint.config, checkpoint.arrays), packed=True)
    assert sessions.of(1) is sessions.of(1)
    assert sessions.of(1) is not sessions.of(2)
