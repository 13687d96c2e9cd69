"""What was measured: from the files of `entail evaluate` to results.json, and from there to a card."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from entailment.checkpoint.json_files import read_json
from entailment.checkpoint.labels import canonical
from entailment.errors import CorruptCheckpointError, DataFileError
from entailment.evaluate.cards import records
from entailment.evaluate.cards.records import Record
from entailment.evaluate.report import Task
from entailment.evaluate.suites import SUITES

RESULTS_FILE = "results.json"

#: By their names in an `Evaluation`: what a card calls them.
MEASURES = {
    "accuracy": "accuracy",
    "macro_precision": "macro precision",
    "macro_recall": "macro recall",
    "macro_f1": "macro F1",
    "loss": "loss",
    "ece": "calibration error",
}
#: Of every result; the others may be missing.
NEEDED = ("accuracy", "macro_f1", "ece")
DIGITS = 4

_LOG = logging.getLogger("entailment")
_DATA_SUFFIXES = (".parquet", ".csv", ".jsonl")


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a model was measured to do on one data set.

    Attributes:
        name: of the data set.
        task: which question was asked about each row.
        count: rows.
        measures: those of `MEASURES` that were recorded.
        file: the file that holds the rows, if stated.
        dataset, split: where they lie on the hub, likewise.
        template: of the hypotheses, if stated; for zero-shot classification alone.
        labels: how many, likewise.
        version: of this package, if stated.
        weights: the fingerprint of those that were measured, if stated.
        calibration: what of `calibration.json` was in use (`entailment.evaluate.report.calibrated_by`); None
            for nothing, or where the weights are not stated either.
    """

    name: str
    task: Task
    count: int
    measures: Mapping[str, float]
    file: str | None = None
    dataset: str | None = None
    split: str | None = None
    template: str | None = None
    labels: int | None = None
    version: str | None = None
    weights: str | None = None
    calibration: Mapping[str, Any] | None = None


def read_results(folder: Path) -> tuple[Result, ...]:
    """The results beside a checkpoint, in the order in which they are shown; none where there is no file.

    Raises:
        CorruptCheckpointError: results.json is damaged.
    """
    path = folder / RESULTS_FILE
    if not path.is_file():
        return ()
    try:
        recorded = read_json(path)
        found = [as_result(name, records.part(recorded, name)) for name in recorded]
    except CorruptCheckpointError as error:
        raise CorruptCheckpointError(f"{path}: {error}; measure again") from error
    return tuple(sorted(found, key=lambda each: (each.task, each.name)))


def read_evaluations(paths: Iterable[Path], model: str) -> dict[str, dict[str, Any]]:
    """What results.json records of evaluations, by the name of their data.

    One that says it measured a model of another name is taken, too, as a folder may be renamed; it is logged.

    Args:
        model: the name of the model's folder.
        paths: each a report.json of `entail evaluate --report`, or a file with what `entail evaluate --json`
            printed; one that does not state its data is named after them.

    Raises:
        DataFileError: a file cannot be read or is none of these, two are of the same data, or one was not
            measured in float32.
    """
    results: dict[str, dict[str, Any]] = {}
    for path in paths:
        measured, name, result = _evaluation(path)
        if measured is not None and PurePath(measured).name != model:
            _LOG.warning("%s measured %s, and this is %s", path, measured, model)
        if name in results:
            raise DataFileError(f"{path} is a second evaluation on {name}; leave one of them out")
        results[name] = result
    return results


def kept(measures: Mapping[str, object]) -> dict[str, float]:
    """The measures that a card shows, rounded as it shows them.

    Raises:
        CorruptCheckpointError: one is no number.
    """
    found = {key: records.number(measures, key) for key in MEASURES}
    return {key: round(value, DIGITS) for key, value in found.items() if value is not None}


def as_result(name: str, record: Record) -> Result:
    """A result as results.json records it.

    Raises:
        CorruptCheckpointError: it is none.
    """
    template = records.text(record, "template")
    task = records.text(record, "task") or ("nli" if template is None else "zero-shot")
    count, measures = records.count(record, "count"), kept(record)
    missing = [key for key in NEEDED if key not in measures]
    if count is None or missing or task not in ("nli", "zero-shot"):
        raise CorruptCheckpointError(f"{name!r:.80} is no result with count, {', '.join(NEEDED)}")
    beyond = next(
        (key for key, value in measures.items() if value < 0 or (value > 1 and key != "loss")), None
    )
    if beyond is not None:
        raise CorruptCheckpointError(
            f"{beyond} of {name!r:.80} is {measures[beyond]}, and no share from 0 to 1"
        )
    return Result(
        name=name,
        task="nli" if task == "nli" else "zero-shot",
        count=count,
        measures=measures,
        file=records.text(record, "file"),
        dataset=records.text(record, "dataset"),
        split=records.text(record, "split"),
        template=template,
        labels=records.count(record, "labels"),
        version=records.text(record, "version"),
        weights=records.text(record, "weights"),
        calibration=records.part(record, "calibration") or None,
    )


def _evaluation(path: Path) -> tuple[str | None, str, dict[str, Any]]:
    """The name of the model, that of the data, and the result."""
    value = _json(path)
    try:
        subject = records.part(value, "subject")
        measured = records.part(value, "evaluation") or value
        model = records.text(subject, "model")
        data = PurePath(records.text(subject, "data") or path.with_suffix("").name)
        name = data.stem if data.suffix.lower() in _DATA_SUFFIXES else data.name
        classes = measured.get("classes") or []
        inferences = all(canonical(each) is not None for each in classes)
        task = records.text(subject, "task") or ("nli" if inferences else "zero-shot")
        result: dict[str, Any] = {"task": task, "count": records.count(measured, "count"), **kept(measured)}
        if task != "nli":
            result |= {"labels": len(classes), "template": records.text(subject, "template")}
        if (suite := SUITES.get(records.text(subject, "data") or "")) is not None:
            result |= {"dataset": suite.dataset, "split": suite.split}
        result |= {key: records.text(subject, key) for key in ("version", "weights")}
        result["calibration"] = records.part(subject, "calibration") or None
        result = {key: found for key, found in result.items() if found is not None}
        as_result(name, result)
        precision = records.text(subject, "precision")
    except (CorruptCheckpointError, TypeError) as error:
        raise DataFileError(
            f"{path} is no evaluation ({error}); make one with `entail evaluate MODEL --data FILE --report "
            "FOLDER`, and give its report.json"
        ) from error
    if precision not in (None, "float32"):
        raise DataFileError(
            f"{path} was measured in {precision}, and a card says what a model does in float32; measure it "
            "again with --precision float32"
        )
    return model, name, result


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataFileError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise DataFileError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise DataFileError(f"{path} is no evaluation: it holds a {type(value).__name__}, not an object")
    return value
