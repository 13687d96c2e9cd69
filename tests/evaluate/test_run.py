from __future__ import annotations

import itertools
import json
import logging
import math
from pathlib import Path
from typing import Any

import pytest
from tests.tasks.pair_fakes import fake_model

from entailment.errors import DataFileError, InputError, LabelsError, TemplateError
from entailment.evaluate.fitting import fit_scaling
from entailment.evaluate.gold import NumberedRow
from entailment.evaluate.predict import predict_nli, predict_zero_shot
from entailment.evaluate.report import worst_mistakes
from entailment.evaluate.run import evaluate_nli, evaluate_zero_shot
from entailment.tasks.nli import NLI
from entailment.tasks.zero_shot import ZeroShotClassifier

KEYS = [
    "count",
    "accuracy",
    "macro_precision",
    "macro_recall",
    "macro_f1",
    "weighted_precision",
    "weighted_recall",
    "weighted_f1",
    "loss",
    "per_class",
    "confusion_matrix",
    "ece",
    "seconds",
    "samples_per_second",
]
# What the model believes of a hypothesis, as probabilities of entailment, neutral, contradiction.
BELIEFS = {"yes": (0.7, 0.2, 0.1), "maybe": (0.3, 0.6, 0.1), "no": (0.1, 0.1, 0.8), "torn": (0.4, 0.3, 0.3)}


def believe(_: str, hypothesis: str) -> list[float]:
    return [math.log(p) for p in BELIEFS[hypothesis]]


def row(hypothesis: str, label: object) -> dict[str, object]:
    return {"premise": "p", "hypothesis": hypothesis, "label": label}


ROWS = [
    row("yes", "entailment"),
    row("yes", "Neutral"),
    row("maybe", "NEUTRAL"),
    row("no", "contradictory"),
    row("torn", "contradiction"),
]


def test_a_cut_is_noted_without_the_answers_that_nobody_sees(caplog: pytest.LogCaptureFixture) -> None:
    model = fake_model(lambda *_: (0.0, 0.0, 0.0), room=20)
    with caplog.at_level(logging.WARNING, "entailment"):
        evaluate_nli(model, [{"premise": "p" * 30, "hypothesis": "h", "label": "neutral"}])
        evaluate_zero_shot(
            model, [{"text": "t" * 30, "label": "a"}, {"text": "u", "label": "b"}], template="{}"
        )
    assert [record.getMessage() for record in caplog.records] == [
        f"{what} is longer than the model reads: 20 of 30 characters were read; this note comes once"
        for what in ("the premise of pair 1", "text 1")
    ]


def test_three_classes() -> None:
    result = evaluate_nli(fake_model(believe), ROWS)
    assert result.count == 5
    assert result.classes == ("entailment", "neutral", "contradiction")
    assert result.confusion_matrix == ((1, 0, 0), (1, 1, 0), (1, 0, 1))
    assert result.accuracy == 0.6
    assert result.macro_precision == pytest.approx((1 / 3 + 1 + 1) / 3)
    assert result.macro_recall == pytest.approx((1 + 1 / 2 + 1 / 2) / 3)
    assert result.macro_f1 == pytest.approx((2 / 4 + 2 / 3 + 2 / 3) / 3)
    assert result.per_class["neutral"].support == 2
    assert result.ece == pytest.approx((abs(1 - 1.4) + abs(1 - 0.6) + abs(1 - 0.8) + abs(0 - 0.4)) / 5)
    assert result.loss == pytest.approx(-sum(map(math.log, (0.7, 0.2, 0.6, 0.8, 0.3))) / 5)
    assert result.weighted_recall == result.accuracy
    assert result.weighted_precision == pytest.approx((1 * 1 / 3 + 2 * 1 + 2 * 1) / 5)
    assert result.samples_per_second == pytest.approx(5 / result.seconds)


