"""`entail job`: a thin layer over `entailment.scale`, and what signals make of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import ENTAIL, Entail

from entailment.cli import job_progress
from entailment.cli.job_progress import duration
from entailment.scale import Progress
from entailment.scale.folder import JobFolder
from entailment.tables import read_rows
from entailment.tasks.zero_shot import ZeroShotClassifier

LABELS = ["sports", "food"]
COMMON = ("--labels", ",".join(LABELS))


def command(texts: Path, model: Path, out: Path, *more: object) -> tuple[object, ...]:
    return ("job", "classify", "--input", texts, *COMMON, "--model", model, "--out", out, *more)


def test_from_rows_to_one_file(entail: Entail, texts: Path, model: Path, tmp_path: Path) -> None:
    out, answers = tmp_path / "job", tmp_path / "answers.csv"
    ran = entail(*command(texts, model, out, "--part-rows", 2, "--keep", "text", "--scores"))
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith(f"entail: note: 3 rows in 2 parts in {out}: 2 computed now, in ")
    again = entail(*command(texts, model, out, "--part-rows", 2, "--keep", "text", "--scores"))
    assert again.err == f"entail: note: {out} is finished: 3 rows in 2 parts; nothing was left to do\n"
    found = entail("job", "status", out, "--json").json
    assert (found["done_rows"], found["finished"], found["files"]) == (3, True, [[str(texts), 3]])
    shown = entail("job", "status", out).out
    assert "3 of 3 (100.0 %)" in shown
    assert "nobody: it is finished" in shown
    collected = entail("job", "collect", out, "--output", answers)
    assert collected.err == f"entail: note: 3 answers of {out} in {answers}\n"
    classifier = ZeroShotClassifier(model)
    for number, row in enumerate(read_rows(answers), start=1):
        expected = classifier(str(row["text"]), LABELS)
        assert (row["row"], row["label"]) == (str(number), expected["labels"][0])
        assert float(str(row["score"])) == pytest.approx(expected["scores"][0], abs=1e-6)


def test_pairs(entail: Entail, pairs: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "job"
    arguments = ("--input", pairs, "--model", model, "--keep", "source", "--out", out, "--format", "parquet")
    assert entail("job", "nli", *arguments).code == 0
    entail("job", "collect", out, "--output", tmp_path / "answers.jsonl")
    typed = entail("nli", "--input", pairs, "--model", model, "--json").lines
    for answer, expected in zip(read_rows(tmp_path / "answers.jsonl"), typed, strict=True):
        assert (answer["source"], answer["label"]) == ("x", expected["label"])
        assert answer["scores"] == pytest.approx(expected["scores"], abs=1e-6)


def test_names_of_files_that_are_no_unicode(entail: Entail, model: Path, tmp_path: Path) -> None:
    data, out = tmp_path / "\udcff.txt", tmp_path / "j\udcff"
    data.write_text("one\ntwo\n")
    assert entail(*command(data, model, out)).code == 0
    found = entail("job", "status", out, "--json")
    assert found.code == 0
    assert found.json["files"][0][0] == str(data)
    assert entail("job", "status", out).code == 0


def test_a_labels_file_and_its_template(entail: Entail, texts: Path, model: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.json"
    content = {"labels": LABELS, "hypothesis_template": "a text about {} .", "multi_label": True}
    labels.write_text(json.dumps(content))
    out = tmp_path / "job"
    arguments = ("--input", texts, "--labels-file", labels, "--model", model, "--out", out)
    entail("job", "classify", *arguments)
    record = json.loads((out / "job.json").read_text())
    assert record["task"]["template"] == "a text about {} ."
    assert record["task"]["multi_label"] is True
    found = entail("job", "classify", *arguments, "--template", "{}")
    assert found.code == 2
    assert "holds another job, which differs in template (then" in found.error


def test_workers(entail: Entail, texts: Path, model: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    entail(*command(texts, model, one, "--part-rows", 1))
    found = entail(*command(texts, model, two, "--part-rows", 1, "--workers", 2))
    assert (found.code, found.out) == (0, "")
    for part in (one / "parts").iterdir():
        assert (two / "parts" / part.name).read_bytes() == part.read_bytes()


def test_refused_rows_are_counted(entail: Entail, model: Path, tmp_path: Path) -> None:
    data, out = tmp_path / "data.jsonl", tmp_path / "job"
    data.write_text('{"text": "rain"}\n{"text": ""}\n{"text": null}\n')
    said = entail(*command(data, model, out)).err.splitlines()
    assert said[1] == "entail: note: 2 rows could not be answered, first row 2: the text is empty"
    assert "2, first row 2: the text is empty" in entail("job", "status", out).out
    strict = entail(*command(data, model, tmp_path / "strict", "--strict"))
    assert strict.code == 2
    assert strict.error == f"{data}, row 2: the text is empty"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--input", "-"), 2, "standard input cannot be read again"),
        (("--labels", "a,"), 2, "has an empty part"),
        (("--keep", "score"), 2, "the column 'score' cannot be kept"),
        (("--text-column", "body"), 2, "no column 'body'"),
        (("--workers", "9999"), 2, "workers is 9999"),
        (("--device", "cuda", "--threads", "2"), 2, "--threads is for the CPU"),
        (("--part-rows", "0"), 2, "0 is not in the range"),
    ],
)
def test_what_is_refused(
    entail: Entail, texts: Path, model: Path, tmp_path: Path, arguments: Any, code: int, message: str
) -> None:
    found = entail(*command(texts, model, tmp_path / "job", *arguments))
    assert found.code == code
    assert message in found.error


def test_the_extra_of_ray_is_named(
    entail: Entail, texts: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    found = entail(*command(texts, model, tmp_path / "job", "--ray", "local"))
    assert (found.code, found.error) == (3, "--ray needs ray: pip install 'entailment[scale]'")


def test_a_second_process_is_refused(entail: Entail, texts: Path, model: Path, tmp_path: Path) -> None:
    with JobFolder(tmp_path / "job").claimed():
        found = entail(*command(texts, model, tmp_path / "job"))
        assert found.code == 2
        assert f"in the hands of process {os.getpid()} on" in found.error


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("workers", [1, 2])
def test_stopped_it_says_how_to_go_on(
    entail: Entail, model: Path, tmp_path: Path, number: signal.Signals, code: int, workers: int
) -> None:
    data, out = tmp_path / "data.jsonl", tmp_path / "job"
    data.write_text('{"text": "the team won the final game and the bread"}\n' * 60_000)
    arguments = list(map(str, command(data, model, out, "--part-rows", 200, "--workers", workers)))
    with subprocess.Popen([*ENTAIL, *arguments], stderr=subprocess.PIPE, text=True) as process:
        while not (out / "parts" / "000001.jsonl").exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        _, said = process.communicate()
    assert process.returncode == code
    assert "entail: note: stopped: " in said
    assert " of 60,000 rows are answered, and the same command goes on\n" in said
    assert "Traceback" not in said
    assert [path for path in (out / "parts").iterdir() if path.name.startswith(".")] == []
    assert entail("job", "status", out, "--json").json["holder"] is None


def test_stopped_while_the_input_is_read(
    entail: Entail, texts: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("entailment.scale.job.survey", stop)
    found = entail(*command(texts, model, tmp_path / "job"))
    assert found.code == 130
    assert "stopped before any row was answered; the same command begins again" in found.err


def test_a_log_gets_a_note_a_minute(
    entail: Entail, texts: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_progress, "NOTE_SECONDS", 0.0)
    said = entail(*command(texts, model, tmp_path / "job", "--part-rows", 2)).err.splitlines()
    assert said[0] == "entail: note: 3 rows read"
    assert said[1] == "entail: note: 0 of 3 rows"
    assert said[2].startswith("entail: note: 2 of 3 rows, ")
    assert said[2].endswith(" left")


def test_a_terminal_gets_a_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with job_progress.job_progress() as tell:
        tell(Progress(True, 10))
        tell(Progress(False, 0, 100, 0))
        tell(Progress(False, 50, 100, 50))
    out, err = capsys.readouterr()
    assert (out, "answering" in err) == ("", True)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "0 s"),
        (59, "59 s"),
        (61, "1 min"),
        (3599, "1 h 0 min"),
        (30_240, "8 h 24 min"),
        (280_000, "3 d 5 h"),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize("name", ["classify", "nli", "status", "collect"])
def test_help_shows_examples(entail: Entail, name: str) -> None:
    found = entail("job", name, "--help")
    assert found.code == 0
    assert f"\n  entail job {name}" in found.out
