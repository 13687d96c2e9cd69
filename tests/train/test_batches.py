"""Batches hold every example once, stay in budget, and write pairs out as full attention reads them."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from entailment.models.losses import IGNORED
from entailment.train.batches import EncodedExample, collate, plan

PAD, SEP = 0, 3


def example(premise: int, *hypotheses: int) -> EncodedExample:
    return EncodedExample(
        np.arange(10, 10 + premise),
        tuple(np.arange(100, 100 + length) for length in hypotheses),
        tuple(range(len(hypotheses))),
        choice=False,
    )


shapes = st.tuples(st.integers(2, 30), st.lists(st.integers(1, 12), min_size=1, max_size=4))


@given(st.lists(shapes, min_size=1, max_size=60), st.integers(0, 5))
def test_every_example_is_in_one_batch_and_batches_keep_the_budget(
    sizes: list[tuple[int, list[int]]], seed: int
) -> None:
    examples = [example(premise, *hypotheses) for premise, hypotheses in sizes]
    batches = plan(examples, tokens_per_batch=150, seed=seed)
    assert sorted(i for batch in batches for i in batch) == list(range(len(examples)))
    assert batches == plan(examples, tokens_per_batch=150, seed=seed)
    for batch in batches:
        grid = collate([examples[i] for i in batch], pad_id=PAD, sep_id=SEP)
        assert len(batch) == 1 or grid.premise_ids.numel() + grid.hypothesis_ids.numel() <= 150


def test_collate_pads_and_marks_what_only_fills() -> None:
    batch = collate([example(4, 2, 3), example(2, 1)], pad_id=PAD, sep_id=SEP)
    assert batch.premise_ids.tolist() == [[10, 11, 12, 13], [10, 11, PAD, PAD]]
    assert batch.hypothesis_ids.tolist() == [
        [[100, 101, PAD], [100, 101, 102]],
        [[100, PAD, PAD], [SEP, PAD, PAD]],
    ]
    assert batch.targets.tolist() == [[0, 1], [0, IGNORED]]


@given(st.lists(shapes, min_size=1, max_size=5))
def test_joined_writes_each_pair_out(sizes: list[tuple[int, list[int]]]) -> None:
    examples = [example(premise, *hypotheses) for premise, hypotheses in sizes]
    batch = collate(examples, pad_id=PAD, sep_id=SEP)
    ids, mask, types = batch.joined()
    L = batch.hypothesis_ids.shape[1]
    for p, each in enumerate(examples):
        for h, hypothesis in enumerate(each.hypotheses):
            row, length = p * L + h, len(each.premise) + len(hypothesis)
            assert ids[row, :length].tolist() == [*each.premise.tolist(), *hypothesis.tolist()]
            assert mask[row].sum() == length
            assert torch.equal(types[row].nonzero()[:, 0], torch.arange(len(each.premise), length))