def test_a_mistake_says_the_row_it_stands_in() -> None:
    rows = [NumberedRow(each, number) for each, number in zip(ROWS, (1, 2, 5, 6, 9), strict=True)]
    for given, numbers in ((ROWS, [2, 5]), (rows, [2, 9])):
        found = predict_nli(fake_model(believe), given, keep_texts=True)
        assert [each.row for each in worst_mistakes(found, 20)] == numbers
    assert predict_nli(fake_model(believe), rows).numbers == ()
    texts = [{"text": "t", "label": label} for label in ("a", "b", "b")]
    told = predict_zero_shot(fake_model(lambda *_: (0.0, 0.0, 0.0)), texts, template="{}", keep_texts=True)
    assert [each.row for each in worst_mistakes(told, 20)] == [2, 3]


def test_to_dict_is_json_with_the_keys_promised() -> None:
    plain = evaluate_nli(NLI(fake_model(believe)), ROWS).to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert [key for key in plain if key != "classes"] == KEYS
    assert plain["classes"] == ["entailment", "neutral", "contradiction"]
    assert plain["confusion_matrix"] == [[1, 0, 0], [1, 1, 0], [1, 0, 1]]
    assert plain["per_class"]["contradiction"] == {  # type: ignore[index]
        "precision": 1.0,
        "recall": 0.5,
        "f1": pytest.approx(2 / 3),
        "support": 2,
    }


@pytest.mark.parametrize("names", list(itertools.permutations(["entailment", "neutral", "contradiction"])))
def test_the_order_of_the_logits_changes_nothing(names: tuple[str, ...]) -> None:
    def belief(premise: str, hypothesis: str) -> list[float]:
        by_name = dict(
            zip(("entailment", "neutral", "contradiction"), believe(premise, hypothesis), strict=True)
        )
        return [by_name[name] for name in names]

    ours, plain = evaluate_nli(fake_model(belief, names), ROWS), evaluate_nli(fake_model(believe), ROWS)
    assert ours.confusion_matrix == plain.confusion_matrix
    assert ours.ece == pytest.approx(plain.ece)


def test_two_class_gold_folds_by_adding_probabilities() -> None:
    rows = [
        row("yes", "entailment"),
        row("maybe", "not_entailment"),
        row("no", "not-entailment"),
        row("torn", "Not Entailment"),  # argmax of three would say entailment; 0.3 + 0.3 outweighs 0.4
        row("torn", "entailment"),
    ]
    result = evaluate_nli(fake_model(believe), rows)
    assert result.classes == ("entailment", "not_entailment")
    assert result.confusion_matrix == ((1, 1), (0, 3))
    assert result.accuracy == 0.8
    confidence = [0.7, 0.7, 0.9, 0.6, 0.6]
    assert result.ece == pytest.approx((abs(2 - 1.4) + abs(1 - 0.9) + abs(1 - 1.2)) / 5)
    assert len(confidence) == result.count


def test_three_class_gold_with_a_two_class_model(caplog: pytest.LogCaptureFixture) -> None:
    logits = {"yes": (0.0, 2.0), "maybe": (1.0, 0.0), "no": (3.0, 0.0), "torn": (0.0, 0.1)}
    model = fake_model(lambda _, h: logits[h], ("not_entailment", "entailment"))
    with caplog.at_level(logging.WARNING, "entailment"):
        result = evaluate_nli(model, ROWS)
    assert result.classes == ("entailment", "not_entailment")
    assert result.confusion_matrix == ((1, 0), (2, 2))
    assert "folded" in caplog.text


def test_a_model_without_neutral_is_folded_for_rows_that_have_it() -> None:
    logits = {"yes": (2.0, 0.0), "maybe": (0.0, 1.0), "no": (0.0, 3.0), "torn": (0.1, 0.0)}
    model = fake_model(lambda _, h: logits[h], ("entailment", "contradiction"))
    result = evaluate_nli(model, ROWS)
    assert result.classes == ("entailment", "not_entailment")
    assert result.confusion_matrix == ((1, 0), (2, 2))
    assert result.loss < 2
    # Rows that it can answer keep its own classes, which a calibration is fitted to.
    known = [one for one in ROWS if str(one["label"]).lower() != "neutral"]
    found = predict_nli(model, known)
    assert [found.classes[index] for index in found.predicted] == [
        "entailment",
        "contradiction",
        "entailment",
    ]
    assert fit_scaling(found, model.order.names, data="d").rows == 3


