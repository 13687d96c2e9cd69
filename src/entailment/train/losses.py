"""What training minimises."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from entailment.models.losses import IGNORED
from entailment.train.examples import ENTAILMENT


def entailment_loss(logits: Tensor, targets: Tensor, choice: Tensor) -> Tensor:
    """Negative log likelihood of each pair's class, averaged over pairs.

    NOT_ENTAILMENT is neutral or contradiction, so its probability is the sum of theirs. In a choice the wrong
    labels together weigh as much as the right one: otherwise three negatives a text would teach the model to
    say no.

    Args:
        logits: [P, L, 3], in the order of `examples.LABEL_NAMES`.
        targets: [P, L], IGNORED where there is no pair.
        choice: [P], whether exactly the first hypothesis is right.
    """
    log_probabilities = logits.float().log_softmax(-1)
    not_entailment = log_probabilities[..., 1:].logsumexp(-1, keepdim=True)
    four_way = torch.cat([log_probabilities, not_entailment], -1)  # [P, L, 4]
    asked = targets != IGNORED
    nll = -four_way.gather(-1, targets.clamp(min=0)[..., None])[..., 0]
    wrong = (asked & (targets != ENTAILMENT)).sum(1, keepdim=True).clamp(min=1)
    balanced = torch.where(targets == ENTAILMENT, 1.0, 1.0 / wrong)
    weight = torch.where(choice[:, None], balanced, 1.0) * asked
    return (nll * weight).sum() / weight.sum()


def choice_loss(logits: Tensor, targets: Tensor, choice: Tensor) -> Tensor:
    """Cross-entropy between rival labels on their entailment logits: what zero-shot classification compares.

    Args:
        logits: [P, L, 3].
        targets: [P, L].
        choice: [P], whether exactly the first hypothesis is right; the other rows do not count.

    Returns:
        The mean over choices, 0 where the batch has none.
    """
    entailment = logits[..., ENTAILMENT].float().masked_fill(targets == IGNORED, -torch.inf)[choice]
    if entailment.shape[0] == 0:
        return logits.new_zeros((), dtype=torch.float32)
    right = torch.zeros(entailment.shape[0], dtype=torch.long, device=logits.device)
    return F.cross_entropy(entailment, right)
