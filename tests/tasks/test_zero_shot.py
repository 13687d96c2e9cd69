from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tasks.pair_fakes import by_word, engine_of, fake_model

from entailment.errors import (
    InputError,
    LabelOrderError,
    LabelsError,
    NonFiniteLogitsError,
    TemplateError,
    TextError,
)
from entailment.tasks.zero_shot import ZeroShotClassifier

TEXT = "politics and sports and sports"
LOGITS = {
    "This example is sports.": (3.0, 0.5, -1.0),
    "This example is politics.": (1.0, 0.0, 2.0),
    "This example is cooking.": (-2.0, 0.0, 4.0),
}


def believer(**options: object) -> ZeroShotClassifier:
    return ZeroShotClassifier(fake_model(lambda _, hypothesis: LOGITS[hypothesis], **options))  # type: ignore[arg-type]


def softmax(*logits: float) -> list[float]:
    powers = [math.exp(x) for x in logits]
    return [power / sum(powers) for power in powers]


def test_one_text_one_label_set_softmax_over_entailment() -> None:
    answer = believer()("t", ["politics", "sports", "cooking"])
    assert list(answer) == ["sequence", "labels", "scores"]
    assert answer["sequence"] == "t"
    assert answer["labels"] == ["sports", "politics", "cooking"]
    assert answer["scores"] == pytest.approx(softmax(3.0, 1.0, -2.0))
    assert all(type(score) is float for score in answer["scores"])


def test_multi_label_is_entailment_against_contradiction() -> None:
    answer = believer()("t", ["politics", "sports", "cooking"], multi_label=True)
    expected = {
        "sports": softmax(3.0, -1.0)[0],
        "politics": softmax(1.0, 2.0)[0],
        "cooking": softmax(-2.0, 4.0)[0],
    }
    assert dict(zip(answer["labels"], answer["scores"], strict=True)) == pytest.approx(expected)


@pytest.mark.parametrize("names", list(itertools.permutations(["entailment", "neutral", "contradiction"])))
@pytest.mark.parametrize("multi_label", [False, True])
def test_logits_are_found_by_name(names: tuple[str, ...], multi_label: bool) -> None:
    def belief(_: str, hypothesis: str) -> list[float]:
        by_name = dict(zip(("entailment", "neutral", "contradiction"), LOGITS[hypothesis], strict=True))
        return [by_name[name] for name in names]

    labels = ["politics", "sports", "cooking"]
    ours = ZeroShotClassifier(fake_model(belief, names))("t", labels, multi_label=multi_label)
    assert ours == believer()("t", labels, multi_label=multi_label)


@pytest.mark.parametrize("names", [("entailment", "not_entailment"), ("not_entailment", "entailment")])
def test_two_class_models(names: tuple[str, ...]) -> None:
    logits = {"This example is a.": (2.0, 1.0), "This example is b.": (0.0, 1.0)}
    at = names.index("entailment")
    model = fake_model(lambda _, h: (logits[h][at], logits[h][1 - at]), names)
    classifier = ZeroShotClassifier(model)
    assert classifier("t", ["b", "a"])["scores"] == pytest.approx(softmax(2.0, 0.0))
    multi = classifier("t", ["b", "a"], multi_label=True)
    assert multi["labels"] == ["a", "b"]
    assert multi["scores"] == pytest.approx([softmax(2.0, 1.0)[0], softmax(0.0, 1.0)[0]])


def test_a_single_label_is_scored_on_its_own() -> None:
    assert believer()("t", "sports")["scores"] == pytest.approx([softmax(3.0, -1.0)[0]])


def test_one_text_gives_a_dictionary_and_a_list_a_list() -> None:
    classifier = believer()
    one = classifier("t", ["sports", "politics"])
    assert classifier(["t"], ["sports", "politics"]) == [one]
    assert classifier(["t", "t"], ["sports", "politics"]) == [one, one]
    assert classifier([], ["sports"]) == []
    assert classifier((text for text in ("t",)), ["sports", "politics"]) == [one]


def test_ways_to_give_labels() -> None:
    classifier = believer()
    expected = classifier("t", ["sports", "politics"])
    assert classifier("t", "sports, politics") == expected
    assert classifier("t", candidate_labels=["sports", "politics"]) == expected
    assert classifier("t", candidate_labels=["sports", "politics"], batch_size=8) == expected
    assert classifier("t", labels=("sports", "politics")) == expected
    assert classifier("t", np.array(["sports", "politics"])) == expected
    assert classifier("t", (label for label in ("sports", "politics"))) == expected


