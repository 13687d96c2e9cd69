"""R-Drop: a batch is read twice, and what dropout makes of it shall differ little.

Source: Wu et al. 2021, arXiv:2106.14448, section 2.

Legend of shapes: N pairs or texts that a batch asks for, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from entailment.train.distil.objective import TaughtBatch, asked
from entailment.train.distil.watch import watched
from entailment.train.objective import Objective


class RDrop:
    """A task's objective whose loss also counts how far two readings of a batch are apart.

    Args:
        task: the objective of one reading, whose batches and measures stay what they are.
        weight: of that distance, above 0; half of what section 2.2 of the paper calls alpha, for there the
            losses of both readings are added, and here they are averaged.
    """

    def __init__(self, task: Objective[Any, Any], weight: float) -> None:
        self._task, self._weight = task, weight

    def plan(self, epoch: int) -> Sequence[Sequence[int]]:
        """The members of each batch of an epoch: the task's."""
        return self._task.plan(epoch)

    def batch(self, epoch: int, members: Sequence[int]) -> TaughtBatch:
        """The task's batch."""
        batch: TaughtBatch = self._task.batch(epoch, members)
        return batch

    def loss(self, model: nn.Module, batch: TaughtBatch) -> Tensor:
        """The task's loss, averaged over both readings, and their distance."""
        losses, logits = [], []
        for _ in range(2):
            with watched(model) as seen:
                losses.append(self._task.loss(model, batch))
            logits.append(asked(seen.output, batch)[0])
        return torch.stack(losses).mean() + self._weight * divergence(*logits)

    def validate(self, model: nn.Module) -> dict[str, float]:
        """The task's measures."""
        return self._task.validate(model)


def divergence(one: Tensor, other: Tensor) -> Tensor:
    """The mean of both Kullback-Leibler divergences between predictions, averaged over N.

    Args:
        one, other: logits [N, K].
    """
    a, b = one.float().log_softmax(-1), other.float().log_softmax(-1)
    both = [F.kl_div(p, q, log_target=True, reduction="batchmean") for p, q in ((a, b), (b, a))]
    return torch.stack(both).mean()
