"""The bundled model's card: the one that its facts make, by the code that makes all cards."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest
from tests.evaluate.card_files import hub_reads, results_of, trained
from tests.evaluate.test_card import assert_whole

from entailment.checkpoint.folder import open_checkpoint
from entailment.evaluate import card
from entailment.evaluate.cards.facts import read_facts
from entailment.evaluate.cards.write import card_text

FOLDER = Path(str(files("entailment") / "bundled"))


def test_the_card_is_the_one_its_facts_make() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert text == card_text(read_facts(FOLDER, card.stated(FOLDER)))
    assert_whole(text)


def test_every_recorded_figure_is_in_it() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    training = json.loads((FOLDER / "training.json").read_text(encoding="utf-8"))
    results = json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))
    for name, result in results.items():
        row = next(
            line for line in text.splitlines() if line.startswith(f"| `{name}` | {result['count']:,} |")
        )
        for key in ("accuracy", "macro_f1", "ece"):
            assert f" {result[key]:.4f} " in row
    rounds = training["rounds"]
    for source in rounds[0]["nli_sources"] | rounds[0]["topic_sources"]:
        kind = "nli_sources" if source in rounds[0]["nli_sources"] else "topic_sources"
        counts = " | ".join(f"{each[kind].get(source, 0):,}" for each in rounds)
        assert f"| `{source}` | {counts} |" in text
    data = hub_reads(text)
    assert (data.license, data.language, data.library_name) == ("apache-2.0", ["en"], "entailment")
    assert data.base_model == training["base_model"]
    assert len(results_of(text)) == 4 * len(results)


def test_the_command_measures_and_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = ('{"premise": "a man eats", "hypothesis": "a man sleeps", "label": "neutral"}\n', "nli")
    texts = ('{"text": "a man eats", "label": "food"}\n{"text": "one goal", "label": "sport"}\n', "zeroshot")
    data = tmp_path / "data"
    for (rows, room), names in ((pairs, card.NLI_SETS), (texts, card.ZERO_SHOT_SETS)):
        (data / room).mkdir(parents=True)
        for name in names:
            (data / room / f"{name}.parquet").write_text(rows, encoding="utf-8")
            labels = {"labels": ["food", "sport"], "hypothesis_template": "This is {}."}
            (data / room / f"{name}.labels.json").write_text(json.dumps(labels), encoding="utf-8")
    from entailment.tables import read_rows

    monkeypatch.setattr(card, "read_rows", lambda path: read_rows(path, format=".jsonl"))
    folder = trained(tmp_path / "model", json.loads((FOLDER / "training.json").read_text(encoding="utf-8")))
    card.main.main(["--model", str(folder), "--data", str(data)], standalone_mode=False)
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert set(results) == {*card.NLI_SETS, *card.ZERO_SHOT_SETS}
    assert results["trec"]["file"] == "zeroshot/trec.parquet"
    assert {each["weights"] for each in results.values()} == {open_checkpoint(folder).fingerprint()}
    assert [each["calibration"] for each in results.values()] == [None] * len(results)
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert_whole(text)
    assert "| round 1 | round 2 |" in text
    assert "NLI()(" in text


def test_only_the_model_of_the_package_is_opened_without_a_name(tmp_path: Path) -> None:
    training = json.loads((FOLDER / "training.json").read_text(encoding="utf-8"))
    assert card.stated(FOLDER).name == "bundled"
    twin = trained(tmp_path / "twin", training | {"name": "entailment-minilm-l6-full"})
    assert (card.stated(twin).name, card.stated(twin).licence) == (None, "apache-2.0")
    text = card_text(read_facts(twin, card.stated(twin)))
    assert 'NLI("twin")(' in text
    assert "from transformers import pipeline" in text


def test_what_learnt_from_pairs_alone_says_nothing_of_texts(tmp_path: Path) -> None:
    rounds = [{"nli_sources": {"snli": 60}, "topic_sources": {}, "settings": {"two_way": True}}] * 2
    text = card_text(read_facts(trained(tmp_path / "model", {"name": "pairs", "rounds": rounds})))
    assert_whole(text)
    assert "The loss is the cross-entropy of NLI pairs. Sources whose licence" in text
    assert "| `snli` | 60 | 60 |\n| all | 60 | 60 |" in text
    assert "| two way | yes | yes |" in text
    for said in ("recast", "Recast", "rival labels", "| all |\n"):
        assert said not in text
