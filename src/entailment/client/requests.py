"""What is asked: paths and JSON bodies, from the arguments the library takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from entailment.errors import InputError, TextError

Labels = Iterable[str] | Iterable[Iterable[str]]
Pair = tuple[str, str]


@dataclass(frozen=True)
class Call:
    """One request: where, and with which JSON body."""

    path: str
    body: dict[str, Any]


def classify_call(
    texts: list[str], labels: Labels, hypothesis_template: str, multi_label: bool, threshold: float | None
) -> Call:
    """`POST /v1/classify`; a text with commas is not taken apart here, so labels are a list."""
    if isinstance(labels, str):
        labels = [part.strip() for part in labels.split(",")]
    body: dict[str, Any] = {
        "texts": texts,
        "labels": [label if isinstance(label, str) else list(label) for label in labels],
        "template": hypothesis_template,
        "multi_label": multi_label,
    }
    if threshold is not None:
        body["threshold"] = threshold
    return Call("/v1/classify", body)


def nli_call(pairs: list[Pair]) -> Call:
    """`POST /v1/nli`."""
    asked = [{"premise": premise, "hypothesis": hypothesis} for premise, hypothesis in pairs]
    return Call("/v1/nli", {"pairs": asked})


def check_call(document: str, claims: Iterable[str], threshold: float | None) -> Call:
    """`POST /v1/check`."""
    if isinstance(claims, str):
        raise TextError("claims must be a list of texts, not one text: put it in brackets")
    body: dict[str, Any] = {"document": document, "claims": list(claims)}
    if threshold is not None:
        body["threshold"] = threshold
    return Call("/v1/check", body)


def pairs_of(premise: str | Iterable[Pair], hypothesis: str | None) -> list[Pair]:
    """The pairs of `nli(premise, hypothesis)` or `nli([(premise, hypothesis), ...])`."""
    if isinstance(premise, str):
        if hypothesis is None:
            raise TextError("nli(premise, hypothesis) needs both; for many pairs give a list of them")
        return [(premise, hypothesis)]
    if hypothesis is not None:
        raise TextError("give either two texts or one list of pairs, not a list and a text")
    return list(premise)


def headers_of(api_key: str | None, timeout: float) -> dict[str, str]:
    """What every request bears. The server gives up when nobody would hear it any more."""
    if not timeout > 0:
        raise InputError(f"timeout must be a positive number of seconds, not {timeout!r}")
    headers = {"X-Request-Timeout": f"{timeout:g}"}
    if api_key is not None:
        headers["Authorization"] = f"Bearer {api_key}"
    return headers
