"""Encoded rows -> one batch, padded to its longest row: what the heads of the documentation are fed.

Legend of shapes: B rows, T tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from entailment.errors import DataFileError, InputError
from entailment.text.encoding import Encoding
from entailment.text.hub_tokenizer import HubTokenizer
from entailment.train.grouping import in_order_of_length, plan_batches
from entailment.train.source_rows import Row

Item = TypeVar("Item", bound=Sized)

VALIDATION_TOKENS = 8192
"""Of a batch that is measured, padding counted."""

ROWS_AT_A_TIME = 1000
"""Rows tokenised at once: their encodings are many times as large as their ids."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """How training rows become batches, by either `rows` or `tokens`.

    Attributes:
        rows: of a batch.
        tokens: of a batch, padding counted: as many rows as fit.
        grouped: rows of like length lie together, so that little is padding.
        seed: of the order, and of whatever else an objective draws.

    Raises:
        InputError: neither `rows` nor `tokens`, both, less than 1 of them, or a negative seed.
    """

    rows: int | None = None
    tokens: int | None = None
    grouped: bool = True
    seed: int = 42

    def __post_init__(self) -> None:
        if (self.rows is None) == (self.tokens is None):
            raise InputError(
                f"rows is {self.rows!r} and tokens is {self.tokens!r}; a batch is measured in either rows or "
                "tokens, as in Order(rows=32)"
            )
        for name, size in (("rows", self.rows), ("tokens", self.tokens)):
            if size is not None and size < 1:
                raise InputError(f"{name} is {size!r}; a batch has at least 1")
        if self.seed < 0:
            raise InputError(f"seed is {self.seed!r}; it must be 0 or more")

    def batches(self, lengths: ArrayLike, epoch: int) -> list[list[int]]:
        """The members of each batch of an epoch, for rows of so many tokens [N]."""
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

    def loss(self, model: nn.Module) -> Tensor:
        """The loss that the head computes for its targets, a scalar."""
        loss: Tensor = self.answer(model).loss
        return loss


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


def encoded(texts: Sequence[Sequence[str]], tokenizer: HubTokenizer, max_length: int) -> list[EncodedRow]:
    """Single texts, or pairs of them; what is longer loses the end of its longer text."""
    found: list[EncodedRow] = []
    for chunk in chunks(texts):
        firsts, *seconds = (list(column) for column in zip(*chunk, strict=True))
        answer = tokenizer(firsts, seconds[0] if seconds else None, truncation=True, max_length=max_length)
        found += map(EncodedRow.of, answer.encodings or ())
    return found


def pieces(
    rows: Sequence[Row], tokenizer: HubTokenizer, max_length: int, what: str, *, least: int = 1
) -> list[EncodedRow]:
    """The `text` of each row; what is longer becomes several rows, so that nothing is cut.

    Args:
        rows: with `text`.
        tokenizer: of the model.
        max_length: most tokens of a row, special ones included.
        what: the rows, in messages.
        least: tokens of a row that are not special; what has fewer is left out.

    Raises:
        DataFileError: no rows, a row without a text, or nothing is left.
    """
    special = np.array(sorted(tokenizer.all_special_ids))
    found: list[EncodedRow] = []
    for chunk in chunks([text_of(row, "text", where) for where, row in numbered(rows, what)]):
        answer = tokenizer(
            list(chunk), truncation=True, max_length=max_length, return_overflowing_tokens=True
        )
        found += map(EncodedRow.of, answer.encodings or ())
    found = [row for row in found if int((~np.isin(row.ids, special)).sum()) >= least]
    if not found:
        raise DataFileError(
            f"no {what} row has {'a token' if least == 1 else f'{least} tokens'} to learn from"
        )
    return found


def outputs(
    model: nn.Module, rows: Sequence[Item], collated: Callable[[Sequence[Item]], PaddedBatch]
) -> Iterator[tuple[list[int], PaddedBatch, Any]]:
    """What a head says of validation rows, the longest first.

    Args:
        model: in evaluation mode.
        rows: the length of each is its tokens.
        collated: some of them as one batch.

    Yields:
        The members of a batch, the batch on the model's device, and the head's output for it.
    """
    for members in in_order_of_length([len(row) for row in rows], tokens=VALIDATION_TOKENS):
        batch = collated([rows[member] for member in members]).to(device_of(model))
        yield members, batch, batch.answer(model)


def some(rows: Sequence[Row], what: str) -> Sequence[Row]:
    """The rows, if there are any.

    Raises:
        DataFileError: there are none.
    """
    if not rows:
        raise DataFileError(f"there are no {what} rows")
    return rows


def numbered(rows: Sequence[Row], what: str) -> Iterator[tuple[str, Row]]:
    """Each row with its name in messages, like "training row 1".

    Raises:
        DataFileError: there are none.
    """
    for number, row in enumerate(some(rows, what), start=1):
        yield f"{what} row {number}", row


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
