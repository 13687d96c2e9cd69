"""A source by name -> its rows: a file, a folder in the hub's layout, or a data set of the hub."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from entailment.errors import DataFileError, MissingExtraError
from entailment.tables import read_rows
from entailment.tables.digest import sha256
from entailment.tables.reading import READABLE, listed

Row = Mapping[str, object]
"""A row of a data file: column -> value."""

_ROWS_AT_A_TIME = 1000


@dataclass(frozen=True)
class OpenSource:
    """A source that is there, with what it says about itself.

    Attributes:
        columns: their names.
        class_names: for each column of class numbers what the numbers mean; a file has none.
        rows: reads the rows of the named columns, in order.
        split: the one that is read; None for a file.
        revision: the commit of a data set of the hub, ``sha256:`` and its digest of a file, None where it
            cannot be told.
        licence: as the data set's card states it.
    """

    columns: tuple[str, ...]
    class_names: Mapping[str, tuple[str, ...]]
    rows: RowReader
    split: str | None
    revision: str | None
    licence: str | None


class RowReader:
    """The rows of a source, each time from the first."""

    def __init__(self, origin: Path | Any) -> None:
        self._origin = origin

    def __call__(self, columns: Sequence[str]) -> Iterator[Row]:
        """The rows with these columns only."""
        if isinstance(self._origin, Path):
            yield from read_rows(self._origin, columns=columns)
            return
        for batch in self._origin.select_columns(list(columns)).iter(_ROWS_AT_A_TIME):
            for values in zip(*(batch[column] for column in columns), strict=True):
                yield dict(zip(columns, values, strict=True))


def open_source(name: str, split: str | None) -> OpenSource:
    """Open what `name` names.

    Args:
        name: a path that ends in .parquet, .csv, .jsonl or .txt; else ``folder`` or ``org/data-set``, with
            ``:configuration`` and ``@revision`` where wanted, as in ``nyu-mll/glue:mnli``.
        split: of a data set or folder; None where it has only one. A file has none.

    Raises:
        DataFileError: no such file, data set, configuration or split.
        MissingExtraError: a folder or hub name without `datasets` installed.
    """
    if Path(name).suffix.lower() in READABLE:
        return _open_file(Path(name), split)
    return _open_dataset(name, split)


def _open_file(path: Path, split: str | None) -> OpenSource:
    if split is not None:
        raise DataFileError(f"{path} is a file and has no split {split!r}: leave split out")
    first = next(iter(read_rows(path)), None)
    if first is None:
        raise DataFileError(f"{path} holds no rows")
    return OpenSource(tuple(first), {}, RowReader(path), None, f"sha256:{sha256(path)}", None)


def _open_dataset(name: str, split: str | None) -> OpenSource:
    try:
        import datasets
    except ModuleNotFoundError:
        purpose = f"reading {name} (a name that ends in none of {listed(READABLE)})"
        raise MissingExtraError("datasets", extra="train", purpose=purpose) from None

    where, configuration, revision = _parts(name)

    def asked(question: Callable[..., Any], of_split: str | None) -> Any:
        splits = {} if of_split is None else {"split": of_split}
        try:
            return question(where, configuration, revision=revision, **splits)
        # A name that is not there, a wrong configuration or split, no network: each has a class of its own,
        # and all of them are one of these.
        except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
            part = name if of_split is None else f"split {of_split} of {name}"
            told = " ".join(str(error).split())
            raise DataFileError(
                f"cannot read {part}: {told} (a file's name ends in {listed(READABLE)})"
            ) from error

    if split is None:
        splits = asked(datasets.get_dataset_split_names, None)
        if len(splits) != 1:
            raise DataFileError(f"{name} has the splits {listed(splits)}: say which with split")
        split = str(splits[0])
    found = asked(datasets.load_dataset, split)
    return OpenSource(
        tuple(found.features),
        {column: names for column, feature in found.features.items() if (names := _class_names(feature))},
        RowReader(found),
        split,
        revision or _commit(found),
        found.info.license or _licence_of_card(where, revision),
    )


def _parts(name: str) -> tuple[str, str | None, str | None]:
    """``org/name:configuration@revision`` in its three parts."""
    where, _, revision = name.partition("@") if not Path(name).exists() else (name, "", "")
    front, colon, configuration = where.rpartition(":")
    if colon and "/" not in configuration and not Path(where).exists():
        return front, configuration, revision or None
    return where, None, revision or None


def _class_names(feature: Any) -> tuple[str, ...]:
    """The names of a column of class numbers, or of lists of them; empty for any other column."""
    names = getattr(feature, "names", None)
    if names is None:
        names = getattr(getattr(feature, "feature", None), "names", None)
    return tuple(names or ())


def _commit(found: Any) -> str | None:
    """The commit a data set's files were taken from: it stands in their addresses."""
    for address in found.info.download_checksums or ():
        if commit := re.search(r"@([0-9a-f]{40})/", str(address)):
            return commit[1]
    return None


def _licence_of_card(where: str, revision: str | None) -> str | None:
    """The licence in the metadata of the data set's README.md; None where there is none to be had."""
    from huggingface_hub import DatasetCard, hf_hub_download

    try:
        if Path(where).is_dir():
            path = Path(where) / "README.md"
        else:
            path = Path(hf_hub_download(where, "README.md", repo_type="dataset", revision=revision))
        stated = DatasetCard.load(path).data.license
    except (OSError, ValueError):
        return None
    return ", ".join(map(str, stated)) if isinstance(stated, list) else stated
