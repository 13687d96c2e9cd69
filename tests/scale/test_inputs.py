"""The first pass over the input, and its rows cut into parts."""

from __future__ import annotations

import json
import os
import pickle
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scale.conftest import texts, write_rows, write_texts

from entailment.errors import DataFileError
from entailment.scale import inputs
from entailment.scale.inputs import Parts, find_inputs, survey
from entailment.scale.tasks import Classify, Nli
from entailment.tables.digest import sha256

TASK = Classify(["a", "b"])


def parts(paths: list[Path], size: int, wanted: tuple[int, ...] | None = None) -> Parts:
    """All parts of files of texts, or those wanted."""
    found = Parts(survey(paths, TASK, []).files, ("text",), size, ())
    return Parts(found.files, ("text",), size, tuple(range(1, found.count + 1)) if wanted is None else wanted)


@given(
    rows=st.lists(st.integers(min_value=0, max_value=9), min_size=1, max_size=5).filter(any),
    size=st.integers(min_value=1, max_value=12),
    chosen=st.sets(st.integers(min_value=1, max_value=45)),
)
@settings(max_examples=60)
def test_parts_are_slices_of_all_rows(rows: list[int], size: int, chosen: set[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        every = texts(sum(rows))
        paths, start = [], 0
        for index, count in enumerate(rows):
            content = ({"text": text} for text in every[start : start + count])
            paths.append(write_rows(Path(folder) / f"{index}.jsonl", content))
            start += count
        all_parts = parts(paths, size)
        wanted = tuple(sorted(number for number in chosen if number <= all_parts.count))
        found = list(pickle.loads(pickle.dumps(parts(paths, size, wanted))))  # noqa: S301
        assert [part.number for part in found] == list(wanted)
        for part in found:
            begin = (part.number - 1) * size
            assert part.first == begin + 1
            assert [row["text"] for row in part.rows] == every[begin : begin + size]
        joined = [row["text"] for part in all_parts for row in part.rows]
        assert joined == every


def test_files_without_a_wanted_part_are_not_opened(tmp_path: Path) -> None:
    paths = [write_texts(tmp_path / f"{name}.jsonl", 4) for name in "abc"]
    some = parts(paths, 2, (3, 4))
    for name in "ac":
        (tmp_path / f"{name}.jsonl").unlink()
    assert [part.number for part in some] == [3, 4]


def test_a_file_that_changes_while_it_is_computed(tmp_path: Path) -> None:
    path = write_texts(tmp_path / "a.jsonl", 9)
    some = iter(parts([path], 2))
    next(some)
    with path.open("a") as file:
        file.write('{"text": "new"}\n')
    with pytest.raises(DataFileError, match=r"a\.jsonl was changed while the job ran"):
        list(some)
    short = parts([path], 2)
    path.write_text('{"text": "only"}\n')
    with pytest.raises(DataFileError, match=r"a\.jsonl was changed while the job ran"):
        list(short)


@pytest.mark.parametrize("suffix", [".txt", ".jsonl", ".csv", ".parquet"])
def test_files_of_every_kind(tmp_path: Path, suffix: str) -> None:
    path, rows = tmp_path / f"a{suffix}", [{"text": text} for text in texts(5)]
    if suffix == ".parquet":
        parquet.write_table(pa.Table.from_pylist(rows), path)
    elif suffix == ".jsonl":
        write_rows(path, rows)
    else:
        path.write_text("text\n" * (suffix == ".csv") + "".join(f"{row['text']}\n" for row in rows))
    assert [part.rows for part in parts([path], 3)] == [rows[:3], rows[3:]]


def test_names_and_patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b.txt", "a.txt", "c[1].txt"):
        Path(name).write_text("one\n")
    found = find_inputs(["b.txt", "c[1].txt", "a*"])
    assert [path.name for path in found] == ["b.txt", "c[1].txt", "a.txt"]
    assert all(path.is_absolute() for path in found)
    with pytest.raises(DataFileError, match=r"b\.txt is to be read twice"):
        find_inputs(["*.txt", "./b.txt"])
    os.link("a.txt", "link.txt")
    with pytest.raises(DataFileError, match=r"link\.txt is to be read twice \(it is .*a\.txt\)"):
        find_inputs(["a.txt", "link.txt"])


def test_what_cannot_be_read_again_or_has_no_format_is_refused_before_anything_is_read(
    tmp_path: Path,
) -> None:
    good = write_texts(tmp_path / "good.jsonl", 1)
    (tmp_path / "folder.jsonl").mkdir()
    os.mkfifo(tmp_path / "pipe.jsonl")  # to read it would never end
    (tmp_path / "notes.md").touch()
    for name, message in {
        "folder.jsonl": r"folder\.jsonl is a folder; name the files in it, as in '.*folder\.jsonl/\*\.jsonl'",
        "pipe.jsonl": r"pipe\.jsonl cannot be read again",
        "notes.md": r"cannot tell the format of .*notes\.md: its name should end in \.txt, \.jsonl",
        "none.jsonl": r"cannot read .*none\.jsonl: No such file",
        "x" * 300: "File name too long",
        "": "no file is called or matches ''",
    }.items():
        with pytest.raises(DataFileError, match=message):
            find_inputs([good, str(tmp_path / name) if name else name])


def test_a_file_that_changes_while_it_is_first_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_texts(tmp_path / "a.jsonl", 3)

    def hashed_and_changed(hashed: Path) -> str:
        digest = sha256(hashed)
        write_texts(path, 4)
        return digest

    monkeypatch.setattr(inputs, "sha256", hashed_and_changed)
    with pytest.raises(DataFileError, match=r"a\.jsonl was changed while the job ran"):
        survey([path], TASK, [])


def test_a_file_with_fewer_rows_than_were_counted_gives_no_short_part(tmp_path: Path) -> None:
    path = write_texts(tmp_path / "a.jsonl", 9)
    (file,) = parts([path], 2).files
    many = Parts((replace(file, rows=12),), ("text",), 4, (1, 2, 3))  # as where size and time were kept
    found = iter(many)
    assert [next(found).number, next(found).number] == [1, 2]
    with pytest.raises(DataFileError, match=r"a\.jsonl was changed"):
        next(found)


def test_a_broken_line_far_in_is_found_by_the_first_pass(tmp_path: Path) -> None:
    path = write_texts(tmp_path / "a.jsonl", 5000)
    with path.open("a") as file:
        file.write('{"text": \n')
    with pytest.raises(DataFileError, match="line 5001: not valid JSON"):
        survey([path], TASK, [])


@pytest.mark.parametrize(
    ("rows", "task", "message"),
    [
        ([], TASK, r"a\.jsonl: no rows"),
        (
            [{"text": ""}, {"text": " "}],
            TASK,
            "none of the 2 rows can be answered: the text is empty in row 1",
        ),
        ([{"text": "a"}, {"other": "b"}], TASK, "line 2 has no column 'text'; it has other"),
        ([{"premise": "a", "text": "b"}], Nli(), "has no column 'hypothesis'"),
    ],
)
def test_inputs_that_are_refused(tmp_path: Path, rows: list[Any], task: Any, message: str) -> None:
    path = write_rows(tmp_path / "a.jsonl", rows)
    with pytest.raises(DataFileError, match=message):
        survey([path], task, [])


def test_what_cannot_be_kept_is_found_by_the_first_pass(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"text": "a", "id": 1}) + "\n" + '{"text": "a", "id": NaN}\n')
    with pytest.raises(DataFileError, match=r"a\.jsonl, row 2: id holds nan, which answers cannot hold"):
        survey([path], TASK, ["id"])


def test_progress_is_told_of_rows(tmp_path: Path) -> None:
    path = write_texts(tmp_path / "a.jsonl", 25_000)
    told: list[int] = []
    survey([path], TASK, [], told=told.append)
    assert told == [10_000, 20_000, 25_000]
