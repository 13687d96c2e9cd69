"""Values out of recorded JSON. What is not there is None or empty; what is of another kind is refused."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from entailment.errors import CorruptCheckpointError

Record = Mapping[str, Any]
Value = TypeVar("Value")


def text(record: Record, key: str) -> str | None:
    """A text; None where there is none, or an empty one."""
    found = _kind(record, key, str)
    return found.strip() or None if found is not None else None


def texts(record: Record, key: str) -> Sequence[str]:
    """A list of texts."""
    found = _kind(record, key, list) or []
    if not all(isinstance(each, str) for each in found):
        raise CorruptCheckpointError(f"{key} should be a list of texts, not {found!r:.80}")
    return found


def part(record: Record, key: str) -> Record:
    """An object within."""
    return _kind(record, key, dict) or {}


def parts(record: Record, key: str) -> Sequence[Record]:
    """A list of objects within."""
    found = _kind(record, key, list) or []
    for index, each in enumerate(found):
        if not isinstance(each, dict):
            raise CorruptCheckpointError(f"{key}[{index}] should be an object, not {each!r:.80}")
    return found


def count(record: Record, key: str) -> int | None:
    """A whole number from 0 on."""
    found = record.get(key)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise CorruptCheckpointError(f"{key} should be a whole number, not {found!r:.80}")
    return found


def number(record: Record, key: str) -> float | None:
    """A finite number."""
    found = record.get(key)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        raise CorruptCheckpointError(f"{key} should be a number, not {found!r:.80}")
    return float(found)


def flat(record: Record) -> dict[str, str]:
    """All single values within, in words, by their names in words; lists of objects are left out."""
    found: dict[str, str] = {}
    for key, value in record.items():
        name = str(key).replace("_", " ")
        if isinstance(value, Mapping):
            found |= {f"{name} {inner}": shown for inner, shown in flat(value).items()}
        elif (shown := _shown(value)) is not None:
            found[name] = shown
    return found


def _shown(value: object) -> str | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        inner = [_shown(each) for each in value]
        return ", ".join(each for each in inner if each is not None) or None if None not in inner else None
    return None


def _kind(record: Record, key: str, kind: type[Value]) -> Value | None:
    found = record.get(key)
    if found is None or isinstance(found, kind):
        return found
    wanted = "a text" if kind is str else "an object" if kind is dict else "a list"
    raise CorruptCheckpointError(f"{key} should be {wanted}, not {found!r:.80}")
