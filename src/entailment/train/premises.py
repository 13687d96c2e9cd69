"""What the bundled model learns: premises, each with its hypotheses, under either kind of attention."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from entailment.models.load import PairClassifier
from entailment.models.prefix import PrefixBertForSequenceClassification
from entailment.train.batches import Batch, EncodedExample, collate, plan
from entailment.train.losses import choice_loss, entailment_loss
from entailment.train.objectives.padded import VALIDATION_TOKENS, device_of


@dataclass(frozen=True)
class Special:
    """Ids that batches are padded with."""

    pad_id: int
    sep_id: int

    def batch(self, examples: Sequence[EncodedExample], members: Sequence[int]) -> Batch:
        """Some of the examples in one grid."""
        return collate([examples[i] for i in members], pad_id=self.pad_id, sep_id=self.sep_id)


def score(model: PairClassifier, batch: Batch) -> Tensor:
    """Logits [P, L, K] of a batch, whichever attention the model has."""
    if isinstance(model, PrefixBertForSequenceClassification):
        logits: Tensor = model(
            batch.premise_ids, batch.premise_lengths, batch.hypothesis_ids, batch.hypothesis_lengths
        )
        return logits
    P, L, _ = batch.hypothesis_ids.shape
    logits = model(*batch.joined(), return_dict=True).logits
    return logits.view(P, L, -1)


def scored(
    model: PairClassifier, examples: Sequence[EncodedExample], special: Special
) -> Iterator[tuple[list[int], Batch, Tensor]]:
    """What a model says of examples that it is measured on, in an order of their own.

    Yields:
        The members of a batch, the batch on the model's device, and its logits [P, L, K].
    """
    for members in plan(examples, tokens_per_batch=VALIDATION_TOKENS, seed=0):
        batch = special.batch(examples, members).to(device_of(model))
        with torch.inference_mode():
            logits = score(model, batch)
        yield members, batch, logits


class Premises:
    """Premises with all their hypotheses, in batches by a budget of tokens.

    Args:
        examples_of_epoch: the epoch's number -> its examples; the same number must give the same examples.
        validation: a model in evaluation mode -> its named measures.
        special: ids that batches are padded with.
        tokens_per_batch: padding counted.
        seed: of the order.
        choice_weight: how much the loss between rival labels counts beside the loss of each pair.
    """

    def __init__(
        self,
        examples_of_epoch: Callable[[int], Sequence[EncodedExample]],
        validation: Callable[[PairClassifier], dict[str, float]],
        *,
        special: Special,
        tokens_per_batch: int,
        seed: int,
        choice_weight: float = 1.0,
    ) -> None:
        self._examples_of_epoch, self._validation = examples_of_epoch, validation
        self._special, self._choice_weight = special, choice_weight
        self._tokens_per_batch, self._seed = tokens_per_batch, seed
        self._held: tuple[int, Sequence[EncodedExample]] | None = None

    def plan(self, epoch: int) -> list[list[int]]:
        """The members of each batch of an epoch."""
        examples = self._examples(epoch)
        return plan(examples, tokens_per_batch=self._tokens_per_batch, seed=self._seed + epoch)

    def batch(self, epoch: int, members: Sequence[int]) -> Batch:
        """Examples of an epoch in one grid."""
        return self._special.batch(self._examples(epoch), members)

    def loss(self, model: PairClassifier, batch: Batch) -> Tensor:
        """The loss of each pair and the loss between rival labels."""
        logits = score(model, batch)
        loss = entailment_loss(logits, batch.targets, batch.choice)
        return loss + self._choice_weight * choice_loss(logits, batch.targets, batch.choice)

    def validate(self, model: PairClassifier) -> dict[str, float]:
        """What `validation` measures."""
        return self._validation(model)

    def _examples(self, epoch: int) -> Sequence[EncodedExample]:
        if self._held is None or self._held[0] != epoch:
            self._held = epoch, self._examples_of_epoch(epoch)
        return self._held[1]
