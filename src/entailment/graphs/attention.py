"""Attention of both kinds over a stream of tokens: the part of a graph that knows what belongs together.

All tokens of a batch stand in one **stream** without padding, and everything that looks at one token at a
time runs on the stream. Attention runs on a **grid**: which tokens form a pair (or a premise, or a
hypothesis) is said by int64 inputs that hold the stream index of each token, padded with any index, beside
int32 inputs with the lengths. An input ``homes`` [N] says for each token of the stream where in the flattened
grids it stands. `entailment.runtime.batches` makes these inputs.

Both classes have the same two methods. `everywhere` reads for each token of the stream. `at_answers` reads
only for the tokens that pairs are pooled from, which is all that a last layer needs; `answers` [R] are their
stream indices.

Legend of shapes: N stream tokens, R answers, H hidden, A heads, D = H / A head width;
full: B pairs, T tokens of the longest pair; prefix: P premises, S tokens of the longest premise, L hypotheses
    of each, T tokens of the longest hypothesis, Q tokens of each hypothesis that ask (T, or 1 at the
    answers).
"""

from __future__ import annotations

from typing import Protocol

from entailment.graphs import wire
from entailment.graphs.builder import GraphBuilder

HIDDEN_SCORE = -1e30
"""Added to the score of padding; finite, for infinity minus infinity would poison the softmax."""


class Attention(Protocol):
    """What the architectures need of an attention kind."""

    answers: str
    """int64 [R]: stream indices of the tokens that pairs are pooled from."""

    def everywhere(self, queries: str, keys: str, values: str) -> str:
        """Queries, keys and values of the stream, three times [N, H] -> what each token reads [N, H]."""

    def at_answers(self, queries: str, keys: str, values: str) -> str:
        """Queries of the answers [R, H], keys and values of the stream [N, H] -> what they read [R, H]."""


class FullAttention:
    """Every token of a pair sees the whole pair; pooled from its first token, [CLS]. R = B.

    Inputs of the graph: pairs int64 [B, T], pair_lengths int32 [B], homes int64 [N], answers int64 [B].
    """

    def __init__(self, b: GraphBuilder, *, hidden_size: int, num_heads: int) -> None:
        self._b = b
        self._hidden_size = hidden_size
        self._num_heads = num_heads
        self._pairs = b.input("pairs", "int64", ["B", "T"])
        self._lengths = b.input("pair_lengths", "int32", ["B"])
        self._homes = b.input("homes", "int64", ["N"])
        self.answers = b.input("answers", "int64", ["B"])

    def everywhere(self, queries: str, keys: str, values: str) -> str:
        """Three times [N, H] -> [N, H]."""
        queries = self._b.node("Gather", queries, self._pairs)  # [B, T, H]
        return self._b.node("Gather", self._read(queries, keys, values), self._homes)

    def at_answers(self, queries: str, keys: str, values: str) -> str:
        """[B, H], [N, H], [N, H] -> [B, H]."""
        return self._read(self._b.reshape(queries, -1, 1, self._hidden_size), keys, values)

    def _read(self, queries: str, keys: str, values: str) -> str:
        """[B, Q, H], [N, H], [N, H] -> [B * Q, H]."""
        keys, values = (self._b.node("Gather", x, self._pairs) for x in (keys, values))  # [B, T, H]
        read = attend(self._b, queries, keys, values, self._lengths, self._num_heads)
        return self._b.reshape(read, -1, self._hidden_size)


