"""A file that is there whole or not at all: written beside, synced, and only then renamed."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from entailment.errors import DataFileError

PARTIAL = ".*.partial"  # what a killed process may leave behind


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """An empty file beside `path` to write to, which takes its name at the end, or vanishes on any error.

    It is on the disk before it has the name: after a power cut `path` is the old file or the new one. A link
    is followed, and permissions of what was there are kept, from before anything is written.

    Raises:
        DataFileError: the system refuses. What is raised inside is passed on; see `told`.
    """
    target = path.resolve()
    partial = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}.partial")
    try:  # before the file is there: a signal may come right after
        with told(path):
            partial.touch(exist_ok=False)
            before = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
            if before is not None:  # who could not read the old file cannot read the new one
                partial.chmod(before | stat.S_IRUSR | stat.S_IWUSR)
        yield partial
        with told(path):
            _sync(partial)
            if before is not None:
                partial.chmod(before)
            partial.replace(target)
            _sync_folder(target.parent)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


@contextmanager
def told(path: Path) -> Iterator[None]:
    """What the system refuses inside is a DataFileError about this path."""
    try:
        yield
    except OSError as error:
        raise DataFileError(f"cannot write {path}: {error.strerror or error}") from error


def _sync(path: Path) -> None:
    """Returns when what was written to a file is on the disk."""
    file = os.open(path, os.O_RDWR)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _sync_folder(path: Path) -> None:
    """Puts new names on the disk, where folders can be opened and synced: elsewhere the system does it."""
    if sys.platform == "win32":
        return
    try:
        folder = os.open(path, os.O_RDONLY)
    except PermissionError:  # one that may be written to, not read
        return
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network disks
            raise
    finally:
        os.close(folder)
