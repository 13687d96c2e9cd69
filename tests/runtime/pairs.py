"""Encoded pairs for tests: random ids, and hypothesis strategies for lists of pairs that share premises."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from entailment.text.pairs import EncodedPair

CLS, SEP = 2, 3
FIRST_WORD = 5


def random_ids(rng: np.random.Generator, length: int, *, vocabulary: int, opens: bool) -> np.ndarray:
    """A premise (`opens`: it begins with [CLS]) or a hypothesis of this many tokens, ending with [SEP]."""
    ids = rng.integers(FIRST_WORD, vocabulary, length)
    ids[-1] = SEP
    if opens:
        ids[0] = CLS
    return ids


def random_pairs(
    shapes: Sequence[tuple[int, Sequence[int]]], *, seed: int = 0, vocabulary: int = 300
) -> list[EncodedPair]:
    """Pairs by premise: of each its length, and the lengths of the hypotheses about it."""
    rng = np.random.default_rng(seed)
    pairs = []
    for premise_length, hypothesis_lengths in shapes:
        premise = random_ids(rng, premise_length, vocabulary=vocabulary, opens=True)
        for length in hypothesis_lengths:
            pairs.append(
                EncodedPair(premise, random_ids(rng, length, vocabulary=vocabulary, opens=False), None)
            )
    return pairs


def shuffled(pairs: Sequence[EncodedPair], seed: int = 0) -> tuple[list[EncodedPair], np.ndarray]:
    """The pairs in another order, and the order: shuffled[i] is pairs[order[i]]."""
    order = np.random.default_rng(seed).permutation(len(pairs))
    return [pairs[index] for index in order], order


def pair_lists(max_premises: int = 6, max_hypotheses: int = 6) -> st.SearchStrategy[list[EncodedPair]]:
    """Lists of pairs in any order, among which premises are shared or not."""
    hypotheses = st.lists(st.integers(1, 12), min_size=1, max_size=max_hypotheses)
    shapes = st.lists(st.tuples(st.integers(2, 40), hypotheses), max_size=max_premises)
    return st.builds(
        lambda shapes, seed: shuffled(random_pairs(shapes, seed=seed), seed)[0], shapes, st.integers(0, 99)
    )
