"""Tiny engines for tests: configuration and weights of `tests.tiny`, under our names, without a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import numpy as np
from tests.tiny import tiny_bert_arrays, tiny_bert_config

from entailment.checkpoint.config import BertConfig, Config
from entailment.checkpoint.names import rename
from entailment.checkpoint.quantization import Quantization, WeightBits
from entailment.errors import CheckpointError

KINDS: tuple[Literal["full"], Literal["prefix"]] = ("full", "prefix")

ConfigT = TypeVar("ConfigT", bound=Config)


@dataclass(frozen=True)
class MemoryCheckpoint(Generic[ConfigT]):
    """What `OnnxEngine.from_checkpoint` needs of a checkpoint."""

    config: ConfigT
    arrays: dict[str, np.ndarray]
    name: str = "tiny"

    def weights(self, *, map_tables: bool = False) -> dict[str, np.ndarray]:
        return self.arrays

    def quantization(self, most_bits: WeightBits, weights: Mapping[str, np.ndarray]) -> Quantization:
        raise CheckpointError("a checkpoint in memory has no quantization.json")


def tiny_checkpoint(
    attention: Literal["full", "prefix"] = "full",
    *,
    layers: int = 2,
    hidden: int = 32,
    heads: int = 4,
    intermediate: int = 64,
    positions: int = 64,
    hidden_act: str = "gelu",
    seed: int = 0,
) -> MemoryCheckpoint[BertConfig]:
    values = tiny_bert_config(
        layers=layers,
        hidden=hidden,
        heads=heads,
        intermediate=intermediate,
        positions=positions,
        attention=attention,
        hidden_act=hidden_act,
    )
    config = BertConfig.from_dict(values)
    return MemoryCheckpoint(config, rename(tiny_bert_arrays(values, seed=seed), config))


def assert_alike(got: Any, wanted: Any, *, atol: float = 1e-5) -> None:
    np.testing.assert_allclose(got, wanted, rtol=0, atol=atol)
