"""Labelled texts for `entail evaluate` and `entail calibrate`: what their labels mean, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from tests.cli.conftest import Entail

from entailment.cli.labelled import open_labelled

NUMBERED = "text,label\nthe team won,1\nsoup and bread,0\nthe final game,1\n"
NAMES = ["food", "sports"]


def _rows(path: Path, *labels: object) -> Path:
    path.write_text("".join(json.dumps({"text": "soup", "label": label}) + "\n" for label in labels))
    return path


def test_numbers_of_texts_need_a_labels_file(entail: Entail, model: Path, tmp_path: Path) -> None:
    path, names = tmp_path / "numbers.csv", tmp_path / "names.json"
    path.write_text(NUMBERED)
    names.write_text(json.dumps(NAMES))
    found = entail("evaluate", model, "--data", path)
    assert found.code == 2
    assert found.error.startswith(f"{path}, row 1: the label '1' is a number, and data sets disagree")
    assert "--labels-file FILE" in found.error
    by_number = entail("evaluate", model, "--data", path, "--labels-file", names, "--json").json
    assert {name: found["support"] for name, found in by_number["per_class"].items()} == {
        "food": 1,
        "sports": 2,
    }
    named = tmp_path / "named.csv"
    named.write_text(NUMBERED.replace(",1", ",sports").replace(",0", ",food"))
    by_name = entail("evaluate", model, "--data", named, "--labels-file", names, "--json").json
    assert by_number["confusion_matrix"] == by_name["confusion_matrix"]


def test_numbers_are_explained_by_a_file_beside_the_data(entail: Entail, model: Path, tmp_path: Path) -> None:
    path = _rows(tmp_path / "numbers.jsonl", 1, 0)
    (tmp_path / "numbers.labels.json").write_text(json.dumps({"labels": NAMES}))
    assert entail("evaluate", model, "--data", path, "--json").json["count"] == 2
    _rows(path, 1, 2)
    found = entail("evaluate", model, "--data", path, "--json")
    assert "row 2: the label 2 is not from 0 to 1" in found.err


def test_a_labels_file_may_list_numbers_as_names(entail: Entail, model: Path, tmp_path: Path) -> None:
    path, names = _rows(tmp_path / "stars.jsonl", 1, "2", "1"), tmp_path / "stars.txt"
    names.write_text("1\n2\n")
    found = entail("evaluate", model, "--data", path, "--labels-file", names, "--json").json
    assert [found["per_class"][name]["support"] for name in ("1", "2")] == [2, 1]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (("good", 3), "row 2: the label 3 is a number"),
        (("good", None), "row 2: the label is null; leave rows without a gold label out"),
        (("good", ""), "row 2: the label is empty"),
        (("good", "good "), "has one candidate label: there is nothing to choose from"),
    ],
)
@pytest.mark.parametrize("command", ["evaluate", "calibrate"])
def test_labels_of_texts_that_are_refused(
    entail: Entail, tmp_path: Path, command: str, labels: tuple[object, ...], message: str
) -> None:
    path = _rows(tmp_path / "rows.jsonl", *labels)
    found = entail(command, tmp_path / "no-model", "--data", path)  # before a model is looked for
    assert (found.code, found.out) == (2, "")
    last = found.err.splitlines()[-1]
    assert (str(path) in last, message in last) == (True, True)


def test_a_labels_file_whose_lines_end_with_carriage_returns(entail: Entail, tmp_path: Path) -> None:
    path, names = _rows(tmp_path / "rows.jsonl", "a", "b"), tmp_path / "names.txt"
    names.write_bytes(b"a\rb\r")
    found = entail("evaluate", tmp_path / "no-model", "--data", path, "--labels-file", names)
    assert f"{names}, line 1: a carriage return inside the line; a line should end" in found.error


@pytest.mark.parametrize("command", ["evaluate", "calibrate"])
def test_a_label_given_twice_is_one(entail: Entail, tmp_path: Path, command: str) -> None:
    path, names = _rows(tmp_path / "rows.jsonl", "a", "a"), tmp_path / "names.json"
    names.write_text('{"labels": ["a", "a"]}')
    found = entail(command, tmp_path / "no-model", "--data", path, "--labels-file", names)
    assert "has one candidate label" in found.error


def test_a_column_that_nobody_asks_for_is_not_read(tmp_path: Path) -> None:
    far = pa.array([10**8, 10**8], pa.int32()).cast(pa.date32())
    table = pa.table({"text": ["bread", "goal"], "label": ["food", "sports"], "when": far})
    parquet.write_table(table, tmp_path / "a.parquet")
    found = open_labelled(tmp_path / "a.parquet", None)
    assert found.columns == ("text", "label", "when")
    assert list(found.read(["text"])) == [{"text": "bread"}, {"text": "goal"}]
