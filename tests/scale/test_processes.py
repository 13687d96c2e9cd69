"""Several processes: the same answers, and a worker that dies is told of."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.scale.conftest import TASK, OpenModel, answers_of, parts_of, stamps, write_rows, write_texts

from entailment.errors import InputError, LabelsError, MissingExtraError, TextError, WorkerDiedError
from entailment.scale import Here, OnRay, Processes, Progress, run_job
from entailment.scale.processes import portable
from entailment.tasks.model import PairModel, load_model


def fails_elsewhere(folder: Path, parent: int) -> PairModel:
    """Opens the model in the process of the test alone."""
    if os.getpid() != parent:
        raise LabelsError("not here")
    return load_model(folder)


def test_two_processes_give_the_answers_of_one(data: Path, tmp_path: Path, model: Path) -> None:
    opening = partial(load_model, model)
    told: list[Progress] = []
    run: Any = partial(run_job, TASK, data, open_model=opening, part_rows=5, keep=["id"])
    run(out=tmp_path / "one")
    run(out=tmp_path / "two", executor=Processes(2), progress=told.append)
    assert parts_of(tmp_path / "two") == parts_of(tmp_path / "one")
    assert (told[-1].done, told[-1].fresh) == (23, 23)
    assert multiprocessing.active_children() == []
    (tmp_path / "two" / "parts" / "000004.jsonl").unlink()
    assert run(out=tmp_path / "two", executor=Processes(2)).computed == 1
    assert parts_of(tmp_path / "two") == parts_of(tmp_path / "one")


def test_a_worker_that_is_killed(tmp_path: Path, opened: OpenModel) -> None:
    data = write_texts(tmp_path / "data.jsonl", 400)
    run: Any = partial(run_job, TASK, data, open_model=opened, part_rows=10)

    def kill(progress: Progress) -> None:
        if progress.fresh == 30:  # two parts are in hand at most, so that one is finished
            os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)

    with pytest.raises(
        WorkerDiedError, match=r"ended by SIGKILL while it computed part 0000\d\d \(rows"
    ) as died:
        run(out=tmp_path / "job", executor=Processes(2), progress=kill)
    assert "the same command goes on" in str(died.value)
    assert multiprocessing.active_children() == []
    kept = stamps(tmp_path / "job")
    assert 0 < len(kept) < 40
    run(out=tmp_path / "job")
    assert kept.items() <= stamps(tmp_path / "job").items()
    assert [answer["row"] for answer in answers_of(tmp_path / "job")] == list(range(1, 401))


def test_what_a_worker_raises_is_raised_here(tmp_path: Path, data: Path, model: Path) -> None:
    opening = partial(fails_elsewhere, model, os.getpid())
    with pytest.raises(LabelsError, match="not here"):
        run_job(TASK, data, tmp_path / "job", open_model=opening, executor=Processes(2))
    bad = write_rows(tmp_path / "bad.jsonl", [{"text": "rain"}, {"text": "\u200b"}])
    with pytest.raises(TextError, match="row 2: the text is empty"):
        run_job(
            TASK,
            bad,
            tmp_path / "bad",
            open_model=partial(load_model, model),
            executor=Processes(1),
            strict=True,
        )
    assert multiprocessing.active_children() == []


def test_a_task_or_model_that_cannot_be_sent(tmp_path: Path, data: Path, opened: OpenModel) -> None:
    with pytest.raises(InputError, match="cannot be sent to another process"):
        run_job(TASK, data, tmp_path / "job", open_model=lambda: opened(), executor=Processes(2))


def test_interrupted_the_workers_end(tmp_path: Path, opened: OpenModel) -> None:
    data = write_texts(tmp_path / "data.jsonl", 400)

    def interrupt(progress: Progress) -> None:
        if progress.fresh:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_job(
            TASK,
            data,
            tmp_path / "job",
            open_model=opened,
            part_rows=10,
            executor=Processes(2),
            progress=interrupt,
        )
    assert multiprocessing.active_children() == []
    assert run_job(TASK, data, tmp_path / "job", open_model=opened, part_rows=10).rows == 400


def test_in_a_thread(tmp_path: Path, data: Path, opened: OpenModel) -> None:
    run: Any = partial(run_job, TASK, data, tmp_path / "job", open_model=opened, executor=Processes(1))
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert run().computed == 0


@pytest.mark.parametrize("count", [0, True, 10_000, 1.5])
def test_numbers_of_processes_that_cannot_be(count: Any) -> None:
    with pytest.raises(InputError, match="workers is"):
        Processes(count).check()


def test_threads_are_shared() -> None:
    assert Here().threads is None
    assert Processes(10_000).threads == 1
    assert OnRay(cpus=3).threads == 3


def test_errors_on_their_way_to_another_process() -> None:
    assert isinstance(portable(LabelsError("a")), LabelsError)
    missing = MissingExtraError("ray", extra="scale", purpose="this")
    assert str(portable(missing)) == str(missing)
    assert str(portable(ValueError("a"))) == "in a worker process: ValueError: a"
