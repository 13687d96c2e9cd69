"""Examples -> padded tensors: batches of like shape, filled to a budget of tokens."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from entailment.models.losses import IGNORED
from entailment.text.tokenizer import Ids, Tokenizer
from entailment.train.examples import Example


@dataclass(frozen=True, slots=True)
class EncodedExample:
    """An `Example` as ids: `[CLS] premise [SEP]`, and each `hypothesis [SEP]`."""

    premise: Ids
    hypotheses: tuple[Ids, ...]
    targets: tuple[int, ...]
    choice: bool

    @property
    def shape(self) -> tuple[int, int, int]:
        """Hypotheses, tokens of the premise, tokens of the longest hypothesis."""
        return len(self.hypotheses), len(self.premise), max(map(len, self.hypotheses))


@dataclass(frozen=True, slots=True)
class Batch:
    """P premises with up to L hypotheses each.

    Attributes:
        premise_ids: [P, S].
        premise_lengths: [P].
        hypothesis_ids: [P, L, T]; a row that only fills the grid is one [SEP].
        hypothesis_lengths: [P, L].
        targets: [P, L], IGNORED where the row only fills the grid.
        choice: [P], whether exactly the first hypothesis is right.
    """

    premise_ids: Tensor
    premise_lengths: Tensor
    hypothesis_ids: Tensor
    hypothesis_lengths: Tensor
    targets: Tensor
    choice: Tensor

    @property
    def tokens(self) -> int:
        """Tokens that are read: each premise once, and every hypothesis that is asked about it."""
        asked = (self.targets != IGNORED) * self.hypothesis_lengths
        return int(self.premise_lengths.sum() + asked.sum())

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device."""
        return Batch(*(getattr(self, name).to(device) for name in self.__slots__))

    def joined(self) -> tuple[Tensor, Tensor, Tensor]:
        """Every pair written out for full attention: ids, mask and token types, each [P * L, S + T]."""
        P, L, T = self.hypothesis_ids.shape
        S = self.premise_ids.shape[1]
        at = torch.arange(S + T, device=self.premise_ids.device).expand(P * L, -1)
        premise_length = self.premise_lengths.repeat_interleave(L)[:, None]
        length = premise_length + self.hypothesis_lengths.reshape(-1, 1)
        premise = self.premise_ids.repeat_interleave(L, 0)
        hypothesis = self.hypothesis_ids.reshape(P * L, T)
        from_premise = premise.gather(1, at.clamp(max=S - 1))
        from_hypothesis = hypothesis.gather(1, (at - premise_length).clamp(0, T - 1))
        mask = at < length
        types = (at >= premise_length) & mask
        ids = torch.where(types, from_hypothesis, from_premise) * mask
        longest = int(length.max())
        return ids[:, :longest], mask[:, :longest].long(), types[:, :longest].long()


def encode(
    examples: Sequence[Example], tokenizer: Tokenizer, *, premise_tokens: int, hypothesis_tokens: int
) -> list[EncodedExample]:
    """Tokenise examples, each distinct hypothesis once.

    Args:
        examples: what to encode.
        tokenizer: text to ids without special tokens.
        premise_tokens: a longer premise loses its end (special tokens counted).
        hypothesis_tokens: likewise.
    """
    premises = list(dict.fromkeys(example.premise for example in examples))
    hypotheses = list(dict.fromkeys(h for example in examples for h in example.hypotheses))
    cls, sep = [tokenizer.cls_id], [tokenizer.sep_id]
    premise_ids = {
        text: np.concatenate([cls, ids[: premise_tokens - 2], sep]).astype(np.int64)
        for text, ids in zip(premises, tokenizer.ids(premises), strict=True)
    }
    hypothesis_ids = {
        text: np.concatenate([ids[: hypothesis_tokens - 1], sep]).astype(np.int64)
        for text, ids in zip(hypotheses, tokenizer.ids(hypotheses), strict=True)
    }
    return [
        EncodedExample(
            premise_ids[example.premise],
            tuple(hypothesis_ids[h] for h in example.hypotheses),
            example.targets,
            example.choice,
        )
        for example in examples
    ]


def plan(
    examples: Sequence[EncodedExample], *, tokens_per_batch: int, seed: int, pool: int = 49152
) -> list[list[int]]:
    """Batches of indices, a pure function of its arguments so that a run can resume anywhere.

    Examples are shuffled, cut into pools, and sorted by shape inside a pool: like shapes lie together and
    little is padding, while a batch still mixes what the data mixes. The batches are then shuffled.

    Args:
        examples: what is batched.
        tokens_per_batch: the budget, padding counted.
        seed: of both shuffles.
        pool: examples sorted together.
    """
    draw = random.Random(seed)
    order = list(range(len(examples)))
    draw.shuffle(order)
    batches: list[list[int]] = []
    for start in range(0, len(order), pool):
        members = sorted(order[start : start + pool], key=lambda i: _like(examples[i].shape))
        batch: list[int] = []
        L = S = T = 0
        for i in members:
            shape = examples[i].shape
            L, S, T = map(max, (L, S, T), shape)
            if batch and (len(batch) + 1) * (S + L * T) > tokens_per_batch:
                batches.append(batch)
                batch, (L, S, T) = [], shape
            batch.append(i)
        batches.append(batch)
    draw.shuffle(batches)
    return batches


def _like(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    L, S, T = shape
    return (
        L,
        S // 4,
        T,
    )  # premises within four tokens count as one length, so that hypotheses of one length meet


def collate(examples: Sequence[EncodedExample], *, pad_id: int, sep_id: int) -> Batch:
    """Pad examples into one grid."""
    P = len(examples)
    L, S, T = (max(sizes) for sizes in zip(*(example.shape for example in examples), strict=True))
    premise_ids = np.full((P, S), pad_id)
    hypothesis_ids = np.full((P, L, T), pad_id)
    hypothesis_ids[:, :, 0] = sep_id
    hypothesis_lengths = np.ones((P, L), dtype=np.int64)
    targets = np.full((P, L), IGNORED)
    for p, example in enumerate(examples):
        premise_ids[p, : len(example.premise)] = example.premise
        for h, ids in enumerate(example.hypotheses):
            hypothesis_ids[p, h, : len(ids)] = ids
            hypothesis_lengths[p, h] = len(ids)
        targets[p, : len(example.targets)] = example.targets
    return Batch(
        torch.from_numpy(premise_ids),
        torch.tensor([len(example.premise) for example in examples]),
        torch.from_numpy(hypothesis_ids),
        torch.from_numpy(hypothesis_lengths),
        torch.from_numpy(targets),
        torch.tensor([example.choice for example in examples]),
    )
