"""Zero-shot text classification: each label becomes a hypothesis about the text (Yin et al. 2019)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NotRequired, TypedDict, overload

import numpy as np
from numpy.typing import NDArray

from entailment.errors import InputError, LabelsError, TextError
from entailment.tasks.candidates import Labels, Template, label_sets, parse_template
from entailment.tasks.chunks import CHARACTERS, PAIRS, Notes, check_chunk_size, chunked
from entailment.tasks.model import PairModel, as_model
from entailment.tasks.nli import note_truncation
from entailment.tasks.scores import softmax

if TYPE_CHECKING:
    from entailment.text.pairs import EncodedPair, Truncation

TEMPLATE = "This example is {}."


class Cut(TypedDict):
    """Characters of the text that the model `read`, of the `total` it has."""

    read: int
    total: int


class Best(TypedDict):
    """The best label of a text on which the classifier abstained."""

    label: str
    score: float


class Classification(TypedDict):
    """The answer to one text: three keys as in transformers' pipeline, and more only where there is more to
    say.

    ``truncated`` is there only if the end of the text was not read. ``abstained`` is there only if a
    threshold was given, and ``best`` only if it is true.
    """

    sequence: str
    labels: list[str]
    scores: list[float]
    truncated: NotRequired[Cut]
    abstained: NotRequired[bool]
    best: NotRequired[Best]


@dataclass(frozen=True)
class _Settings:
    template: Template
    multi_label: bool
    threshold: float | None


class ZeroShotClassifier:
    """Sorts texts into labels of your own, without training.

    Call and answer are those of the zero-shot pipeline in transformers.

    >>> classifier = ZeroShotClassifier()
    >>> classifier("The striker scored twice.", ["politics", "sports"])["labels"]
    ['sports', 'politics']

    Args:
        model: a folder, a hub name, a `PairModel` already open, or None for the model in the package.
        label_order, threads, max_length: as in `load_model`.
    """

    def __init__(
        self,
        model: str | Path | PairModel | None = None,
        *,
        label_order: Sequence[str] | None = None,
        threads: int | None = None,
        max_length: int | None = None,
    ) -> None:
        self.model = as_model(model, label_order=label_order, threads=threads, max_length=max_length)

    @overload
    def __call__(  # type: ignore[overload-overlap]  # a str is an iterable of str, and is one text here
        self,
        sequences: str,
        labels: Labels | None = None,
        *,
        candidate_labels: Labels | None = None,
        hypothesis_template: str = TEMPLATE,
        multi_label: bool = False,
        threshold: float | None = None,
        batch_size: int | None = None,
    ) -> Classification: ...
    @overload
    def __call__(
        self,
        sequences: Iterable[str],
        labels: Labels | None = None,
        *,
        candidate_labels: Labels | None = None,
        hypothesis_template: str = TEMPLATE,
        multi_label: bool = False,
        threshold: float | None = None,
        batch_size: int | None = None,
    ) -> list[Classification]: ...
    def __call__(
        self,
        sequences: str | Iterable[str],
        labels: Labels | None = None,
        *,
        candidate_labels: Labels | None = None,
        hypothesis_template: str = TEMPLATE,
        multi_label: bool = False,
        threshold: float | None = None,
        batch_size: int | None = None,
    ) -> Classification | list[Classification]:
        """Score every label for every text.

        Args:
            sequences: one text, or any number of them.
            labels: a list of labels, one text with commas between them, or one list per text.
            candidate_labels: the same, by its name in transformers; give one of the two.
            hypothesis_template: a text with exactly one ``{}``, where the label goes.
            multi_label: False: exactly one label is true, scores are the softmax of the labels' entailment
                logits and sum to 1. True, or a single label: each label may be true or not, its score is the
                softmax of its entailment logit against its contradiction logit (not_entailment, of a
                two-class model).
            threshold: from 0 to 1. With `multi_label` only the labels that score at least this are kept.
                Without, a text whose best score is less is left without labels, and otherwise all labels are
                kept. An answer then also says ``abstained``: true if no label is left, with the ``best``
                label and score.
            batch_size: taken so that calls written for transformers run, and without effect: batches are
                filled by tokens.

        Returns:
            One dictionary for a text, a list of them otherwise: ``sequence``, ``labels`` by falling score
            (equal scores in the order given), ``scores``; see `Classification`.

        Raises:
            LabelsError: no labels, an empty one, or not as many lists of labels as texts.
            TemplateError: not exactly one ``{}``.
            TextError: an empty text, or a hypothesis too long for the model.
            NonFiniteLogitsError: the model answered NaN or infinity.
        """
        answers = self.stream(
            [sequences] if isinstance(sequences, str) else sequences,
            labels,
            candidate_labels=candidate_labels,
            hypothesis_template=hypothesis_template,
            multi_label=multi_label,
            threshold=threshold,
        )
        found = list(answers)
        return found[0] if isinstance(sequences, str) else found

    def stream(
        self,
        sequences: Iterable[str],
        labels: Labels | None = None,
        *,
        candidate_labels: Labels | None = None,
        hypothesis_template: str = TEMPLATE,
        multi_label: bool = False,
        threshold: float | None = None,
        chunk_size: int = 256,
    ) -> Iterator[Classification]:
        """Yield the answers to any number of texts, in order and in bounded memory; arguments as in a call.

        Texts (and lists of labels, if there is one per text) are read as they are needed, `chunk_size` at a
        time and fewer where texts are long or labels many. It changes speed and delay, never an answer.
        """
        notes = Notes()
        settings = _Settings(parse_template(hypothesis_template), multi_label, _check_threshold(threshold))
        sets = label_sets(_which_labels(labels, candidate_labels), notes)
        check_chunk_size(chunk_size)
        rows = _rows(_check_texts(sequences), sets)
        return self._stream(rows, settings, notes, chunk_size)

    def _stream(
        self, rows: Iterator[tuple[str, tuple[str, ...]]], settings: _Settings, notes: Notes, chunk_size: int
    ) -> Iterator[Classification]:
        number = 0
        for chunk in chunked(rows, chunk_size, _cost):
            asked = [(row, label) for row, (_, labels) in enumerate(chunk) for label in labels]
            encoded, logits = self.model.run(
                [(chunk[row][0], settings.template.fill(label)) for row, label in asked],
                _name_pairs(asked, number + 1),
            )
            start = 0
            for text, labels in chunk:
                stop = start + len(labels)
                number += 1
                cut = _cut(encoded[start:stop])
                note_truncation(notes, f"text {number}", cut)
                yield _answer(
                    text, labels, self._scores(logits[start:stop], settings.multi_label), cut, settings
                )
                start = stop

    def _scores(self, logits: NDArray[np.float32], multi_label: bool) -> NDArray[np.float64]:
        """Logits [L, K] of one text's labels to scores [L]."""
        order = self.model.order
        if multi_label or len(logits) == 1:
            return softmax(logits[:, [order.against, order.entailment]])[:, 1]
        return softmax(logits[:, order.entailment])


