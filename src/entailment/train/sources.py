"""Training data: rows gathered from files and data sets, cleaned, drawn and counted.

    gathered = gather(
        [Source(name="nyu-mll/multi_nli", split="train"), Source(name="more.csv", weight=0.3)],
        seed=42,
        label_names=("entailment", "neutral", "contradiction"),
        columns=("premise", "hypothesis", "label"),
        held_out=evaluation_rows,
    )

Every row that is not kept is counted under its reason:

    "unlabelled"         the label is -1, "-" or missing
    "empty text"         a text is empty, or missing
    "duplicate"          the same texts with the same label came before, in this source or an earlier one
    "two labels"         the same texts occur with another label too; all of them go, for nobody can say which
                         label is right, and public sets have some, so that refusing would refuse those sets
    "in evaluation set"  the first text is one of a held-out set, and `drop_leaks` was said
    "not drawn"          left out by `weight` or `limit`
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from entailment.errors import DataFileError, InputError
from entailment.tables.reading import listed
from entailment.train.leakage import held_out_fingerprints, leaks
from entailment.train.repeats import repeats
from entailment.train.source_labels import UNLABELLED, label_reader
from entailment.train.source_rows import OpenSource, Row, open_source

LABEL = "label"
"""The column whose values are checked against the recipe's labels: a name, or a list of names."""

TARGETS = frozenset({LABEL, "answers"})
"""What is learnt of a row; all other columns are what it is learnt from."""

_SHOWN_LEAKS = 3


@dataclass(frozen=True, kw_only=True)
class Source:
    """A data set to learn from or to be judged on.

    Attributes:
        name: a path that ends in .parquet, .csv, .jsonl or .txt; a folder in the hub's layout; or a name of
            the hub, ``org/data-set``, with ``:configuration`` and ``@revision`` where wanted:
            ``nyu-mll/glue:mnli``.
        split: of a folder or data set, e.g. ``"train"``; None where it has only one, and for a file.
        weight: the share of its rows that is drawn, more than 0 and at most 1. One draw for the whole run.
        limit: draw at most this many rows.
        columns: our name -> the source's, where they differ: ``{"premise": "sentence1"}``. Several of the
            source's with commas between become a list: ``{"choices": "ending0,ending1"}``. A name of ours
            that the task can do without is read where it is named here.
        labels: the source's name or number of a label -> ours, where they differ: ``{"0": "entailment"}``.

    Raises:
        InputError: a weight, limit or name outside its range.
    """

    name: str
    split: str | None = None
    weight: float = 1.0
    limit: int | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise InputError(
                "a source has an empty name; give a file or a data set such as nyu-mll/multi_nli"
            )
        if not 0 < self.weight <= 1:
            raise InputError(
                f"weight of {self.name} is {self.weight!r}: the share of rows drawn is more than 0, at most 1"
            )
        if self.limit is not None and self.limit < 1:
            raise InputError(f"limit of {self.name} is {self.limit!r}; it must be 1 or more")


@dataclass(frozen=True, kw_only=True)
class SourceFacts:
    """What was read of a source, for the record: `rows` = `kept` + all of `dropped`.

    Attributes:
        name: as the recipe has it.
        split: the one that was read; None for a file.
        revision: the commit of a data set, ``sha256:`` and the digest of a file; None where nothing tells.
        rows: all that were read.
        kept: those that are learnt.
        dropped: reason -> how many.
        licence: as the data set's card states it.
    """

    name: str
    split: str | None
    revision: str | None
    rows: int
    kept: int
    dropped: Mapping[str, int]
    licence: str | None


@dataclass(frozen=True)
class Gathered:
    """Rows by our column names, in the order of the sources and of their rows; and where they are from."""

    rows: list[Row]
    facts: tuple[SourceFacts, ...]


def gather(
    sources: Sequence[Source],
    *,
    seed: int,
    label_names: Sequence[str] | None,
    columns: Sequence[str],
    held_out: Iterable[Row] = (),
    drop_leaks: bool = False,
) -> Gathered:
    """Read, check, clean and draw the rows of several sources.

    Args:
        sources: in order; of rows that occur twice the first stays.
        seed: of the draws. What is drawn of a source depends on it and on the source's name, without its
            folder, and split; not on other sources.
        label_names: the names that `label` may have, and that class numbers are turned into; None takes
            labels as they stand (numbers of a regression, say).
        columns: our names of the columns the task needs, the text that evaluation sets are searched for
            first. Those of `TARGETS` are what is learnt.
        held_out: rows of evaluation sets, with the first of `columns`: none of their texts may be learnt.
        drop_leaks: drop rows with such a text and count them, instead of refusing.

    Raises:
        DataFileError: a source or column is not there, a text is none, no row is left, or a row's text is in
            the held-out set.
        LabelsError: a label, or a map of labels, that does not fit.
        MissingExtraError: a name of the hub without `datasets` installed.
    """
    if not sources:
        raise DataFileError("there are no sources to gather rows from")
    read = [_Reading(source, columns, label_names) for source in sources]
    _drop_repeated(read)
    _drop_leaks(read, columns[0], held_out_fingerprints(held_out, columns[0]), drop=drop_leaks)
    for reading in read:
        reading.draw(seed)
    rows = [row for reading in read for row in reading.rows]
    if not rows:
        raise DataFileError(f"no row is left of {listed([source.name for source in sources])}")
    return Gathered(rows, tuple(reading.facts() for reading in read))


