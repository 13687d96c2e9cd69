"""Runs one command and prints what it took, as JSON; run as a script, with the standard library alone.

It stands between the benchmark and the command because Linux counts into a process's peak memory what its
parent held when it started it: of a benchmark with ten models in it that is gigabytes, of this script a few
megabytes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence


def main(command: Sequence[str]) -> int:
    """Run the command with its output thrown away; its exit status, and what it took on stdout."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603  # what the benchmark asks for
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    taken = {
        "seconds": seconds,
        "processor_seconds": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * unit,
    }
    print(json.dumps(taken))
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
