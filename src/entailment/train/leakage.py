"""Training rows whose text is also in an evaluation set: found whatever their spelling.

A model that has seen the premises it is judged on is judged too kindly, even where the hypotheses are new:
those of one premise are written to contrast with each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from entailment.errors import DataFileError
from entailment.train.source_rows import Row


def fingerprint(text: object) -> str:
    """What two spellings of a text have in common: its letters and digits, in lower case.

    A list of words counts as the text they make.
    """
    whole = " ".join(map(str, text)) if isinstance(text, (list, tuple)) else str(text)
    return "".join(filter(str.isalnum, whole.casefold()))


def held_out_fingerprints(rows: Iterable[Row], column: str) -> frozenset[str]:
    """The fingerprints of an evaluation set's texts; none of one that is missing or has no letters or digits.

    Raises:
        DataFileError: a row has no such column.
    """
    found = set()
    for number, row in enumerate(rows, start=1):
        if column not in row:
            raise DataFileError(
                f"row {number} of the held-out set has no column {column!r}; it has {', '.join(row)}"
            )
        if row[column] is not None:
            found.add(fingerprint(row[column]))
    return frozenset(found - {""})


def leaks(rows: Sequence[Row], column: str, held_out: frozenset[str]) -> list[int]:
    """The places of the rows whose text is one of the held-out ones."""
    if not held_out:
        return []
    return [place for place, row in enumerate(rows) if fingerprint(row[column]) in held_out]
