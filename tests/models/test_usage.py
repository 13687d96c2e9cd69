"""How the documented classes are called: from names to tokens, answers, losses and a step of training.

`tests/test_documentation_examples.py` runs the reference's own examples, where they lie; these are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from tests.models import hub
from torch import Tensor
from torch.nn import functional as F

import entailment
from entailment import AutoModelForSequenceClassification, AutoTokenizer, CrossEncoder, MobileBertConfig

FERNS = "Nobody waters the ferns in winter"
KETTLE = "The kettle boils over."
BATCH = (KETTLE, FERNS)
PREMISES = ["Two girls row across the lake at dawn.", "The baker locks the shop."]
HYPOTHESES = ["A boat is on the water.", "Bread is being sold."]
QUESTION = "Who locks the shop?"
VOCABULARY = hub.vocabulary_of(" ".join([*BATCH, *PREMISES, *HYPOTHESES, QUESTION]))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub")
    hub.make_hub(folder, VOCABULARY)
    return folder


@pytest.fixture(autouse=True)
def where_names_are_folders(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)


def tokens_of(name: str, text: str | list[str], pair: str | list[str] | None = None) -> dict[str, Tensor]:
    return dict(AutoTokenizer.from_pretrained(name)(text, pair, padding=True, return_tensors="pt"))


def loss_that_a_step_lowers(model: Any, **given: Tensor) -> Tensor:
    """The loss of a batch, after seeing that a small step down its gradient lowers it."""
    before = model(**given).loss
    assert before.shape == ()
    assert before.isfinite()
    before.backward()
    torch.optim.SGD(model.parameters(), lr=1e-4).step()
    with torch.no_grad():
        assert model(**given).loss < before
    return before.detach()


class Case(NamedTuple):
    """A class, a checkpoint for it, its answers by shape, and labels of a batch of two."""

    kind: str
    name: str
    answers: dict[str, str]
    labels: Mapping[str, Tensor | str]


SPAN = {"start_positions": torch.tensor([1, 2]), "end_positions": torch.tensor([3, 2])}
CASES = (
    Case("Model", hub.PRETRAINED, {"last_hidden_state": "BTH", "pooler_output": "BH"}, {}),
    Case(
        "ForPreTraining",
        hub.PRETRAINED,
        {"prediction_logits": "BTV", "seq_relationship_logits": "B2"},
        {"labels": "words", "next_sentence_label": torch.tensor([0, 1])},
    ),
    Case("ForMaskedLM", hub.PRETRAINED, {"logits": "BTV"}, {"labels": "words"}),
    Case("ForNextSentencePrediction", hub.PRETRAINED, {"logits": "B2"}, {"labels": torch.tensor([1, 0])}),
    Case("ForSequenceClassification", hub.EMOTION, {"logits": "B4"}, {"labels": torch.tensor([3, 1])}),
    Case("ForTokenClassification", hub.ENTITY, {"logits": "BT3"}, {"labels": "classes"}),
    Case("ForQuestionAnswering", hub.SQUAD, {"start_logits": "BT", "end_logits": "BT"}, SPAN),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_a_class_answers_and_learns(case: Case) -> None:
    model = getattr(entailment, f"MobileBert{case.kind}").from_pretrained(case.name)
    given = tokens_of(case.name, list(BATCH))
    ids = given["input_ids"]
    sizes = {"B": 2, "T": ids.shape[1], "H": hub.HIDDEN, "V": len(VOCABULARY)}
    assert ids.shape[1] == 8  # six words between [CLS] and [SEP]; the other text is padded

    answer = model(**given)
    assert answer.keys() == tuple(case.answers)
    for name, shape in case.answers.items():
        assert getattr(answer, name).shape == tuple(sizes.get(size) or int(size) for size in shape)

    made = {"words": ids.where(ids > 4, -100), "classes": ids % 3}
    labels = {key: made[value] if isinstance(value, str) else value for key, value in case.labels.items()}
    if labels:
        loss = loss_that_a_step_lowers(model, **given, **labels)
        parts = [
            F.cross_entropy(logits.flatten(0, -2), wanted.flatten())
            for logits, wanted in zip(answer.values(), labels.values(), strict=True)
        ]
        over = 2 if case.kind == "ForQuestionAnswering" else 1  # a mean there, else a sum
        torch.testing.assert_close(loss, torch.stack(parts).sum() / over)


def test_a_new_model_has_the_documented_size() -> None:
    config = MobileBertConfig()
    model = entailment.MobileBertModel(config)
    assert model.config is config
    assert model.num_parameters() == 24_844_544


def test_choices_are_rows_under_one_question() -> None:
    torch.manual_seed(0)  # this head is new
    model: Any = entailment.MobileBertForMultipleChoice.from_pretrained(hub.PRETRAINED)
    assert model.loading_report.initialised == ("classifier.bias", "classifier.weight")
    choices = tokens_of(hub.PRETRAINED, PREMISES[:1] * 3, [*HYPOTHESES, FERNS])
    given = {name: rows[None] for name, rows in choices.items()}
    assert model(**given).logits.shape == (1, 3)
    loss_that_a_step_lowers(model, **given, labels=torch.tensor([2]))


def test_ids_without_a_mask_are_enough() -> None:
    tokenizer = AutoTokenizer.from_pretrained(hub.PRETRAINED)
    model = entailment.MobileBertForPreTraining.from_pretrained(hub.PRETRAINED)
    alone = model(torch.tensor([tokenizer.encode(FERNS)]))
    torch.testing.assert_close(alone.to_tuple(), model(**tokens_of(hub.PRETRAINED, FERNS)).to_tuple())


def test_a_masked_word_is_guessed() -> None:
    tokenizer = AutoTokenizer.from_pretrained(hub.PRETRAINED)
    model = entailment.MobileBertForMaskedLM.from_pretrained(hub.PRETRAINED)
    given = tokens_of(hub.PRETRAINED, KETTLE.replace("kettle", tokenizer.mask_token))
    hidden = given["input_ids"] == tokenizer.mask_token_id
    assert hidden.nonzero().tolist() == [[0, 2]]
    logits = model(**given).logits.detach()[hidden]
    guess = logits.argmax(-1)
    assert tokenizer.decode(guess) == VOCABULARY[int(guess)]

    wanted = tokens_of(hub.PRETRAINED, KETTLE)["input_ids"].where(hidden, -100)
    loss = loss_that_a_step_lowers(model, **given, labels=wanted)
    torch.testing.assert_close(loss, F.cross_entropy(logits, wanted[hidden]))


def test_one_label_of_a_text() -> None:
    model = entailment.MobileBertForSequenceClassification.from_pretrained(hub.EMOTION)
    assert model.config.id2label == hub.EMOTIONS
    best = model(**tokens_of(hub.EMOTION, list(BATCH))).logits.argmax(-1)
    assert {model.config.id2label[index] for index in best.tolist()} <= set(hub.EMOTIONS.values())
    again = entailment.MobileBertForSequenceClassification.from_pretrained(hub.EMOTION, num_labels=4)
    assert torch.equal(again.classifier.weight, model.classifier.weight)


def test_several_labels_of_a_text() -> None:
    model = entailment.MobileBertForSequenceClassification.from_pretrained(
        hub.EMOTION, problem_type="multi_label_classification"
    )
    given, wanted = tokens_of(hub.EMOTION, list(BATCH)), torch.tensor([[0.0, 1, 0, 1], [0, 0, 0, 0]])
    logits = model(**given).logits.detach()
    loss = loss_that_a_step_lowers(model, **given, labels=wanted)
    torch.testing.assert_close(loss, F.binary_cross_entropy_with_logits(logits, wanted))


def test_every_token_has_a_class() -> None:
    model = entailment.MobileBertForTokenClassification.from_pretrained(hub.ENTITY)
    tokenizer = AutoTokenizer.from_pretrained(hub.ENTITY)
    given = tokenizer(FERNS, add_special_tokens=False, return_tensors="pt")
    classes = [model.config.id2label[index] for index in model(**given).logits[0].argmax(-1).tolist()]
    assert len(classes) == len(FERNS.split())
    assert set(classes) <= set(hub.ENTITIES.values())


def test_an_answer_is_a_span_of_the_text() -> None:
    tokenizer = AutoTokenizer.from_pretrained(hub.SQUAD)
    model = entailment.MobileBertForQuestionAnswering.from_pretrained(hub.SQUAD)
    given = tokenizer(QUESTION, PREMISES[1], return_tensors="pt")
    answer = model(**given)
    assert answer.start_logits.shape == answer.end_logits.shape == given["input_ids"].shape
    first, last = sorted(int(logits.argmax()) for logits in (answer.start_logits, answer.end_logits))
    said, whole = (
        tokenizer.decode(ids, skip_special_tokens=True)
        for ids in (given["input_ids"][0, first : last + 1], given["input_ids"][0])
    )
    assert said in whole
    assert whole == f"{QUESTION} {PREMISES[1]}".lower()


@pytest.mark.parametrize(
    ("name", "architecture"),
    [
        (hub.MOBILEBERT, "MobileBert"),
        (hub.DISTILBERT, "DistilBert"),
        (hub.MINILM, "Bert"),
        (hub.TINYBERT, "Bert"),
    ],
)
def test_pairs_by_every_published_classifier(name: str, architecture: str) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(name)
    tokenizer = AutoTokenizer.from_pretrained(name)
    assert type(model) is getattr(entailment, f"{architecture}ForSequenceClassification")
    assert type(tokenizer) is getattr(entailment, f"{architecture}TokenizerFast")
    assert model.config.id2label == hub.NLI

    given = tokenizer(PREMISES, HYPOTHESES, padding=True, truncation=True, return_tensors="pt")
    logits = model(**given)["logits"].detach()
    assert logits.shape == (2, 3)

    encoder = CrossEncoder(name)
    pairs = list(zip(PREMISES, HYPOTHESES, strict=True))
    scores = encoder.predict(pairs)
    np.testing.assert_allclose(scores, logits, atol=1e-4)
    np.testing.assert_allclose(encoder.predict(pairs[0]), scores[0], atol=1e-5)
    np.testing.assert_allclose(encoder.predict(pairs, apply_softmax=True), logits.softmax(-1), atol=1e-4)
    assert encoder.label_names == tuple(hub.NLI.values())
