"""Rows of made-up words, for the tests of recipes."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.tiny import NLI_LABELS, WORDS

Row = dict[str, object]


def words(draw: random.Random, count: int) -> str:
    return " ".join(draw.choices(WORDS, k=count))


def nli_rows(count: int, *, seed: int) -> list[Row]:
    """Pairs whose label the hypothesis gives away by its first word, so that a tiny model can learn it."""
    draw = random.Random(seed)
    rows: list[Row] = []
    for _ in range(count):
        label = draw.choice(NLI_LABELS)
        hypothesis = f"{label[0]} {words(draw, draw.randint(1, 4))}"
        rows.append({"premise": words(draw, draw.randint(2, 12)), "hypothesis": hypothesis, "label": label})
    return rows


def write_jsonl(path: Path, rows: Iterable[Mapping[str, object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
