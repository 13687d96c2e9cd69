"""What a job asks about each row: `Classify` sorts texts into labels, `Nli` judges pairs.

A task says which columns it reads, which rows nobody could answer, and how a model answers the others. It is
data, so that it can be compared with that of a job begun before, and sent to another process.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from entailment.errors import InputError, LabelsError, TextError
from entailment.scale.answers import Answer, Layout
from entailment.scale.kept import Type, is_unicode
from entailment.tables import Row
from entailment.tasks.candidates import one_set
from entailment.tasks.chunks import CHARACTERS, Notes
from entailment.tasks.classification import TEMPLATE, manner
from entailment.tasks.model import PairModel
from entailment.tasks.nli import NLI
from entailment.tasks.zero_shot import ZeroShotClassifier

HALF = 0.5  # a label that stands on its own is true from here on, unless a threshold is stated
PAIRS = 2_048  # put to the model before progress is told


class Task(Protocol):
    """What is asked about each row. An object of it can be pickled."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""

    def described(self) -> dict[str, object]:
        """All that decides the answers, as JSON; two tasks that are described alike are the same."""

    def layout(self, classes: tuple[str, ...], kept: Mapping[str, Type]) -> Layout:
        """The columns of the answers, given the classes of the model and the columns kept."""

    def rehearse(self, model: PairModel, notes: Notes) -> None:
        """Asks something that can be answered.

        Raises:
            InputError: what is wrong with the labels or the model, and so would be for every row.
        """

    def fault(self, row: Row) -> str | None:
        """Why nobody could answer a row, e.g. ``"the text is blank"``; None if it can be tried."""

    def unreadable(self, row: Row, model: PairModel) -> str | None:
        """Why this model cannot read a row without `fault`; None if it can."""

    def cost(self, row: Row) -> float:
        """The share that a row takes of what is put to the model at once."""

    def ask(self, rows: Sequence[Row], model: PairModel, notes: Notes) -> list[Answer]:
        """The answers to rows without fault, in order.

        Raises:
            TextError: one of them is unreadable.
            NonFiniteLogitsError: the model answered NaN or infinity.
        """


@dataclass(frozen=True)
class Classify:
    """Zero-shot classification, as `ZeroShotClassifier` does it.

    An answer has ``label`` and ``score``, of the best label. With `multi_label` it also has ``labels``: all
    that score at least the threshold, or 0.5 without one. With `threshold` it says ``abstained``; where the
    best label scores less, ``label`` and ``score`` are null, and ``best`` has them. ``truncated`` is there
    where the end of a text was not read.

    Args:
        labels: the candidate labels, the same for all texts; duplicates are merged.
        template: what a label becomes, with one ``{}``.
        text_column: where the texts are.
        multi_label: each label may be true or not, on its own.
        threshold: from 0 to 1; None: the best label whatever its score.
        scores: answers also have ``scores``, of all labels.

    Raises:
        LabelsError: no labels, or an empty one.
        TemplateError: not exactly one ``{}``.
        InputError: `threshold` is no number from 0 to 1.
    """

    labels: Sequence[str]
    template: str = TEMPLATE
    text_column: str = "text"
    multi_label: bool = False
    threshold: float | None = None
    scores: bool = False

    kind: ClassVar[str] = "classify"

    def __post_init__(self) -> None:
        if isinstance(self.labels, str):
            raise LabelsError(f"labels must be a list of texts, not the text {self.labels!r:.60}")
        object.__setattr__(self, "labels", one_set(self.labels, Notes()))
        how = manner(self.template, self.multi_label, self.threshold)
        object.__setattr__(self, "threshold", how.threshold)

    @property
    def columns(self) -> tuple[str, ...]:
        """As `Task`."""
        return (self.text_column,)

    def described(self) -> dict[str, object]:
        """As `Task`."""
        return {
            "kind": self.kind,
            "labels": list(self.labels),
            "template": self.template,
            "text_column": self.text_column,
            "multi_label": self.multi_label,
            "threshold": self.threshold,
            "scores": self.scores,
        }

    def layout(self, classes: tuple[str, ...], kept: Mapping[str, Type]) -> Layout:
        """As `Task`."""
        del classes  # the labels take their place
        scores = tuple(self.labels) if self.scores else ()
        return Layout(kept, scores, labels=self.multi_label, abstains=self.threshold is not None)

    def rehearse(self, model: PairModel, notes: Notes) -> None:
        """As `Task`."""
        try:
            self.ask([{self.text_column: "a text"}], model, notes)
        except TextError as error:  # a label that is too long
            raise LabelsError(str(error).removeprefix("text 1 with ")) from error

    def fault(self, row: Row) -> str | None:
        """As `Task`."""
        return _fault(row[self.text_column], "the text")

    def unreadable(self, row: Row, model: PairModel) -> str | None:
        """As `Task`."""
        why = _unreadable(model, (str(row[self.text_column]), self.labels[0]))
        return None if why is None else why.replace("the premise", "the text")

    def cost(self, row: Row) -> float:
        """As `Task`."""
        return max(len(self.labels) / PAIRS, len(str(row[self.text_column])) / CHARACTERS)

    def ask(self, rows: Sequence[Row], model: PairModel, notes: Notes) -> list[Answer]:
        """As `Task`."""
        found = ZeroShotClassifier(model).stream(
            [str(row[self.text_column]) for row in rows],
            list(self.labels),
            hypothesis_template=self.template,
            multi_label=self.multi_label,
            notes=notes,
        )
        return [self._answer(dict(zip(one["labels"], one["scores"], strict=True)), one) for one in found]

    def _answer(self, scores: Mapping[str, float], found: Mapping[str, object]) -> Answer:
        """`scores` of all labels, by falling score: the threshold is applied here, for it leaves some out."""
        label, score = next(iter(scores.items()))
        abstained = self.threshold is not None and score < self.threshold
        answer: Answer = {"label": None, "score": None} if abstained else {"label": label, "score": score}
        if self.multi_label:
            least = HALF if self.threshold is None else self.threshold
            answer["labels"] = [name for name, value in scores.items() if value >= least]
        if self.scores:
            answer["scores"] = {name: scores[name] for name in self.labels}
        if self.threshold is not None:
            answer["abstained"] = abstained
        if abstained:
            answer["best"] = {"label": label, "score": score}
        if "truncated" in found:
            answer["truncated"] = found["truncated"]
        return answer


