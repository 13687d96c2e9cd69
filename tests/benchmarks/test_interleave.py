"""Rounds, on a clock that only the passes move."""

from __future__ import annotations

import pytest
from benchmarks.interleave import fastest, interleave
from benchmarks.records import Row


class Hands:
    """A clock and passes that take what they say."""

    def __init__(self) -> None:
        self.now = 0.0
        self.order: list[str] = []

    def clock(self) -> float:
        return self.now

    def run(self, name: str, *seconds: float) -> None:
        self.order.append(name)
        turn = self.order.count(name) - 1
        self.now += seconds[min(turn, len(seconds) - 1)]


def test_turn_by_turn_and_the_first_round_does_not_count() -> None:
    hands = Hands()
    seconds = interleave(
        {"a": lambda: hands.run("a", 100.0, 1.0, 3.0, 2.0), "b": lambda: hands.run("b", 50.0, 4.0)},
        rounds=3,
        clock=hands.clock,
        pause=0,
    )
    assert hands.order == ["a", "b"] * 4
    assert seconds == {"a": (1.0, 3.0, 2.0), "b": (4.0, 4.0, 4.0)}
    row = Row("a", "peer", "float32", count=2, seconds=seconds["a"])
    assert row.median == 1.0 and row.spread == (0.5, 1.5)


def test_is_told_what_comes_next() -> None:
    said: list[tuple[str, int]] = []
    interleave({"a": int}, rounds=1, pause=0, watch=lambda name, number: said.append((name, number)))
    assert said == [("a", 0), ("a", 1)]


@pytest.mark.parametrize("slow_start", ["a", "b"])
def test_the_first_run_of_a_way_does_not_count(slow_start: str) -> None:
    hands = Hands()
    seconds = {"a": (1.0,), "b": (2.0,)} | {slow_start: (99.0, 1.0 if slow_start == "a" else 2.0)}
    ways = {name: (lambda name=name: hands.run(name, *seconds[name])) for name in ("b", "a")}
    assert fastest(ways, clock=hands.clock, pause=0) == "a"


def test_a_slow_moment_does_not_decide() -> None:
    hands = Hands()
    seconds = {"a": (0.0, 1.4, 1.0), "b": (0.0, 1.2)}  # the first of each does not count
    ways = {name: (lambda name=name: hands.run(name, *seconds[name])) for name in seconds}
    assert fastest(ways, clock=hands.clock, pause=0) == "a"


def test_what_is_far_slower_is_not_tried_again() -> None:
    hands = Hands()
    ways = {name: (lambda name=name: hands.run(name, 1.0 if name == "a" else 2.0)) for name in ("a", "b")}
    assert fastest(ways, clock=hands.clock, pause=0) == "a"
    assert hands.order.count("a") > hands.order.count("b") == 2
