from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtime.pairs import pair_lists, random_pairs, shuffled

from entailment.runtime.batches import Batch, full_batches, prefix_batches
from entailment.text.pairs import EncodedPair

Batches = Callable[[Sequence[EncodedPair], int], Iterator[Batch]]
budgets = st.one_of(st.integers(1, 60), st.just(2048))


def tokens(batch: Batch) -> int:
    return len(batch.feeds["input_ids"])


@pytest.mark.parametrize("batches", [full_batches, prefix_batches])
def test_no_pairs_no_batches(batches: Batches) -> None:
    assert list(batches([], 100)) == []


@pytest.mark.parametrize("batches", [full_batches, prefix_batches])
@settings(deadline=None)
@given(pairs=pair_lists(), budget=budgets)
def test_every_pair_is_answered_once(batches: Batches, pairs: list[EncodedPair], budget: int) -> None:
    answered = [index for batch in batches(pairs, budget) for index in batch.pairs.tolist()]
    assert sorted(answered) == list(range(len(pairs)))


@pytest.mark.parametrize("batches", [full_batches, prefix_batches])
@settings(deadline=None)
@given(pairs=pair_lists(), budget=budgets)
def test_the_budget_is_kept(batches: Batches, pairs: list[EncodedPair], budget: int) -> None:
    for batch in batches(pairs, budget):
        assert tokens(batch) <= budget or len(batch.pairs) == 1


@pytest.mark.parametrize("batches", [full_batches, prefix_batches])
@settings(deadline=None)
@given(pairs=pair_lists(), budget=budgets)
def test_homes_point_back_into_the_grids(batches: Batches, pairs: list[EncodedPair], budget: int) -> None:
    for batch in batches(pairs, budget):
        grids = [
            batch.feeds[name].ravel() for name in ("pairs", "premises", "hypotheses") if name in batch.feeds
        ]
        flat = np.concatenate(grids)
        np.testing.assert_array_equal(flat[batch.feeds["homes"]], np.arange(tokens(batch)))


@settings(deadline=None)
@given(pairs=pair_lists(), budget=budgets)
def test_full_layout(pairs: list[EncodedPair], budget: int) -> None:
    for batch in full_batches(pairs, budget):
        feeds = batch.feeds
        np.testing.assert_array_equal(batch.rows, np.arange(len(feeds["pairs"])))
        for row, index in zip(batch.rows, batch.pairs, strict=True):
            pair = pairs[index]
            stream = feeds["pairs"][row, : feeds["pair_lengths"][row]]
            S, Q = len(pair.premise), len(pair.hypothesis)
            np.testing.assert_array_equal(
                feeds["input_ids"][stream], np.concatenate([pair.premise, pair.hypothesis])
            )
            np.testing.assert_array_equal(feeds["position_ids"][stream], np.arange(S + Q))
            np.testing.assert_array_equal(feeds["token_type_ids"][stream], [0] * S + [1] * Q)
            assert feeds["answers"][row] == stream[0]


@settings(deadline=None)
@given(pairs=pair_lists(), budget=budgets)
def test_prefix_layout(pairs: list[EncodedPair], budget: int) -> None:
    for batch in prefix_batches(pairs, budget):
        feeds = batch.feeds
        L = feeds["hypotheses"].shape[1]
        for row, index in zip(batch.rows, batch.pairs, strict=True):
            pair, p, l = pairs[index], row // L, row % L  # noqa: E741
            premise = feeds["premises"][p, : feeds["premise_lengths"][p]]
            hypothesis = feeds["hypotheses"][p, l, : feeds["hypothesis_lengths"][p, l]]
            S, Q = len(pair.premise), len(pair.hypothesis)
            np.testing.assert_array_equal(feeds["input_ids"][premise], pair.premise)
            np.testing.assert_array_equal(feeds["input_ids"][hypothesis], pair.hypothesis)
            np.testing.assert_array_equal(feeds["position_ids"][premise], np.arange(S))
            np.testing.assert_array_equal(feeds["position_ids"][hypothesis], S + np.arange(Q))
            assert not feeds["token_type_ids"][premise].any()
            assert feeds["token_type_ids"][hypothesis].all()
            assert feeds["answers"][row] == hypothesis[-1]


