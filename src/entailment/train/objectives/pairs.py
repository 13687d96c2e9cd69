"""One class of a text or of a pair of texts, read with full attention: what the four cards were trained on.

Legend of shapes: B batch, T tokens, K classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from entailment.errors import DataFileError
from entailment.evaluate.metrics import accuracy, confusion_matrix, macro
from entailment.models.load import FullPairClassifier
from entailment.text.layout import longest_first
from entailment.text.tokenizer import Tokenizer
from entailment.train.grouping import in_order_of_length
from entailment.train.objectives.padded import VALIDATION_TOKENS, Order, device_of, numbered, text_of
from entailment.train.source_rows import Row

Ids = NDArray[np.int32]

PAIR = ("premise", "hypothesis")
TEXT = ("text",)

_CHUNK = 8192
"""Texts tokenised at once: their encodings are many times as large as their ids."""


@dataclass(frozen=True, slots=True)
class ClassBatch:
    """B texts or pairs and the class of each.

    Attributes:
        input_ids: [B, T].
        attention_mask: [B, T], 1 for tokens and 0 for padding.
        token_type_ids: [B, T], 1 for the second text.
        labels: [B].
        tokens: real tokens.
    """

    input_ids: Tensor
    attention_mask: Tensor
    token_type_ids: Tensor
    labels: Tensor
    tokens: int

    def to(self, device: torch.device) -> ClassBatch:
        """The same batch on another device."""
        return replace(
            self,
            input_ids=self.input_ids.to(device),
            attention_mask=self.attention_mask.to(device),
            token_type_ids=self.token_type_ids.to(device),
            labels=self.labels.to(device),
        )


@dataclass(frozen=True, slots=True)
class Encoded:
    """Rows as ids, without special tokens.

    Attributes:
        texts: of each row one or two arrays [tokens], already cut to what is read.
        labels: the class of each row.
        lengths: [N], tokens with the special ones.
    """

    texts: list[tuple[Ids, ...]]
    labels: list[int]
    lengths: NDArray[np.int64]


class Classification:
    """Cross-entropy of one class a row.

    Args:
        train: rows with the columns and `label`.
        validation: likewise.
        tokenizer: of the model.
        columns: one or two, the texts: `PAIR`, `TEXT`, or `TEXT` and its `text_pair`.
        labels: the classes by name, in the order of the logits.
        max_length: most tokens of a row, special ones included; what is longer loses the end of its longer
            text.
        order: how training rows become batches.
        label_smoothing: the share of a target spread evenly over all classes.

    Raises:
        DataFileError: no rows, a row without a text, or one of another label.
    """

    def __init__(
        self,
        train: Sequence[Row],
        validation: Sequence[Row],
        tokenizer: Tokenizer,
        *,
        columns: tuple[str, ...],
        labels: Sequence[str],
        max_length: int,
        order: Order,
        label_smoothing: float = 0.0,
    ) -> None:
        self.tokenizer = tokenizer
        self.labels = tuple(labels)
        self.order, self.label_smoothing = order, label_smoothing
        self.train = encode(train, tokenizer, columns, labels, max_length, "training")
        self.validation = encode(validation, tokenizer, columns, labels, max_length, "validation")

    def plan(self, epoch: int) -> list[list[int]]:
        """The members of each batch of an epoch."""
        return self.order.batches(self.train.lengths, epoch)

    def batch(self, epoch: int, members: Sequence[int]) -> ClassBatch:
        """Training rows as tensors, the same in every epoch."""
        del epoch
        return collate(self.train, members, self.tokenizer)

    def loss(self, model: FullPairClassifier, batch: ClassBatch) -> Tensor:
        """Mean cross-entropy, in float32."""
        return F.cross_entropy(_logits(model, batch), batch.labels, label_smoothing=self.label_smoothing)

    def validate(self, model: FullPairClassifier) -> dict[str, float]:
        """Loss without smoothing, accuracy and macro F1 on the validation rows."""
        total, golds, predicted = 0.0, list[int](), list[int]()
        for members in in_order_of_length(self.validation.lengths, tokens=VALIDATION_TOKENS):
            batch = collate(self.validation, members, self.tokenizer).to(device_of(model))
            logits = _logits(model, batch)
            total += float(F.cross_entropy(logits, batch.labels, reduction="sum"))
            golds += batch.labels.tolist()
            predicted += logits.argmax(-1).tolist()
        matrix = confusion_matrix(golds, predicted, len(self.labels))
        return {"loss": total / len(golds), "accuracy": accuracy(matrix), "macro_f1": macro(matrix)[2]}


def _logits(model: FullPairClassifier, batch: ClassBatch) -> Tensor:
    """[B, K], float32 whatever the model computes in."""
    answer = model(batch.input_ids, batch.attention_mask, batch.token_type_ids, return_dict=True)
    logits: Tensor = answer.logits
    return logits.float()


def encode(
    rows: Sequence[Row],
    tokenizer: Tokenizer,
    columns: Sequence[str],
    labels: Sequence[str],
    max_length: int,
    what: str,
) -> Encoded:
    """Tokenise rows, each distinct text once.

    Args:
        rows: with the columns and `label`.
        tokenizer: of the model.
        columns: one or two, the texts.
        labels: class names by index.
        max_length: special tokens included.
        what: the rows, in messages.

    Raises:
        DataFileError: no rows, a row without a text, or one of another label.
    """
    index = {name: number for number, name in enumerate(labels)}
    read: list[list[str]] = []
    for where, row in numbered(rows, what):
        if row.get("label") not in index:
            raise DataFileError(
                f"{where} has the label {row.get('label')!r}; the model's are {', '.join(labels)}"
            )
        read.append([text_of(row, column, where) for column in columns])
    ids = ids_of((text for each in read for text in each), tokenizer)
    room = max_length - 1 - len(columns)
    texts = []
    for each in read:
        found = [ids[text] for text in each]
        kept = longest_first(len(found[0]), len(found[1]), room) if len(found) == 2 else (room,)
        texts.append(tuple(one[:size] for one, size in zip(found, kept, strict=True)))
    lengths = np.array([1 + sum(len(one) + 1 for one in each) for each in texts])
    return Encoded(texts, [index[str(row["label"])] for row in rows], lengths)


def ids_of(texts: Iterable[str], tokenizer: Tokenizer) -> dict[str, Ids]:
    """The ids of each distinct text, without special tokens."""
    distinct = list(dict.fromkeys(texts))
    ids: dict[str, Ids] = {}
    for start in range(0, len(distinct), _CHUNK):
        chunk = distinct[start : start + _CHUNK]
        for text, found in zip(chunk, tokenizer.ids(chunk), strict=True):
            ids[text] = found.astype(np.int32)
    return ids


def collate(encoded: Encoded, members: Sequence[int], tokenizer: Tokenizer) -> ClassBatch:
    """Rows as one batch, each `[CLS] text [SEP]` or `[CLS] premise [SEP] hypothesis [SEP]` and padding."""
    lengths = encoded.lengths[list(members)]
    shape = len(members), int(lengths.max())
    input_ids = np.full(shape, tokenizer.pad_id, dtype=np.int64)
    types = np.zeros(shape, dtype=np.int64)
    input_ids[:, 0] = tokenizer.cls_id
    for b, member in enumerate(members):
        at = 1
        for kind, ids in enumerate(encoded.texts[member]):
            end = at + len(ids)
            input_ids[b, at:end] = ids
            input_ids[b, end] = tokenizer.sep_id
            types[b, at : end + 1] = kind
            at = end + 1
    mask = (np.arange(shape[1]) < lengths[:, None]).astype(np.int64)
    return ClassBatch(
        torch.from_numpy(input_ids),
        torch.from_numpy(mask),
        torch.from_numpy(types),
        torch.tensor([encoded.labels[member] for member in members]),
        int(lengths.sum()),
    )
