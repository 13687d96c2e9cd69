"""What turns encoded pairs into logits: the `Engine` protocol, ONNX Runtime, and a stub without a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from typing import Any, Literal, Protocol, Self

import numpy as np
import numpy.typing as npt

from entailment.checkpoint.config import BertConfig, Config, DistilBertConfig, MobileBertConfig
from entailment.checkpoint.quantization import Quantization, WeightBits
from entailment.errors import InputError, NonFiniteLogitsError, UnsupportedModelError
from entailment.graphs.bert import build_bert
from entailment.graphs.builder import Graph, Product, Weights, float32_product
from entailment.graphs.distilbert import build_distilbert
from entailment.graphs.mobilebert import build_mobilebert
from entailment.graphs.products import Int8Product
from entailment.runtime.batches import Batch, full_batches, prefix_batches
from entailment.runtime.processor import exact_weight_bits, usable_processors
from entailment.runtime.session import Session, Sessions
from entailment.runtime.streams import Calls, in_streams
from entailment.text.pairs import EncodedPair

Logits = npt.NDArray[np.float32]
Precision = Literal["float32", "int8"]

TOKENS_PER_BATCH = 1024
"""Enough for the arithmetic to dominate, few enough for a layer's activations to stay near the processor."""

TOKENS_PER_STREAM = 512
"""The same for a batch that one thread computes beside others."""

BATCHES_PER_STREAM = 2
"""Fewer, and the threads that end first would wait too long for the last."""

BATCHES: dict[str, Callable[[Sequence[EncodedPair], int], Iterator[Batch]]] = {
    "full": full_batches,
    "prefix": prefix_batches,
}


class Engine(Protocol):
    """Anything that scores pairs."""

    @property
    def num_labels(self) -> int:
        """K, the logits of a pair."""

    def logits(self, pairs: Sequence[EncodedPair]) -> Logits:
        """Finite logits, float32 [N, K], in the order of the pairs; [0, K] for none.

        Raises:
            InputError: a pair does not fit the model.
            NonFiniteLogitsError: the model answered NaN or infinity.
        """


class OpenedCheckpoint(Protocol):
    """What an engine needs of `entailment.checkpoint.Checkpoint`."""

    @property
    def name(self) -> str:
        """What the user called it."""

    @property
    def config(self) -> Config:
        """Its architecture."""

    def weights(self, *, map_tables: bool) -> Weights:
        """Its arrays by our names; the word embedding may stay in its file if `map_tables`."""

    def quantization(self, most_bits: WeightBits, weights: Weights) -> Quantization:
        """How it computes in int8; CheckpointError if it does not say."""


class OnnxEngine:
    """Runs a graph in ONNX Runtime. `logits` may be called from several threads at once; then each computes.

    Args:
        graph: the model, as `build_graph` makes it.
        config: the model's architecture.
        name: what to call the model in messages.
        threads: how many threads compute; by default as many as this process may use processors.
        tokens_per_batch: the most tokens that are computed at once, which bounds the memory; where each
            thread computes a batch of its own, the most of each is TOKENS_PER_STREAM if that is less.
        packed: lay the weights out anew for fast products, as `Session` says.

    Raises:
        InputError: `threads` or `tokens_per_batch` is below 1.
    """

    def __init__(
        self,
        graph: Graph,
        config: Config,
        *,
        name: str = "the model",
        threads: int | None = None,
        tokens_per_batch: int = TOKENS_PER_BATCH,
        packed: bool = True,
    ) -> None:
        if tokens_per_batch < 1:
            raise InputError(f"tokens_per_batch is {tokens_per_batch}; it must be at least 1")
        self.name = name
        self.config = config
        self.threads = usable_processors() if threads is None else threads
        if self.threads < 1:
            raise InputError(f"threads is {threads}; it must be at least 1")
        self.tokens_per_batch = tokens_per_batch
        self._batches = BATCHES[config.attention]
        self._sessions = Sessions(graph, packed=packed)
        self._calls = Calls()

    @classmethod
    def from_checkpoint(
        cls,
        checkpoint: OpenedCheckpoint,
        *,
        threads: int | None = None,
        tokens_per_batch: int = TOKENS_PER_BATCH,
        packed: bool = True,
        precision: Precision = "float32",
    ) -> Self:
        """An engine for a checkpoint that `entailment.checkpoint.open_checkpoint` opened.

        Raises:
            CheckpointError: int8 is asked for, and the checkpoint does not say how (`quantization.json`).
            UnsupportedModelError: the configuration asks for what no graph computes.
            WeightsMismatchError: the weights do not fit the configuration.
            InputError: an argument is out of range.
        """
        if precision not in ("float32", "int8"):
            raise InputError(f"precision is {precision!r:.40}; it must be 'float32' or 'int8'")
        weights = checkpoint.weights(map_tables=True)
        product: Product = float32_product
        if precision == "int8":
            refuse_float32_only(checkpoint.config)
            product = Int8Product(checkpoint.quantization(exact_weight_bits(), weights))
        graph = build_graph(checkpoint.config, weights, product)
        return cls(
            graph,
            checkpoint.config,
            name=checkpoint.name,
            threads=threads,
            tokens_per_batch=tokens_per_batch,
            packed=packed,
        )

    @property
    def num_labels(self) -> int:
        """K, the logits of a pair."""
        return self.config.num_labels

    def logits(self, pairs: Sequence[EncodedPair]) -> Logits:
        """Finite logits, float32 [N, K], in the order of the pairs; [0, K] for none.

        A pair's logits do not depend on the other pairs, beyond rounding: 1e-5 in float32. In int8 that can
        decide between one 8-bit number and the next, which is a larger step (0.06 is the largest seen on the
        bundled model, in 300 pairs).

        Raises:
            InputError: a pair is longer than the model reads, or holds ids that its vocabulary lacks.
            NonFiniteLogitsError: the model answered NaN or infinity.
        """
        self._check(pairs)
        out = np.empty((len(pairs), self.num_labels), dtype=np.float32)

        def answer(session: Session, batch: Batch) -> None:
            (rows,) = session.run(["logits"], batch.feeds)
            out[batch.pairs] = rows[batch.rows]

        # One batch is computed soonest by all threads together, many batches by a thread each: it waits for
        # nobody. So do calls side by side, which together are many batches.
        with self._calls.another() as alone:
            batches = self._batches(pairs, min(self.tokens_per_batch, TOKENS_PER_STREAM))
            first = list(islice(batches, BATCHES_PER_STREAM * self.threads))
            if len(first) == BATCHES_PER_STREAM * self.threads:
                in_streams(partial(answer, self._sessions.of(1)), chain(first, batches), self.threads)
            else:
                session = self._sessions.of(self.threads if alone else 1)
                for batch in self._batches(pairs, self.tokens_per_batch):
                    answer(session, batch)
        return finite(out, self.name)

    def _check(self, pairs: Sequence[EncodedPair]) -> None:
        longest, vocabulary = self.config.max_position_embeddings, self.config.vocab_size
        checked: set[int] = set()  # Many pairs share their texts.
        for index, pair in enumerate(pairs):
            length = len(pair.premise) + len(pair.hypothesis)
            if length > longest:
                raise InputError(
                    f"pair {index} has {length} tokens, and {self.name} reads {longest}: "
                    f"encode with max_length={longest}"
                )
            for ids in (pair.premise, pair.hypothesis):
                if id(ids) not in checked:
                    check_ids(ids, index, self.name, vocabulary)
                    checked.add(id(ids))


