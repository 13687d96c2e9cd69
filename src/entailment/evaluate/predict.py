"""Runs a model over labelled rows and keeps what it answered, for `entailment.evaluate.run` to measure."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from entailment.checkpoint.labels import CONTRADICTION, ENTAILMENT, NEUTRAL, NOT_ENTAILMENT
from entailment.errors import DataFileError, InputError, LabelsError
from entailment.evaluate.gold import LabelIndex, NLIRow, TextRow, label_name, nli_rows, text_rows
from entailment.tasks.candidates import label_sets, one_set
from entailment.tasks.chunks import Notes
from entailment.tasks.classification import TEMPLATE
from entailment.tasks.model import PairModel
from entailment.tasks.nli import NLI
from entailment.tasks.zero_shot import ZeroShotClassifier

THREE_CLASSES = (ENTAILMENT, NEUTRAL, CONTRADICTION)
TWO_CLASSES = (ENTAILMENT, NOT_ENTAILMENT)

Rows = Iterable[Mapping[str, object]]
Progress = Callable[[int], object]  # called with the number of rows done, after each

logger = logging.getLogger("entailment")


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """What a model answered to N rows, of C classes.

    Attributes:
        classes: their names, by index.
        gold: [N], the gold class of each row.
        probabilities: [N, C].
        groups: the group of each row; empty where none was asked for.
        texts: premise and hypothesis, or the text, of each row; empty where they were not to be kept.
        numbers: of each of these rows in its file or set, from 1; empty where the texts are.
        seconds: from text to answer, reading of the rows included, loading of the model not.
    """

    classes: tuple[str, ...]
    gold: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    groups: tuple[str, ...]
    texts: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...]
    seconds: float

    @property
    def predicted(self) -> NDArray[np.int64]:
        """[N], the most probable class of each row; of equal ones the first."""
        return np.asarray(np.argmax(self.probabilities, axis=1))

    @property
    def confidences(self) -> NDArray[np.float64]:
        """[N], the probability of that class."""
        return np.asarray(np.max(self.probabilities, axis=1))

    @property
    def correct(self) -> NDArray[np.bool_]:
        """[N], whether that class is the gold one."""
        return np.asarray(self.gold == self.predicted)


def predict_nli(
    model: NLI | PairModel | str | Path | None,
    rows: Rows,
    limit: int | None = None,
    *,
    label_names: Sequence[str] | None = None,
    group_by: str | None = None,
    keep_texts: bool = False,
    progress: Progress | None = None,
) -> Predictions:
    """Answer rows with ``premise``, ``hypothesis`` and ``label``.

    Args:
        model, rows, limit, label_names, progress: as in `entailment.evaluate.run.evaluate_nli`.
        group_by: a column whose values become the `groups`.
        keep_texts: keep the texts as well; else only classes and probabilities are kept.

    Raises:
        DataFileError, InputError, LabelsError: as `evaluate_nli` does.
    """
    _require(rows, limit)
    nli = model if isinstance(model, NLI) else NLI(model)
    gold: list[str] = []
    groups: list[str] = []
    texts: list[tuple[str, ...]] = []
    numbers: list[int] = []
    scores: list[dict[str, float]] = []
    start = time.perf_counter()

    def pairs(checked: Iterator[NLIRow]) -> Iterator[tuple[str, str]]:
        for row in checked:
            gold.append(row.gold)
            if row.group is not None:
                groups.append(row.group)
            if keep_texts:
                texts.append((row.premise, row.hypothesis))
                numbers.append(row.row)
            yield row.premise, row.hypothesis

    for result in nli.stream(pairs(nli_rows(islice(rows, limit), label_names, group_by)), notes=Notes()):
        scores.append(result.scores)
        if progress is not None:
            progress(len(scores))
    seconds = time.perf_counter() - start
    if not gold:
        raise DataFileError("there are no rows to evaluate on")
    classes, table = _folded(gold, scores)
    return Predictions(
        classes=classes,
        # With two classes every name but entailment folds to index 1.
        gold=np.array([classes.index(name) if name in classes else 1 for name in gold], dtype=np.int64),
        probabilities=table,
        groups=tuple(groups),
        texts=tuple(texts),
        numbers=tuple(numbers),
        seconds=seconds,
    )


def predict_zero_shot(
    model: ZeroShotClassifier | PairModel | str | Path | None,
    rows: Rows,
    labels: str | Iterable[str] | None = None,
    template: str = TEMPLATE,
    limit: int | None = None,
    *,
    label_names: Sequence[str] | None = None,
    group_by: str | None = None,
    keep_texts: bool = False,
    progress: Progress | None = None,
) -> Predictions:
    """Answer rows with ``text`` and ``label``; the classes are the candidate labels.

    Args:
        model, rows, labels, template, limit, progress: as in `entailment.evaluate.run.evaluate_zero_shot`.
        label_names: what number labels mean, by index; each is one of `labels`. Without it they are refused.
        group_by, keep_texts: as in `predict_nli`.

    Raises:
        DataFileError, InputError, LabelsError, TemplateError: as `evaluate_zero_shot` does.
    """
    _require(rows, limit)
    checked = text_rows(rows, group_by)
    if labels is None:
        candidates, checked = _labels_of(checked, limit)
    else:
        found = label_sets(labels, Notes())
        if not isinstance(found, tuple):
            raise InputError("evaluate_zero_shot takes one list of labels for all rows")
        candidates = found
    if len(candidates) < 2:
        raise LabelsError(
            f"there is one candidate label, {candidates[0]!r}, so every answer is right; give at least two"
        )
    classifier = model if isinstance(model, ZeroShotClassifier) else ZeroShotClassifier(model)
    index = LabelIndex(candidates, label_names)
    place = {label: position for position, label in enumerate(candidates)}
    gold: list[int] = []
    groups: list[str] = []
    kept: list[tuple[str, ...]] = []
    numbers: list[int] = []
    table: list[NDArray[np.float64]] = []

    def texts(checked: Iterator[TextRow]) -> Iterator[str]:
        for row in checked:
            gold.append(index.find(row))
            if row.group is not None:
                groups.append(row.group)
            if keep_texts:
                kept.append((row.text,))
                numbers.append(row.row)
            yield row.text

    start = time.perf_counter()
    for answer in classifier.stream(
        texts(islice(checked, limit)), candidates, hypothesis_template=template, notes=Notes()
    ):
        line = np.empty(len(candidates))
        line[[place[label] for label in answer["labels"]]] = answer["scores"]
        table.append(line)
        if progress is not None:
            progress(len(table))
    seconds = time.perf_counter() - start
    if not gold:
        raise DataFileError("there are no rows to evaluate on")
    return Predictions(
        classes=candidates,
        gold=np.array(gold, dtype=np.int64),
        probabilities=np.stack(table),
        groups=tuple(groups),
        texts=tuple(kept),
        numbers=tuple(numbers),
        seconds=seconds,
    )


def _require(rows: object, limit: object) -> None:
    """Refuses, before a model is opened, what holds no rows and a limit that is none.

    A text would be rows of one letter, and a table the names of its columns.
    """
    named = isinstance(rows, str | bytes | Mapping) or hasattr(rows, "columns")
    if named or not isinstance(rows, Iterable):
        raise InputError(
            f"rows is {rows!r:.100}; it must be a list or another iterable of rows, each a mapping from "
            "column to value (entailment.tables.read_rows reads a file)"
        )
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise InputError(f"limit must be a positive whole number, not {limit!r}")


def _folded(
    gold: Sequence[str], scores: Sequence[Mapping[str, float]]
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """The classes that rows and model both know, and the probabilities [N, C] of those.

    A model of entailment and contradiction can call no row neutral: where one is, it is folded, too.
    """
    table = np.array([[row.get(name, 0.0) for name in THREE_CLASSES] for row in scores])
    unknown = NEUTRAL in gold and NEUTRAL not in scores[0]
    if not unknown and NOT_ENTAILMENT not in gold and NOT_ENTAILMENT not in scores[0]:
        return THREE_CLASSES, table
    if not {*gold, *scores[0]} <= set(TWO_CLASSES):
        logger.warning("two classes are measured: neutral and contradiction are folded into not_entailment")
    against = table[:, 1:].sum(axis=1) + [row.get(NOT_ENTAILMENT, 0.0) for row in scores]
    return TWO_CLASSES, np.stack([table[:, 0], against], axis=1)


def _labels_of(rows: Iterator[TextRow], limit: int | None) -> tuple[tuple[str, ...], Iterator[TextRow]]:
    """All labels that occur, in order, and the rows to measure again from the start."""
    kept: list[TextRow] = []
    seen: dict[str, None] = {}  # a set that keeps the order
    for row in rows:
        seen.setdefault(label_name(row.gold, row.row))
        if limit is None or len(kept) < limit:
            kept.append(row)
    if not kept:
        raise DataFileError("there are no rows to evaluate on")
    return one_set(seen, Notes()), iter(kept)
