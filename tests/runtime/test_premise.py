"""An engine that keeps a premise answers as the engine behind it, however the hypotheses come."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtime.int8 import UNMEASURED, planned_checkpoint
from tests.runtime.models import MemoryCheckpoint, assert_alike, tiny_checkpoint
from tests.runtime.pairs import random_pairs
from tests.tiny import random_arrays, tiny_distilbert, tiny_mobilebert

from entailment.checkpoint.config import Config, DistilBertConfig
from entailment.checkpoint.folder import open_checkpoint
from entailment.checkpoint.names import rename
from entailment.checkpoint.quantization import Int8Input, Quantization
from entailment.errors import InputError, NonFiniteLogitsError, WeightsMismatchError
from entailment.graphs.builder import Product, float32_product
from entailment.graphs.products import Int8Product
from entailment.runtime.batches import hypothesis_batches
from entailment.runtime.engine import OnnxEngine, build_graph
from entailment.runtime.premise import PremiseEngine, keep
from entailment.runtime.processor import exact_weight_bits
from entailment.runtime.ranges import input_ranges
from entailment.runtime.stub import StubEngine
from entailment.text.pairs import EncodedPair

Kind = Literal["bert", "distilbert", "bert int8", "distilbert int8"]
KINDS: tuple[Kind, ...] = ("bert", "distilbert", "bert int8", "distilbert int8")
SEVERAL = [(12, [4, 1, 9, 4, 7, 2])]


@dataclass(frozen=True, eq=False)
class Model:
    """What engines of one kind are made of."""

    config: Config
    arrays: dict[str, np.ndarray]
    product: Product = float32_product

    def engine(self, **settings: Any) -> OnnxEngine:
        graph = build_graph(self.config, self.arrays, self.product)
        return OnnxEngine(graph, self.config, product=self.product, **{"threads": 1, **settings})


def distilbert() -> MemoryCheckpoint[DistilBertConfig]:
    config = DistilBertConfig(
        vocab_size=300,
        dim=32,
        n_layers=2,
        n_heads=4,
        hidden_dim=64,
        max_position_embeddings=64,
        attention="prefix",
        id2label={0: "entailment", 1: "neutral", 2: "contradiction"},
        architectures=("DistilBertForSequenceClassification",),
    )
    return MemoryCheckpoint(config, rename(random_arrays(config), config))


def planned(config: Config, arrays: dict[str, np.ndarray]) -> Product:
    """Int8 for every layer, some channels being outliers."""
    inputs = {}
    for name, seen in input_ranges(config, arrays, random_pairs([(20, [5, 9])] * 10)).items():
        widest = float(np.abs(np.concatenate([seen.lowest, seen.highest])).max())
        inputs[name] = Int8Input(1.6 * widest / 255, 128, (1, 3))
    return Int8Product(Quantization(exact_weight_bits(), inputs, UNMEASURED))


def model(kind: Kind) -> Model:
    checkpoint = tiny_checkpoint("prefix") if kind.startswith("bert") else distilbert()
    config, arrays = checkpoint.config, checkpoint.arrays
    return Model(config, arrays, planned(config, arrays) if kind.endswith("int8") else float32_product)


MODELS = {kind: model(kind) for kind in KINDS}
ENGINES = {kind: MODELS[kind].engine() for kind in KINDS}


def assert_same(kind: Kind, got: Any, wanted: Any) -> None:
    """To rounding, which in int8 may decide between one number and the next (see test_engine.py)."""
    if not kind.endswith("int8"):
        return assert_alike(got, wanted)
    assert_alike(got, wanted, atol=0.04)
    assert (np.abs(got - wanted) > 1e-5).sum() <= 3
    return None


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    premise=st.integers(2, 40),
    lengths=st.lists(st.integers(1, 20), min_size=1, max_size=12),
    cuts=st.lists(st.integers(0, 12), max_size=3),
    tokens_per_batch=st.integers(1, 100),
    seed=st.integers(0, 99),
)
def test_answers_are_the_engines_however_hypotheses_are_split_over_calls(
    premise: int, lengths: list[int], cuts: list[int], tokens_per_batch: int, seed: int
) -> None:
    pairs = random_pairs([(premise, lengths)], seed=seed)
    bounds = [0, *sorted(cuts), len(pairs)]
    for kind, engine in ENGINES.items():
        wanted = engine.logits(pairs)
        small = copy(engine)
        small.tokens_per_batch = tokens_per_batch
        for behind in (engine, small):
            keeping = PremiseEngine(behind)
            got = [keeping.logits(pairs[start:stop]) for start, stop in pairwise(bounds)]
            assert_same(kind, np.concatenate(got), wanted)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The tokens of each premise that was computed."""
    found: list[int] = []

    def counted(engine: OnnxEngine, halves: Any, premise: Any) -> Any:
        found.append(len(premise))
        return keep(engine, halves, premise)

    monkeypatch.setattr("entailment.runtime.premise.keep", counted)
    return found


