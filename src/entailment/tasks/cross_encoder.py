"""Scores of pairs as sentence-transformers' CrossEncoder gives them."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Never, NotRequired, TypedDict, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from entailment.checkpoint.arguments import refuse_unknown
from entailment.errors import InputError, TextError
from entailment.tasks.chunks import Notes, chunked, pair_cost
from entailment.tasks.lists import refuse_unordered
from entailment.tasks.model import PairModel, as_model, with_order
from entailment.tasks.nli import check_pair, count_from, note_truncation
from entailment.tasks.saved_settings import check_activation_known
from entailment.tasks.scores import sigmoid, softmax
from entailment.tasks.torch_scores import Activation, activated, check_activation, maker_of_tensors

if TYPE_CHECKING:
    import torch

    from entailment.checkpoint.config import Config
    from entailment.runtime.engine import Precision

Pair = Sequence[str]  # two texts
Pairs = Pair | Iterable[Pair] | NDArray[Any]  # an array of texts: [2] or [N, 2]
Item = TypeVar("Item")

CHUNK = 1_024  # pairs sorted by length and run together
_THREADS = "the model computes in threads of its own, as many as load_model(threads=...) says"
_PROMPT = "write the prompt into the texts"
_INSTEAD = {  # of arguments that predict has in sentence-transformers
    "activation_fct": "it is now called activation_fn",
    "chunk_size": _THREADS,
    "device": "give CrossEncoder a model that entailment.load_on opened there",
    "num_workers": _THREADS,
    "pool": _THREADS,
    "prompt": _PROMPT,
    "prompt_name": _PROMPT,
}


class Ranked(TypedDict):
    """One document of a ranking: its index in the list given, its score, its text if asked for."""

    corpus_id: int
    score: float
    text: NotRequired[str]


class CrossEncoder:
    """Scores pairs of texts; raw logits need no label order, so none is asked for.

    Differs from sentence-transformers: only the first text of a pair is ever truncated (which is noted), and
    a second text too long for the model is an error; without `max_length` no pair has more than 512 tokens;
    empty texts are errors, and so is a checkpoint whose texts are meant to begin with a prompt.

    Args:
        model: a folder, a hub name, a `PairModel` already open, or None for the model in the package.
        label_order: names of the logits, by index, if the checkpoint does not say; only `rank` needs them.
        threads, max_length, precision: as in `load_model`.
        num_labels: K, where it shall be checked.
        device: "cpu"; for others give a model that `entailment.load_on` opened there.
        activation_fn: applied to the logits [n, K] before anything else; None: the sigmoid, or nothing, that
            sentence-transformers saved with the checkpoint; where that is silent, a sigmoid if K is 1.
            Functions of torch, such as `torch.nn.Sigmoid()`, are given tensors, all others arrays.
        **others: refused.

    Raises:
        InputError: the model has another number of labels, computes on another device, `activation_fn`
            cannot be called, or there is no such argument; and what `load_model` raises.
        UnsupportedModelError: the checkpoint was saved with another activation, and `activation_fn` is None.
    """

    def __init__(
        self,
        model: str | Path | PairModel | None = None,
        *,
        label_order: Sequence[str] | None = None,
        threads: int | None = None,
        max_length: int | None = None,
        precision: Precision | None = None,
        num_labels: int | None = None,
        device: str | torch.device | None = None,
        activation_fn: Activation | None = None,
        **others: Never,
    ) -> None:
        if others:
            refuse_unknown(
                others, inspect.signature(CrossEncoder).parameters.keys() - {"others"}, "CrossEncoder"
            )
        check_activation(activation_fn)
        self.model = as_model(
            model,
            label_order=label_order,
            threads=threads,
            max_length=max_length,
            needs_order=False,
            precision=precision,
        )
        if activation_fn is None:
            check_activation_known(self.model.name, self.model.activation)
        self.activation_fn = activation_fn
        if num_labels is not None and num_labels != self.num_labels:
            raise InputError(
                f"{self.model.name} has {self.num_labels} labels, not num_labels={num_labels}; leave that "
                "out, or train a model that has as many"
            )
        if device is not None:
            _check_device(str(device), str(getattr(self.model.engine, "device", "cpu")))

    @property
    def config(self) -> Config:
        """The model's configuration.

        Raises:
            InputError: its engine has none, a stand-in for tests perhaps.
        """
        config: Config | None = getattr(self.model.engine, "config", None)
        if config is None:
            raise InputError(f"{self.model.name}: the engine that runs it has no configuration")
        return config

    @property
    def max_length(self) -> int:
        """Tokens of the longest pair that is read whole, special tokens included.

        Raises:
            InputError: its encoder states none, a stand-in for tests perhaps.
        """
        length: int | None = getattr(self.model.encoder, "max_length", None)
        if length is None:
            raise InputError(f"{self.model.name}: the encoder of its texts states no max_length")
        return length

    @property
    def num_labels(self) -> int:
        """K, the number of logits of a pair."""
        return self.model.engine.num_labels

    @property
    def label_names(self) -> tuple[str, ...]:
        """Names of the K logits by index: those of NLI where they are known, else the checkpoint's own."""
        if self.model.labels is not None:
            return self.model.labels.names
        return self.model.class_names or tuple(f"LABEL_{index}" for index in range(self.num_labels))

    @overload
    def predict(
        self,
        sentences: Pairs,
        batch_size: int = ...,
        show_progress_bar: bool | None = ...,
        activation_fn: Activation | None = ...,
        apply_softmax: bool | None = ...,
        convert_to_numpy: Literal[True] = ...,
        convert_to_tensor: Literal[False] = ...,
    ) -> NDArray[Any]: ...
    @overload
    def predict(
        self,
        sentences: Pairs,
        batch_size: int = ...,
        show_progress_bar: bool | None = ...,
        activation_fn: Activation | None = ...,
        apply_softmax: bool | None = ...,
        convert_to_numpy: bool = ...,
        *,
        convert_to_tensor: Literal[True],
    ) -> torch.Tensor: ...
    @overload
    def predict(
        self,
        sentences: Pairs,
        batch_size: int = ...,
        show_progress_bar: bool | None = ...,
        activation_fn: Activation | None = ...,
        apply_softmax: bool | None = ...,
        *,
        convert_to_numpy: bool,
        convert_to_tensor: Literal[False] = ...,
    ) -> NDArray[Any] | list[NDArray[Any]]: ...
    def predict(
        self,
        sentences: Pairs,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        activation_fn: Activation | None = None,
        apply_softmax: bool | None = False,
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        **others: Never,
    ) -> NDArray[Any] | list[NDArray[Any]] | torch.Tensor:
        """Score one pair or many.

        Args:
            sentences: a pair of texts, or any number of pairs; or an array of texts, [2] or [N, 2].
            batch_size: accepted so that calls move over; batches are made by tokens and never change a score.
            show_progress_bar: draw one on stderr.
            activation_fn: in place of the one given to the constructor.
            apply_softmax: with K > 1, scores of each pair sum to 1.
            convert_to_numpy: False gives a list with one row per pair.
            convert_to_tensor: one tensor of torch instead, on the CPU; counts over `convert_to_numpy`.
            **others: refused, but for those of sentence-transformers that ask for nothing: None, 0 or False.

        Returns:
            [N, K] for N pairs, [K] for one pair; without the last axis if K is 1. float32 unless
            `activation_fn` answers otherwise. Raw logits if K > 1, unless asked otherwise, here or by the
            checkpoint.

        Raises:
            TextError: an empty text, something that is not a pair, or a second text too long for the model.
            InputError: `batch_size` is no positive whole number; `activation_fn` cannot be called, or changes
                the number of rows; there is no such argument.
            NonFiniteLogitsError: the model answered NaN or infinity.
            MissingExtraError: tensors are asked for, and torch is not installed.
        """
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
            raise InputError(f"batch_size must be a positive whole number, not {batch_size!r}")
        known = inspect.signature(CrossEncoder.predict).parameters.keys() - {"self", "others"}
        refuse_unknown(others, known, "predict", _INSTEAD)
        check_activation(activation_fn)
        refuse_unordered(sentences, "pairs")
        given: object = sentences.tolist() if isinstance(sentences, np.ndarray) else sentences
        if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
            raise TextError(f"predict takes a pair of texts or a list of pairs, not {sentences!r:.100}")
        tensor = maker_of_tensors() if convert_to_tensor else None
        pairs: list[Any] = list(given)
        alone = len(pairs) == 2 and all(isinstance(text, str) for text in pairs)
        logits = self._logits([pairs] if alone else pairs, bool(show_progress_bar))
        scores = self._activate(logits, self.activation_fn if activation_fn is None else activation_fn)
        if scores.ndim > 1 and self.num_labels == 1:
            scores = scores.squeeze(-1)
        if apply_softmax and scores.ndim > 1:
            scores = softmax(scores).astype(scores.dtype)
        if alone:
            scores = np.asarray(scores[0])
        if tensor is not None:
            return tensor(scores)
        return scores if convert_to_numpy or alone else list(scores)

    def rank(
        self,
        query: str,
        documents: Sequence[str],
        top_k: int | None = None,
        return_documents: bool = False,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        activation_fn: Activation | None = None,
    ) -> list[Ranked]:
        """Sort documents by how well they answer, or support, a query.

        With one logit (a reranker) the score is that of the pair (query, document), as in
        sentence-transformers. An NLI model, which sentence-transformers refuses here, ranks by the
        probability from 0 to 1 that the **document entails the query**: the document is the premise, the
        query the claim it may support. (The other direction would ask whether a short query implies all a
        document says.) This needs the label order, which is found out when first needed, and takes no
        `activation_fn`.

        Args:
            query: one text.
            documents: texts; an empty list has an empty ranking.
            top_k: keep this many; None keeps all.
            return_documents: add each document's ``text``.
            batch_size, show_progress_bar, activation_fn: as in `predict`.

        Returns:
            By falling score, equal scores in the order given: ``corpus_id`` (index into `documents`),
                ``score``.

        Raises:
            LabelOrderError: more than one logit, and nobody can tell which means entailment.
            TextError: an empty text, or a query (with one logit: a document) too long for the model.
        """
        texts = _documents(query, documents)
        if top_k is not None and (isinstance(top_k, bool) or not isinstance(top_k, int) or top_k < 0):
            raise InputError(f"top_k must be a whole number or None, not {top_k!r}")
        if self.num_labels == 1:
            scores = self.predict(
                [(query, text) for text in texts], batch_size, show_progress_bar, activation_fn
            )
        elif activation_fn is not None:
            raise InputError(
                "rank with an NLI model gives probabilities of entailment and takes no activation_fn"
            )
        else:
            self.model = with_order(self.model)
            logits = self._logits([(text, query) for text in texts], bool(show_progress_bar))
            order = self.model.order
            scores = softmax(self.model.calibration.of_pairs(logits, order.names))[:, order.entailment]
        ranking: list[Ranked] = []
        for index in np.argsort(-scores, kind="stable").tolist()[:top_k]:
            ranked: Ranked = {"corpus_id": index, "score": float(scores[index])}
            if return_documents:
                ranked["text"] = texts[index]
            ranking.append(ranked)
        return ranking

    def _logits(self, pairs: Sequence[object], show_progress_bar: bool) -> NDArray[np.float32]:
        """[N, K], in the order given, in bounded memory beyond the texts."""
        checked = [check_pair(pair, row) for row, pair in enumerate(pairs, start=1)]
        notes, parts, done = Notes(), [np.empty((0, self.num_labels), dtype=np.float32)], 0
        chunks = chunked(checked, CHUNK, pair_cost)
        for chunk in _progress(chunks, len(checked)) if show_progress_bar else chunks:
            encoded, logits = self.model.run(chunk, count_from(done + 1, "pair"))
            for number, pair in enumerate(encoded, start=done + 1):
                note_truncation(notes, f"the first text of pair {number}", pair.truncated)
            parts.append(logits)
            done += len(chunk)
        return np.concatenate(parts)

    def _activate(self, logits: NDArray[np.float32], activation: Activation | None) -> NDArray[Any]:
        if activation is not None:
            return activated(activation, logits)
        if self.model.activation == "sigmoid" or (self.model.activation is None and self.num_labels == 1):
            return sigmoid(logits).astype(np.float32)
        return logits


def _check_device(asked: str, there: str) -> None:
    """Refuse a device that the model does not compute on; "cuda" is any "cuda:0"."""
    if asked not in (there, there.partition(":")[0]):
        raise InputError(
            f"device is {asked!r}, but the model computes on {there!r}; for another give "
            f"CrossEncoder(entailment.load_on({asked!r}, name))"
        )


def _documents(query: str, documents: Sequence[str]) -> list[str]:
    refuse_unordered(documents, "documents")
    if isinstance(documents, (str, bytes)) or not isinstance(documents, Iterable):
        raise TextError(f"documents must be a list of texts, not {type(documents).__name__}")
    texts = list(documents)
    for row, text in [("the query", query), *((f"document {row}", text) for row, text in enumerate(texts))]:
        if not isinstance(text, str):
            raise TextError(f"{row} is not a text but {text!r:.100} ({type(text).__name__})")
        if not text.strip():
            raise TextError(f"{row} is empty")
    return texts


def _progress(chunks: Iterator[list[Item]], total: int) -> Iterator[list[Item]]:
    """The chunks, with a bar on stderr that counts their items."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("Pairs", total=total)
        for chunk in chunks:
            yield chunk
            progress.advance(task, len(chunk))
