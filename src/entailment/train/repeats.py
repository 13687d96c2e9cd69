"""Rows that say the same twice, and rows that contradict each other."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from entailment.train.source_rows import Row


@dataclass(frozen=True)
class Repeats:
    """Places of rows in a source.

    Attributes:
        contradicted: whose texts occur with another label too, anywhere.
        duplicates: whose texts and label came before, here or in an earlier source.
    """

    contradicted: tuple[int, ...]
    duplicates: tuple[int, ...]


def repeats(sources: Sequence[Sequence[Row]], targets: Collection[str]) -> list[Repeats]:
    """Find them in the rows of several sources, for each source.

    Args:
        sources: the rows of each, in order.
        targets: the columns that are learnt; texts are all other columns, compared to the letter.
    """
    target_of: dict[object, object] = {}
    contradicted = set()
    for rows in sources:
        for row in rows:
            texts, target = _halves(row, targets)
            if target_of.setdefault(texts, target) != target:
                contradicted.add(texts)
    seen = set()
    found = []
    for rows in sources:
        conflicts, duplicates = [], []
        for place, row in enumerate(rows):
            texts, _ = _halves(row, targets)
            if texts in contradicted:
                conflicts.append(place)
            elif texts in seen:
                duplicates.append(place)
            else:
                seen.add(texts)
        found.append(Repeats(tuple(conflicts), tuple(duplicates)))
    return found


def _halves(row: Row, targets: Collection[str]) -> tuple[object, object]:
    """What is learnt from and what is learnt."""
    pairs = [(name, _comparable(value)) for name, value in sorted(row.items())]
    return tuple(pair for pair in pairs if pair[0] not in targets), tuple(
        pair for pair in pairs if pair[0] in targets
    )


def _comparable(value: object) -> object:
    """Lists and structures by how they are written."""
    return value if isinstance(value, (str, int, float)) else repr(value)
