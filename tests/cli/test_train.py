"""`entail train`: recipes named, shown, refused by name, and run."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Entail
from tests.tiny import tiny_bert
from tests.train.texts import nli_rows, write_jsonl

from entailment.train import bundled
from entailment.train.recipe import load_recipe, recipe_names


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    write_jsonl(folder / "train.jsonl", nli_rows(30, seed=1))
    write_jsonl(folder / "validation.jsonl", nli_rows(10, seed=2))
    return folder


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    start = tiny_bert(tmp_path / "encoder", labels=None)
    path = tmp_path / "mine.toml"
    path.write_text(f"""
        name = "mine"
        task = "nli"
        [model]
        start = {json.dumps(str(start))}
        labels = ["entailment", "neutral", "contradiction"]
        max_length = 64
        [local]
        train = [{{ name = "train.jsonl" }}]
        validation = [{{ name = "validation.jsonl" }}]
        [batches]
        rows = 4
        """)
    return path


def test_lists_the_recipes_of_the_package(entail: Entail) -> None:
    found = entail("train", "--list", "--json")
    assert (found.code, found.err) == (0, "")
    assert [each["name"] for each in found.json] == list(recipe_names())
    assert all(name in entail("train", "--list").out for name in recipe_names())


def test_shows_a_recipe_with_its_changes(entail: Entail, tmp_path: Path) -> None:
    found = entail("train", "minilm-l6-mnli", "--set", "settings.epochs=2", "--steps", 9, "--show")
    assert (found.code, found.err) == (0, "")
    copied = tmp_path / "copied.toml"
    copied.write_text(found.out)
    changes = {"settings.epochs": 2, "settings.max_steps": 9}
    assert load_recipe(copied) == load_recipe("minilm-l6-mnli", changes)


def test_trains_a_model_that_answers(entail: Entail, mine: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("train", mine, "--data-folder", data, "--out", out, "--limit", 20, "--steps", 3)
    found = entail(*arguments, "--set", "settings.seed=7", "--json")
    assert found.code == 0, found.err
    assert (found.json["model"], found.json["steps"]) == (str(out / "model"), 3)
    assert set(found.json["best"]) == {"loss", "accuracy", "macro_f1", "score", "step"}
    answer = entail("nli", "the dog sleeps", "an animal sleeps", "--model", out / "model", "--json")
    assert answer.json["label"] in {"entailment", "neutral", "contradiction"}

    facts = json.loads((out / "model" / "training.json").read_text())
    typed = (
        "entail train mine.toml --set settings.seed=7 --steps 3 --limit 20 --data-folder FOLDER --out FOLDER"
    )
    assert facts["command"] == typed
    assert facts["data"]["train"][0]["kept"] == 20
    shown = entail(*arguments, "--set", "settings.seed=7")
    assert "accuracy" in shown.out
    assert f"written: {out / 'model'}" in " ".join(shown.err.split())


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_a_run_that_diverges_publishes_nothing(
    entail: Entail, mine: Path, data: Path, tmp_path: Path, as_json: tuple[str, ...]
) -> None:
    out = tmp_path / "out"
    diverging = ("--set", "settings.learning_rate=1e30", "--steps", 1)
    found = entail("train", mine, "--data-folder", data, "--out", out, *diverging, *as_json)
    assert (found.code, found.out) == (2, "")
    last = found.err.splitlines()[-1]
    assert last.startswith("entail: error: the validation's loss is nan after step 1")
    assert not (out / "model").exists()
    assert not (out / "run" / "run.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name a RECIPE; --list shows those of the package"),
        (("minilm-l6-mnli",), "say with --out FOLDER"),
        (("minilm-l6",), "there is no recipe 'minilm-l6'; did you mean 'minilm-l6-mnli'?"),
        (("minilm-l6-mnli", "--set", "epochs"), "should be KEY=VALUE"),
        (("minilm-l6-mnli", "--set", "settings.epoch=1"), "did you mean 'epochs'?"),
        (("minilm-l6-mnli", "--set", "settings.seed=-5"), "seed is -5; it must be from 0 to"),
        (("entailment-mini", "--steps", 5), "nothing but model.attention can be changed"),
        (("entailment-mini", "--set", "model.dropout=0.1"), "nothing but model.attention can be changed"),
        (("entailment-mini", "--out", "OUT"), "say with --data-folder where they are"),
        (("entailment-mini", "--out", "OUT", "--tracker", "tensorboard"), "has no trackers"),
        (("text-classification", "--out", "OUT", "--data-folder", "."), "train.jsonl"),
    ],
)
def test_what_is_wrong_is_one_line(
    entail: Entail,
    mine: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[object, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    encoder = f"model.start={tmp_path / 'encoder'}"
    started = ("--set", encoder, "--set", "model.max_length=64") if "text-classification" in arguments else ()
    found = entail("train", *arguments, *started)
    assert found.code == 2
    assert message in found.error


def test_the_bundled_model_is_handed_over(
    entail: Entail, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: list[list[str]] = []
    monkeypatch.setattr(bundled, "main", lambda arguments, standalone_mode: handed.append(arguments))
    out = tmp_path / "out"
    arguments = ("train", "entailment-mini", "--data-folder", data, "--out", out)
    assert entail(*arguments).code == 0
    assert entail(*arguments, "--set", "model.attention=full", "--limit", 5).code == 0
    assert handed == [
        ["--data", str(data), "--out", str(out)],
        ["--data", str(data), "--out", str(out), "--full-attention", "--limit", "5"],
    ]


def test_without_torch_the_extra_is_named(
    entail: Entail, mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    found = entail("train", mine, "--out", tmp_path / "out")
    assert found.code == 3
    assert found.error == "training needs torch: pip install 'entailment[train]'"
    assert entail("train", "--list").code == 0, "what computes nothing needs no torch"
