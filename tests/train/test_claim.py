"""Whose run lives in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from entailment.errors import CheckpointError, DataFileError
from entailment.train.claim import claim, sha256


def test_the_same_run_goes_on_and_another_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "out" / "recipe.toml"
    claim(file, "seed = 1", begun=False)
    claim(file, "seed = 1", begun=True)
    with pytest.raises(CheckpointError, match="other options or of other data"):
        claim(file, "seed = 2", begun=True)
    assert file.read_text() == "seed = 1"
    claim(file, "seed = 2", begun=False)
    assert file.read_text() == "seed = 2"


def test_a_claim_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "recipe.toml"
    claim(file, "seed = 1", begun=False)

    def full(path: Path, text: str, **_: object) -> None:
        path.write_bytes(text[:4].encode())
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(CheckpointError, match=r"recipe\.toml cannot be written: No space left on device"):
        claim(file, "seed = 2", begun=False)
    assert file.read_text() == "seed = 1"


def test_data_are_told_apart_by_what_they_hold(tmp_path: Path) -> None:
    one, same, other = (tmp_path / name for name in ("one", "same", "other"))
    one.write_text("a")
    same.write_text("a")
    other.write_text("b")
    assert sha256(one) == sha256(same) != sha256(other)
    with pytest.raises(DataFileError, match="cannot be read: No such file"):
        sha256(tmp_path / "none")
