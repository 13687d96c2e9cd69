"""Rounds: one pass of each competitor a round, so that a noisy machine disturbs all of them alike.

A first round is thrown away: caches fill, threads start, plans of memory are made. Medians are reported.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

Pass = Callable[[], object]
Clock = Callable[[], float]
Watch = Callable[[str, int], None]  # called with the competitor and the round, before each pass

PAUSE = 0.05
"""Seconds before a pass, in which the threads of the competitor before stop spinning."""

TRIES = 3
"""How often the ways of running something are timed when the fastest is looked for, turn by turn."""

HOPELESS = 1.5
"""A way that takes so many times longer than the fastest is not tried again."""


def interleave(
    passes: Mapping[str, Pass],
    *,
    rounds: int,
    clock: Clock = time.perf_counter,
    pause: float = PAUSE,
    watch: Watch | None = None,
) -> dict[str, tuple[float, ...]]:
    """Seconds of each of `rounds` passes by name, turn by turn, after one round that does not count.

    Args:
        passes: what to time, by name.
        rounds: how many count.
        clock: seconds; `time.process_time` for a machine that does other work at the same time.
        pause: seconds to wait before each pass.
        watch: told what comes next.
    """
    seconds: dict[str, list[float]] = {name: [] for name in passes}
    for number in range(rounds + 1):
        for name, run in passes.items():
            if watch is not None:
                watch(name, number)
            time.sleep(pause)
            taken = timed(run, clock)
            if number:
                seconds[name].append(taken)
    return {name: tuple(seconds[name]) for name in passes}


def fastest(ways: Mapping[str, Pass], *, clock: Clock = time.perf_counter, pause: float = PAUSE) -> str:
    """The name of the way that took least time, each counted by its fastest try.

    Each is run once unmeasured, and then turn by turn with the others, so that a moment in which the machine
    is slow does not decide.
    """
    best = dict.fromkeys(ways, math.inf)
    for run in ways.values():
        run()
    for _ in range(TRIES):
        hopeful = [name for name in ways if best[name] <= HOPELESS * min(best.values())]
        for name in hopeful:
            time.sleep(pause)
            best[name] = min(best[name], timed(ways[name], clock))
    return min(best, key=lambda name: best[name])


def timed(run: Pass, clock: Clock) -> float:
    """Seconds that one pass takes."""
    start = clock()
    run()
    return clock() - start
