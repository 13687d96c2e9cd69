"""Answers as JSON and as rows of a table, and what may be kept in them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entailment.errors import DataFileError, InputError, LabelsError, TemplateError
from entailment.scale.answers import Answer, Layout
from entailment.scale.folder import read_part, refusals_of, write_part
from entailment.scale.kept import Types, from_cell, kept_value, to_cell
from entailment.scale.tasks import Classify

LAYOUT = Layout({"id": "integer", "tags": "json"}, ("a", "b"), labels=True, abstains=True)
ANSWERS: list[Answer] = [
    {
        "row": 1,
        "id": 7,
        "tags": ["x", None],
        "label": "a",
        "score": 0.75,
        "labels": ["a", "b"],
        "scores": {"a": 0.75, "b": 0.5},
        "abstained": False,
        "truncated": {"read": 3, "total": 9},
    },
    {"row": 2, "refused": 'the "text" is\nblank', "id": None, "tags": None},
    {
        "row": 3,
        "id": 8,
        "tags": {"é": 1},
        "label": None,
        "score": None,
        "labels": [],
        "scores": {"a": 0.25, "b": 0.125},
        "abstained": True,
        "best": {"label": "a", "score": 0.25},
    },
]


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_parts_of_either_format_hold_the_same(tmp_path: Path, format: str) -> None:
    path = tmp_path / f"000001.{format}"
    write_part(path, ANSWERS, LAYOUT)
    found = list(read_part(path, LAYOUT))
    assert found == ANSWERS
    assert [list(answer) for answer in found] == [list(answer) for answer in ANSWERS]
    refused = refusals_of([path, path])
    assert (refused.count, refused.row, refused.why) == (2, 2, 'the "text" is\nblank')


def test_the_row_of_a_table() -> None:
    first, second, third = map(LAYOUT.cells, ANSWERS)
    assert list(first) == LAYOUT.columns
    assert (first["score:a"], first["score:b"], first["tags"], first["refused"]) == (
        0.75,
        0.5,
        '["x", null]',
        None,
    )
    assert {name for name, cell in second.items() if cell is not None} == {"row", "refused"}
    assert third["best"] == {"label": "a", "score": 0.25}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(JSON, max_size=5))
def test_what_is_kept_comes_back_from_a_column(values: list[object]) -> None:
    values = [value for value in values if value == json.loads(json.dumps(value))]
    types = Types(["c"])
    for value in values:
        types.see("c", value)
    type = types.found()["c"]
    for value in values:
        assert from_cell(to_cell(value, type), type) == value


@pytest.mark.parametrize(
    ("values", "type"),
    [
        ([], "text"),
        ([None, "a"], "text"),
        ([True, None], "boolean"),
        ([1, 2**62], "integer"),
        ([1, 0.5], "number"),
        ([2**62, 0.5], "json"),
        ([2**63], "json"),
        ([1, "1"], "json"),
        ([True, 1], "json"),
        ([[1]], "json"),
    ],
)
def test_the_type_of_a_column(values: list[object], type: str) -> None:
    types = Types(["c"])
    for value in values:
        types.see("c", value)
    assert types.found() == {"c": type}


def test_values_of_parquet_become_what_json_has() -> None:
    assert kept_value(datetime(2026, 6, 1, 12, tzinfo=UTC), "") == "2026-06-01T12:00:00+00:00"
    assert kept_value(date(2026, 6, 1), "") == "2026-06-01"
    assert kept_value(Decimal("1.10"), "") == "1.10"


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (b"x", "bytes"),
        (float("inf"), "inf"),
        ("\ud83d", "half a surrogate"),
        (["\udc00"], "half a surrogate"),
    ],
)
def test_values_that_cannot_be_kept(value: object, fault: str) -> None:
    with pytest.raises(DataFileError, match=f"row 3: id holds {fault}"):
        kept_value(value, "row 3: id")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"labels": []}, LabelsError),
        ({"labels": ["a", " "]}, LabelsError),
        ({"labels": "a,b"}, LabelsError),
        ({"labels": ["a"], "template": "no slot"}, TemplateError),
        ({"labels": ["a"], "threshold": 2}, InputError),
        ({"labels": ["a"], "multi_label": 1}, InputError),
    ],
)
def test_tasks_that_cannot_be(arguments: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Classify(**arguments)


def answered(found: dict[str, float], **options: Any) -> Answer:
    """The answer to a text with these scores, by falling score."""
    return Classify(sorted(found), **options)._answer(found, {})


def test_thresholds() -> None:
    scores = {"b": 0.6, "c": 0.5, "a": 0.4}
    assert answered(scores) == {"label": "b", "score": 0.6}
    assert answered(scores, threshold=0.6) == {"label": "b", "score": 0.6, "abstained": False}
    best = {"label": "b", "score": 0.6}
    assert answered(scores, threshold=0.7) == {"label": None, "score": None, "abstained": True, "best": best}
    assert answered(scores, multi_label=True)["labels"] == ["b", "c"]
    assert answered(scores, multi_label=True, threshold=0.4)["labels"] == ["b", "c", "a"]
    assert answered(scores, multi_label=True, threshold=0.7)["labels"] == []
    assert list(answered(scores, scores=True)["scores"]) == ["a", "b", "c"]
