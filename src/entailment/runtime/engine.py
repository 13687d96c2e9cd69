"""What turns encoded pairs into logits: the `Engine` protocol, and ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
from entailment.graphs.kept import can_keep
from entailment.graphs.mobilebert import build_mobilebert
from entailment.graphs.products import Int8Product
from entailment.runtime.batches import Batch, full_batches, prefix_batches
from entailment.runtime.halves import Halves
from entailment.runtime.processor import exact_weight_bits, usable_processors
from entailment.runtime.session import Session, Sessions, check_threads
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
        threads: how many threads compute; by default as many as this process may use processors, at most
            the larger of 64 and four times that.
        tokens_per_batch: the most tokens that are computed at once, which bounds the memory; where each
            thread computes a batch of its own, the most of each is TOKENS_PER_STREAM if that is less.
        packed: lay the weights out anew for fast products, as `Session` says.
        product: how the graph computes linear layers.

    Attributes:
        precision: of its linear layers, those aside that int8 leaves in float32.
        halves: of the graph, for a premise that is kept (`entailment.runtime.premise`); None where it has
            none.
        calls: how many are under way.

    Raises:
        InputError: `threads` is refused by `check_threads`, or `tokens_per_batch` is below 1.
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
        product: Product = float32_product,
    ) -> None:
        if tokens_per_batch < 1:
            raise InputError(f"tokens_per_batch is {tokens_per_batch}; it must be at least 1")
        self.name = name
        self.config = config
        self.precision: Precision = "int8" if isinstance(product, Int8Product) else "float32"
        self.threads = usable_processors() if threads is None else check_threads(threads)
        self.tokens_per_batch = tokens_per_batch
        self._batches = BATCHES[config.attention]
        self._sessions = Sessions(graph, packed=packed)
        self.halves = Halves(graph, config, product, packed=packed) if can_keep(config) else None
        self.calls = Calls()

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
            product=product,
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
        check_pairs(pairs, self.config, self.name)
        return self.compute(self._sessions, partial(self._batches, pairs), len(pairs), {})

    def compute(
        self,
        sessions: Sessions,
        batches_of: Callable[[int], Iterator[Batch]],
        count: int,
        states: Mapping[str, npt.NDArray[np.float32]],
    ) -> Logits:
        """Finite logits, float32 [count, K], of the pairs that batches answer.

        Args:
            sessions: what computes a batch.
            batches_of: makes the batches, given the most tokens of one.
            count: how many pairs there are.
            states: what is fed with every batch.

        Raises:
            NonFiniteLogitsError: the model answered NaN or infinity.
        """
        out = np.empty((count, self.num_labels), dtype=np.float32)

        def answer(session: Session, batch: Batch) -> None:
            (rows,) = session.run(["logits"], {**batch.feeds, **states})
            out[batch.pairs] = rows[batch.rows]

        # One batch is computed soonest by all threads together, many batches by a thread each: it waits for
        # nobody. So do calls side by side, which together are many batches.
        with self.calls.another() as alone:
            batches = batches_of(min(self.tokens_per_batch, TOKENS_PER_STREAM))
            first = list(islice(batches, BATCHES_PER_STREAM * self.threads))
            if len(first) == BATCHES_PER_STREAM * self.threads:
                in_streams(partial(answer, sessions.of(1)), chain(first, batches), self.threads)
            else:
                session = sessions.of(self.threads if alone else 1)
                for batch in batches_of(self.tokens_per_batch):
                    answer(session, batch)
        return finite(out, self.name)


def check_pairs(pairs: Sequence[EncodedPair], config: Config, name: str) -> None:
    """Refuses pairs that do not fit a model.

    Raises:
        InputError: a pair is longer than the model reads, or holds ids that its vocabulary lacks.
    """
    longest, vocabulary = config.max_position_embeddings, config.vocab_size
    checked: set[int] = set()  # Many pairs share their texts.
    for index, pair in enumerate(pairs):
        length = len(pair.premise) + len(pair.hypothesis)
        if length > longest:
            raise InputError(
                f"pair {index} has {length} tokens, and {name} reads {longest}: "
                f"encode with max_length={longest}"
            )
        for ids in (pair.premise, pair.hypothesis):
            if id(ids) not in checked:
                check_ids(ids, index, name, vocabulary)
                checked.add(id(ids))


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
