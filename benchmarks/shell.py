"""From the shell: seconds and peak memory of one command, start of the process included, and what to install.

`entail classify` against the script that does the same with transformers. Both models lie on this disk;
nothing is downloaded.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import checkpoints, launch
from benchmarks.installed import installed_bytes
from benchmarks.names import OUR_COMMAND, PYTHON, SCRIPT
from benchmarks.records import Row, Table
from benchmarks.settings import ROOT, Settings

TEXT = "The striker scored twice in the final"
LABELS = ("sports", "politics", "cooking")

#: What people write; argument: the model's folder.
SCRIPT_TEXT = f"""
import sys
from transformers import pipeline
classifier = pipeline("zero-shot-classification", model=sys.argv[1], device="cpu")
print(classifier({TEXT!r}, {list(LABELS)!r}))
"""

#: Distributions that have to be installed for the same job.
NEEDED = {
    "entailment": ("entailment",),
    "transformers": ("transformers", "torch"),
    "sentence-transformers": ("sentence-transformers",),
    "GLiClass": ("gliclass",),
    "OpenVINO (conversion aside)": ("openvino", "transformers"),
}


def measure(settings: Settings) -> dict[str, Table]:
    """The commands, and the sizes."""
    return {"cold_start": _cold_start(settings), "installed": _installed()}


def _cold_start(settings: Settings) -> Table:
    folder = checkpoints.minilm(settings.work)
    threads = str(settings.threads)
    entail = Path(sys.executable).with_name("entail")
    ours = [str(entail), "classify", TEXT, "--labels", ",".join(LABELS), "--threads", threads, "--json"]
    commands = {
        OUR_COMMAND: ours,
        SCRIPT: [sys.executable, "-c", SCRIPT_TEXT, str(folder)],
        PYTHON: [sys.executable, "-c", "pass"],
    }
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": threads,
        "TRANSFORMERS_VERBOSITY": "error",
    }
    runs: dict[str, list[Taken]] = {name: [] for name in commands}

    def run(name: str) -> Callable[[], object]:
        return lambda: runs[name].append(take(commands[name], environment))

    settings.measure("from the shell", {name: run(name) for name in commands})
    wall = settings.clock is time.perf_counter
    rows = tuple(
        Row(
            name,
            "ours" if name == OUR_COMMAND else "machine" if name == PYTHON else "peer",
            "" if name == PYTHON else "float32",
            seconds=tuple(taken.seconds if wall else taken.processor_seconds for taken in counted),
            figures={"peak_bytes": statistics.median(taken.peak_bytes for taken in counted)},
        )
        for name, (_, *counted) in runs.items()  # The first round does not count.
    )
    workload = {"text": TEXT, "labels": len(LABELS)}
    return Table("One text, three labels, from the shell", "command", rows, workload=workload)


@dataclass(frozen=True)
class Taken:
    """What a command took: wall time, processor time of all its threads, peak memory (resident set)."""

    seconds: float
    processor_seconds: float
    peak_bytes: float


def take(command: Sequence[str], environment: Mapping[str, str]) -> Taken:
    """Run a command from a small process, and return what it took.

    Raises:
        RuntimeError: the command failed; with the end of what it wrote.
    """
    launcher = [sys.executable, "-I", "-S", str(Path(launch.__file__)), *command]
    done = subprocess.run(  # noqa: S603  # the commands are those above
        launcher, env=dict(environment), cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr[-500:]}")
    return Taken(**json.loads(done.stdout))


def _installed() -> Table:
    rows = []
    for name, needed in NEEDED.items():
        size, packages = installed_bytes(needed)
        figures = {"bytes": float(size), "packages": float(packages)}
        rows.append(Row(name, "ours" if name == "entailment" else "peer", "", figures=figures))
    return Table("Installed size, with everything that is pulled in", "installation", tuple(rows))
