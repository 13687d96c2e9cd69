"""The two halves of a graph with prefix attention, built and opened when they are first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

from entailment.checkpoint.config import BertConfig, DistilBertConfig
from entailment.graphs.builder import Graph, Product
from entailment.graphs.kept import build_kept
from entailment.runtime.session import Sessions


@dataclass(frozen=True, eq=False)
class OpenedHalves:
    """Both halves, ready to run.

    Attributes:
        premise: from the tokens of one premise to the states.
        hypotheses: from the states and the tokens of hypotheses to logits.
        states: the names of the keys and values of each layer.
    """

    premise: Sessions
    hypotheses: Sessions
    states: tuple[str, ...]


class Halves:
    """What computes a premise apart from its hypotheses, with the weights of the whole graph.

    Args:
        graph: the whole.
        config: its architecture, one that `entailment.graphs.kept.can_keep`.
        product: how it computes linear layers.
        packed: as `Session` says.
    """

    def __init__(
        self, graph: Graph, config: BertConfig | DistilBertConfig, product: Product, *, packed: bool
    ) -> None:
        self._graph = graph
        self._config = config
        self._product = product
        self._packed = packed
        self._opened: OpenedHalves | None = None
        self._opening = Lock()

    def open(self) -> OpenedHalves:
        """Both halves, the same for every caller.

        Raises:
            WeightsMismatchError: the graph computes its linear layers in another way than was said.
        """
        with self._opening:
            if self._opened is None:
                weights = {**self._graph.weights, **self._graph.tables}
                built = build_kept(self._config, weights, self._product)
                premise, hypotheses = (
                    Sessions(half, packed=self._packed) for half in (built.premise, built.hypotheses)
                )
                self._opened = OpenedHalves(premise, hypotheses, built.states)
            return self._opened
