"""What peers that score pairs have in common: batches sorted by length, and the fastest way to run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.interleave import Clock, fastest
from benchmarks.workloads import Pair

Precision = Literal["float32", "bfloat16", "int8"]
Logits = NDArray[np.float32]
Score = Callable[[Sequence[Pair], int], Logits]
Inputs = Mapping[str, NDArray[np.int64]]
Forward = Callable[[Inputs], Logits]

MAX_LENGTH = 512


@dataclass(frozen=True)
class Peer:
    """A library with a model in it.

    Attributes:
        name: of the library, and of what is special about the way it is used.
        precision: of its arithmetic.
        ways: ways to run it (streams, say), the one for a single pair first: pairs and a batch size to logits
            [N, K].
    """

    name: str
    precision: Precision
    ways: Mapping[str, Score]

    def single(self, pairs: Sequence[Pair]) -> Logits:
        """Score pairs one at a time."""
        return next(iter(self.ways.values()))(pairs, 1)


@dataclass(frozen=True)
class LeftOut:
    """A competitor that could not take part, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Tuned:
    """A peer at its best setting for a workload."""

    name: str
    precision: Precision
    setting: str
    score: Callable[[Sequence[Pair]], Logits]


def tune(
    peer: Peer,
    sample: Sequence[Pair],
    *,
    sizes: Sequence[int],
    clock: Clock = time.perf_counter,
) -> Tuned:
    """The peer with the way and the batch size that scored the sample fastest."""
    choices = {
        f"batch {size}{way and ', ' + way}": in_batches(score, size)
        for way, score in peer.ways.items()
        for size in sizes
    }
    best = fastest({name: partial(score, sample) for name, score in choices.items()}, clock=clock)
    return Tuned(peer.name, peer.precision, best, choices[best])


def in_batches(score: Score, size: int) -> Callable[[Sequence[Pair]], Logits]:
    """A score at one batch size."""
    return lambda pairs: score(pairs, size)


class PairTokenizer:
    """The tokenizer of transformers, and batches of its output sorted by length."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoTokenizer

        self._tokenizer: Any = AutoTokenizer.from_pretrained(str(folder))

    def example(self) -> dict[str, NDArray[np.int64]]:
        """A padded batch of two pairs, for converters that trace."""
        return next(self.batches([("a text of some words", "a hypothesis"), ("another", "one more")], 2))[1]

    def batches(
        self, pairs: Sequence[Pair], batch_size: int
    ) -> Iterator[tuple[NDArray[np.intp], dict[str, NDArray[np.int64]]]]:
        """Indices of pairs, longest first, with their padded inputs: int64 [B, T] by name."""
        premises, hypotheses = zip(*pairs, strict=True)
        encoded = self._tokenizer(
            list(premises), list(hypotheses), truncation="only_first", max_length=MAX_LENGTH
        )
        ids, types = encoded["input_ids"], encoded["token_type_ids"]
        order = np.argsort([-len(row) for row in ids], kind="stable")
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            shape = (len(chosen), len(ids[chosen[0]]))
            inputs = {
                name: np.zeros(shape, np.int64) for name in ("input_ids", "attention_mask", "token_type_ids")
            }
            for row, index in enumerate(chosen):
                length = len(ids[index])
                inputs["input_ids"][row, :length] = ids[index]
                inputs["attention_mask"][row, :length] = 1
                inputs["token_type_ids"][row, :length] = types[index]
            yield chosen, inputs

    def score(self, forward: Forward) -> Score:
        """A forward pass over a padded batch as a score of pairs."""

        def run(pairs: Sequence[Pair], batch_size: int) -> Logits:
            logits: Logits | None = None
            for chosen, inputs in self.batches(pairs, batch_size):
                rows = forward(inputs)
                if logits is None:
                    logits = np.empty((len(pairs), rows.shape[1]), np.float32)
                logits[chosen] = rows
            return np.empty((0, 0), np.float32) if logits is None else logits

        return run
