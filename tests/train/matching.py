"""A task for tests: whether premise and hypothesis are of one kind, of two; either alone tells nothing.

    python -m tests.train.matching MODEL RUN

trains the model of one folder in another: the process that `test_kill.py` kills, and that accelerate's
launcher multiplies.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from entailment.models.load import PairClassifier, load_model
from entailment.train.batches import Batch, EncodedExample, collate
from entailment.train.examples import CONTRADICTION, ENTAILMENT
from entailment.train.loop import train
from entailment.train.premises import Premises, Special, score
from entailment.train.settings import Settings
from entailment.train.state import STATE

SETTINGS = Settings(
    learning_rate=3e-3, warmup=0.06, weight_decay=0.01, epochs=4, evaluations=4, patience=4, seed=7
)


def examples(epoch: int, count: int = 120) -> list[EncodedExample]:
    draw = np.random.default_rng(epoch)
    made = []
    for _ in range(count):
        kind, *others = draw.integers(0, 2, size=3)
        premise = np.array([2, 60 + 10 * kind + draw.integers(4), 3])
        hypotheses = tuple(np.array([80 + 10 * other + draw.integers(4), 3]) for other in others)
        targets = tuple(ENTAILMENT if other == kind else CONTRADICTION for other in others)
        made.append(EncodedExample(premise, hypotheses, targets, choice=False))
    return made


HELD_OUT = collate(examples(99), pad_id=0, sep_id=3)


def validate(model: PairClassifier) -> dict[str, float]:
    return {"accuracy": float((score(model, HELD_OUT).argmax(-1) == HELD_OUT.targets).float().mean())}


def objective(tokens_per_batch: int = 240) -> Premises:
    return Premises(examples, validate, special=Special(0, 3), tokens_per_batch=tokens_per_batch, seed=7)


def steps_taken(folder: Path) -> int:
    """How many steps the run in a folder has behind it."""
    return int(torch.load(folder / STATE, weights_only=True)["position"]["step"])


@dataclass(frozen=True)
class Slow:
    """An objective that gives a test time to kill its process."""

    inner: Premises
    seconds: float

    def plan(self, epoch: int) -> list[list[int]]:
        return self.inner.plan(epoch)

    def batch(self, epoch: int, members: Sequence[int]) -> Batch:
        time.sleep(self.seconds)
        return self.inner.batch(epoch, members)

    def loss(self, model: PairClassifier, batch: Batch) -> Tensor:
        return self.inner.loss(model, batch)

    def validate(self, model: PairClassifier) -> dict[str, float]:
        return self.inner.validate(model)


def main(model: str, folder: str, seconds: str = "0", accumulation: str = "1") -> None:
    torch.set_num_threads(1)
    settings = Settings(
        learning_rate=3e-3, epochs=2, evaluations=4, accumulation=int(accumulation), ema=0.9, seed=7
    )
    train(
        load_model(model),
        Slow(objective(tokens_per_batch=60), float(seconds)),
        settings,
        Path(folder),
        save_seconds=0,
        measure_energy=False,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
