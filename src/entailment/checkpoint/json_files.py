"""The JSON files of a checkpoint, read with every fault named and written whole or not at all."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from entailment.errors import CheckpointError, CheckpointNotFoundError, CorruptCheckpointError

#: The index of a checkpoint of a thousand shards is far below this.
LARGEST_FILE = 64 << 20


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file of a checkpoint.

    Raises:
        CheckpointNotFoundError: there is no such file.
        CorruptCheckpointError: it is not UTF-8, not JSON, or not an object.
    """
    try:
        too_large = path.stat().st_size > LARGEST_FILE
        value = None if too_large else json.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError as error:
        raise CheckpointNotFoundError(f"{path} does not exist") from error
    except OSError as error:
        raise CorruptCheckpointError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise CorruptCheckpointError(f"{path} is not valid JSON ({error}); fetch the file again") from error
    if too_large:
        raise CorruptCheckpointError(f"{path} is larger than {LARGEST_FILE >> 20} MiB, which no such file is")
    if not isinstance(value, dict):
        raise CorruptCheckpointError(f"{path} must hold a JSON object, not a {type(value).__name__}")
    return value


def number(value: object, lowest: float, highest: float) -> float:
    """A value of a file, if it is a number within these bounds.

    Raises:
        ValueError: it is something else, or NaN.
    """
    # Written so that a NaN fails, too.
    if isinstance(value, bool) or not isinstance(value, int | float) or not lowest <= value <= highest:
        raise ValueError(f"{value!r:.40} is no number from {lowest:g} to {highest:g}")
    return float(value)


def write_json(path: Path, value: Mapping[str, object]) -> None:
    """Write a JSON object, or leave what was there: never half a file.

    Raises:
        CheckpointError: the folder cannot be written to, or a value is none of JSON, as NaN is none.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # NaN and Infinity are no JSON: what is written here, other programs read.
        write_whole(path, json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")
    except (OSError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be written: {error}") from error


def write_whole(path: Path, text: str, *, errors: str = "strict") -> None:
    """Write a text file as UTF-8 with its line ends as they are, or leave what was there: never half a file.

    A file that was there keeps its permissions.

    Args:
        path: in a folder that exists.
        text: what the file shall hold.
        errors: what becomes of half of a surrogate pair, which UTF-8 cannot hold; "replace" writes a "?".

    Raises:
        OSError: it cannot be written.
        UnicodeEncodeError: `text` holds half of a surrogate pair, and `errors` is "strict".
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", errors=errors, newline="\n")
        with suppress(FileNotFoundError):
            temporary.chmod(stat.S_IMODE(path.stat().st_mode))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
