"""Standard streams that are closed, full or gone."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any, TextIO, cast

from entailment.errors import DataFileError


def open_closed_streams() -> None:
    """Streams that were closed before this process began lead nowhere; Python has None for them."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):  # in the order of their numbers
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115  # for good


def forget(stream: TextIO) -> None:
    """Sends what is still buffered, and all that follows, nowhere, instead of into a second error at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextmanager
def told_stdout() -> Iterator[None]:
    """What the system refuses to write to stdout is a DataFileError that says so, no fault of ours.

    A reader that is gone stays a BrokenPipeError.
    """
    stdout = _Stdout(sys.stdout)
    try:
        with redirect_stdout(cast(TextIO, stdout)):
            yield
    finally:
        if stdout.refused:
            forget(stdout.stream)


class _Stdout:
    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.refused = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        with self._told():
            return self.stream.write(text)

    def flush(self) -> None:
        with self._told():
            self.stream.flush()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            self.refused = True
            raise DataFileError(f"cannot write to standard output: {error.strerror or error}") from None
