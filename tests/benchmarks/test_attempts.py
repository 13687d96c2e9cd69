"""Who is left out, and what is said of it."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from benchmarks.attempts import attempt
from benchmarks.scoring import LeftOut
from benchmarks.settings import ROOT


def test_what_works_takes_part() -> None:
    assert attempt("one", lambda: 1) == 1


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("no package\nand much more", "OSError: no package"),
        (f"{ROOT}/build/model is broken", "OSError: build/model is broken"),
        (f"nothing in {ROOT}", "OSError: nothing in ."),
        (f"{Path.home()}/lib is old", "OSError: ~/lib is old"),
        ("'/mnt/work/model-1.onnx' and (/opt/x/y)", "OSError: '…/model-1.onnx' and (…/y)"),
        (
            "see https://example.org/a/b, and/or a 1/2/3",
            "OSError: see https://example.org/a/b, and/or a 1/2/3",
        ),
    ],
)
def test_the_reason_is_one_line_and_names_no_place_of_this_machine(message: str, said: str) -> None:
    def fail() -> int:
        raise OSError(message)

    assert attempt("peer", fail) == LeftOut("peer", said)


def test_what_a_converter_logs_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    attempt("peer", lambda: logging.getLogger("converter").warning("a node"))
    logging.getLogger("converter").warning("after it")
    assert caplog.messages == ["after it"]
