"""What a file is known by, wherever it lies: the digest of its bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from entailment.errors import DataFileError


def sha256(path: Path) -> str:
    """The SHA-256 digest of a file, in hexadecimal digits.

    Raises:
        DataFileError: it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataFileError(f"cannot read {path}: {error.strerror or error}") from error
