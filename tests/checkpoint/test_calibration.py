"""`calibration.json`: written and read back, tied to its weights, and refused where it is damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from entailment.checkpoint.calibration import (
    CALIBRATION_FILE,
    Calibration,
    Scaling,
    Threshold,
    read_calibration,
    write_calibration,
)
from entailment.errors import CheckpointError, CorruptCheckpointError

SCALING = Scaling(
    temperature=1.25,
    bias={"entailment": 0.5, "neutral": -0.5},
    threshold=Threshold(value=0.8, target=0.9, precision=0.91, coverage=0.4),
    data="validation.parquet",
    rows=2000,
    loss=0.7,
    loss_before=0.8,
    ece=0.02,
    ece_before=0.07,
)
PLAIN = Scaling(2.0, {}, None, "texts.csv", 10, 0.1, 0.2, 0.3, 0.4)


@pytest.mark.parametrize(
    "found", [Calibration(), Calibration(SCALING), Calibration(None, PLAIN), Calibration(SCALING, PLAIN)]
)
def test_what_was_written_is_read(tmp_path: Path, found: Calibration) -> None:
    write_calibration(tmp_path, found, "weights")
    assert read_calibration(tmp_path, "weights") == found


def test_other_weights_and_other_formats_are_refused(tmp_path: Path) -> None:
    write_calibration(tmp_path, Calibration(SCALING), "weights")
    with pytest.raises(CheckpointError, match="made for other weights than those beside it; run `entail cal"):
        read_calibration(tmp_path, "others")
    path = tmp_path / CALIBRATION_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": "entailment-calibration-9"}))
    with pytest.raises(CheckpointError, match="has the format 'entailment-calibration-9'"):
        read_calibration(tmp_path, "weights")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("temperature", 0),
        ("temperature", -1.0),
        ("temperature", "1"),
        ("temperature", True),
        ("temperature", float("nan")),
        ("temperature", 1e9),
        ("bias", None),
        ("bias", {"neutral": "much"}),
        ("bias", {"neutral": 1e9}),
        ("threshold", {"value": 0.5}),
        ("threshold", {"value": 2.0, "target": 0.9, "precision": 0.9, "coverage": 0.5}),
        ("threshold", 0.5),
        ("data", 3),
        ("rows", 0),
        ("loss", -1.0),
        ("ece", None),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, key: str, value: object) -> None:
    write_calibration(tmp_path, Calibration(SCALING), "weights")
    path = tmp_path / CALIBRATION_FILE
    damaged: dict[str, Any] = json.loads(path.read_text())
    damaged["pairs"][key] = value
    path.write_text(json.dumps(damaged))
    with pytest.raises(CorruptCheckpointError, match="is damaged"):
        read_calibration(tmp_path, "weights")


@pytest.mark.parametrize(
    "missing", ["temperature", "bias", "threshold", "data", "rows", "loss", "ece_before"]
)
def test_a_file_that_lacks_something_is_refused(tmp_path: Path, missing: str) -> None:
    write_calibration(tmp_path, Calibration(SCALING), "weights")
    path = tmp_path / CALIBRATION_FILE
    damaged: dict[str, Any] = json.loads(path.read_text())
    del damaged["pairs"][missing]
    path.write_text(json.dumps(damaged))
    with pytest.raises(CorruptCheckpointError, match=missing):
        read_calibration(tmp_path, "weights")
