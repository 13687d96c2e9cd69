"""Everything but models, training and export imports and answers where PyTorch is not installed.

Run in a process of its own, in which importing any framework (or anything else outside the base dependencies
that this environment happens to have) raises as if it were not there.
"""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.tiny import tiny_bert

import entailment

NEEDS_TORCH = ("models", "train", "keras", "export")
ABSENT = (
    "torch",
    "tensorflow",
    "keras",
    "transformers",
    "sentence_transformers",
    "pyarrow",
    "sklearn",
    "scipy",
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


@pytest.mark.parametrize("attention", ["full", "prefix"])
def test_the_command_line_classifies(tmp_path: Path, attention: str) -> None:
    folder = tiny_bert(tmp_path / "model", attention="prefix" if attention == "prefix" else "full")
    arguments = [
        "classify",
        "The team won the game",
        "--labels",
        "sports,politics",
        "--model",
        str(folder),
        "--json",
    ]
    done = run(f"from entailment.cli.app import run\nsys.exit(run({arguments!r}))")
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert answer["sequence"] == "The team won the game"
    assert sorted(answer["labels"]) == ["politics", "sports"]


def test_a_parquet_file_names_the_extra_it_needs(tmp_path: Path) -> None:
    data = tmp_path / "rows.parquet"
    data.touch()
    arguments = ["classify", "--input", str(data), "--labels", "sports,politics"]
    done = run(f"from entailment.cli.app import run\nsys.exit(run({arguments!r}))")
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.endswith("needs pyarrow: pip install 'entailment[parquet]'\n")
