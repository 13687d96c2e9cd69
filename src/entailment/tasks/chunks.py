"""Rows without end, cut into pieces that fit in memory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from entailment.errors import InputError

Item = TypeVar("Item")

CHARACTERS = 4_000_000  # of text in one chunk, so that a few very long texts make a small chunk
PAIRS = 8_192  # of premise and hypothesis in one chunk, so that many labels make a small chunk

logger = logging.getLogger("entailment")


def chunked(items: Iterable[Item], most: int, cost: Callable[[Item], float]) -> Iterator[list[Item]]:
    """Yield lists of consecutive items: `most` of them, or fewer if their costs add up to 1 before."""
    chunk: list[Item] = []
    total = 0.0
    for item in items:
        chunk.append(item)
        total += cost(item)
        if len(chunk) == most or total >= 1.0:
            yield chunk
            chunk, total = [], 0.0
    if chunk:
        yield chunk


def pair_cost(pair: tuple[str, str]) -> float:
    """The share that a pair of texts takes of the characters a chunk may have."""
    return (len(pair[0]) + len(pair[1])) / CHARACTERS


def check_chunk_size(chunk_size: int) -> int:
    """Return the chunk size, or raise InputError unless it is a positive whole number."""
    if isinstance(chunk_size, bool) or not isinstance(chunk_size, int) or chunk_size < 1:
        raise InputError(f"chunk_size must be a positive whole number, not {chunk_size!r}")
    return chunk_size


class Notes:
    """Notes to the user of one call: each kind is logged once, as a warning of the ``entailment`` logger.

    A million rows cut short would otherwise write a million lines; what concerns one row is in its answer.

    Args:
        fields: whether the reader of the notes has the answers, too, and these have fields that say more.
    """

    def __init__(self, *, fields: bool = False) -> None:
        self.fields = fields
        self._said: set[str] = set()

    def say(self, kind: str, message: str) -> None:
        """Log `message` unless this call has said something of this kind before."""
        if kind not in self._said:
            self._said.add(kind)
            logger.warning(message)
