"""The ranges of linear layers' inputs, against the reference in numpy, pair by pair."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from tests.graphs.reference import reference_logits
from tests.runtime.models import KINDS, assert_alike, tiny_checkpoint
from tests.runtime.pairs import random_pairs
from tests.tiny import tiny_distilbert, tiny_mobilebert

from entailment.checkpoint.folder import open_checkpoint
from entailment.errors import UnsupportedModelError
from entailment.runtime import ranges
from entailment.runtime.ranges import input_ranges

PAIRS = random_pairs([(2, [9]), (30, [2]), (7, [3]), (7, [1]), (12, [12])])  # every premise once
LAST = "layers.1"
FOR_ANSWERS = ("attention.query", "attention.output", "feed_forward.up", "feed_forward.down")

Seen = dict[str, list[np.ndarray]]


class Watched(np.ndarray):
    """A weight that notes down every matrix it is multiplied with."""

    layer: str = ""
    seen: Seen

    def __array_finalize__(self, other: object) -> None:
        self.layer, self.seen = getattr(other, "layer", ""), getattr(other, "seen", {})

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if ufunc is np.matmul:
            self.seen.setdefault(self.layer, []).append(np.asarray(inputs[0]))
        return getattr(ufunc, method)(*map(np.asarray, inputs), **options)


def by_definition(kind: Literal["full", "prefix"]) -> dict[str, np.ndarray]:
    """The inputs [n, I] of every layer over all pairs; the last layer reads the answers alone."""
    checkpoint, seen = tiny_checkpoint(kind), Seen()
    weights = dict(checkpoint.arrays)
    for name, array in checkpoint.arrays.items():
        if array.ndim == 2 and not name.startswith("embeddings"):
            watched = array.view(Watched)
            watched.layer, watched.seen = name.removesuffix(".weight"), seen
            weights[name] = watched
    for pair in PAIRS:
        reference_logits(checkpoint.config, weights, pair)
    answer = 0 if kind == "full" else -1
    for part in FOR_ANSWERS:
        seen[f"{LAST}.{part}"] = [x[answer] for x in seen[f"{LAST}.{part}"]]
    return {name: np.concatenate([np.atleast_2d(x) for x in parts]) for name, parts in seen.items()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tokens_per_batch", [1, 40, 1024])
def test_ranges_are_those_of_all_batches(
    monkeypatch: pytest.MonkeyPatch, kind: Literal["full", "prefix"], tokens_per_batch: int
) -> None:
    monkeypatch.setattr(ranges, "TOKENS_PER_BATCH", tokens_per_batch)
    checkpoint, wanted = tiny_checkpoint(kind), by_definition(kind)
    found = input_ranges(checkpoint.config, checkpoint.arrays, PAIRS)
    assert found.keys() == wanted.keys()
    for name, x in wanted.items():
        assert_alike(found[name].lowest, x.min(axis=0))
        assert_alike(found[name].highest, x.max(axis=0))
        assert (found[name].rows, found[name].outputs) == (len(x), len(checkpoint.arrays[f"{name}.weight"]))


def test_no_pairs() -> None:
    checkpoint = tiny_checkpoint()
    assert input_ranges(checkpoint.config, checkpoint.arrays, []) == {}


def test_distilbert(tmp_path: Path) -> None:
    checkpoint = open_checkpoint(tiny_distilbert(tmp_path))
    weights = checkpoint.weights()
    found = input_ranges(checkpoint.config, weights, random_pairs([(5, [3])], vocabulary=200))
    assert {f"{name}.weight" for name in found} == {
        name for name, array in weights.items() if array.ndim == 2 and not name.startswith("embeddings")
    }


def test_mobilebert_cannot_be_watched(tmp_path: Path) -> None:
    checkpoint = open_checkpoint(tiny_mobilebert(tmp_path))
    with pytest.raises(UnsupportedModelError, match="MobileBERT computes in float32 only"):
        input_ranges(checkpoint.config, checkpoint.weights(), PAIRS)
