"""`--precision int8`, of every command that runs a model, and what `entail info` says about it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import Entail
from tests.cli.pair_files import rows, write
from tests.tiny import tiny_bert

from entailment.checkpoint.folder import open_checkpoint
from entailment.checkpoint.quantization import QUANTIZATION_FILE
from entailment.cli.app import run
from entailment.runtime.processor import exact_weight_bits
from entailment.tasks.nli import NLI


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("data") / "pairs.jsonl", rows(456, 0))


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory, pairs: Path) -> Path:
    """A model that may compute in int8."""
    folder = tiny_bert(tmp_path_factory.mktemp("models") / "ready", attention="prefix", seed=2)
    assert run(["quantize", str(folder), "--data", str(pairs)]) == 0
    return folder


def test_answers_in_int8(entail: Entail, ready: Path, tmp_path: Path) -> None:
    document = tmp_path / "document.txt"
    document.write_text("The dog sleeps in the garden. A man reads a book.")
    commands = {
        "classify": ("classify", "the team won", "--labels", "sports,food", "--model", ready),
        "nli": ("nli", "the dog sleeps", "an animal sleeps", "--model", ready),
        "check": ("check", document, "--claim", "the dog sleeps", "--model", ready),
    }
    for command in commands.values():
        plain = entail(*command, "--json")
        assert plain.out == entail(*command, "--json", "--precision", "float32").out
        int8 = entail(*command, "--json", "--precision", "int8")
        assert (int8.code, int8.err) == (0, "")
        assert int8.out != plain.out
        np.testing.assert_allclose(_numbers(int8.json["scores"]), _numbers(plain.json["scores"]), atol=0.2)


def test_evaluate(entail: Entail, ready: Path, pairs: Path) -> None:
    found = entail("evaluate", ready, "--data", pairs, "--limit", 9, "--precision", "int8", "--json")
    assert found.json["count"] == 9


def test_serve(entail: Entail, ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = []
    monkeypatch.setattr("entailment.serve.run.serve", lambda model, *_, **__: served.append(model))
    assert entail("serve", "--model", ready, "--precision", "int8").code == 0
    wanted = NLI(ready, precision="int8").model
    pairs = [("the dog sleeps", "an animal sleeps")]
    np.testing.assert_array_equal(served[0].run(pairs)[1], wanted.run(pairs)[1])


def test_info(entail: Entail, ready: Path, model: Path) -> None:
    found = entail("info", ready, "--json").json["int8"]
    plan = open_checkpoint(ready).quantization(exact_weight_bits(), open_checkpoint(ready).weights())
    assert (found["weight_bits"], found["agreement"]) == (exact_weight_bits(), plan.gate.agreement)
    assert "% agreement with float32 on 200 pairs, accuracy 0." in entail("info", ready).out
    assert entail("info", model, "--json").json["int8"] is None
    assert "not measured; `entail quantize` does" in entail("info", model).out


def test_info_on_weights_that_were_trained_on(entail: Entail, ready: Path, tmp_path: Path) -> None:
    folder = tiny_bert(tmp_path / "later", attention="prefix", seed=3)
    shutil.copy(ready / QUANTIZATION_FILE, folder)
    assert "made for other weights" in entail("info", folder, "--json").json["int8"]["error"]
    assert "unusable: " in entail("info", folder).out
    found = entail("nli", "a dog", "a cat", "--model", folder, "--precision", "int8")
    assert found.code == 2
    assert "run `entail quantize` again" in found.error


def test_a_model_that_was_not_measured_says_the_next_step(entail: Entail, model: Path) -> None:
    for command in (
        ("classify", "the team won", "--labels", "sports,food"),
        ("nli", "a dog", "a cat"),
    ):
        found = entail(*command, "--model", model, "--precision", "int8")
        assert found.code == 2
        assert f"`entail quantize {model} --data pairs.jsonl`" in found.error


def test_others_do_not_exist(entail: Entail, model: Path) -> None:
    found = entail("nli", "a dog", "a cat", "--model", model, "--precision", "int4")
    assert found.code == 2
    assert "'int4' is not one of 'float32', 'int8'" in found.error


def _numbers(scores: dict[str, float] | list[float]) -> list[float]:
    return sorted(scores.values() if isinstance(scores, dict) else scores)
