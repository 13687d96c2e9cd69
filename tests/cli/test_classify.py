"""`entail classify`: what goes in, what comes out, and where."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from tests.cli.conftest import Entail

from entailment.serve.bodies import ClassifyRequest
from entailment.tables import read_rows
from entailment.tasks.zero_shot import ZeroShotClassifier

TEXTS = ["the team won the final", "the minister lost the election", "soup and bread"]
LABELS = ["sports", "government", "food"]
COMMON = ("--labels", ",".join(LABELS))


def test_one_text_is_the_dictionary_of_the_library(entail: Entail, model: Path) -> None:
    found = entail("classify", TEXTS[0], *COMMON, "--model", model, "--json")
    assert (found.code, found.err) == (0, "")
    assert found.json == ZeroShotClassifier(model)(TEXTS[0], LABELS)
    assert found.out.count("\n") == 1


def test_many_texts_are_a_line_each(entail: Entail, prefix_model: Path) -> None:
    found = entail("classify", *TEXTS, *COMMON, "--model", prefix_model, "--json")
    assert [line["sequence"] for line in found.lines] == TEXTS


@pytest.mark.parametrize("suffix", [".txt", ".jsonl", ".csv", ".parquet"])
def test_input_files_of_every_kind_give_the_same_answers(
    entail: Entail, model: Path, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"texts{suffix}"
    rows = [{"id": index, "text": text} for index, text in enumerate(TEXTS)]
    if suffix == ".parquet":
        parquet.write_table(pa.Table.from_pylist(rows), path)
    elif suffix == ".csv":
        path.write_text("id,text\n" + "".join(f"{row['id']},{row['text']}\n" for row in rows))
    elif suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        path.write_text("\n".join(TEXTS) + "\n")
    found = entail("classify", "--input", path, *COMMON, "--model", model)
    assert (found.code, found.err) == (0, "")
    typed = entail("classify", *TEXTS, *COMMON, "--model", model, "--json")
    assert found.out == typed.out


def test_standard_input_and_a_column_of_another_name(entail: Entail, model: Path) -> None:
    lines = "".join(json.dumps({"body": text}) + "\n" for text in TEXTS)
    found = entail(
        "classify", "--input", "-", "--text-column", "body", *COMMON, "--model", model, "--json", stdin=lines
    )
    assert [line["sequence"] for line in found.lines] == TEXTS
    plain = entail("classify", "--input", "-", *COMMON, "--model", model, "--json", stdin="\n".join(TEXTS))
    assert plain.out == found.out


def test_output_as_json_lines(entail: Entail, model: Path, tmp_path: Path) -> None:
    output = tmp_path / "answers.jsonl"
    found = entail("classify", *TEXTS, *COMMON, "--model", model, "--output", output)
    assert (found.code, found.out) == (0, "")
    assert found.err == f"entail: note: 3 texts answered in {output}\n"
    assert output.read_text() == entail("classify", *TEXTS, *COMMON, "--model", model, "--json").out


def test_output_as_csv(entail: Entail, model: Path, tmp_path: Path) -> None:
    output = tmp_path / "answers.csv"
    entail("classify", *TEXTS, *COMMON, "--model", model, "--output", output)
    rows = list(csv.DictReader(output.read_text().splitlines()))
    assert list(rows[0]) == ["sequence", "label", "score", *(f"score:{name}" for name in LABELS), "truncated"]
    for row, answer in zip(rows, ZeroShotClassifier(model)(TEXTS, LABELS), strict=True):
        assert (row["sequence"], row["label"]) == (answer["sequence"], answer["labels"][0])
        assert float(row["score"]) == answer["scores"][0]
        for label, score in zip(answer["labels"], answer["scores"], strict=True):
            assert float(row[f"score:{label}"]) == score


def test_threshold_keeps_abstains_and_says_so(entail: Entail, model: Path, tmp_path: Path) -> None:
    answer = entail("classify", TEXTS[0], *COMMON, "--model", model, "--threshold", "1", "--json").json
    assert (answer["labels"], answer["abstained"]) == ([], True)
    output = tmp_path / "answers.csv"
    entail("classify", TEXTS[0], *COMMON, "--model", model, "--threshold", "1", "--output", output)
    (row,) = read_rows(output)
    assert (row["label"], row["score"], row["score:food"]) == ("", "", "")
    table = entail("classify", TEXTS[0], *COMMON, "--model", model, "--threshold", "1")
    assert "no label reached the threshold; the best is" in table.err
    tables = entail("classify", *TEXTS, *COMMON, "--model", model, "--threshold", "1")
    assert [line.split()[-3] for line in tables.out.splitlines()[1:]] == ["-"] * 3


def test_the_help_says_what_a_threshold_does(entail: Entail) -> None:
    said = " ".join(entail("classify", "--help").out.split())
    assert "with --multi-label also leave out each that does not" in said
    assert "where that is true there are no labels, and best has the label and score" in said
    description = ClassifyRequest.model_fields["threshold"].description or ""
    assert "with `multi_label` also leave out each label that does not" in description


def test_labels_that_are_the_same_to_the_model_are_noted(entail: Entail, model: Path) -> None:
    found = entail("classify", TEXTS[0], "--labels", "US,us", "--model", model, "--json")
    assert found.json["scores"] == pytest.approx([0.5, 0.5])
    assert found.err.startswith("entail: note: the labels 'US' and 'us' are the same tokens to the model")
    assert found.err.count("note") == 1


def test_multi_label_and_template(entail: Entail, model: Path) -> None:
    options = ("--multi-label", "--template", "the topic of the text is {} .")
    found = entail("classify", TEXTS[0], *COMMON, *options, "--model", model, "--json").json
    assert found == ZeroShotClassifier(model)(
        TEXTS[0], LABELS, multi_label=True, hypothesis_template="the topic of the text is {} ."
    )


def test_labels_files(entail: Entail, model: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("\ufeffsports\r\n\r\n government \nfood")
    (tmp_path / "labels").write_text("sports\ngovernment\nfood\n")
    (tmp_path / "list.json").write_text(json.dumps(LABELS))
    (tmp_path / "labels.json").write_text(json.dumps({"name": "a", "labels": LABELS, "multi_label": False}))
    typed = entail("classify", TEXTS[0], *COMMON, "--model", model, "--json").out
    for name in ("labels.txt", "labels", "list.json", "labels.json"):
        path = tmp_path / name
        assert entail("classify", TEXTS[0], "--labels-file", path, "--model", model, "--json").out == typed


def test_a_labels_file_brings_template_and_multi_label_which_the_option_overrides(
    entail: Entail, model: Path, tmp_path: Path
) -> None:
    labels = tmp_path / "labels.json"
    content = {"labels": LABELS, "hypothesis_template": "a text about {} .", "multi_label": True}
    labels.write_text(json.dumps(content))
    classifier = ZeroShotClassifier(model)
    found = entail("classify", TEXTS[0], "--labels-file", labels, "--model", model, "--json")
    assert found.json == classifier(
        TEXTS[0], LABELS, hypothesis_template="a text about {} .", multi_label=True
    )
    found = entail(
        "classify", TEXTS[0], "--labels-file", labels, "--template", "{}", "--model", model, "--json"
    )
    assert found.json == classifier(TEXTS[0], LABELS, hypothesis_template="{}", multi_label=True)


def test_duplicate_labels_are_merged_with_a_note(entail: Entail, model: Path, tmp_path: Path) -> None:
    output = tmp_path / "answers.csv"
    found = entail("classify", TEXTS[0], "--labels", "food, sports,food", "--model", model, "--json")
    assert sorted(found.json["labels"]) == ["food", "sports"]
    assert found.err.startswith("entail: note: ")
    assert "'food'" in found.err
    entail("classify", TEXTS[0], "--labels", "food,sports,food", "--model", model, "--output", output)
    assert output.read_text().splitlines()[0].count("score:food") == 1


def test_a_very_long_text_is_read_in_part_and_reported(entail: Entail, model: Path, tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("soup and bread\n" + "the team won " * 800_000 + "\n")
    found = entail("classify", "--input", path, *COMMON, "--model", model, "--json")
    short, long = found.lines
    assert "truncated" not in short
    assert 0 < long["truncated"]["read"] < long["truncated"]["total"] <= 13 * 800_000
    assert found.err.startswith("entail: note: ")
    assert "longer than the model reads" in found.err


def test_one_text_for_a_person(entail: Entail, model: Path) -> None:
    found = entail("classify", TEXTS[0], *COMMON, "--model", model)
    ranked = ZeroShotClassifier(model)(TEXTS[0], LABELS)
    lines = found.out.splitlines()
    assert lines[0].strip() == TEXTS[0]
    for line, label, score in zip(lines[1:], ranked["labels"], ranked["scores"], strict=True):
        assert line.split()[0] == label
        assert line.split()[-1] == f"{score:.1%}"


def test_many_texts_for_a_person_stay_in_line(entail: Entail, model: Path) -> None:
    found = entail("classify", *(TEXTS * 10), *COMMON, "--model", model)
    lines = found.out.splitlines()
    assert lines[0].split() == ["text", "label", "score"]
    assert len(lines) == 31
    assert len({line.index("%") for line in lines[1:]}) == 1


@pytest.mark.parametrize("text", ["[bold]soup[/bold] [/]", "soup :smile:", "soup \x1b[31mred\x1b[0m\nbread"])
def test_what_a_text_holds_is_text_and_nothing_else(entail: Entail, model: Path, text: str) -> None:
    for texts in ([text], [text, "bread"]):
        found = entail("classify", *texts, *COMMON, "--model", model)
        assert found.code == 0
        assert "\x1b" not in found.out
        assert text.replace("\x1b", " ").replace("\n", " ") in found.out


def test_half_a_file_answered_leaves_no_output(entail: Entail, model: Path, tmp_path: Path) -> None:
    source, output = tmp_path / "texts.jsonl", tmp_path / "answers.jsonl"
    source.write_text('{"text": "soup"}\n' * 2000 + '{"text": \n')
    found = entail("classify", "--input", source, *COMMON, "--model", model, "--output", output)
    assert found.code == 2
    assert "line 2001: not valid JSON" in found.error
    assert list(tmp_path.iterdir()) == [source]
