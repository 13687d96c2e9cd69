"""The objective of a task, with a teacher: student and teacher read the same batch, once each.

Legend of shapes: B batch, T tokens, K classes or vocabulary, N whatever a batch asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from entailment.models.losses import IGNORED
from entailment.train.batches import Batch
from entailment.train.distil.methods import Lesson, Pairs, Way
from entailment.train.distil.watch import watched
from entailment.train.objective import Objective
from entailment.train.objectives.padded import PaddedBatch, device_of
from entailment.train.objectives.pairs import ClassBatch
from entailment.train.parts import TeacherPart

TaughtBatch = ClassBatch | PaddedBatch | Batch


class Pupil(nn.Module):
    """What is trained: a student, and what only its lessons need. The student alone is kept."""

    def __init__(self, student: nn.Module, projections: nn.ModuleDict) -> None:
        super().__init__()
        self.student = student
        self.projections = projections


class Distilled:
    """A task's objective whose loss is in part what a teacher says.

    The teacher is in evaluation mode, has no gradients, follows the student to its device, and is no part of
    what is trained or saved.

    Args:
        task: the objective without a teacher, whose batches and measures stay what they are.
        teacher: a model of the task, with its classes in the student's order.
        part: the recipe's section.
        way: what is compared.
        pairs: layers of student and teacher that are.
        share: of the loss that is the teacher's.
        first_epoch: the epoch of the task that epoch 0 is.
    """

    def __init__(
        self,
        task: Objective[Any, Any],
        teacher: nn.Module,
        part: TeacherPart,
        way: Way,
        pairs: Pairs,
        *,
        share: float,
        first_epoch: int = 0,
    ) -> None:
        self._task, self._teacher = task, teacher.eval()
        self._part, self._way, self._pairs, self._share = part, way, pairs, share
        self._first_epoch = first_epoch

    def plan(self, epoch: int) -> Sequence[Sequence[int]]:
        """The members of each batch of an epoch: the task's."""
        return self._task.plan(self._first_epoch + epoch)

    def batch(self, epoch: int, members: Sequence[int]) -> TaughtBatch:
        """The task's batch."""
        batch: TaughtBatch = self._task.batch(self._first_epoch + epoch, members)
        return batch

    def loss(self, model: Pupil, batch: TaughtBatch) -> Tensor:
        """The teacher's share of the loss and the task's own."""
        device, states = device_of(model), self._way.states
        with torch.no_grad(), watched(self._teacher, [b for _, b in self._pairs], states=states) as taught:
            self._task.loss(self._teacher.to(device), batch)
        with watched(model.student, [a for a, _ in self._pairs], states=states) as said:
            own = self._task.loss(model.student, batch)
        # What is compared is compared in float32, in whatever precision it was computed.
        with torch.autocast(device.type, enabled=False):
            logits = [asked(each.output, batch, everywhere=self._way.everywhere) for each in (said, taught)]
            mask = torch.empty(0) if isinstance(batch, Batch) else batch.attention_mask.bool()
            pairs = list(zip(*logits, strict=True))
            lesson = Lesson(self._part, self._pairs, said, taught, pairs, mask, model.projections)
            theirs = self._way.loss(lesson)
        if self._share == 1:  # Times zero, a loss that is infinite would still be none.
            return theirs
        return self._share * theirs + (1 - self._share) * own

    def validate(self, model: Pupil) -> dict[str, float]:
        """The task's measures of the student."""
        return self._task.validate(model.student)


def asked(output: Any, batch: TaughtBatch, *, everywhere: bool = False) -> list[Tensor]:
    """The logits that a batch asks for, [N, K] for each head.

    Args:
        output: of a task class, for the batch; with prefix attention the logits themselves.
        batch: says which pairs are there and which words are asked for.
        everywhere: of words all, and not only those that are hidden.
    """
    if isinstance(batch, Batch):
        logits = output if isinstance(output, Tensor) else output.logits
        return [logits.flatten(0, -2)[(batch.targets != IGNORED).flatten()]]
    if isinstance(batch, ClassBatch):
        return [output.logits]
    words = batch.attention_mask.bool() if everywhere else batch.targets["labels"] != IGNORED
    if "next_sentence_label" in batch.targets:
        return [output.prediction_logits[words], output.seq_relationship_logits]
    return [output.logits[words]]
