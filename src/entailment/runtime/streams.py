"""Work that runs side by side: pieces in threads of their own, and calls that find others under way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Lock
from typing import TypeVar

Piece = TypeVar("Piece")


def in_streams(work: Callable[[Piece], None], pieces: Iterable[Piece], streams: int) -> None:
    """Calls `work` with every piece, in as many threads as there are streams, the calling one among them.

    Pieces are taken one by one, so that those not yet begun need not exist. When a call raises, no further
    piece is begun, and what it raised is raised here once all calls have ended.
    """
    source, taking, failed = iter(pieces), Lock(), Event()

    def mine() -> Iterator[Piece]:
        while not failed.is_set():
            with taking:
                try:
                    piece = next(source)
                except StopIteration:
                    return
            yield piece

    def stream() -> None:
        try:
            for piece in mine():
                work(piece)
        except BaseException:
            failed.set()
            raise

    with ThreadPoolExecutor(max(1, streams - 1), "entailment-stream") as pool:
        others = [pool.submit(stream) for _ in range(streams - 1)]
        stream()
        for other in others:
            other.result()


class Calls:
    """How many calls are under way."""

    def __init__(self) -> None:
        self._count = 0
        self._counting = Lock()

    @contextmanager
    def another(self) -> Iterator[bool]:
        """One more for as long as the context lasts. Gives whether it found no other."""
        with self._counting:
            self._count += 1
            alone = self._count == 1
        try:
            yield alone
        finally:
            with self._counting:
                self._count -= 1
