"""Claims against a document of any length: supported, contradicted, or open?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

from entailment.checkpoint.labels import CONTRADICTION, ENTAILMENT, LabelOrder
from entailment.errors import TextError
from entailment.tasks.chunks import PAIRS, chunked, pair_cost
from entailment.tasks.classification import check_threshold
from entailment.tasks.lists import refuse_unordered
from entailment.tasks.locating import Reading, locate
from entailment.tasks.model import PairModel, as_model
from entailment.tasks.scores import softmax
from entailment.tasks.sentences import Span

if TYPE_CHECKING:
    from entailment.runtime.engine import Precision

Verdict = Literal["supported", "contradicted", "open"]

VERDICTS: dict[str, Verdict] = {ENTAILMENT: "supported", CONTRADICTION: "contradicted"}


class Evidence(TypedDict):
    """Where a document decides on a claim.

    ``text`` is ``document[start:end]``, ``label`` entailment or contradiction, and ``score`` the probability
    of that label for this text alone, without the sentences around it.
    """

    text: str
    start: int
    end: int
    label: str
    score: float


class Finding(TypedDict):
    """What a document says about one claim.

    ``scores`` are the probabilities, by class, of the sentence with most to say, and sum to 1. ``evidence``
    is None where the most probable class is neither entailment nor contradiction. A claim may be open in
    spite of evidence: then its score is below the threshold.
    """

    claim: str
    verdict: Verdict
    scores: dict[str, float]
    evidence: Evidence | None


class DocumentChecker:
    """Says which claims a document supports, which it contradicts, and which it leaves open.

    >>> checker = DocumentChecker()
    >>> document = "The museum is closed on Mondays. In 2019 a storm flooded the cellar."
    >>> checker(document, ["The storm did no damage."])[0]["verdict"]
    'contradicted'

    All of the document is searched, however long it is, in three steps:

    1. It is split into sentences; one longer than the model reads, into pieces that overlap.
    2. For each claim the sentences that may speak of it are located by the words they share with it, rare
       words weighing more: the best one, and all that are at least 0.7 times as relevant. (Evidence is
       retrieved by shared words before it is judged since FEVER: Thorne et al. 2018, section 4.)
    3. The model reads each of these twice, alone and with its neighbours on both sides, as far as they fit;
       the two answers are averaged. The sentence that is surest of entailment, or of contradiction, speaks
       for the document, as in SummaC-ZS (Laban et al. 2022, section 3.2), and its most probable class is the
       verdict. So a claim is supported if some sentence supports it more than any contradicts it, and open
       where even that sentence leaves it open.

    The second step is there because models for sentence pairs call much contradicted that is about something
    else, and of many sentences one always does. What shares no word with a claim can be missed, unless no
    sentence does; a claim that needs sentences far apart is beyond this method.

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

    def __call__(
        self, document: str, claims: Sequence[str], *, threshold: float | None = None
    ) -> list[Finding]:
        """Check every claim against one document.

        Args:
            document: a text of any length.
            claims: texts, each best a sentence that makes one statement. None of them is ever cut.
            threshold: from 0 to 1. Where the winning class's score is less, the claim is left open.

        Returns:
            One `Finding` per claim, in their order. A model of two classes without contradiction finds claims
            supported or open.

        Raises:
            TextError: an empty document or claim, something that is not a text, or a claim too long for the
                model.
            NonFiniteLogitsError: the model answered NaN or infinity.
        """
        return findings_of(document, claims, self.model, threshold=threshold)


def findings_of(
    document: str,
    claims: Sequence[str],
    model: PairModel,
    *,
    threshold: float | None = None,
    allow: Callable[[int], object] | None = None,
) -> list[Finding]:
    """What a `DocumentChecker` answers; arguments and errors as there.

    Args:
        allow: called for each claim with the least number of pairs needed so far, as `locate` does, before
            any is made: a document can need as many as it has sentences, for each claim. What it raises ends
            the check.
    """
    least = check_threshold(threshold)
    wanted = check_claims(claims)
    check_document(document)
    if not wanted:
        return []
    inquiry = Inquiry(document, wanted, locate(document, wanted, model, allow))
    return inquiry.findings(_probabilities(inquiry.pairs(), model), model.order, least)


