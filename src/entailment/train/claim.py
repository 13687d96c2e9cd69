"""Whose run lives in a folder: one that is gone on with must be the same run, of the same data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from entailment.checkpoint.json_files import read_json, write_json
from entailment.errors import CheckpointError, DataFileError

FILE = "recipe.json"


def claim(out: Path, run: Mapping[str, object]) -> None:
    """Write down what is trained in `out`: states found there are gone on with.

    Raises:
        CheckpointError: it is another run.
    """
    file, stated = out / FILE, json.loads(json.dumps(run))
    if file.exists() and read_json(file) != stated:
        raise CheckpointError(
            f"{out} holds a run with other options or of other data ({file}): go on with those, or name an "
            "empty folder"
        )
    out.mkdir(parents=True, exist_ok=True)
    write_json(file, stated)


def sha256(file: Path) -> str:
    """Digest of a file.

    Raises:
        DataFileError: it cannot be read.
    """
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataFileError(f"{file} cannot be read: {error.strerror or error}") from error
