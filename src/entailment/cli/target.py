"""Where `entail calibrate` and `entail quantize` write: into the folder of a model, or into a copy of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from entailment.cli.notes import note

if TYPE_CHECKING:
    from entailment.checkpoint.folder import Checkpoint


def check_target(checkpoint: Checkpoint, out: Path | None) -> None:
    """Refuses, before the work, what `write_beside` could not write into.

    Raises:
        CheckpointError: there can be no new folder `out`.
        click.UsageError: there is no `out`, and the model is the package's or the hub's.
    """
    from entailment.checkpoint.copying import check_new_folder

    if out is not None:
        check_new_folder(out)
    elif Path(checkpoint.name).expanduser() != checkpoint.folder:
        raise click.UsageError(
            f"{checkpoint.name} is not a folder of yours: give --out FOLDER for a copy of it"
        )


def write_beside(
    checkpoint: Checkpoint, out: Path | None, name: str, write: Callable[[Path], object]
) -> Path:
    """Write a file beside the weights, or beside those of a new copy `out`; returns the folder.

    Args:
        checkpoint: the model.
        out: of its copy; None for the model's own folder.
        name: of the file.
        write: called with the folder.

    Raises:
        CheckpointError: the folder cannot be written to.
    """
    from entailment.checkpoint.copying import copy_checkpoint

    if out is None:
        write(checkpoint.folder)
    else:
        copy_checkpoint(checkpoint.folder, out, write)
    folder = checkpoint.folder if out is None else out
    note(f"written: {folder / name}")
    return folder