@pytest.mark.parametrize("multi_label", [False, True])
def test_ties_keep_the_order_given(multi_label: bool) -> None:
    classifier = ZeroShotClassifier(fake_model(lambda p, h: (len(h) % 3, 0.0, 0.0)))
    labels = ["l" * (1 + i * 7 % 100) for i in range(100)]
    answer = classifier("t", labels, hypothesis_template="{}", multi_label=multi_label)
    assert answer["labels"] == sorted(labels, key=lambda label: -(len(label) % 3))


@pytest.mark.parametrize("multi_label", [False, True])
def test_huge_logits_neither_overflow_nor_divide_by_zero(multi_label: bool) -> None:
    size = {"This example is a.": 3e4, "This example is b.": -3e4}
    classifier = ZeroShotClassifier(fake_model(lambda _, h: (size[h], 0.0, -size[h])))
    answer = classifier("t", ["b", "a"], multi_label=multi_label)
    assert answer["labels"] == ["a", "b"]
    assert answer["scores"] == [1.0, 0.0]


def test_duplicates_are_merged_with_one_note(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "entailment"):
        answers = believer()(["t", "t"], ["sports", "politics", "sports", "sports "])
    assert [answer["labels"] for answer in answers] == [["sports", "politics"]] * 2
    assert sum(answers[0]["scores"]) == pytest.approx(1.0)
    (record,) = caplog.records
    assert "'sports' was given more than once" in record.getMessage()


@pytest.mark.parametrize(("labels", "times"), [(["a", "b"], 1), ([["a", "b"]] * 7, 7)])
def test_labels_are_compared_once_a_set(labels: Any, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[str, ...]] = []
    monkeypatch.setattr("entailment.tasks.zero_shot.note_alike", lambda labels, *_: compared.append(labels))
    answers = ZeroShotClassifier(fake_model(by_word)).stream(["t"] * 7, labels, chunk_size=2)
    assert len(list(answers)) == 7
    assert compared == [("a", "b")] * times


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ([], "no candidate labels"),
        ("", "is empty"),
        ("sports,,politics", "label 2 of 3 is empty"),
        (["sports", "  "], "label 2 of 2 is empty"),
        (["sports", 3], "label 2 of 2 is 3 (int)"),
        ([3], "label 1 of 1 is 3 (int)"),
        ([None], "label 1 of 1 is None"),
        (None, "no candidate labels"),
        (7, "must be a list of texts"),
        ({"sports": 1}, "not dict"),
        (b"sports", "not bytes"),
        (["sports", ["politics"]], "label 2 of 2 is ['politics'] (list)"),
        ([["sports"], "politics"], "every text needs one"),
        ([[]], "labels of text 1: there are no candidate labels"),
        ([["sports", ""]], "labels of text 1: label 2 of 2 is empty"),
        ([["sports"]], "more texts than the 1 list of labels"),
        ([["sports"], ["sports"], ["sports"]], "more lists of labels than the 2 texts"),
    ],
)
def test_bad_labels_are_refused(labels: object, says: str) -> None:
    with pytest.raises(LabelsError) as error:
        believer()(["t", "t"], labels)  # type: ignore[call-overload]
    assert says in str(error.value)


def test_both_names_of_the_labels_are_refused() -> None:
    with pytest.raises(LabelsError, match="two names"):
        believer()("t", ["sports"], candidate_labels=["sports"])


def test_each_text_against_its_own_labels() -> None:
    classifier = believer()
    answers = classifier(["t", "u"], [["sports", "politics"], ["cooking", "politics", "sports"]])
    assert answers[0] == classifier("t", ["sports", "politics"])
    assert answers[1] == classifier("u", ["cooking", "politics", "sports"])
    assert classifier("t", [["sports", "politics"]]) == answers[0]


@pytest.mark.parametrize(
    "template",
    ["no slot", "{} and {}", "{0}", "{label}", "{!r}", "{:>9}", "broken {", "broken }", "{{}}", "", "{:{}}"],
)
def test_broken_templates_are_refused_by_name(template: str) -> None:
    with pytest.raises(TemplateError) as error:
        believer()("t", ["sports"], hypothesis_template=template)
    assert repr(template) in str(error.value)
    assert "exactly one {}" in str(error.value)


