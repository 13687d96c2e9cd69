"""The parts of a finished job joined to one file."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest
from tests.scale.conftest import LABELS, OpenModel, answers_of, write_rows

from entailment.errors import DataFileError, JobError
from entailment.scale import Classify, collect, run_job, status
from entailment.scale.folder import JobFolder

ROWS: list[dict[str, Any]] = [
    {"id": 7, "when": "june", "any": [1], "text": "the team won"},
    {"id": None, "when": None, "any": None, "text": ""},
    {"id": 2, "when": 'a "b",\nc', "any": "x", "text": "soup and bread " * 30},
    {"id": 4, "when": "", "any": {"é": 1.5}, "text": "rain"},
]
TASK = Classify(LABELS, scores=True, multi_label=True, threshold=0.6)


def run(folder: Path, opened: OpenModel, format: Any) -> Path:
    data, out = folder / "data.jsonl", folder / str(format)
    if not data.exists():
        write_rows(data, ROWS)
    keep = ["id", "when", "any"]
    run_job(TASK, data, out, open_model=opened, keep=keep, part_rows=3, format=format)
    return out


@pytest.fixture
def out(tmp_path: Path, opened: OpenModel) -> Path:
    return run(tmp_path, opened, "jsonl")


def test_every_format_holds_the_same(out: Path, tmp_path: Path, opened: OpenModel) -> None:
    answers = answers_of(out)
    for format in ("jsonl", "parquet"):
        folder = run(tmp_path, opened, format)
        for suffix in (".jsonl", ".csv", ".parquet"):
            assert collect(folder, tmp_path / f"{format}{suffix}") == 4
    lines = (tmp_path / "jsonl.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == answers
    assert (tmp_path / "jsonl.jsonl").read_bytes() == (tmp_path / "parquet.jsonl").read_bytes()
    assert (tmp_path / "jsonl.csv").read_bytes() == (tmp_path / "parquet.csv").read_bytes()
    table = parquet.read_table(tmp_path / "jsonl.parquet")
    assert table.equals(parquet.read_table(tmp_path / "parquet.parquet"))
    rows = table.to_pylist()
    with (tmp_path / "jsonl.csv").open(newline="", encoding="utf-8") as file:
        cells = list(csv.DictReader(file))
    for answer, row, cell in zip(answers, rows, cells, strict=True):
        assert list(row) == list(cell)
        assert row["row"] == answer["row"] == int(cell["row"])
        assert (row["id"], row["when"], row["refused"]) == (
            answer["id"],
            answer["when"],
            answer.get("refused"),
        )
        assert (row["any"] and json.loads(row["any"])) == answer["any"]
        for label in LABELS:
            expected = None if "refused" in answer else answer["scores"][label]  # type: ignore[index]
            assert row[f"score:{label}"] == expected
            assert cell[f"score:{label}"] == ("" if expected is None else str(expected))
    assert rows[2]["truncated"] == answers[2]["truncated"]


def test_a_job_that_is_not_finished(out: Path, tmp_path: Path) -> None:
    (out / "parts" / "000002.jsonl").unlink()
    with pytest.raises(JobError, match="is not finished: 1 of 2 parts are not there, first 000002; say the"):
        collect(out, tmp_path / "answers.csv")
    assert not (tmp_path / "answers.csv").exists()
    found = status(out)
    assert (found.done_parts, found.done_rows, found.finished, found.holder) == (1, 3, False, None)


def test_no_job(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="nowhere: no job was begun there"):
        collect(tmp_path / "nowhere", tmp_path / "answers.csv")
    reading = pytest.raises(JobError, match=f"job: process {os.getpid()} on .* is reading its input")
    with JobFolder(tmp_path / "job").claimed(), reading:
        status(tmp_path / "job")
    with pytest.raises(JobError, match="job: no job was begun there"):
        status(tmp_path / "job")


def test_who_is_at_work(out: Path) -> None:
    with JobFolder(out).claimed():
        assert (status(out).holder or "").startswith(f"process {os.getpid()} on ")
    assert status(out).holder is None


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_parts_that_were_changed(out: Path, tmp_path: Path, suffix: str) -> None:
    part = out / "parts" / "000001.jsonl"
    lines = part.read_text().splitlines(keepends=True)
    part.write_text("".join(lines[:2]))
    with pytest.raises(
        JobError, match=r"000001\.jsonl does not hold .* \(it ends with row 2, not 3\): remove"
    ):
        collect(out, tmp_path / f"answers{suffix}")
    part.write_text("".join([*lines[:2], lines[1]]))
    with pytest.raises(JobError, match="row 2 stands where row 3 should"):
        collect(out, tmp_path / f"answers{suffix}")
    assert [path.name for path in tmp_path.iterdir() if "answers" in path.name] == []


ROW = {"row": 1, "id": 7, "when": "june", "any": [1], "label": "food", "score": 0.5, "labels": []}
SCORES = dict.fromkeys(LABELS, 0.5)


@pytest.mark.parametrize(
    ("first", "why"),
    [
        ('{"row": 1, "id"', "line 1: not valid JSON"),
        (json.dumps(ROW), r"no 'scores'"),
        (json.dumps({**ROW, "scores": [1]}), "list indices"),
        (json.dumps({"row": 1, "label": None, "score": None, "scores": SCORES}), "no 'id'"),
        (json.dumps({"row": "1"}), "row '1' stands where row 1 should"),
        ("", "row 2 stands where row 1 should"),
    ],
)
@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_parts_that_were_never_written_so(
    out: Path, tmp_path: Path, first: str, why: str, suffix: str
) -> None:
    part = out / "parts" / "000001.jsonl"
    part.write_text("\n".join([first, *part.read_text().splitlines()[1:]]) + "\n")
    with pytest.raises(
        JobError, match=rf"000001\.jsonl does not hold what the job wrote \(.*{why}.*remove it"
    ):
        collect(out, tmp_path / f"answers{suffix}")
    assert [path.name for path in tmp_path.iterdir() if "answers" in path.name] == []


def test_values_that_no_column_holds(out: Path, tmp_path: Path) -> None:
    part = out / "parts" / "000001.jsonl"
    first = json.dumps({**ROW, "scores": SCORES, "id": "seven"})
    part.write_text("\n".join([first, *part.read_text().splitlines()[1:]]) + "\n")
    with pytest.raises(JobError, match="a part with rows 1 to 4 does not hold what the job wrote"):
        collect(out, tmp_path / "answers.parquet")


@pytest.mark.parametrize("refusal", [r'{"row": 2, "refused": "\q"', f'{{"row": {"9" * 5000}, "refused": "x"'])
def test_status_of_parts_that_were_changed(out: Path, refusal: str) -> None:
    part = out / "parts" / "000001.jsonl"
    part.write_text(refusal + "}\n")
    with pytest.raises(JobError, match=r"000001\.jsonl does not hold what the job wrote"):
        status(out)
    part.unlink()
    part.mkdir()
    with pytest.raises(JobError, match=r"cannot read .*000001\.jsonl: Is a directory"):
        status(out)
    shutil.rmtree(out / "parts")
    (out / "parts").touch()
    with pytest.raises(JobError, match=r"cannot read .*parts: Not a directory"):
        status(out)


def test_an_output_that_leads_to_a_part(out: Path, tmp_path: Path) -> None:
    part = out / "parts" / "000001.jsonl"
    before = part.read_bytes()
    (tmp_path / "link.jsonl").symlink_to(part)
    with pytest.raises(DataFileError, match="would lie among the parts"):
        collect(out, tmp_path / "link.jsonl")
    assert part.read_bytes() == before


def test_a_folder_of_another_name_is_no_hindrance(out: Path, tmp_path: Path) -> None:
    (tmp_path / "answers.jsonl").mkdir()
    assert collect(out, tmp_path / "answers.parquet") == 4
    with pytest.raises(DataFileError, match="a folder has that name"):
        collect(out, tmp_path / "answers.jsonl")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("answers.txt", r"its name should end in \.jsonl, \.csv, \.parquet"),
        ("nowhere/answers.csv", "the folder .*nowhere does not exist"),
        ("nowhere/answers.parquet", "the folder .*nowhere does not exist"),
        ("data.jsonl", "is a file of the job"),
        ("jsonl/parts/000003.jsonl", "would lie among the parts"),
    ],
)
def test_outputs_that_cannot_be(out: Path, tmp_path: Path, name: str, message: str) -> None:
    content = (tmp_path / "data.jsonl").read_bytes()
    with pytest.raises(DataFileError, match=message):
        collect(out, tmp_path / name)
    assert (tmp_path / "data.jsonl").read_bytes() == content
