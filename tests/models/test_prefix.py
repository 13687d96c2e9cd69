"""Prefix attention equals ordinary attention under its mask, and no hypothesis sees another."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.tiny import tiny_bert
from torch import Tensor

from entailment.models.load import load_model
from entailment.models.prefix import PrefixBertForSequenceClassification

PREMISES = [[2, 50, 60, 70, 80, 3], [2, 90, 3]]  # [CLS] ... [SEP]
HYPOTHESES = [[[100, 110, 3], [120, 3]], [[130, 131, 132, 133, 3], [3]]]  # ... [SEP]; the shortest there is


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> PrefixBertForSequenceClassification:
    folder = tiny_bert(tmp_path_factory.mktemp("prefix") / "model", attention="prefix", layers=3)
    loaded = load_model(folder)
    assert isinstance(loaded, PrefixBertForSequenceClassification)
    return loaded


def masked_reference(
    model: PrefixBertForSequenceClassification, premise: list[int], hypothesis: list[int]
) -> Tensor:
    """Logits [K] of one pair written out, each token's view given by a full [T, T] mask."""
    ids = torch.tensor([premise + hypothesis])
    types = torch.tensor([[0] * len(premise) + [1] * len(hypothesis)])
    x = model.embeddings(ids, torch.arange(ids.shape[1]), types)
    sees = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool)
    sees[: len(premise), len(premise) :] = False
    for layer in model.layers:
        x = layer(x, sees[None, None])
    return model.classify(x[0, -1])


def padded(sequences: list[list[int]], width: int) -> Tensor:
    return torch.tensor([ids + [0] * (width - len(ids)) for ids in sequences])


def grid_logits(model: PrefixBertForSequenceClassification, *, extra: int = 0) -> Tensor:
    return model(
        padded(PREMISES, 6 + extra),
        torch.tensor([len(ids) for ids in PREMISES]),
        torch.stack([padded(row, 5 + extra) for row in HYPOTHESES]),
        torch.tensor([[len(ids) for ids in row] for row in HYPOTHESES]),
    )


@torch.inference_mode()
def test_equals_ordinary_attention_under_the_mask(model: PrefixBertForSequenceClassification) -> None:
    logits = grid_logits(model)
    for p, premise in enumerate(PREMISES):
        for h, hypothesis in enumerate(HYPOTHESES[p]):
            torch.testing.assert_close(
                logits[p, h], masked_reference(model, premise, hypothesis), atol=1e-5, rtol=0
            )


@torch.inference_mode()
def test_padding_changes_nothing(model: PrefixBertForSequenceClassification) -> None:
    torch.testing.assert_close(grid_logits(model, extra=7), grid_logits(model), atol=1e-5, rtol=0)


@torch.inference_mode()
def test_a_hypothesis_alone_scores_as_in_company(model: PrefixBertForSequenceClassification) -> None:
    together = grid_logits(model)
    for p, premise in enumerate(PREMISES):
        for h, hypothesis in enumerate(HYPOTHESES[p]):
            alone = model(
                torch.tensor([premise]),
                torch.tensor([len(premise)]),
                torch.tensor([[hypothesis]]),
                torch.tensor([[len(hypothesis)]]),
            )
            torch.testing.assert_close(alone[0, 0], together[p, h], atol=1e-5, rtol=0)


@torch.inference_mode()
def test_the_mask_matters(model: PrefixBertForSequenceClassification) -> None:
    """Guards the reference itself: with full attention the logits are others."""
    ids = torch.tensor([PREMISES[0] + HYPOTHESES[0][0]])
    x = model.embeddings(ids, torch.arange(9), torch.tensor([[0] * 6 + [1] * 3]))
    for layer in model.layers:
        x = layer(x, torch.ones(1, 1, 9, 9, dtype=torch.bool))
    full = model.classify(x[0, -1])
    assert (full - masked_reference(model, PREMISES[0], HYPOTHESES[0][0])).abs().max() > 1e-3


def test_attention_kind_is_saved_and_read_back(
    model: PrefixBertForSequenceClassification, tmp_path: Path
) -> None:
    from entailment.models.pretrained import save_pretrained

    source = tiny_bert(tmp_path / "source", attention="prefix", layers=3)
    save_pretrained(model, tmp_path / "saved", tokenizer_folder=source)
    again = load_model(tmp_path / "saved")
    assert isinstance(again, PrefixBertForSequenceClassification)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name
