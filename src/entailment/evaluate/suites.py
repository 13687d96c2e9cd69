"""Evaluation sets by name: where each lies on the hub, and what its columns and label numbers mean."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from entailment.checkpoint.labels import CONTRADICTION, ENTAILMENT, NEUTRAL, NOT_ENTAILMENT, canonical
from entailment.errors import DataFileError, MissingExtraError
from entailment.evaluate.gold import NumberedRow

THREE_WAY = (ENTAILMENT, NEUTRAL, CONTRADICTION)
STRESS_TESTS = (
    "antonym",
    "length_mismatch",
    "negation",
    "numerical_reasoning",
    "spelling_error",
    "word_overlap",
)

logger = logging.getLogger("entailment")


@dataclass(frozen=True, kw_only=True)
class Suite:
    """A labelled set of pairs on the hub.

    Attributes:
        dataset: its hub name.
        split: which part of it.
        revision: where that is not the main branch.
        labels: what its label numbers mean, by index.
        columns: our names of columns, and theirs.
        group_by: the column that a report groups by; None if it has none.
    """

    dataset: str
    split: str
    revision: str | None = None
    labels: tuple[str, ...] = THREE_WAY
    columns: Mapping[str, str] = field(
        default_factory=lambda: {"premise": "premise", "hypothesis": "hypothesis", "label": "label"}
    )
    group_by: str | None = None


def _stress(split: str) -> Suite:
    columns = {"premise": "sentence1", "hypothesis": "sentence2", "label": "label"}
    return Suite(dataset="pietrolesci/stress_tests_nli", split=split, columns=columns, group_by="dtype")


# Williams et al. 2018; Bowman et al. 2015; Nie et al. 2020; McCoy et al. 2019; Naik et al. 2018.
SUITES: Mapping[str, Suite] = {
    "mnli-matched": Suite(dataset="nyu-mll/multi_nli", split="validation_matched", group_by="genre"),
    "mnli-mismatched": Suite(dataset="nyu-mll/multi_nli", split="validation_mismatched", group_by="genre"),
    "snli": Suite(dataset="stanfordnlp/snli", split="test"),
    **{f"anli-r{n}": Suite(dataset="facebook/anli", split=f"test_r{n}") for n in (1, 2, 3)},
    "hans": Suite(
        dataset="jhu-cogsci/hans",
        split="validation",
        revision="refs/convert/parquet",  # the main branch holds a script, which is never run
        labels=(ENTAILMENT, NOT_ENTAILMENT),
        group_by="heuristic",
    ),
    **{f"stress-{split.replace('_', '-')}": _stress(split) for split in STRESS_TESTS},
}


def suite_rows(suite: Suite) -> Iterator[NumberedRow]:
    """The rows of a suite: premise, hypothesis, label (a class name), and the column of `group_by`.

    Rows whose label is -1, on which annotators did not agree, are left out and counted in a note; the others
    keep their numbers.

    Raises:
        MissingExtraError: `datasets` is not installed.
        DataFileError: the hub cannot be reached, or the set is not what this table says.
    """
    data = _loaded(suite)
    theirs = [*suite.columns.values(), *([suite.group_by] if suite.group_by else [])]
    missing = [name for name in theirs if name not in data.column_names]
    if missing:
        raise DataFileError(
            f"{suite.dataset} has no column {missing[0]!r}; it has {', '.join(data.column_names)}"
        )
    _check_labels(suite, data)
    unlabelled = 0
    for number, row in enumerate(data, start=1):
        index = row[suite.columns["label"]]
        if index == -1:
            unlabelled += 1
            continue
        if index not in range(len(suite.labels)):
            raise DataFileError(
                f"{suite.dataset}: the label {index!r:.40} is not from 0 to {len(suite.labels) - 1}"
            )
        picked = {ours: row[name] for ours, name in suite.columns.items()} | {"label": suite.labels[index]}
        group = {suite.group_by: row[suite.group_by]} if suite.group_by else {}
        yield NumberedRow(picked | group, number)
    if unlabelled:
        logger.warning(
            "%s, %s: %d rows without a gold label are left out", suite.dataset, suite.split, unlabelled
        )


def _loaded(suite: Suite) -> Any:
    try:
        from datasets import load_dataset
    except ModuleNotFoundError as error:
        raise MissingExtraError("datasets", extra="train", purpose=f"reading {suite.dataset}") from error
    try:
        return load_dataset(suite.dataset, split=suite.split, revision=suite.revision)
    # Anything may fail between here and the hub, and what that raises differs between releases.
    except Exception as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise DataFileError(
            f"{suite.dataset} cannot be fetched from the hub ({why:.200}); check the network, or name a file"
        ) from error


def _check_labels(suite: Suite, data: Any) -> None:
    """Refuses a set that names its label numbers in another order than the table does."""
    stated = getattr(data.features[suite.columns["label"]], "names", None)
    if stated is not None and tuple(map(canonical, stated)) != suite.labels:
        raise DataFileError(
            f"{suite.dataset} says that its labels are {', '.join(stated)}, but {', '.join(suite.labels)} "
            "was expected; name a file whose labels are names"
        )
