"""Gold labels of a data file, read by name: never guessed from numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from entailment.checkpoint.labels import canonical
from entailment.errors import DataFileError, LabelsError


@dataclass(frozen=True)
class NLIRow:
    """A pair with its gold class by canonical name, and the group it belongs to, if any was asked for."""

    premise: str
    hypothesis: str
    gold: str
    group: str | None = None


@dataclass(frozen=True)
class TextRow:
    """A text with its gold label as the file spells it, the row it stands in (from 1), and its group."""

    text: str
    gold: object
    row: int
    group: str | None = None


def nli_rows(
    rows: Iterable[Mapping[str, object]], label_names: Sequence[str] | None, group_by: str | None = None
) -> Iterator[NLIRow]:
    """Check rows with premise, hypothesis and label.

    Args:
        rows: as `entailment.tables.read_rows` yields them.
        label_names: what the numbers mean where labels are numbers, by index.
        group_by: the column that says which group a row belongs to.

    Raises:
        DataFileError: a missing column, an empty text, or a label that names no class; with row and value.
    """
    named = _number_names(label_names)
    for number, row in enumerate(rows, start=1):
        yield NLIRow(
            premise=_text(row, "premise", number),
            hypothesis=_text(row, "hypothesis", number),
            gold=_gold_class(_column(row, "label", number), number, named),
            group=_group(row, group_by, number),
        )


def text_rows(rows: Iterable[Mapping[str, object]], group_by: str | None = None) -> Iterator[TextRow]:
    """Check rows with text and label; DataFileError for a missing column or an empty text."""
    for number, row in enumerate(rows, start=1):
        yield TextRow(
            text=_text(row, "text", number),
            gold=_column(row, "label", number),
            row=number,
            group=_group(row, group_by, number),
        )


class LabelIndex:
    """Finds a gold label among the candidates: as it stands, else without regard to case and white space."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = labels
        self._exact = {label: index for index, label in enumerate(labels)}
        self._folded: dict[str, int | None] = {}
        for index, label in enumerate(
            labels
        ):  # None: two candidates differ in case alone, so only exact ones match
            folded = _fold(label)
            self._folded[folded] = None if folded in self._folded else index

    def find(self, row: TextRow) -> int:
        """The index of the row's gold label; DataFileError if it is none of the candidates."""
        if isinstance(row.gold, str):
            index = self._exact.get(row.gold, self._folded.get(_fold(row.gold)))
            if index is not None:
                return index
        some = ", ".join(repr(label) for label in self._labels[:8]) + (
            ", ..." if len(self._labels) > 8 else ""
        )
        raise DataFileError(
            f"row {row.row}: the label {row.gold!r:.100} is none of the candidate labels: {some}"
        )


def _fold(label: str) -> str:
    return " ".join(label.casefold().split())


def _column(row: Mapping[str, object], name: str, number: int) -> object:
    if name not in row:
        raise DataFileError(
            f"row {number} has no column {name!r}; it has {', '.join(map(repr, row)) or 'none'}"
        )
    return row[name]


def _group(row: Mapping[str, object], column: str | None, number: int) -> str | None:
    if column is None:
        return None
    value = _column(row, column, number)
    return "(none)" if value is None or value == "" else str(value)


def _text(row: Mapping[str, object], name: str, number: int) -> str:
    text = _column(row, name, number)
    if not isinstance(text, str):
        raise DataFileError(f"row {number}: the {name} is not a text but {text!r:.100}")
    if not text.strip():
        raise DataFileError(f"row {number}: the {name} is empty")
    return text


def _number_names(label_names: Sequence[str] | None) -> list[str] | None:
    if label_names is None:
        return None
    classes = [canonical(name) for name in label_names]
    known = [name for name in classes if name is not None]
    if isinstance(label_names, str) or len(known) != len(classes) or len(set(known)) != len(known):
        raise LabelsError(
            f"label_names {label_names!r} must name each class once, by index, as in "
            "['entailment', 'neutral', 'contradiction']"
        )
    return known


def _gold_class(value: object, number: int, named: list[str] | None) -> str:
    index = _as_number(value)
    if index is None:
        found = canonical(value)
        if found is None:
            raise DataFileError(
                f"row {number}: the label {value!r:.100} is not entailment, neutral, contradiction or "
                "not_entailment; leave rows without a gold label out"
            )
        return found
    if named is None:
        raise DataFileError(
            f"row {number}: the label {value!r} is a number, and data sets disagree on what numbers mean; "
            "write the class names into the file, or say what they mean, by index: with --labels-file FILE, "
            "one name a line; in Python with label_names=['entailment', 'neutral', 'contradiction']"
        )
    if not 0 <= index < len(named):
        raise DataFileError(
            f"row {number}: the label {value!r} is not from 0 to {len(named) - 1}; "
            "leave rows without a gold label out"
        )
    return named[index]


def _as_number(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return int(value) if re.fullmatch(r"\s*-?[0-9]{1,9}\s*", value) else None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    index = getattr(value, "__index__", None)  # int, and the integers of numpy
    return int(index()) if index is not None else None
