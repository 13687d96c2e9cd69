"""Tiny checkpoints that compute in int8: every layer, by ranges of random pairs, without a gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from tests.runtime.models import MemoryCheckpoint, tiny_checkpoint
from tests.runtime.pairs import random_pairs

from entailment.checkpoint.config import BertConfig
from entailment.checkpoint.quantization import Gate, Int8Input, Quantization, WeightBits
from entailment.runtime.ranges import input_ranges

UNMEASURED = Gate(1, 1.0, None, None, ())


@dataclass(frozen=True)
class PlannedCheckpoint(MemoryCheckpoint[BertConfig]):
    """A checkpoint in memory that says how it computes in int8."""

    inputs: Mapping[str, Int8Input] | None = None

    def quantization(self, most_bits: WeightBits, weights: Mapping[str, np.ndarray]) -> Quantization:
        assert self.inputs is not None
        return Quantization(most_bits, self.inputs, UNMEASURED)


def planned_checkpoint(attention: Literal["full", "prefix"], *, seed: int = 0) -> PlannedCheckpoint:
    float32 = tiny_checkpoint(attention, seed=seed)
    lengths = np.random.default_rng(seed).integers(2, 30, (40, 2)).tolist()
    pairs = random_pairs([(premise, [hypothesis]) for premise, hypothesis in lengths])
    inputs = {}
    for name, seen in input_ranges(float32.config, float32.arrays, pairs).items():
        low, high = min(float(seen.lowest.min()), 0.0), float(seen.highest.max())
        scale = (high - low) / 255
        inputs[name] = Int8Input(scale, round(-low / scale), ())
    return PlannedCheckpoint(float32.config, float32.arrays, inputs=inputs)
