"""A graph opened in ONNX Runtime, without a second copy of its weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy.typing as npt

from entailment.errors import InputError
from entailment.graphs.builder import Graph
from entailment.runtime.processor import usable_processors

MOST_THREADS = 64
"""On any machine; four for each processor where that is more."""


def check_threads(threads: int, name: str = "threads") -> int:
    """The number of threads, if it is one that this machine can do with.

    Far more than there are processors take seconds to start and gigabytes to keep.

    Args:
        threads: the number.
        name: what the message calls it.

    Raises:
        InputError: it is no whole number, below 1, or above the larger of 64 and four times the processors.
    """
    most = max(MOST_THREADS, 4 * usable_processors())
    if isinstance(threads, bool) or not isinstance(threads, int) or not 1 <= threads <= most:
        raise InputError(f"{name} is {threads!r:.40}; it must be a whole number from 1 to {most} here")
    return threads


class Session:
    """A graph ready to run, from several threads at once. The weights are used where the graph holds them.

    Args:
        graph: what to run.
        threads: how many share the work of one run; with one, the thread that calls computes.
        packed: lay the weights out anew for fast products. Opening takes longer (65 ms for 10 million
            weights, measured) and every batch takes less (6 ms).
    """

    def __init__(self, graph: Graph, threads: int, *, packed: bool = True) -> None:
        import onnxruntime  # Here, for it takes a tenth of a second and much of this package needs no model.

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # Errors alone; they are raised as well.
        # The graph is fused by hand. The higher levels would replace Add + LayerNormalization by an operator
        # that is slower.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        # A plan of the memory is kept for every shape ever seen, and here nearly every batch has a new one.
        options.enable_mem_pattern = False
        if not packed:
            options.add_session_config_entry("session.disable_prepacking", "1")
        # Where ONNX Runtime finds the file that the graph names as the place of its weights, `wire.LOCATION`;
        # nothing is read of it, for all weights are given.
        folder = str(Path(__file__).parent)
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", folder)
        # Given in this way weights are not copied; they and their values must outlive the session.
        ortvalue = onnxruntime.OrtValue.ortvalue_from_numpy
        self._weights = {name: ortvalue(array) for name, array in graph.weights.items()}
        for name, value in self._weights.items():
            options.add_initializer(name, value)
        self._graph = graph
        self._session = onnxruntime.InferenceSession(graph.model, options, providers=["CPUExecutionProvider"])

    def run(self, outputs: Sequence[str], feeds: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """The named outputs of the graph for these inputs; its tables need not be among them."""
        inputs = {name: feeds[name] for name in self._graph.inputs}
        found: list[npt.NDArray[Any]] = self._session.run(outputs, {**inputs, **self._graph.tables})
        return found


class Sessions:
    """One graph, opened anew for each number of threads when it is first asked for."""

    def __init__(self, graph: Graph, *, packed: bool) -> None:
        self._graph = graph
        self._packed = packed
        self._opened: dict[int, Session] = {}
        self._opening = Lock()

    def of(self, threads: int) -> Session:
        """The session that computes a run in so many threads."""
        with self._opening:
            if threads not in self._opened:
                self._opened[threads] = Session(self._graph, threads, packed=self._packed)
            return self._opened[threads]
