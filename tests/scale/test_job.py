"""A job from end to end, gone on with, and refused."""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import resource
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scale.conftest import (
    LABELS,
    TASK,
    OpenModel,
    answers_of,
    parts_of,
    stamps,
    texts,
    write_rows,
    write_texts,
)
from tests.tiny import tiny_bert

from entailment.errors import CheckpointError, DataFileError, InputError, JobError, LabelsError, TextError
from entailment.scale import Classify, Nli, Progress, Summary, Task, collect, run_job, status
from entailment.scale.folder import JobFolder
from entailment.tasks.model import load_model
from entailment.tasks.nli import NLI
from entailment.tasks.zero_shot import ZeroShotClassifier

Run = Callable[..., Summary]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "job"


@pytest.fixture
def run(data: Path, out: Path, opened: OpenModel) -> Run:
    """A job of five parts, of which the last is short."""

    def call(task: Task = TASK, inputs: Any = data, **options: Any) -> Summary:
        return run_job(task, inputs, out, **{"open_model": opened, "part_rows": 5, "keep": ["id"], **options})

    return call


# --------------------------------------------------------------------------------------------- answers


def test_answers_are_those_of_the_library(run: Run, out: Path, opened: OpenModel) -> None:
    summary = run()
    assert (summary.rows, summary.parts, summary.computed, summary.refused) == (23, 5, 5, 0)
    assert list(parts_of(out)) == [f"{number:06d}.jsonl" for number in range(1, 6)]
    expected = ZeroShotClassifier(opened())(texts(23), LABELS)
    for number, (answer, found) in enumerate(zip(answers_of(out), expected, strict=True), start=1):
        assert list(answer) == ["row", "id", "label", "score", "scores"]
        assert (answer["row"], answer["id"], answer["label"]) == (
            number,
            f"r{number - 1}",
            found["labels"][0],
        )
        assert answer["score"] == pytest.approx(found["scores"][0], abs=1e-6)
        scores = dict(zip(found["labels"], found["scores"], strict=True))
        assert answer["scores"] == pytest.approx(scores, abs=1e-6)
        assert list(answer["scores"]) == list(LABELS)  # type: ignore[call-overload]


def test_pairs(run: Run, out: Path, tmp_path: Path, opened: OpenModel) -> None:
    pairs = list(zip(texts(7), texts(8)[1:], strict=True))
    data = write_rows(tmp_path / "p.jsonl", ({"premise": p, "hypothesis": h} for p, h in pairs))
    run(Nli(), data, keep=[])
    for answer, found in zip(answers_of(out), NLI(opened())(pairs), strict=True):
        assert list(answer) == ["row", "label", "score", "scores"]
        assert answer["label"] == found.label
        assert answer["scores"] == pytest.approx(found.scores, abs=1e-6)
        assert answer["score"] == answer["scores"][found.label]  # type: ignore[index]


def test_several_files_are_one_input_in_the_order_stated(run: Run, out: Path, tmp_path: Path) -> None:
    run()
    whole = parts_of(out)
    shutil.rmtree(out)
    lines = (tmp_path / "data.jsonl").read_text().splitlines(keepends=True)
    for name, some in (("z", lines[:4]), ("b-2", lines[15:]), ("b-1", lines[4:15])):
        (tmp_path / f"{name}.jsonl").write_text("".join(some))
    run(inputs=[tmp_path / "z.jsonl", str(tmp_path / "b-*.jsonl")])
    assert parts_of(out) == whole
    assert [rows for _, rows in status(out).files] == [4, 11, 8]


def test_one_row(run: Run, out: Path, tmp_path: Path) -> None:
    summary = run(inputs=write_texts(tmp_path / "one.jsonl", 1))
    assert (summary.rows, summary.parts) == (1, 1)
    assert len(answers_of(out)) == 1


