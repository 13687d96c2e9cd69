"""Quantizing tiny random models: what passes the gate, what is left in float32, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runtime.models import KINDS, MemoryCheckpoint, tiny_checkpoint
from tests.runtime.pairs import random_pairs
from tests.tiny import tiny_distilbert, tiny_mobilebert

from entailment.checkpoint.config import BertConfig
from entailment.checkpoint.folder import open_checkpoint
from entailment.checkpoint.quantization import Gate, Quantization, WeightBits
from entailment.errors import InputError, NonFiniteLogitsError, UnsupportedModelError
from entailment.export import int8
from entailment.export.int8 import Judged, accurate_enough, figures, quantize
from entailment.graphs.products import Int8Product
from entailment.runtime import ranges
from entailment.runtime.engine import Logits, OnnxEngine, build_graph
from entailment.runtime.processor import exact_weight_bits
from entailment.runtime.ranges import InputRange, input_ranges, int8_input
from entailment.text.pairs import EncodedPair

Kind = Literal["full", "prefix"]


def pairs_of(count: int, seed: int) -> list[EncodedPair]:
    lengths = np.random.default_rng(seed).integers(2, 30, (count, 2)).tolist()
    return random_pairs(
        [(premise, [hypothesis]) for premise, hypothesis in lengths], seed=seed, vocabulary=200
    )


CALIBRATION, JUDGED = pairs_of(40, 1), pairs_of(200, 2)


def quantized(
    checkpoint: MemoryCheckpoint[BertConfig], gold: np.ndarray | None = None
) -> dict[WeightBits, Quantization]:
    return quantize(checkpoint.config, checkpoint.arrays, CALIBRATION, Judged(JUDGED, gold))


def logits(checkpoint: MemoryCheckpoint[BertConfig], plan: Quantization | None = None) -> Logits:
    product = () if plan is None else (Int8Product(plan),)
    graph = build_graph(checkpoint.config, checkpoint.arrays, *product)
    return OnnxEngine(graph, checkpoint.config, threads=1).logits(JUDGED)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_plans_pass_the_gate_with_the_figures_they_state(kind: Kind, seed: int) -> None:
    checkpoint, said = tiny_checkpoint(kind, seed=seed), list[str]()
    float32 = logits(checkpoint)
    gold = np.random.default_rng(seed).integers(0, 3, len(JUDGED))
    try:
        found = quantize(checkpoint.config, checkpoint.arrays, CALIBRATION, Judged(JUDGED, gold), said.append)
    except InputError as error:
        assert "% agreement on 200 pairs, accuracy 0." in str(error)
        return
    assert said
    for bits, plan in found.items():
        assert plan.weight_bits == bits
        assert accurate_enough(plan.gate)
        assert not set(plan.gate.float32_layers) & set(plan.inputs)
        assert bits <= exact_weight_bits()
        again = logits(checkpoint, plan)
        assert plan.gate.pairs == len(JUDGED)
        assert plan.gate.agreement == (again.argmax(axis=1) == float32.argmax(axis=1)).mean()
        assert plan.gate.accuracy == (again.argmax(axis=1) == gold).mean()
        assert plan.gate.float32_accuracy == (float32.argmax(axis=1) == gold).mean()


@pytest.mark.parametrize("kind", KINDS)
def test_layers_that_read_answers_alone_are_no_part_of_it(kind: Kind) -> None:
    (plan, *_) = quantized(tiny_checkpoint(kind, seed=1)).values()
    named = {*plan.inputs, *plan.gate.float32_layers}
    assert {"layers.1.attention.key", "layers.1.attention.value", "layers.0.feed_forward.up"} <= named
    assert not {"pooler", "classifier", "layers.1.feed_forward.up", "layers.1.attention.query"} & named


def test_what_this_processor_cannot_do_exactly_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int8, "exact_weight_bits", lambda: 7)
    assert quantized(tiny_checkpoint(seed=1)).keys() == {7}


def test_without_labels_agreement_decides() -> None:
    for plan in quantized(tiny_checkpoint(seed=1)).values():
        assert (plan.gate.accuracy, plan.gate.float32_accuracy) == (None, None)
        assert plan.gate.agreement >= int8.LEAST_AGREEMENT


def test_ranges_are_those_of_the_calibration_pairs() -> None:
    checkpoint = tiny_checkpoint(seed=1)
    seen = input_ranges(checkpoint.config, checkpoint.arrays, CALIBRATION)
    for plan in quantized(checkpoint).values():
        assert plan.inputs == {name: int8_input(seen[name]) for name in plan.inputs}


def fragile(checkpoint: MemoryCheckpoint[BertConfig], name: str) -> MemoryCheckpoint[BertConfig]:
    """The same answers to the last bits, from a layer whose input and output rounding spoils.

    Outputs of value are multiplied, channel by channel, by factors up to a million, which the layer behind
    divides by: what it reads has more large channels than may be outliers, and the small ones matter as much.
    """
    layer = name.removesuffix(".output")
    factors = np.geomspace(1, 1e6, checkpoint.config.hidden_size).astype(np.float32)
    arrays = dict(checkpoint.arrays)
    arrays[f"{layer}.value.weight"] = arrays[f"{layer}.value.weight"] * factors[:, None]
    arrays[f"{layer}.value.bias"] = arrays[f"{layer}.value.bias"] * factors
    arrays[f"{name}.weight"] = arrays[f"{name}.weight"] / factors
    return replace(checkpoint, arrays=arrays)


@pytest.mark.parametrize("kind", KINDS)
def test_a_planted_fragile_layer_is_left_in_float32(kind: Kind) -> None:
    name = "layers.0.attention.output"
    sound = tiny_checkpoint(kind, seed=3 if kind == "full" else 2)
    assert all(name not in plan.gate.float32_layers for plan in quantized(sound).values())
    planted = fragile(sound, name)
    np.testing.assert_allclose(logits(planted), logits(sound), atol=1e-4)
    found = quantized(planted)
    assert found.keys() == set(range(7, exact_weight_bits() + 1))
    for plan in found.values():
        assert plan.gate.float32_layers[0] == name


def test_what_no_plan_repairs_is_refused_with_its_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int8, "LEAST_AGREEMENT", 1.01)
    checkpoint, said = tiny_checkpoint(seed=1), list[str]()
    gold = np.zeros(len(JUDGED), np.int64)
    monkeypatch.setattr(int8, "exact_weight_bits", lambda: 8)
    with pytest.raises(InputError) as error:
        quantize(checkpoint.config, checkpoint.arrays, CALIBRATION, Judged(JUDGED, gold), said.append)
    for part in (
        "8-bit weights: ",
        "7-bit weights: ",
        "% agreement on 200 pairs, accuracy ",
        "at least 101%",
    ):
        assert part in str(error.value)
    assert "at most 0.3 points of accuracy lost" in str(error.value)
    # None left out, then as many as leave one of the eight layers that may be int8.
    assert len(said) == 2 * (1 + len([count for count in int8.LEFT_OUT if count < 8]))


def test_accuracy_that_is_lost_counts_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int8, "LEAST_AGREEMENT", 0.0)
    checkpoint = tiny_checkpoint(seed=2)
    gold = logits(checkpoint).argmax(axis=1)  # float32 is right every time
    for plan in quantized(checkpoint, gold).values():
        assert plan.gate.float32_accuracy == 1.0
        assert plan.gate.accuracy == plan.gate.agreement >= 1 - int8.LARGEST_LOSS


def test_distilbert(tmp_path: Path) -> None:
    checkpoint = open_checkpoint(tiny_distilbert(tmp_path, seed=3))
    found = quantize(checkpoint.config, checkpoint.weights(), CALIBRATION, Judged(JUDGED, None))
    for plan in found.values():
        assert accurate_enough(plan.gate)
        assert not {"pre_classifier", "classifier"} & plan.inputs.keys()


def test_mobilebert_is_refused(tmp_path: Path) -> None:
    checkpoint = open_checkpoint(tiny_mobilebert(tmp_path))
    with pytest.raises(UnsupportedModelError, match="MobileBERT computes in float32 only"):
        quantize(checkpoint.config, checkpoint.weights(), CALIBRATION, Judged(JUDGED, None))


@pytest.mark.parametrize(("calibration", "judged"), [([], JUDGED), (CALIBRATION, []), ([], [])])
def test_no_pairs(calibration: list[EncodedPair], judged: list[EncodedPair]) -> None:
    checkpoint = tiny_checkpoint()
    with pytest.raises(InputError, match="there are no pairs"):
        quantize(checkpoint.config, checkpoint.arrays, calibration, Judged(judged, None))


@pytest.mark.parametrize("count", [1, 98])
def test_too_few_pairs_to_judge_by_even_if_all_agree(count: int) -> None:
    checkpoint = tiny_checkpoint(seed=1)
    with pytest.raises(
        InputError, match=rf"by so few pairs \({count}\): at least 99 are needed, .* 99% agree"
    ):
        quantize(checkpoint.config, checkpoint.arrays, CALIBRATION, Judged(JUDGED[:count], None))


def test_one_logit_agrees_with_everything() -> None:
    checkpoint = tiny_checkpoint()
    config = replace(checkpoint.config, num_labels=1, id2label={0: "LABEL_0"}, label2id={"LABEL_0": 0})
    with pytest.raises(InputError, match="one logit"):
        quantize(config, checkpoint.arrays, CALIBRATION, Judged(JUDGED, None))


def test_broken_weights() -> None:
    checkpoint = tiny_checkpoint()
    checkpoint.arrays["layers.0.attention.query.weight"][:] = np.nan
    with pytest.raises(NonFiniteLogitsError):
        quantized(checkpoint)


class TestInt8Input:
    def test_the_widest_channels_are_outliers(self) -> None:
        lowest, highest = np.full(96, -1.0, np.float32), np.full(96, 2.0, np.float32)
        wide = {3: (-50.0, 1.0), 11: (0.0, 30.0), 39: (-4.0, 4.0)}
        for channel, (low, high) in wide.items():
            lowest[channel], highest[channel] = low, high
        how = int8_input(InputRange(lowest, highest, 9, 5))
        assert set(wide) <= set(how.outliers)
        assert len(how.outliers) == 96 // ranges.CHANNELS_PER_OUTLIER
        assert how.scale == pytest.approx(3 / 255)
        assert abs(how.lowest + 1) <= how.scale
        assert abs(how.highest - 2) <= how.scale

    @given(
        channels=st.lists(
            st.tuples(st.floats(-1e4, 1e4, width=32), st.floats(0, 1e4, width=32)), min_size=1, max_size=60
        )
    )
    def test_what_is_seen_is_inside_or_added_again(self, channels: list[tuple[float, float]]) -> None:
        lowest = np.array([low for low, _ in channels], np.float32)
        highest = np.array([low + width for low, width in channels], np.float32)
        how = int8_input(InputRange(lowest, highest, 9, 5))
        assert 0 <= how.zero_point <= 255
        assert how.scale > 0
        assert list(how.outliers) == sorted(set(how.outliers))
        assert len(how.outliers) <= len(channels) // ranges.CHANNELS_PER_OUTLIER
        inside = np.setdiff1d(np.arange(len(channels)), how.outliers)
        # The zero point is a whole number, which moves the range by half a step at most.
        assert (lowest[inside] >= how.lowest - 0.51 * how.scale).all()
        assert (highest[inside] <= how.highest + 0.51 * how.scale).all()

    @pytest.mark.parametrize(("low", "high"), [(0.0, 0.0), (2.0, 5.0), (-5.0, -2.0)])
    def test_zero_is_always_inside(self, low: float, high: float) -> None:
        how = int8_input(InputRange(np.full(3, low, np.float32), np.full(3, high, np.float32), 9, 5))
        assert how.lowest <= 0 <= how.highest


@pytest.mark.parametrize(
    ("gate", "accepted"),
    [
        (Gate(2000, 0.9925, None, None, ()), True),
        (Gate(2000, 0.9915, None, None, ()), False),  # 0.99 lies within one standard error
        (Gate(2000, 0.9920, None, None, ()), True),
        (Gate(1, 1.0, None, None, ()), False),  # a few that agree prove nothing
        (Gate(98, 1.0, None, None, ()), False),
        (Gate(99, 1.0, None, None, ()), True),
        (Gate(150, 149 / 150, None, None, ()), False),
        (Gate(2000, 0.995, 0.700, 0.703, ()), True),
        (Gate(2000, 0.995, 0.700, 0.7035, ()), False),
        (Gate(2000, 0.98, 0.8, 0.7, ()), False),
        (Gate(2000, 0.995, 0.8, 0.7, ()), True),
    ],
)
def test_the_gate(gate: Gate, accepted: bool) -> None:
    assert accurate_enough(gate) is accepted


def test_figures() -> None:
    assert figures(Gate(2000, 0.9935, None, None, ())) == "99.35% agreement on 2,000 pairs"
    labelled = figures(Gate(2000, 0.9935, 0.6635, 0.6605, ("a",)))
    assert labelled == "99.35% agreement on 2,000 pairs, accuracy 0.6635 (float32 0.6605)"


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiny models gain nothing from a second."""
    one: Callable[[], int] = lambda: 1  # noqa: E731
    monkeypatch.setattr("entailment.runtime.engine.usable_processors", one)
    monkeypatch.setattr("entailment.runtime.ranges.usable_processors", one)
