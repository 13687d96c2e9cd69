"""The losses against values worked out by hand."""

from __future__ import annotations

import math

import torch

from entailment.models.losses import IGNORED
from entailment.train.examples import CONTRADICTION, ENTAILMENT, NOT_ENTAILMENT
from entailment.train.losses import choice_loss, entailment_loss

NO, YES = torch.tensor([False]), torch.tensor([True])
PROBABILITIES = torch.tensor([[[0.5, 0.3, 0.2], [0.1, 0.6, 0.3]]])
LOGITS = PROBABILITIES.log()


def test_pairs_are_averaged() -> None:
    targets = torch.tensor([[ENTAILMENT, CONTRADICTION]])
    expected = -(math.log(0.5) + math.log(0.3)) / 2
    assert math.isclose(entailment_loss(LOGITS, targets, NO).item(), expected, rel_tol=1e-6)


def test_not_entailment_is_the_sum_of_two() -> None:
    targets = torch.tensor([[IGNORED, NOT_ENTAILMENT]])
    assert math.isclose(entailment_loss(LOGITS, targets, NO).item(), -math.log(0.9), rel_tol=1e-5)


def test_wrong_labels_of_a_choice_weigh_as_much_as_the_right_one() -> None:
    logits = torch.tensor([[[0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0.2, 0.4, 0.4]]]).log()
    targets = torch.tensor([[ENTAILMENT, NOT_ENTAILMENT, NOT_ENTAILMENT]])
    expected = -(math.log(0.5) + (math.log(0.9) + math.log(0.8)) / 2) / 2
    assert math.isclose(entailment_loss(logits, targets, YES).item(), expected, rel_tol=1e-5)


def test_choice_compares_entailment_logits_of_real_hypotheses() -> None:
    logits = torch.tensor([[[2.0, 0.0, 0.0], [1.0, 9.0, 9.0], [50.0, 0.0, 0.0]]])
    targets = torch.tensor([[ENTAILMENT, NOT_ENTAILMENT, IGNORED]])
    expected = math.log(1 + math.exp(1.0 - 2.0))
    assert math.isclose(choice_loss(logits, targets, YES).item(), expected, rel_tol=1e-6)
    assert choice_loss(logits, targets, NO).item() == 0.0