@pytest.mark.parametrize("attention", ["full", "prefix"])
def test_threads_change_no_bit(run: Run, out: Path, tmp_path: Path, attention: Any) -> None:
    folder, found = tiny_bert(tmp_path / "model", attention=attention), []
    some = (texts(9)[index % 9] + " snow" * (index * 5 % 41) for index in range(60))
    data = write_rows(
        tmp_path / "long.jsonl", ({"id": index, "text": text} for index, text in enumerate(some))
    )
    for threads in (1, 2, 3):
        run(inputs=data, open_model=partial(load_model, folder, threads=threads), part_rows=20)
        found.append(parts_of(out))
        shutil.rmtree(out)
    assert found[0] == found[1] == found[2]


# ---------------------------------------------------------------------------------------------- going on


def test_a_finished_job_does_nothing(run: Run, out: Path) -> None:
    run()
    before = stamps(out)
    assert run().computed == 0
    assert stamps(out) == before


@given(present=st.sets(st.integers(min_value=1, max_value=5)))
@settings(max_examples=20)
def test_any_parts_that_are_there_are_kept_and_the_others_come_out_the_same(
    complete: tuple[Path, Path, OpenModel], present: set[int]
) -> None:
    folder, data, opened = complete
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(shutil.copytree(folder, Path(temporary) / "job"))
        for number in set(range(1, 6)) - present:
            (out / "parts" / f"{number:06d}.jsonl").unlink()
        kept = stamps(out)
        summary = run_job(TASK, data, out, open_model=opened, part_rows=5, keep=["id"])
        assert summary.computed == 5 - len(present)
        assert parts_of(out) == parts_of(folder)
        assert kept.items() <= stamps(out).items()


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory, opened: OpenModel) -> tuple[Path, Path, OpenModel]:
    folder = tmp_path_factory.mktemp("complete")
    data = write_texts(folder / "data.jsonl", 23)
    run_job(TASK, data, folder / "job", open_model=opened, part_rows=5, keep=["id"])
    return folder / "job", data, opened


def test_what_a_killed_process_left_is_removed(run: Run, out: Path) -> None:
    run()
    whole = parts_of(out)
    (out / "parts" / "000002.jsonl").unlink()
    (out / "parts" / ".000002.jsonl.4711.abcd.partial").write_text('{"row": 6')
    run()
    assert parts_of(out) == whole


