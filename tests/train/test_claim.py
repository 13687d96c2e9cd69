"""Whose run lives in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from entailment.errors import CheckpointError
from entailment.train.claim import claim


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
