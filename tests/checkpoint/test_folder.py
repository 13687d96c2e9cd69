"""Opening a checkpoint: folders, the bundled model, and names that lead nowhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.tiny import tiny_bert

from entailment.checkpoint import folder as folder_module
from entailment.checkpoint.config import BertConfig
from entailment.checkpoint.folder import open_checkpoint
from entailment.errors import CheckpointNotFoundError, WeightsMismatchError


def test_a_folder_opens(tmp_path: Path) -> None:
    made = tiny_bert(tmp_path / "model", attention="prefix")
    for name in (made, str(made)):
        checkpoint = open_checkpoint(name)
        assert (checkpoint.name, checkpoint.folder) == (str(made), made)
        assert isinstance(checkpoint.config, BertConfig) and checkpoint.config.attention == "prefix"
        assert checkpoint.weights()["classifier.weight"].shape == (3, 32)


def test_half_precision_is_read_as_float32(tmp_path: Path) -> None:
    half = open_checkpoint(tiny_bert(tmp_path / "half", dtype="float16")).weights()
    full = open_checkpoint(tiny_bert(tmp_path / "full")).weights()
    for name, array in full.items():
        assert half[name].dtype == np.float32
        np.testing.assert_allclose(half[name], array, atol=2e-3)


def test_an_encoder_opens_and_says_what_it_lacks(tmp_path: Path) -> None:
    checkpoint = open_checkpoint(tiny_bert(tmp_path / "encoder", labels=None))
    assert "pooler.weight" in checkpoint.weights(require_head=False)
    with pytest.raises(WeightsMismatchError, match="encoder: the weights lack the classification head"):
        checkpoint.weights()


def test_the_bundled_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "_bundled_folder", lambda: tmp_path / "bundled")
    with pytest.raises(CheckpointNotFoundError, match="no bundled model"):
        open_checkpoint()
    tiny_bert(tmp_path / "bundled")
    assert open_checkpoint().name == open_checkpoint("bundled").name == "bundled"


def test_a_folder_called_like_a_hub_model_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_bert(tmp_path / "org" / "model")
    assert open_checkpoint("org/model").folder == Path("org/model")


@pytest.mark.parametrize("name", ["./nowhere", "a/b/c", "/no/such/folder"])
def test_paths_that_lead_nowhere(name: str) -> None:
    with pytest.raises(CheckpointNotFoundError, match="there is no folder"):
        open_checkpoint(name)
    with pytest.raises(CheckpointNotFoundError, match="there is no folder"):
        open_checkpoint(Path("nowhere"))


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    made = tiny_bert(tmp_path / "model")
    with pytest.raises(CheckpointNotFoundError, match="is a file; name the folder it is in"):
        open_checkpoint(made / "model.safetensors")
    with pytest.raises(CheckpointNotFoundError, match="revision 'v1' is for hub names"):
        open_checkpoint(made, revision="v1")


def test_a_folder_needs_neither_the_hub_nor_torch(tmp_path: Path) -> None:
    made = tiny_bert(tmp_path / "model")
    code = (
        "import sys\n"
        "from entailment.checkpoint.folder import open_checkpoint\n"
        f"open_checkpoint({str(made)!r}).weights()\n"
        "print({'torch', 'transformers', 'huggingface_hub', 'tokenizers', 'onnx'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
