from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entailment.runtime.engine import Logits
from entailment.serve.fair_queue import FairQueue
from entailment.serve.jobs import Job, new_job
from entailment.text.pairs import EncodedPair

FAR = time.monotonic() + 3600


def ids(length: int) -> np.ndarray:
    return np.arange(length, dtype=np.int64)


def pairs_of(premise: int, hypotheses: list[int]) -> list[EncodedPair]:
    shared = ids(premise)
    return [EncodedPair(shared, ids(length), None) for length in hypotheses]


def job_of(
    pairs: list[EncodedPair],
    *,
    attention: Literal["full", "prefix"] = "prefix",
    most: int = 100,
    deadline: float = FAR,
) -> Job:
    return new_job(pairs, attention, Future(), most=most, deadline=deadline)


def queue_of(batch_tokens: int = 100) -> FairQueue:
    return FairQueue(batch_tokens=batch_tokens, max_wait=0)


def served(queue: FairQueue) -> list[list[Job]]:
    """The jobs of every batch until nothing waits."""
    batches = []
    while len(queue):
        batch = queue.take()
        assert batch is not None
        batches.append([piece.job for piece in batch])
    return batches


@given(
    premise=st.integers(1, 40),
    hypotheses=st.lists(st.integers(1, 30), min_size=1, max_size=40),
    attention=st.sampled_from(["full", "prefix"]),
    most=st.integers(1, 120),
)
def test_pieces_hold_every_pair_once_and_fit(
    premise: int, hypotheses: list[int], attention: Literal["full", "prefix"], most: int
) -> None:
    job = job_of(pairs_of(premise, hypotheses), attention=attention, most=most)
    pieces = list(job.waiting)
    assert sorted(index for piece in pieces for index in piece.indices) == list(range(len(hypotheses)))
    assert job.tokens == sum(piece.tokens for piece in pieces)
    for piece in pieces:
        lengths = [hypotheses[index] for index in piece.indices]
        once = premise if attention == "prefix" else premise * len(lengths)
        assert piece.tokens == once + sum(lengths)
        assert piece.tokens <= most or len(lengths) == 1


def test_a_premise_is_counted_once_with_prefix_attention_alone() -> None:
    pairs = pairs_of(20, [5, 5, 5])
    assert job_of(pairs, attention="prefix").tokens == 35
    assert job_of(pairs, attention="full").tokens == 75


def test_small_jobs_are_served_in_order_and_together() -> None:
    queue, jobs = queue_of(), [job_of(pairs_of(20, [20])) for _ in range(5)]
    for job in jobs:
        queue.put(job)
    assert served(queue) == [jobs[:2], jobs[2:4], jobs[4:]]


def test_a_large_job_delays_nobody_longer_than_a_round() -> None:
    queue = queue_of()
    large = job_of(pairs_of(50, [50] * 10))
    small = [job_of(pairs_of(50, [50])) for _ in range(3)]
    queue.put(large)
    for job in small:
        queue.put(job)
    assert served(queue) == [[large], *([job] for job in small), *([large] for _ in range(9))]


def test_two_large_jobs_take_turns() -> None:
    queue, first, second = queue_of(), job_of(pairs_of(50, [50] * 3)), job_of(pairs_of(50, [50] * 3))
    queue.put(first)
    queue.put(second)
    assert served(queue) == [[first], [second]] * 3


def test_a_piece_larger_than_a_batch_is_a_batch() -> None:
    queue, job = queue_of(10), job_of(pairs_of(50, [50]), most=10)
    queue.put(job)
    assert served(queue) == [[job]]


def test_late_jobs_are_ended_and_never_taken() -> None:
    queue = queue_of()
    late, fine = job_of(pairs_of(5, [5]), deadline=time.monotonic() - 1), job_of(pairs_of(5, [5]))
    queue.put(late)
    queue.put(fine)
    assert served(queue) == [[fine]]
    assert isinstance(late.result.exception(0), TimeoutError)


