"""`entail check`: a document and claims, typed in or from files."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from tests.cli.conftest import Entail
from tests.tiny import NLI_LABELS, tiny_bert

from entailment.tasks.check import DocumentChecker

DOCUMENT = "The dog sleeps in the garden. A man reads a book about the sea.\n\nNobody plays."
CLAIMS = ["The dog sleeps.", "A man reads.", "Somebody plays in the garden."]


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "document.md"
    path.write_text("\ufeff" + DOCUMENT, encoding="utf-8")
    return path


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    path = tmp_path / "claims.txt"
    path.write_text("\n\n".join(CLAIMS) + "\n", encoding="utf-8")
    return path


def test_claims_typed_in(entail: Entail, prefix_model: Path, document: Path) -> None:
    typed = [part for claim in CLAIMS for part in ("--claim", claim)]
    found = entail("check", document, *typed, "--model", prefix_model, "--json")
    assert (found.code, found.err) == (0, "")
    assert found.lines == DocumentChecker(prefix_model)(DOCUMENT, CLAIMS)


def test_claims_from_files(entail: Entail, model: Path, document: Path, claims: Path, tmp_path: Path) -> None:
    found = entail("check", document, "--claims", claims, "--model", model)
    assert found.lines == DocumentChecker(model)(DOCUMENT, CLAIMS)
    rows = tmp_path / "claims.jsonl"
    rows.write_text("".join(json.dumps({"id": 1, "claim": claim}) + "\n" for claim in CLAIMS))
    assert entail("check", document, "--claims", rows, "--model", model).out == found.out
    piped = entail("check", document, "--claims", "-", "--model", model, stdin="\n".join(CLAIMS))
    assert piped.out == found.out
    piped = entail("check", "-", "--claims", claims, "--model", model, stdin=DOCUMENT)
    assert piped.out == found.out


def test_threshold(entail: Entail, model: Path, document: Path) -> None:
    found = entail("check", document, "--claim", CLAIMS[0], "--threshold", "1", "--model", model, "--json")
    assert found.json["verdict"] == "open"


@pytest.mark.parametrize("first", range(3))
def test_an_open_claim_says_which_class_its_score_is_of(
    entail: Entail, document: Path, tmp_path: Path, first: int
) -> None:
    # The same logits under three names each: every class wins once.
    model = tiny_bert(tmp_path / "model", labels=NLI_LABELS[first:] + NLI_LABELS[:first])
    scores = DocumentChecker(model)(DOCUMENT, CLAIMS[:1])[0]["scores"]
    winner = max(scores, key=lambda name: scores[name])
    arguments = ["check", document, "--claim", CLAIMS[0], "--model", model]
    line = entail(*arguments, "--threshold", "1").out.splitlines()[1]
    assert "open" in line
    assert (f"open ({winner}) " in line) == (winner != "neutral")
    assert "open (" not in entail(*arguments).out


def test_output_as_csv(entail: Entail, model: Path, document: Path, claims: Path, tmp_path: Path) -> None:
    output = tmp_path / "findings.csv"
    found = entail("check", document, "--claims", claims, "--model", model, "--output", output)
    assert found.err == f"entail: note: 3 claims answered in {output}\n"
    rows = list(csv.DictReader(output.read_text(encoding="utf-8").splitlines()))
    for row, finding in zip(rows, DocumentChecker(model)(DOCUMENT, CLAIMS), strict=True):
        assert (row["claim"], row["verdict"]) == (finding["claim"], finding["verdict"])
        assert {name: float(row[f"score:{name}"]) for name in finding["scores"]} == finding["scores"]
        if (evidence := finding["evidence"]) is None:
            assert row["evidence"] == row["start"] == row["end"] == ""
        else:
            assert row["evidence"] == DOCUMENT[int(row["start"]) : int(row["end"])] == evidence["text"]


def test_for_a_person(entail: Entail, model: Path, document: Path) -> None:
    lines = entail("check", document, "--claim", CLAIMS[0], "--model", model).out.splitlines()
    assert lines[0].split() == ["claim", "evidence", "label", "score"]
    assert lines[1].startswith("The dog sleeps.")
    assert DocumentChecker(model)(DOCUMENT, CLAIMS[:1])[0]["verdict"] in lines[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["DOCUMENT"], 'give either --claim "TEXT", once or more, or --claims FILE'),
        (["DOCUMENT", "--claim", "a", "--claims", "b.txt"], 'give either --claim "TEXT"'),
        (["-", "--claims", "-"], "cannot both come from standard input"),
        (["DOCUMENT", "--claim", " "], "the claim is blank"),
        (["DOCUMENT", "--claim", "a", "--claim", ""], "claim 2 is empty"),
        (["nowhere.txt", "--claim", "a"], "no such file: nowhere.txt"),
        ([".", "--claim", "a"], "cannot read .: Is a directory"),
        (["-", "--claim", "a"], "standard input is empty"),
        (["DOCUMENT", "--claim", "a", "--threshold", "2"], "not in the range"),
        (["DOCUMENT", "--claim", "word " * 100], "claim 1: the hypothesis"),
        (["DOCUMENT", "--claims", "none.txt"], "no such file: none.txt"),
    ],
)
def test_what_cannot_be_asked(
    entail: Entail, model: Path, document: Path, arguments: list[str], message: str
) -> None:
    given = [str(document) if argument == "DOCUMENT" else argument for argument in arguments]
    found = entail("check", *given, "--model", model)
    assert found.code == 2
    assert message in found.error


def test_a_document_that_is_no_text(entail: Entail, model: Path, tmp_path: Path) -> None:
    (tmp_path / "document.txt").write_bytes(b"caf\xe9 au lait")
    found = entail("check", tmp_path / "document.txt", "--claim", "a", "--model", model)
    assert found.code == 2
    assert "is not UTF-8 text: byte 4 is 0xe9" in found.error
    (tmp_path / "document.txt").write_bytes("coffee with milk".encode("utf-16-le"))
    found = entail("check", tmp_path / "document.txt", "--claim", "a", "--model", model)
    assert found.error == f"{tmp_path / 'document.txt'}: a NUL byte; this is not a UTF-8 text file"


def test_of_parquet_the_claims_alone_are_read(
    entail: Entail, model: Path, document: Path, tmp_path: Path
) -> None:
    path = tmp_path / "claims.parquet"
    far = pa.array([10**8] * len(CLAIMS), pa.int32()).cast(pa.date32())  # later than Python knows
    parquet.write_table(pa.table({"when": far, "claim": CLAIMS}), path)
    found = entail("check", document, "--claims", path, "--model", model)
    assert [finding["claim"] for finding in found.lines] == CLAIMS


def test_claims_without_their_column(entail: Entail, model: Path, document: Path, tmp_path: Path) -> None:
    (tmp_path / "claims.csv").write_text("id,sentence\n1,a\n")
    found = entail("check", document, "--claims", tmp_path / "claims.csv", "--model", model)
    assert found.error.endswith("claims.csv, row 1 has no column 'claim'; it has id, sentence")
    (tmp_path / "claims.txt").write_text("\n\n")
    found = entail("check", document, "--claims", tmp_path / "claims.txt", "--model", model)
    assert found.error.endswith("claims.txt holds no claims")
