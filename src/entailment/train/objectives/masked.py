"""Words that are hidden and have to be told: masked language modelling.

Of each row 15 % of the tokens are asked for, one at least; of those 80 % are hidden behind [MASK], 10 % are
replaced by any other token and 10 % stay (Devlin et al. 2018, arXiv:1810.04805, section 3.1). Which they are
is drawn anew every epoch (Liu et al. 2019, arXiv:1907.11692, section 4.1).

Legend of shapes: B rows, T tokens.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from entailment.errors import InputError
from entailment.models.losses import IGNORED
from entailment.text.hub_tokenizer import HubTokenizer
from entailment.train.objectives.padded import (
    EncodedRow,
    Order,
    PaddedBatch,
    outputs,
    padded,
    padded_labels,
    pieces,
)
from entailment.train.source_rows import Row

COLUMNS = ("text",)

_HIDDEN, _REPLACED = 0.8, 0.1

# Beyond it exp() says no more than "hopeless", and would overflow soon.
_LARGEST_LOSS = 700.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A row as it is shown, and what is asked of it: labels [T], IGNORED where nothing is."""

    row: EncodedRow
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.row)


class Masking:
    """Which tokens of a row are asked for, and what is shown in their place.

    Args:
        tokenizer: of the model.
        seed: of all draws.
        share: of the tokens that is asked for.

    Raises:
        InputError: a share that is not more than 0 and at most 1.
    """

    def __init__(self, tokenizer: HubTokenizer, *, seed: int, share: float = 0.15) -> None:
        if not 0 < share <= 1:
            raise InputError(f"share is {share!r}; the share of tokens asked for is more than 0, at most 1")
        self._seed, self._share, self._mask_id = seed, share, tokenizer.mask_token_id
        self._special = np.array(sorted(tokenizer.all_special_ids))
        self._words = np.setdiff1d(np.arange(len(tokenizer)), self._special)

    def asked(self, row: EncodedRow, *key: int) -> Asked:
        """A row with what is asked of it, drawn by the seed and a key: which set, which row, which epoch."""
        draw, ids = np.random.default_rng([self._seed, *key]), row.ids
        words = np.flatnonzero(~np.isin(ids, self._special))
        chosen = draw.permutation(words)[: max(1, round(self._share * len(words)))]
        labels = np.full(len(ids), IGNORED, dtype=np.int64)
        labels[chosen] = ids[chosen]
        fate = draw.random(len(chosen))
        shown = ids.copy()
        shown[chosen[fate < _HIDDEN]] = self._mask_id
        swapped = chosen[(fate >= _HIDDEN) & (fate < _HIDDEN + _REPLACED)]
        shown[swapped] = draw.choice(self._words, len(swapped))
        return Asked(replace(row, ids=shown), labels)


class MaskedLanguageModeling:
    """Mean cross-entropy of the tokens that are asked for.

    Args:
        train: rows with `text`; a text longer than `max_length` becomes several rows, so that nothing is cut.
        validation: likewise; what is asked there is drawn once, from the seed.
        tokenizer: of the model.
        max_length: most tokens of a row, special ones included.
        order: how training rows become batches; its seed is that of what is asked, too.
        share: of the tokens that is asked for.

    Raises:
        DataFileError: no rows, a row without a text, or not a token in any of them.
        InputError: a share that is not more than 0 and at most 1.
    """

    def __init__(
        self,
        train: Sequence[Row],
        validation: Sequence[Row],
        tokenizer: HubTokenizer,
        *,
        max_length: int,
        order: Order,
        share: float = 0.15,
    ) -> None:
        self._order, self._pad_id = order, tokenizer.pad_token_id
        self._masking = Masking(tokenizer, seed=order.seed, share=share)
        self.train = pieces(train, tokenizer, max_length, "training")
        self.validation = [
            self._masking.asked(row, 1, place)
            for place, row in enumerate(pieces(validation, tokenizer, max_length, "validation"))
        ]

    def plan(self, epoch: int) -> list[list[int]]:
        """The members of each batch of an epoch."""
        return self._order.batches([len(row) for row in self.train], epoch)

    def batch(self, epoch: int, members: Sequence[int]) -> PaddedBatch:
        """Training rows with what this epoch asks of each; `labels` [B, T]."""
        asked = [self._masking.asked(self.train[member], 0, member, epoch) for member in members]
        return self._collated(asked)

    def loss(self, model: nn.Module, batch: PaddedBatch) -> Tensor:
        """Mean cross-entropy over the tokens asked for."""
        return batch.loss(model)

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Loss, perplexity (its exponential), and the share of the tokens asked for that comes first."""
        total, right, count = 0.0, 0, 0
        for _, batch, output in outputs(model, self.validation, self._collated):
            labels = batch.targets["labels"]
            asked = int((labels != IGNORED).sum())
            total, count = total + float(output.loss) * asked, count + asked
            right += int((output.logits.argmax(-1) == labels).sum())
        loss = total / count
        return {"loss": loss, "perplexity": perplexity(loss), "accuracy": right / count}

    def _collated(self, asked: Sequence[Asked]) -> PaddedBatch:
        labels = padded_labels([each.labels for each in asked], ignored=IGNORED)
        return padded([each.row for each in asked], {"labels": labels}, pad_id=self._pad_id)


def perplexity(loss: float) -> float:
    """The exponential of a loss, finite whatever the loss."""
    return math.exp(min(loss, _LARGEST_LOSS))
