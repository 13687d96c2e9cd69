"""Two processes do what one does with twice the accumulation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.tiny import tiny_bert
from tests.train import matching

from entailment.errors import CheckpointError
from entailment.train.state import BEST

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_two_processes_do_what_one_does_with_twice_the_accumulation(tmp_path: Path) -> None:
    model = tiny_bert(tmp_path / "model")
    config = json.loads((model / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (model / "config.json").write_text(json.dumps(config))

    two, one = tmp_path / "two", tmp_path / "one"
    # On CPUs accelerate's own launcher wants MPI; torchrun's processes it takes as they are.
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    arguments = ["--module", "tests.train.matching", str(model), str(two), "0", "1"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    ran = subprocess.run([*launcher, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-3000:]

    matching.main(str(model), str(one), "0", "2")
    ours, theirs = load_file(one / BEST), load_file(two / BEST)
    for name in ours:
        torch.testing.assert_close(theirs[name], ours[name], atol=2e-5, rtol=1e-4)
    for a, b in zip(lines(one), lines(two), strict=True):
        assert a == pytest.approx(b, abs=1e-4)
    facts = json.loads((two / "run.json").read_text())
    assert facts["hardware"]["processes"] == 2
    assert facts["tokens"] == json.loads((one / "run.json").read_text())["tokens"]

    with pytest.raises(CheckpointError, match="a run of 2 processes, and this is one of 1"):
        matching.main(str(model), str(two), "0", "1")


def lines(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
