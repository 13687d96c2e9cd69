"""The routes of our own: the same answers as the library, in the JSON that is promised."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.serve.support import CLASSIFY, NAMES, ask, post, stub_model

from entailment.checkpoint.labels import order_stated
from entailment.runtime.stub import StubEngine
from entailment.serve.app import create_app
from entailment.serve.settings import Limits, Settings
from entailment.tasks.candidates import Template
from entailment.tasks.check import DocumentChecker
from entailment.tasks.model import PairModel
from entailment.tasks.nli import NLI
from entailment.tasks.zero_shot import ZeroShotClassifier

LONG = "the team won the game " * 40


def results(model: PairModel, path: str, body: object) -> list[dict[str, Any]]:
    reply = post(model, path, body)
    assert reply.status_code == 200, reply.text
    answer = reply.json()
    assert set(answer) - {"notes"} == {"model", "results", "timing_ms"}
    assert answer["model"] == "stub"
    assert set(answer["timing_ms"]) == {"queue", "model", "total"}
    assert 0 <= answer["timing_ms"]["queue"] + answer["timing_ms"]["model"] <= answer["timing_ms"]["total"]
    found: list[dict[str, Any]] = answer["results"]
    return found


@pytest.mark.parametrize(
    "body",
    [
        {"text": "the team won", "labels": ["team", "music"]},
        {"text": "the team won", "labels": ["team"]},
        {"texts": ["the team won", "music was played"], "labels": ["team", "music"]},
        {"texts": ["the team won", "music was played"], "labels": [["team", "game"], ["music"]]},
        {"text": "the team won", "labels": ["team", "music"], "template": "{}"},
        {"text": "the team won", "labels": ["team", "music"], "multi_label": True, "threshold": 0.3},
        {"text": "the team won", "labels": ["team", "music"], "threshold": 0.99},
        {"text": "the team won", "labels": ["team", "team ", "music"]},
        {"text": LONG, "labels": ["team", "music"]},
        {"text": "the team won", "texts": None, "labels": ["team"], "threshold": None},
    ],
)
def test_classify_answers_as_the_library(model: PairModel, body: dict[str, Any]) -> None:
    texts = body.get("texts") or [body["text"]]
    expected = ZeroShotClassifier(model)(
        texts,
        body["labels"],
        hypothesis_template=body.get("template", "This example is {}."),
        multi_label=body.get("multi_label", False),
        threshold=body.get("threshold"),
    )
    for index, (found, right) in enumerate(zip(results(model, "/v1/classify", body), expected, strict=True)):
        assert found.pop("text_index") == index
        assert {"sequence": texts[index], **found} == right


@pytest.mark.parametrize(
    ("labels", "notes"),
    [
        (["team", "music"], None),
        (["team", "team "], ["the label 'team' was given more than once"]),
        (["team", "TEAM"], ["the labels 'team' and 'TEAM' are the same tokens to the model"]),
        ([["team", "☃"], ["team", "🎂"]], ["the label '☃' is unknown to the model"]),
        (["☃", "🎂"], ["the label '☃' is unknown", "the labels '☃' and '🎂' are the same tokens"]),
    ],
)
def test_what_is_to_be_noted_of_labels_is_in_the_answer(
    model: PairModel, labels: Any, notes: list[str] | None, caplog: pytest.LogCaptureFixture
) -> None:
    answer = post(model, "/v1/classify", {"texts": ["the team won", "a game"], "labels": labels}).json()
    if notes is None:
        assert "notes" not in answer
    else:
        assert len(answer["notes"]) == len(notes)
        assert all(note.startswith(says) for note, says in zip(answer["notes"], notes, strict=True))
    assert not any("label" in record.getMessage() for record in caplog.records)  # nor in the log


def test_nli_answers_as_the_library(model: PairModel) -> None:
    pairs = [("the team won", "the team"), ("the team won", "music"), (LONG, "the game")]
    body = {"pairs": [{"premise": premise, "hypothesis": hypothesis} for premise, hypothesis in pairs]}
    found = results(model, "/v1/nli", body)
    for result, right in zip(found, NLI(model)(pairs), strict=True):
        assert result["label"] == right.label
        assert result["scores"] == right.scores
        cut = right.truncated
        assert result.get("truncated") == (cut and {"read": cut.read, "total": cut.total})
    assert "truncated" not in found[0]
    assert "truncated" in found[2]


@pytest.mark.parametrize("threshold", [None, 0.9])
def test_check_answers_as_the_library(model: PairModel, threshold: float | None) -> None:
    document = "The team won the game. Music was played in the city. " * 8
    claims = ["the team won the game", "music", "money"]
    body = {"document": document, "claims": claims, "threshold": threshold}
    assert results(model, "/v1/check", body) == DocumentChecker(model)(document, claims, threshold=threshold)


def test_the_models_route(model: PairModel) -> None:
    assert ask(model, lambda client: client.get("/v1/models")).json() == {
        "data": [{"id": "stub", "attention": "full", "labels": list(NAMES), "max_length": 64}]
    }


@pytest.mark.parametrize(
    "labels", ["a,b", 7, None, {"a": 1}, ["a", 7], ["a", ["b"]], [["a"], "b"], [["a", 7]]]
)
def test_labels_of_no_use_get_one_message(model: PairModel, labels: object) -> None:
    error = post(model, "/v1/classify", {"text": "a", "labels": labels}).json()["error"]
    assert error["type"] == "invalid_request"
    assert error["message"] == "body.labels: should be a list of texts, or one such list per text"


def test_the_description_of_labels_has_both_forms(model: PairModel) -> None:
    schemas = create_app(model).openapi()["components"]["schemas"]
    texts = {"items": {"type": "string"}, "type": "array"}
    assert schemas["ClassifyRequest"]["properties"]["labels"]["anyOf"] == [
        texts,
        {"items": texts, "type": "array"},
    ]


@pytest.mark.parametrize(
    ("path", "body", "kind", "says"),
    [
        ("classify", {"labels": ["a"]}, "bad_text", "either text"),
        ("classify", {"text": "a", "texts": ["a"], "labels": ["a"]}, "bad_text", "either text"),
        ("classify", {"texts": [], "labels": ["a"]}, "bad_text", "no texts"),
        ("classify", {"text": " ", "labels": ["a"]}, "bad_text", "text 1 is empty"),
        ("classify", {"texts": ["a", ""], "labels": ["a"]}, "bad_text", "text 2 is empty"),
        ("classify", {"text": "a", "labels": []}, "bad_labels", "no candidate labels"),
        ("classify", {"text": "a", "labels": ["a", ""]}, "bad_labels", "label 2 of 2 is empty"),
        ("classify", {"text": "a", "labels": ["a", "\u200b"]}, "bad_labels", "is empty to the model"),
        ("classify", {"text": "a", "labels": [["a"], ["b"]]}, "bad_labels", "more lists of labels"),
        ("classify", {"text": "a", "labels": ["a"], "template": "no"}, "bad_template", "no slot"),
        ("classify", {"text": "a", "labels": ["game " * 80]}, "bad_text", "text 1 with the label"),
        ("classify", {"text": "a", "labels": ["a"], "threshold": 2}, "invalid_request", "body.threshold"),
        ("classify", {"text": 7, "labels": ["a"]}, "invalid_request", "body.text"),
        (
            "classify",
            {"text": "a", "labels": ["a"], "multilabel": True},
            "invalid_request",
            "body.multilabel",
        ),
        ("classify", {"text": "a"}, "invalid_request", "body.labels: Field required"),
        ("classify", ["a"], "invalid_request", "body"),
        ("classify", "null", "invalid_request", "body"),
        ("nli", {"pairs": []}, "bad_input", "no pairs"),
        ("nli", {"pairs": [{"premise": "a", "hypothesis": ""}]}, "bad_text", "hypothesis of pair 1 is empty"),
        ("nli", {"pairs": [{"premise": "a"}]}, "invalid_request", "body.pairs.0.hypothesis"),
        ("check", {"document": "", "claims": ["a"]}, "bad_text", "empty"),
        ("check", {"document": "a", "claims": [""]}, "bad_text", "empty"),
        ("check", {"document": "a"}, "invalid_request", "body.claims"),
    ],
)
def test_bad_input_is_named(model: PairModel, path: str, body: object, kind: str, says: str) -> None:
    reply = post(model, f"/v1/{path}", body)
    assert reply.status_code == 422
    error = reply.json()["error"]
    assert set(error) == {"type", "message"}
    assert error["type"] == kind
    assert says in error["message"]


LIMITS = Limits(body_bytes=2000, texts=3, labels=4, pairs=6, characters=500)
LENGTHY = "game" * 50 + "{}"  # one token, and two hypotheses of it are within the limits
THREE = {"texts": ["a"] * 3, "labels": [["a"], ["b"], ["c"]]}


@pytest.mark.parametrize(
    ("path", "body", "kind", "limit"),
    [
        ("classify", {"texts": ["a"] * 4, "labels": ["a"]}, "too_many_texts", 3),
        ("classify", {"text": "a", "labels": ["a"] * 5}, "too_many_labels", 4),
        ("classify", {"texts": ["a", "b"], "labels": [["a"], ["a"] * 5]}, "too_many_labels", 4),
        ("classify", {"texts": ["a"] * 3, "labels": ["a", "b", "c"]}, "too_many_pairs", 6),
        ("classify", {"texts": ["a"] * 2, "labels": [["a"] * 4, ["b"] * 3]}, "too_many_pairs", 6),
        ("classify", {"text": "a" * 501, "labels": ["a"]}, "too_many_characters", 500),
        ("classify", {"text": "a", "labels": ["b" * 501]}, "too_many_characters", 500),
        ("classify", {"text": "a" * 2001, "labels": ["a"]}, "body_too_large", 2000),
        ("classify", {"text": "a", "labels": [*"abc"], "template": LENGTHY}, "too_many_characters", 500),
        ("classify", {**THREE, "template": LENGTHY}, "too_many_characters", 500),
        ("nli", {"pairs": [{"premise": "a", "hypothesis": "b"}] * 7}, "too_many_pairs", 6),
        ("nli", {"pairs": [{"premise": "a" * 300, "hypothesis": "b" * 300}]}, "too_many_characters", 500),
        ("check", {"document": "a", "claims": ["a"] * 5}, "too_many_claims", 4),
        ("check", {"document": "the team won. " * 30, "claims": ["team"] * 4}, "too_many_pairs", 6),
    ],
)
def test_every_limit_is_named(model: PairModel, path: str, body: object, kind: str, limit: int) -> None:
    reply = post(model, f"/v1/{path}", body, Settings(limits=LIMITS))
    assert reply.status_code == 413, reply.text
    error = reply.json()["error"]
    assert error["type"] == kind
    assert error["limit"] == limit
    assert f"{limit:,}" in error["message"]


def test_what_just_fits_the_limits_is_answered(model: PairModel) -> None:
    body: dict[str, Any] = {"texts": ["the team"] * 3, "labels": ["a", "b"]}
    assert post(model, "/v1/classify", body, Settings(limits=LIMITS)).status_code == 200
    body["template"] = LENGTHY
    assert post(model, "/v1/classify", body, Settings(limits=LIMITS)).status_code == 200


def test_many_hypotheses_are_made_once_each_and_not_by_the_event_loop(
    model: PairModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    makers: list[str] = []
    fill = Template.fill

    def recorded(template: Template, label: str) -> str:
        makers.append(threading.current_thread().name)
        return fill(template, label)

    monkeypatch.setattr(Template, "fill", recorded)
    texts, labels = ["the team won"] * 100, ["team", "music", "game"]
    assert len(results(model, "/v1/classify", {"texts": texts, "labels": labels})) == 100
    assert len(makers) == 3
    assert all(name.startswith("entailment-tokeniser") for name in makers)


def test_two_class_models(folder: Path) -> None:
    model = replace(stub_model(folder, StubEngine(2)), labels=order_stated(["entailment", "not_entailment"]))
    pairs = {"pairs": [{"premise": "the team won", "hypothesis": "music"}]}
    (found,) = results(model, "/v1/nli", pairs)
    assert found["label"] == "not_entailment"
    assert set(found["scores"]) == {"entailment", "not_entailment"}
    (found,) = results(model, "/v1/classify", CLASSIFY)
    assert found["labels"][0] == "game"