def test_a_full_disk_leaves_no_half_part(run: Run, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync, calls = os.fsync, 0

    def full(file: int) -> None:
        nonlocal calls
        calls += 1
        if calls > 6:  # the record, and two parts, each with their folder
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(file)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(
            DataFileError, match=r"cannot write .*/parts/000003\.jsonl: No space left on device"
        ):
            run()
    assert list(parts_of(out)) == ["000001.jsonl", "000002.jsonl"]
    kept = stamps(out)
    assert run().computed == 3
    assert kept.items() <= stamps(out).items()


def test_a_part_is_on_the_disk_before_it_has_its_name(
    run: Run, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(file: int) -> None:
        said.append(f"sync {Path(f'/proc/self/fd/{file}').readlink().name}")
        fsync(file)

    def renamed(path: Path, target: Path) -> Path:
        said.append(f"rename {path.name}")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    run(part_rows=100)
    written, named, kept = said[-3:]
    assert written.removeprefix("sync ") == named.removeprefix("rename ")
    assert written.startswith("sync .000001.jsonl.")
    assert kept == "sync parts"


# ------------------------------------------------------------------------------------- another job is refused


@pytest.mark.parametrize(
    ("task", "options", "message"),
    [
        (Classify(["sports", "food"], scores=True), {}, r"labels \(then .*government.*, now .*\"food\"\]\)"),
        (Classify(LABELS, scores=True, template="{}"), {}, r"template \(then .*example.*, now \"{}\"\)"),
        (Classify(LABELS, scores=True, multi_label=True), {}, r"multi_label \(then false, now true\)"),
        (Classify(LABELS, scores=True, threshold=0.5), {}, r"threshold \(then null, now 0\.5\)"),
        (Classify(LABELS), {}, r"scores \(then true, now false\)"),
        (Nli(), {}, r"kind \(then \"classify\", now \"nli\"\)"),
        (TASK, {"part_rows": 6}, r"part_rows \(then 5, now 6\)"),
        (TASK, {"format": "parquet"}, r"format \(then \"jsonl\", now \"parquet\"\)"),
        (TASK, {"keep": []}, r"keep \(then \[\"id\"\], now \[\]\)"),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_another_command_for_the_folder(
    run: Run, out: Path, task: Task, options: Any, message: str, finished: bool
) -> None:
    run()
    if not finished:
        (out / "parts" / "000003.jsonl").unlink()
    before = stamps(out)
    with pytest.raises(JobError, match=message) as refused:
        run(task, **options)
    assert str(out) in str(refused.value)
    assert stamps(out) == before


def test_long_lists_show_what_is_new_and_gone(run: Run) -> None:
    many = [f"label number {index}" for index in range(50)]
    run(Classify(many))
    with pytest.raises(JobError, match=r'labels \(then with \["label number 3"\], now with \["new"\]\)'):
        run(Classify([*many[:3], *many[4:], "new"]))
    with pytest.raises(JobError, match=r"labels \(the same 50, in another order\)"):
        run(Classify(many[::-1]))


@pytest.mark.parametrize("finished", [True, False])
def test_changed_inputs(run: Run, out: Path, data: Path, tmp_path: Path, finished: bool) -> None:
    run()
    if not finished:
        (out / "parts" / "000003.jsonl").unlink()
    content = data.read_bytes()
    data.write_bytes(content.replace(b"team", b"game"))
    differs = r"input file 1 \(then .*data\.jsonl, [\d,]+ bytes, sha256 \w{12}; now .*, [\d,]+ bytes, sha256"
    with pytest.raises(JobError, match=differs):
        run()
    data.write_bytes(content + b'{"id": "new", "text": "new"}\n')
    with pytest.raises(JobError, match=differs):
        run()
    data.write_bytes(content)
    with pytest.raises(JobError, match=r"the number of input files \(then 1, now 2\)"):
        run(inputs=[data, write_texts(tmp_path / "more.jsonl", 1)])
    run()


def test_inputs_may_move(run: Run, out: Path, data: Path, tmp_path: Path) -> None:
    run()
    (out / "parts" / "000003.jsonl").unlink()
    (tmp_path / "elsewhere").mkdir()
    run(inputs=data.rename(tmp_path / "elsewhere" / "renamed.jsonl"))
    assert len(answers_of(out)) == 23


def test_another_model(run: Run, out: Path, tmp_path: Path) -> None:
    ours = tiny_bert(tmp_path / "model")
    opening = partial(load_model, ours)
    run(open_model=opening)
    with pytest.raises(JobError, match=r"the model's label_order \(then \[\"entail.*, now \[\"contra"):
        run(open_model=partial(opening, label_order=["contradiction", "neutral", "entailment"]))
    with pytest.raises(JobError, match=r"the model's max_length \(then 64, now 32\)"):
        run(open_model=partial(opening, max_length=32))
    with (ours / "tokenizer_config.json").open("a") as file:
        file.write("\n")
    with pytest.raises(JobError, match=r"the model's tokenizer_config\.json \(then \"?\w{12}"):
        run(open_model=opening)
    shutil.rmtree(ours)
    moved = tiny_bert(tmp_path / "moved")
    assert run(open_model=partial(load_model, moved)).computed == 0
    tiny_bert(moved, seed=1)
    with pytest.raises(JobError, match=r"the model's weights \(then \w{12}, now \w{12}\)"):
        run(open_model=partial(load_model, moved))


def test_another_major_version(run: Run, out: Path) -> None:
    run()
    record = json.loads((out / "job.json").read_text())
    record["answers"]["entailment"] = "0.0"
    (out / "job.json").write_text(json.dumps(record))
    with pytest.raises(JobError, match=r"entailment \(then \"0\.0\", now \"\d"):
        run()


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"format": "entailment-job-9"}', '{"format": "entailment-job-1"}']
)
def test_a_damaged_record(run: Run, out: Path, content: str) -> None:
    run()
    (out / "job.json").write_text(content)
    with pytest.raises(JobError, match=r"job\.json"):
        run()


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("files", 0, "rows"), 10**30),
        (("files", 0, "rows"), -1),
        (("files", 0, "rows"), float("inf")),
        (("files", 0, "path"), 7),
        (("answers", "part_rows"), 0),
        (("answers", "part_rows"), "5"),
        (("answers", "format"), "../../../../etc/passwd"),
        (("layout", "kept", "id"), "pickle"),
        (("layout", "scores"), [7]),
        (("refusals", "count"), "many"),
        (("model",), {}),
        (("task",), [1]),
        (("files",), []),
    ],
)
def test_a_hostile_record(run: Run, out: Path, tmp_path: Path, where: tuple[Any, ...], value: Any) -> None:
    run()
    path = out / "job.json"
    record = json.loads(path.read_text())
    inner = record
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value
    path.write_text(json.dumps(record))
    for use in (run, partial(status, out), partial(collect, out, tmp_path / "answers.csv")):
        with pytest.raises(JobError, match=r"job\.json is damaged"):
            use()


