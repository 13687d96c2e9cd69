"""Suites by name, on a stand-in for the hub."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from entailment.errors import DataFileError, MissingExtraError
from entailment.evaluate.suites import SUITES, suite_rows

Rows = Sequence[Mapping[str, object]]


class Hub:
    """Answers `datasets.load_dataset` with these rows."""

    def __init__(self, rows: Rows, names: Sequence[str] | None) -> None:
        self.rows = rows
        self.column_names = list(rows[0])
        self.features = {name: SimpleNamespace() for name in self.column_names}
        if names is not None:
            self.features["label"].names = list(names)
        self.asked: list[tuple[object, ...]] = []

    def __iter__(self) -> Iterator[Mapping[str, object]]:
        return iter(self.rows)

    def load(self, name: str, *, split: str, revision: str | None) -> Hub:
        self.asked.append((name, split, revision))
        return self


def standing_in(monkeypatch: pytest.MonkeyPatch, load: Any) -> None:
    module = ModuleType("datasets")
    module.load_dataset = load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", module)


def mnli(label: int) -> dict[str, object]:
    return {"premise": "p", "hypothesis": "h", "label": label, "genre": "fiction", "pairID": "1"}


def test_a_suite_is_read_by_name(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    hub = Hub([mnli(0), mnli(-1), mnli(2)], ["entailment", "neutral", "contradiction"])
    standing_in(monkeypatch, hub.load)
    with caplog.at_level(logging.WARNING, "entailment"):
        rows = list(suite_rows(SUITES["mnli-matched"]))
    assert rows == [
        {"premise": "p", "hypothesis": "h", "label": label, "genre": "fiction"}
        for label in ("entailment", "contradiction")
    ]
    assert [row.number for row in rows] == [1, 3]
    assert hub.asked == [("nyu-mll/multi_nli", "validation_matched", None)]
    assert "1 rows without a gold label are left out" in caplog.text


def test_other_columns_and_two_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    stress = {"sentence1": "p", "sentence2": "h", "label": 1, "dtype": "negation_matched"}
    standing_in(monkeypatch, Hub([stress], None).load)
    assert list(suite_rows(SUITES["stress-negation"])) == [
        {"premise": "p", "hypothesis": "h", "label": "neutral", "dtype": "negation_matched"}
    ]
    hans = {"premise": "p", "hypothesis": "h", "label": 1, "heuristic": "subsequence"}
    hub = Hub([hans], ["entailment", "non-entailment"])
    standing_in(monkeypatch, hub.load)
    assert next(suite_rows(SUITES["hans"]))["label"] == "not_entailment"
    assert hub.asked == [("jhu-cogsci/hans", "validation", "refs/convert/parquet")]


def test_another_order_of_labels_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    standing_in(monkeypatch, Hub([mnli(0)], ["contradiction", "neutral", "entailment"]).load)
    with pytest.raises(DataFileError, match="says that its labels are contradiction"):
        list(suite_rows(SUITES["snli"]))


def test_what_is_not_as_the_table_says(monkeypatch: pytest.MonkeyPatch) -> None:
    standing_in(monkeypatch, Hub([mnli(3)], None).load)
    with pytest.raises(DataFileError, match="the label 3 is not from 0 to 2"):
        list(suite_rows(SUITES["snli"]))
    standing_in(monkeypatch, Hub([{"text": "t", "label": 0}], None).load)
    with pytest.raises(DataFileError, match="has no column 'premise'; it has text, label"):
        list(suite_rows(SUITES["snli"]))


def test_no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ConnectionError("no\nroute")

    standing_in(monkeypatch, fail)
    with pytest.raises(DataFileError, match=r"facebook/anli cannot be fetched from the hub \(no route\)"):
        list(suite_rows(SUITES["anli-r1"]))
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtraError, match="reading facebook/anli needs datasets"):
        list(suite_rows(SUITES["anli-r1"]))
