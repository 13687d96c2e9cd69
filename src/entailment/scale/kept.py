"""Columns of the input that stand beside the answers, so that these can be joined back.

Answers are JSON, CSV or Parquet, so what is kept is what all three can hold. The type that a column has in
Parquet is found while the input is first read, for every part must have the same.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from datetime import date, time
from decimal import Decimal
from typing import Literal

from entailment.errors import DataFileError, InputError
from entailment.tables import json_line
from entailment.tables.reading import listed

Type = Literal["boolean", "integer", "number", "text", "json"]

# What answers call their own; so do columns that begin with "score:".
ANSWER_COLUMNS = ("row", "refused", "label", "score", "scores", "labels", "abstained", "best", "truncated")
SCORE = "score:"

_EXACT = 2**53  # whole numbers up to here are exact as a double
_LARGEST = 2**63


def check_keep(keep: Sequence[str]) -> tuple[str, ...]:
    """The columns to keep.

    Raises:
        InputError: a column is named twice, or has the name of a column of the answers.
    """
    if isinstance(keep, str):
        raise InputError(f"keep must be a list of columns, as in [{keep!r}]")
    for column in keep:
        if not isinstance(column, str) or "\0" in column or not is_unicode(column):
            raise InputError(f"the column {column!r:.60} cannot be kept: answers cannot hold its name")
        if column in ANSWER_COLUMNS or column.startswith(SCORE):
            raise InputError(
                f"the column {column!r} cannot be kept: answers have {listed(ANSWER_COLUMNS)} and "
                f"{SCORE}LABEL of their own; rename it in the input"
            )
        if list(keep).count(column) > 1:
            raise InputError(f"the column {column!r} is to be kept twice; name it once")
    return tuple(keep)


def kept_value(value: object, where: str) -> object:
    """A value as answers hold it: dates and decimal numbers become text, all else stays.

    Args:
        value: of the input.
        where: names it in the error, e.g. ``"a.parquet, row 3: id"``.

    Raises:
        DataFileError: JSON has nothing for it, as for bytes and NaN, or it holds half a surrogate pair, which
            no file of text can.
    """
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, (date, time)):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    try:
        if is_unicode(value if isinstance(value, str) else json_line(value)):
            return value
        fault = "half a surrogate pair"
    except (TypeError, ValueError, RecursionError):
        number = isinstance(value, float) and not math.isfinite(value)
        fault = str(value) if number else type(value).__name__
    raise DataFileError(f"{where} holds {fault}, which answers cannot hold; clean it, or do not keep it")


def is_unicode(text: str) -> bool:
    """Whether UTF-8 can hold it: it cannot half a surrogate pair."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


class Types:
    """The types of columns, found by looking at their values.

    Args:
        columns: their names.
    """

    def __init__(self, columns: Iterable[str]) -> None:
        self._seen: dict[str, set[str]] = {column: set() for column in columns}

    def see(self, column: str, value: object) -> None:
        """One value of a column, as `kept_value` returns it."""
        if value is not None:
            self._seen[column].add(_kind(value))

    def found(self) -> dict[str, Type]:
        """The type of each column: the narrowest that holds all its values exactly, else their JSON."""
        return {column: _type(kinds) for column, kinds in self._seen.items()}


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer" if abs(value) <= _EXACT else "long" if -_LARGEST <= value < _LARGEST else "json"
    if isinstance(value, float):
        return "number"
    return "text" if isinstance(value, str) else "json"


def _type(kinds: set[str]) -> Type:
    if kinds <= {"text"}:
        return "text"
    if kinds == {"boolean"}:
        return "boolean"
    if kinds <= {"integer", "long"}:
        return "integer"
    return "number" if kinds <= {"integer", "number"} else "json"


def to_cell(value: object, type: Type) -> object:
    """A kept value as a cell of a column of this type."""
    if value is None or type != "json":
        return float(value) if type == "number" and isinstance(value, int) else value
    return json_line(value)


def from_cell(cell: object, type: Type) -> object:
    """The kept value that `to_cell` made a cell of."""
    return json.loads(cell) if type == "json" and isinstance(cell, str) else cell