def neighbours_by_definition(stream: np.ndarray, before: int) -> np.ndarray:
    """Of tokens that follow each other: [tokens, 3], with the stream index of the one before the first."""
    behind = np.append(stream[1:], -1)
    return np.stack([behind, stream, np.append(before, stream[:-1])], axis=1) + 1


@settings(deadline=None)
@given(pairs=pair_lists(), budget=budgets)
def test_neighbours_are_of_the_same_text(pairs: list[EncodedPair], budget: int) -> None:
    for batch in full_batches(pairs, budget):
        feeds = batch.feeds
        for row in batch.rows:
            stream = feeds["pairs"][row, : feeds["pair_lengths"][row]]
            np.testing.assert_array_equal(feeds["neighbours"][stream], neighbours_by_definition(stream, -1))
    for batch in prefix_batches(pairs, budget):
        feeds = batch.feeds
        L = feeds["hypotheses"].shape[1]
        for p, l in zip(*divmod(batch.rows, L), strict=True):  # noqa: E741
            premise = feeds["premises"][p, : feeds["premise_lengths"][p]]
            hypothesis = feeds["hypotheses"][p, l, : feeds["hypothesis_lengths"][p, l]]
            np.testing.assert_array_equal(feeds["neighbours"][premise], neighbours_by_definition(premise, -1))
            wanted = neighbours_by_definition(hypothesis, premise[-1])
            np.testing.assert_array_equal(feeds["neighbours"][hypothesis], wanted)


@settings(deadline=None)
@given(pairs=pair_lists(), budget=budgets)
def test_a_batch_holds_a_shared_premise_once(pairs: list[EncodedPair], budget: int) -> None:
    for batch in prefix_batches(pairs, budget):
        chosen = [pairs[index] for index in batch.pairs]
        premises = {id(pair.premise): pair.premise for pair in chosen}.values()
        wanted = sum(map(len, premises)) + sum(len(pair.hypothesis) for pair in chosen)
        # A premise whose hypotheses were split can meet its own remainder in one batch; it then counts twice.
        assert tokens(batch) == wanted or len(batch.feeds["premises"]) > len(premises)


def test_equal_premises_that_are_not_the_same_are_not_grouped() -> None:
    pairs = random_pairs([(5, [2, 2])])
    copied = [EncodedPair(pair.premise.copy(), pair.hypothesis, None) for pair in pairs]
    (shared,), (apart,) = list(prefix_batches(pairs, 100)), list(prefix_batches(copied, 100))
    assert (len(shared.feeds["premises"]), len(apart.feeds["premises"])) == (1, 2)


def test_a_thousand_hypotheses_are_spread_over_batches() -> None:
    lengths = np.random.default_rng(0).integers(2, 10, 1000).tolist()
    batches = list(prefix_batches(random_pairs([(40, lengths)]), 512))
    assert all(tokens(batch) <= 512 for batch in batches)
    # The premise is repeated a batch, and nothing else is.
    assert sum(map(tokens, batches)) == sum(lengths) + 40 * len(batches)
    assert len(batches) <= 2 + sum(lengths) // (512 - 40)


def test_like_lengths_meet() -> None:
    """Over many texts the grids hold little padding: of pairs, and of labels about every text."""
    rng = np.random.default_rng(0)
    alone = [(int(n), [int(rng.integers(3, 30))]) for n in rng.integers(5, 200, 1000)]
    batches = list(full_batches(shuffled(random_pairs(alone))[0], 2048))
    assert sum(batch.feeds["pairs"].size for batch in batches) < 1.1 * sum(map(tokens, batches))

    labelled = [(int(n), [4, 5, 5, 6, 8]) for n in rng.integers(5, 200, 300)]
    batches = list(prefix_batches(shuffled(random_pairs(labelled))[0], 2048))
    assert sum(batch.feeds["premises"].size for batch in batches) < 1.1 * sum(n for n, _ in labelled)


def test_lists_of_different_length_do_not_pad_each_other() -> None:
    """One text with 300 labels among texts with one: its width must not become everybody's."""
    pairs = shuffled(random_pairs([(20, [5] * 300), *((20, [5]) for _ in range(50))]))[0]
    for batch in prefix_batches(pairs, 2048):
        assert batch.feeds["hypotheses"].size <= 2 * 2048
