"""Texts and pairs out of a file, each checked and counted before a model sees it.

The library names a text by its place in the call; a person wants the row of the file. So what no model could
use is refused here, with its row.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from entailment.errors import DataFileError, TextError
from entailment.tables import Row, read_rows

Item = TypeVar("Item")


def texts_of(path: str, column: str) -> Iterator[str]:
    """The texts in one column of a file; the first row is read at once, so that a bad file fails early."""
    return _begun((checked(row, column, where) for row, where in _numbered(path, [column])), path)


def pairs_of(path: str) -> Iterator[tuple[str, str]]:
    """The pairs in the columns ``premise`` and ``hypothesis`` of a file."""
    columns = ["premise", "hypothesis"]
    rows = _numbered(path, columns)
    pairs = ((checked(row, "premise", where), checked(row, "hypothesis", where)) for row, where in rows)
    return _begun(pairs, path)


def checked(row: Row, column: str, where: str) -> str:
    """The text in a column of a row.

    Raises:
        TextError: it is empty or blank.
        DataFileError: it is no text.
    """
    value = row[column]
    if value is None or value == "":
        raise TextError(f"{where}: {column} is empty")
    if not isinstance(value, str):
        raise DataFileError(
            f"{where}: {column} holds {value!r:.40}, which is {type(value).__name__}, not text"
        )
    return checked_text(value, f"{where}: {column}")


def checked_text(text: str, what: str) -> str:
    """A text a model can read; `what` names it in the error."""
    if not text.strip():
        raise TextError(f"{what} is empty" if not text else f"{what} is blank")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        half = ascii(text[error.start])
        raise DataFileError(f"{what} is not valid Unicode: {half} is half of a surrogate pair") from None
    return text


@contextmanager
def naming(data: Path) -> Iterator[None]:
    """Puts the name of the file before an error that names only its row."""
    try:
        yield
    except DataFileError as error:
        if str(data) in str(error):
            raise
        raise DataFileError(f"{data}, {error}") from None


def _numbered(path: str, columns: Sequence[str]) -> Iterator[tuple[Row, str]]:
    name = "standard input" if path == "-" else path
    for number, row in enumerate(read_rows(path, columns=columns), start=1):
        yield row, f"{name}, row {number}"


def _begun(items: Iterator[Item], path: str) -> Iterator[Item]:
    for first in items:
        return itertools.chain([first], items)
    raise DataFileError(f"{'standard input' if path == '-' else path} holds no rows")
