"""Commands and installations, on this interpreter alone."""

from __future__ import annotations

import os
import sys
from importlib.metadata import distribution

import pytest
from benchmarks.installed import canonical, installed_bytes, size
from benchmarks.shell import take


def test_peak_memory_is_that_of_the_command_and_not_of_who_started_it() -> None:
    ballast = bytearray(os.urandom(1_000)) * 100_000  # Linux hands the parent's peak down to the child
    small = take([sys.executable, "-S", "-c", "pass"], os.environ)
    large = take([sys.executable, "-S", "-c", "x = b'x' * 100_000_000"], os.environ)
    assert len(ballast) == 100_000_000 > small.peak_bytes > 1e6
    assert large.peak_bytes - small.peak_bytes > 9e7


def test_a_command_that_fails_is_no_measurement() -> None:
    with pytest.raises(RuntimeError, match="no such thing"):
        take([sys.executable, "-c", "raise SystemExit('no such thing')"], os.environ)


def test_an_installation_holds_what_it_requires() -> None:
    alone = size(distribution("click"))
    whole, packages = installed_bytes(["entailment"])
    assert whole > 40_000_000 + alone and packages > 7  # the bundled model is 45 MB
    assert installed_bytes(["entailment", "click"]) == (whole, packages)


def test_what_is_not_installed_counts_as_nothing() -> None:
    assert installed_bytes(["there-is-no-such-package"]) == (0, 0)


def test_names_have_one_spelling() -> None:
    assert canonical("Huggingface_Hub") == canonical("huggingface-hub") == "huggingface-hub"
