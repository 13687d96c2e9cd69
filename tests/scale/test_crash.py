"""kill -9 at several points, and then the same call: the answers of an uninterrupted job, computed once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from tests.scale.conftest import LABELS, parts_of, stamps, write_texts

from entailment.scale import Classify, Summary, run_job
from entailment.tasks.model import PairModel, load_model

# Where a job is killed: what is put in the place of a function of ours.
POINTS = {
    "while the input is read": """
def read(*arguments, **options):
    for number, row in enumerate(read_rows(*arguments, **options)):
        if number == 11:
            die()
        yield row
from entailment.tables import read_rows
inputs.read_rows = read
""",
    "before the record has its name": "whole._sync = die",
    "before the first part": """
inputs.Parts.__iter__ = die
""",
    "in the second part": """
ask = tasks.Classify.ask
def asked(self, rows, *rest):
    if any(row.get("id") == "r7" for row in rows):
        die()
    return ask(self, rows, *rest)
tasks.Classify.ask = asked
""",
    "while the third part is written": """
sync = whole._sync
def synced(path):
    if path.name.startswith(".000003"):
        die()
    sync(path)
whole._sync = synced
""",
    "between the third part and the fourth": """
finish = worker.Worker.finish
def finished(self, part, *rest):
    if part.number == 4:
        die()
    return finish(self, part, *rest)
worker.Worker.finish = finished
""",
}
THERE = dict(zip(POINTS, (0, 0, 0, 1, 2, 3), strict=True))

PROGRAM = """
import os, signal, sys
from functools import partial
from entailment.scale import Classify, inputs, run_job, tasks, worker
from entailment.tables import whole
from entailment.tasks.model import load_model

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

{point}
data, out, model = sys.argv[1:]
run_job(
    Classify({labels!r}), data, out, open_model=partial(load_model, model), keep=["id"], part_rows=5
)
"""


@pytest.mark.parametrize("point", POINTS)
def test_killed(tmp_path: Path, model: Path, point: str) -> None:
    data, out = write_texts(tmp_path / "data.jsonl", 23), tmp_path / "job"
    program = PROGRAM.format(point=POINTS[point], labels=list(LABELS))
    died = subprocess.run([sys.executable, "-c", program, data, out, model], check=False)
    assert died.returncode == -signal.SIGKILL

    def run(folder: Path) -> Summary:
        opening = partial(load_model, model)
        return run_job(Classify(LABELS), data, folder, open_model=opening, keep=["id"], part_rows=5)

    kept = {name: stamp for name, stamp in stamps(out).items() if not name.startswith(".")}
    assert len(kept) == THERE[point]
    assert run(out).computed == 5 - len(kept)
    assert kept.items() <= stamps(out).items()
    run(tmp_path / "uninterrupted")
    assert parts_of(out) == parts_of(tmp_path / "uninterrupted")
    assert sorted(path.name for path in out.iterdir()) == ["job.json", "lock", "parts"]


WITH_WORKERS = """
import os, sys
from functools import partial
from entailment.scale import Processes, run_job
from tests.scale.conftest import TASK
from tests.scale.test_crash import sleeps_elsewhere

data, out, model = sys.argv[1:]
opening = partial(sleeps_elsewhere, model, os.getpid(), data)
run_job(TASK, data, out, open_model=opening, part_rows=5, executor=Processes(2))
"""


def sleeps_elsewhere(model: str, parent: int, data: str) -> PairModel:
    """Opens the model; in a worker it says that it is there, and then hears of nothing any more."""
    if os.getpid() != parent:
        Path(f"{data}.{os.getpid()}").touch()
        time.sleep(1e6)
    return load_model(model)


def test_workers_end_with_the_process_that_gave_them_work(data: Path, tmp_path: Path, model: Path) -> None:
    command = [sys.executable, "-c", WITH_WORKERS, str(data), str(tmp_path / "job"), str(model)]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as process:
        while len(workers := [int(path.suffix[1:]) for path in tmp_path.glob("data.jsonl.*")]) < 2:
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    try:
        patience = time.monotonic() + 60
        while any(map(alive, workers)):
            assert time.monotonic() < patience
            time.sleep(0.01)
    finally:
        for worker in filter(alive, workers):
            os.kill(worker, signal.SIGKILL)


def alive(process: int) -> bool:
    """Whether a process runs; one that has ended may wait for whoever inherits it to take note."""
    try:
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"
