"""How much work is in hand, and whether more may come in: counted in pairs and tokens, not in requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from types import TracebackType
from typing import Self

from entailment.serve.metrics import Metrics
from entailment.serve.refusals import overloaded

_MOST_PATIENCE = 30.0  # seconds; no client is told to come back later than that
_MEMORY = 0.9  # the share of the past in the running mean of the speed


class Admission:
    """The count. One request takes a `Place`, and gives it back when it has its answer or none.

    A request is let in while the work in hand is below both limits, and may itself cross them: otherwise
    large requests would starve as long as small ones come.

    Args:
        most_pairs, most_tokens: the limits.
        metrics: its gauges are kept up to date.
    """

    def __init__(self, *, most_pairs: int, most_tokens: int, metrics: Metrics) -> None:
        self._most_pairs = most_pairs
        self._most_tokens = most_tokens
        self._metrics = metrics
        self._lock = Lock()
        self._pairs = 0
        self._tokens = 0
        self._places = 0
        self._speed: float | None = None  # tokens a second

    @property
    def full(self) -> bool:
        """Whether new work is refused."""
        return self._pairs >= self._most_pairs or self._tokens >= self._most_tokens

    @property
    def places(self) -> int:
        """How many requests are in hand."""
        return self._places

    def check(self) -> None:
        """Refuses, unless more may come in."""
        if self.full:
            raise overloaded(self.patience())

    def enter(self, pairs: int, tokens: int) -> Place:
        """A place for a request of so much work; the tokens may be an estimate until it settles.

        Raises:
            RefusedError: the server is full.
        """
        self.check()
        self._add(pairs, tokens, 1)
        return Place(self, pairs, tokens)

    def patience(self) -> float:
        """Seconds in which the work in hand will be done, as far as the speed up to now tells."""
        if self._speed is None:
            return 1.0
        return min(_MOST_PATIENCE, self._tokens / self._speed)

    def ran(self, tokens: int, seconds: float) -> None:
        """So many tokens took so long."""
        speed = tokens / max(seconds, 1e-6)
        self._speed = speed if self._speed is None else _MEMORY * self._speed + (1 - _MEMORY) * speed

    def _add(self, pairs: int, tokens: int, places: int) -> None:
        with self._lock:
            self._pairs += pairs
            self._tokens += tokens
            self._places += places
            self._metrics.pairs_in_hand.set(self._pairs)
            self._metrics.tokens_in_hand.set(self._tokens)


@dataclass(eq=False)
class Place:
    """One request's share of the work in hand; a context manager that gives it back."""

    admission: Admission
    pairs: int
    tokens: int
    _left: bool = field(default=False, init=False)

    def settle(self, pairs: int, tokens: int) -> None:
        """What was an estimate is known now. Nobody is refused any more for it."""
        if not self._left:
            self.admission._add(pairs - self.pairs, tokens - self.tokens, 0)
            self.pairs, self.tokens = pairs, tokens

    def leave(self) -> None:
        """Gives the place back; once is enough."""
        if not self._left:
            self._left = True
            self.admission._add(-self.pairs, -self.tokens, -1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()
