"""What a client is told when it gets no answer: one exception, one JSON form, one place that translates.

``{"error": {"type": "too_many_labels", "message": "...", "limit": 1000}}``, and with what may be tried again
the header ``Retry-After``. Types and status codes are part of the interface; docs/server.md lists them.
"""

from __future__ import annotations

import math
from typing import Any

from entailment.errors import (
    EntailmentError,
    InputError,
    LabelsError,
    TemplateError,
    TextError,
)

# Types of what a caller hands in that cannot be used (422), by class; the first that fits.
_INPUT_TYPES: tuple[tuple[type[InputError], str], ...] = (
    (LabelsError, "bad_labels"),
    (TemplateError, "bad_template"),
    (TextError, "bad_text"),
    (InputError, "bad_input"),
)


class RefusedError(EntailmentError):
    """A request that gets no answer, with what its client is told. It never leaves this room.

    Args:
        status: of HTTP.
        type_: a stable name, for programs.
        message: for people.
        limit: the setting that was exceeded, if one was.
        retry_after: in seconds, where trying again makes sense.
    """

    def __init__(
        self,
        status: int,
        type_: str,
        message: str,
        *,
        limit: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.type = type_
        self.message = message
        self.limit = limit
        self.retry_after = retry_after

    def body(self) -> dict[str, Any]:
        """The JSON of the routes of our own."""
        error: dict[str, Any] = {"type": self.type, "message": printable(self.message)}
        if self.limit is not None:
            error["limit"] = self.limit
        return {"error": error}

    def flat_body(self) -> dict[str, Any]:
        """The JSON that clients of the compatible routes read: texts alone."""
        return {"error": printable(self.message), "error_type": self.type}

    def headers(self) -> dict[str, str]:
        """Headers that belong to it."""
        headers = {}
        if self.retry_after is not None:
            headers["Retry-After"] = str(max(1, math.ceil(self.retry_after)))
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return headers


def too_large(what: str, found: int, limit: int) -> RefusedError:
    """The request asks for more than the limit: `what` is ``"labels"``, ``"texts"``, ..."""
    message = (
        f"{found:,} {what} are more than the {limit:,} that this server takes in one request; send fewer"
    )
    return RefusedError(413, f"too_many_{what}", message, limit=limit)


def overloaded(retry_after: float) -> RefusedError:
    """There is more work in hand than the operator allows."""
    return RefusedError(
        429, "overloaded", "the server has all the work it can take; try again", retry_after=retry_after
    )


def draining() -> RefusedError:
    """The server is about to stop."""
    return RefusedError(503, "draining", "the server is shutting down; try again", retry_after=1)


def not_ready() -> RefusedError:
    """The server has just been started."""
    return RefusedError(503, "not_ready", "the model is still being warmed up; try again", retry_after=1)


def deadline_passed(seconds: float) -> RefusedError:
    """The request waited too long."""
    return RefusedError(503, "deadline", f"no answer within {seconds:g} s; try again", retry_after=1)


def worker_lost() -> RefusedError:
    """The worker that ran this request died, and a second one with it alone died as well."""
    return RefusedError(503, "worker_lost", "the worker that ran this request died; try again", retry_after=1)


def model_failed() -> RefusedError:
    """The engine raised for this request alone."""
    return RefusedError(500, "model_failed", "the model failed on this request")


def refusal_of(error: Exception) -> RefusedError:
    """What a client is told of an error: its own fault in full, ours without details.

    The message of an unknown error may hold anything, another user's text as well, and is not passed on.
    """
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, InputError):
        return RefusedError(
            422, next(name for kind, name in _INPUT_TYPES if isinstance(error, kind)), str(error)
        )
    return RefusedError(500, "internal", "a fault of the server; its log has the request id")


def printable(text: str) -> str:
    """The text without half surrogates, which are no characters and cannot be sent."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
