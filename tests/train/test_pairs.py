"""The objectives over texts and pairs: what the model is shown, its loss, and its measures."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tiny import NLI_LABELS, tiny_bert
from tests.train.texts import nli_rows
from tokenizers import Tokenizer as Reference
from tokenizers import models, pre_tokenizers, processors
from torch.nn import functional as F

from entailment.errors import DataFileError
from entailment.models.bert import BertForSequenceClassification
from entailment.models.prefix import PrefixBertForSequenceClassification
from entailment.text.pairs import PairEncoder
from entailment.text.tokenizer import Tokenizer
from entailment.train.objectives.padded import Order
from entailment.train.objectives.pairs import PAIR, TEXT, Classification, encode
from entailment.train.objectives.prefix import PrefixPairs

ROWS = nli_rows(40, seed=1)
HELD = nli_rows(30, seed=2)
EIGHT = Order(rows=8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Tokenizer:
    return Tokenizer.from_folder(folder)


def classification(tokenizer: Tokenizer, **changes: object) -> Classification:
    settings: dict[str, object] = {"columns": PAIR, "labels": NLI_LABELS, "max_length": 64, "order": EIGHT}
    return Classification(ROWS, HELD, tokenizer, **{**settings, **changes})  # type: ignore[arg-type]


def test_a_batch_is_what_the_reference_reads(folder: Path, tokenizer: Tokenizer) -> None:
    objective = classification(tokenizer)
    members = objective.plan(0)[0]
    batch = objective.batch(0, members)
    expected = PairEncoder(tokenizer, max_length=64).encode(
        [(str(ROWS[i]["premise"]), str(ROWS[i]["hypothesis"])) for i in members]
    )
    for row, pair in enumerate(expected):
        ids = [*pair.premise, *pair.hypothesis]
        assert batch.input_ids[row, : len(ids)].tolist() == ids
        assert batch.attention_mask[row].tolist() == [1] * len(ids) + [0] * (
            batch.input_ids.shape[1] - len(ids)
        )
        types = [0] * len(pair.premise) + [1] * len(pair.hypothesis)
        assert batch.token_type_ids[row, : len(ids)].tolist() == types
    assert (batch.input_ids[batch.attention_mask == 0] == tokenizer.pad_id).all()
    assert batch.tokens == int(batch.attention_mask.sum())
    assert [NLI_LABELS[label] for label in batch.labels] == [ROWS[i]["label"] for i in members]


def test_the_loss_is_the_mean_over_rows(folder: Path, tokenizer: Tokenizer) -> None:
    model = BertForSequenceClassification.from_pretrained(folder)
    for smoothing in (0.0, 0.2):
        objective = classification(tokenizer, label_smoothing=smoothing)
        batch = objective.batch(0, [3, 1, 4])
        one_by_one = []
        for member in (3, 1, 4):
            row = objective.batch(0, [member])
            logits = model(row.input_ids, row.attention_mask, row.token_type_ids).logits.log_softmax(-1)
            # Szegedy et al. 2016, section 7: the target shared out between the class and the uniform.
            one_by_one.append((smoothing - 1) * logits[0, row.labels[0]] - smoothing * logits.mean())
        torch.testing.assert_close(objective.loss(model, batch), torch.stack(one_by_one).mean())


@pytest.mark.parametrize("attention", ["full", "prefix"])
def test_measures_are_those_of_the_torch_free_world(tmp_path: Path, attention: str) -> None:
    from entailment.tasks.nli import NLI

    folder = tiny_bert(tmp_path / "model", attention="prefix" if attention == "prefix" else "full")
    tokenizer = Tokenizer.from_folder(folder)
    found: dict[str, float]
    with torch.inference_mode():
        if attention == "prefix":
            prefix = PrefixBertForSequenceClassification.from_pretrained(folder)
            found = PrefixPairs(ROWS, HELD, tokenizer, max_length=64, tokens=256).validate(prefix)
        else:
            full = BertForSequenceClassification.from_pretrained(folder)
            found = classification(tokenizer).validate(full)
    pairs = [(str(row["premise"]), str(row["hypothesis"])) for row in HELD]
    answers = list(NLI(folder).stream(pairs))
    golds = [str(row["label"]) for row in HELD]
    right = [answer.label == gold for answer, gold in zip(answers, golds, strict=True)]
    losses = [-np.log(answer.scores[gold]) for answer, gold in zip(answers, golds, strict=True)]
    assert found["accuracy"] == pytest.approx(np.mean(right))
    assert found["loss"] == pytest.approx(np.mean(losses), abs=1e-5)
    assert 0 < found["macro_f1"] < 1


def test_single_texts_and_long_ones(tokenizer: Tokenizer) -> None:
    rows = [{"text": "dog " * 50, "label": "yes"}, {"text": "cat", "label": "no"}]
    objective = Classification(
        rows, rows, tokenizer, columns=TEXT, labels=("no", "yes"), max_length=8, order=Order(rows=2)
    )
    batch = objective.batch(0, [0, 1])
    assert batch.attention_mask.sum(1).tolist() == [8, 3]
    assert batch.input_ids[0, -1] == tokenizer.sep_id
    assert batch.token_type_ids.sum() == 0
    assert batch.labels.tolist() == [1, 0]


def test_long_pairs_are_cut_as_the_reference_tokenizers_cut_them(tokenizer: Tokenizer) -> None:
    reference = Reference(models.WordLevel({"[CLS]": 0, "[SEP]": 1, "dog": 2, "cat": 3}))
    reference.pre_tokenizer = pre_tokenizers.Whitespace()
    reference.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 0), ("[SEP]", 1)],
    )
    lengths = list(itertools.product(range(0, 21, 2), range(0, 21, 3)))
    rows = [{"premise": "dog " * a, "hypothesis": "cat " * b, "label": "neutral"} for a, b in lengths]
    for max_length in range(4, 28):
        reference.enable_truncation(max_length, strategy="longest_first")
        found = encode(rows, tokenizer, PAIR, NLI_LABELS, max_length, "training").texts
        for row, texts in zip(rows, found, strict=True):
            ids = reference.encode(row["premise"], row["hypothesis"]).ids
            assert [len(text) for text in texts] == [ids.count(2), ids.count(3)], (row, max_length)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no training rows"),
        ([{"premise": "a", "hypothesis": "b", "label": "maybe"}], "training row 1 has the label 'maybe'"),
        (
            [{"premise": "a", "hypothesis": None, "label": "neutral"}],
            "training row 1: hypothesis is None, not a text",
        ),
    ],
)
def test_rows_that_cannot_be_learnt(
    tokenizer: Tokenizer, rows: list[dict[str, object]], message: str
) -> None:
    with pytest.raises(DataFileError, match=message):
        Classification(rows, HELD, tokenizer, columns=PAIR, labels=NLI_LABELS, max_length=64, order=EIGHT)


def test_prefix_batches_hold_every_pair_once(tmp_path: Path) -> None:
    folder = tiny_bert(tmp_path / "model", attention="prefix")
    tokenizer = Tokenizer.from_folder(folder)
    repeated = [{**row, "premise": ROWS[i % 5]["premise"]} for i, row in enumerate(ROWS)]
    objective = PrefixPairs(repeated, HELD, tokenizer, max_length=64, tokens=200)
    assert objective.plan(0) == objective.plan(0) != objective.plan(1)
    batches = [objective.batch(0, members) for members in objective.plan(0)]
    assert sum(int((batch.targets >= 0).sum()) for batch in batches) == len(ROWS)
    model = PrefixBertForSequenceClassification.from_pretrained(folder)
    batch = batches[0]
    logits = model(batch.premise_ids, batch.premise_lengths, batch.hypothesis_ids, batch.hypothesis_lengths)
    asked = batch.targets >= 0
    expected = F.cross_entropy(logits[asked], batch.targets[asked])
    torch.testing.assert_close(objective.loss(model, batch), expected)
    with pytest.raises(DataFileError, match="no training rows"):
        PrefixPairs([], HELD, tokenizer, max_length=64, tokens=200)
