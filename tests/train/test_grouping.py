"""Batches of rows: each row once, the same for the same epoch, and little padding."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from entailment.train.grouping import fitting, in_order_of_length, plan_batches

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


def test_long_texts_are_cut_as_the_reference_tokenizers_cut_them() -> None:
    reference = Tokenizer(models.WordLevel({"[CLS]": 0, "[SEP]": 1, "a": 2, "b": 3}))
    reference.pre_tokenizer = pre_tokenizers.Whitespace()
    reference.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 0), ("[SEP]", 1)],
    )
    draw = random.Random(0)
    for _ in range(500):
        first, second, room = draw.randint(0, 20), draw.randint(0, 20), draw.randint(1, 24)
        reference.enable_truncation(room + 3, strategy="longest_first")
        ids = reference.encode("a " * first, "b " * second).ids
        assert fitting([first, second], room) == (ids.count(2), ids.count(3)), (first, second, room)


@pytest.mark.parametrize(("length", "kept"), [(3, 3), (9, 5)])
def test_one_text_loses_its_end(length: int, kept: int) -> None:
    assert fitting([length], 5) == (kept,)
