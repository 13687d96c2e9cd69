"""Pairs to batches: alike in length, bounded in tokens, laid out as the graphs want them.

A batch has at most a given number of tokens, or one piece of work that cannot be split. Sorting puts texts of
like length together, so that the grids of `entailment.graphs.attention` have little padding; each batch
carries the indices of the pairs it answers, so that the order of the input can be restored. Pairs with the
same premise **object** share its computation under prefix attention; a premise with more hypotheses than fit
into a batch is spread over several.

Legend of shapes: N tokens of the batch, R answers, M of them wanted; full: B pairs; prefix: P premises, L
hypotheses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from entailment.text.pairs import EncodedPair

Integers = npt.NDArray[np.int64]
Feeds = dict[str, npt.NDArray[np.integer[Any]]]


@dataclass(frozen=True, eq=False)
class Batch:
    """What one run of a graph is fed, and where its answers belong.

    Attributes:
        feeds: the inputs of the graph by name.
        rows: int64 [M], the rows of the graph's logits [R, K] that answer a pair; the others are padding.
        pairs: int64 [M], the index of the pair that each of these rows answers.
    """

    feeds: Feeds
    rows: Integers
    pairs: Integers


@dataclass(frozen=True, eq=False)
class Work:
    """What goes into one batch or another as a whole: one pair, or one premise with hypotheses about it.

    Attributes:
        pairs: the indices of the pairs.
        tokens: how many tokens are computed for them.
        first: the tokens of what is laid out once: the pair, or the premise.
        each: the tokens of the longest hypothesis laid out beside it, 0 if there is none.
    """

    pairs: Sequence[int]
    tokens: int
    first: int
    each: int


def full_batches(pairs: Sequence[EncodedPair], tokens_per_batch: int) -> Iterator[Batch]:
    """Batches for `FullAttention`; every pair is answered by exactly one of them.

    Args:
        pairs: the pairs.
        tokens_per_batch: the most tokens of a batch; a pair that alone has more gets a batch of its own.
    """
    for chosen in fill(full_work(pairs), tokens_per_batch):
        yield _full_batch(pairs, [piece.pairs[0] for piece in chosen])


def prefix_batches(pairs: Sequence[EncodedPair], tokens_per_batch: int) -> Iterator[Batch]:
    """Batches for `PrefixAttention`; every pair is answered by exactly one of them.

    Args:
        pairs: the pairs; those that share a premise hold the same array.
        tokens_per_batch: the most tokens of a batch; a single pair that has more gets a batch of its own.
    """
    for chosen in fill(prefix_work(pairs, tokens_per_batch), tokens_per_batch):
        yield _prefix_batch(pairs, [piece.pairs for piece in chosen])


def hypothesis_batches(
    premise_length: int, hypotheses: Sequence[npt.NDArray[np.integer[Any]]], tokens_per_batch: int
) -> Iterator[Batch]:
    """Batches for `KeptAttention`; every hypothesis is answered by exactly one of them, as a pair is.

    Args:
        premise_length: the tokens of the premise, which is not in the batches.
        hypotheses: token ids.
        tokens_per_batch: the most tokens of a batch; a hypothesis that alone has more gets one of its own.
    """
    for chosen in fill(_one_each([len(ids) for ids in hypotheses]), tokens_per_batch):
        yield _hypothesis_batch(premise_length, hypotheses, [piece.pairs[0] for piece in chosen])


def premise_feeds(premise: npt.NDArray[np.integer[Any]]) -> Feeds:
    """What the graph of a premise alone is fed: token ids [S] and what goes with them."""
    return {
        "input_ids": premise.astype(np.int64, copy=False),
        "position_ids": np.arange(len(premise)),
        "token_type_ids": np.zeros(len(premise), np.int64),
    }


def full_work(pairs: Sequence[EncodedPair]) -> list[Work]:
    """The work of full attention: a piece for each pair, the longest first."""
    return _one_each([len(pair.premise) + len(pair.hypothesis) for pair in pairs])


def prefix_work(pairs: Sequence[EncodedPair], tokens_per_batch: int) -> list[Work]:
    """The work of prefix attention: premises and their hypotheses in pieces that fit, alike ones together."""
    work = [piece for group in by_premise(pairs) for piece in split(pairs, group, tokens_per_batch)]
    # Alike in the number of hypotheses first, for that number multiplies the padding; then alike in lengths.
    return sorted(work, key=lambda piece: (-len(piece.pairs).bit_length(), -piece.first, -piece.each))


def by_premise(pairs: Sequence[EncodedPair]) -> Iterable[list[int]]:
    """The indices of the pairs that hold the same premise array, in the order of their first."""
    groups: dict[int, list[int]] = {}
    for index, pair in enumerate(pairs):
        groups.setdefault(id(pair.premise), []).append(index)
    return groups.values()


def split(pairs: Sequence[EncodedPair], group: list[int], tokens_per_batch: int) -> Iterator[Work]:
    """One premise's pairs, sorted by the length of the hypothesis, in pieces that fit into a batch."""
    first = len(pairs[group[0]].premise)
    lengths = {index: len(pairs[index].hypothesis) for index in group}
    group = sorted(group, key=lambda index: -lengths[index])
    begin, tokens = 0, first
    for end, index in enumerate(group):
        if end > begin and tokens + lengths[index] > tokens_per_batch:
            yield Work(group[begin:end], tokens, first, lengths[group[begin]])
            begin, tokens = end, first
        tokens += lengths[index]
    yield Work(group[begin:], tokens, first, lengths[group[begin]])


