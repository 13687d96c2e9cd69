"""The outermost layer of every request: its id and headers, its line in the log, its count in the metrics."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import traceback
import uuid
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entailment.serve.refusals import draining, refusal_of
from entailment.serve.responses import FACTS, refusal_response, route_of
from entailment.serve.service import Service

logger = logging.getLogger("entailment.serve")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_FIXED_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_QUIET_ROUTES = ("/health/live", "/health/ready", "/health", "/metrics")  # asked every few seconds


class Envelope:
    """Wraps an application. It never lets an exception through: the server would print it, texts and all."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        facts: dict[str, Any] = {"arrived": time.monotonic(), "request_id": _request_id(scope)}
        scope[FACTS] = facts
        status = 0

        async def stamped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = facts["request_id"]
                for name, value in _FIXED_HEADERS.items():
                    headers.setdefault(name, value)
                if self._service.draining:
                    headers["Connection"] = "close"
            await send(message)

        try:
            await self._app(scope, receive, stamped)
        except asyncio.CancelledError:  # by the server, whose time is up
            if status or not self._service.draining:
                raise
            await refusal_response(draining(), scope)(scope, receive, stamped)
        except Exception as error:  # of ours; told without its message, which may quote a text
            _log_fault(error, facts)
            if not status:
                await refusal_response(refusal_of(error), scope)(scope, receive, stamped)
        finally:
            self._finish(scope, facts, status)

    def _finish(self, scope: Scope, facts: dict[str, Any], status: int) -> None:
        path = route_of(scope)
        seconds = time.monotonic() - facts["arrived"]
        metrics = self._service.metrics
        status = status or 499  # the client went away first
        metrics.requests.labels(path, str(status)).inc()
        if "refused" in facts:
            metrics.refusals.labels(facts["refused"]).inc()
        if path in _QUIET_ROUTES:
            return
        metrics.request_seconds.observe(seconds)
        shown = {name: facts[name] for name in facts if name != "arrived"}
        extra = {"event": "request", "method": scope["method"], "route": path, "status": status, **shown}
        logger.info("request", extra={**extra, "total_ms": round(1e3 * seconds, 3)})


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _log_fault(error: Exception, facts: dict[str, Any]) -> None:
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    where = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
    fault = {"event": "fault", "exception": type(error).__name__, "where": where}
    logger.error("a fault of ours", extra={**fault, "request_id": facts["request_id"]})
