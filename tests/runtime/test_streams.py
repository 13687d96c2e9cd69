from __future__ import annotations

from collections.abc import Iterator
from threading import Barrier, Event, current_thread, get_ident

import pytest

from entailment.runtime.streams import Calls, in_streams


@pytest.mark.parametrize("streams", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 7, 200])
def test_every_piece_once(streams: int, count: int) -> None:
    done: list[int] = []
    in_streams(done.append, range(count), streams)
    assert sorted(done) == list(range(count))


def test_as_many_at_a_time_as_there_are_streams() -> None:
    """Three calls meet, which they could not if fewer ran; the calling thread is one of the three."""
    meeting = Barrier(3)
    threads: list[int] = []

    def work(piece: int) -> None:
        meeting.wait(timeout=30)
        threads.append(get_ident())

    in_streams(work, range(3), 3)
    assert len(set(threads)) == 3
    assert get_ident() in threads


def test_one_stream_is_the_calling_thread() -> None:
    names: list[str] = []
    in_streams(lambda piece: names.append(current_thread().name), range(3), 1)
    assert names == [current_thread().name] * 3


def test_a_failure_is_raised_and_ends_the_work() -> None:
    done: list[int] = []

    def work(piece: int) -> None:
        if piece == 3:
            raise ValueError("piece 3")
        done.append(piece)

    with pytest.raises(ValueError, match="piece 3"):
        in_streams(work, range(1_000_000), 2)
    assert len(done) < 1_000_000


def test_a_failure_in_another_thread_is_raised_here() -> None:
    failed = Event()

    def work(piece: int) -> None:
        if current_thread().name.startswith("entailment-stream"):
            failed.set()
            raise ValueError("elsewhere")
        assert failed.wait(timeout=30)

    with pytest.raises(ValueError, match="elsewhere"):
        in_streams(work, range(50), 2)


def test_a_source_that_fails_is_not_asked_again() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        in_streams(lambda piece: None, source(), 3)


def test_pieces_are_made_when_they_are_needed() -> None:
    begun = 0

    def source() -> Iterator[int]:
        nonlocal begun
        for piece in range(20):
            begun += 1
            yield piece

    def work(piece: int) -> None:
        assert begun <= piece + 3

    in_streams(work, source(), 2)


def test_calls_know_whether_they_are_alone() -> None:
    calls = Calls()
    with calls.another() as first, calls.another() as second:
        assert (first, second) == (True, False)
    with pytest.raises(ValueError, match="over"), calls.another():
        raise ValueError("over")
    with calls.another() as third:
        assert third