def test_number_labels_need_names() -> None:
    rows = [row("yes", 0), row("maybe", "1"), row("no", 2.0)]
    with pytest.raises(DataFileError, match=r"row 1: the label 0 is a number.*label_names="):
        evaluate_nli(fake_model(believe), rows)
    names = ["entailment", "neutral", "contradiction"]
    assert evaluate_nli(fake_model(believe), rows, label_names=names).accuracy == 1.0
    with pytest.raises(DataFileError, match=r"row 1: the label -1 is not from 0 to 2"):
        evaluate_nli(fake_model(believe), [row("yes", -1)], label_names=names)


@pytest.mark.parametrize(
    "names", [["entailment", "entailment"], ["entailment", "perhaps"], "entailment", ["entailment", 1]]
)
def test_bad_label_names(names: list[str]) -> None:
    with pytest.raises(LabelsError, match="must name each class once"):
        evaluate_nli(fake_model(believe), ROWS, label_names=names)


@pytest.mark.parametrize("label", ["-", "", "maybe", None, True, 1.5, ["entailment"], "hidden"])
def test_bad_gold_labels_name_row_and_value(label: object) -> None:
    with pytest.raises(DataFileError) as error:
        evaluate_nli(fake_model(believe), [*ROWS, row("yes", label)])
    assert str(error.value).startswith(f"row 6: the label {label!r} is not")


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"premise": "p", "label": "neutral"}, "row 1 has no column 'hypothesis'; it has 'premise', 'label'"),
        ({"premise": " ", "hypothesis": "h", "label": "neutral"}, "row 1: the premise is empty"),
        (
            {"premise": "p", "hypothesis": None, "label": "neutral"},
            "row 1: the hypothesis is not a text but None",
        ),
        ({"premise": "p", "hypothesis": "h"}, "row 1 has no column 'label'"),
        ({}, "it has none"),
    ],
)
def test_bad_rows(bad: dict[str, object], says: str) -> None:
    with pytest.raises(DataFileError) as error:
        evaluate_nli(fake_model(believe), [bad])
    assert says in str(error.value)


def test_limit_and_progress() -> None:
    done: list[int] = []
    endless = itertools.cycle(ROWS)
    assert evaluate_nli(fake_model(believe), endless, 7, progress=done.append).count == 7
    assert done == [1, 2, 3, 4, 5, 6, 7]
    for limit in (0, -1, 1.5, True):
        with pytest.raises(InputError, match="limit"):
            evaluate_nli(fake_model(believe), ROWS, limit)  # type: ignore[arg-type]


@pytest.mark.parametrize("limit", [0, "5"])
@pytest.mark.parametrize("labels", [None, ["a", "b"]])
def test_a_limit_that_is_none_is_refused_before_rows_are_read(limit: Any, labels: list[str] | None) -> None:
    with pytest.raises(InputError, match=f"limit must be a positive whole number, not {limit!r}"):
        evaluate_zero_shot(fake_model(letters), iter(TEXTS), labels, limit=limit)


def test_no_rows() -> None:
    with pytest.raises(DataFileError, match="no rows"):
        evaluate_nli(fake_model(believe), [])
    for labels in (None, ["a", "b"]):
        with pytest.raises(DataFileError, match="no rows"):
            evaluate_zero_shot(fake_model(believe), [], labels)


TEXTS: list[dict[str, object]] = [
    {"text": "aa", "label": "a"},
    {"text": "ab", "label": "b"},
    {"text": "bb", "label": "B"},
    {"text": "c", "label": "c"},
]


