"""The JSON files of a checkpoint, read with every fault named and written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
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
        value = None if too_large else json.loads(path.read_bytes())
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


def write_json(path: Path, value: Mapping[str, object]) -> None:
    """Write a JSON object, or leave what was there: never half a file.

    Raises:
        CheckpointError: the folder cannot be written to, or a value is none of JSON, as NaN is none.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # NaN and Infinity are no JSON: what is written here, other programs read.
        text = json.dumps(value, indent=2, sort_keys=True, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")
        temporary.replace(path)
    except (OSError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be written: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)