def _probabilities(pairs: Sequence[tuple[str, str]], model: PairModel) -> NDArray[np.float64]:
    parts = [np.empty((0, model.engine.num_labels))]
    for chunk in chunked(pairs, PAIRS, pair_cost):
        _, logits = model.run(chunk)
        parts.append(softmax(model.calibration.of_pairs(logits, model.order.names)))
    return np.concatenate(parts)


@dataclass(frozen=True)
class Inquiry:
    """What to ask a model about a document; apart from the model, so that a server can batch it.

    Attributes:
        document: the text.
        claims: the claims.
        readings: at least one per claim, claim by claim.
    """

    document: str
    claims: Sequence[str]
    readings: Sequence[Reading]

    def pairs(self) -> list[tuple[str, str]]:
        """Premise and hypothesis of every question, those about the same premise one behind the other."""
        return [(self.document[span.start : span.end], self.claims[claim]) for span, claim in self._asked()]

    def findings(
        self, probabilities: NDArray[np.float64], order: LabelOrder, threshold: float | None = None
    ) -> list[Finding]:
        """One finding per claim.

        Args:
            probabilities: [N, K] of the N pairs.
            order: what each of the K means.
            threshold: below it a claim is open.
        """
        found = dict(zip(self._asked(), probabilities, strict=True))
        decisive = [index for index, name in enumerate(order.names) if name in VERDICTS]
        best: dict[int, tuple[float, Reading, NDArray[np.float64]]] = {}
        for reading in self.readings:
            alone, within = (found[span, reading.claim] for span in (reading.sentence, reading.window))
            mean = (alone + within) / 2
            weight = float(mean[decisive].max())
            if reading.claim not in best or weight > best[reading.claim][0]:
                best[reading.claim] = weight, reading, mean
        return [self._finding(*best[claim][1:], found, order, threshold) for claim in range(len(self.claims))]

    def _asked(self) -> list[tuple[Span, int]]:
        return sorted(
            {
                (span, reading.claim)
                for reading in self.readings
                for span in (reading.sentence, reading.window)
            }
        )

    def _finding(
        self,
        reading: Reading,
        mean: NDArray[np.float64],
        found: dict[tuple[Span, int], NDArray[np.float64]],
        order: LabelOrder,
        threshold: float | None,
    ) -> Finding:
        winner = int(mean.argmax())
        label, evidence = order.names[winner], None
        verdict = VERDICTS.get(label, "open")
        if label in VERDICTS:
            # The sentence, if it carries the verdict by itself; else it takes the neighbours to see it.
            alone = found[reading.sentence, reading.claim]
            span = reading.sentence if int(alone.argmax()) == winner else reading.window
            evidence = Evidence(
                text=self.document[span.start : span.end],
                start=span.start,
                end=span.end,
                label=label,
                score=float(found[span, reading.claim][winner]),
            )
        if threshold is not None and mean[winner] < threshold:
            verdict = "open"
        return Finding(
            claim=self.claims[reading.claim],
            verdict=verdict,
            scores=dict(zip(order.names, mean.tolist(), strict=True)),
            evidence=evidence,
        )


def check_document(document: object) -> None:
    """Refuse what is no text, holds half a surrogate pair, or is empty, with a TextError."""
    from entailment.text.tokenizer import check_text

    check_text(document, "the document")
    if not isinstance(document, str) or not document.strip():
        raise TextError("the document is empty")


def check_claims(claims: Iterable[object]) -> list[str]:
    """The claims as a list of texts, none of them blank.

    Raises:
        TextError: it is not so; the message names the claim by its number, from 1.
    """
    refuse_unordered(claims, "claims")
    if isinstance(claims, (str, bytes)) or not isinstance(claims, Iterable):
        raise TextError(
            f"claims must be a list of texts, as in ['The shop is open on Sundays.'], not {claims!r:.60}"
        )
    return [_checked(claim, number) for number, claim in enumerate(claims, start=1)]


def _checked(claim: object, number: int) -> str:
    from entailment.text.tokenizer import check_text

    check_text(claim, f"claim {number}")
    if not isinstance(claim, str) or not claim.strip():
        raise TextError(f"claim {number} is empty")
    return str(claim)  # NumPy's own kind of text would show in the answer
