"""Where an extra is not installed, the error names it."""

from __future__ import annotations

import subprocess
import sys

import pytest

BLOCKED = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
from entailment.cli.app import run
"""


def run(absent: str, program: str) -> subprocess.CompletedProcess[str]:
    code = BLOCKED.format(absent=(absent,)) + program
    return subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)


@pytest.mark.parametrize("absent", ["fastapi", "uvicorn", "prometheus_client"])
def test_the_command_names_the_extra(absent: str) -> None:
    done = run(absent, "sys.exit(run(['serve']))")
    assert done.returncode == 3
    assert done.stderr == f"entail: error: the server needs {absent}: pip install 'entailment[serve]'\n"


def test_the_client_names_the_extra() -> None:
    done = run("httpx", "import entailment.client")
    assert "the client needs httpx: pip install 'entailment[client]'" in done.stderr


def test_help_needs_no_extra() -> None:
    assert run("fastapi", "sys.exit(run(['serve', '--help']))").returncode == 0