class PrefixAttention:
    """A premise sees itself, a hypothesis its premise and itself; pooled from the last [SEP]. R = P * L.

    The premise's keys and values are computed once and are never repeated: the tokens of all its hypotheses
    ask them as one long block of queries, and their own keys hypothesis by hypothesis. One softmax runs over
    both. Work and memory grow linearly with the number of hypotheses.

    Inputs of the graph: premises int64 [P, S], premise_lengths int32 [P], hypotheses int64 [P, L, T],
    hypothesis_lengths int32 [P, L], homes int64 [N] (into the premises' grid, and behind it the hypotheses'),
    answers int64 [P * L].
    """

    def __init__(self, b: GraphBuilder, *, hidden_size: int, num_heads: int) -> None:
        self._b = b
        self._hidden_size = hidden_size
        self._num_heads = num_heads
        self._head_size = hidden_size // num_heads
        self._premises = b.input("premises", "int64", ["P", "S"])
        self._premise_lengths = b.input("premise_lengths", "int32", ["P"])
        self._hypotheses = b.input("hypotheses", "int64", ["P", "L", "T"])
        hypothesis_lengths = b.input("hypothesis_lengths", "int32", ["P", "L"])
        self._homes = b.input("homes", "int64", ["N"])
        self.answers = b.input("answers", "int64", ["R"])
        self._S, self._T = b.size(self._premises, 1), b.size(self._hypotheses, 2)
        premise_mask = padding_scores(b, self._premise_lengths, self._S)  # [P, S]
        hypothesis_mask = padding_scores(b, hypothesis_lengths, self._T)  # [P, L, T]
        self._premise_mask = b.node("Unsqueeze", premise_mask, b.constant([1, 2]))  # [P, 1, 1, S]
        self._hypothesis_mask = b.node("Unsqueeze", hypothesis_mask, b.constant([1, 3]))  # [P, 1, L, 1, T]

    def everywhere(self, queries: str, keys: str, values: str) -> str:
        """Three times [N, H] -> [N, H]."""
        b = self._b
        asking, premise_keys, premise_values = (
            b.node("Gather", x, self._premises) for x in (queries, keys, values)
        )  # [P, S, H]
        by_premises = attend(b, asking, premise_keys, premise_values, self._premise_lengths, self._num_heads)
        by_premises = b.reshape(by_premises, -1, self._hidden_size)  # [P * S, H]
        asking = b.node("Gather", queries, self._hypotheses)  # [P, L, T, H]
        by_hypotheses = self._read(asking, premise_keys, premise_values, keys, values)  # [P * L * T, H]
        both = b.node("Concat", by_premises, by_hypotheses, attributes={"axis": 0})
        return b.node("Gather", both, self._homes)

    def at_answers(self, queries: str, keys: str, values: str) -> str:
        """[P * L, H], [N, H], [N, H] -> [P * L, H]."""
        b = self._b
        asking = b.reshape(queries, -1, b.size(self._hypotheses, 1), 1, self._hidden_size)  # [P, L, 1, H]
        premise_keys, premise_values = (b.node("Gather", x, self._premises) for x in (keys, values))
        return self._read(asking, premise_keys, premise_values, keys, values)

    def _read(self, asking: str, premise_keys: str, premise_values: str, keys: str, values: str) -> str:
        """What hypotheses read from their premise, and from the stream for themselves.

        [P, L, Q, H], twice [P, S, H], twice [N, H] -> [P * L * Q, H].
        """
        b = self._b
        asking = self._split(asking, 1, 2)  # [P, A, L, Q, D]
        block = b.reshape(asking, 0, 0, -1, self._head_size)  # [P, A, L * Q, D]
        shared_keys, shared_values = (
            self._split(x, 1) for x in (premise_keys, premise_values)
        )  # [P, A, S, D]
        own_keys = self._split(b.node("Gather", keys, self._hypotheses), 1, 2)  # [P, A, L, T, D]
        own_values = self._split(b.node("Gather", values, self._hypotheses), 1, 2)

        to_premise = b.node("Add", self._scores(block, shared_keys), self._premise_mask)  # [P, A, L * Q, S]
        to_own = b.node("Add", self._scores(asking, own_keys), self._hypothesis_mask)  # [P, A, L, Q, T]
        own_shape = b.node("Shape", to_own)
        to_own = b.reshape(to_own, 0, 0, -1, self._T)  # [P, A, L * Q, T]
        scores = b.node("Concat", to_premise, to_own, attributes={"axis": 3})  # [P, A, L * Q, S + T]
        shares = b.node("Softmax", scores, attributes={"axis": 3})
        sizes = b.node("Concat", self._S, self._T, attributes={"axis": 0})
        on_premise, on_own = b.nodes("Split", shares, sizes, outputs=2, attributes={"axis": 3})

        from_premise = b.node("MatMul", on_premise, shared_values)  # [P, A, L * Q, D]
        from_own = b.node("MatMul", b.node("Reshape", on_own, own_shape), own_values)  # [P, A, L, Q, D]
        from_own = b.reshape(from_own, 0, 0, -1, self._head_size)
        read = b.transpose(b.node("Add", from_premise, from_own), 0, 2, 1, 3)  # [P, L * Q, A, D]
        return b.reshape(read, -1, self._hidden_size)

    def _split(self, x: str, *grid_axes: int) -> str:
        """Heads before the token axes: [P, (L,) T, H] -> [P, A, (L,) T, D]."""
        axes = [0] * (len(grid_axes) + 1)
        heads = self._b.reshape(x, *axes, self._num_heads, self._head_size)
        last = len(grid_axes) + 1
        return self._b.transpose(heads, 0, last, *grid_axes, last + 1)

    def _scores(self, queries: str, keys: str) -> str:
        """Scaled products of queries [..., Q, D] and keys [..., T, D]: [..., Q, T]."""
        attributes = {"alpha": self._head_size**-0.5, "transB": 1}
        return self._b.node("com.microsoft:FusedMatMul", queries, keys, attributes=attributes)


def attend(b: GraphBuilder, queries: str, keys: str, values: str, lengths: str, num_heads: int) -> str:
    """Multi-head attention of a grid: [B, Q, H], twice [B, T, H], lengths of the keys [B] -> [B, Q, H]."""
    attributes = {"num_heads": num_heads, "mask_filter_value": HIDDEN_SCORE}
    return b.node(
        "com.microsoft:MultiHeadAttention", queries, keys, values, "", lengths, attributes=attributes
    )


def padding_scores(b: GraphBuilder, lengths: str, longest: str) -> str:
    """0 for tokens and `HIDDEN_SCORE` for padding: lengths [...], int64 [1] holding T -> [..., T]."""
    zero, one = b.constant(0), b.constant(1)
    positions = b.node("Range", zero, b.node("Squeeze", longest), one)  # [T]
    lengths = b.node("Unsqueeze", b.node("Cast", lengths, attributes={"to": wire.INT64}), b.constant([-1]))
    is_token = b.node("Less", positions, lengths)
    return b.node("Where", is_token, b.constant(0.0, "float32"), b.constant(HIDDEN_SCORE, "float32"))


ATTENTION_KINDS: dict[str, type[FullAttention] | type[PrefixAttention]] = {
    "full": FullAttention,
    "prefix": PrefixAttention,
}
