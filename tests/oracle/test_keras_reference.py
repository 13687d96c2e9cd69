"""Our Keras classes and transformers 4.34.1, the last release that had TensorFlow, in both directions.

It lives in an environment of its own, which installing takes minutes, or in the one whose Python
ENTAILMENT_TF_REFERENCE names. What it answers is frozen in `tests/keras/golden`, which `tests/keras` reads.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.keras import make_golden
from tests.keras.test_golden import GOLDEN, opened
from tests.keras.tiny_keras import TASKS, close

pytestmark = [pytest.mark.oracle, pytest.mark.slow]

SETTING = "ENTAILMENT_TF_REFERENCE"
PACKAGES = ("transformers==4.34.1", "tensorflow-cpu==2.14.*", "numpy<2", "safetensors")
SCRIPT = Path(make_golden.__file__)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the release."""
    if stated := os.environ.get(SETTING):
        return Path(stated)
    if sys.version_info[:2] != (3, 11):
        pytest.skip(f"TensorFlow 2.14 is for Python 3.11: say with {SETTING} which Python has it")
    folder = tmp_path_factory.mktemp("reference")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return python


def answers(python: Path, out: Path, *arguments: str) -> dict[str, np.ndarray]:
    """What the script writes when that environment runs it."""
    done = subprocess.run(
        [str(python), "-W", "ignore", str(SCRIPT), "--out", str(out), *arguments],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    with np.load(out / "answers.npz") as file:
        return dict(file)


def test_the_golden_files_are_what_the_release_answers(reference: Path, tmp_path: Path) -> None:
    found = answers(reference, tmp_path)
    with np.load(GOLDEN / "answers.npz") as stored:
        assert found.keys() == set(stored)
        for name, array in found.items():
            close(array, stored[name], name, within=1e-5)
    assert (tmp_path / "config.json").read_text() == (GOLDEN / "config.json").read_text()


def test_the_release_opens_what_we_write(reference: Path, tmp_path: Path) -> None:
    with np.load(GOLDEN / "answers.npz") as file:
        stored = dict(file)
    for task in TASKS:
        folder = tmp_path / "saved" / task
        folder.mkdir(parents=True)
        opened(task, stored, folder).save_pretrained(folder, safe_serialization=False)
    found = answers(reference, tmp_path / "out", "--open", str(tmp_path / "saved"))
    for name, array in found.items():
        close(array, stored[name], name, within=1e-5)


def test_the_release_refuses_another_layout(reference: Path, tmp_path: Path) -> None:
    """A planted violation: were a variable elsewhere in the file, the test above would fail."""
    import h5py

    for task in TASKS:
        shutil.copytree(GOLDEN, tmp_path / "saved" / task)
    with h5py.File(tmp_path / "saved" / "Model" / "tf_model.h5", "a") as file:
        del file["mobilebert"].attrs["weight_names"]
        file["mobilebert"].attrs["weight_names"] = []
    with pytest.raises(AssertionError, match="Model"):
        answers(reference, tmp_path / "out", "--open", str(tmp_path / "saved"))