@dataclass(frozen=True)
class Nli:
    """Natural language inference, as `NLI` does it, of the columns ``premise`` and ``hypothesis``.

    An answer has ``label`` and ``score``, of the most probable class, ``scores`` of all classes, and
    ``truncated`` where the end of a premise was not read.
    """

    kind: ClassVar[str] = "nli"

    @property
    def columns(self) -> tuple[str, ...]:
        """As `Task`."""
        return ("premise", "hypothesis")

    def described(self) -> dict[str, object]:
        """As `Task`."""
        return {"kind": self.kind}

    def layout(self, classes: tuple[str, ...], kept: Mapping[str, Type]) -> Layout:
        """As `Task`."""
        return Layout(kept, classes)

    def rehearse(self, model: PairModel, notes: Notes) -> None:
        """As `Task`."""
        self.ask([{"premise": "a text", "hypothesis": "a text"}], model, notes)

    def fault(self, row: Row) -> str | None:
        """As `Task`."""
        return _fault(row["premise"], "the premise") or _fault(row["hypothesis"], "the hypothesis")

    def unreadable(self, row: Row, model: PairModel) -> str | None:
        """As `Task`."""
        return _unreadable(model, (str(row["premise"]), str(row["hypothesis"])))

    def cost(self, row: Row) -> float:
        """As `Task`."""
        return (len(str(row["premise"])) + len(str(row["hypothesis"]))) / CHARACTERS

    def ask(self, rows: Sequence[Row], model: PairModel, notes: Notes) -> list[Answer]:
        """As `Task`."""
        pairs = [(str(row["premise"]), str(row["hypothesis"])) for row in rows]
        answers = []
        for found in NLI(model).stream(pairs, notes=notes):
            answer: Answer = {"label": found.label, "score": found.scores[found.label]}
            answer["scores"] = found.scores
            if found.truncated is not None:
                answer["truncated"] = {"read": found.truncated.read, "total": found.truncated.total}
            answers.append(answer)
        return answers


def check_task(task: object) -> None:
    """Refuses what is no task, as the class in place of an object of it; InputError."""
    if isinstance(task, type) or not hasattr(task, "described"):
        raise InputError(f"the task is {task!r:.60}; give Classify(labels) or Nli()")


def _fault(value: object, what: str) -> str | None:
    if value is None:
        return f"{what} is missing"
    if not isinstance(value, str):
        return f"{what} is {type(value).__name__}, not text"
    if not value.strip():
        return f"{what} is blank" if value else f"{what} is empty"
    return None if is_unicode(value) else f"{what} holds half a surrogate pair"


def _unreadable(model: PairModel, pair: tuple[str, str]) -> str | None:
    """Why the tokenizer refuses a pair, without the text that it quotes: answers repeat none unasked."""
    try:
        model.encoder.encode([pair])
    except TextError as error:
        return re.split(r": (?=['\"])", str(error).replace(" of pair 0", ""))[0]
    return None
