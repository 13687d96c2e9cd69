"""How much is installed for a package: its files and those of everything that it requires."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path


def installed_bytes(names: Iterable[str]) -> tuple[int, int]:
    """Bytes of the distributions and of all that they require, extras aside, and how many these are.

    Byte code is not counted: it comes and goes. A requirement that is not installed counts as nothing.
    """
    found: dict[str, Distribution] = {}
    waiting = list(names)
    while waiting:
        name = canonical(waiting.pop())
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue
        waiting += requirements(found[name])
    return sum(size(each) for each in found.values()), len(found)


def requirements(package: Distribution) -> list[str]:
    """What a distribution requires here without extras, by name."""
    from packaging.requirements import Requirement

    parsed = (Requirement(text) for text in package.requires or ())
    return [each.name for each in parsed if each.marker is None or each.marker.evaluate({"extra": ""})]


def size(package: Distribution) -> int:
    """Bytes of the files of one distribution; of an editable one, of the source tree that it stands for."""
    files = [Path(str(file.locate())) for file in package.files or ()]
    if any(path.suffix == ".pth" for path in files):
        files += _sources(canonical(package.metadata["Name"]).replace("-", "_"))
    return sum(path.stat().st_size for path in set(files) if path.suffix != ".pyc" and path.is_file())


def canonical(name: str) -> str:
    """A distribution's name in its one spelling."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _sources(module: str) -> Iterable[Path]:
    spec = importlib.util.find_spec(module)
    for root in (spec.submodule_search_locations if spec else None) or ():
        yield from Path(root).rglob("*")
