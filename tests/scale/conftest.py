"""Small jobs: a tiny model, a few rows, and what a job left behind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pytest
from tests.tiny import tiny_bert

from entailment.scale import Classify
from entailment.tasks.model import PairModel, load_model

WORDS = "the team won a final game soup and bread minister lost an election rain snow train bird".split()
LABELS = ("sports", "food", "government")
TASK = Classify(LABELS, scores=True)

OpenModel = Callable[[], PairModel]


def texts(count: int) -> list[str]:
    """Different texts of different lengths."""
    return [
        " ".join(WORDS[(index * 7 + at) % len(WORDS)] for at in range(index % 9 + 1))
        for index in range(count)
    ]


def write_rows(path: Path, rows: Iterable[object]) -> Path:
    """Lines of JSON."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_texts(path: Path, count: int) -> Path:
    """Rows with an id and a text."""
    return write_rows(path, ({"id": f"r{index}", "text": text} for index, text in enumerate(texts(count))))


def parts_of(folder: Path) -> dict[str, bytes]:
    """The files of parts, by name; nothing else may lie there."""
    return {path.name: path.read_bytes() for path in sorted((folder / "parts").iterdir())}


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """By which a file that was written again is known."""
    return {
        path.name: (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in sorted((folder / "parts").iterdir())
    }


def answers_of(folder: Path) -> list[dict[str, object]]:
    """All answers of a job with parts of JSON lines."""
    return [json.loads(line) for content in parts_of(folder).values() for line in content.splitlines()]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prefix attention, three named classes."""
    return tiny_bert(tmp_path_factory.mktemp("models") / "prefix", attention="prefix")


@pytest.fixture(scope="session")
def opened(model: Path) -> OpenModel:
    """Opens it."""
    return partial(load_model, model, threads=1)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """23 rows."""
    return write_texts(tmp_path / "data.jsonl", 23)