def test_a_record_of_many_brackets(run: Run, out: Path) -> None:
    run()
    (out / "job.json").write_text("[" * 100_000)
    with pytest.raises(JobError, match=r"job\.json is damaged"):
        run()


def test_more_parts_than_a_folder_should_hold(run: Run, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entailment.scale.job.MOST_PARTS", 4)
    with pytest.raises(InputError, match="23 rows are more than 4 parts of 5: take larger parts"):
        run()
    assert not (out / "job.json").exists()
    assert run(part_rows=6).parts == 4


def test_parts_without_a_record_are_taken_for_nobody_s(run: Run, out: Path) -> None:
    run()
    (out / "job.json").unlink()
    before = stamps(out)
    with pytest.raises(JobError, match=r"has parts \(as 000001\.jsonl\) and no job\.json"):
        run(Classify(["sports", "food"]))
    assert stamps(out) == before


def test_two_at_once(run: Run, out: Path) -> None:
    with (
        JobFolder(out).claimed(),
        pytest.raises(JobError, match=f"in the hands of process {os.getpid()} on "),
    ):
        run()
    assert run().computed == 5


def test_a_disk_that_is_full_before_anything_is_read(run: Run) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(DataFileError, match=r"cannot write .*/lock: File too large"):
            run()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_cannot_be_removed_is_told(run: Run, out: Path) -> None:
    (out / "parts" / ".000001.jsonl.4711.abcd.partial").mkdir(parents=True)
    with pytest.raises(DataFileError, match=r"cannot write .*/job: Is a directory"):
        run()


def test_a_folder_that_vanishes_is_told_by_what_could_not_be_written(run: Run, out: Path) -> None:
    with pytest.raises(DataFileError, match=r"cannot write .*job\.json: No such file or directory"):
        run(progress=lambda progress: shutil.rmtree(out, ignore_errors=True))


def test_who_only_looks_is_not_at_work(run: Run, out: Path) -> None:
    run()
    lock = out / "lock"
    assert lock.read_text() == ""  # nobody's name stays behind
    lock.write_text("process 1 on example, " * 99)  # as one that was killed leaves it
    with lock.open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        assert status(out).holder is None
    with JobFolder(out).claimed():
        lock.write_text("process 1 on example, " * 99)
        assert len(status(out).holder or "") <= 200


def test_a_folder_that_holds_something_else(run: Run, out: Path, tmp_path: Path) -> None:
    out.mkdir()
    (out / "thesis.tex").touch()
    with pytest.raises(JobError, match=r"is no folder of a job \(it holds 'thesis\.tex'\)"):
        run()
    shutil.rmtree(out)
    out.touch()
    with pytest.raises(JobError, match="cannot be the folder of a job: Not a directory"):
        run()


# ----------------------------------------------------------------------------------------------- refused rows

BAD = [
    {"id": 0, "text": "the team won"},
    {"id": 1, "text": " \n"},
    {"id": 2, "text": None},
    {"id": 3, "text": ""},
    {"id": 4, "text": 7},
    {"id": 5, "text": "half \ud83d"},
    {"id": 6, "text": "\u200b\u200b"},  # no token of any model
    {"id": 7, "text": "soup and bread"},
]
WHY = [
    None,
    "the text is blank",
    "the text is missing",
    "the text is empty",
    "the text is int, not text",
    "the text holds half a surrogate pair",
    "the text is empty",
    None,
]


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_rows_that_cannot_be_answered_say_so(run: Run, tmp_path: Path, out: Path, format: str) -> None:
    summary = run(inputs=write_rows(tmp_path / "bad.jsonl", BAD), part_rows=3, format=format)
    assert (summary.refused, summary.first_refused, summary.why) == (6, 2, "the text is blank")
    found = status(out)
    assert (found.refused, found.first_refused, found.why) == (6, 2, "the text is blank")
    if format == "jsonl":
        answers = answers_of(out)
        assert [answer.get("refused") for answer in answers] == WHY
        assert [answer["id"] for answer in answers] == list(range(8))
        assert list(answers[1]) == ["row", "refused", "id"]
        assert [answer.get("label") is None for answer in answers] == [why is not None for why in WHY]


def test_rows_among_those_refused_are_answered_as_alone(run: Run, tmp_path: Path, out: Path) -> None:
    run(inputs=write_rows(tmp_path / "bad.jsonl", BAD))
    first = answers_of(out)
    shutil.rmtree(out)
    run(inputs=write_rows(tmp_path / "good.jsonl", [BAD[0], BAD[7]]))
    good = answers_of(out)
    assert first[0]["scores"] == good[0]["scores"]
    assert first[7]["scores"] == pytest.approx(good[1]["scores"], abs=1e-6)


def test_a_hypothesis_that_is_too_long_is_its_row_s_fault(run: Run, tmp_path: Path, out: Path) -> None:
    rows = [{"premise": "rain", "hypothesis": text} for text in ("snow", "secret " * 99, "\u200b", "bread")]
    run(Nli(), write_rows(tmp_path / "pairs.jsonl", [*rows, {"premise": None, "hypothesis": ""}]), keep=[])
    why = [str(answer.get("refused")) for answer in answers_of(out)]
    assert why[0] == why[3] == "None"
    assert why[1].startswith("the hypothesis has")
    assert why[2] == "the hypothesis is empty"
    assert why[4] == "the premise is missing"
    assert "secret" not in "".join(why)  # texts are repeated nowhere


def test_a_column_that_looks_like_a_refusal_is_none(run: Run, tmp_path: Path, out: Path) -> None:
    text = '\n{"row": 1, "refused": "no"}'
    run(
        inputs=write_rows(tmp_path / "a.jsonl", [{"text": text, "id": {"row": 1, "refused": "x"}}]),
        keep=["id", "text"],
    )
    assert status(out).refused == 0


def test_strict_ends_before_anything_is_computed(run: Run, tmp_path: Path, out: Path) -> None:
    bad = write_rows(tmp_path / "bad.jsonl", BAD)
    with pytest.raises(TextError, match=r"bad\.jsonl, row 2: the text is blank"):
        run(inputs=bad, strict=True)
    assert not (out / "job.json").exists()


def test_strict_ends_at_what_only_the_model_cannot_read(run: Run, tmp_path: Path, out: Path) -> None:
    bad = write_rows(tmp_path / "bad.jsonl", [BAD[0], BAD[7], BAD[6]])
    with pytest.raises(TextError, match="row 3: the text is empty"):
        run(inputs=bad, strict=True, part_rows=1)
    assert list(parts_of(out)) == ["000001.jsonl", "000002.jsonl"]
    assert run(inputs=bad, part_rows=1).refused == 1
    with pytest.raises(TextError, match="row 3: the text is empty"):
        run(inputs=bad, strict=True, part_rows=1)


def test_strict_after_a_job_that_was_not(run: Run, tmp_path: Path, out: Path) -> None:
    bad = write_rows(tmp_path / "bad.jsonl", BAD)
    run(inputs=bad, part_rows=1)
    for number in (2, 3, 4, 5, 6, 7):
        (out / "parts" / f"{number:06d}.jsonl").unlink()
    with pytest.raises(TextError, match="row 2: the text is blank"):
        run(inputs=bad, strict=True, part_rows=1)


# -------------------------------------------------------------------------- what is wrong for every row


def test_what_is_wrong_for_every_row_ends_the_job_before_it_begins(
    run: Run, out: Path, opened: OpenModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("entailment.scale.job.survey", lambda *_, **__: pytest.fail("the input was read"))
    with pytest.raises(LabelsError, match="the label 'food food"):
        run(Classify(["food " * 99, "sports"]))
    with pytest.raises(LabelsError, match="is empty to the model"):
        run(Classify(["\u200b"]))
    with pytest.raises(CheckpointError, match="no folder /nowhere"):
        run(open_model=partial(load_model, "/nowhere"))
    assert not (out / "job.json").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"part_rows": 0}, "part_rows is 0"),
        ({"part_rows": True}, "part_rows is True"),
        ({"format": "csv"}, "the format of parts is 'csv'"),
        ({"keep": "id"}, "keep must be a list"),
        ({"keep": ["score"]}, "the column 'score' cannot be kept: answers have row, "),
        ({"keep": ["score:a"]}, "the column 'score:a' cannot be kept"),
        ({"keep": ["id", "id"]}, "kept twice"),
        ({"keep": ["\udcff"]}, r"the column '\\udcff' cannot be kept: answers cannot hold its name"),
        ({"keep": [7]}, "the column 7 cannot be kept"),
        ({"keep": ["other"]}, "has no column 'other'"),
        ({"task": Classify}, r"give Classify\(labels\) or Nli\(\)"),
        ({"task": Nli()}, "no column 'premise'"),
        ({"inputs": "-"}, "standard input cannot be read again"),
        ({"inputs": "/nowhere/*.jsonl"}, r"no file is called or matches '/nowhere/\*\.jsonl'"),
        ({"inputs": []}, "name the files to read"),
    ],
)
def test_arguments_that_cannot_be(run: Run, options: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(**options)


# ----------------------------------------------------------------------------------------- notes and progress


def test_each_kind_of_note_is_logged_once(run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    long = [{"id": index, "text": "the team won " * (50 if index > 1 else 1)} for index in range(7)]
    with caplog.at_level(logging.WARNING, "entailment"):
        run(Classify(["US", "us"]), write_rows(tmp_path / "long.jsonl", long), part_rows=2)
    alike, cut = caplog.messages
    assert alike.startswith("the labels 'US' and 'us' are the same tokens")
    assert cut.startswith("row 3 is longer than the model reads: ")


def test_progress_counts_rows_read_and_then_answered(run: Run, out: Path) -> None:
    told: list[Progress] = []
    run(progress=told.append)
    assert told[0] == Progress(True, 23)
    assert told[1] == Progress(False, 0, 23, 0)
    assert told[-1] == Progress(False, 23, 23, 23)
    (out / "parts" / "000005.jsonl").unlink()
    told.clear()
    run(progress=told.append)
    assert told[0] == Progress(False, 20, 23, 0)
    assert told[-1] == Progress(False, 23, 23, 3)