def fill(work: Iterable[Work], tokens_per_batch: int) -> Iterator[list[Work]]:
    """Pieces of work to batches, in their order, each as full as it may be.

    A batch is full when its tokens reach the limit, or when its grids would, were half of each padding.
    """
    chosen: list[Work] = []
    tokens = first = count = each = 0
    for piece in work:
        tokens += piece.tokens
        first, count, each = max(first, piece.first), max(count, len(piece.pairs)), max(each, piece.each)
        grid = (len(chosen) + 1) * (first + count * each)
        if chosen and max(tokens, grid // 2) > tokens_per_batch:
            yield chosen
            chosen = []
            tokens, first, count, each = piece.tokens, piece.first, len(piece.pairs), piece.each
        chosen.append(piece)
    if chosen:
        yield chosen


def _one_each(lengths: Sequence[int]) -> list[Work]:
    """Pieces of one pair each, given the tokens of each, the longest first."""
    work = [Work([index], length, length, 0) for index, length in enumerate(lengths)]
    return sorted(work, key=lambda piece: -piece.tokens)


def _full_batch(pairs: Sequence[EncodedPair], chosen: Sequence[int]) -> Batch:
    texts = [text for index in chosen for text in (pairs[index].premise, pairs[index].hypothesis)]
    text_lengths = _lengths(texts)  # [2 * B]
    lengths = text_lengths.reshape(-1, 2).sum(axis=1)  # [B]
    starts = _starts(lengths)
    grid = _grid(starts, lengths)
    feeds: Feeds = {
        "input_ids": np.concatenate(texts),
        "position_ids": _counts(lengths),
        "token_type_ids": np.repeat(np.tile([0, 1], len(chosen)), text_lengths),
        "neighbours": _neighbours(lengths),
        "pairs": grid,
        "pair_lengths": lengths.astype(np.int32),
        "homes": _homes(np.arange(len(chosen)), lengths, grid.shape[1]),
        "answers": starts,
    }
    return Batch(feeds, np.arange(len(chosen)), np.array(chosen))


def _prefix_batch(pairs: Sequence[EncodedPair], groups: Sequence[Sequence[int]]) -> Batch:
    chosen = [index for group in groups for index in group]
    premises = [pairs[group[0]].premise for group in groups]
    hypotheses = [pairs[index].hypothesis for index in chosen]
    counts = _lengths(groups)  # [P]
    P, L = len(groups), int(counts.max())
    owners = np.repeat(np.arange(P), counts)  # [M], the premise of each hypothesis
    cells = owners * L + _counts(counts)  # [M], its place among the P * L

    premise_lengths, hypothesis_lengths = _lengths(premises), _lengths(hypotheses)
    starts = _starts(np.concatenate([premise_lengths, hypothesis_lengths]))
    premise_grid = _grid(starts[:P], premise_lengths)  # [P, S]
    cell_starts, cell_lengths = np.zeros(P * L, np.int64), np.zeros(P * L, np.int64)
    cell_starts[cells], cell_lengths[cells] = starts[P:], hypothesis_lengths
    hypothesis_grid = _grid(cell_starts, cell_lengths)  # [P * L, T]
    S, T = premise_grid.shape[1], hypothesis_grid.shape[1]

    premise_tokens, hypothesis_tokens = int(premise_lengths.sum()), int(hypothesis_lengths.sum())
    neighbours = _neighbours(np.concatenate([premise_lengths, hypothesis_lengths]))
    # In the joined pair the premise's last token stands before the hypothesis's first. The other way round
    # there is nothing: a premise does not see what is said about it.
    neighbours[starts[P:], 2] = (starts[:P] + premise_lengths)[owners]
    continued = np.repeat(premise_lengths[owners], hypothesis_lengths) + _counts(hypothesis_lengths)
    feeds: Feeds = {
        "input_ids": np.concatenate([*premises, *hypotheses]),
        "position_ids": np.concatenate([_counts(premise_lengths), continued]),
        "token_type_ids": np.repeat([0, 1], [premise_tokens, hypothesis_tokens]),
        "neighbours": neighbours,
        "premises": premise_grid,
        "premise_lengths": premise_lengths.astype(np.int32),
        "hypotheses": hypothesis_grid.reshape(P, L, T),
        "hypothesis_lengths": cell_lengths.reshape(P, L).astype(np.int32),
        "homes": np.concatenate(
            [
                _homes(np.arange(P), premise_lengths, S),
                P * S + _homes(cells, hypothesis_lengths, T),
            ]
        ),
        "answers": np.maximum(cell_starts + cell_lengths - 1, 0),
    }
    return Batch(feeds, cells, np.array(chosen))


def _hypothesis_batch(
    premise_length: int, hypotheses: Sequence[npt.NDArray[np.integer[Any]]], chosen: Sequence[int]
) -> Batch:
    texts = [hypotheses[index] for index in chosen]
    lengths = _lengths(texts)  # [L]
    starts = _starts(lengths)
    grid = _grid(starts, lengths)  # [L, T]
    rows = np.arange(len(chosen))
    ids = np.concatenate(texts).astype(np.int64, copy=False)  # [N]
    feeds: Feeds = {
        "input_ids": ids,
        "position_ids": premise_length + _counts(lengths),
        "token_type_ids": np.ones_like(ids),
        "hypotheses": grid[None],
        "hypothesis_lengths": lengths[None].astype(np.int32),
        "homes": _homes(rows, lengths, grid.shape[1]),
        "answers": starts + lengths - 1,
    }
    return Batch(feeds, rows, np.array(chosen))


def _lengths(parts: Sequence[Any]) -> Integers:
    return np.fromiter(map(len, parts), np.int64, len(parts))


def _starts(lengths: Integers) -> Integers:
    """Where each part starts when the parts stand one behind the other."""
    return np.cumsum(lengths) - lengths


def _counts(lengths: Integers) -> Integers:
    """0, 1, 2, ... anew for each part: lengths [2, 3] -> [0, 1, 0, 1, 2]."""
    return np.arange(lengths.sum()) - np.repeat(_starts(lengths), lengths)


def _neighbours(lengths: Integers) -> Integers:
    """For each token the token behind it, itself and the one before it: [N, 3], 1 + their stream indices.

    0 stands for no token: at both ends of a part.
    """
    tokens = int(lengths.sum())
    neighbours: Integers = np.arange(1, tokens + 1)[:, None] + np.array([1, 0, -1])
    starts = _starts(lengths)
    neighbours[starts + lengths - 1, 0] = 0
    neighbours[starts, 2] = 0
    return neighbours


def _grid(starts: Integers, lengths: Integers) -> Integers:
    """The stream indices of each part, a row each, padded with 0."""
    columns = np.arange(lengths.max())
    return np.where(columns < lengths[:, None], starts[:, None] + columns, 0)


def _homes(rows: Integers, lengths: Integers, width: int) -> Integers:
    """Where the tokens of each part stand in a flattened grid of this width, given its row."""
    return np.repeat(rows * width, lengths) + _counts(lengths)