def test_the_premise_is_computed_once(computed: list[int]) -> None:
    engine = MODELS["bert"].engine()
    assert engine.halves is not None
    keeping = PremiseEngine(engine)
    pairs = random_pairs(SEVERAL)
    for pair in pairs:
        keeping.logits([replace(pair, premise=pair.premise.copy())])
    assert computed == [12]
    assert engine.halves.open() is engine.halves.open()


def test_the_longest_cut_of_the_premise_is_kept_and_others_are_computed_whole(computed: list[int]) -> None:
    """A long hypothesis leaves the premise less room; in whatever order they come."""
    engine = ENGINES["bert"]
    usual = random_pairs([(30, [3, 6])])
    cut = np.append(usual[0].premise[:19], 3)
    (late,) = random_pairs([(2, [25])], seed=1)
    late = EncodedPair(cut, late.hypothesis, None)
    for calls in ([usual, [late]], [[late], usual, [late]], [[usual[0], late, usual[1]]], [[late, *usual]]):
        keeping = PremiseEngine(engine)
        computed.clear()
        for pairs in calls:
            assert_alike(keeping.logits(pairs), engine.logits(pairs))
        assert computed in ([30], [20, 30])


@pytest.mark.parametrize("threads", [1, 3])
def test_many_batches_are_computed_side_by_side(threads: int, streams: list[int]) -> None:
    pairs = random_pairs([(20, np.random.default_rng(0).integers(1, 9, 300).tolist())])
    wanted = ENGINES["bert"].logits(pairs)
    streams.clear()
    engine = MODELS["bert"].engine(threads=threads, tokens_per_batch=60)
    assert_alike(PremiseEngine(engine).logits(pairs), wanted)
    assert streams == [threads]


@pytest.mark.parametrize("kind", KINDS)
def test_several_threads_at_once_on_one_premise(kind: Kind) -> None:
    pairs = random_pairs(SEVERAL)
    wanted = ENGINES[kind].logits(pairs)
    keeping = PremiseEngine(MODELS[kind].engine(threads=2))
    parts = [[0], [1, 2], [3, 4, 5], [5, 0]] * 6
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda part: keeping.logits([pairs[index] for index in part]), parts)
        for part, got in zip(parts, found, strict=True):
            assert_alike(got, wanted[part], atol=0.04 if kind.endswith("int8") else 1e-5)


def folder_engine(folder: Path) -> OnnxEngine:
    return OnnxEngine.from_checkpoint(open_checkpoint(folder), threads=1)


