"""docs/heads.md: its examples run, one after another, as a reader would type them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from tests.models.hub import make_hub, vocabulary_of

from entailment.train import energy

PAGE = Path(__file__).parents[2] / "docs" / "heads.md"


def examples() -> dict[str, str]:
    """The code of each section, by its heading."""
    sections = re.split(r"^#+ (.*)\n", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = {
        title: "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
        for title, text in zip(sections[1::2], sections[2::2], strict=True)
    }
    return {title: code for title, code in found.items() if code}


def test_every_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a tiny checkpoint in the place of the one they start from, so that what they print says little."""
    found = examples()
    make_hub(tmp_path, vocabulary_of("\n".join(found.values())))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(energy, "_tracker", lambda _: None)  # codecarbon takes seconds to start
    monkeypatch.setitem(os.environ, "CUDA_VISIBLE_DEVICES", "")
    names: dict[str, Any] = {}
    for title, code in found.items():
        exec(compile(code, f"{PAGE.name}, {title}", "exec"), names)  # noqa: S102
        printed = capsys.readouterr().out
        if title == "Rows from files and data sets":
            expected = re.findall(r"print\(.*\)  # (.*)", code)
            assert printed.splitlines() == expected
        elif "outcome" in code:
            assert names["outcome"].steps == names["outcome"].total == 5
            assert all(float(value) >= -1 for value in printed.split())  # as small as a correlation gets
    assert len(found) == 10
