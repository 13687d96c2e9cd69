"""Which rows make a batch: shuffled anew each epoch, and rows of like length together."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

POOL_BATCHES = 50
"""Batches sorted by length together: many enough to save padding, few enough to keep an epoch mixed."""

_POOL_ROWS = 4096


def plan_batches(
    lengths: ArrayLike,
    *,
    rows: int | None = None,
    tokens: int | None = None,
    grouped: bool = True,
    seed: int = 0,
    epoch: int = 0,
) -> list[list[int]]:
    """Every row once, in batches; a pure function of its arguments, so that a run can resume anywhere.

    Grouped rows are shuffled, cut into pools, and sorted by length inside a pool; then the batches are
    shuffled.

    Args:
        lengths: [N], the tokens of each row.
        rows: of a batch; the last may have fewer. Either this or `tokens` is given.
        tokens: of a batch, padding counted: as many rows as fit, and always one.
        grouped: False takes the rows in the order they were shuffled to.
        seed: of the run.
        epoch: another gives another order.
    """
    sizes = np.asarray(lengths)
    draw = np.random.default_rng([seed, epoch])
    order = draw.permutation(len(sizes))
    pool = (rows * POOL_BATCHES if rows is not None else _POOL_ROWS) if grouped else max(1, len(sizes))
    batches: list[list[int]] = []
    for start in range(0, len(order), pool):
        members = order[start : start + pool]
        if grouped:
            members = members[np.argsort(-sizes[members], kind="stable")]
        batches += _cut(members, sizes, rows, tokens)
    if not grouped:
        return batches
    return [batches[i] for i in draw.permutation(len(batches))]


def in_order_of_length(lengths: ArrayLike, *, tokens: int) -> list[list[int]]:
    """Every row once, the longest first: batches for measuring, where the order changes nothing."""
    sizes = np.asarray(lengths)
    return _cut(np.argsort(-sizes, kind="stable"), sizes, None, tokens)


def _cut(
    members: NDArray[np.int64], sizes: NDArray[np.int64], rows: int | None, tokens: int | None
) -> list[list[int]]:
    if rows is not None:
        return [members[start : start + rows].tolist() for start in range(0, len(members), rows)]
    batches: list[list[int]] = []
    batch: list[int] = []
    longest = 0
    for member, size in zip(members.tolist(), sizes[members].tolist(), strict=True):
        longest = max(longest, size)
        if batch and (len(batch) + 1) * longest > (tokens or 0):
            batches.append(batch)
            batch, longest = [], size
        batch.append(member)
    return [*batches, batch] if batch else batches
