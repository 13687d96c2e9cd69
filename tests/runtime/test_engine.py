from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtime.int8 import UNMEASURED, planned_checkpoint
from tests.runtime.models import KINDS, assert_alike, tiny_checkpoint
from tests.runtime.pairs import pair_lists, random_pairs, shuffled
from tests.tiny import tiny_bert, tiny_mobilebert

from entailment.checkpoint.folder import open_checkpoint
from entailment.checkpoint.quantization import Quantization, fingerprint, write_quantization
from entailment.errors import CheckpointError, InputError, NonFiniteLogitsError, UnsupportedModelError
from entailment.runtime.engine import Engine, OnnxEngine, build_graph, finite
from entailment.runtime.processor import exact_weight_bits, usable_processors
from entailment.runtime.session import check_threads
from entailment.runtime.stub import StubEngine
from entailment.text.pairs import EncodedPair

MIXED = [(2, [9, 1]), (30, [2]), (7, [3, 3, 8]), (7, [1])]


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest) -> OnnxEngine:
    return OnnxEngine.from_checkpoint(tiny_checkpoint(request.param), threads=2)


def test_no_pairs(engine: OnnxEngine) -> None:
    logits = engine.logits([])
    assert logits.shape == (0, 3)
    assert logits.dtype == np.float32


@settings(max_examples=20, deadline=None)
@given(pairs=pair_lists(), tokens_per_batch=st.integers(1, 200))
def test_company_order_and_batches_change_nothing(pairs: list[EncodedPair], tokens_per_batch: int) -> None:
    for kind in KINDS:
        checkpoint = tiny_checkpoint(kind)
        alone_engine = ENGINES[kind]
        alone = np.concatenate(
            [np.zeros((0, 3), np.float32), *(alone_engine.logits([pair]) for pair in pairs)]
        )
        engine = OnnxEngine(
            build_graph(checkpoint.config, checkpoint.arrays),
            checkpoint.config,
            threads=1,
            tokens_per_batch=tokens_per_batch,
        )
        assert_alike(engine.logits(pairs), alone)
        mixed, order = shuffled(pairs)
        assert_alike(engine.logits(mixed), alone[order])


ENGINES = {kind: OnnxEngine.from_checkpoint(tiny_checkpoint(kind), threads=1) for kind in KINDS}


def test_a_premise_may_be_shared_or_not(engine: OnnxEngine) -> None:
    """Sharing the array is for speed; equal arrays that are not the same object are answered alike."""
    pairs = random_pairs(MIXED)
    copies = [EncodedPair(pair.premise.copy(), pair.hypothesis, None) for pair in pairs]
    assert_alike(engine.logits(copies), engine.logits(pairs))


def test_the_same_pair_twice(engine: OnnxEngine) -> None:
    pairs = random_pairs(MIXED)
    assert_alike(engine.logits(pairs + pairs), np.tile(engine.logits(pairs), (2, 1)))


def test_a_thousand_hypotheses(engine: OnnxEngine) -> None:
    lengths = np.random.default_rng(0).integers(1, 9, 1000)
    pairs = random_pairs([(20, lengths.tolist())])
    logits = engine.logits(pairs)
    for index in (0, 1, 500, 999):
        assert_alike(logits[index], engine.logits([pairs[index]])[0])


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_many_batches_are_computed_side_by_side(threads: int, streams: list[int]) -> None:
    """Whether the threads share a batch or each has its own changes no answer."""
    pairs = random_pairs([(length, [3, 5, 8]) for length in range(1, 41)])
    wanted = {kind: ENGINES[kind].logits(pairs) for kind in KINDS}
    streams.clear()
    for kind in KINDS:
        small = OnnxEngine.from_checkpoint(tiny_checkpoint(kind), threads=threads, tokens_per_batch=60)
        assert_alike(small.logits(pairs), wanted[kind])
        small.logits(pairs[:3])
    assert streams == [threads] * len(KINDS)


