"""Several classes of a text at once, or a number: sequence classification where it is not one class.

Which of the two a model computes its loss for, its configuration says: `problem_type` is
`MultiLabel.problem_type` or `Regression.problem_type`.

Legend of shapes: B rows, N rows of a set, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from entailment.errors import DataFileError
from entailment.text.hub_tokenizer import HubTokenizer
from entailment.train.objectives.padded import (
    EncodedRow,
    Order,
    PaddedBatch,
    encoded,
    numbered,
    outputs,
    padded,
    some,
    text_of,
)
from entailment.train.source_rows import Row

COLUMNS = ("text", "label")
PAIRED = "text_pair"
"""A column that rows may have besides: the second of two texts that are read together."""


@dataclass(frozen=True, slots=True)
class _Labelled:
    """A text or a pair as ids, and what is learnt of it, [K]."""

    row: EncodedRow
    target: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.row)


class MultiLabel:
    """Any number of classes a text: binary cross-entropy of each.

    Args:
        train: rows with `text` and `label`, a list of names that may be empty; with `text_pair` too, texts
            are read in pairs.
        validation: likewise.
        tokenizer: of the model.
        labels: the classes by name, in the order of the logits.
        max_length: most tokens of a row, special ones included.
        order: how training rows become batches.

    Raises:
        DataFileError: no rows, a row without a text, or with a label that is none of `labels`.
    """

    problem_type = "multi_label_classification"

    def __init__(
        self,
        train: Sequence[Row],
        validation: Sequence[Row],
        tokenizer: HubTokenizer,
        *,
        labels: Sequence[str],
        max_length: int,
        order: Order,
    ) -> None:
        self.labels = tuple(labels)
        self._order, self._pad_id = order, tokenizer.pad_token_id
        self.train, self.validation = (
            _labelled(found, _several(found, self.labels, what), tokenizer, max_length, what)
            for found, what in ((train, "training"), (validation, "validation"))
        )

    def plan(self, epoch: int) -> list[list[int]]:
        """The members of each batch of an epoch."""
        return self._order.batches([len(row) for row in self.train], epoch)

    def batch(self, epoch: int, members: Sequence[int]) -> PaddedBatch:
        """Training rows as tensors, the same in every epoch; `labels` [B, K] of 0 and 1."""
        del epoch
        return _collated([self.train[member] for member in members], self._pad_id)

    def loss(self, model: nn.Module, batch: PaddedBatch) -> Tensor:
        """Mean binary cross-entropy over rows and classes."""
        return batch.loss(model)

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Loss, macro and micro F1, and the share of rows with all classes right; a class is said from 0.5.

        A class that is neither asked for nor answered has the F1 of 0, as scikit-learn has it.
        """
        loss, targets, logits = _measured(model, self.validation, self._pad_id)
        said, gold = logits > 0, targets > 0  # a logit of 0 is a probability of 0.5
        both, either = (said & gold).sum(0), said.sum(0) + gold.sum(0)
        f1 = np.divide(2.0 * both, either, out=np.zeros(len(self.labels)), where=either > 0)
        return {
            "loss": loss,
            "macro_f1": float(f1.mean()),
            "micro_f1": 2.0 * float(both.sum()) / max(1, int(either.sum())),
            "exact_match": float((said == gold).all(1).mean()),
        }


class Regression:
    """A number a text: mean squared error.

    Args:
        train: rows with `text` and `label`, a number; with `text_pair` too, texts are read in pairs.
        validation: likewise.
        tokenizer: of the model.
        max_length: most tokens of a row, special ones included.
        order: how training rows become batches.

    Raises:
        DataFileError: no rows, a row without a text, or whose label is no finite number.
    """

    problem_type = "regression"

    def __init__(
        self,
        train: Sequence[Row],
        validation: Sequence[Row],
        tokenizer: HubTokenizer,
        *,
        max_length: int,
        order: Order,
    ) -> None:
        self._order, self._pad_id = order, tokenizer.pad_token_id
        self.train, self.validation = (
            _labelled(found, _numbers(found, what), tokenizer, max_length, what)
            for found, what in ((train, "training"), (validation, "validation"))
        )

    def plan(self, epoch: int) -> list[list[int]]:
        """The members of each batch of an epoch."""
        return self._order.batches([len(row) for row in self.train], epoch)

    def batch(self, epoch: int, members: Sequence[int]) -> PaddedBatch:
        """Training rows as tensors, the same in every epoch; `labels` [B, 1]."""
        del epoch
        return _collated([self.train[member] for member in members], self._pad_id)

    def loss(self, model: nn.Module, batch: PaddedBatch) -> Tensor:
        """Mean squared error."""
        return batch.loss(model)

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Loss, and Pearson's correlation of numbers and answers."""
        loss, targets, logits = _measured(model, self.validation, self._pad_id)
        return {"loss": loss, "pearson": pearson(targets[:, 0], logits[:, 0])}


def pearson(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Pearson's correlation of two lists [N], from -1 to 1; 0 where one of them is constant."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    a, b = a - a.mean(), b - b.mean()
    size = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / size if size > 0 else 0.0


def _labelled(
    rows: Sequence[Row], targets: NDArray[np.float32], tokenizer: HubTokenizer, max_length: int, what: str
) -> list[_Labelled]:
    columns = ("text", PAIRED) if PAIRED in some(rows, what)[0] else ("text",)
    texts = [[text_of(row, column, where) for column in columns] for where, row in numbered(rows, what)]
    found = encoded(texts, tokenizer, max_length)
    return [_Labelled(row, target) for row, target in zip(found, targets, strict=True)]


def _collated(rows: Sequence[_Labelled], pad_id: int) -> PaddedBatch:
    targets = torch.from_numpy(np.stack([row.target for row in rows]))
    return padded([row.row for row in rows], {"labels": targets}, pad_id=pad_id)


def _measured(
    model: nn.Module, rows: Sequence[_Labelled], pad_id: int
) -> tuple[float, NDArray[np.float32], NDArray[np.float32]]:
    """The mean loss; targets and logits [N, K], in the order of the rows."""
    total, targets = 0.0, np.stack([row.target for row in rows])
    logits = np.zeros_like(targets)
    for members, _, output in outputs(model, rows, partial(_collated, pad_id=pad_id)):
        total += float(output.loss) * len(members)
        logits[members] = output.logits.float().cpu().numpy().reshape(len(members), -1)
    return total / len(rows), targets, logits


def _several(rows: Sequence[Row], labels: Sequence[str], what: str) -> NDArray[np.float32]:
    """1 for each class a row has, [N, K]."""
    places = {label: place for place, label in enumerate(labels)}
    targets = np.zeros((len(rows), len(labels)), dtype=np.float32)
    for number, row in enumerate(rows):
        found = row.get("label")
        if not isinstance(found, list) or not all(each in places for each in found):
            raise DataFileError(
                f"{what} row {number + 1} has the label {found!r:.60}; it must be a list of some of "
                f"{', '.join(labels)}, or an empty one"
            )
        targets[number, [places[each] for each in found]] = 1.0
    return targets


def _numbers(rows: Sequence[Row], what: str) -> NDArray[np.float32]:
    """The number of each row, [N, 1]."""
    targets = np.zeros((len(rows), 1), dtype=np.float32)
    for number, row in enumerate(rows):
        try:
            targets[number, 0] = float(str(row.get("label")))
        except ValueError:
            targets[number, 0] = np.nan
        if not np.isfinite(targets[number, 0]):
            raise DataFileError(
                f"{what} row {number + 1} has the label {row.get('label')!r:.60}, not a number"
            )
    return targets
