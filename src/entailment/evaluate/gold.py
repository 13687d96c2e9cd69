"""Gold labels of a data file, read by name: never guessed from numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from entailment.checkpoint.labels import canonical
from entailment.errors import DataFileError, LabelsError


@dataclass(frozen=True)
class NLIRow:
    """A pair with its gold class by canonical name, the row it stands in (from 1), and its group."""

    premise: str
    hypothesis: str
    gold: str
    row: int
    group: str | None = None


@dataclass(frozen=True)
class TextRow:
    """A text with its gold label as the file spells it, the row it stands in (from 1), and its group."""

    text: str
    gold: object
    row: int
    group: str | None = None


class NumberedRow(dict[str, object]):
    """A row of a set that others were left out of: it knows its number (from 1), which its place is not."""

    def __init__(self, values: Mapping[str, object], number: int) -> None:
        super().__init__(values)
        self.number = number


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
    for place, row in enumerate(rows, start=1):
        number = row.number if isinstance(row, NumberedRow) else place
        yield NLIRow(
            premise=_text(row, "premise", number),
            hypothesis=_text(row, "hypothesis", number),
            gold=_gold_class(_column(row, "label", number), number, named),
            row=number,
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
    """Finds a gold label among the candidates: as it stands, else without regard to case and white space.

    A number is a name where a candidate is one, too; else it is an index into `label_names`.
    """

    def __init__(self, labels: Sequence[str], label_names: Sequence[str] | None = None) -> None:
        self._labels = labels
        self._numbers_are_names = any(_as_number(label) is not None for label in labels)
        self._exact = {label: index for index, label in enumerate(labels)}
        self._folded: dict[str, int | None] = {}
        for index, label in enumerate(
            labels
        ):  # None: two candidates differ in case alone, so only exact ones match
            folded = _fold(label)
            self._folded[folded] = None if folded in self._folded else index
        self._label_names = label_names

    def find(self, row: TextRow) -> int:
        """The index of the row's gold label; DataFileError if it is none of the candidates."""
        gold, number = row.gold, _as_number(row.gold)
        name = _name(gold, row.row) if number is None or isinstance(gold, str) else str(number)
        index = self._place(name)
        if index is None and number is not None and not self._numbers_are_names:
            if self._label_names is None:
                raise _unsaid_number(gold, row.row, "['sports', 'politics']")
            index = self._place(_numbered(self._label_names, number, gold, row.row))
        if index is None:
            some = ", ".join(map(repr, self._labels[:8])) + (", ..." if len(self._labels) > 8 else "")
            raise DataFileError(
                f"row {row.row}: the label {gold!r:.100} is none of the candidate labels: {some}"
            )
        return index

    def _place(self, name: str) -> int | None:
        return self._exact.get(name, self._folded.get(_fold(name)))


def label_name(value: object, number: int) -> str:
    """The label in row `number` where those that occur are the candidates; DataFileError if it is no name."""
    if _as_number(value) is not None:
        raise _unsaid_number(value, number, "['sports', 'politics']")
    return _name(value, number)


def _name(value: object, number: int) -> str:
    if value is None or (isinstance(value, str) and not value.strip()):
        what = "null" if value is None else "empty"
        raise DataFileError(f"row {number}: the label is {what}; leave rows without a gold label out")
    if not isinstance(value, str):
        raise DataFileError(f"row {number}: the label {value!r:.100} is not a name; give the labels by name")
    return value


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
        raise _unsaid_number(value, number, "['entailment', 'neutral', 'contradiction']")
    return _numbered(named, index, value, number)


def _unsaid_number(value: object, number: int, names: str) -> DataFileError:
    return DataFileError(
        f"row {number}: the label {value!r} is a number, and data sets disagree on what numbers mean; "
        "write the class names into the file, or say what they mean, by index: with --labels-file FILE, "
        f"one name a line; in Python with label_names={names}"
    )


def _numbered(names: Sequence[str], index: int, value: object, number: int) -> str:
    if not 0 <= index < len(names):
        raise DataFileError(
            f"row {number}: the label {value!r} is not from 0 to {len(names) - 1}; "
            "leave rows without a gold label out"
        )
    return names[index]


def _as_number(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return int(value) if re.fullmatch(r"\s*-?[0-9]{1,9}\s*", value) else None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    index = getattr(value, "__index__", None)  # int, and the integers of numpy
    return int(index()) if index is not None else None
