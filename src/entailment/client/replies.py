"""What comes back: JSON to the types of the library, refusals to its errors, and when to try again."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, TypeVar, cast

import httpx

from entailment.errors import EntailmentError, InputError, LabelsError, TemplateError, TextError
from entailment.tasks.check import Finding
from entailment.tasks.classification import Classification
from entailment.tasks.nli import NLIResult
from entailment.text.pairs import Truncation

Answer = TypeVar("Answer")

_INPUT_ERRORS: dict[str, type[InputError]] = {
    "bad_labels": LabelsError,
    "too_many_labels": LabelsError,
    "bad_template": TemplateError,
    "bad_text": TextError,
    "too_many_characters": TextError,
}
_WHO = "is it a server of entailment that listens there?"
_TRY_AGAIN = (429, 502, 503, 504)
_FIRST_DELAY, _LONGEST_DELAY = 0.25, 30.0  # seconds


class ServerError(EntailmentError):
    """The server has no answer, and the request was not at fault.

    Args:
        message: what the server said, or why it could not be asked.
        status: of HTTP; None if no reply came.
        type_: the server's name for it, e.g. ``"overloaded"``.
        request_id: to be found in the server's log.
    """

    def __init__(
        self, message: str, *, status: int | None = None, type_: str = "", request_id: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.type = type_
        self.request_id = request_id


class ModelFacts(TypedDict):
    """What a server tells of its model."""

    id: str
    attention: str
    labels: list[str]
    max_length: int


@dataclass(frozen=True)
class Retries:
    """How often, and how long in between. All requests are questions: asking twice changes nothing.

    Attributes:
        most: tries after the first one.
    """

    most: int

    def delay(self, tries: int, reply: httpx.Response | None) -> float | None:
        """Seconds before the next try, or None if this was the last; `reply` is None if none came."""
        if tries > self.most or (reply is not None and reply.status_code not in _TRY_AGAIN):
            return None
        stated = "" if reply is None else reply.headers.get("Retry-After", "")
        least = min(float(stated), _LONGEST_DELAY) if stated.isdecimal() else 0.0
        # Spread, so that clients refused together do not come back together.
        spread = random.uniform(0.5, 1.5) * _FIRST_DELAY * 2.0 ** (tries - 1)  # noqa: S311  # guards no secret
        return min(least + spread, _LONGEST_DELAY)


def body_of(reply: httpx.Response) -> Any:
    """The JSON of an answer.

    Raises:
        InputError: the server says that the request cannot be used; LabelsError, TemplateError and TextError
            where the library would raise them.
        ServerError: anything else.
    """
    request_id = reply.headers.get("X-Request-ID", "")
    try:
        body = reply.json()
    except ValueError:
        body = None
    if reply.is_success and isinstance(body, dict):
        return body
    error = body.get("error") if isinstance(body, dict) else None
    type_, message = "", f"the server answered {reply.status_code} without saying why; {_WHO}"
    if isinstance(error, dict):
        type_, message = str(error.get("type", "")), str(error.get("message", message))
    if reply.status_code in (413, 422):
        raise _INPUT_ERRORS.get(type_, InputError)(message)
    raise ServerError(message, status=reply.status_code, type_=type_, request_id=request_id)


def unreachable(url: object, error: httpx.TransportError) -> ServerError:
    """No reply came, however often it was tried."""
    return ServerError(f"no answer from {url}: {type(error).__name__} {error}".rstrip())


def classifications(body: Any, texts: Sequence[str]) -> list[Classification]:
    """Answers as `ZeroShotClassifier` gives them."""

    def one(result: Any) -> Classification:
        rest = {key: value for key, value in result.items() if key != "text_index"}
        return cast(Classification, {"sequence": texts[result["text_index"]], **rest})

    return _each(body, "results", one)


def nli_results(body: Any) -> list[NLIResult]:
    """Answers as `NLI` gives them."""

    def one(result: Any) -> NLIResult:
        cut = Truncation(**result["truncated"]) if "truncated" in result else None
        return NLIResult(label=result["label"], scores=result["scores"], truncated=cut)

    return _each(body, "results", one)


def findings(body: Any) -> list[Finding]:
    """Answers as `DocumentChecker` gives them."""
    return _each(body, "results", lambda result: cast(Finding, dict(result)))


def models(body: Any) -> list[ModelFacts]:
    """The models of a server."""
    return _each(body, "data", lambda entry: cast(ModelFacts, dict(entry)))


def _each(body: Any, name: str, one: Callable[[Any], Answer]) -> list[Answer]:
    try:
        return [one(entry) for entry in body[name]]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ServerError(f"the server answered in another form than expected; {_WHO}", status=200) from error
