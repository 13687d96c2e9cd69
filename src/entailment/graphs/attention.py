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

    Inputs of the graph: premises int64 [P, S], premise_lengths int32 [P], those of `Hypotheses`, homes int64
    [N] (into the premises' grid, and behind it the hypotheses'), answers int64 [P * L].
    """

    def __init__(self, b: GraphBuilder, *, hidden_size: int, num_heads: int) -> None:
        self._b = b
        self._hidden_size = hidden_size
        self._num_heads = num_heads
        self._premises = b.input("premises", "int64", ["P", "S"])
        self._premise_lengths = b.input("premise_lengths", "int32", ["P"])
        self._hypotheses = Hypotheses(
            b, b.size(self._premises, 1), hidden_size=hidden_size, num_heads=num_heads
        )
        self._homes = b.input("homes", "int64", ["N"])
        self.answers = b.input("answers", "int64", ["R"])
        premise_mask = padding_scores(b, self._premise_lengths, self._hypotheses.premise_size)  # [P, S]
        self._premise_mask = b.node("Unsqueeze", premise_mask, b.constant([1, 2]))  # [P, 1, 1, S]

    def everywhere(self, queries: str, keys: str, values: str) -> str:
        """Three times [N, H] -> [N, H]."""
        b = self._b
        asking, premise_keys, premise_values = (
            b.node("Gather", x, self._premises) for x in (queries, keys, values)
        )  # [P, S, H]
        by_premises = attend(b, asking, premise_keys, premise_values, self._premise_lengths, self._num_heads)
        by_premises = b.reshape(by_premises, -1, self._hidden_size)  # [P * S, H]
        asking = self._hypotheses.tokens(queries)  # [P, L, T, H]
        by_hypotheses = self._read(asking, premise_keys, premise_values, keys, values)  # [P * L * T, H]
        both = b.node("Concat", by_premises, by_hypotheses, attributes={"axis": 0})
        return b.node("Gather", both, self._homes)

    def at_answers(self, queries: str, keys: str, values: str) -> str:
        """[P * L, H], [N, H], [N, H] -> [P * L, H]."""
        asking = self._hypotheses.answers(queries)  # [P, L, 1, H]
        premise_keys, premise_values = (self._b.node("Gather", x, self._premises) for x in (keys, values))
        return self._read(asking, premise_keys, premise_values, keys, values)

    def _read(self, asking: str, premise_keys: str, premise_values: str, keys: str, values: str) -> str:
        """[P, L, Q, H], twice [P, S, H], twice [N, H] -> [P * L * Q, H]."""
        premise_keys, premise_values = (
            split_heads(self._b, x, 1, num_heads=self._num_heads, hidden_size=self._hidden_size)
            for x in (premise_keys, premise_values)
        )  # [P, A, S, D]
        return self._hypotheses.read(
            asking, premise_keys, premise_values, keys, values, premise_mask=self._premise_mask
        )


class KeptAttention:
    """`PrefixAttention` of one layer where the stream holds the hypotheses of a single premise alone. R = L.

    The premise is known by the layer's keys and values, see `entailment.graphs.kept`. One object serves one
    layer; `Hypotheses` and homes are shared by all.

    Args:
        hypotheses: the grid, P = 1.
        homes: int64 [N], into the hypotheses' grid.
        answers: int64 [L].
        premise_keys, premise_values: float32 [1, A, S, D].
    """

    def __init__(
        self,
        b: GraphBuilder,
        hypotheses: Hypotheses,
        homes: str,
        answers: str,
        premise_keys: str,
        premise_values: str,
    ) -> None:
        self._b = b
        self._hypotheses = hypotheses
        self._homes = homes
        self._premise = premise_keys, premise_values
        self.answers = answers

    def everywhere(self, queries: str, keys: str, values: str) -> str:
        """Three times [N, H] -> [N, H]."""
        asking = self._hypotheses.tokens(queries)  # [1, L, T, H]
        read = self._hypotheses.read(asking, *self._premise, keys, values)
        return self._b.node("Gather", read, self._homes)

    def at_answers(self, queries: str, keys: str, values: str) -> str:
        """[L, H], [N, H], [N, H] -> [L, H]."""
        return self._hypotheses.read(self._hypotheses.answers(queries), *self._premise, keys, values)


class Hypotheses:
    """The grid of hypotheses, and what they read from their premises and from themselves.

    The premise's keys and values are computed once and are never repeated: the tokens of all its hypotheses
    ask them as one long block of queries, and their own keys hypothesis by hypothesis. One softmax runs over
    both. Work and memory grow linearly with the number of hypotheses.

    Inputs of the graph: hypotheses int64 [P, L, T], hypothesis_lengths int32 [P, L].

    Args:
        premise_size: the name of an int64 [1] value that holds S.
    """

    def __init__(self, b: GraphBuilder, premise_size: str, *, hidden_size: int, num_heads: int) -> None:
        self._b = b
        self._hidden_size = hidden_size
        self._num_heads = num_heads
        self._head_size = hidden_size // num_heads
        self._grid = b.input("hypotheses", "int64", ["P", "L", "T"])
        lengths = b.input("hypothesis_lengths", "int32", ["P", "L"])
        self.premise_size = premise_size
        self._size = b.size(self._grid, 2)
        mask = padding_scores(b, lengths, self._size)  # [P, L, T]
        self._mask = b.node("Unsqueeze", mask, b.constant([1, 3]))  # [P, 1, L, 1, T]

    def tokens(self, x: str) -> str:
        """From the stream to the grid: [N, H] -> [P, L, T, H]."""
        return self._b.node("Gather", x, self._grid)

    def answers(self, x: str) -> str:
        """A row for each hypothesis: [P * L, H] -> [P, L, 1, H]."""
        return self._b.reshape(x, -1, self._b.size(self._grid, 1), 1, self._hidden_size)

    def read(
        self,
        asking: str,
        premise_keys: str,
        premise_values: str,
        keys: str,
        values: str,
        *,
        premise_mask: str | None = None,
    ) -> str:
        """What hypotheses read from their premise, and from the stream for themselves.

        [P, L, Q, H], twice [P, A, S, D], twice [N, H] -> [P * L * Q, H]. Premises of several lengths need
        `premise_mask`, [P, 1, 1, S], which is added to the scores.
        """
        b = self._b
        asking = self._split(asking)  # [P, A, L, Q, D]
        block = b.reshape(asking, 0, 0, -1, self._head_size)  # [P, A, L * Q, D]
        own_keys, own_values = (self._split(self.tokens(x)) for x in (keys, values))  # [P, A, L, T, D]

        to_premise = self._scores(block, premise_keys)  # [P, A, L * Q, S]
        if premise_mask is not None:
            to_premise = b.node("Add", to_premise, premise_mask)
        to_own = b.node("Add", self._scores(asking, own_keys), self._mask)  # [P, A, L, Q, T]
        own_shape = b.node("Shape", to_own)
        to_own = b.reshape(to_own, 0, 0, -1, self._size)  # [P, A, L * Q, T]
        scores = b.node("Concat", to_premise, to_own, attributes={"axis": 3})  # [P, A, L * Q, S + T]
        shares = b.node("Softmax", scores, attributes={"axis": 3})
        sizes = b.node("Concat", self.premise_size, self._size, attributes={"axis": 0})
        on_premise, on_own = b.nodes("Split", shares, sizes, outputs=2, attributes={"axis": 3})

        from_premise = b.node("MatMul", on_premise, premise_values)  # [P, A, L * Q, D]
        from_own = b.node("MatMul", b.node("Reshape", on_own, own_shape), own_values)  # [P, A, L, Q, D]
        from_own = b.reshape(from_own, 0, 0, -1, self._head_size)
        read = b.transpose(b.node("Add", from_premise, from_own), 0, 2, 1, 3)  # [P, L * Q, A, D]
        return b.reshape(read, -1, self._hidden_size)

    def _split(self, x: str) -> str:
        """[P, L, T, H] -> [P, A, L, T, D]."""
        return split_heads(self._b, x, 1, 2, num_heads=self._num_heads, hidden_size=self._hidden_size)

    def _scores(self, queries: str, keys: str) -> str:
        """Scaled products of queries [..., Q, D] and keys [..., T, D]: [..., Q, T]."""
        attributes = {"alpha": self._head_size**-0.5, "transB": 1}
        return self._b.node("com.microsoft:FusedMatMul", queries, keys, attributes=attributes)


def split_heads(b: GraphBuilder, x: str, *token_axes: int, num_heads: int, hidden_size: int) -> str:
    """Heads before the token axes: [P, (L,) T, H] -> [P, A, (L,) T, D]."""
    last = len(token_axes) + 1
    heads = b.reshape(x, *[0] * last, num_heads, hidden_size // num_heads)
    return b.transpose(heads, 0, last, *token_axes, last + 1)


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
