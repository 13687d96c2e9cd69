"""The text files of a tokenizer, read with every fault named."""

from __future__ import annotations

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
