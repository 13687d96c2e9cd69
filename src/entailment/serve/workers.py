"""The threads that run the model, and what happens when a batch fails or a thread dies.

A batch that fails is run again job by job, so that a failure reaches its own request only. A thread that
dies (the engine raised what is no `Exception`) is replaced, and its jobs run once more, each alone: whoever
kills a second worker is refused, all others are answered.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import numpy as np

from entailment.runtime.engine import Engine, Logits
from entailment.serve.fair_queue import Batch, FairQueue
from entailment.serve.jobs import Job
from entailment.serve.metrics import Metrics
from entailment.serve.refusals import model_failed, worker_lost

logger = logging.getLogger("entailment.serve")

_STEP_SECONDS = 0.1  # between two looks at whether there is time to wait for a thread

# Told of every batch that was run: its tokens and its seconds.
Ran = Callable[[int, float], None]


class Workers:
    """`count` threads between a queue and an engine.

    Args:
        engine: run by all of them at once.
        queue: what they serve.
        count: how many.
        metrics: told of batches, failures and deaths.
        ran: told of every batch.
    """

    def __init__(self, engine: Engine, queue: FairQueue, *, count: int, metrics: Metrics, ran: Ran) -> None:
        self._engine = engine
        self._queue = queue
        self._count = count
        self._metrics = metrics
        self._ran = ran
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._started = 0

    def start(self) -> None:
        """Starts the threads."""
        for _ in range(self._count):
            self._start_one()

    def alive(self) -> int:
        """How many threads are there."""
        with self._lock:
            return sum(thread.is_alive() for thread in self._threads)

    def join(self, time_left: Callable[[], float]) -> bool:
        """Waits for the threads, which end when the queue is closed and empty; False if some have not.

        It is asked again and again how many seconds are left, for a signal may cut the time short.
        """
        while (left := time_left()) > 0:
            with self._lock:
                thread = next(iter(self._threads), None)
            if thread is None:
                return True
            thread.join(min(left, _STEP_SECONDS))  # it may have been replaced in the meantime
        return not self.alive()

    def _start_one(self) -> None:
        with self._lock:
            self._started += 1
            # A daemon, for a call into the engine cannot be interrupted and must not keep the process.
            thread = threading.Thread(
                target=self._work, name=f"entailment-worker-{self._started}", daemon=True
            )
            self._threads.add(thread)
            thread.start()  # within the lock: nobody can wait for a thread before it is started

    def _work(self) -> None:
        taken: Batch | None = None
        try:
            while (taken := self._queue.take()) is not None:
                self._run(taken)
        except BaseException as error:  # whatever ended this thread, its jobs must not hang
            self._replace(taken or [], error)
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _run(self, batch: Batch) -> None:
        """Runs a batch and answers its jobs."""
        now = time.monotonic()
        for piece in batch:
            if piece.job.begun is None:
                piece.job.begun = now
                self._metrics.queue_seconds.observe(now - piece.job.submitted)
        try:
            logits = self._logits(batch)
        except Exception as error:  # of any kind
            self._failed(batch, error)
            return
        start = 0
        for piece in batch:
            stop = start + len(piece.indices)
            piece.job.answer(piece, logits[start:stop])
            start = stop

    def _logits(self, batch: Batch) -> Logits:
        pairs = [pair for piece in batch for pair in piece.pairs()]
        tokens = sum(piece.tokens for piece in batch)
        start = time.perf_counter()
        logits = self._engine.logits(pairs)
        seconds = time.perf_counter() - start
        if np.shape(logits) != (len(pairs), self._engine.num_labels):
            raise ValueError(f"the engine answered {np.shape(logits)} for {len(pairs)} pairs")
        self._ran(tokens, seconds)
        self._metrics.ran(len(pairs), tokens, seconds)
        return logits

    def _failed(self, batch: Batch, error: Exception) -> None:
        jobs = _by_job(batch)
        if len(jobs) == 1:
            logger.error("model failed", extra={"event": "model_failed", "exception": type(error).__name__})
            batch[0].job.fail(model_failed())
            return
        self._metrics.batches_retried.inc()
        for pieces in jobs.values():
            self._run(pieces)

    def _replace(self, taken: Batch, error: BaseException) -> None:
        logger.critical("worker died", extra={"event": "worker_died", "exception": type(error).__name__})
        self._metrics.workers_replaced.inc()
        again: Batch = []
        for job, pieces in _by_job(taken).items():
            if job.suspect:
                job.fail(worker_lost())
            else:
                job.suspect = True
                again.extend(pieces)
        self._queue.put_back(again)
        self._start_one()


def _by_job(batch: Batch) -> dict[Job, Batch]:
    jobs: dict[Job, Batch] = {}
    for piece in batch:
        jobs.setdefault(piece.job, []).append(piece)
    return jobs
