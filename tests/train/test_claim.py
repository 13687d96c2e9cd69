"""Whose run lives in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from entailment.errors import CheckpointError, DataFileError
from entailment.train.claim import claim, sha256


def test_the_same_run_goes_on_and_another_is_refused(tmp_path: Path) -> None:
    out, run = tmp_path / "out", {"limit": None, "rounds": ({"seed": 1},)}
    claim(out, run)
    claim(out, dict(run))
    with pytest.raises(CheckpointError, match="other options or of other data"):
        claim(out, {**run, "limit": 100})


def test_data_are_told_apart_by_what_they_hold(tmp_path: Path) -> None:
    one, same, other = (tmp_path / name for name in ("one", "same", "other"))
    one.write_text("a")
    same.write_text("a")
    other.write_text("b")
    assert sha256(one) == sha256(same) != sha256(other)
    with pytest.raises(DataFileError, match="cannot be read: No such file"):
        sha256(tmp_path / "none")