def test_what_has_no_halves_is_computed_whole(tmp_path: Path) -> None:
    engines = (
        OnnxEngine.from_checkpoint(tiny_checkpoint("full"), threads=1),
        folder_engine(tiny_mobilebert(tmp_path / "m", attention="prefix")),
        folder_engine(tiny_distilbert(tmp_path / "d", attention="full")),
        StubEngine(),
    )
    pairs = random_pairs(SEVERAL, vocabulary=200)
    for engine in engines:
        assert getattr(engine, "halves", None) is None
        keeping = PremiseEngine(engine)
        assert keeping.num_labels == 3
        np.testing.assert_array_equal(keeping.logits(pairs), engine.logits(pairs))
        keeping.close()
        with pytest.raises(InputError, match="closed"):
            keeping.logits(pairs)


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_from_a_checkpoint(precision: Literal["float32", "int8"]) -> None:
    engine = OnnxEngine.from_checkpoint(planned_checkpoint("prefix"), threads=1, precision=precision)
    pairs = random_pairs(SEVERAL)
    kind: Kind = "bert" if precision == "float32" else "bert int8"
    assert_same(kind, PremiseEngine(engine).logits(pairs), engine.logits(pairs))


def test_an_engine_outlives_the_weights_it_was_made_of() -> None:
    """Though the halves are built later."""
    checkpoint = tiny_checkpoint("prefix")
    engine = OnnxEngine.from_checkpoint(checkpoint, threads=1)
    checkpoint.arrays.clear()
    pairs = random_pairs(SEVERAL)
    assert_alike(PremiseEngine(engine).logits(pairs), engine.logits(pairs))


def test_a_product_that_is_not_the_graphs() -> None:
    int8 = MODELS["bert int8"]
    engine = OnnxEngine(build_graph(int8.config, int8.arrays, int8.product), int8.config, threads=1)
    with pytest.raises(WeightsMismatchError, match="lack"):
        PremiseEngine(engine).logits(random_pairs(SEVERAL))


def test_no_pairs() -> None:
    logits = PremiseEngine(ENGINES["bert"]).logits([])
    assert logits.shape == (0, 3)


def test_closed() -> None:
    keeping = PremiseEngine(ENGINES["bert"])
    pairs = random_pairs(SEVERAL)
    keeping.logits(pairs)
    keeping.close()
    keeping.close()
    with pytest.raises(InputError, match=r"this premise was closed.*\.premise\(text\)"):
        keeping.logits(pairs)


def test_a_pair_that_does_not_fit() -> None:
    keeping = PremiseEngine(ENGINES["bert"])
    with pytest.raises(InputError, match="pair 1 has 65 tokens, and the model reads 64"):
        keeping.logits(random_pairs([(50, [3, 15])]))
    pairs = random_pairs(SEVERAL)
    pairs[2].hypothesis[0] = 999_999
    with pytest.raises(InputError, match="pair 2 holds token id 999999"):
        keeping.logits(pairs)


@pytest.mark.parametrize("where", ["layers.0.attention.key.weight", "classifier.bias"])
def test_broken_weights_are_refused(where: str) -> None:
    checkpoint = tiny_checkpoint("prefix")
    checkpoint.arrays[where].flat[0] = np.nan
    engine = OnnxEngine.from_checkpoint(checkpoint, threads=1)
    with pytest.raises(NonFiniteLogitsError, match="for 6 of 6 pairs"):
        PremiseEngine(engine).logits(random_pairs(SEVERAL))


@given(lengths=st.lists(st.integers(1, 12), max_size=30), tokens_per_batch=st.integers(1, 60))
def test_hypothesis_batches_answer_each_hypothesis_once(
    lengths: Sequence[int], tokens_per_batch: int
) -> None:
    pairs = random_pairs([(7, lengths)])
    batches = list(hypothesis_batches(7, [pair.hypothesis for pair in pairs], tokens_per_batch))
    answered = [index for batch in batches for index in batch.pairs.tolist()]
    assert sorted(answered) == list(range(len(lengths)))
    for batch in batches:
        tokens = len(batch.feeds["input_ids"])
        assert tokens <= tokens_per_batch or len(batch.pairs) == 1
        assert batch.feeds["position_ids"].min() == 7
