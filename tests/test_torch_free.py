"""Everything but models, training and export imports and answers where PyTorch is not installed.

Run in a process of its own, in which importing any framework (or anything else outside the base dependencies
that this environment happens to have) raises as if it were not there.
"""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.tiny import tiny_bert, tiny_distilbert, tiny_mobilebert

import entailment

NEEDS_TORCH = ("models", "train", "keras")
ABSENT = (
    "torch",
    "tensorflow",
    "keras",
    "transformers",
    "sentence_transformers",
    "pyarrow",
    "sklearn",
    "scipy",
    "h5py",
)

BLOCKED = f"""
import importlib, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {ABSENT!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""


def torch_free_modules() -> list[str]:
    found = pkgutil.walk_packages(entailment.__path__, "entailment.", onerror=lambda _: None)
    return [module.name for module in found if module.name.split(".")[1] not in NEEDS_TORCH]


def run(program: str, *, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    extra = f"sys.path.insert(0, {str(path)!r})\n" if path else ""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", BLOCKED + extra + program], capture_output=True, text=True
    )


def imports(modules: list[str]) -> str:
    return f"for name in {modules!r}: importlib.import_module(name)\n"


def test_every_torch_free_module_imports() -> None:
    modules = torch_free_modules()
    assert {"entailment.tables", "entailment.tasks.zero_shot", "entailment.cli.app"} <= set(modules)
    done = run(imports(modules))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("planted", ["import torch", "from torch import nn", "import transformers.pipelines"])
def test_a_planted_import_is_found(tmp_path: Path, planted: str) -> None:
    (tmp_path / "planted.py").write_text(planted)
    done = run(imports(["planted"]), path=tmp_path)
    assert done.returncode == 1
    assert "No module named" in done.stderr


FAMILIES: dict[str, Callable[..., Path]] = {
    "bert": tiny_bert,
    "distilbert": tiny_distilbert,
    "mobilebert": tiny_mobilebert,
}


@pytest.mark.parametrize("attention", ["full", "prefix"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_command_line_classifies(tmp_path: Path, family: str, attention: str) -> None:
    folder = FAMILIES[family](tmp_path / "model", attention=attention)
    answer = answered(
        "classify", "The team won the game", "--labels", "sports,politics", "--model", str(folder)
    )
    assert answer["sequence"] == "The team won the game"
    assert sorted(answer["labels"]) == ["politics", "sports"]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_command_line_judges_pairs_and_knows_the_model(tmp_path: Path, family: str) -> None:
    folder = FAMILIES[family](tmp_path / "model")
    answer = answered("nli", "The team won the game", "A match was played", "--model", str(folder))
    assert set(answer["scores"]) == {"entailment", "neutral", "contradiction"}
    assert sum(answer["scores"].values()) == pytest.approx(1)
    facts = answered("info", str(folder))
    assert facts["architecture"] == family
    assert facts["label_order"]["source"] == "names"


def answered(*arguments: str) -> dict[str, Any]:
    """What a command line prints with --json, where no framework is installed."""
    done = run(f"from entailment.cli.app import run\nsys.exit(run({[*arguments, '--json']!r}))")
    assert (done.returncode, done.stderr) == (0, "")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_parquet_file_names_the_extra_it_needs(tmp_path: Path) -> None:
    data = tmp_path / "rows.parquet"
    data.touch()
    arguments = ["classify", "--input", str(data), "--labels", "sports,politics"]
    done = run(f"from entailment.cli.app import run\nsys.exit(run({arguments!r}))")
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.endswith("needs pyarrow: pip install 'entailment[parquet]'\n")