def test_several_threads_at_once(engine: OnnxEngine) -> None:
    lists = [random_pairs(MIXED, seed=seed) for seed in range(8)]
    wanted = [engine.logits(pairs) for pairs in lists]
    with ThreadPoolExecutor(4) as pool:
        for got, logits in zip(pool.map(engine.logits, lists * 5), wanted * 5, strict=True):
            assert_alike(got, logits)


def test_ids_may_be_of_any_integer_type(engine: OnnxEngine) -> None:
    pairs = random_pairs(MIXED)
    narrow = [EncodedPair(pair.premise.astype(np.int32), pair.hypothesis, None) for pair in pairs]
    assert_alike(engine.logits(narrow), engine.logits(pairs))


def test_too_long(engine: OnnxEngine) -> None:
    assert len(engine.logits(random_pairs([(60, [4])]))) == 1
    with pytest.raises(
        InputError, match="pair 1 has 65 tokens, and tiny reads 64: encode with max_length=64"
    ):
        engine.logits(random_pairs([(60, [4, 5])]))


@pytest.mark.parametrize("wrong", [-1, 100_000])
@pytest.mark.parametrize("side", ["premise", "hypothesis"])
def test_ids_outside_the_vocabulary(engine: OnnxEngine, side: str, wrong: int) -> None:
    pairs = random_pairs(MIXED)
    getattr(pairs[3], side)[0] = wrong
    with pytest.raises(InputError, match=f"pair 3 holds token id {wrong}, and tiny knows 0 to"):
        engine.logits(pairs)


@pytest.mark.parametrize("side", ["premise", "hypothesis"])
def test_a_side_without_tokens(engine: OnnxEngine, side: str) -> None:
    pair = random_pairs([(4, [4])])[0]
    parts = {"premise": pair.premise, "hypothesis": pair.hypothesis, side: np.zeros(0, np.int64)}
    with pytest.raises(InputError, match="pair 0 has a side without tokens"):
        engine.logits([EncodedPair(parts["premise"], parts["hypothesis"], None)])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("where", ["layers.0.attention.query.weight", "classifier.bias"])
def test_broken_weights_are_refused(kind: str, value: float, where: str) -> None:
    checkpoint = tiny_checkpoint("prefix" if kind == "prefix" else "full")
    checkpoint.arrays[where].flat[0] = value
    engine = OnnxEngine.from_checkpoint(checkpoint, threads=1)
    with pytest.raises(
        NonFiniteLogitsError, match=r"tiny answered NaN or infinity for 7 of 7 pairs.*checkpoint"
    ):
        engine.logits(random_pairs(MIXED))


def test_finite_counts_pairs() -> None:
    logits = np.array([[0, 1], [np.nan, np.inf], [2, np.inf]], np.float32)
    assert finite(logits[:1], "m") is not None
    with pytest.raises(NonFiniteLogitsError, match="m answered NaN or infinity for 2 of 3 pairs"):
        finite(logits, "m")


def test_threads() -> None:
    checkpoint = tiny_checkpoint()
    assert OnnxEngine.from_checkpoint(checkpoint).threads == usable_processors()
    assert OnnxEngine.from_checkpoint(checkpoint, threads=1).threads == 1
    with pytest.raises(InputError, match="tokens_per_batch is 0"):
        OnnxEngine.from_checkpoint(checkpoint, tokens_per_batch=0)


