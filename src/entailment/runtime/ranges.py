"""What the inputs of linear layers are like on real pairs, channel by channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from entailment.checkpoint.config import Config
from entailment.graphs.builder import Weights
from entailment.graphs.products import WatchedProduct
from entailment.runtime.engine import BATCHES, TOKENS_PER_BATCH, build_graph
from entailment.runtime.processor import usable_processors
from entailment.runtime.session import Session
from entailment.text.pairs import EncodedPair


@dataclass(frozen=True, eq=False)
class InputRange:
    """The input of one linear layer, over all rows it was computed for.

    Attributes:
        lowest: float32 [I], by channel.
        highest: float32 [I].
        rows: how many rows there were.
        outputs: how many outputs the layer computes for each.
    """

    lowest: npt.NDArray[np.float32]
    highest: npt.NDArray[np.float32]
    rows: int
    outputs: int


def input_ranges(config: Config, weights: Weights, pairs: Sequence[EncodedPair]) -> dict[str, InputRange]:
    """The range of every linear layer's input, by the name of the layer.

    Args:
        config: the architecture.
        weights: float32 arrays by our names.
        pairs: what the model reads meanwhile; at least one.

    Raises:
        UnsupportedModelError: the architecture's layers cannot be watched.
    """
    watched = WatchedProduct()
    graph = build_graph(config, weights, watched)
    session = Session(graph, usable_processors())
    found: dict[str, InputRange] = {}
    for batch in BATCHES[config.attention](pairs, TOKENS_PER_BATCH):
        values = session.run(list(watched.outputs.values()), batch.feeds)
        for name, value in zip(watched.outputs, values, strict=True):
            lowest, highest, rows = value.min(axis=0), value.max(axis=0), len(value)
            if name in found:
                before = found[name]
                lowest, highest = np.minimum(lowest, before.lowest), np.maximum(highest, before.highest)
                rows += before.rows
            found[name] = InputRange(lowest, highest, rows, len(weights[f"{name}.weight"]))
    return found
