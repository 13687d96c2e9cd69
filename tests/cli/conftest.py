"""The command line run in this process, and tiny models for it to open."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.tiny import tiny_bert

from entailment.cli.app import run

ENTAIL = [sys.executable, "-c", "from entailment.cli import main; main()"]

PAIRS = [
    ("the dog sleeps", "an animal sleeps", "entailment"),
    ("a man reads a book", "nobody reads", "contradiction"),
    ("rain", "the sun", "neutral"),
    ("snow and rain", "the snow", "entailment"),
    ("a cup of tea", "a train", "contradiction"),
    ("the house", "a bird", "neutral"),
]
TEXTS = [("the team won", "sports"), ("soup and bread", "food"), ("the final game", "sports")]


@dataclass(frozen=True)
class Outcome:
    """What a command line left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Stdout, which must hold one JSON value and nothing else."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Stdout, which must hold lines of JSON and nothing else."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def error(self) -> str:
        """The one line of an error; nothing else may be there."""
        assert self.out == ""
        assert self.err.startswith("entail: error: ")
        assert self.err.count("\n") == 1
        assert "Traceback" not in self.err
        return self.err.removeprefix("entail: error: ").rstrip("\n")


Entail = Callable[..., Outcome]


@pytest.fixture
def entail(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Entail:
    """Runs `entail` with arguments, and with `stdin` if given."""

    def call(*arguments: object, stdin: bytes | str = b"") -> Outcome:
        content = stdin if isinstance(stdin, bytes) else stdin.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Outcome(code, out, err)

    return call


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Full attention, three named classes."""
    return tiny_bert(tmp_path_factory.mktemp("models") / "full")


@pytest.fixture(scope="session")
def prefix_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prefix attention, three named classes."""
    return tiny_bert(tmp_path_factory.mktemp("models") / "prefix", attention="prefix")


@pytest.fixture(scope="session")
def nameless_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LABEL_0 to LABEL_2, and random weights: nobody can tell which is entailment."""
    return tiny_bert(tmp_path_factory.mktemp("models") / "nameless", labels=("LABEL_0", "LABEL_1", "LABEL_2"))


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """The `PAIRS`, with a column more."""
    path = tmp_path / "pairs.csv"
    path.write_text("premise,hypothesis,label,source\n" + "".join(f"{p},{h},{y},x\n" for p, h, y in PAIRS))
    return path


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """The `TEXTS`."""
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in TEXTS))
    return path
