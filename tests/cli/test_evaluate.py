"""`entail evaluate`: which kind of file, whose labels, and the measures as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import PAIRS, Entail
from tests.evaluate.test_suites import Hub, mnli, standing_in
from tests.tiny import tiny_bert

from entailment.checkpoint.folder import open_checkpoint
from entailment.cli.evaluate import evaluate
from entailment.evaluate.suites import SUITES

KEYS = {
    "count",
    "accuracy",
    "macro_precision",
    "macro_recall",
    "macro_f1",
    "per_class",
    "confusion_matrix",
    "ece",
    "samples_per_second",
}


def test_pairs(entail: Entail, model: Path, pairs: Path) -> None:
    found = entail("evaluate", model, "--data", pairs, "--json")
    assert (found.code, found.err) == (0, "")
    assert set(found.json) >= KEYS
    assert found.json["count"] == len(PAIRS)
    assert set(found.json["per_class"]) == {"entailment", "neutral", "contradiction"}
    assert sum(map(sum, found.json["confusion_matrix"])) == len(PAIRS)
    answers = [entail("nli", p, h, "--model", model, "--json").json["label"] for p, h, _ in PAIRS]
    right = sum(answer == gold for answer, (_, _, gold) in zip(answers, PAIRS, strict=True))
    assert found.json["accuracy"] == right / len(PAIRS)


def test_two_classes_fold_the_others(entail: Entail, model: Path, tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_text("premise,hypothesis,label\nsnow,rain,not_entailment\nrain,snow,entailment\n")
    found = entail("evaluate", model, "--data", path, "--json")
    assert set(found.json["per_class"]) == {"entailment", "not_entailment"}


def test_numbers_need_a_labels_file(entail: Entail, model: Path, tmp_path: Path) -> None:
    path, labels = tmp_path / "numbers.csv", tmp_path / "labels.txt"
    path.write_text("premise,hypothesis,label\nsnow,rain,0\nrain,snow,2\n")
    labels.write_text("entailment\nneutral\ncontradiction\n")
    found = entail("evaluate", model, "--data", path)
    assert (found.code, str(path) in found.error) == (2, True)
    assert "--labels-file" in found.error
    found = entail("evaluate", model, "--data", path, "--labels-file", labels, "--json")
    assert found.json["count"] == 2
    assert [found.json["per_class"][name]["support"] for name in labels.read_text().split()] == [1, 0, 1]


def test_texts_with_the_labels_that_occur(entail: Entail, model: Path, texts: Path) -> None:
    found = entail("evaluate", model, "--data", texts, "--json")
    assert found.json["count"] == 3
    assert list(found.json["per_class"]) == ["food", "sports"]
    assert found.err == (
        f"entail: note: no --labels-file: the candidate labels are the 2 that occur in {texts}\n"
    )


def test_texts_with_a_labels_file_given_or_beside(
    entail: Entail, model: Path, texts: Path, tmp_path: Path
) -> None:
    labels = {"labels": ["sports", "food", "news"], "hypothesis_template": "a text about {} ."}
    given = tmp_path / "given.json"
    given.write_text(json.dumps(labels))
    found = entail("evaluate", model, "--data", texts, "--labels-file", given, "--json")
    assert (found.err, list(found.json["per_class"])) == ("", labels["labels"])
    beside = tmp_path / "texts.labels.json"
    beside.write_text(json.dumps(labels))
    again = entail("evaluate", model, "--data", texts, "--json")
    assert again.err == f"entail: note: labels and template are those of {beside}\n"
    for key in KEYS - {"samples_per_second"}:
        assert again.json[key] == found.json[key]


def test_limit(entail: Entail, model: Path, pairs: Path, texts: Path) -> None:
    assert entail("evaluate", model, "--data", pairs, "--limit", 2, "--json").json["count"] == 2
    found = entail("evaluate", model, "--data", texts, "--limit", 1, "--json").json
    assert (found["count"], list(found["per_class"])) == (1, ["food", "sports"])


def test_a_table_for_a_person(entail: Entail, model: Path, pairs: Path) -> None:
    words = entail("evaluate", model, "--data", pairs).out.split()
    for word in ("accuracy", "macro", "calibration", "entailment", "contradiction", "gold,"):
        assert word in words


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.csv",
            "text,topic\na,b\n",
            "neither premise, hypothesis and label nor text and label; it has text, topic",
        ),
        ("a.csv", "text,label\n", "holds no rows"),
        ("a.csv", "text,label\nbread,food\n,news\n", "row 2: the text is empty"),
        (
            "a.csv",
            "premise,hypothesis,label\nbread,food,entailment\nbread,food,maybe\n",
            "row 2: the label 'maybe'",
        ),
        ("a.jsonl", '{"text": "bread", "label": ["food"]}\n', "row 1: the label ['food'] is not a name"),
        ("a.jsonl", '{"text": "bread", "label": "food"}\n{"text": "bread"}\n', "has no column 'label'"),
        ("a.txt", "bread\n", "neither"),
        ("a.xlsx", "", "should end in"),
    ],
)
def test_bad_data(entail: Entail, model: Path, tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    found = entail("evaluate", model, "--data", tmp_path / name, "--json")
    assert found.code == 2
    last = found.err.splitlines()[-1]
    assert last.startswith("entail: error: ")
    assert message in last
    assert found.out == ""


def test_a_label_that_is_no_candidate(entail: Entail, model: Path, texts: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("food\nnews\n")
    found = entail("evaluate", model, "--data", texts, "--labels-file", tmp_path / "labels.txt")
    assert found.code == 2
    assert "row 1: the label 'sports' is none of the candidate labels" in found.error
    assert str(texts) in found.error


def test_a_report_in_a_folder(entail: Entail, model: Path, pairs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    found = entail("evaluate", model, "--data", pairs, "--report", folder, "--group-by", "source", "--json")
    assert found.err.splitlines() == [
        f"entail: note: written: {folder / name}" for name in ("report.json", "report.md", "report.html")
    ]
    kept = json.loads((folder / "report.json").read_text())
    assert kept["evaluation"] == {key: found.json[key] for key in kept["evaluation"]}
    assert kept["groups"] == found.json["groups"]
    assert [(group["name"], group["count"]) for group in kept["groups"]] == [("x", len(PAIRS))]
    assert kept["subject"]["data"] == "pairs.csv"
    assert kept["subject"]["weights"] == open_checkpoint(model).fingerprint()
    assert (kept["subject"]["precision"], kept["subject"]["calibration"]) == ("float32", None)
    assert kept["subject"] == found.json["subject"]
    assert len(kept["mistakes"]) == round(len(PAIRS) * (1 - found.json["accuracy"]))
    for name in ("report.md", "report.html"):
        assert "pairs.csv" in (folder / name).read_text()


def test_a_report_quotes_as_many_errors_as_asked_for(
    entail: Entail, model: Path, tmp_path: Path, pairs: Path
) -> None:
    quoted = {}
    for most in (0, 1):
        entail("evaluate", model, "--data", pairs, "--report", tmp_path / f"{most}", "--errors", f"{most}")
        written = {path.name: path.read_text() for path in (tmp_path / f"{most}").iterdir()}
        quoted[most] = len(json.loads(written["report.json"])["mistakes"])
        assert (
            ("Worst errors" in written["report.md"])
            == ("Worst errors" in written["report.html"])
            == bool(most)
        )
    assert quoted == {0: 0, 1: 1}


def test_a_report_groups_by_genre_unasked(entail: Entail, model: Path, tmp_path: Path) -> None:
    path = tmp_path / "mnli.csv"
    path.write_text("premise,hypothesis,label,genre\na,b,neutral,fiction\nc,d,neutral,\n")
    assert "groups" not in entail("evaluate", model, "--data", path, "--json").json
    found = entail("evaluate", model, "--data", path, "--json", "--report", tmp_path / "report").json
    assert [group["name"] for group in found["groups"]] == ["(none)", "fiction"]


@pytest.mark.parametrize("name", ["report.json", "report.md", "report.html"])
def test_a_report_leaves_the_work_of_others_alone(
    entail: Entail, model: Path, pairs: Path, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "report"
    folder.mkdir()
    mine = folder / name
    mine.write_text('{"mine": true}')
    arguments = ("evaluate", model, "--data", pairs, "--report", folder)
    found = entail(*arguments)
    assert found.code == 2
    assert f"{mine} was not written by `entail evaluate`" in found.error
    assert "--force" in found.error
    assert [path.read_text() for path in folder.iterdir()] == ['{"mine": true}']
    assert entail(*arguments, "--force").code == 0
    assert entail(*arguments).code == 0, "what is ours is replaced unasked"


def test_a_classifier_of_texts_is_no_model_of_inference(entail: Entail, pairs: Path, tmp_path: Path) -> None:
    texts = tiny_bert(tmp_path / "texts", labels=("sport", "food"))
    found = entail("evaluate", texts, "--data", pairs)
    assert found.code == 2
    assert "its classes are sport, food: it classifies texts and is no model of inference" in found.error
    stated = entail(
        "evaluate", texts, "--data", pairs, "--label-order", "entailment,not_entailment", "--json"
    )
    assert (stated.code, stated.json["count"]) == (0, len(PAIRS))


def test_two_models_on_the_same_rows(entail: Entail, model: Path, prefix_model: Path, pairs: Path) -> None:
    alone = entail("evaluate", prefix_model, "--data", pairs, "--json").json
    found = entail("evaluate", model, "--data", pairs, "--compare", prefix_model, "--json").json["comparison"]
    assert found["other_accuracy"] == alone["accuracy"]
    assert found["difference"] == pytest.approx(found["accuracy"] - found["other_accuracy"])
    same = entail("evaluate", model, "--data", pairs, "--compare", model, "--json").json["comparison"]
    assert (same["difference"], same["low"], same["high"], same["p_value"]) == (0, 0, 0, 1)
    shown = entail("evaluate", model, "--data", pairs, "--compare", model).out
    assert "p = 1.0000" in " ".join(shown.split())


def test_models_of_other_classes_cannot_be_compared(
    entail: Entail, model: Path, pairs: Path, tmp_path: Path
) -> None:
    two = tiny_bert(tmp_path / "two", labels=("entailment", "not_entailment"))
    found = entail("evaluate", model, "--data", pairs, "--compare", two)
    assert found.code == 2
    assert "is measured on 3 classes and" in found.err


def test_a_study_of_templates(entail: Entail, model: Path, texts: Path, tmp_path: Path) -> None:
    path = tmp_path / "templates.txt"
    path.write_text("a text about {} .\n\nthe topic is {}\na text about {} .\n")
    found = entail("evaluate", model, "--data", texts, "--templates", path, "--json").json["templates"]
    assert {one["template"] for one in found} == {"a text about {} .", "the topic is {}"}
    assert [one["macro_f1"] for one in found] == sorted((one["macro_f1"] for one in found), reverse=True)
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({"labels": ["food", "sports"], "hypothesis_template": found[0]["template"]}))
    again = entail("evaluate", model, "--data", texts, "--labels-file", labels, "--json").json
    assert [again[key] for key in ("accuracy", "macro_f1", "ece")] == pytest.approx(
        [found[0][key] for key in ("accuracy", "macro_f1", "ece")]
    )


def test_a_suite_by_name(
    entail: Entail, model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    hub = Hub([mnli(0), mnli(2)], ["entailment", "neutral", "contradiction"])
    standing_in(monkeypatch, hub.load)
    found = entail("evaluate", model, "--data", "mnli-mismatched", "--report", tmp_path / "report", "--json")
    assert found.json["count"] == 2
    assert {asked[1] for asked in hub.asked} == {"validation_mismatched"}
    assert [group["name"] for group in found.json["groups"]] == ["fiction"]
    nowhere = entail("evaluate", model, "--data", "mnli-matchd")
    assert "no such file: mnli-matchd; known by name are mnli-matched, mnli-mismatched" in nowhere.error


def test_every_suite_is_in_the_help() -> None:
    assert evaluate.help is not None
    for name in SUITES:
        assert name in evaluate.help


def test_reports_that_cannot_be(
    entail: Entail, model: Path, pairs: Path, texts: Path, tmp_path: Path
) -> None:
    def error(*arguments: object) -> str:
        found = entail("evaluate", model, *arguments)
        assert found.code == 2
        return found.err.splitlines()[-1]

    assert "has no column 'genre' to group by" in error("--data", pairs, "--group-by", "genre")
    assert "not a folder that you may write to" in error("--data", pairs, "--report", pairs)
    templates = tmp_path / "templates.txt"
    templates.write_text("about {}\nno slot\n")
    assert "--templates is for texts" in error("--data", pairs, "--templates", templates)
    assert "has no slot for the label" in error("--data", texts, "--templates", templates)
    templates.write_text("\n")
    assert "holds no templates" in error("--data", texts, "--templates", templates)
