"""One text, many questions: `.premise(text)` answers as the ordinary calls do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.tasks.pair_fakes import by_word, engine_of, fake_model
from tests.test_torch_free import run
from tests.tiny import tiny_bert, tiny_distilbert, tiny_mobilebert

from entailment.errors import InputError, LabelsError, TemplateError, TextError
from entailment.runtime.engine import OnnxEngine
from entailment.runtime.premise import keep
from entailment.tasks.model import PairModel, load_model
from entailment.tasks.nli import NLI, NLIResult
from entailment.tasks.premise import Premise
from entailment.tasks.zero_shot import ZeroShotClassifier

TEXT = "the striker scored twice in the final"
LONG = " ".join([TEXT] * 12)
LABELS = ["sports", "politics", "food", "music"]
HYPOTHESES = ["the team won", "nobody scored", "a dog is in the garden", "the team won"]
LONG_HYPOTHESIS = " ".join(["the team won the game"] * 8)  # More tokens than the reserve of a model of 64.

FAMILIES: dict[str, tuple[Callable[..., Path], str]] = {
    "bert": (tiny_bert, "prefix"),
    "distilbert": (tiny_distilbert, "prefix"),
    "bert, full": (tiny_bert, "full"),
    "mobilebert": (tiny_mobilebert, "prefix"),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PairModel]:
    root = tmp_path_factory.mktemp("checkpoints")
    return {
        name: load_model(write(root / name, attention=attention), threads=1)
        for name, (write, attention) in FAMILIES.items()
    }


def assert_same_scores(got: list[NLIResult], wanted: list[NLIResult], *, atol: float = 1e-5) -> None:
    assert len(got) == len(wanted)
    for one, other in zip(got, wanted, strict=True):
        assert one.label == other.label
        assert one.scores == pytest.approx(other.scores, abs=atol)
        assert one.truncated == other.truncated


def assert_same_answer(got: Any, wanted: Any, *, atol: float = 1e-5) -> None:
    assert got.keys() == wanted.keys()
    assert got["scores"] == pytest.approx(wanted["scores"], abs=atol)
    assert {**got, "scores": (), "best": ()} == {**wanted, "scores": (), "best": ()}
    if "best" in got:
        assert got["best"]["label"] == wanted["best"]["label"]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("text", [TEXT, LONG], ids=["short", "cut"])
def test_scores_are_those_of_pairs(models: dict[str, PairModel], family: str, text: str) -> None:
    nli = NLI(models[family])
    hypotheses = [*HYPOTHESES, LONG_HYPOTHESIS]
    with nli.premise(text) as premise:
        wanted = nli([(text, hypothesis) for hypothesis in hypotheses])
        assert_same_scores(premise.score(hypotheses), wanted)
        for hypothesis, result in zip(hypotheses, wanted, strict=True):
            assert_same_scores(premise.score([hypothesis]), [result])
        assert premise.score([]) == []


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "manner",
    [
        {},
        {"multi_label": True},
        {"threshold": 0.9},
        {"multi_label": True, "threshold": 0.4},
        {"hypothesis_template": "it is about {}"},
    ],
    ids=str,
)
def test_labels_are_those_of_the_classifier(
    models: dict[str, PairModel], family: str, manner: dict[str, Any]
) -> None:
    classifier = ZeroShotClassifier(models[family])
    for text in (TEXT, LONG):
        with classifier.premise(text) as premise:
            for labels in (LABELS, LABELS[:1], ",".join(LABELS), [LABELS]):
                assert_same_answer(premise.classify(labels, **manner), classifier(text, labels, **manner))
            by_name = premise.classify(candidate_labels=LABELS, **manner)
            assert_same_answer(by_name, classifier(text, LABELS, **manner))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_text_is_computed_once_where_that_can_be(
    models: dict[str, PairModel], family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[int] = []

    def counted(engine: OnnxEngine, halves: Any, premise: Any) -> Any:
        kept.append(len(premise))
        return keep(engine, halves, premise)

    monkeypatch.setattr("entailment.runtime.premise.keep", counted)
    with ZeroShotClassifier(models[family]).premise(TEXT) as premise:
        premise.classify(LABELS)
        premise.classify(["news"])
        premise.score(HYPOTHESES)
    assert len(kept) == (family in ("bert", "distilbert"))


def test_both_tasks_open_the_same(models: dict[str, PairModel]) -> None:
    for task in (NLI(models["bert"]), ZeroShotClassifier(models["bert"])):
        with task.premise(TEXT) as premise:
            assert isinstance(premise, Premise)
            assert premise.text == TEXT
            assert_same_scores(premise.score(HYPOTHESES[:1]), [NLI(models["bert"])(TEXT, HYPOTHESES[0])])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_closed_premise(models: dict[str, PairModel], family: str) -> None:
    with NLI(models[family]).premise(TEXT) as premise:
        premise.score(HYPOTHESES)
    premise.close()
    for use in (
        lambda: premise.score(HYPOTHESES),
        lambda: premise.score([]),
        lambda: premise.classify(LABELS),
        lambda: premise.__enter__(),
    ):
        with pytest.raises(InputError, match="this premise was closed"):
            use()


def test_what_is_raised_inside_closes_it_too(models: dict[str, PairModel]) -> None:
    with pytest.raises(TextError), NLI(models["bert"]).premise(TEXT) as premise:
        premise.score([""])
    with pytest.raises(InputError, match="closed"):
        premise.score(HYPOTHESES)


def test_two_threads_on_one_premise(models: dict[str, PairModel]) -> None:
    nli = NLI(models["bert"])
    wanted = nli([(TEXT, hypothesis) for hypothesis in HYPOTHESES])
    with nli.premise(TEXT) as premise, ThreadPoolExecutor(2) as pool:
        for got in pool.map(premise.score, [HYPOTHESES] * 20):
            assert_same_scores(got, wanted)


@pytest.mark.parametrize(
    ("hypotheses", "says"),
    [
        (["a dog", ""], "the hypothesis of pair 2 is empty"),
        (["a dog", " \n"], "the hypothesis of pair 2 is empty"),
        (["a dog", "\u200b"], "^pair 2: the hypothesis is empty"),
        (["a dog", 3], "pair 2 is not a pair of texts"),
        ("a dog", r"hypotheses must be a list of texts.*not 'a dog'"),
        (7, "hypotheses must be a list of texts"),
        (["the team " * 40], "^pair 1: the hypothesis has"),
    ],
)
def test_bad_hypotheses(models: dict[str, PairModel], hypotheses: Any, says: str) -> None:
    for family in FAMILIES:
        with NLI(models[family]).premise(TEXT) as premise, pytest.raises(TextError, match=says):
            premise.score(hypotheses)


def test_bad_labels(models: dict[str, PairModel]) -> None:
    with ZeroShotClassifier(models["bert"]).premise(TEXT) as premise:
        for labels in ([], [""], None, [LABELS, LABELS]):
            with pytest.raises(LabelsError):
                premise.classify(labels)
        with pytest.raises(TemplateError):
            premise.classify(LABELS, hypothesis_template="no slot")
        assert premise.classify(LABELS)["labels"]


@pytest.mark.parametrize(("text", "says"), [("", "is empty"), (" \n", "is empty"), (3, "is not a text")])
def test_a_bad_text_is_refused_when_it_is_opened(text: Any, says: str) -> None:
    for task in (NLI(fake_model(by_word)), ZeroShotClassifier(fake_model(by_word))):
        with pytest.raises(TextError, match=says):
            task.premise(text)


def test_a_cut_is_noted_once_a_call(caplog: pytest.LogCaptureFixture) -> None:
    with NLI(fake_model(by_word, room=10)).premise("p" * 30) as premise:
        for calls in (1, 2):
            with caplog.at_level(logging.WARNING, "entailment"):
                premise.score(["h", "k"])
            assert len(caplog.records) == calls


def test_an_engine_of_ones_own_is_asked_as_always() -> None:
    model = fake_model(by_word)
    with NLI(model).premise("a dog runs") as premise:
        assert premise.score(["a dog", "a cat"]) == NLI(model)(
            [("a dog runs", "a dog"), ("a dog runs", "a cat")]
        )
    assert engine_of(model).calls == [2, 2]


class TestBundled:
    """The model in the package, with real tokens."""

    texts = (
        "The striker scored twice in the final, and the home side lifted the cup for the first time.",
        "Parliament passed the budget by two votes after a night of debate.",
        "Rain.",
        "Let the sauce simmer until it thickens, then season with salt. " * 60,
    )
    labels = ("sports", "politics", "cooking", "music", "the weather of next week")
    hypotheses = ("Someone scored.", "Nobody voted.", "It is dry.", "A vote was held at night. " * 15)

    @pytest.mark.parametrize("precision", ["float32", "int8"])
    def test_answers_are_the_same(self, precision: Any) -> None:
        """In int8 to its rounding step, see tests/runtime/test_engine.py."""
        model = load_model(precision=precision, threads=1)
        classifier, nli = ZeroShotClassifier(model), NLI(model)
        atol = 1e-5 if precision == "float32" else 0.05
        for text in self.texts:
            with classifier.premise(text) as premise:
                for labels in (self.labels, self.labels[:2], self.labels[3:]):
                    assert_same_answer(premise.classify(labels), classifier(text, labels), atol=atol)
                wanted = nli([(text, hypothesis) for hypothesis in self.hypotheses])
                assert_same_scores(premise.score(self.hypotheses), wanted, atol=atol)


def test_without_a_framework(tmp_path: Path) -> None:
    folder = tiny_bert(tmp_path / "m", attention="prefix")
    done = run(
        "from entailment import NLI\n"
        f"with NLI({str(folder)!r}).premise('the dog runs') as premise:\n"
        "    print(len(premise.score(['a dog', 'a cat'])))\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "2\n", "")
