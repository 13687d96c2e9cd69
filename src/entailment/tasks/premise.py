"""A text that is asked about call after call, and read once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from types import TracebackType
from typing import Self

from entailment.errors import TextError
from entailment.runtime.premise import PremiseEngine
from entailment.tasks.candidates import Labels
from entailment.tasks.classification import TEMPLATE, Classification, check_texts
from entailment.tasks.lists import refuse_unordered
from entailment.tasks.model import PairModel
from entailment.tasks.nli import NLI, NLIResult
from entailment.tasks.zero_shot import ZeroShotClassifier


class Premise:
    """One text as `ZeroShotClassifier.premise` and `NLI.premise` open it, for as long as it is asked about.

    >>> with ZeroShotClassifier().premise("The striker scored twice.") as premise:
    ...     premise.classify(["politics", "sports"])["labels"]
    ...     premise.score(["Nobody scored."])[0].label
    ['sports', 'politics']
    'contradiction'

    With prefix attention (the bundled model) the first question computes the text and keeps its keys and
    values of every layer, 2 * layers * tokens * width float32 numbers; every question computes the hypotheses
    alone. Answers are those of the ordinary calls, to rounding. With full attention and for MobileBERT, whose
    trigrams cross the border between the texts, every question computes whole pairs as always.

    May be used from several threads at once. Leaving the context, or `close`, frees what was kept.

    Args:
        model: what answers; its label order is known.
        text: the text.

    Raises:
        TextError: the text is empty, or none.
    """

    def __init__(self, model: PairModel, text: str) -> None:
        (self.text,) = check_texts([text])
        self._engine = PremiseEngine(model.engine)
        model = replace(model, engine=self._engine)
        self._classifier, self._nli = ZeroShotClassifier(model), NLI(model)

    def classify(
        self,
        labels: Labels | None = None,
        *,
        candidate_labels: Labels | None = None,
        hypothesis_template: str = TEMPLATE,
        multi_label: bool = False,
        threshold: float | None = None,
    ) -> Classification:
        """Score every label: the answer of ``classifier(text, labels, ...)``.

        Args:
            labels, candidate_labels, hypothesis_template, multi_label, threshold: as in a call of
                `ZeroShotClassifier`.

        Raises:
            InputError: the premise was closed; or as a call of `ZeroShotClassifier` does.
        """
        self._engine.check_open()
        return self._classifier(
            self.text,
            labels,
            candidate_labels=candidate_labels,
            hypothesis_template=hypothesis_template,
            multi_label=multi_label,
            threshold=threshold,
        )

    def score(self, hypotheses: Iterable[str]) -> list[NLIResult]:
        """Judge hypotheses: the answers of ``nli([(text, hypothesis), ...])``, in their order.

        Raises:
            InputError: the premise was closed.
            TextError: an empty hypothesis, one too long for the model, or a text in place of a list.
            NonFiniteLogitsError: the model answered NaN or infinity.
        """
        self._engine.check_open()
        return self._nli((self.text, hypothesis) for hypothesis in listed(hypotheses))

    def close(self) -> None:
        """Free what was kept; closing again does nothing.

        A call under way in another thread ends as it would have, or says that the premise was closed.
        """
        self._engine.close()

    def __enter__(self) -> Self:
        self._engine.check_open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def listed(hypotheses: Iterable[str]) -> Iterable[str]:
    """The hypotheses, or TextError where one text stands in place of a list: letters are no hypotheses."""
    refuse_unordered(hypotheses, "hypotheses")
    if isinstance(hypotheses, (str, bytes)) or not isinstance(hypotheses, Iterable):
        raise TextError(
            f"hypotheses must be a list of texts, as in ['Someone scored.'], not {hypotheses!r:.60}"
        )
    return hypotheses