@pytest.mark.parametrize("threads", [0, -1, 1_500, 10**300, "2", 1.5, True])
def test_threads_that_no_machine_has(threads: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entailment.runtime.session.usable_processors", lambda: 2)
    with pytest.raises(InputError, match=r"threads is .*; it must be a whole number from 1 to 64 here"):
        OnnxEngine.from_checkpoint(tiny_checkpoint(), threads=threads)


def test_the_most_threads_grow_with_the_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_threads(64) == 64
    monkeypatch.setattr("entailment.runtime.session.usable_processors", lambda: 100)
    assert check_threads(400) == 400
    with pytest.raises(InputError, match="from 1 to 400"):
        check_threads(401)


def test_usable_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    if hasattr(os, "sched_getaffinity"):
        assert usable_processors() == len(os.sched_getaffinity(0))
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert usable_processors() == os.cpu_count()
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_processors() == 1


@pytest.mark.parametrize("precision", ["int3", "", "FLOAT32", 8, None])
def test_unknown_precision(precision: Any) -> None:
    with pytest.raises(InputError, match=r"precision is .*; it must be 'float32' or 'int8'"):
        OnnxEngine.from_checkpoint(tiny_checkpoint(), precision=precision)


@pytest.mark.parametrize("kind", KINDS)
def test_from_a_folder(tmp_path: Path, kind: str) -> None:
    tiny_bert(tmp_path / "m", attention="prefix" if kind == "prefix" else "full")
    engine = OnnxEngine.from_checkpoint(open_checkpoint(tmp_path / "m"), threads=1)
    pairs = random_pairs(MIXED, vocabulary=engine.config.vocab_size)
    assert_alike(engine.logits(pairs), ENGINES[KINDS[kind == "prefix"]].logits(pairs))


def test_an_engine_outlives_the_weights_it_was_made_of() -> None:
    """Their owner may drop them: whatever is still needed of them, the engine holds."""
    checkpoint = tiny_checkpoint("prefix")
    engine = OnnxEngine.from_checkpoint(checkpoint, threads=1)
    pairs = random_pairs(MIXED)
    before = engine.logits(pairs)
    checkpoint.arrays.clear()
    rubbish = [np.full((300, 32), np.nan, np.float32) for _ in range(50)]
    np.testing.assert_array_equal(engine.logits(pairs), before)
    assert len(rubbish) == 50


def test_weights_may_be_read_only() -> None:
    """As memory-mapped files are."""
    checkpoint = tiny_checkpoint("prefix")
    for array in checkpoint.arrays.values():
        array.flags.writeable = False
    pairs = random_pairs(MIXED)
    engine = OnnxEngine.from_checkpoint(checkpoint, threads=1)
    assert_alike(engine.logits(pairs), ENGINES["prefix"].logits(pairs))


class TestInt8:
    engines: ClassVar = {
        kind: OnnxEngine.from_checkpoint(planned_checkpoint(kind), threads=1, precision="int8")
        for kind in KINDS
    }

    @pytest.mark.parametrize("kind", KINDS)
    def test_comes_close_to_float32_and_is_something_else(self, kind: Literal["full", "prefix"]) -> None:
        pairs = random_pairs(MIXED)
        difference = np.abs(self.engines[kind].logits(pairs) - ENGINES[kind].logits(pairs))
        assert 1e-3 < difference.max() < 1.0
        assert np.median(difference) < 0.1

    @settings(max_examples=20, derandomize=True)
    @given(pairs=pair_lists(), tokens_per_batch=st.integers(1, 200))
    def test_company_order_and_batches_change_nothing(
        self, pairs: list[EncodedPair], tokens_per_batch: int
    ) -> None:
        """Ranges taken from each batch would, by as much as int8 changes at all.

        What is left is float32 rounding that decides between one number and the next: rare, 0.013 where seen.
        """
        for kind, engine in self.engines.items():
            alone = [np.zeros((0, 3), np.float32), *(engine.logits([pair]) for pair in pairs)]
            wanted = np.concatenate(alone)
            small = OnnxEngine.from_checkpoint(
                planned_checkpoint(kind), threads=2, precision="int8", tokens_per_batch=tokens_per_batch
            )
            mixed, order = shuffled(pairs)
            for got in (engine.logits(pairs), small.logits(pairs), small.logits(mixed)[np.argsort(order)]):
                assert_alike(got, wanted, atol=0.04)
                # Most are equal to the last bits.
                assert (np.abs(got - wanted) > 1e-5).sum() <= 3, kind

    def test_several_threads_at_once(self) -> None:
        lists = [random_pairs(MIXED, seed=seed) for seed in range(4)]
        engine = self.engines["prefix"]
        wanted = [engine.logits(pairs) for pairs in lists]
        with ThreadPoolExecutor(4) as pool:
            for got, logits in zip(pool.map(engine.logits, lists * 3), wanted * 3, strict=True):
                np.testing.assert_array_equal(got, logits)

    def test_a_folder_without_a_plan_names_the_next_step(self, tmp_path: Path) -> None:
        checkpoint = open_checkpoint(tiny_bert(tmp_path / "m"))
        with pytest.raises(CheckpointError, match=r"no .*quantization\.json.*`entail quantize .*/m --data"):
            OnnxEngine.from_checkpoint(checkpoint, precision="int8")

    def test_a_folder_with_a_plan(self, tmp_path: Path) -> None:
        checkpoint = open_checkpoint(tiny_bert(tmp_path / "m", attention="prefix"))
        inputs = planned_checkpoint("prefix").inputs
        assert inputs is not None
        plan = Quantization(exact_weight_bits(), inputs, UNMEASURED)
        write_quantization(checkpoint.folder, {plan.weight_bits: plan}, fingerprint(checkpoint.weights()))
        engine = OnnxEngine.from_checkpoint(checkpoint, threads=1, precision="int8")
        pairs = random_pairs(MIXED, vocabulary=engine.config.vocab_size)
        assert_alike(engine.logits(pairs), self.engines["prefix"].logits(pairs))

    def test_mobilebert_is_refused_for_what_it_is(self, tmp_path: Path) -> None:
        """Not for the file that it lacks: nothing would make one."""
        checkpoint = open_checkpoint(tiny_mobilebert(tmp_path))
        with pytest.raises(
            UnsupportedModelError, match=r"MobileBERT computes in float32 only.*leave int8 out"
        ):
            OnnxEngine.from_checkpoint(checkpoint, precision="int8")


class TestStub:
    def test_is_an_engine(self) -> None:
        engine: Engine = StubEngine()
        assert engine.num_labels == 3
        assert engine.logits([]).shape == (0, 3)

    def test_overlap_is_entailment(self) -> None:
        ids = np.array([2, 10, 11, 12, 3])
        pairs = [
            EncodedPair(ids, np.array(hypothesis), None)
            for hypothesis in ([10, 11, 3], [10, 20, 3], [20, 21, 3])
        ]
        logits = StubEngine().logits(pairs)
        assert_alike(logits, [[4, 0, -4], [0, 0, 0], [-4, 0, 4]])
        assert logits.dtype == np.float32

    @settings(deadline=None)
    @given(pairs=pair_lists(), num_labels=st.integers(1, 4))
    def test_a_function_of_the_pair(self, pairs: list[EncodedPair], num_labels: int) -> None:
        engine = StubEngine(num_labels)
        logits = engine.logits(pairs)
        assert logits.shape == (len(pairs), num_labels)
        for pair, row in zip(pairs, logits, strict=True):
            np.testing.assert_array_equal(engine.logits([pair])[0], row)

    def test_a_bare_separator(self) -> None:
        pair = EncodedPair(np.array([2, 3]), np.array([3]), None)
        assert_alike(StubEngine(2).logits([pair]), [[-4, 4]])

    def test_refuses_no_labels(self) -> None:
        with pytest.raises(InputError, match="num_labels is 0"):
            StubEngine(0)


def test_replaced_configuration_is_used() -> None:
    """The attention kind comes from the configuration alone: the same weights serve both."""
    checkpoint = tiny_checkpoint("full")
    other = replace(checkpoint, config=replace(checkpoint.config, attention="prefix"))
    pairs = random_pairs(MIXED)
    assert_alike(OnnxEngine.from_checkpoint(other, threads=1).logits(pairs), ENGINES["prefix"].logits(pairs))
