"""Runs the application: a socket, signals, and an end without losing what was taken in.

On SIGTERM (or Ctrl-C) new work is refused with 503 and ``Connection: close``, while the listener stays open
for a moment, so that a load balancer takes notice. When nothing is in hand any more, or after
`drain_seconds`, the listener is closed. What is in hand by then, or at a second signal, is refused, too.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from types import FrameType

import uvicorn
from fastapi import FastAPI

from entailment.errors import InputError
from entailment.serve.app import create_app
from entailment.serve.logs import LOGGER, log_to
from entailment.serve.service import Service
from entailment.serve.settings import Settings
from entailment.tasks.model import PairModel

_CLOSING_SECONDS = 5  # for answers that are made, and still on their way out
_KEEP_ALIVE_SECONDS = (
    75  # longer than load balancers keep a connection: whoever closes first loses no request
)
_BACKLOG = 2048  # connections that the system holds until they are looked at


class DrainingServer(uvicorn.Server):
    """A uvicorn server whose signals drain the service before they end it. The one place to hook into it."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service
        self._loop: asyncio.AbstractEventLoop | None = None
        self._draining: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Remembers the event loop, which the signals need, and says where it listens."""
        self._loop = asyncio.get_running_loop()
        await self._service.start()  # before uvicorn does, which makes a traceback of what it raises
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            LOGGER.info("listening", extra={"event": "listening", "address": f"http://{shown}:{port}"})

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends the service also after a second signal, when uvicorn would leave that out."""
        await super().shutdown(sockets)
        if self.force_exit:
            await self.lifespan.shutdown()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begins to drain; the second time, ends."""
        if self._loop is None:
            self.should_exit = True
        elif self._service.draining:
            self.force_exit = self.should_exit = True
            self._loop.call_soon_threadsafe(self._service.end)
        else:
            self._service.drain()
            LOGGER.info("draining", extra={"event": "draining"})
            self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        self._draining = asyncio.ensure_future(self._drain())

    async def _drain(self) -> None:
        settings, admission = self._service.settings, self._service.batcher.admission
        noticed = time.monotonic() + settings.drain_notice_seconds
        while self._service.time_left():
            if time.monotonic() >= noticed and not admission.places:
                break
            await asyncio.sleep(0.05)
        else:
            self._service.end()
        self.should_exit = True


def server_of(app: FastAPI, *, host: str, port: int) -> DrainingServer:
    """The server of an application made by `create_app`; `run` it, or `serve` it in an event loop."""
    service: Service = app.state.service
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,  # its lines are ours, one a request, without addresses and queries
        access_log=False,
        server_header=False,
        limit_concurrency=service.settings.connections,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_CLOSING_SECONDS,
        ws="none",
    )
    return DrainingServer(config, service)


def serve(model: PairModel, settings: Settings, *, host: str, port: int) -> None:
    """Serves a model until a signal ends it.

    Args:
        model: as `load_model` opens it.
        settings: of the operator.
        host: an address of this machine; ``0.0.0.0`` for all of them.
        port: 0 for any that is free; the log says which.

    Raises:
        InputError: the address is not there, or the port is taken.
        EntailmentError: the model failed on a first pair of texts.
    """
    log_to()
    # Requests are tokenised one by one, in a thread of ours; handing each to the tokeniser's own threads
    # costs more than it saves. Said before those threads are made; whoever has said otherwise is heard.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    app = create_app(model, settings)
    with _listener(host, port) as listener:
        server_of(app, host=host, port=port).run(sockets=[listener])
    LOGGER.info("stopped", extra={"event": "stopped"})


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"cannot listen on {host}, port {port}: {reason}; choose others") from None
