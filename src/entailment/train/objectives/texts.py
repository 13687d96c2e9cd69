"""Several classes of a text at once, or a number: sequence classification where it is not one class.

Which of the two a model computes its loss for, its configuration says: `problem_type` is
`MultiLabel.problem_type` or `Regression.problem_type`.

Legend of shapes: B rows, N rows of a set, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

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
    Row,
    chunks,
    device_of,
    padded,
    some,
    text_of,
    validation_batches,
)

COLUMNS = ("text", "label")
PAIRED = "text_pair"
"""A column that rows may have besides: the second of two texts that are read together."""


class _Targets:
    """Texts as ids and what is learnt of them, [N, K]."""

    def __init__(
        self,
        rows: Sequence[Row],
        targets: NDArray[np.float32],
        tokenizer: HubTokenizer,
        max_length: int,
        what: str,
    ) -> None:
        self.texts = _encoded(rows, tokenizer, max_length, what)
        self.targets = torch.from_numpy(targets)
        self.lengths = [len(row) for row in self.texts]
        self._pad_id = tokenizer.pad_token_id

    def batch(self, members: Sequence[int]) -> PaddedBatch:
        rows = [self.texts[member] for member in members]
        return padded(rows, {"labels": self.targets[list(members)]}, pad_id=self._pad_id)

    def measured(self, model: nn.Module) -> tuple[float, NDArray[np.float32]]:
        """The mean loss, and the logits [N, K] in the order of the rows."""
        total = 0.0
        logits = np.zeros(self.targets.shape, dtype=np.float32)
        for members in validation_batches(self.lengths):
            output = self.batch(members).to(device_of(model)).answer(model)
            total += float(output.loss) * len(members)
            logits[members] = output.logits.float().cpu().numpy().reshape(len(members), -1)
        return total / len(self.lengths), logits


class MultiLabel:
    """Any number of classes a text: binary cross-entropy of each.

    Args:
        train: rows with `text` and `label`, a list of names that may be empty; with `text_pair` too, texts
            are read in pairs.
        validation: likewise.
        tokenizer: of the model.
        labels: the classes by name, in the order of the logits.
        max_length: most tokens of a row, special ones included.
        rows: of a batch; or else
        tokens: of a batch, padding counted.
        grouped: rows of like length lie together.
        seed: of the order.

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
        rows: int | None = None,
        tokens: int | None = None,
        grouped: bool = True,
        seed: int = 42,
    ) -> None:
        self.labels = tuple(labels)
        self._order = Order(rows=rows, tokens=tokens, grouped=grouped, seed=seed)
        self.train, self.validation = (
            _Targets(found, _several(found, self.labels, what), tokenizer, max_length, what)
            for found, what in ((train, "training"), (validation, "validation"))
        )

    def plan(self, epoch: int) -> list[list[int]]:
        """The members of each batch of an epoch."""
        return self._order.batches(self.train.lengths, epoch)

    def batch(self, epoch: int, members: Sequence[int]) -> PaddedBatch:
        """Training rows as tensors, the same in every epoch; `labels` [B, K] of 0 and 1."""
        del epoch
        return self.train.batch(members)

    def loss(self, model: nn.Module, batch: PaddedBatch) -> Tensor:
        """Mean binary cross-entropy over rows and classes."""
        loss: Tensor = batch.answer(model).loss
        return loss

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Loss, macro and micro F1, and the share of rows with all classes right; a class is said from 0.5.

        A class that is neither asked for nor answered has the F1 of 0, as scikit-learn has it.
        """
        loss, logits = self.validation.measured(model)
        said, gold = logits > 0, self.validation.targets.numpy() > 0  # a logit of 0 is a probability of 0.5
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
        rows: of a batch; or else
        tokens: of a batch, padding counted.
        grouped: rows of like length lie together.
        seed: of the order.

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
        rows: int | None = None,
        tokens: int | None = None,
        grouped: bool = True,
        seed: int = 42,
    ) -> None:
        self._order = Order(rows=rows, tokens=tokens, grouped=grouped, seed=seed)
        self.train, self.validation = (
            _Targets(found, _numbers(found, what), tokenizer, max_length, what)
            for found, what in ((train, "training"), (validation, "validation"))
        )

    def plan(self, epoch: int) -> list[list[int]]:
        """The members of each batch of an epoch."""
        return self._order.batches(self.train.lengths, epoch)

    def batch(self, epoch: int, members: Sequence[int]) -> PaddedBatch:
        """Training rows as tensors, the same in every epoch; `labels` [B, 1]."""
        del epoch
        return self.train.batch(members)

    def loss(self, model: nn.Module, batch: PaddedBatch) -> Tensor:
        """Mean squared error."""
        loss: Tensor = batch.answer(model).loss
        return loss

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Loss, and Pearson's correlation of numbers and answers."""
        loss, logits = self.validation.measured(model)
        return {"loss": loss, "pearson": pearson(self.validation.targets.numpy()[:, 0], logits[:, 0])}


def pearson(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Pearson's correlation of two lists [N], from -1 to 1; 0 where one of them is constant."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    a, b = a - a.mean(), b - b.mean()
    size = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / size if size > 0 else 0.0


def _encoded(rows: Sequence[Row], tokenizer: HubTokenizer, max_length: int, what: str) -> list[EncodedRow]:
    paired = PAIRED in some(rows, what)[0]
    columns = ("text", PAIRED) if paired else ("text",)
    texts = [
        [text_of(row, column, f"{what} row {number}") for column in columns]
        for number, row in enumerate(rows, start=1)
    ]
    found: list[EncodedRow] = []
    for chunk in chunks(texts):
        firsts = [each[0] for each in chunk]
        seconds = [each[1] for each in chunk] if paired else None
        encoded = tokenizer(firsts, seconds, truncation=True, max_length=max_length)
        found += map(EncodedRow.of, encoded.encodings or ())
    return found


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
