"""Who cannot take part is left out with the reason; the others are still measured."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from benchmarks.scoring import LeftOut
from benchmarks.settings import ROOT

Built = TypeVar("Built")

ABSOLUTE = re.compile(r"(?<![\w.~:/])/(?:[\w.+-]+/)+([\w.+-]+)")
"""A path from the root of the file system, and its last part."""


def attempt(name: str, build: Callable[[], Built]) -> Built | LeftOut:
    """What `build` makes, or why it could not."""
    try:
        with quiet():
            return build()
    except Exception as error:
        return LeftOut(name, reason(error))


def reason(error: Exception) -> str:
    """An error in one line that can be published: nothing in it says where things lie on this machine."""
    text = f"{type(error).__name__}: {error}".splitlines()[0]
    text = text.replace(f"{ROOT}/", "").replace(str(ROOT), ".").replace(str(Path.home()), "~")
    return ABSOLUTE.sub(r"…/\1", text)


@contextmanager
def quiet() -> Iterator[None]:
    """Converters log a line for every node they pass by."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(before)