def test_template_of_another_type() -> None:
    with pytest.raises(TemplateError, match="not int"):
        believer()("t", ["sports"], hypothesis_template=3)  # type: ignore[call-overload]


def test_template_with_escaped_braces_and_labels_with_braces() -> None:
    seen = []

    def belief(_: str, hypothesis: str) -> tuple[float, float, float]:
        seen.append(hypothesis)
        return 0.0, 0.0, 0.0

    ZeroShotClassifier(fake_model(belief))("t", ["{0}", "a}"], hypothesis_template="{{it}} is {}{{.}}")
    assert seen == ["{it} is {0}{.}", "{it} is a}{.}"]


def test_threshold_of_a_single_choice() -> None:
    classifier = believer()
    full = classifier("t", ["politics", "sports"])
    best = full["scores"][0]
    assert classifier("t", ["politics", "sports"], threshold=best) == {**full, "abstained": False}
    assert classifier("t", ["politics", "sports"], threshold=np.nextafter(best, 1)) == {
        "sequence": "t",
        "labels": [],
        "scores": [],
        "abstained": True,
        "best": {"label": "sports", "score": best},
    }


def test_threshold_of_many_labels_keeps_those_above() -> None:
    classifier = believer()
    labels = ["politics", "sports", "cooking"]
    full = classifier("t", labels, multi_label=True)
    kept = classifier("t", labels, multi_label=True, threshold=full["scores"][1])
    assert kept == {
        "sequence": "t",
        "labels": full["labels"][:2],
        "scores": full["scores"][:2],
        "abstained": False,
    }
    none = classifier("t", ["cooking", "politics"], multi_label=True, threshold=0.9)
    assert none["labels"] == []
    assert none["scores"] == []
    assert none["abstained"] is True
    assert none["best"]["label"] == "politics"
    assert classifier("t", labels, multi_label=True, threshold=0)["labels"] == full["labels"]


@pytest.mark.parametrize("threshold", [-0.1, 1.1, math.nan, math.inf, True, "0.5"])
def test_bad_thresholds(threshold: object) -> None:
    with pytest.raises(InputError, match="threshold must be a number from 0 to 1"):
        believer()("t", ["sports"], threshold=threshold)  # type: ignore[call-overload]


@pytest.mark.parametrize("multi_label", ["yes", "", 1, None])
def test_multi_label_is_true_or_false(multi_label: Any) -> None:
    for call in (believer(), believer().stream):
        with pytest.raises(InputError, match="multi_label must be True or False, not"):
            call(["t"], ["sports"], multi_label=multi_label)
    yes: Any = np.True_
    labels = ["sports", "cooking"]
    assert believer()("t", labels, multi_label=yes) == believer()("t", labels, multi_label=True)


def test_texts_and_labels_of_numpy_become_plain() -> None:
    labels: Any = np.array(["sports", "politics"])
    for answer in (*believer()(np.array(["t", "u"]), labels), believer()(np.str_("t"), list(labels))):
        assert {type(text) for text in (answer["sequence"], *answer["labels"])} == {str}


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ("", "text 1 is empty"),
        (" \n", "text 1 is empty"),
        (["t", ""], "text 2 is empty"),
        (["t", None], "text 2 is not a text but None"),
        (7, "not int"),
        (b"t", "not bytes"),
        ({"t": "u"}, "not dict"),
    ],
)
def test_bad_texts(texts: object, says: str) -> None:
    with pytest.raises(TextError) as error:
        believer()(texts, ["sports"])  # type: ignore[call-overload]
    assert says in str(error.value)


def test_truncation_is_in_the_answer_and_noted_once(caplog: pytest.LogCaptureFixture) -> None:
    classifier = ZeroShotClassifier(fake_model(by_word, room=30))
    with caplog.at_level(logging.WARNING, "entailment"):
        short, long, longer = classifier(["short", "l" * 40, "l" * 1_000_000], ["sports", "politics"])
    assert "truncated" not in short
    assert long["truncated"] == {"read": 30, "total": 40}
    assert longer["truncated"] == {"read": 30, "total": 1_000_000}
    (record,) = caplog.records
    assert "text 2 is longer than the model reads: 30 of 40 characters" in record.getMessage()
    assert "the field `truncated` of each answer says so" in record.getMessage()


