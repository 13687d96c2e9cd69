from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.serve.support import stub_model

from entailment.serve.logs import log_to
from entailment.tasks.model import PairModel


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("serve")


@pytest.fixture(scope="session")
def model(folder: Path) -> PairModel:
    return stub_model(folder)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The server's log; the loggers are put back behind it."""
    stream = io.StringIO()
    loggers = [logging.getLogger(name) for name in ("entailment.serve", "entailment", "uvicorn")]
    before = [(logger.handlers[:], logger.level, logger.propagate) for logger in loggers]
    log_to(stream)
    yield stream
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        logger.handlers[:], logger.propagate = handlers, propagate
        logger.setLevel(level)
