"""Ours, through the classes that people call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks import checkpoints
from benchmarks.attempts import attempt
from benchmarks.interleave import Pass
from benchmarks.scoring import LeftOut, Precision
from benchmarks.settings import Settings
from benchmarks.workloads import Pair, ZeroShot
from entailment import CrossEncoder, ZeroShotClassifier
from entailment.tasks.model import PairModel, load_model


@dataclass(frozen=True)
class Ours:
    """A model opened by this library.

    Attributes:
        name: the precision and what was opened.
        precision: of its arithmetic.
        model: itself.
        classify: texts, labels and template to answers.
        score: pairs to logits [N, K].
    """

    name: str
    precision: Precision
    model: PairModel
    classify: Callable[[Sequence[str], Sequence[str], str], object]
    score: Callable[[Sequence[Pair]], object]

    def classifying(self, workload: ZeroShot) -> Pass:
        """A pass over the texts of a workload."""
        return lambda: self.classify(workload.texts, workload.labels, workload.template)

    def scoring(self, pairs: Sequence[Pair]) -> Pass:
        """A pass over pairs, all in one call."""
        return lambda: self.score(pairs)

    def one_by_one(self, pairs: Sequence[Pair]) -> Pass:
        """A pass over pairs, a call each."""
        return lambda: [self.score([pair]) for pair in pairs]


@cache
def prefix_models(settings: Settings) -> tuple[Ours | LeftOut, ...]:
    """The bundled model in every precision."""
    return in_every_precision(checkpoints.bundled(), "prefix attention", settings.threads)


@cache
def full_models(settings: Settings) -> tuple[Ours | LeftOut, ...]:
    """The cross-encoder of the same size in every precision."""
    return in_every_precision(checkpoints.minilm(settings.work), "full attention", settings.threads)


def in_every_precision(folder: Path, title: str, threads: int) -> tuple[Ours | LeftOut, ...]:
    """A checkpoint in float32, and in what else this release knows."""
    return tuple(
        ours(folder, title, precision=precision, threads=threads) for precision in ("float32", "int8")
    )


def ours(folder: Path, title: str, *, precision: Precision, threads: int) -> Ours | LeftOut:
    """A checkpoint opened with `load_model`; left out where this release does not know the precision."""
    name = f"entailment {precision}, {title}"
    options: dict[str, Any] = {}
    if precision != "float32":
        if "precision" not in inspect.signature(load_model).parameters:
            return LeftOut(name, f"this release has no load_model(..., precision={precision!r})")
        options["precision"] = precision
    model = attempt(name, lambda: load_model(folder, threads=threads, **options))
    if isinstance(model, LeftOut):
        return model
    classifier, encoder = ZeroShotClassifier(model), CrossEncoder(model)

    def classify(texts: Sequence[str], labels: Sequence[str], template: str) -> object:
        return classifier(list(texts), list(labels), hypothesis_template=template)

    return Ours(name, precision, model, classify, lambda pairs: encoder.predict(list(pairs)))
