"""`entail train` with a teacher: a model that answers, and a record of whom it learnt from."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Entail
from tests.tiny import tiny_bert
from tests.train.distilling import bert, saved, write_rows

from entailment.evaluate.cards.facts import read_facts
from entailment.evaluate.cards.procedure import procedure


def test_a_teacher_is_named_and_what_it_records(entail: Entail, tmp_path: Path) -> None:
    folder = write_rows(tmp_path / "data", "nli")
    saved(folder / "teacher", bert(layers=4), labels=("CONTRADICTION", "ENTAILMENT", "NEUTRAL"))
    start = tiny_bert(tmp_path / "start", labels=None)
    mine = tmp_path / "mine.toml"
    mine.write_text(f"""
        name = "mine"
        task = "nli"
        [model]
        start = {json.dumps(str(start))}
        labels = ["entailment", "neutral", "contradiction"]
        max_length = 48
        [teacher]
        method = "soft-targets"
        temperature = 2.0
        share = 0.7
        [local]
        train = [{{ name = "train.jsonl" }}]
        validation = [{{ name = "validation.jsonl" }}]
        [batches]
        rows = 8
        """)
    out = tmp_path / "out"
    arguments = ("train", mine, "--data-folder", folder, "--out", out, "--steps", 3, "--set")
    found = entail(*arguments, f"teacher.model={folder / 'teacher'}", "--json")
    assert found.code == 0, found.err
    answer = entail("nli", "the dog sleeps", "an animal sleeps", "--model", out / "model", "--json")
    assert answer.json["label"] in {"entailment", "neutral", "contradiction"}

    written = (out / "model" / "training.json").read_text()
    assert str(folder) not in written
    facts = json.loads(written)
    assert facts["teacher"].pop("fingerprint") in (out / "recipe.toml").read_text()
    assert facts["teacher"] == {
        "name": "./teacher",
        "method": "soft-targets",
        "temperature": 2.0,
        "share": 0.7,
    }
    assert "--set teacher.model=./teacher --steps 3" in facts["command"]
    assert facts["recipe"]["teacher"]["model"] == "./teacher"
    card = procedure(read_facts(out / "model"))
    assert "learnt from by the method soft-targets, at temperature 2: 0.7 of the loss" in card

    saved(tmp_path / "other", bert(), labels=("entailment", "neutral", "contradiction"))
    found = entail(*arguments, f"teacher.model={tmp_path / 'other'}")
    assert (found.code, "holds the run of another recipe" in found.error) == (2, True)