class StubEngine:
    """Logits without a model, for tests of everything above it: the same pair always gets the same logits.

    Entailment grows with the share of the hypothesis's tokens that occur in the premise, contradiction falls
    with it.

    Args:
        num_labels: K. Logit 0 is entailment; the last is contradiction, or not_entailment where there are
            two.
    """

    def __init__(self, num_labels: int = 3) -> None:
        if num_labels < 1:
            raise InputError(f"num_labels is {num_labels}; it must be at least 1")
        self._num_labels = num_labels

    @property
    def num_labels(self) -> int:
        """K, the logits of a pair."""
        return self._num_labels

    def logits(self, pairs: Sequence[EncodedPair]) -> Logits:
        """Logits [N, K]: from 4 down to -4 where all tokens are shared, the reverse where none are."""
        shares = np.array([shared_tokens(pair) for pair in pairs], dtype=np.float32).reshape(-1, 1)  # [N, 1]
        slope = np.linspace(4.0, -4.0, self.num_labels, dtype=np.float32)  # [K]
        return (2.0 * shares - 1.0) * slope


def shared_tokens(pair: EncodedPair) -> float:
    """The share of the hypothesis's tokens, [SEP] aside, that occur in the premise; 0 for no tokens."""
    tokens = pair.hypothesis[:-1]
    return float(np.isin(tokens, pair.premise).mean()) if len(tokens) else 0.0


def build_graph(config: Config, weights: Weights, product: Product = float32_product) -> Graph:
    """The graph of a checkpoint, whichever its architecture.

    Args:
        config: the architecture.
        weights: arrays by our names.
        product: how linear layers are computed.

    Raises:
        UnsupportedModelError: the configuration asks for what no graph computes.
        WeightsMismatchError: a weight is missing or has a wrong shape.
    """
    if isinstance(config, BertConfig):
        return build_bert(config, weights, product)
    if isinstance(config, DistilBertConfig):
        return build_distilbert(config, weights, product)
    if product is not float32_product:
        refuse_float32_only(config)
    return build_mobilebert(config, weights)


def refuse_float32_only(config: Config) -> None:
    """Refuses an architecture whose linear layers are computed in one way only.

    Raises:
        UnsupportedModelError: it is MobileBERT.
    """
    if isinstance(config, MobileBertConfig):
        raise UnsupportedModelError(
            "MobileBERT computes in float32 only, for its norms live inside its weights: leave int8 out"
        )


def check_ids(ids: npt.NDArray[np.integer[Any]], index: int, name: str, vocabulary: int) -> None:
    """Refuses a side of a pair that is empty, or that holds ids the model has no embedding for.

    Raises:
        InputError: it is so; the message names the pair by its index.
    """
    if not len(ids):
        raise InputError(f"pair {index} has a side without tokens, not even [SEP]")
    lowest, highest = int(ids.min()), int(ids.max())
    if lowest < 0 or highest >= vocabulary:
        raise InputError(
            f"pair {index} holds token id {lowest if lowest < 0 else highest}, and {name} knows 0 to "
            f"{vocabulary - 1}: was it encoded with another model's tokenizer?"
        )


def finite(logits: Logits, name: str) -> Logits:
    """The logits, if all of them are numbers.

    Raises:
        NonFiniteLogitsError: one of them is NaN or infinite.
    """
    if np.isfinite(logits).all():
        return logits
    count = int((~np.isfinite(logits)).any(axis=-1).sum())
    raise NonFiniteLogitsError(
        f"{name} answered NaN or infinity for {count} of {len(logits)} pairs: its weights are broken "
        "or overflowed; fetch or export the checkpoint again"
    )
