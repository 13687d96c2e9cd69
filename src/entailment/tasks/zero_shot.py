"""Zero-shot text classification: each label becomes a hypothesis about the text (Yin et al. 2019)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, overload

from entailment.tasks.candidates import Labels, label_sets, which_labels
from entailment.tasks.chunks import CHARACTERS, PAIRS, Notes, check_chunk_size, chunked
from entailment.tasks.classification import (
    TEMPLATE,
    Classification,
    Manner,
    Questions,
    Row,
    check_texts,
    manner,
    rows_of,
)
from entailment.tasks.label_tokens import check_readable, note_alike
from entailment.tasks.model import PairModel, as_model
from entailment.tasks.nli import note_cut

if TYPE_CHECKING:
    from entailment.runtime.engine import Precision
    from entailment.tasks.premise import Premise


class ZeroShotClassifier:
    """Sorts texts into labels of your own, without training.

    Call and answer are those of the zero-shot pipeline in transformers.

    >>> classifier = ZeroShotClassifier()
    >>> classifier("The striker scored twice.", ["politics", "sports"])["labels"]
    ['sports', 'politics']

    Args:
        model: a folder, a hub name, a `PairModel` already open, or None for the model in the package.
        label_order, threads, max_length, precision: as in `load_model`.
    """

    def __init__(
        self,
        model: str | Path | PairModel | None = None,
        *,
        label_order: Sequence[str] | None = None,
        threads: int | None = None,
        max_length: int | None = None,
        precision: Precision | None = None,
    ) -> None:
        self.model = as_model(
            model, label_order=label_order, threads=threads, max_length=max_length, precision=precision
        )

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
            labels: a list of labels, one text with commas between them, or one list per text. Two that are
                the same tokens to the model have equal scores, which is noted, and so is a label of which it
                knows no token.
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
            LabelsError: no labels, one that is empty or has no token of the model, or not as many lists of
                labels as texts.
            TemplateError: not exactly one ``{}``.
            TextError: an empty text, or a hypothesis too long for the model.
            InputError: `multi_label` is neither True nor False, or `threshold` no number from 0 to 1.
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

    def premise(self, text: str) -> Premise:
        """Open one text for several calls, which read it once: ``with classifier.premise(text) as premise``.

        Raises:
            TextError: the text is empty.
        """
        from entailment.tasks.premise import Premise  # Here, for it knows this class.

        return Premise(self.model, text)

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
        notes: Notes | None = None,
    ) -> Iterator[Classification]:
        """Yield the answers to any number of texts, in order and in bounded memory; arguments as in a call.

        Texts (and lists of labels, if there is one per text) are read as they are needed, `chunk_size` at a
        time and fewer where texts are long or labels many. It changes speed and delay, never an answer.
        `notes` says what is to be noted; None: the logger does, to a reader who has the answers.
        """
        notes = Notes(fields=True) if notes is None else notes
        how = manner(hypothesis_template, multi_label, threshold)
        sets = label_sets(which_labels(labels, candidate_labels), notes)
        check_chunk_size(chunk_size)
        return self._stream(rows_of(check_texts(sequences), sets), how, notes, chunk_size)

    def _stream(
        self, rows: Iterator[Row], how: Manner, notes: Notes, chunk_size: int
    ) -> Iterator[Classification]:
        number, readable, compared = 0, None, None
        for chunk in chunked(rows, chunk_size, _cost):
            for _, labels in chunk:
                if labels is not readable:  # the labels of all texts are read once
                    check_readable(labels, self.model.encoder, notes)
                    readable = labels
            questions = Questions(chunk, how)
            encoded, logits = self.model.run(questions.pairs(), questions.name_pair(number + 1))
            answers = questions.answers(encoded, logits, self.model.order, self.model.calibration)
            start = 0
            for (_, labels), answer in zip(chunk, answers, strict=True):
                if labels is not compared:  # the labels of all texts are compared once
                    note_alike(labels, encoded[start : start + len(labels)], notes)
                    compared = labels
                start += len(labels)
                number += 1
                if "truncated" in answer:
                    note_cut(notes, f"text {number}", **answer["truncated"])
                yield answer


def _cost(row: Row) -> float:
    text, labels = row
    return max(len(labels) / PAIRS, len(text) / CHARACTERS)
