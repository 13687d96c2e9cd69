"""Batches of rows: each row once, the same for the same epoch, and little padding."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from entailment.train.grouping import in_order_of_length, plan_batches

LENGTHS = st.lists(st.integers(1, 60), max_size=300)


@given(LENGTHS, st.integers(1, 9), st.booleans(), st.integers(0, 3))
def test_batches_of_rows_hold_every_row_once(
    lengths: list[int], rows: int, grouped: bool, epoch: int
) -> None:
    batches = plan_batches(lengths, rows=rows, grouped=grouped, seed=1, epoch=epoch)
    assert sorted(member for batch in batches for member in batch) == list(range(len(lengths)))
    assert all(0 < len(batch) <= rows for batch in batches)
    # A pool is a multiple of a batch, so that one batch alone may be short.
    assert sum(len(batch) < rows for batch in batches) <= 1
    assert batches == plan_batches(lengths, rows=rows, grouped=grouped, seed=1, epoch=epoch)


@given(LENGTHS, st.integers(1, 400), st.booleans())
def test_batches_of_tokens_keep_their_budget(lengths: list[int], tokens: int, grouped: bool) -> None:
    for batches in (
        plan_batches(lengths, tokens=tokens, grouped=grouped),
        in_order_of_length(lengths, tokens=tokens),
    ):
        assert sorted(member for batch in batches for member in batch) == list(range(len(lengths)))
        for batch in batches:
            assert len(batch) == 1 or len(batch) * max(lengths[member] for member in batch) <= tokens


def test_epochs_and_seeds_differ() -> None:
    lengths = list(range(1, 200))
    one = plan_batches(lengths, rows=8)
    assert one != plan_batches(lengths, rows=8, epoch=1)
    assert one != plan_batches(lengths, rows=8, seed=1)


def test_grouping_saves_padding() -> None:
    lengths = np.random.default_rng(0).geometric(0.04, size=4000)

    def padded(grouped: bool) -> int:
        batches = plan_batches(lengths, rows=16, grouped=grouped)
        return int(sum(len(batch) * lengths[batch].max() for batch in batches))

    assert padded(True) < 1.1 * lengths.sum() < padded(False)
