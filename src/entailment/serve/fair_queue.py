"""Jobs wait here. Workers take batches: a piece of each job in turn, so that a large one delays nobody long.

The jobs stand in a ring. A batch takes the first job's next piece and moves that job to the end, until the
batch is full; so whoever is in the ring is served once a round, however large the others are, and those of
one piece are served in the order they came.
"""

from __future__ import annotations

import time
from collections import deque
from threading import Condition

from entailment.serve.jobs import Job, Piece

Batch = list[Piece]


class FairQueue:
    """The ring; every method may be called from any thread.

    Args:
        batch_tokens: the most tokens of a batch; a piece that alone has more makes one of its own.
        max_wait: seconds that an idle worker lets a batch fill, counted from its oldest job.
    """

    def __init__(self, *, batch_tokens: int, max_wait: float) -> None:
        self.batch_tokens = batch_tokens
        self.max_wait = max_wait
        self._changed = Condition()  # on a lock that its holder may take again: settling a job discards it
        self._ring: deque[Job] = deque()
        self._closed = False

    def __len__(self) -> int:
        """How many jobs wait."""
        return len(self._ring)

    def put(self, job: Job) -> None:
        """Adds a job at the end. An answer, an error or a cancellation of its result takes it out.

        After `close` the job is cancelled.
        """
        with self._changed:
            if not self._closed:
                self._ring.append(job)
                self._changed.notify()
                refused = False
            else:
                job.waiting.clear()
                refused = True
        if refused:
            job.result.cancel()
        job.result.add_done_callback(lambda _: self._discard(job))

    def put_back(self, pieces: Batch) -> None:
        """Puts pieces that were taken, and not run, back to the front of their jobs and of the ring."""
        with self._changed:
            for piece in reversed(pieces):
                job = piece.job
                if not job.lacks(piece):
                    continue
                if not job.waiting:
                    self._ring.appendleft(job)
                job.waiting.appendleft(piece)
            self._changed.notify_all()

    def take(self) -> Batch | None:
        """The next batch, waited for; None once the queue is closed and empty.

        Jobs past their deadline are ended with TimeoutError on the way.
        """
        while True:
            with self._changed:
                while not self._ring and not self._closed:
                    self._changed.wait()
                if not self._ring:
                    return None
                self._let_fill()
                batch, late = self._next_batch()
            for job in late:  # outside the lock: whoever waits may do anything
                job.fail(TimeoutError())
            if batch:
                return batch

    def close(self) -> None:
        """Nothing new comes in; what is there is still served."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def cancel_all(self) -> None:
        """Cancels every waiting job."""
        with self._changed:
            jobs = list(self._ring)
        for job in jobs:
            job.result.cancel()

    def _let_fill(self) -> None:
        """Waits for more work, unless there is a batch of it or the oldest job has waited long enough."""
        while self._ring and not self._closed and not self._fills_a_batch():
            left = self._ring[0].submitted + self.max_wait - time.monotonic()
            if left <= 0:
                return
            self._changed.wait(left)

    def _fills_a_batch(self) -> bool:
        tokens = 0
        for job in self._ring:
            tokens += sum(piece.tokens for piece in job.waiting)
            if tokens >= self.batch_tokens:
                return True
        return False

    def _next_batch(self) -> tuple[Batch, list[Job]]:
        """A batch, and the jobs that were too late for it."""
        batch: Batch = []
        late: list[Job] = []
        tokens, now = 0, time.monotonic()
        while self._ring:
            job = self._ring[0]
            if job.deadline < now:
                self._ring.popleft()
                job.waiting.clear()
                late.append(job)
                continue
            piece = job.waiting[0]
            if batch and (tokens + piece.tokens > self.batch_tokens or job.suspect):
                break
            self._ring.popleft()
            job.waiting.popleft()
            batch.append(piece)
            tokens += piece.tokens
            if job.waiting:
                self._ring.append(job)
            if job.suspect:
                break
        return batch, late

    def _discard(self, job: Job) -> None:
        with self._changed:
            if job.waiting:
                job.waiting.clear()
                self._ring.remove(job)
