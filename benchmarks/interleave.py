"""Rounds: one pass of each competitor a round, so that a noisy machine disturbs all of them alike.

A first round is thrown away: caches fill, threads start, plans of memory are made. Medians are reported.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

Pass = Callable[[], object]
Clock = Callable[[], float]
Watch = Callable[[str, int], None]  # called with the competitor and the round, before each pass

PAUSE = 0.05
"""Seconds before a pass, in which the threads of the competitor before stop spinning."""

TRIES = 2
"""How often each way of running something is timed when the fastest is looked for."""


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


def fastest(ways: Mapping[str, Pass], *, clock: Clock = time.perf_counter) -> str:
    """The name of the way that took least time; each is run once unmeasured, then `TRIES` times."""
    best: dict[str, float] = {}
    for name, run in ways.items():
        run()
        best[name] = min(timed(run, clock) for _ in range(TRIES))
    return min(best, key=lambda name: best[name])


def timed(run: Pass, clock: Clock) -> float:
    """Seconds that one pass takes."""
    start = clock()
    run()
    return clock() - start
