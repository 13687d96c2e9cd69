"""The best of several continuations of a text, as in SWAG.

Each choice is read together with the text, as a pair of its own.

Legend of shapes: B rows, C choices, T tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
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
    texts_of,
)
from entailment.train.source_rows import Row

COLUMNS = ("context", "choices", "label")
BEGINNING = "question"
"""A column that rows may have besides: what every choice begins with."""


@dataclass(frozen=True, slots=True)
class _Choices:
    """The pairs of one row, C of them, and which is right."""

    pairs: tuple[EncodedRow, ...]
    right: int

    def __len__(self) -> int:
        """Tokens of all pairs, each padded to the longest."""
        return len(self.pairs) * max(map(len, self.pairs))


class MultipleChoice:
    """Cross-entropy between the choices of a row.

    Args:
        train: rows with `context`, `choices`, a list of texts, and `label`, the right one's place from 0 (a
            number, or one written out) or its text; with `question` too, every choice begins with that.
        validation: likewise; all rows of both have the same number of choices.
        tokenizer: of the model.
        max_length: most tokens of a pair, special ones included; what is longer loses the end of its longer
            text.
        order: how training rows become batches.

    Raises:
        DataFileError: no rows, a row without texts, of another number of choices, or whose label is none of
            them.
    """

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
        choices = len(texts_of(some(train, "training")[0], "choices", "training row 1"))
        self.train = _encoded(train, tokenizer, choices, max_length, "training")
        self.validation = _encoded(validation, tokenizer, choices, max_length, "validation")

    def plan(self, epoch: int) -> list[list[int]]:
        """The members of each batch of an epoch."""
        return self._order.batches([len(row) for row in self.train], epoch)

    def batch(self, epoch: int, members: Sequence[int]) -> PaddedBatch:
        """Training rows as tensors [B, C, T], the same in every epoch; `labels` [B]."""
        del epoch
        return self._collated([self.train[member] for member in members])

    def loss(self, model: nn.Module, batch: PaddedBatch) -> Tensor:
        """Mean cross-entropy over rows."""
        return batch.loss(model)

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Loss, and the share of rows whose right choice has the highest score."""
        total, right = 0.0, 0
        for members, batch, output in outputs(model, self.validation, self._collated):
            total += float(output.loss) * len(members)
            right += int((output.logits.argmax(-1) == batch.targets["labels"]).sum())
        count = len(self.validation)
        return {"loss": total / count, "accuracy": right / count}

    def _collated(self, rows: Sequence[_Choices]) -> PaddedBatch:
        labels = {"labels": torch.tensor([row.right for row in rows])}
        flat = padded([pair for row in rows for pair in row.pairs], labels, pad_id=self._pad_id)
        B = len(rows)
        return replace(  # [B * C, T] -> [B, C, T]
            flat,
            input_ids=flat.input_ids.unflatten(0, (B, -1)),
            attention_mask=flat.attention_mask.unflatten(0, (B, -1)),
            token_type_ids=flat.token_type_ids.unflatten(0, (B, -1)),
        )


def _encoded(
    rows: Sequence[Row], tokenizer: HubTokenizer, choices: int, max_length: int, what: str
) -> list[_Choices]:
    pairs: list[tuple[str, str]] = []
    rights: list[int] = []
    for where, row in numbered(rows, what):
        context, texts = text_of(row, "context", where), texts_of(row, "choices", where)
        if len(texts) != choices:
            raise DataFileError(
                f"{where} has {len(texts)} choices, but the first training row has {choices}: "
                "all rows need as many"
            )
        rights.append(_right(row.get("label"), texts, where))
        begun = f"{text_of(row, BEGINNING, where)} " if BEGINNING in row else ""
        pairs += [(context, begun + text) for text in texts]
    found = encoded(pairs, tokenizer, max_length)
    return [
        _Choices(tuple(found[choices * place : choices * (place + 1)]), right)
        for place, right in enumerate(rights)
    ]


def _right(label: object, texts: Sequence[str], where: str) -> int:
    """The place of the right choice."""
    if isinstance(label, str) and texts.count(label) == 1:
        return texts.index(label)
    written = str(label)
    if written.isdecimal() and int(written) < len(texts):
        return int(written)
    raise DataFileError(
        f"{where} has the label {label!r:.60}; it must be a place from 0 to {len(texts) - 1}, or the right "
        "choice's own text"
    )