def test_the_largest_cut_is_reported() -> None:
    classifier = ZeroShotClassifier(fake_model(by_word, room=10, shared_room=True))
    answer = classifier("t" * 50, ["a", "abc", "ab"], hypothesis_template="{}")
    assert answer["truncated"] == {"read": 7, "total": 50}


def test_a_hypothesis_too_long_names_text_and_label() -> None:
    classifier = ZeroShotClassifier(fake_model(by_word, room=30))
    with pytest.raises(TextError) as error:
        list(classifier.stream(["a", "b"], [["x"], ["x", "y" * 40]], chunk_size=1))
    assert str(error.value).startswith(f"text 2 with the label '{'y' * 40}': the hypothesis has 57 tokens")


def test_errors_come_before_the_first_text_is_read() -> None:
    def never() -> Iterator[str]:
        raise AssertionError
        yield ""

    classifier = believer()
    with pytest.raises(TemplateError):
        classifier.stream(never(), ["sports"], hypothesis_template="x")
    with pytest.raises(LabelsError):
        classifier.stream(never(), [])
    with pytest.raises(InputError, match="chunk_size"):
        classifier.stream(never(), ["sports"], chunk_size=0)


def test_stream_reads_no_further_than_a_chunk() -> None:
    read = itertools.count()
    model = fake_model(by_word)
    endless = (f"text {next(read)}" for _ in itertools.count())
    answers = ZeroShotClassifier(model).stream(endless, ["sports", "text"], chunk_size=10)
    assert [next(answers)["sequence"] for _ in range(25)] == [f"text {i}" for i in range(25)]
    assert next(read) == 30
    assert engine_of(model).calls == [20, 20, 20]


def test_stream_takes_endless_labels_with_endless_texts() -> None:
    texts = (f"text {i}" for i in itertools.count())
    labels = ([f"{i}", "x"] for i in itertools.count())
    answers = ZeroShotClassifier(fake_model(by_word)).stream(texts, labels)
    assert [next(answers)["labels"][0] for _ in range(300)] == [f"{i}" for i in range(300)]


def test_many_labels_and_long_texts_make_small_chunks() -> None:
    model = fake_model(by_word)
    labels = [f"label {i}" for i in range(3000)]
    list(ZeroShotClassifier(model).stream(["a", "b", "c", "d"], labels))
    assert engine_of(model).calls == [9000, 3000]
    model = fake_model(by_word)
    list(ZeroShotClassifier(model).stream(["a " * 1_500_000] * 3, ["x"]))
    assert engine_of(model).calls == [2, 1]


def test_an_unknown_label_order_is_refused() -> None:
    with pytest.raises(LabelOrderError, match="1 logit "):
        ZeroShotClassifier(fake_model(lambda p, h: (1.0,), None, num_labels=1))


def test_errors_of_the_engine_pass_through() -> None:
    def belief(premise: str, hypothesis: str) -> tuple[float, float, float]:
        raise NonFiniteLogitsError("NaN")

    with pytest.raises(NonFiniteLogitsError):
        ZeroShotClassifier(fake_model(belief))("t", ["a"])


def test_options_of_load_model_are_refused_with_an_open_model() -> None:
    with pytest.raises(InputError, match="belong to load_model"):
        ZeroShotClassifier(fake_model(by_word), threads=2)


logit = st.floats(-50, 50, width=32)


@settings(max_examples=60, deadline=None)
@given(
    table=st.lists(st.tuples(logit, logit, logit), min_size=2, max_size=8),
    multi_label=st.booleans(),
    order=st.randoms(use_true_random=False),
)
def test_scores_do_not_depend_on_the_order_of_labels(
    table: list[tuple[float, float, float]], multi_label: bool, order: object
) -> None:
    labels = [f"l{i}" for i in range(len(table))]
    classifier = ZeroShotClassifier(fake_model(lambda _, h: table[int(h[1:])]))
    first = classifier("t", labels, multi_label=multi_label, hypothesis_template="{}")
    order.shuffle(labels)  # type: ignore[attr-defined]
    second = classifier("t", labels, multi_label=multi_label, hypothesis_template="{}")
    assert first["scores"] == sorted(first["scores"], reverse=True)
    assert all(0 <= score <= 1 for score in first["scores"])
    ours = dict(zip(first["labels"], first["scores"], strict=True))
    assert ours == pytest.approx(dict(zip(second["labels"], second["scores"], strict=True)), abs=1e-12)
    if not multi_label:
        assert sum(first["scores"]) == pytest.approx(1.0)