def test_a_cancelled_job_leaves_at_once() -> None:
    queue, gone, stays = queue_of(), job_of(pairs_of(5, [5])), job_of(pairs_of(5, [5]))
    queue.put(gone)
    queue.put(stays)
    assert gone.result.cancel()
    assert len(queue) == 1
    assert not gone.waiting
    assert served(queue) == [[stays]]


def test_a_job_that_failed_in_one_piece_is_not_run_further() -> None:
    queue, job = queue_of(), job_of(pairs_of(50, [50] * 3))
    queue.put(job)
    queue.take()
    job.fail(ValueError())
    assert not len(queue)


def test_what_was_taken_and_not_run_comes_first_and_alone_if_suspect() -> None:
    queue, first, second, third = queue_of(), *(job_of(pairs_of(5, [5])) for _ in range(3))
    queue.put(first)
    queue.put(second)
    taken = queue.take()
    assert taken is not None
    queue.put(third)
    for piece in taken:
        piece.job.suspect = True
    queue.put_back(taken)
    assert served(queue) == [[first], [second], [third]]


def test_pieces_already_answered_are_not_put_back() -> None:
    queue, job = queue_of(), job_of(pairs_of(50, [50] * 2))
    queue.put(job)
    taken = queue.take()
    assert taken is not None
    job.answer(taken[0], np.zeros((1, 3), np.float32))
    queue.put_back(taken)
    assert served(queue) == [[job]]  # the other piece


def test_answers_come_together_in_the_order_of_the_pairs() -> None:
    job = job_of(pairs_of(10, list(range(1, 31))), most=40)
    for piece in reversed(list(job.waiting)):
        assert not job.result.done()
        job.answer(piece, np.array([[index] * 3 for index in piece.indices], dtype=np.float32))
    logits: Logits = job.result.result(0)
    assert logits[:, 0].tolist() == list(range(30))


def test_a_closed_queue_serves_what_it_has_and_takes_nothing_more() -> None:
    queue, job, late = queue_of(), job_of(pairs_of(5, [5])), job_of(pairs_of(5, [5]))
    queue.put(job)
    queue.close()
    queue.put(late)
    assert late.result.cancelled()
    assert served(queue) == [[job]]
    assert queue.take() is None


def test_cancel_all() -> None:
    queue, jobs = queue_of(), [job_of(pairs_of(5, [5])) for _ in range(3)]
    for job in jobs:
        queue.put(job)
    queue.cancel_all()
    assert all(job.result.cancelled() for job in jobs)
    assert not len(queue)


def test_an_idle_worker_lets_a_batch_fill_and_is_woken_when_it_is_full() -> None:
    queue = FairQueue(batch_tokens=20, max_wait=3600)
    taken: list[list[Job]] = []
    thread = threading.Thread(target=lambda: taken.append([piece.job for piece in queue.take() or []]))
    thread.start()
    jobs = [job_of(pairs_of(5, [5])) for _ in range(2)]
    queue.put(jobs[0])
    assert thread.is_alive()
    queue.put(jobs[1])
    thread.join(20)
    assert taken == [jobs]


@pytest.mark.parametrize("threads", [1, 4])
def test_every_piece_is_taken_once_by_any_number_of_workers(threads: int) -> None:
    queue = FairQueue(batch_tokens=60, max_wait=0.0001)
    jobs = [job_of(pairs_of(10, [10] * (1 + number % 7)), most=60) for number in range(60)]
    pieces = sum(len(job.waiting) for job in jobs)
    taken: list[int] = []

    def work() -> None:
        while (batch := queue.take()) is not None:
            taken.extend(id(piece) for piece in batch)
            for piece in batch:
                piece.job.answer(piece, np.zeros((len(piece.indices), 3), np.float32))

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for job in jobs:
        queue.put(job)
    for job in jobs:
        assert job.result.result(20).shape == (len(job.pairs), 3)
    queue.close()
    for worker in workers:
        worker.join(20)
    assert len(taken) == len(set(taken)) == pieces
