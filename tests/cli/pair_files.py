"""Files of random pairs, with labels drawn by chance."""

from __future__ import annotations

import json
import random
from pathlib import Path

from tests.tiny import WORDS

CLASSES = ("entailment", "neutral", "contradiction")


def rows(count: int, seed: int) -> list[dict[str, str]]:
    rng = random.Random(seed)

    def text() -> str:
        return " ".join(rng.choices(WORDS, k=rng.randint(3, 12)))

    return [{"premise": text(), "hypothesis": text(), "label": rng.choice(CLASSES)} for _ in range(count)]


def write(path: Path, values: list[dict[str, str]], *columns: str) -> Path:
    columns = columns or ("premise", "hypothesis", "label")
    path.write_text("".join(json.dumps({name: row[name] for name in columns}) + "\n" for row in values))
    return path
