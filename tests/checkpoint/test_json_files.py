"""JSON files of a checkpoint are written whole or not at all, and hold nothing that other programs refuse."""

from __future__ import annotations

import json
import math
import stat
from pathlib import Path

import pytest

from entailment.checkpoint.json_files import write_json, write_whole
from entailment.errors import CheckpointError


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, {1}])
def test_what_is_no_json_is_refused_and_the_file_before_stays(tmp_path: Path, value: object) -> None:
    path = tmp_path / "facts.json"
    write_json(path, {"loss": 0.5})
    with pytest.raises(CheckpointError, match=r"facts\.json cannot be written"):
        write_json(path, {"run": {"best": [value]}})
    assert json.loads(path.read_text("utf-8")) == {"loss": 0.5}
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_where_no_file_can_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match=r"facts\.json cannot be written"):
        write_json(tmp_path / "file" / "facts.json", {})


def test_a_text_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "card.md"
    write_whole(path, "one\r\ntwo\n")
    half = "half of a pair: \ud83d"
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, half)
    assert path.read_bytes() == b"one\r\ntwo\n"
    assert list(tmp_path.iterdir()) == [path]
    write_whole(path, half, errors="replace")
    assert path.read_text("utf-8") == "half of a pair: ?"


def test_a_file_written_anew_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    write_whole(path, "old")
    for mode in (0o600, 0o664):
        path.chmod(mode)
        write_whole(path, "new")
        assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", mode)
