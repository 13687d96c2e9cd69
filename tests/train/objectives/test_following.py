"""What follows a text and what does not: how pairs are made, and that they can be learnt."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.tiny import WORDS
from tests.train.objectives.tiny_heads import Tokenizer, learn, measured, tiny_head, tokenizer_in

from entailment.errors import DataFileError
from entailment.train.objectives.following import NextSentence
from entailment.train.objectives.masked import Masking
from entailment.train.objectives.padded import Order, PaddedBatch

ROWS: list[dict[str, object]] = [{"text": " ".join(WORDS[start : start + 10])} for start in range(0, 120, 10)]


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    return tokenizer_in(tmp_path)


def following(tokenizer: Tokenizer, rows: Any = ROWS, *, seed: int = 3, **settings: Any) -> NextSentence:
    order = Order(rows=4, seed=seed)
    return NextSentence(rows, rows, tokenizer, **{"max_length": 32, "order": order, **settings})


def parts(batch: PaddedBatch, b: int) -> tuple[list[int], list[int]]:
    """The ids of both texts of a row, special ones with them."""
    real = batch.attention_mask[b] == 1
    ids, types = batch.input_ids[b][real], batch.token_type_ids[b][real]
    return ids[types == 0].tolist(), ids[types == 1].tolist()


def test_the_second_half_is_the_texts_own_or_anothers(tokenizer: Tokenizer) -> None:
    halves = [np.split(np.array(ids), 2) for ids in ids_of(tokenizer, ROWS)]
    cls, sep = tokenizer.cls_token_id, tokenizer.sep_token_id
    objective = following(tokenizer)
    strange = 0
    for epoch in range(30):
        batch = objective.batch(epoch, range(12))
        for member, label in enumerate(batch.targets["labels"].tolist()):
            first, second = parts(batch, member)
            assert first == [cls, *halves[member][0], sep]
            assert (second == [*halves[member][1], sep]) is (label == 0)
            assert second in [[*half, sep] for _, half in halves]
            strange += label
    # Four standard deviations of a share of 360 draws.
    assert abs(strange / 360 - 0.5) < 4 * math.sqrt(0.25 / 360)


def ids_of(tokenizer: Tokenizer, rows: Any) -> list[list[int]]:
    return [tokenizer(row["text"], add_special_tokens=False)["input_ids"] for row in rows]


def test_what_is_drawn_depends_on_epoch_and_row_alone(tokenizer: Tokenizer) -> None:
    one, other = (following(tokenizer, masking=Masking(tokenizer, seed=3)) for _ in range(2))
    first, again = one.batch(1, [0, 1, 2, 3]), other.batch(1, [0, 1, 2, 3])
    assert torch.equal(first.input_ids, again.input_ids)
    assert one.plan(1) == other.plan(1)
    drawn = [one.batch(epoch, range(12)).targets["next_sentence_label"].tolist() for epoch in range(3)]
    assert drawn[0] != drawn[1] != drawn[2]
    alone = one.batch(1, [2])
    tokens = alone.tokens
    assert torch.equal(alone.input_ids[0], first.input_ids[2][:tokens])


def test_words_are_hidden_in_both_parts(tokenizer: Tokenizer) -> None:
    plain = following(tokenizer)
    hiding = following(tokenizer, masking=Masking(tokenizer, seed=3, share=0.5))
    shown, batch = plain.batch(0, range(12)), hiding.batch(0, range(12))
    labels = batch.targets["labels"]
    assert torch.equal(batch.targets["next_sentence_label"], shown.targets["labels"])
    assert torch.equal(torch.where(labels == -100, batch.input_ids, labels), shown.input_ids)
    for kind in (0, 1):
        assert int(((labels != -100) & (shown.token_type_ids == kind)).sum()) > 0


def test_a_text_and_what_follows_it_may_be_given(tokenizer: Tokenizer) -> None:
    rows = [
        {"text": " ".join(WORDS[i : i + 3]), "text_pair": " ".join(WORDS[i + 50 : i + 54])} for i in range(4)
    ]
    batch = following(tokenizer, rows).batch(0, range(4))
    for member, label in enumerate(batch.targets["labels"].tolist()):
        first, second = parts(batch, member)
        expected = tokenizer(rows[member]["text"], rows[member]["text_pair"])["input_ids"]
        assert first == expected[: len(first)]
        assert (first + second == expected) is (label == 0)


def test_a_long_text_becomes_several_rows_and_none_is_longer_than_may_be(tokenizer: Tokenizer) -> None:
    rows = [{"text": " ".join(WORDS[:100])}, {"text": " ".join(WORDS[100:104])}]
    objective = following(tokenizer, rows, max_length=16)
    assert sum(len(first) + len(second) for first, second in objective.train) == 104
    pairs = [
        {"text": " ".join(WORDS[:9]), "text_pair": "dog"},
        {"text": "dog", "text_pair": " ".join(WORDS[:9])},
    ]
    for made in (objective, following(tokenizer, pairs, max_length=14)):
        for epoch in range(10):
            assert made.batch(epoch, range(len(made.train))).input_ids.shape[1] <= 16


@pytest.mark.parametrize("hidden", [False, True])
def test_it_is_learnt_and_measured_the_same_every_time(tokenizer: Tokenizer, hidden: bool) -> None:
    # Both parts of a row are one word, and no other row has it.
    rows = [{"text": " ".join([word] * 4), "text_pair": " ".join([word] * 4)} for word in WORDS[:4]]
    objective = following(tokenizer, rows, masking=Masking(tokenizer, seed=3) if hidden else None)
    model = tiny_head("PreTraining" if hidden else "NextSentencePrediction")
    before = measured(objective, model)
    assert before == measured(objective, model)
    assert before.keys() == {"loss", "accuracy"} | ({"words_accuracy"} if hidden else set())
    learn(objective, model, epochs=300)
    after = measured(objective, model)
    assert after["loss"] < before["loss"] / 2
    assert all(after[name] > 0.7 for name in after if name != "loss"), after


def test_what_leaves_nothing_to_compare_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(DataFileError, match="there is one training row"):
        following(tokenizer, ROWS[:1])
    with pytest.raises(DataFileError, match="no training row has 2 tokens"):
        following(tokenizer, [{"text": "dog"}, {"text": "\u200b"}])
