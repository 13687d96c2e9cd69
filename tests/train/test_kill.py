"""A run that is killed in the middle of a step ends, resumed, with the very weights of one that was not."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from safetensors.torch import load_file
from tests.tiny import tiny_bert
from tests.train import matching

from entailment.train.loop import RUN
from entailment.train.state import BEST, STATE

ROOT = Path(__file__).parents[2]


def start(model: Path, folder: Path) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-m", "tests.train.matching", str(model), str(folder), "0.05"]
    return subprocess.Popen(arguments, cwd=ROOT, stderr=subprocess.DEVNULL)


def test_kill_and_resume_is_exact_to_the_bit(tmp_path: Path) -> None:
    model = tiny_bert(tmp_path / "model")  # With dropout: the random state must come back as well.
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = start(model, killed)
    while not (killed / STATE).exists() or matching.steps_taken(killed) < 18:
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.02)
    process.kill()  # SIGKILL: nothing is tidied up.
    process.wait()
    assert not (killed / RUN).exists()
    assert start(model, killed).wait() == 0

    matching.main(str(model), str(whole))
    assert (whole / "log.jsonl").read_text() == (killed / "log.jsonl").read_text()
    for name in (BEST, STATE):
        assert (whole / name).exists()
    one, other = load_file(whole / BEST), load_file(killed / BEST)
    assert one.keys() == other.keys()
    assert all((one[name] == other[name]).all() for name in one)
