"""What all routes share: the model and what is known of it, the settings, the line, the server's state."""

from __future__ import annotations

import hashlib
import hmac
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from entailment.checkpoint.config import Attention, Config
from entailment.errors import EntailmentError
from entailment.serve.batcher import Batcher, Turn
from entailment.serve.metrics import Metrics
from entailment.serve.refusals import RefusedError, draining, not_ready, too_large
from entailment.serve.settings import Settings
from entailment.tasks.chunks import Notes
from entailment.tasks.model import MAX_LENGTH, PairModel, with_order
from entailment.text.pairs import PairEncoder

logger = logging.getLogger("entailment.serve")

_WARM_PAIR = ("A man is playing a guitar on stage.", "Someone is making music.")
_WARM_SECONDS = 300.0  # a first forward may be slow, but not without end


class Kept(Notes):
    """Notes of the library quote labels: they are no matter of the log, and go to who asked.

    Attributes:
        messages: one of each kind.
    """

    def __init__(self) -> None:
        super().__init__()
        self.messages: dict[str, str] = {}

    def say(self, kind: str, message: str) -> None:
        """Keeps the first message of a kind."""
        self.messages.setdefault(kind, message)


@dataclass(frozen=True)
class Facts:
    """What is told of a model.

    Attributes:
        name: what it was opened as.
        attention: full or prefix.
        labels: names of its logits, by index.
        max_length: tokens of a pair.
        precision: in which it computes: float32, int8, bfloat16, ...
    """

    name: str
    attention: Attention
    labels: tuple[str, ...]
    max_length: int
    precision: str


@runtime_checkable
class _CheckpointEngine(Protocol):
    """An engine that says what it computes: those of checkpoints do, in ONNX Runtime and in torch."""

    @property
    def config(self) -> Config: ...

    @property
    def precision(self) -> str: ...


class Service:
    """A model behind a line.

    Args:
        model: any that NLI takes.
        settings: of the operator.

    Raises:
        LabelOrderError: nobody can tell which logit means entailment.
    """

    def __init__(self, model: PairModel, settings: Settings) -> None:
        self.model = with_order(model)
        self.settings = settings
        self.facts = _facts(self.model)
        self.metrics = Metrics()
        self.batcher = Batcher(self.model, self.facts.attention, settings, self.metrics)
        self.draining = False
        self._end = math.inf  # of draining, by `time.monotonic`
        self._warm = False
        self._keys = [_digest(key) for key in settings.api_keys]

    async def start(self) -> None:
        """Starts the workers and runs a first pair through all of it; once, however often it is called.

        Raises:
            EntailmentError: that pair had no answer.
        """
        if self._warm:
            return
        self.batcher.start()
        turn = self.batcher.turn(pairs=1, characters=0, patience=_WARM_SECONDS)
        try:
            with turn.place:
                await self.batcher.score(turn, [_WARM_PAIR])
        except RefusedError as refusal:
            reason = f"a first pair of texts, to warm it up, was refused: {refusal.message}"
            raise EntailmentError(f"the server did not start: {reason}") from None
        self._warm = True
        logger.info("ready", extra={"event": "ready", "model": self.facts.name})

    def drain(self) -> None:
        """From now on new work is refused, and what is in hand has `drain_seconds` to be finished."""
        if not self.draining:
            self._end = time.monotonic() + self.settings.drain_seconds
            self.draining = True

    def time_left(self) -> float:
        """Seconds in which what is in hand may be finished, once the service drains."""
        return max(0.0, self._end - time.monotonic())

    def end(self) -> None:
        """The time is up: what is still in hand is refused. In the event loop."""
        self._end = 0.0
        self.batcher.refuse_all()

    def stop(self) -> None:
        """Ends the workers, within what is left of the time that draining may take."""
        self.drain()
        if not self.batcher.stop(self.time_left):
            logger.error("a worker did not end in time", extra={"event": "worker_left"})

    @property
    def ready(self) -> bool:
        """Whether new work is taken in, room aside."""
        return self._warm and not self.draining and self.batcher.workers.alive() > 0

    def check_open(self) -> None:
        """Refuses unless new work is taken in. Cheap: it is asked before a body is read."""
        if self.draining:
            raise draining()
        if not self.ready:
            raise not_ready()
        self.batcher.admission.check()

    def check_key(self, authorization: str | None) -> None:
        """Refuses unless the header bears one of the API keys, or there are none.

        Every key is compared, and each in a time that does not depend on how much of it is right.
        """
        if not self._keys:
            return
        scheme, _, key = (authorization or "").partition(" ")
        digest = _digest(key.strip()) if scheme.lower() == "bearer" else b""
        if not sum([hmac.compare_digest(digest, known) for known in self._keys]):
            raise RefusedError(
                401, "unauthorized", "an API key is needed: send the header Authorization: Bearer KEY"
            )

    def check_sizes(self, *, texts: Sequence[str], pairs: int | None = None, more: int = 0) -> None:
        """Refuses what is above the limits of a request.

        Args:
            texts: all of them, whatever their part, for their characters.
            pairs: of premise and hypothesis.
            more: characters beside them, which a template adds.
        """
        limits = self.settings.limits
        characters = sum(map(len, texts)) + more
        if pairs is not None and pairs > limits.pairs:
            raise too_large("pairs", pairs, limits.pairs)
        if characters > limits.characters:
            raise too_large("characters", characters, limits.characters)

    def turn(self, *, pairs: int, characters: int, patience: str | None) -> Turn:
        """Lets a request in.

        Args:
            pairs, characters: what it asks for.
            patience: the header X-Request-Timeout, if it has one.

        Raises:
            RefusedError: there is no room, the server stops, or the header is no number of seconds.
        """
        self.check_open()
        return self.batcher.turn(pairs=pairs, characters=characters, patience=self._patience(patience))

    def _patience(self, header: str | None) -> float:
        most = self.settings.deadline_seconds
        if header is None:
            return most
        try:
            asked = float(header)
        except ValueError:
            asked = 0.0
        if not asked > 0:
            raise RefusedError(422, "bad_timeout", "X-Request-Timeout must be a positive number of seconds")
        return min(asked, most)


def milliseconds(turn: Turn, since: float) -> dict[str, float]:
    """The timing of an answer: waited in line, in the model, and altogether since a time (monotonic)."""
    return {
        "queue": round(1e3 * turn.queue_seconds, 3),
        "model": round(1e3 * turn.model_seconds, 3),
        "total": round(1e3 * (time.monotonic() - since), 3),
    }


def _facts(model: PairModel) -> Facts:
    engine, encoder = model.engine, model.encoder
    return Facts(
        name=model.name,
        attention=engine.config.attention if isinstance(engine, _CheckpointEngine) else "full",
        labels=model.order.names,
        max_length=encoder.max_length if isinstance(encoder, PairEncoder) else MAX_LENGTH,
        precision=engine.precision if isinstance(engine, _CheckpointEngine) else "float32",
    )


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
