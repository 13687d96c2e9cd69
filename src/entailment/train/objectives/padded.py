"""Encoded rows -> one batch, padded to its longest row: what the heads of the documentation are fed.

Legend of shapes: B rows, T tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from entailment.errors import DataFileError
from entailment.text.encoding import Encoding
from entailment.train.grouping import in_order_of_length, plan_batches

Row = Mapping[str, object]
Item = TypeVar("Item")

VALIDATION_TOKENS = 8192
"""Of a batch that is measured, padding counted."""

ROWS_AT_A_TIME = 1000
"""Rows tokenised at once: their encodings are many times as large as their ids."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """How training rows become batches; arguments of `plan_batches`."""

    rows: int | None
    tokens: int | None
    grouped: bool
    seed: int

    def batches(self, lengths: Sequence[int], epoch: int) -> list[list[int]]:
        """The members of each batch of an epoch."""
        return plan_batches(
            lengths, rows=self.rows, tokens=self.tokens, grouped=self.grouped, seed=self.seed, epoch=epoch
        )


@dataclass(frozen=True, slots=True)
class EncodedRow:
    """A row of ids with its special tokens.

    Attributes:
        ids: [T].
        types: [T], 0 for the first text and 1 for the second.
    """

    ids: NDArray[np.int32]
    types: NDArray[np.int8]

    @classmethod
    def of(cls, encoding: Encoding) -> EncodedRow:
        """The ids and types of what a tokenizer answered."""
        return cls(np.array(encoding.ids, dtype=np.int32), np.array(encoding.type_ids, dtype=np.int8))

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class PaddedBatch:
    """What a head's `forward` is called with.

    Attributes:
        input_ids: [B, T].
        attention_mask: [B, T], 1 for tokens and 0 for padding.
        token_type_ids: [B, T].
        targets: argument of the head -> labels, e.g. `{"labels": [B, T]}`.
        tokens: real tokens.
    """

    input_ids: Tensor
    attention_mask: Tensor
    token_type_ids: Tensor
    targets: Mapping[str, Tensor]
    tokens: int

    def to(self, device: torch.device) -> PaddedBatch:
        """The same batch on another device."""
        return replace(
            self,
            input_ids=self.input_ids.to(device),
            attention_mask=self.attention_mask.to(device),
            token_type_ids=self.token_type_ids.to(device),
            targets={name: tensor.to(device) for name, tensor in self.targets.items()},
        )

    def answer(self, model: nn.Module) -> Any:
        """The head's output for the batch, its `loss` included."""
        return model(
            input_ids=self.input_ids,
            attention_mask=self.attention_mask,
            token_type_ids=self.token_type_ids,
            return_dict=True,
            **self.targets,
        )


def padded(rows: Sequence[EncodedRow], targets: Mapping[str, Tensor], *, pad_id: int) -> PaddedBatch:
    """Rows side by side, padded on the right."""
    lengths = np.array([len(row) for row in rows])
    shape = len(rows), int(lengths.max())
    ids = np.full(shape, pad_id, dtype=np.int64)
    types = np.zeros(shape, dtype=np.int64)
    for b, row in enumerate(rows):
        ids[b, : len(row)] = row.ids
        types[b, : len(row)] = row.types
    mask = (np.arange(shape[1]) < lengths[:, None]).astype(np.int64)
    return PaddedBatch(
        torch.from_numpy(ids),
        torch.from_numpy(mask),
        torch.from_numpy(types),
        targets,
        int(lengths.sum()),
    )


def padded_labels(labels: Sequence[NDArray[np.int64]], *, ignored: int) -> Tensor:
    """Labels of each token [B, T], `ignored` where a row has ended."""
    grid = np.full((len(labels), max(map(len, labels))), ignored, dtype=np.int64)
    for b, row in enumerate(labels):
        grid[b, : len(row)] = row
    return torch.from_numpy(grid)


def chunks(rows: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Rows, so many at a time."""
    for start in range(0, len(rows), ROWS_AT_A_TIME):
        yield rows[start : start + ROWS_AT_A_TIME]


def validation_batches(lengths: Sequence[int]) -> list[list[int]]:
    """The members of each batch that is measured."""
    return in_order_of_length(lengths, tokens=VALIDATION_TOKENS)


def some(rows: Sequence[Row], what: str) -> Sequence[Row]:
    """The rows, if there are any.

    Raises:
        DataFileError: there are none.
    """
    if not rows:
        raise DataFileError(f"there are no {what} rows")
    return rows


def text_of(row: Row, column: str, where: str) -> str:
    """A text of a row.

    Raises:
        DataFileError: it is none.
    """
    text = row.get(column)
    if not isinstance(text, str):
        raise DataFileError(f"{where}: {column} is {text!r:.60}, not a text")
    return text


def texts_of(row: Row, column: str, where: str) -> list[str]:
    """A list of texts of a row, one at least.

    Raises:
        DataFileError: it is none.
    """
    texts = row.get(column)
    if not isinstance(texts, list) or not texts or not all(isinstance(each, str) for each in texts):
        raise DataFileError(f"{where}: {column} is {texts!r:.60}, not a list of texts")
    return texts


def device_of(model: nn.Module) -> torch.device:
    """Where a model's weights are."""
    return next(model.parameters()).device
