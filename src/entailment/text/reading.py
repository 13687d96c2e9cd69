"""The files of a tokenizer, read with every fault named."""

from __future__ import annotations

import json
from pathlib import Path

from entailment.errors import CorruptCheckpointError

LARGEST_FILE = 256 * 2**20  # bytes; the largest WordPiece vocabularies in use take 3 MB


def read_text(path: Path) -> str:
    """A UTF-8 file, with ``\\n`` at every line end and no byte order mark.

    Raises:
        CorruptCheckpointError: it is not UTF-8, far too large, or cannot be read.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise CorruptCheckpointError(
                f"{path}: {size} bytes, more than the {LARGEST_FILE} that a tokenizer file may have"
            )
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorruptCheckpointError(f"{path}: damaged: byte {error.start} is not UTF-8 text") from error
    except OSError as error:
        raise CorruptCheckpointError(f"{path}: cannot be read: {error.strerror}") from error


def parse_object(path: Path, text: str) -> dict[str, object]:
    """The JSON object that `text`, the content of `path`, holds.

    Raises:
        CorruptCheckpointError: it is not JSON, or not an object.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CorruptCheckpointError(f"{path}: damaged or cut short: not valid JSON ({error})") from error
    if not isinstance(value, dict):
        raise CorruptCheckpointError(f"{path}: expected a JSON object, found {type(value).__name__}")
    return value


def read_object(path: Path) -> dict[str, object]:
    """The JSON object in a file; errors as of `read_text` and `parse_object`."""
    return parse_object(path, read_text(path))
