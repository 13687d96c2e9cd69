from __future__ import annotations

from pathlib import Path

import pytest
from tests.serve.support import stub_model

from entailment.tasks.model import PairModel


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("serve")


@pytest.fixture(scope="session")
def model(folder: Path) -> PairModel:
    return stub_model(folder)
