"""`quantization.json`: what was written is read, and every way in which it can be damaged is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tiny import tiny_bert

from entailment.checkpoint.folder import open_checkpoint
from entailment.checkpoint.quantization import (
    QUANTIZATION_FILE,
    Gate,
    Int8Input,
    Quantization,
    WeightBits,
    fingerprint,
    read_quantization,
    read_quantizations,
    write_quantization,
)
from entailment.errors import CheckpointError, CorruptCheckpointError, EntailmentError

LAYER = "layers.0.attention.query"
GATE = Gate(2000, 0.9935, 0.6635, 0.6605, ("layers.0.feed_forward.down",))
UNLABELLED = Gate(300, 1.0, None, None, ())
PLANS: dict[WeightBits, Quantization] = {
    8: Quantization(8, {LAYER: Int8Input(0.03125, 117, (3, 17)), "pooler": Int8Input(1e-3, 0, ())}, GATE),
    7: Quantization(7, {LAYER: Int8Input(0.1, 255, (0,))}, UNLABELLED),
}
PRINT = "of these weights"

Spoil = Callable[[dict[str, Any]], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_quantization(tmp_path, PLANS, PRINT)
    return tmp_path


def spoil(folder: Path, how: Spoil) -> None:
    path = folder / QUANTIZATION_FILE
    value = json.loads(path.read_text())
    how(value)
    path.write_text(json.dumps(value))


def in_plan(*keys: str | int, value: object) -> Spoil:
    """Replaces what is in the plan of 8 bits under these keys."""

    def change(whole: dict[str, Any]) -> None:
        held: Any = whole["weight_bits"]["8"]
        for key in keys[:-1]:
            held = held[key]
        held[keys[-1]] = value

    return change


def without(*keys: str) -> Spoil:
    def change(whole: dict[str, Any]) -> None:
        held: Any = whole
        for key in keys[:-1]:
            held = held[key]
        del held[keys[-1]]

    return change


def test_what_was_written_is_read(folder: Path) -> None:
    assert read_quantizations(folder, PRINT) == PLANS
    for bits in PLANS:
        assert read_quantization(folder, bits, PRINT) == PLANS[bits]


@given(
    scale=st.floats(1e-12, 1e6),
    zero_point=st.integers(0, 255),
    outliers=st.sets(st.integers(0, 4000), max_size=16),
)
def test_numbers_come_back_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, scale: float, zero_point: int, outliers: set[int]
) -> None:
    folder = tmp_path_factory.mktemp("plan")
    plan = Quantization(8, {"a": Int8Input(scale, zero_point, tuple(sorted(outliers)))}, UNLABELLED)
    write_quantization(folder, {8: plan}, PRINT)
    assert read_quantization(folder, 8, PRINT) == plan


def test_what_the_ends_of_a_range_stand_for() -> None:
    how = Int8Input(0.5, 100, ())
    assert (how.lowest, how.highest) == (-50.0, 77.5)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"quantization\.json does not exist"):
        read_quantization(tmp_path, 8, PRINT)


def test_no_plan_for_this_processor(tmp_path: Path) -> None:
    write_quantization(tmp_path, {8: PLANS[8]}, PRINT)
    with pytest.raises(CheckpointError, match=r"no plan for weights of 7 bits.*use float32"):
        read_quantization(tmp_path, 7, PRINT)


def test_a_processor_that_can_do_more_bits_takes_fewer(tmp_path: Path) -> None:
    write_quantization(tmp_path, {7: PLANS[7]}, PRINT)
    assert read_quantization(tmp_path, 8, PRINT) == PLANS[7]


def test_other_weights(folder: Path) -> None:
    with pytest.raises(CheckpointError, match=r"made for other weights.*run `entail quantize` again"):
        read_quantization(folder, 8, "of others")


@pytest.mark.parametrize("form", ["entailment-int8-2", None, 1, ["x"] * 100])
def test_another_format(folder: Path, form: object) -> None:
    spoil(folder, lambda whole: whole.update(format=form))
    with pytest.raises(CheckpointError, match=r"has the format .*reads entailment-int8-1; run"):
        read_quantization(folder, 8, PRINT)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"null", b'"text"', b"[" * 100_000])
def test_no_json_object(folder: Path, content: bytes) -> None:
    (folder / QUANTIZATION_FILE).write_bytes(content)
    with pytest.raises(CorruptCheckpointError, match=QUANTIZATION_FILE):
        read_quantization(folder, 8, PRINT)


SCALES: list[object] = [float("nan"), float("inf"), 0, -0.1, 1e-320, 10**400, 1e7, "0.1", None, True, []]
DAMAGE: dict[str, Spoil] = {
    "no plans": without("weight_bits"),
    "plans of another type": lambda whole: whole.update(weight_bits=[8]),
    "plans are a number": lambda whole: whole.update(weight_bits=8),
    "plan is null": lambda whole: whole["weight_bits"].update({"8": None}),
    "no inputs": without("weight_bits", "8", "inputs"),
    "no gate": without("weight_bits", "8", "gate"),
    "inputs are a list": in_plan("inputs", value=[1, 2]),
    "an input is a list": in_plan("inputs", LAYER, value=[1, 2]),
    "no scale": without("weight_bits", "8", "inputs", LAYER, "scale"),
    "no outliers": without("weight_bits", "8", "inputs", LAYER, "outliers"),
    "gate is a list": in_plan("gate", value=[]),
    "layers are one text": in_plan("gate", "float32_layers", value="layers.0"),
    "layers are numbers": in_plan("gate", "float32_layers", value=[1]),
    "no agreement": without("weight_bits", "8", "gate", "agreement"),
    **{f"scale {value}": in_plan("inputs", LAYER, "scale", value=value) for value in SCALES},
    **{
        f"zero point {value}": in_plan("inputs", LAYER, "zero_point", value=value)
        for value in (-1, 256, 1.5, float("nan"), float("inf"), "1", None, True)
    },
    **{
        f"outliers {value}": in_plan("inputs", LAYER, "outliers", value=value)
        for value in ([-1], [10**30], [1, 1], [2, 1], [1.0], ["1"], [float("inf")], [None], 7, "12", None)
    },
    **{f"pairs {value}": in_plan("gate", "pairs", value=value) for value in (0, -1, 1.5, "2", None, True)},
    **{f"agreement {value}": in_plan("gate", "agreement", value=value) for value in (-0.1, 1.1, "1", None)},
    **{f"accuracy {value}": in_plan("gate", "accuracy", value=value) for value in (-0.1, float("nan"), "1")},
}


@pytest.mark.parametrize("how", DAMAGE.values(), ids=DAMAGE)
def test_damage(folder: Path, how: Spoil) -> None:
    spoil(folder, how)
    with pytest.raises(CorruptCheckpointError, match=r"quantization\.json is damaged.*run `entail quantize`"):
        read_quantization(folder, 8, PRINT)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PLACES = [
    ("weight_bits",),
    ("weight_bits", "8"),
    ("weight_bits", "8", "inputs"),
    ("weight_bits", "8", "inputs", LAYER),
    ("weight_bits", "8", "inputs", LAYER, "scale"),
    ("weight_bits", "8", "inputs", LAYER, "zero_point"),
    ("weight_bits", "8", "inputs", LAYER, "outliers"),
    ("weight_bits", "8", "gate"),
    ("weight_bits", "8", "gate", "float32_layers"),
    ("weight_bits", "8", "gate", "accuracy"),
]


@given(place=st.sampled_from(PLACES), value=JSON)
def test_whatever_stands_there_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[str, ...], value: object
) -> None:
    folder = tmp_path_factory.mktemp("plan")
    write_quantization(folder, PLANS, PRINT)

    def change(whole: dict[str, Any]) -> None:
        held = whole
        for key in place[:-1]:
            held = held[key]
        held[place[-1]] = value

    spoil(folder, change)
    try:
        plan = read_quantization(folder, 8, PRINT)
    except EntailmentError:
        return
    for each in plan.inputs.values():
        assert 0 < each.scale < float("inf")
        assert 0 <= each.zero_point <= 255
        assert list(each.outliers) == sorted(set(each.outliers))


class TestFingerprint:
    weights: ClassVar = {
        "a.weight": np.arange(12, dtype=np.float32).reshape(4, 3),
        "a.bias": np.ones(4, np.float32),
    }

    def changed(self, name: str, index: tuple[int, ...]) -> str:
        arrays = {key: array.copy() for key, array in self.weights.items()}
        arrays[name][index] += 1e-6
        return fingerprint(arrays)

    def test_is_of_what_is_in_the_arrays(self) -> None:
        reordered = dict(reversed(self.weights.items()))
        strided = {key: np.asfortranarray(array) for key, array in self.weights.items()}
        assert fingerprint(self.weights) == fingerprint(reordered) == fingerprint(strided)

    def test_tells_weights_from_others(self) -> None:
        found = fingerprint(self.weights)
        assert self.changed("a.bias", (3,)) != found
        assert self.changed("a.weight", (0, 1)) != found
        renamed = {f"{name}s": array for name, array in self.weights.items()}
        assert fingerprint(renamed) != found


class TestCheckpoint:
    """`Checkpoint.quantization`."""

    def test_a_missing_file_says_how_to_make_one(self, tmp_path: Path) -> None:
        checkpoint = open_checkpoint(tiny_bert(tmp_path / "my model"))
        with pytest.raises(CheckpointError) as error:
            checkpoint.quantization(8, checkpoint.weights())
        assert f"`entail quantize '{tmp_path / 'my model'}' --data pairs.jsonl`" in str(error.value)

    def test_a_model_that_is_not_the_users_needs_a_copy(self) -> None:
        checkpoint = open_checkpoint()
        if (checkpoint.folder / QUANTIZATION_FILE).exists():
            pytest.skip("the bundled model has one")
        with pytest.raises(
            CheckpointError, match=r"`entail quantize bundled --data pairs.jsonl --out FOLDER`"
        ):
            checkpoint.quantization(8, checkpoint.weights())

    def test_weights_that_were_trained_on(self, tmp_path: Path) -> None:
        checkpoint = open_checkpoint(tiny_bert(tmp_path))
        weights = checkpoint.weights()
        plan = Quantization(8, {LAYER: Int8Input(0.1, 100, ())}, UNLABELLED)
        write_quantization(tmp_path, {8: plan}, fingerprint(weights))
        assert checkpoint.quantization(8, weights) == plan
        weights["classifier.bias"] += 1
        with pytest.raises(CheckpointError, match="made for other weights"):
            checkpoint.quantization(8, weights)

    def test_a_layer_that_it_does_not_have(self, tmp_path: Path) -> None:
        checkpoint = open_checkpoint(tiny_bert(tmp_path))
        weights = checkpoint.weights()
        plan = Quantization(8, {"layers.9.attention.query": Int8Input(0.1, 100, ())}, UNLABELLED)
        write_quantization(tmp_path, {8: plan}, fingerprint(weights))
        with pytest.raises(CorruptCheckpointError, match=r"names 'layers\.9\.attention\.query'"):
            checkpoint.quantization(8, weights)
