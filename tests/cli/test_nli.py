"""`entail nli`: pairs typed in or from a file."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from tests.cli.conftest import Entail

from entailment.tasks.nli import NLI

PAIRS = [("the dog sleeps", "an animal sleeps"), ("a man reads a book", "nobody reads"), ("rain", "the sun")]


def as_json_lines(pairs: list[tuple[str, str]]) -> str:
    return "".join(json.dumps({"premise": p, "hypothesis": h, "label": "neutral"}) + "\n" for p, h in pairs)


def test_one_pair(entail: Entail, model: Path) -> None:
    found = entail("nli", *PAIRS[0], "--model", model, "--json")
    assert (found.code, found.err) == (0, "")
    result = NLI(model)(*PAIRS[0])
    assert found.json == {
        "premise": PAIRS[0][0],
        "hypothesis": PAIRS[0][1],
        "label": result.label,
        "scores": result.scores,
    }
    assert list(found.json["scores"].values()) == sorted(result.scores.values(), reverse=True)


def test_a_file_of_pairs(entail: Entail, prefix_model: Path, tmp_path: Path) -> None:
    source = tmp_path / "pairs.jsonl"
    source.write_text(as_json_lines(PAIRS * 300))
    found = entail("nli", "--input", source, "--model", prefix_model)
    assert [(line["premise"], line["hypothesis"]) for line in found.lines] == PAIRS * 300
    labels = [result.label for result in NLI(prefix_model)(PAIRS)]
    assert [line["label"] for line in found.lines] == labels * 300
    piped = entail("nli", "--input", "-", "--model", prefix_model, "--json", stdin=as_json_lines(PAIRS * 300))
    assert piped.out == found.out


def test_output_as_csv(entail: Entail, model: Path, tmp_path: Path) -> None:
    source, output = tmp_path / "pairs.csv", tmp_path / "answers.csv"
    source.write_text("hypothesis,premise\n" + "".join(f"{h},{p}\n" for p, h in PAIRS))
    found = entail("nli", "--input", source, "--model", model, "--output", output)
    assert found.err == f"entail: note: 3 pairs answered in {output}\n"
    rows = list(csv.DictReader(output.read_text().splitlines()))
    for row, (premise, hypothesis), result in zip(rows, PAIRS, NLI(model)(PAIRS), strict=True):
        assert (row["premise"], row["hypothesis"], row["label"]) == (premise, hypothesis, result.label)
        assert float(row["score"]) == result.scores[result.label]
        assert {name: float(row[f"score:{name}"]) for name in result.scores} == result.scores
        assert row["truncated"] == ""


def test_one_pair_for_a_person(entail: Entail, model: Path) -> None:
    lines = entail("nli", *PAIRS[1], "--model", model).out.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["premise", "hypothesis"]
    assert lines[2].split()[0] == NLI(model)(*PAIRS[1]).label
    assert len(lines) == 5


def test_a_cut_premise_is_reported(entail: Entail, model: Path) -> None:
    found = entail("nli", "the rain " * 5000, "the sun", "--model", model, "--json")
    assert found.json["truncated"]["total"] == 45_000
    assert "longer than the model reads" in found.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["one"], "give both PREMISE and HYPOTHESIS"),
        ([], "give either PREMISE and HYPOTHESIS, or --input FILE"),
        (["one", "two", "--input", "x.csv"], "give either PREMISE and HYPOTHESIS, or --input FILE"),
        (["one", " "], "the hypothesis is blank"),
        (["", "two"], "the premise is empty"),
        (["one", "two", "three"], "unexpected extra argument"),
    ],
)
def test_what_cannot_be_asked(entail: Entail, model: Path, arguments: list[str], message: str) -> None:
    found = entail("nli", *arguments, "--model", model)
    assert found.code == 2
    assert message in found.error


def test_a_file_without_the_columns(entail: Entail, model: Path, tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("premise,claim\na,b\n")
    found = entail("nli", "--input", tmp_path / "pairs.csv", "--model", model)
    assert found.code == 2
    assert found.error.endswith("pairs.csv has no column 'hypothesis'; it has premise, claim")
