"""What is learnt, as the loop sees it: batches, their loss, and how good the model has become.

The loop knows nothing of texts, labels or heads. An objective is any object with these four methods; it is
composed of rows, a tokenizer and a loss, and inherits nothing:

    class Objective:
        def plan(self, epoch: int) -> Sequence[Sequence[int]]: ...
        def batch(self, epoch: int, members: Sequence[int]) -> MyBatch: ...
        def loss(self, model: MyModel, batch: MyBatch) -> Tensor: ...
        def validate(self, model: MyModel) -> dict[str, float]: ...
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self, TypeVar

import torch
from torch import Tensor


class TrainBatch(Protocol):
    """Tensors that one loss is computed from."""

    @property
    def tokens(self) -> int:
        """Real tokens, padding not counted: what throughput is counted in."""
        ...

    def to(self, device: torch.device) -> Self:
        """The same batch on another device."""
        ...


M_contra = TypeVar("M_contra", bound=torch.nn.Module, contravariant=True)
B = TypeVar("B", bound=TrainBatch)


class Objective(Protocol[M_contra, B]):
    """What is learnt: the batches of an epoch, their loss, and how good the model has become.

    A run resumes to the bit because `plan` and `batch` are pure functions of their arguments and of the
    objective's own seed: whatever is drawn (order, negatives, masks) is drawn from those.
    """

    def plan(self, epoch: int) -> Sequence[Sequence[int]]:
        """The members of each batch of an epoch, in the order they are learnt."""
        ...

    def batch(self, epoch: int, members: Sequence[int]) -> B:
        """The tensors of one batch of `plan(epoch)`, on the CPU."""
        ...

    def loss(self, model: M_contra, batch: B) -> Tensor:
        """The mean over what is counted in the batch: a scalar, float32."""
        ...

    def validate(self, model: M_contra) -> dict[str, float]:
        """Named measures of a model in evaluation mode, e.g. `{"loss": 0.61, "accuracy": 0.79}`.

        Called without gradients. Names in which less is better are `loss` and `perplexity`, alone or after
        an underscore (`answers_loss`); in all others more is better.
        """
        ...
