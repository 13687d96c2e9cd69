"""Whose run lives in a folder: one that is gone on with must be the same run, of the same data."""

from __future__ import annotations

from pathlib import Path

from entailment.checkpoint.json_files import write_whole
from entailment.errors import CheckpointError


def claim(file: Path, run: str, *, begun: bool) -> None:
    """Write down what is trained in the folder of a file.

    Args:
        file: says whose run it is.
        run: all that runs are told apart by.
        begun: whether there are states to go on with; if not, what another run wrote is replaced.

    Raises:
        CheckpointError: it is another run, or the file cannot be read or written.
    """
    try:
        if begun and file.exists() and file.read_text(encoding="utf-8", errors="replace") != run:
            raise CheckpointError(
                f"{file.parent} holds the run of another recipe, with other options or of other data "
                f"({file}): go on with those, or name an empty folder"
            )
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, run)
    except OSError as error:
        raise CheckpointError(f"{file} cannot be written: {error.strerror or error}") from error
