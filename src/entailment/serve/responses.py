"""Answers and refusals as HTTP responses, and the facts that travel with a request through the layers."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse
from starlette.types import Scope

from entailment.serve.refusals import RefusedError

# Where a request's facts are kept in the scope of ASGI: what its line in the log will say.
FACTS = "entailment"

# Routes that clients of other servers use; they read errors as plain texts.
COMPATIBLE = ("/", "/predict", "/rerank", "/info")

# All routes by their paths, for metrics and log: what else is asked for may be anything.
ROUTES = (
    *COMPATIBLE,
    "/v1/classify",
    "/v1/nli",
    "/v1/check",
    "/v1/models",
    "/health",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/openapi.json",
)


def facts_of(scope: Scope) -> dict[str, Any]:
    """The facts of a request."""
    facts: dict[str, Any] = scope.setdefault(FACTS, {})
    return facts


def route_of(scope: Scope) -> str:
    """The path of a request if it is a route's, ``"other"`` if not; the files of the page are one."""
    path: str = scope["path"]
    if path in ROUTES:
        return path
    return "/page" if path.startswith("/page/") else "other"


def refusal_response(refusal: RefusedError, scope: Scope) -> JSONResponse:
    """A refusal in the form that the route's clients read."""
    facts_of(scope)["refused"] = refusal.type
    body = refusal.flat_body() if scope["path"] in COMPATIBLE else refusal.body()
    return JSONResponse(body, refusal.status, headers=refusal.headers())
