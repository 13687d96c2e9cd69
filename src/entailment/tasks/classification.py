"""Zero-shot questions and answers, apart from the model: texts and labels to pairs, logits to answers.

`ZeroShotClassifier` runs them through a model, chunk by chunk. A server runs the pairs of many callers
together and uses the same two ends, so that both give the same answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from entailment.checkpoint.calibration import UNCALIBRATED, Calibration
from entailment.errors import InputError, LabelsError, TextError
from entailment.tables.reading import counted
from entailment.tasks.candidates import Labels, Template, label_sets, parse_template
from entailment.tasks.chunks import Notes
from entailment.tasks.lists import refuse_unordered
from entailment.tasks.scores import softmax

if TYPE_CHECKING:
    from entailment.checkpoint.labels import LabelOrder
    from entailment.text.pairs import EncodedPair, Truncation

TEMPLATE = "This example is {}."

Row = tuple[str, tuple[str, ...]]  # a text, and the labels asked about it


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
class Manner:
    """How labels are asked and answers given; the arguments of `ZeroShotClassifier`, checked by `manner`."""

    template: Template
    multi_label: bool
    threshold: float | None


@dataclass(frozen=True)
class Questions:
    """Texts, the labels asked about each, and the manner of asking.

    Attributes:
        rows: each text with its labels, none of them empty.
        manner: template, multi-label, threshold.
    """

    rows: Sequence[Row]
    manner: Manner

    def pairs(self) -> list[tuple[str, str]]:
        """Premise and hypothesis for every label of every text, text by text; a hypothesis is made once."""
        fill = cache(self.manner.template.fill)
        return [(text, fill(label)) for text, labels in self.rows for label in labels]

    def name_pair(self, first: int = 1) -> Callable[[int], str]:
        """Names a pair for an error by its index in `pairs`; `first` is the number of the first text."""

        def name(index: int) -> str:
            asked = [(row, label) for row, (_, labels) in enumerate(self.rows) for label in labels]
            row, label = asked[index]
            shown = label if len(label) <= 60 else label[:60] + "…"
            return f"text {first + row} with the label {shown!r}"

        return name

    def answers(
        self,
        encoded: Sequence[EncodedPair],
        logits: NDArray[np.float32],
        order: LabelOrder,
        calibration: Calibration = UNCALIBRATED,
    ) -> Iterator[Classification]:
        """One answer per text, from its pairs as the model read them and their logits [N, K]."""
        start = 0
        for text, labels in self.rows:
            stop = start + len(labels)
            scores = label_scores(
                logits[start:stop], order, multi_label=self.manner.multi_label, calibration=calibration
            )
            yield _answer(text, labels, scores, _cut(encoded[start:stop]), self.manner)
            start = stop


def ask(
    sequences: Iterable[str],
    labels: Labels,
    *,
    hypothesis_template: str = TEMPLATE,
    multi_label: bool = False,
    threshold: float | None = None,
    notes: Notes,
) -> Questions:
    """The questions of one call of `ZeroShotClassifier`, all texts at once; arguments and errors as there."""
    how = manner(hypothesis_template, multi_label, threshold)
    return Questions(list(rows_of(check_texts(sequences), label_sets(labels, notes))), how)


def manner(hypothesis_template: str, multi_label: bool, threshold: float | None) -> Manner:
    """The manner of asking.

    Raises:
        TemplateError: the template has not exactly one ``{}``.
        InputError: `multi_label` is neither True nor False, or `threshold` no number from 0 to 1.
    """
    template = parse_template(hypothesis_template)
    if not isinstance(multi_label, (bool, np.bool_)):
        raise InputError(f"multi_label must be True or False, not {multi_label!r:.60}")
    return Manner(template, bool(multi_label), check_threshold(threshold))


def label_scores(
    logits: NDArray[np.float32],
    order: LabelOrder,
    *,
    multi_label: bool,
    calibration: Calibration = UNCALIBRATED,
) -> NDArray[np.float64]:
    """Logits [L, K] of one text's labels to scores [L]: each label's own, or all summing to 1."""
    if multi_label or len(logits) == 1:
        own = calibration.of_pairs(logits, order.names)
        return softmax(own[:, [order.against, order.entailment]])[:, 1]
    return softmax(calibration.of_labels(logits[:, order.entailment]))


def _answer(
    text: str,
    labels: tuple[str, ...],
    scores: NDArray[np.float64],
    cut: Truncation | None,
    manner: Manner,
) -> Classification:
    ranking = np.argsort(-scores, kind="stable").tolist()
    names, values = [labels[i] for i in ranking], scores[ranking].tolist()
    best: Best = {"label": names[0], "score": values[0]}
    if manner.threshold is not None:
        kept = len(names) if values[0] >= manner.threshold else 0
        if manner.multi_label:
            kept = sum(value >= manner.threshold for value in values)
        names, values = names[:kept], values[:kept]
    answer: Classification = {"sequence": text, "labels": names, "scores": values}
    if cut is not None:
        answer["truncated"] = {"read": cut.read, "total": cut.total}
    if manner.threshold is not None:
        answer["abstained"] = not names
        if not names:
            answer["best"] = best
    return answer


def _cut(encoded: Sequence[EncodedPair]) -> Truncation | None:
    """The cut of a text's pairs that lost most: with full attention a long hypothesis leaves less room."""
    cuts = [pair.truncated for pair in encoded if pair.truncated is not None]
    return min(cuts, key=lambda cut: cut.read, default=None)


def rows_of(texts: Iterator[str], sets: tuple[str, ...] | Iterator[tuple[str, ...]]) -> Iterator[Row]:
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
                f"there are more texts than the {counted(number - 1, 'list')} of labels; give one list per "
                "text"
            )
        yield text, labels
    if next(sets, None) is not None:
        raise LabelsError(
            f"there are more lists of labels than the {counted(number, 'text')}; give one list per text"
        )


def check_texts(sequences: Iterable[str]) -> Iterator[str]:
    """The texts, each checked when it is read; TextError for what is not a text, or empty."""
    refuse_unordered(sequences, "texts")
    if isinstance(sequences, (str, bytes)) or not isinstance(sequences, Iterable):
        raise TextError(
            f"texts must come as a list or another iterable of texts, not {type(sequences).__name__}"
        )
    return (_check_text(text, row) for row, text in enumerate(sequences, start=1))


def _check_text(text: object, row: int) -> str:
    if not isinstance(text, str):
        raise TextError(f"text {row} is not a text but {text!r:.100} ({type(text).__name__})")
    if not text.strip():
        raise TextError(f"text {row} is empty")
    return str(text)  # NumPy's own kind of text would show in the answer


def check_threshold(threshold: float | None) -> float | None:
    """The threshold as a float, or InputError unless it is None or a number from 0 to 1."""
    if threshold is None:
        return None
    if isinstance(threshold, bool) or not isinstance(threshold, (int, float, np.floating)):
        raise InputError(f"threshold must be a number from 0 to 1, not {threshold!r}")
    if math.isnan(threshold) or not 0 <= threshold <= 1:
        raise InputError(f"threshold must be a number from 0 to 1, not {threshold}")
    return float(threshold)
