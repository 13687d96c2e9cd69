"""What is asked: paths and JSON, from the arguments the library takes, which are checked as there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from entailment.errors import InputError, TextError
from entailment.tasks.candidates import Labels as Labels
from entailment.tasks.candidates import which_labels
from entailment.tasks.check import check_claims, check_document
from entailment.tasks.chunks import Notes
from entailment.tasks.classification import ask, check_threshold
from entailment.tasks.nli import check_pairs

Pair = tuple[str, str]


@dataclass(frozen=True)
class Call:
    """One request.

    Attributes:
        path: where.
        body: what its JSON says; empty for a GET, which has none.
    """

    path: str
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def method(self) -> str:
        """Of HTTP."""
        return "POST" if self.body else "GET"

    @property
    def headers(self) -> dict[str, str]:
        """What this request bears beside `headers_of`."""
        return {"Content-Type": "application/json"} if self.body else {}

    def content(self) -> bytes | None:
        """The JSON, in UTF-8, if there is any.

        Raises:
            TextError: a text holds half of a surrogate pair, which is no character.
        """
        if not self.body:
            return None
        try:
            return json.dumps(self.body, ensure_ascii=False, allow_nan=False).encode()
        except UnicodeEncodeError as error:
            half = ascii(error.object[error.start])
            raise TextError(
                f"a text holds {half}, half of a surrogate pair, which is not Unicode text; decode the "
                "source again"
            ) from None


def classify_call(
    sequences: str | Iterable[str],
    labels: Labels | None,
    candidate_labels: Labels | None,
    hypothesis_template: str,
    multi_label: bool,
    threshold: float | None,
) -> Call:
    """`POST /v1/classify`; the texts are in its body.

    Raises:
        TextError, LabelsError, TemplateError, InputError: as `ZeroShotClassifier` does.
    """
    questions = ask(
        [sequences] if isinstance(sequences, str) else sequences,
        which_labels(labels, candidate_labels),
        hypothesis_template=hypothesis_template,
        multi_label=multi_label,
        threshold=threshold,
        notes=Notes(),
    )
    sets = [list(asked) for _, asked in questions.rows]
    shared = all(one == sets[0] for one in sets)
    body = {
        "texts": [text for text, _ in questions.rows],
        "labels": sets[0] if sets and shared else sets,
        "template": hypothesis_template,
        "multi_label": questions.manner.multi_label,
    }
    return Call("/v1/classify", body | _stated(questions.manner.threshold))


def nli_call(premise: str | Iterable[Pair], hypothesis: str | None) -> Call:
    """`POST /v1/nli`, of ``nli(premise, hypothesis)`` or ``nli([(premise, hypothesis), ...])``.

    Raises:
        TextError: as `NLI` does.
    """
    if isinstance(premise, str):
        if hypothesis is None:
            raise TextError("nli(premise, hypothesis) needs both; for many pairs give a list of them")
        premise = [(premise, hypothesis)]
    elif hypothesis is not None:
        raise TextError("give either two texts or one list of pairs, not a list and a text")
    pairs = [{"premise": first, "hypothesis": second} for first, second in check_pairs(premise)]
    return Call("/v1/nli", {"pairs": pairs})


def check_call(document: str, claims: Iterable[str], threshold: float | None) -> Call:
    """`POST /v1/check`.

    Raises:
        TextError, InputError: as `DocumentChecker` does.
    """
    least = check_threshold(threshold)
    wanted = check_claims(claims)
    check_document(document)
    return Call("/v1/check", {"document": document, "claims": wanted} | _stated(least))


def _stated(threshold: float | None) -> dict[str, float]:
    return {} if threshold is None else {"threshold": threshold}


def headers_of(api_key: str | None, timeout: float) -> dict[str, str]:
    """What every request bears. The server gives up when nobody would hear it any more."""
    if not timeout > 0:
        raise InputError(f"timeout must be a positive number of seconds, not {timeout!r}")
    headers = {"X-Request-Timeout": f"{timeout:g}"}
    if api_key is not None:
        headers["Authorization"] = f"Bearer {api_key}"
    return headers