def letters(premise: str, hypothesis: str) -> tuple[float, float, float]:
    """Entailed if the last word of the hypothesis begins the text."""
    return (2.0 if premise.startswith(hypothesis[-1]) else 0.0, 0.0, 0.0)


def test_zero_shot() -> None:
    result = evaluate_zero_shot(fake_model(letters), TEXTS, ["a", "b", "c", "d"], "Letter {}")
    assert result.classes == ("a", "b", "c", "d")
    assert result.confusion_matrix == ((1, 0, 0, 0), (1, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 0))
    assert result.accuracy == 0.75
    assert result.macro_f1 == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    confidence = math.e**2 / (math.e**2 + 3)
    assert result.ece == pytest.approx(abs(0.75 - confidence))
    done: list[int] = []
    ours = evaluate_zero_shot(
        ZeroShotClassifier(fake_model(letters)), iter(TEXTS), "a,b,c,d", "Letter {}", 2, progress=done.append
    )
    assert ours.accuracy == 0.5
    assert done == [1, 2]


def test_zero_shot_takes_the_labels_of_all_rows() -> None:
    rows = [{**one, "label": str(one["label"]).lower()} for one in TEXTS]
    result = evaluate_zero_shot(fake_model(letters), iter(rows), template="Letter {}", limit=2)
    assert result.classes == ("a", "b", "c")
    assert result.count == 2


@pytest.mark.parametrize("labels", [None, ["a"], ["a", " a "]])
def test_one_candidate_measures_nothing(labels: list[str] | None) -> None:
    with pytest.raises(LabelsError, match="one candidate label, 'a', so every answer is right"):
        evaluate_zero_shot(fake_model(letters), TEXTS[:1], labels)


def test_gold_labels_beside_the_candidates_are_refused() -> None:
    with pytest.raises(DataFileError) as error:
        evaluate_zero_shot(fake_model(letters), [*TEXTS, {"text": "e", "label": "e"}], ["a", "b", "c"])
    assert str(error.value) == "row 5: the label 'e' is none of the candidate labels: 'a', 'b', 'c'"


def test_candidates_that_differ_in_case_match_exactly_only() -> None:
    rows: list[dict[str, object]] = [{"text": "bb", "label": "b"}]
    assert evaluate_zero_shot(fake_model(letters), rows, ["B", "b"], "{}").confusion_matrix == (
        (0, 0),
        (0, 1),
    )
    with pytest.raises(DataFileError):
        evaluate_zero_shot(fake_model(letters), [{"text": "bb", "label": "b "}], ["B", "b"], "{}")


def test_zero_shot_arguments() -> None:
    model = fake_model(letters)
    with pytest.raises(TemplateError):
        evaluate_zero_shot(model, TEXTS, ["a", "b", "c"], "no slot")
    with pytest.raises(LabelsError):
        evaluate_zero_shot(model, TEXTS, ["a", ""])
    with pytest.raises(InputError, match="one list of labels"):
        evaluate_zero_shot(model, TEXTS, [["a"], ["b"]])  # type: ignore[list-item]
    with pytest.raises(DataFileError, match="row 1: the label 3 is a number"):
        evaluate_zero_shot(model, [{"text": "t", "label": 3}])
    with pytest.raises(DataFileError, match="row 1 has no column 'text'"):
        evaluate_zero_shot(model, [{"label": "a"}], ["a", "b"])


class Table(list[str]):
    """A table gives the names of its columns when it is iterated over."""

    columns = ("premise", "hypothesis", "label")


@pytest.mark.parametrize(
    "rows", [None, 3, "pairs.jsonl", Path("pairs.jsonl"), {"premise": "p"}, Table(Table.columns)]
)
def test_what_holds_no_rows_is_refused_before_a_model_is_opened(rows: Any) -> None:
    for evaluate in (evaluate_nli, evaluate_zero_shot):
        with pytest.raises(InputError, match=r"rows is .*; it must be a list or another iterable of rows"):
            evaluate("no/such-model", rows)
