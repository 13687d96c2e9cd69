"""Stands before the routes that cost work: who may ask, is there room, and no more body than allowed.

In this order, cheapest first, so that a server under too much load says so before it has read anything. The
body is counted while it arrives, whatever its Content-Length says. While the answer is being made, the gate
listens for the client: when it hangs up, the request is cancelled and leaves the line.
"""

from __future__ import annotations

import asyncio
import contextlib

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entailment.serve.refusals import RefusedError
from entailment.serve.responses import facts_of, refusal_response
from entailment.serve.service import Service

_OPEN = ("/health", "/metrics", "/openapi.json", "/page/")

# What is read and thrown away of a body too large, so that its client hears the answer, not a broken pipe.
_DRAINED_BODIES = 4
_DRAINED_SECONDS = 2.0


class _ClientGoneError(Exception):
    """Nobody is there to be answered."""


class Gate:
    """Wraps the routes."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or _is_open(scope):
            await self._app(scope, receive, send)
            return
        try:
            headers = Headers(scope=scope)
            self._service.check_key(headers.get("authorization"))
            if scope["method"] != "POST":
                await self._app(scope, receive, send)
                return
            self._service.check_open()
            _check_type(headers)
            _check_encoding(headers)
            body = await self._read(headers, receive)
        except RefusedError as refusal:
            await refusal_response(refusal, scope)(scope, receive, send)
        except _ClientGoneError:
            pass
        else:
            await self._listening(scope, body, receive, send)

    async def _read(self, headers: Headers, receive: Receive) -> bytes:
        """The whole body.

        Raises:
            RefusedError: it is too large, or too slow.
        """
        limit, seconds = self._service.settings.limits.body_bytes, self._service.settings.body_seconds
        stated = headers.get("content-length", "")
        try:
            async with asyncio.timeout(seconds):
                if stated.isdecimal() and int(stated) > limit:
                    raise await _oversized(limit, receive)
                parts, size, more = [], 0, True
                while more:
                    part, more = await _part(receive)
                    size += len(part)
                    if size > limit:
                        raise await _oversized(limit, receive, more=more)
                    parts.append(part)
        except TimeoutError:
            message = f"the body did not arrive within {seconds:g} s"
            raise RefusedError(408, "body_timeout", message) from None
        return b"".join(parts)

    async def _listening(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Runs the route, unless and until the client hangs up."""
        gone = asyncio.ensure_future(_hung_up(receive))
        unread = True

        async def replayed() -> Message:
            nonlocal unread
            if unread:
                unread = False
                return {"type": "http.request", "body": body, "more_body": False}
            await asyncio.shield(gone)
            return {"type": "http.disconnect"}

        route = asyncio.ensure_future(self._app(scope, replayed, send))
        try:
            await asyncio.wait({route, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not route.done():
                facts_of(scope)["refused"] = "client_gone"
                route.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await route
            else:
                route.result()
        finally:
            gone.cancel()
            route.cancel()


def _is_open(scope: Scope) -> bool:
    path = scope["path"]
    return path.startswith(_OPEN) or (path == "/" and scope["method"] in ("GET", "HEAD"))


def _check_type(headers: Headers) -> None:
    """Refuses what is not JSON; so a form of another site cannot ask, either."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise RefusedError(415, "not_json", "send JSON, with the header Content-Type: application/json")


def _check_encoding(headers: Headers) -> None:
    """Refuses what is compressed: a small body could become one of any size."""
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        message = f"the body is encoded as {encoding[:40]!r}; send it plain, without Content-Encoding"
        raise RefusedError(415, "body_encoded", message)


async def _part(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise _ClientGoneError
    return message.get("body", b""), message.get("more_body", False)


async def _oversized(limit: int, receive: Receive, *, more: bool = True) -> RefusedError:
    """The refusal of a body too large, some more of which is read first."""
    left = _DRAINED_BODIES * limit
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DRAINED_SECONDS):
            while more and left > 0:
                part, more = await _part(receive)
                left -= len(part)
    message = f"the body is larger than the {limit:,} bytes that this server takes in one request; send less"
    return RefusedError(413, "body_too_large", message, limit=limit)


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
