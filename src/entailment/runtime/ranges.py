"""What the inputs of linear layers are like on real pairs, and the int8 range that follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from entailment.checkpoint.config import Config
from entailment.checkpoint.quantization import Int8Input
from entailment.graphs.builder import Weights
from entailment.graphs.products import WatchedProduct
from entailment.runtime.engine import BATCHES, TOKENS_PER_BATCH, build_graph
from entailment.runtime.processor import usable_processors
from entailment.runtime.session import Session
from entailment.text.pairs import EncodedPair

CHANNELS_PER_OUTLIER = 24
"""One channel in so many has its excess computed in float32. More cost time and gained nothing: with one in
96, 48, 24 and 12 the bundled model agreed with float32 on 98.3, 98.6, 99.2 and 98.7 % of 2,000 pairs."""

WORTHWHILE = 0.6
"""A layer has outliers only if without them its range is at most this share of what it was."""


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


def int8_input(seen: InputRange) -> Int8Input:
    """The range of all channels but the outliers, which are those that widen it most, if they do."""
    lowest, highest = np.minimum(seen.lowest, 0.0), np.maximum(seen.highest, 0.0)
    kept = np.ones(len(lowest), dtype=np.bool_)
    for _ in range(len(kept) // CHANNELS_PER_OUTLIER):
        above, below = np.where(kept, highest, 0.0), np.where(kept, -lowest, 0.0)
        kept[above.argmax() if above.max() >= below.max() else below.argmax()] = False
    if np.ptp([lowest[kept].min(), highest[kept].max()]) > WORTHWHILE * (highest.max() - lowest.min()):
        kept[:] = True
    low, high = float(lowest[kept].min()), float(highest[kept].max())
    scale = max(high - low, 1e-6) / 255
    outliers = tuple(np.flatnonzero(~kept).tolist())
    return Int8Input(float(np.float32(scale)), min(255, max(0, round(-low / scale))), outliers)
