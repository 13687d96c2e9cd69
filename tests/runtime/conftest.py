from __future__ import annotations

from typing import Any

import pytest

from entailment.runtime.streams import in_streams


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The threads of each computation of batches side by side."""
    found: list[int] = []

    def counted(*arguments: Any) -> None:
        found.append(arguments[-1])
        in_streams(*arguments)

    monkeypatch.setattr("entailment.runtime.engine.in_streams", counted)
    return found