def held_out_texts(sources: Sequence[Source], column: str) -> list[Row]:
    """One column of all rows of evaluation sets, for `held_out`: nothing is dropped or drawn.

    Raises:
        DataFileError: a source or column is not there.
        MissingExtraError: a name of the hub without `datasets` installed.
    """
    rows: list[Row] = []
    for source in sources:
        opened = open_source(source.name, source.split)
        theirs = _theirs(source.columns, source.name, opened, [column])[column]
        rows += [{column: _value(row, theirs)} for row in opened.rows(theirs)]
    return rows


class _Reading:
    """A source's rows on their way through the checks, and the count of those that were dropped."""

    def __init__(self, source: Source, columns: Sequence[str], label_names: Sequence[str] | None) -> None:
        self.source = source
        self.opened = open_source(source.name, source.split)
        self.dropped: Counter[str] = Counter()
        self.total = 0
        self.rows: list[Row] = []
        wanted = dict.fromkeys((*columns, *source.columns))
        self._read(_theirs(source.columns, source.name, self.opened, wanted), label_names)

    def _read(self, theirs: Mapping[str, tuple[str, ...]], label_names: Sequence[str] | None) -> None:
        name = self.source.name
        of_label = theirs.get(LABEL, ())
        class_names = self.opened.class_names.get(of_label[0], ()) if of_label else ()
        label_of = label_reader(name, label_names, class_names, self.source.labels)
        needed = list(dict.fromkeys(column for group in theirs.values() for column in group))
        for number, raw in enumerate(self.opened.rows(needed), start=1):
            self.total = number
            row = {ours: _value(raw, group) for ours, group in theirs.items()}
            if LABEL in row:
                row[LABEL] = label_of(row[LABEL], number)
                if row[LABEL] is UNLABELLED:
                    self.dropped["unlabelled"] += 1
                    continue
            if any(_is_empty(value) for ours, value in row.items() if ours not in TARGETS):
                self.dropped["empty text"] += 1
                continue
            for ours, value in row.items():
                if ours not in TARGETS and not isinstance(value, (str, list)):
                    raise DataFileError(f"{name}, row {number}: the {ours} is not a text but {value!r:.100}")
            self.rows.append(row)

    def drop(self, places_of: Mapping[str, Collection[int]]) -> None:
        """Leave the rows at these places out: reason -> places."""
        gone = {place for places in places_of.values() for place in places}
        self.dropped.update({reason: len(places) for reason, places in places_of.items() if places})
        self.rows = [row for place, row in enumerate(self.rows) if place not in gone]

    def draw(self, seed: int) -> None:
        """Leave out what weight and limit leave out; the rest stays in order."""
        there = len(self.rows)
        wanted = max(1, round(self.source.weight * there))
        if self.source.limit is not None:
            wanted = min(wanted, self.source.limit)
        if wanted < there:
            # A seed of text, not its hash(), which is another one in every process; without the folder, which
            # is another one on every machine.
            draw = random.Random(f"{seed} {Path(self.source.name).name} {self.opened.split}")
            self.drop({"not drawn": set(range(there)).difference(draw.sample(range(there), wanted))})

    def facts(self) -> SourceFacts:
        """The record of what happened."""
        return SourceFacts(
            name=self.source.name,
            split=self.opened.split,
            revision=self.opened.revision,
            rows=self.total,
            kept=len(self.rows),
            dropped=dict(self.dropped),
            licence=self.opened.licence,
        )


def _theirs(
    stated: Mapping[str, str], name: str, opened: OpenSource, columns: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """Our name of each column to read -> the source's, one or several.

    Raises:
        DataFileError: a column is not there.
    """
    found = {}
    for ours in columns:
        theirs = stated.get(ours, ours)
        group = (theirs,) if theirs in opened.columns else tuple(part.strip() for part in theirs.split(","))
        for column in group:
            if column not in opened.columns:
                raise DataFileError(
                    f"{name} has no column {column!r}; it has {listed(opened.columns)}: say which is meant "
                    f"with columns = {{ {ours} = ... }}"
                )
        found[ours] = group
    return found


def _value(raw: Row, group: Sequence[str]) -> object:
    """What a source's row has under one of our names: several of its columns are a list."""
    return raw[group[0]] if len(group) == 1 else [raw[column] for column in group]


def _is_empty(value: object) -> bool:
    if isinstance(value, list):
        return not value or any(each is None for each in value)
    return value is None or (isinstance(value, str) and not value.strip())


def _drop_repeated(read: Sequence[_Reading]) -> None:
    """Drop texts that occur with two labels, and all but the first of rows that are the same."""
    for reading, found in zip(read, repeats([each.rows for each in read], TARGETS), strict=True):
        reading.drop({"two labels": found.contradicted, "duplicate": found.duplicates})


def _drop_leaks(read: Sequence[_Reading], column: str, held_out: frozenset[str], *, drop: bool) -> None:
    """Drop rows whose text is held out, or refuse them.

    Raises:
        DataFileError: there are some, and `drop` is False.
    """
    for reading in read:
        places = leaks(reading.rows, column, held_out)
        if places and not drop:
            some = "; ".join(repr(reading.rows[place][column])[:80] for place in places[:_SHOWN_LEAKS])
            raise DataFileError(
                f"{len(places):,} of {len(reading.rows):,} rows of {reading.source.name} have a {column} "
                f"that is in an evaluation set too, such as {some}: take them out, or let drop_leaks do it"
            )
        reading.drop({"in evaluation set": places})
