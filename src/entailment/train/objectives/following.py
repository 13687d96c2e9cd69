"""Whether a text follows another: next sentence prediction, alone or with hidden words as in pre-training.

A text is cut in two. In half of the rows its second part is that of another row, and the model tells which
rows those are (Devlin et al. 2018, arXiv:1810.04805, section 3.1 and appendix A.2: a sentence there is any
span of a text). Which they are, and whose part they get, is drawn anew every epoch.

Legend of shapes: B rows, T tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from entailment.errors import DataFileError
from entailment.models.losses import IGNORED
from entailment.text.hub_tokenizer import HubTokenizer
from entailment.train.objectives.masked import Masking
from entailment.train.objectives.padded import (
    EncodedRow,
    Order,
    PaddedBatch,
    encoded,
    numbered,
    outputs,
    padded,
    padded_labels,
    pieces,
    some,
    text_of,
)
from entailment.train.objectives.texts import PAIRED
from entailment.train.source_rows import Row

COLUMNS = ("text",)

Parts = tuple[NDArray[np.int32], NDArray[np.int32]]
"""The tokens of a text and of what follows it."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two parts as one row: `strange` is 1 where the second does not follow, `key` what it was drawn by."""

    row: EncodedRow
    strange: int
    key: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.row)


class NextSentence:
    """Cross-entropy of whether the second part follows the first; with hidden words, that of those added.

    Args:
        train: rows with `text`, which becomes several rows where it is longer than `max_length`; or with
            `text` and `text_pair`, which follows it.
        validation: likewise; what does not follow there is drawn once, from the seed.
        tokenizer: of the model.
        max_length: most tokens of a pair, special ones included.
        order: how training rows become batches; its seed is that of the other draws, too.
        masking: hides words, for `...ForPreTraining`; None for `...ForNextSentencePrediction`.

    Raises:
        DataFileError: fewer than two rows, or a row without a text.
    """

    def __init__(
        self,
        train: Sequence[Row],
        validation: Sequence[Row],
        tokenizer: HubTokenizer,
        *,
        max_length: int,
        order: Order,
        masking: Masking | None = None,
    ) -> None:
        self._tokenizer, self._max_length = tokenizer, max_length
        self._order, self._masking = order, masking
        self.train = _parts(train, tokenizer, max_length, "training")
        parts = _parts(validation, tokenizer, max_length, "validation")
        self.validation = [self._pair(parts, place, 3) for place in range(len(parts))]

    def plan(self, epoch: int) -> list[list[int]]:
        """The members of each batch of an epoch."""
        pairs = (self._pair(self.train, member, 2, epoch) for member in range(len(self.train)))
        return self._order.batches([len(pair) for pair in pairs], epoch)

    def batch(self, epoch: int, members: Sequence[int]) -> PaddedBatch:
        """Training rows as this epoch has them: `labels` [B], 1 where the second part is another row's.

        With hidden words that is `next_sentence_label`, and `labels` [B, T] are what is asked of the words.
        """
        return self._collated([self._pair(self.train, member, 2, epoch) for member in members])

    def loss(self, model: nn.Module, batch: PaddedBatch) -> Tensor:
        """Mean cross-entropy over rows; with hidden words, that over the words asked for added."""
        return batch.loss(model)

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Loss, and the share of rows that are told rightly; with hidden words also the share of those."""
        total, right, asked, told = 0.0, 0, 0, 0
        for members, batch, output in outputs(model, self.validation, self._collated):
            total += float(output.loss) * len(members)
            logits, gold = output[1], batch.targets["labels"]  # What stands behind the loss answers them.
            if self._masking is not None:
                asked += int((gold != IGNORED).sum())
                told += int((logits.argmax(-1) == gold).sum())
                logits, gold = output.seq_relationship_logits, batch.targets["next_sentence_label"]
            right += int((logits.argmax(-1) == gold).sum())
        measures = {"loss": total / len(self.validation), "accuracy": right / len(self.validation)}
        return measures | ({"words_accuracy": told / asked} if asked else {})

    def _pair(self, parts: Sequence[Parts], place: int, *key: int) -> _Pair:
        """The first part of a row with its second, or with another row's."""
        draw = np.random.default_rng([self._order.seed, *key, place])
        strange = draw.random() < 0.5
        whose = (place + int(draw.integers(1, len(parts)))) % len(parts) if strange else place
        first, second = parts[place][0], parts[whose][1]
        cls, sep = [self._tokenizer.cls_token_id], [self._tokenizer.sep_token_id]
        second = second[: self._max_length - 3 - len(first)]
        ids = np.concatenate([cls, first, sep, second, sep]).astype(np.int32)
        types = np.repeat(np.array([0, 1], dtype=np.int8), [len(first) + 2, len(second) + 1])
        return _Pair(EncodedRow(ids, types), int(strange), (*key, place))

    def _collated(self, pairs: Sequence[_Pair]) -> PaddedBatch:
        rows = [pair.row for pair in pairs]
        targets = {"labels": torch.tensor([pair.strange for pair in pairs])}
        if self._masking is not None:
            # One number more than the pair was drawn by: words must not tell which pairs are strange.
            asked = [self._masking.asked(pair.row, *pair.key, 1) for pair in pairs]
            rows = [each.row for each in asked]
            words = padded_labels([each.labels for each in asked], ignored=IGNORED)
            targets = {"labels": words, "next_sentence_label": targets["labels"]}
        return padded(rows, targets, pad_id=self._tokenizer.pad_token_id)


def _parts(rows: Sequence[Row], tokenizer: HubTokenizer, max_length: int, what: str) -> list[Parts]:
    """Both parts of each row, without special tokens."""
    if PAIRED in some(rows, what)[0]:
        columns = ("text", PAIRED)
        texts = [[text_of(row, column, where) for column in columns] for where, row in numbered(rows, what)]
        pairs = encoded(texts, tokenizer, max_length)
        found = [(pair.ids[pair.types == 0][1:-1], pair.ids[pair.types == 1][:-1]) for pair in pairs]
    else:  # Shorter by the [SEP] that comes between the halves.
        whole = [piece.ids[1:-1] for piece in pieces(rows, tokenizer, max_length - 1, what, least=2)]
        found = [(ids[: len(ids) // 2], ids[len(ids) // 2 :]) for ids in whole]
    if len(found) < 2:
        raise DataFileError(
            f"there is one {what} row: what does not follow a text is another row's, so that two are needed"
        )
    return found
