"""A server answers with the calibration of its model, as the library does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.serve.support import post
from tests.tasks.pair_fakes import by_word, fake_model

from entailment.checkpoint.calibration import Calibration, Scaling
from entailment.tasks.nli import NLI
from entailment.tasks.zero_shot import ZeroShotClassifier

SCALING = Scaling(
    2.0, {"entailment": 0.0, "neutral": 0.5, "contradiction": 0.0}, None, "rows", 1, 0.0, 0.0, 0.0, 0.0
)
MODEL = replace(
    fake_model(by_word), calibration=Calibration(SCALING, replace(SCALING, temperature=3.0, bias={}))
)
PREMISE, HYPOTHESIS = "a cup of tea", "tea"


def test_pairs() -> None:
    wanted = NLI(MODEL)(PREMISE, HYPOTHESIS).scores
    assert wanted != NLI(fake_model(by_word))(PREMISE, HYPOTHESIS).scores
    pair = {"premise": PREMISE, "hypothesis": HYPOTHESIS}
    answer = post(MODEL, "/v1/nli", {"pairs": [pair]}).json()["results"][0]
    assert answer["scores"] == pytest.approx(wanted)
    answer = post(MODEL, "/predict", {"inputs": [[PREMISE, HYPOTHESIS]]}).json()[0]
    assert {each["label"]: each["score"] for each in answer} == pytest.approx(wanted)
    raw = post(MODEL, "/predict", {"inputs": [[PREMISE, HYPOTHESIS]], "raw_scores": True}).json()[0]
    assert sorted(each["score"] for each in raw) == [-1.0, 0.0, 2.0]
    answer = post(MODEL, "/rerank", {"query": HYPOTHESIS, "texts": [PREMISE]}).json()[0]
    assert answer["score"] == pytest.approx(wanted["entailment"])


def test_texts() -> None:
    wanted = ZeroShotClassifier(MODEL)(PREMISE, ["tea", "coal"])
    answer = post(MODEL, "/v1/classify", {"text": PREMISE, "labels": ["tea", "coal"]}).json()["results"][0]
    assert answer["scores"] == pytest.approx(wanted["scores"])
