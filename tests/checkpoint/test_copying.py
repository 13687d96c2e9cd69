"""A checkpoint copied beside itself: everything a model needs, or nothing."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from tests.tiny import tiny_bert

from entailment.checkpoint.copying import check_new_folder, copy_checkpoint
from entailment.checkpoint.folder import open_checkpoint
from entailment.errors import CheckpointError


@pytest.mark.parametrize("layout", ["safetensors", "sharded"])
def test_a_copy_is_the_same_model(tmp_path: Path, layout: str) -> None:
    source = tiny_bert(tmp_path / "source", layout="sharded" if layout == "sharded" else "safetensors")
    (source / "README.md").write_text("---\nlicense: mit\n---\n")
    (source / "LICENSE.txt").write_text("as you like it")
    for record in ("training.json", "results.json"):
        (source / record).write_text("{}")
    (source / "optimizer.pt").write_bytes(b"large")
    (source / "logs").mkdir()
    copy_checkpoint(source, tmp_path / "a" / "copy")
    copied = {path.name: path.read_bytes() for path in (tmp_path / "a" / "copy").iterdir()}
    kept = [path for path in source.iterdir() if path.name not in ("optimizer.pt", "logs")]
    assert copied == {path.name: path.read_bytes() for path in kept}
    wanted = open_checkpoint(source).weights()
    for name, array in open_checkpoint(tmp_path / "a" / "copy").weights().items():
        np.testing.assert_array_equal(array, wanted[name])


def test_only_the_weights_that_are_read(tmp_path: Path) -> None:
    source = tiny_bert(tmp_path / "source")
    (source / "pytorch_model.bin").write_bytes(b"not read")
    copy_checkpoint(source, tmp_path / "copy")
    assert not (tmp_path / "copy" / "pytorch_model.bin").exists()


def test_of_a_link_the_content(tmp_path: Path) -> None:
    """The cache of the hub is made of links, which lead nowhere in another place."""
    source, blobs = tiny_bert(tmp_path / "source"), tmp_path / "blobs"
    blobs.mkdir()
    for path in list(source.iterdir()):
        path.rename(blobs / path.name)
        path.symlink_to(blobs / path.name)
    copy_checkpoint(source, tmp_path / "copy")
    assert not any(path.is_symlink() for path in (tmp_path / "copy").iterdir())
    assert open_checkpoint(tmp_path / "copy").config == open_checkpoint(source).config


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    copy_checkpoint(tiny_bert(tmp_path / "source"), tmp_path / "copy")
    assert (tmp_path / "copy" / "config.json").is_file()


def test_what_is_there_is_never_written_over(tmp_path: Path) -> None:
    source, full, file = tiny_bert(tmp_path / "source"), tmp_path / "full", tmp_path / "file"
    full.mkdir()
    (full / "notes.txt").write_text("mine")
    file.write_text("mine")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for target in (full, file, source, tmp_path / "dangling", file / "below"):
        with pytest.raises(CheckpointError, match="cannot write"):
            copy_checkpoint(source, target)
    assert (full / "notes.txt").read_text() == file.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dangling", "file", "full", "source"]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        assert (folder / "config.json").is_file()
        assert not (tmp_path / "copy").exists()
        raise OSError(28, "No space left on device")

    with pytest.raises(CheckpointError, match="No space left on device"):
        copy_checkpoint(tiny_bert(tmp_path / "source"), tmp_path / "copy", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(CheckpointError, match="may write to"):
        check_new_folder(tmp_path / "copy")