def _cost(row: tuple[str, tuple[str, ...]]) -> float:
    text, labels = row
    return max(len(labels) / PAIRS, len(text) / CHARACTERS)


def _name_pairs(asked: Sequence[tuple[int, str]], first: int) -> Callable[[int], str]:
    def name(index: int) -> str:
        row, label = asked[index]
        shown = label if len(label) <= 60 else label[:60] + "…"
        return f"text {first + row} with the label {shown!r}"

    return name


def _answer(
    text: str,
    labels: tuple[str, ...],
    scores: NDArray[np.float64],
    cut: Truncation | None,
    settings: _Settings,
) -> Classification:
    ranking = np.argsort(-scores, kind="stable").tolist()
    names, values = [labels[i] for i in ranking], scores[ranking].tolist()
    best: Best = {"label": names[0], "score": values[0]}
    if settings.threshold is not None:
        kept = len(names) if values[0] >= settings.threshold else 0
        if settings.multi_label:
            kept = sum(value >= settings.threshold for value in values)
        names, values = names[:kept], values[:kept]
    answer: Classification = {"sequence": text, "labels": names, "scores": values}
    if cut is not None:
        answer["truncated"] = {"read": cut.read, "total": cut.total}
    if settings.threshold is not None:
        answer["abstained"] = not names
        if not names:
            answer["best"] = best
    return answer


def _cut(encoded: Sequence[EncodedPair]) -> Truncation | None:
    """The cut of a text's pairs that lost most: with full attention a long hypothesis leaves less room."""
    cuts = [pair.truncated for pair in encoded if pair.truncated is not None]
    return min(cuts, key=lambda cut: cut.read, default=None)


def _rows(
    texts: Iterator[str], sets: tuple[str, ...] | Iterator[tuple[str, ...]]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each text with its labels; LabelsError if there are lists of labels but not one per text."""
    if isinstance(sets, tuple):
        for text in texts:
            yield text, sets
        return
    number = 0
    for number, text in enumerate(texts, start=1):  # the count is needed after the loop
        labels = next(sets, None)
        if labels is None:
            raise LabelsError(
                f"there are {number - 1} lists of labels but more texts; give one list per text"
            )
        yield text, labels
    if next(sets, None) is not None:
        raise LabelsError(f"there are {number} texts but more lists of labels; give one list per text")


def _check_texts(sequences: Iterable[str]) -> Iterator[str]:
    if isinstance(sequences, (str, bytes, Mapping)) or not isinstance(sequences, Iterable):
        raise TextError(
            f"texts must come as a list or another iterable of texts, not {type(sequences).__name__}"
        )
    return (_check_text(text, row) for row, text in enumerate(sequences, start=1))


def _check_text(text: object, row: int) -> str:
    if not isinstance(text, str):
        raise TextError(f"text {row} is not a text but {text!r:.100} ({type(text).__name__})")
    if not text.strip():
        raise TextError(f"text {row} is empty")
    return text


def _which_labels(labels: Labels | None, candidate_labels: Labels | None) -> Labels:
    if labels is not None and candidate_labels is not None:
        raise LabelsError("labels and candidate_labels are two names for one thing: give one of them")
    chosen = candidate_labels if labels is None else labels
    if chosen is None:
        raise LabelsError("there are no candidate labels: give at least one, as in labels=['sports']")
    return chosen


def _check_threshold(threshold: float | None) -> float | None:
    if threshold is None:
        return None
    if isinstance(threshold, bool) or not isinstance(threshold, (int, float, np.floating)):
        raise InputError(f"threshold must be a number from 0 to 1, not {threshold!r}")
    if math.isnan(threshold) or not 0 <= threshold <= 1:
        raise InputError(f"threshold must be a number from 0 to 1, not {threshold}")
    return float(threshold)
