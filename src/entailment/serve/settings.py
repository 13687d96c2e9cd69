"""What an operator may set, each with a default that suits a small machine."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, fields

from entailment.errors import InputError
from entailment.runtime.engine import TOKENS_PER_BATCH
from entailment.runtime.processor import usable_processors
from entailment.runtime.session import check_threads as check_thread_count

# What browsers say a page is from: scheme://host[:port], and no path behind it.
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(\[[0-9a-f:.]+\]|[^\s/?#@:*\[\]A-Z]+)(:[0-9]{1,5})?")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The most that one request may ask for; what is above is refused by name (413).

    Attributes:
        body_bytes: of a request, counted while it arrives.
        texts: in one request.
        labels: for one text.
        pairs: of premise and hypothesis: texts times labels, pairs, documents to rank. A document check has
            two at most for each claim and each sentence that may speak of it, counted before they are made.
        characters: in all texts of one request together, a template counted once for each label.
    """

    body_bytes: int = 1 << 20
    texts: int = 256
    labels: int = 1000
    pairs: int = 4096
    characters: int = 500_000

    def __post_init__(self) -> None:
        _check_counts(self)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a server behaves. Nothing is read from the environment.

    Attributes:
        limits: of one request.
        api_keys: a request for an answer must bear one of them (``Authorization: Bearer KEY``); none: anybody
            may ask. The page, health and metrics are open.
        cors_origins: origins (``scheme://host[:port]``) of other sites whose pages may ask, or ``*``; none:
            no page of another site may.
        default_labels: labels for a lone text on the compatible routes, where nobody says any.
        workers: threads that run the model; by default one for each processor. A batch that is alone is
            computed by all processors, batches side by side by one each.
        batch_tokens: the most tokens of a batch, unless one text with one label has more.
        max_wait_seconds: how long an idle worker waits for a batch to fill.
        queue_pairs, queue_tokens: work in hand (waiting or running) above which new work is refused with 429.
            The request that crosses the line is still taken, so that large ones have their chance, too.
        deadline_seconds: after so long a request is refused (503), and dropped if no worker has begun it. A
            request may ask for less with the header ``X-Request-Timeout``, in seconds.
        body_seconds: how long a request may take to arrive.
        check_threads: document checks that are under way at once.
        drain_seconds: after SIGTERM, the most time for what is in hand.
        drain_notice_seconds: after SIGTERM, at least so long new work is refused with 503 before connections
            are closed, so that a load balancer takes notice.
        connections: more than so many at once are refused with 503; a process may usually open 1024 files.
    """

    limits: Limits = field(default_factory=Limits)
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    cors_origins: tuple[str, ...] = ()
    default_labels: tuple[str, ...] = ()
    workers: int = field(default_factory=usable_processors)
    batch_tokens: int = TOKENS_PER_BATCH
    max_wait_seconds: float = 0.002
    queue_pairs: int = 768
    queue_tokens: int = 65_536
    deadline_seconds: float = 30.0
    body_seconds: float = 30.0
    check_threads: int = 4
    drain_seconds: float = 25.0
    drain_notice_seconds: float = 1.0
    connections: int = 960

    def __post_init__(self) -> None:
        _check_counts(self)
        for name in ("workers", "check_threads"):
            check_thread_count(getattr(self, name), name)
        for name in ("deadline_seconds", "body_seconds", "drain_seconds"):
            _check_seconds(name, getattr(self, name), zero=False)
        for name in ("max_wait_seconds", "drain_notice_seconds"):
            _check_seconds(name, getattr(self, name), zero=True)
        if not all(key.strip() and key.isascii() and key.isprintable() for key in self.api_keys):
            raise InputError(
                "an API key is empty or holds more than printable ASCII; leave it out, or make a new one"
            )
        for origin in self.cors_origins:
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise InputError(
                    f"cors_origins holds {origin!r:.80}, which is no origin: write scheme://host or "
                    "scheme://host:port, as in https://example.org, in small letters and without a slash at "
                    "the end; or *"
                )
        if not all(label.strip() for label in self.default_labels):
            raise InputError("default_labels holds an empty label; leave it out")


def _check_counts(settings: Limits | Settings) -> None:
    for entry in fields(settings):
        value = getattr(settings, entry.name)
        if entry.type == "int" and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise InputError(f"{entry.name} must be a positive whole number, not {value!r}")


def _check_seconds(name: str, value: float, *, zero: bool) -> None:
    if isinstance(value, bool) or not math.isfinite(value) or value < 0 or (value == 0 and not zero):
        least = "0 or more" if zero else "more than 0"
        raise InputError(f"{name} must be {least} seconds, not {value!r}")
