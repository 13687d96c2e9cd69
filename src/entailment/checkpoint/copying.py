"""A checkpoint folder beside another: the files that a model needs, copied whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from entailment.checkpoint.hub import BIN_FILES, H5_FILES, SAFETENSORS_FILES, SMALL_FILES
from entailment.errors import CheckpointError


def copy_checkpoint(source: Path, target: Path, complete: Callable[[Path], object] = lambda _: None) -> None:
    """Copy configuration, weights, tokenizer, model card, records and licence into a new folder.

    Args:
        source: an opened checkpoint's folder.
        target: the new folder, which appears when everything is in it; an empty one is taken as well.
        complete: called with the folder before it has its name, to write what else belongs into it.

    Raises:
        CheckpointError: there is something of that name, or it cannot be written.
    """
    check_new_folder(target)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        unfinished.mkdir(parents=True)
        for file in _files(source):
            shutil.copyfile(
                file, unfinished / file.name
            )  # of a link its content, as the hub's cache has them
        complete(unfinished)
        if target.is_dir():
            target.rmdir()
        unfinished.rename(target)
    except OSError as error:
        raise CheckpointError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def check_new_folder(target: Path) -> None:
    """Refuses a folder that `copy_checkpoint` could not make, before the work whose results go there.

    Raises:
        CheckpointError: it is so.
    """
    if target.is_dir() and not target.is_symlink():
        if any(target.iterdir()):
            raise CheckpointError(f"cannot write {target}: the folder is not empty; name a new one")
    elif target.exists() or target.is_symlink():
        raise CheckpointError(f"cannot write {target}: a file has that name; name a new folder")
    parent = next(folder for folder in target.absolute().parents if folder.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise CheckpointError(f"cannot write {target}: {parent} is not a folder that you may write to")


def _files(source: Path) -> Iterator[Path]:
    """What `read_weights`, the tokenizer and the configuration read, and what explains the model."""
    for patterns in (SAFETENSORS_FILES, BIN_FILES, H5_FILES):
        weights = [file for pattern in patterns for file in source.glob(pattern)]
        if weights:
            yield from weights
            break
    for pattern in SMALL_FILES:
        yield from (file for file in source.glob(pattern) if file.is_file())
