"""Hidden words: what is asked, how it is shown, and that it can be learnt."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from tests.tiny import WORDS
from tests.train.objectives.tiny_heads import Tokenizer, learn, measured, tiny_head, tokenizer_in

from entailment.errors import DataFileError, InputError
from entailment.train.objectives.masked import MaskedLanguageModeling
from entailment.train.objectives.padded import Order, PaddedBatch

ROWS: list[dict[str, object]] = [{"text": " ".join(WORDS[start : start + 20])} for start in range(0, 120, 20)]


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    return tokenizer_in(tmp_path)


def masking(tokenizer: Tokenizer, share: float = 0.15, seed: int = 3) -> MaskedLanguageModeling:
    order = Order(rows=2, seed=seed)
    return MaskedLanguageModeling(ROWS, ROWS, tokenizer, max_length=32, order=order, share=share)


def same(first: PaddedBatch, second: PaddedBatch) -> bool:
    return torch.equal(first.input_ids, second.input_ids) and torch.equal(
        first.targets["labels"], second.targets["labels"]
    )


def test_what_is_asked_is_the_share_and_the_rest_is_shown_as_it_is(tokenizer: Tokenizer) -> None:
    batch = masking(tokenizer).batch(0, [4, 1])
    labels = batch.targets["labels"]
    for row, shown, asked in zip((4, 1), batch.input_ids, labels, strict=True):
        ids = torch.tensor(tokenizer(str(ROWS[row]["text"]))["input_ids"])
        assert int((asked != -100).sum()) == round(0.15 * 20)
        assert torch.equal(torch.where(asked == -100, shown, asked)[: len(ids)], ids)
        assert asked[0] == asked[len(ids) - 1] == -100  # [CLS] and [SEP] are never asked for


def test_what_is_asked_depends_on_epoch_and_row_alone(tokenizer: Tokenizer) -> None:
    objective = masking(tokenizer)
    assert same(objective.batch(1, [0, 1]), masking(tokenizer).batch(1, [0, 1]))
    assert not same(objective.batch(1, [0, 1]), objective.batch(2, [0, 1]))
    assert not same(objective.batch(1, [0, 1]), masking(tokenizer, seed=4).batch(1, [0, 1]))
    assert torch.equal(objective.batch(1, [0, 1]).input_ids[1], objective.batch(1, [1]).input_ids[0])


def test_most_are_hidden_some_replaced_and_some_left(tokenizer: Tokenizer) -> None:
    objective = masking(tokenizer, share=1.0)
    hidden = replaced = left = 0
    for epoch in range(40):
        batch = objective.batch(epoch, range(6))
        labels, shown = batch.targets["labels"], batch.input_ids
        asked = labels != -100
        hidden += int((shown[asked] == tokenizer.mask_token_id).sum())
        left += int((shown[asked] == labels[asked]).sum())
        replaced += int(((shown != labels) & asked & (shown != tokenizer.mask_token_id)).sum())
        others = shown[asked & (shown != tokenizer.mask_token_id)].tolist()
        assert not set(others) & set(tokenizer.all_special_ids)
    total = hidden + replaced + left
    assert total == 40 * 6 * 20
    # Four standard deviations of a share of 4,800 draws.
    for found, share in ((hidden, 0.8), (replaced, 0.1), (left, 0.1)):
        assert abs(found / total - share) < 4 * math.sqrt(share * (1 - share) / total)


def test_a_long_text_becomes_several_rows_and_loses_nothing(tokenizer: Tokenizer) -> None:
    text = " ".join(WORDS[:100])
    objective = MaskedLanguageModeling([{"text": text}], ROWS, tokenizer, max_length=32, order=Order(rows=2))
    assert [len(row) for row in objective.train] == [32, 32, 32, 12]
    special = set(tokenizer.all_special_ids)
    ids = [each for row in objective.train for each in row.ids.tolist() if each not in special]
    assert ids == tokenizer(text, add_special_tokens=False)["input_ids"]


def test_one_token_at_least_is_asked_of_a_short_text(tokenizer: Tokenizer) -> None:
    objective = MaskedLanguageModeling(
        [{"text": "dog"}, {"text": "\u200b"}], ROWS, tokenizer, max_length=32, order=Order(rows=2)
    )
    assert len(objective.train) == 1  # the other has no token to ask for
    assert int((objective.batch(0, [0]).targets["labels"] != -100).sum()) == 1


def test_it_is_learnt_and_measured_the_same_every_time(tokenizer: Tokenizer) -> None:
    objective = masking(tokenizer)
    model = tiny_head("MaskedLM")
    before = measured(objective, model)
    assert before == measured(objective, model)
    assert before["perplexity"] == pytest.approx(math.exp(before["loss"]))
    learn(objective, model, epochs=60)
    after = measured(objective, model)
    assert after["loss"] < before["loss"] / 2
    assert after["accuracy"] > before["accuracy"] + 0.4


def test_a_hopeless_loss_has_a_perplexity_too(tokenizer: Tokenizer) -> None:
    model = tiny_head("MaskedLM")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1e3)
    found = measured(masking(tokenizer), model)
    assert found["loss"] > 700
    assert math.isfinite(found["perplexity"])


def test_what_leaves_nothing_to_ask_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(DataFileError, match="no training row has a token to learn from"):
        MaskedLanguageModeling([{"text": "\u200b"}], ROWS, tokenizer, max_length=32, order=Order(rows=2))
    with pytest.raises(InputError, match=r"share is 0\.0"):
        masking(tokenizer, share=0.0)
