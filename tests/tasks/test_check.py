"""Claims against a document: verdicts, evidence, thresholds, and what cannot be asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.tasks.check_fakes import INVISIBLE, neutral, texts_of, word_model
from tests.tiny import tiny_bert

from entailment.errors import InputError, TextError
from entailment.tasks.check import DocumentChecker, findings_of
from entailment.tasks.scores import softmax

DOCUMENT = "The shop opens at nine. The museum is closed on Mondays. A café serves lunch."
CLAIMS = ["The shop opens at nine.", "The museum is open on Mondays.", "The café serves dinner."]


def believes(premise: str, hypothesis: str) -> tuple[float, float, float]:
    """Supports what it holds word for word; a closed museum is not open; all else is neutral."""
    if hypothesis in premise:
        return 4.0, 0.0, 0.0
    if "closed" in premise and "open " in hypothesis:
        return 0.0, 0.0, 3.0
    return 0.0, 2.0, 0.0


def test_the_three_verdicts() -> None:
    supported, contradicted, left_open = DocumentChecker(word_model(believes))(DOCUMENT, CLAIMS)
    assert (supported["claim"], supported["verdict"]) == (CLAIMS[0], "supported")
    assert supported["scores"] == pytest.approx(
        dict(zip(("entailment", "neutral", "contradiction"), softmax([4.0, 0.0, 0.0]).tolist(), strict=True))
    )
    assert supported["evidence"] == {
        "text": "The shop opens at nine.",
        "start": 0,
        "end": 23,
        "label": "entailment",
        "score": pytest.approx(supported["scores"]["entailment"]),
    }
    assert contradicted["verdict"] == "contradicted"
    assert contradicted["evidence"] is not None
    assert contradicted["evidence"]["text"] == "The museum is closed on Mondays."
    assert contradicted["evidence"]["label"] == "contradiction"
    assert (left_open["verdict"], left_open["evidence"]) == ("open", None)
    assert all(sum(finding["scores"].values()) == pytest.approx(1) for finding in (supported, left_open))


def test_places_are_characters_of_the_document() -> None:
    document = "\n 😀 Hello there.\r\n\r\n" + DOCUMENT
    for finding in DocumentChecker(word_model(believes))(document, CLAIMS[:2]):
        assert (evidence := finding["evidence"])
        assert document[evidence["start"] : evidence["end"]] == evidence["text"]


def test_what_is_about_something_else_does_not_contradict() -> None:
    def grumpy(premise: str, hypothesis: str) -> tuple[float, float, float]:
        return (0.0, 0.0, 9.0) if "museum" not in premise else (0.0, 3.0, 0.0)

    document = DOCUMENT.replace(" A café", " It is old. A café")
    (finding,) = DocumentChecker(word_model(grumpy))(document, ["The museum is full on Mondays."])
    assert finding["verdict"] == "open"


def test_the_surest_sentence_speaks_for_the_document() -> None:
    def mixed(premise: str, hypothesis: str) -> tuple[float, float, float]:
        return (3.0 * premise.count("surely"), 1.0, 2.0 * premise.count("hardly"))

    sentences = ["It was hardly blue.", "It rained.", "It snowed.", "It was surely blue."]
    checker = DocumentChecker(word_model(mixed))
    (finding,) = checker(" ".join(sentences), ["It was blue."])
    assert (finding["verdict"], finding["evidence"] and finding["evidence"]["text"]) == (
        "supported",
        sentences[3],
    )
    (finding,) = checker(" ".join(sentences[:3]), ["It was blue."])
    assert (finding["verdict"], finding["evidence"] and finding["evidence"]["text"]) == (
        "contradicted",
        sentences[0],
    )


def test_evidence_is_the_window_where_the_sentence_alone_says_nothing() -> None:
    def needs_two(premise: str, hypothesis: str) -> tuple[float, float, float]:
        return (9.0, 0.0, 0.0) if "museum" in premise and "nine" in premise else (0.0, 0.5, 0.0)

    document = "The museum is new. It opens at nine. Dogs stay outside. Cats too."
    (finding,) = DocumentChecker(word_model(needs_two))(document, ["The building opens at nine."])
    assert finding["verdict"] == "supported"
    assert finding["evidence"] is not None
    assert finding["evidence"]["text"] == "The museum is new. It opens at nine. Dogs stay outside."
    assert finding["evidence"]["score"] > finding["scores"]["entailment"]


def test_below_the_threshold_a_claim_is_open_and_keeps_its_evidence() -> None:
    checker = DocumentChecker(word_model(believes))
    certain = checker(DOCUMENT, CLAIMS)
    score = certain[1]["scores"]["contradiction"]
    assert checker(DOCUMENT, CLAIMS, threshold=score - 1e-9) == certain
    (finding,) = checker(DOCUMENT, CLAIMS[1:2], threshold=score + 1e-9)
    assert finding == {**certain[1], "verdict": "open"}


@pytest.mark.parametrize(
    ("names", "verdicts"),
    [
        (("not_entailment", "entailment"), ["supported", "open"]),
        (("entailment", "contradiction"), ["supported", "contradicted"]),
        (("contradiction", "neutral", "entailment"), ["supported", "open"]),
    ],
)
def test_models_of_other_classes(names: tuple[str, ...], verdicts: list[str]) -> None:
    def believe(premise: str, hypothesis: str) -> list[float]:
        told = "entailment" if hypothesis in premise else names[1] if names[1] != "entailment" else names[0]
        return [3.0 * (name == told) for name in names]

    findings = DocumentChecker(word_model(believe, names))(DOCUMENT, [CLAIMS[0], CLAIMS[2]])
    assert [finding["verdict"] for finding in findings] == verdicts
    assert set(findings[0]["scores"]) == set(names)


def test_only_what_is_relevant_is_asked_and_each_pair_once() -> None:
    model = word_model(believes)
    document = DOCUMENT + " Nobody knows why." * 50
    DocumentChecker(model)(document, CLAIMS[:2])
    asked = texts_of(model).asked
    assert len(asked) == len(set(asked)) <= 6
    assert not any(premise == "Nobody knows why." for premise, _ in asked)
    assert texts_of(model).cut == 0


def test_where_no_sentence_shares_a_word_all_are_read() -> None:
    model = word_model(neutral)
    DocumentChecker(model)("Alpha beta. Gamma delta. Epsilon zeta.", ["Something else entirely."])
    assert {"Alpha beta.", "Gamma delta.", "Epsilon zeta."} <= {
        premise for premise, _ in texts_of(model).asked
    }


def test_pairs_are_counted_before_any_is_made() -> None:
    model = word_model(neutral)
    document, claims = "Alpha beta. Gamma delta. Epsilon zeta.", ["Something else.", "Beta.", "Otherwise."]
    counts: list[int] = []
    found = findings_of(document, claims, model, allow=counts.append)
    assert found == DocumentChecker(model)(document, claims)
    assert counts == [3, 4, 7]

    def refuse(count: int) -> None:
        if count > 3:
            raise KeyError(count)

    model = word_model(neutral)
    with pytest.raises(KeyError, match="4"):
        findings_of(document, claims, model, allow=refuse)
    assert texts_of(model).asked == []


def test_a_document_of_any_length_is_never_cut() -> None:
    def finds(premise: str, hypothesis: str) -> tuple[float, float, float]:
        return (5.0, 0.0, 0.0) if "the key is green" in premise else neutral(premise, hypothesis)

    model = word_model(finds, room=20)
    document = "filler words of no use " * 500 + "the key is green " + "and so on and on " * 500
    (finding,) = DocumentChecker(model)(document, ["the key is green"])
    assert finding["verdict"] == "supported"
    assert finding["evidence"] is not None
    assert "the key is green" in finding["evidence"]["text"]
    assert len(finding["evidence"]["text"].split()) < 20
    assert texts_of(model).cut == 0


def test_texts_of_numpy_become_plain() -> None:
    document, claims = np.str_(DOCUMENT), [np.str_(claim) for claim in CLAIMS]
    checker = DocumentChecker(word_model(believes))
    for finding in checker(document, claims):
        assert {type(finding["claim"]), type((finding["evidence"] or {"text": ""})["text"])} == {str}
    assert checker(document, claims) == checker(DOCUMENT, CLAIMS)


def test_no_claims_and_repeated_claims() -> None:
    checker = DocumentChecker(word_model(believes))
    assert checker(DOCUMENT, []) == []
    first, second = checker(DOCUMENT, (CLAIMS[0], CLAIMS[0]))
    assert first == second


@pytest.mark.parametrize("attention", ["full", "prefix"])
def test_with_a_network_claims_do_not_depend_on_each_other(tmp_path: Path, attention: str) -> None:
    folder = tiny_bert(tmp_path / "model", attention="prefix" if attention == "prefix" else "full")
    checker = DocumentChecker(folder, threads=1)
    document = "The dog sleeps. " * 3 + "A man reads a book and walks to the old river. " * 4
    claims = ["The dog eats.", "A man walks to the river.", "Nobody sleeps."]
    together = checker(document, claims)
    alone = [finding for claim in claims for finding in checker(document, [claim])]
    for one, other in zip(together, alone, strict=True):
        assert one["scores"] == pytest.approx(other["scores"], abs=1e-5)
        assert (one["claim"], one["verdict"]) == (other["claim"], other["verdict"])


LONG_CLAIM = "Many visitors came to the great festival of the old town last year."
SENTENCES = "The alpha is here. The beta follows it. The omega is last."


@pytest.mark.parametrize(
    "document",
    [
        SENTENCES,  # whose window is smaller beside a long claim
        "the alpha is here and the beta follows it and the omega is last and no stop comes",  # cut in pieces
    ],
)
def test_a_long_claim_changes_nothing_for_the_others(document: str) -> None:
    def finds(premise: str, hypothesis: str) -> tuple[float, float, float]:
        return (9.0, 0.0, 0.0) if "alpha" in premise and "omega" in premise else neutral(premise, hypothesis)

    claims = ["The beta stays.", "The beta.", LONG_CLAIM, "The omega stays."]
    checker = DocumentChecker(word_model(finds, room=18))
    (alone,) = checker(document, claims[:1])
    assert alone["verdict"] == "supported"
    assert checker(document, claims) == [
        finding for claim in claims for finding in checker(document, [claim])
    ]
    assert checker(document, claims)[0] == alone
    model = word_model(neutral, room=18)
    DocumentChecker(model)(document, claims)
    assert texts_of(model).cut == 0


@pytest.mark.parametrize("attention", ["full", "prefix"])
def test_with_a_network_a_long_claim_changes_nothing(tmp_path: Path, attention: str) -> None:
    folder = tiny_bert(tmp_path / "model", attention="prefix" if attention == "prefix" else "full")
    checker = DocumentChecker(folder, threads=1)
    document = "The dog sleeps in the house. A man reads a book. The river is old and very long. " * 3
    claims = ["The dog eats.", "the horse and " * 16 + "the cat.", "A man reads."]
    for one, claim in zip(checker(document, claims), claims, strict=True):
        (alone,) = checker(document, [claim])
        assert one["scores"] == pytest.approx(alone["scores"], abs=1e-5)
        assert one["verdict"] == alone["verdict"]


@pytest.mark.parametrize(
    ("text", "same"),
    [("Z\u00fcrich", "Zurich"), ("Z\u00fcrich", "Zu\u0308rich"), ("Z\u00fc\u00adrich", "zurich")],
)
def test_claims_of_the_same_tokens_are_put_to_the_same_sentences(text: str, same: str) -> None:
    document = "Z\u00fcrich has many people. Geneva has money. Basel sits on a river and has children."

    def premises(name: str) -> set[str]:
        model = word_model(neutral)
        DocumentChecker(model)(document, [f"{name} has money."])
        return {premise for premise, _ in texts_of(model).asked}

    assert premises(text) == premises(same)
    assert {"Z\u00fcrich has many people.", "Geneva has money."} <= premises(same)


def test_the_bundled_model() -> None:
    document = "The museum is closed on Mondays. In 2019 a storm flooded the cellar."
    checker = DocumentChecker(threads=1)
    supported, contradicted = checker(
        document, ["The museum is closed on Mondays.", "The storm did no damage."]
    )
    assert (supported["verdict"], contradicted["verdict"]) == ("supported", "contradicted")
    assert supported["evidence"] is not None
    assert supported["evidence"]["text"] == "The museum is closed on Mondays."
    assert contradicted["evidence"] is not None
    assert "storm" in contradicted["evidence"]["text"]


@pytest.mark.parametrize(
    ("document", "claims", "says"),
    [
        (7, ["a"], "the document is int, not a string"),
        ("", ["a"], "the document is empty"),
        (" \n", ["a"], "the document is empty"),
        ("a\ud800", ["a"], "the document holds half of a surrogate pair"),
        (INVISIBLE, ["a"], "the document holds no text"),
        ("a", "a claim", "claims must be a list of texts"),
        ("a", None, "claims must be a list of texts"),
        ("a", ["a", ""], "claim 2 is empty"),
        ("a", ["a", 7], "claim 2 is int, not a string"),
        ("a", ["\udfff"], "claim 1 holds half of a surrogate pair"),
        ("a", ["b", "word " * 300], "claim 2: the hypothesis has 300 tokens"),
    ],
)
def test_what_cannot_be_checked(document: object, claims: object, says: str) -> None:
    with pytest.raises(TextError) as error:
        DocumentChecker(word_model(neutral))(document, claims)  # type: ignore[arg-type]
    assert says in str(error.value)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan"), "0.5", True])
def test_bad_thresholds(threshold: object) -> None:
    with pytest.raises(InputError, match="threshold must be a number from 0 to 1"):
        DocumentChecker(word_model(neutral))("a", ["b"], threshold=threshold)  # type: ignore[arg-type]
