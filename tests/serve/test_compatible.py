"""Routes of other servers: the forms their clients send and read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.serve.support import NAMES, HookedEngine, ask, post, stub_model

from entailment.serve.settings import Limits, Settings
from entailment.tasks.cross_encoder import CrossEncoder
from entailment.tasks.model import PairModel
from entailment.tasks.nli import NLI
from entailment.tasks.zero_shot import ZeroShotClassifier
from entailment.text.pairs import EncodedPair

TEXT = "the team won the game"
LABELS = ["music", "game"]
LABELLED = Settings(default_labels=("music", "game"))
LONG = "the team won the game " * 40


def answer(model: PairModel, path: str, body: object, settings: Settings | None = None) -> Any:
    reply = post(model, path, body, settings)
    assert reply.status_code == 200, reply.text
    return reply.json()


def refusal(model: PairModel, path: str, body: object, settings: Settings | None = None) -> dict[str, str]:
    reply = post(model, path, body, settings)
    assert reply.status_code in (413, 422), reply.text
    error: dict[str, str] = reply.json()
    assert set(error) == {"error", "error_type"}
    return error


def pairs_of(found: list[dict[str, Any]]) -> list[tuple[str, float]]:
    assert all(set(entry) == {"label", "score"} for entry in found)
    return [(entry["label"], entry["score"]) for entry in found]


def classified(model: PairModel, **options: Any) -> list[tuple[str, float]]:
    right = ZeroShotClassifier(model)(TEXT, LABELS, **options)
    return list(zip(right["labels"], right["scores"], strict=True))


def judged(model: PairModel, premise: str, hypothesis: str) -> list[tuple[str, float]]:
    return sorted(NLI(model)(premise, hypothesis).scores.items(), key=lambda item: -item[1])


def test_zero_shot_in_the_inference_format(model: PairModel) -> None:
    body = {"inputs": TEXT, "parameters": {"candidate_labels": LABELS}}
    assert pairs_of(answer(model, "/", body)) == classified(model)
    body["parameters"] = {
        "candidate_labels": "music, game",
        "multi_label": True,
        "hypothesis_template": "about {}",
    }
    right = classified(model, multi_label=True, hypothesis_template="about {}")
    assert pairs_of(answer(model, "/", body)) == right
    many = answer(model, "/", {"inputs": [TEXT, TEXT], "parameters": {"candidate_labels": LABELS}})
    assert [pairs_of(one) for one in many] == [classified(model)] * 2


def test_unknown_parameters_are_passed_over(model: PairModel) -> None:
    body = {
        "inputs": TEXT,
        "parameters": {"candidate_labels": LABELS, "wait": 1},
        "options": {"use_cache": False},
    }
    assert pairs_of(answer(model, "/", body)) == classified(model)


@pytest.mark.parametrize(
    "inputs",
    [
        {"text": TEXT, "text_pair": "the game"},
        f"{TEXT}</s></s>the game",
        f"{TEXT} [SEP] the game",
    ],
)
def test_text_classification_of_pairs(model: PairModel, inputs: object) -> None:
    (found,) = answer(model, "/", {"inputs": inputs})
    assert pairs_of(found) == judged(model, TEXT, "the game")
    (first,) = answer(model, "/", {"inputs": inputs, "parameters": {"top_k": 1}})
    assert first == found[:1]


def test_markers_around_two_texts_in_one_are_no_part_of_them(folder: Path) -> None:
    seen: list[EncodedPair] = []
    inputs = [
        {"text": TEXT, "text_pair": "the game"},
        f"[CLS] {TEXT} [SEP] the game [SEP]",
        f"<s>{TEXT}</s></s>the game</s>",
    ]
    answer(stub_model(folder, HookedEngine(seen.extend)), "/", {"inputs": inputs})
    assert len({(pair.premise.tobytes(), pair.hypothesis.tobytes()) for pair in seen[-3:]}) == 1


@pytest.mark.parametrize(
    "inputs", [{"text": TEXT, "textpair": "the game"}, [TEXT, {"text": TEXT, "textpair": "a"}]]
)
@pytest.mark.parametrize("parameters", [{}, {"candidate_labels": LABELS}])
def test_a_slip_in_a_pair_is_named(model: PairModel, inputs: object, parameters: dict[str, Any]) -> None:
    error = refusal(model, "/", {"inputs": inputs, "parameters": parameters}, LABELLED)
    assert error == {
        "error": "body.inputs: the keys of a pair are text and text_pair, not 'textpair'",
        "error_type": "invalid_request",
    }


def test_functions_to_apply(model: PairModel) -> None:
    inputs = {"text": TEXT, "text_pair": "the game"}
    scores = {
        name: dict(
            pairs_of(answer(model, "/", {"inputs": inputs, "parameters": {"function_to_apply": name}})[0])
        )
        for name in ("softmax", "sigmoid", "none")
    }
    logits = CrossEncoder(model).predict((TEXT, "the game"))
    assert scores["none"] == pytest.approx(dict(zip(NAMES, logits.tolist(), strict=True)))
    assert scores["softmax"] == pytest.approx(dict(judged(model, TEXT, "the game")))
    assert all(0 < score < 1 for score in scores["sigmoid"].values())


def test_a_lone_text_gets_the_labels_of_the_operator_or_none(model: PairModel) -> None:
    for path in ("/", "/predict"):
        error = refusal(model, path, {"inputs": TEXT})
        assert error["error_type"] == "lone_text"
        assert "--labels" in error["error"]
    (found,) = answer(model, "/", {"inputs": TEXT}, LABELLED)
    assert pairs_of(found) == classified(model)
    assert pairs_of(answer(model, "/predict", {"inputs": TEXT}, LABELLED)) == classified(model)


def test_predict(model: PairModel) -> None:
    one = answer(model, "/predict", {"inputs": [TEXT, "the game"]})
    assert pairs_of(one) == judged(model, TEXT, "the game")
    batch = answer(model, "/predict", {"inputs": [[TEXT, "the game"], [TEXT], ["a", "b"]]}, LABELLED)
    right = [judged(model, TEXT, "the game"), classified(model), judged(model, "a", "b")]
    assert [pairs_of(found) for found in batch] == right
    raw = answer(model, "/predict", {"inputs": [TEXT, "the game"], "raw_scores": True})
    logits = CrossEncoder(model).predict((TEXT, "the game"))
    assert dict(pairs_of(raw)) == pytest.approx(dict(zip(NAMES, logits.tolist(), strict=True)))


def test_rerank(model: PairModel) -> None:
    texts = ["music was played", TEXT, "the game"]
    found = answer(model, "/rerank", {"query": "the game", "texts": texts, "return_text": True})
    right = CrossEncoder(model).rank("the game", texts, return_documents=True)
    assert [(rank["index"], rank["text"]) for rank in found] == [
        (one["corpus_id"], one["text"]) for one in right
    ]
    assert [rank["score"] for rank in found] == pytest.approx([one["score"] for one in right])
    raw = answer(model, "/rerank", {"query": "the game", "texts": texts, "raw_scores": True})
    assert set(raw[0]) == {"index", "score"}
    assert raw[0]["score"] == pytest.approx(float(CrossEncoder(model).predict((TEXT, "the game"))[0]))


@pytest.mark.parametrize("path", ["/predict", "/rerank"])
def test_what_is_not_read_to_its_end_is_refused_unless_asked_for(model: PairModel, path: str) -> None:
    body: dict[str, Any] = {"inputs": [LONG, "the game"], "query": "the game", "texts": [LONG]}
    error = refusal(model, path, body)
    assert error["error_type"] == "too_long"
    assert "truncate: true" in error["error"]
    assert answer(model, path, {**body, "truncate": True})


def test_a_lone_text_that_is_not_read_to_its_end(model: PairModel) -> None:
    for body in ({"inputs": LONG}, {"inputs": LONG, "truncate": False}):
        assert refusal(model, "/predict", body, LABELLED)["error_type"] == "too_long"
    batch = {"inputs": [[TEXT, "the game"], [TEXT], [LONG]]}
    assert refusal(model, "/predict", batch, LABELLED)["error"].startswith("text 3 is longer")
    swapped = {"inputs": [[TEXT], [LONG, "the game"]]}
    assert refusal(model, "/predict", swapped, LABELLED)["error"].startswith("text 2 is longer")
    read = answer(model, "/predict", {"inputs": LONG, "truncate": True}, LABELLED)
    right = ZeroShotClassifier(model)(LONG, LABELS)
    assert pairs_of(read) == list(zip(right["labels"], right["scores"], strict=True))


@pytest.mark.parametrize(
    ("second", "third", "says"),
    [
        (["a", "b"], ["c", " "], "the hypothesis of pair 3 is empty"),
        (["a", "b"], ["c", "game " * 80], "pair 3: the hypothesis"),
        (["a", "b"], [" "], "text 3 is empty"),
    ],
)
def test_places_are_those_in_the_request(
    model: PairModel, second: list[str], third: list[str], says: str
) -> None:
    error = refusal(model, "/predict", {"inputs": [[TEXT], second, third]}, LABELLED)
    assert (error["error_type"], error["error"][: len(says)]) == ("bad_text", says)


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/predict", {"raw_scores": True}),
        ("/", {"parameters": {"function_to_apply": "none"}}),
        ("/", {"parameters": {"function_to_apply": "sigmoid"}}),
    ],
)
def test_scores_of_a_lone_text_are_probabilities_and_nothing_else(
    model: PairModel, path: str, asked: dict[str, Any]
) -> None:
    error = refusal(model, path, {"inputs": TEXT, **asked}, LABELLED)
    assert error["error_type"] == "lone_text"
    assert "raw_scores and function_to_apply are for pairs" in error["error"]
    body = {"inputs": TEXT, "raw_scores": False, "parameters": {"function_to_apply": "softmax"}}
    assert answer(model, path, body, LABELLED)


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/", {"inputs": []}, "bad_input"),
        ("/", {"inputs": ""}, "lone_text"),
        ("/", {"inputs": "", "parameters": {"candidate_labels": ["a"]}}, "bad_text"),
        ("/", {"inputs": "a", "parameters": {"candidate_labels": []}}, "bad_labels"),
        ("/", {"inputs": "a", "parameters": {"candidate_labels": "a,,b"}}, "bad_labels"),
        (
            "/",
            {"inputs": {"text": "a", "text_pair": "b"}, "parameters": {"candidate_labels": ["a"]}},
            "bad_text",
        ),
        ("/", {"inputs": "a [SEP] "}, "bad_text"),
        ("/", {"inputs": {"text": "a", "text_pair": "b"}, "parameters": {"top_k": 0}}, "invalid_request"),
        (
            "/",
            {
                "inputs": "a",
                "parameters": {"candidate_labels": ["a", "b"], "hypothesis_template": "a" * 60 + "{}"},
            },
            "too_many_characters",
        ),
        ("/", {"input": "a"}, "invalid_request"),
        ("/predict", {"inputs": ["a", "b", "c"]}, "bad_input"),
        ("/predict", {"inputs": []}, "bad_input"),
        ("/predict", {"inputs": [[]]}, "bad_input"),
        ("/predict", {"inputs": [["a", "b"]] * 3}, "too_many_texts"),
        ("/rerank", {"query": "a", "texts": []}, "bad_input"),
        ("/rerank", {"query": "", "texts": ["a"]}, "bad_text"),
        ("/rerank", {"query": "a", "texts": ["a"] * 3}, "too_many_texts"),
    ],
)
def test_refusals_are_texts(model: PairModel, path: str, body: object, kind: str) -> None:
    limits = Limits(texts=2, characters=100)
    assert refusal(model, path, body, Settings(limits=limits))["error_type"] == kind


def test_info(model: PairModel) -> None:
    found = ask(model, lambda client: client.get("/info")).json()
    assert found["model_id"] == "stub"
    assert found["max_input_length"] == 64
    assert found["model_dtype"] == "float32"
    assert found["model_type"]["classifier"]["id2label"] == {str(i): name for i, name in enumerate(NAMES)}
