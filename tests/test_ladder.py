"""Imports only go down the ladder of docs/architecture.md; those in functions and for types count, too."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import entailment

PACKAGE = Path(entailment.__file__).parent

# From the bottom up. Rooms on one rung do not know each other.
LADDER: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("tables",),
    ("checkpoint",),
    ("text",),
    ("graphs",),
    ("runtime",),
    ("tasks",),
    ("evaluate", "models", "keras"),
    ("train", "export"),
    ("serve", "scale", "client"),
    ("cli",),
)
RUNG = {room: height for height, rooms in enumerate(LADDER) for room in rooms}

# The package itself offers names of every room, lazily; the subprocess below holds it to that.
EXEMPT = ("entailment",)


def modules() -> dict[str, str]:
    """Name and source of every module of the package."""
    return {
        ".".join(("entailment", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
            ".__init__"
        ): path.read_text(encoding="utf-8")
        for path in PACKAGE.rglob("*.py")
    }


def imported(source: str, module: str) -> Iterator[str]:
    """Full names of what a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield f"{module}: a relative import"
            elif node.module == "entailment":
                yield from (f"entailment.{alias.name}" for alias in node.names)
            elif node.module:
                yield node.module


def climbs(sources: Mapping[str, str]) -> list[str]:
    """Every import that does not go down the ladder."""
    found = []
    for module, source in sources.items():
        if module in EXEMPT:
            continue
        room = module.split(".")[1]
        if room not in RUNG:
            found.append(f"{module}: the room {room} is not on the ladder")
            continue
        for name in imported(source, module):
            if name.endswith("a relative import"):
                found.append(name)
            if not name.startswith("entailment."):
                continue
            target = name.split(".")[1]
            if target != room and RUNG.get(target, len(LADDER)) >= RUNG[room]:
                found.append(f"{module} imports {name}")
    return found


def test_imports_only_go_down() -> None:
    assert climbs(modules()) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("entailment.text.planted", "import entailment.tasks.nli"),
        ("entailment.text.planted", "from entailment.tasks import nli"),
        ("entailment.text.planted", "from entailment import tasks"),
        ("entailment.text.planted", "def f():\n    from entailment.runtime.engine import OnnxEngine"),
        ("entailment.text.planted", "if TYPE_CHECKING:\n    from entailment.graphs import bert"),
        ("entailment.checkpoint.planted", "from entailment.text import pairs"),
        ("entailment.text.planted", "from ..tasks import nli"),
        ("entailment.tables", "import entailment.cli"),
        ("entailment.errors", "from entailment.tables import read_rows"),
        ("entailment.attic.planted", ""),
    ],
)
def test_a_planted_climb_is_found(module: str, source: str) -> None:
    assert len(climbs({module: source})) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("entailment.cli.planted", "from entailment.tasks import nli\nimport numpy"),
        ("entailment.tasks.planted", "from entailment.tasks.model import PairModel"),
        ("entailment.tables", "from entailment.errors import DataFileError"),
    ],
)
def test_a_way_down_is_not(module: str, source: str) -> None:
    assert climbs({module: source}) == []


def test_importing_the_package_loads_the_standard_library_only() -> None:
    program = (
        "import sys; before = set(sys.modules); import entailment\n"
        "loaded = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "print(*sorted(loaded - set(sys.stdlib_module_names) - {'entailment'}))\n"
        "print(*sorted(name for name in sys.modules if name.startswith('entailment.')))"
    )
    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    foreign, rooms = output.split("\n")[:2]
    assert foreign == ""
    assert set(rooms.split()) <= {"entailment.errors"}
