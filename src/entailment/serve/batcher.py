"""From texts to logits for many callers at once: tokenise, wait in line, run with others.

The event loop only waits. Tokenising and running the model happen in threads, and so does a document check,
which asks the model several times: it gets an engine that waits in the same line (`Turn.engine`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, InvalidStateError, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from entailment.checkpoint.config import Attention
from entailment.runtime.engine import Logits
from entailment.serve.admission import Admission, Place
from entailment.serve.fair_queue import FairQueue
from entailment.serve.jobs import Job, new_job
from entailment.serve.metrics import Metrics
from entailment.serve.refusals import deadline_passed, draining, too_large
from entailment.serve.settings import Settings
from entailment.serve.workers import Workers
from entailment.tasks.model import PairModel
from entailment.text.pairs import EncodedPair

Result = TypeVar("Result")
Pairs = Sequence[tuple[str, str]]
Allow = Callable[[int], None]  # of so many more pairs; raises what refuses them

_CHARACTERS_A_TOKEN = 4  # of ordinary text; a guess that stands until the tokeniser has counted


@dataclass(eq=False)
class Turn:
    """One request on its way: its place, its deadline, and how long each part took.

    Attributes:
        place: its share of the work in hand.
        started, deadline: by `time.monotonic`.
        patience: seconds from its start to the deadline.
        queue_seconds: waited in line.
        model_seconds: from its first batch to its last logits.
        pairs, tokens: that were run for it.
    """

    place: Place
    started: float
    deadline: float
    patience: float
    queue_seconds: float = 0.0
    model_seconds: float = 0.0
    pairs: int = 0
    tokens: int = 0
    abandoned: bool = field(default=False, init=False)
    job: Job | None = field(default=None, init=False)

    def charge(self, job: Job) -> None:
        """Counts a job that is about to wait."""
        self.job = job
        self.pairs += len(job.pairs)
        self.tokens += job.tokens
        self.place.settle(self.pairs, self.tokens)

    def credit(self) -> None:
        """Adds the times of the job, which was run."""
        job = self.job
        if job is not None and job.begun is not None and job.finished is not None:
            self.queue_seconds += job.begun - job.submitted
            self.model_seconds += job.finished - job.begun

    def check_time(self) -> None:
        """Refuses once the deadline has passed, or nobody waits for it any longer."""
        if self.abandoned or time.monotonic() > self.deadline:
            raise deadline_passed(self.patience)

    def abandon(self) -> None:
        """Nobody waits for it any longer: what has not begun will not."""
        self.abandoned = True
        if self.job is not None:
            self.job.result.cancel()


class Batcher:
    """The line and those who work it off.

    Args:
        model: with its label order known.
        attention: of the model.
        settings: limits, sizes and times.
        metrics: told of all of it.
    """

    def __init__(self, model: PairModel, attention: Attention, settings: Settings, metrics: Metrics) -> None:
        self.model = model
        self.attention: Attention = attention
        self.settings = settings
        self.metrics = metrics
        self.admission = Admission(
            most_pairs=settings.queue_pairs, most_tokens=settings.queue_tokens, metrics=metrics
        )
        self.queue = FairQueue(batch_tokens=settings.batch_tokens, max_wait=settings.max_wait_seconds)
        self.workers = Workers(
            model.engine, self.queue, count=settings.workers, metrics=metrics, ran=self.admission.ran
        )
        self._tokenisers = ThreadPoolExecutor(1, "entailment-tokeniser")
        self._checkers = ThreadPoolExecutor(settings.check_threads, "entailment-check")
        self._waited_for: set[asyncio.Future[Any]] = set()  # by the requests in hand

    def start(self) -> None:
        """Starts the workers."""
        self.workers.start()

    def stop(self, time_left: Callable[[], float]) -> bool:
        """Lets the workers finish while there is time, cancels what is left; False if a worker still runs."""
        self.queue.close()
        done = self.workers.join(time_left)
        self.queue.cancel_all()
        self._tokenisers.shutdown(wait=False)  # whatever it still lines up is cancelled there
        self._checkers.shutdown(wait=False, cancel_futures=True)
        return done

    def refuse_all(self) -> None:
        """Ends every request in hand with the refusal `draining`. In the event loop."""
        self.queue.close()
        for future in tuple(self._waited_for):
            future.cancel()

    def turn(self, *, pairs: int, characters: int, patience: float) -> Turn:
        """Lets a request in.

        Args:
            pairs: that it asks for; for a document check a guess.
            characters: of all texts of all pairs, which become tokens.
            patience: seconds until it is refused.

        Raises:
            RefusedError: the server is full.
        """
        tokens = min(characters // _CHARACTERS_A_TOKEN, self.settings.queue_tokens)
        now = time.monotonic()
        return Turn(self.admission.enter(pairs, tokens), now, now + patience, patience)

    async def score(
        self, turn: Turn, pairs: Pairs, name_pair: Callable[[int], str] = "pair {}".format
    ) -> tuple[Sequence[EncodedPair], Logits]:
        """N pairs of texts, one at least, as the model reads them, and their logits [N, K]; cf. `PairModel`.

        Cancelled, it leaves the line.

        Raises:
            TextError: as `PairModel.run` does.
            RefusedError: the deadline passed, the server stops, the model failed, or a worker died twice.
        """
        result: Future[Logits] = Future()
        self._tokenisers.submit(self._line_up, turn, pairs, name_pair, result)
        logits = await self._until(turn, asyncio.wrap_future(result))
        assert turn.job is not None  # noqa: S101  # it has just been answered
        turn.credit()
        return turn.job.pairs, logits

    async def check(self, turn: Turn, work: Callable[[PairModel, Allow], Result]) -> Result:
        """Runs `work` in a thread, with a model whose engine waits in line; errors as `score`.

        Its second argument refuses more pairs than a request may have; `work` calls it before it makes them.
        """
        engine = _LineEngine(self, turn)
        model = replace(self.model, engine=engine)
        running = asyncio.get_running_loop().run_in_executor(self._checkers, work, model, engine.allow)
        try:
            return await self._until(turn, running)
        finally:
            turn.abandon()  # what it still waits for, if nobody waits for it

    def wait_for(self, turn: Turn, encoded: Sequence[EncodedPair]) -> Logits:
        """The logits of pairs, waited for by a thread of `check`."""
        result: Future[Logits] = Future()
        self._submit(turn, encoded, result)
        if turn.abandoned:
            result.cancel()
        try:
            logits = result.result(max(0.0, turn.deadline - time.monotonic()))
        except CancelledError:
            raise draining() from None
        except TimeoutError:
            result.cancel()
            raise deadline_passed(turn.patience) from None
        turn.credit()
        return logits

    async def aside(self, work: Callable[[], Result], *, small: bool) -> Result:
        """Runs what is small at once, and what is not in a thread, so that the event loop is not held up."""
        return work() if small else await asyncio.get_running_loop().run_in_executor(self._tokenisers, work)

    def _line_up(
        self, turn: Turn, pairs: Pairs, name_pair: Callable[[int], str], result: Future[Logits]
    ) -> None:
        """Tokenises, and puts into the queue; what fails is the result."""
        if result.cancelled():
            return
        try:
            start = time.perf_counter()
            encoded = self.model.encode(pairs, name_pair)
            self.metrics.tokenisation_seconds.observe(time.perf_counter() - start)
            self._submit(turn, encoded, result)
        except Exception as error:
            with suppress(InvalidStateError):  # cancelled in the meantime
                result.set_exception(error)

    def _submit(self, turn: Turn, encoded: Sequence[EncodedPair], result: Future[Logits]) -> None:
        job = new_job(
            encoded, self.attention, result, most=self.settings.batch_tokens, deadline=turn.deadline
        )
        turn.charge(job)
        self.queue.put(job)

    async def _until(self, turn: Turn, waited_for: asyncio.Future[Result]) -> Result:
        """What is waited for, if it comes before the deadline."""
        self._waited_for.add(waited_for)
        try:
            async with asyncio.timeout(turn.deadline - time.monotonic()):
                return await waited_for
        except TimeoutError:
            raise deadline_passed(turn.patience) from None
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # the client is gone
            raise draining() from None  # the queue was closed on the job, or the time to finish is up
        finally:
            self._waited_for.discard(waited_for)


class _LineEngine:
    """An `Engine` for one turn: its pairs wait in line like everybody's."""

    def __init__(self, batcher: Batcher, turn: Turn) -> None:
        self._batcher = batcher
        self._turn = turn

    @property
    def num_labels(self) -> int:
        return self._batcher.model.engine.num_labels

    def allow(self, more: int) -> None:
        """Refuses so many more pairs if they are too many for one request, or nobody waits for them."""
        most = self._batcher.settings.limits.pairs
        if self._turn.pairs + more > most:
            raise too_large("pairs", self._turn.pairs + more, most)
        self._turn.check_time()

    def logits(self, pairs: Sequence[EncodedPair]) -> Logits:
        if not pairs:
            return np.empty((0, self.num_labels), np.float32)
        self.allow(len(pairs))
        return self._batcher.wait_for(self._turn, pairs)
