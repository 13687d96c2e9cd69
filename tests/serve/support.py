"""Servers for tests: over a stub engine, in this process, asked with or without a socket."""

from __future__ import annotations

import asyncio
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

import httpx
import numpy as np
from fastapi import FastAPI
from tests.tiny import tiny_tokenizer

from entailment.checkpoint.labels import order_stated
from entailment.runtime.engine import Engine
from entailment.runtime.stub import StubEngine
from entailment.serve.app import create_app
from entailment.serve.run import DrainingServer, server_of
from entailment.serve.service import Service
from entailment.serve.settings import Settings
from entailment.tasks.model import PairModel
from entailment.text.pairs import EncodedPair, PairEncoder
from entailment.text.tokenizer import Tokenizer

Result = TypeVar("Result")

NAMES = ("entailment", "neutral", "contradiction")
ENTAIL = "from entailment.cli.app import main; main()"
CLASSIFY = {"text": "the team won the game", "labels": ["game", "music"]}


class HookedEngine:
    """A stub engine that calls a hook with the pairs before it answers."""

    num_labels = 3

    def __init__(self, hook: Callable[[Sequence[EncodedPair]], object]) -> None:
        self.hook = hook
        self.calls: list[int] = []  # pairs of each
        self._stub = StubEngine(3)

    def logits(self, pairs: Sequence[EncodedPair]) -> np.ndarray:
        self.calls.append(len(pairs))
        self.hook(pairs)
        return self._stub.logits(pairs)


def stub_model(folder: Path, engine: Engine | None = None, *, max_length: int = 64) -> PairModel:
    """A real tokenizer before an engine without a model."""
    tokenizer = Tokenizer.from_folder(tiny_tokenizer(folder / "tokenizer"))
    return PairModel(
        name="stub",
        encoder=PairEncoder(tokenizer, max_length=max_length),
        engine=engine or StubEngine(3),
        labels=order_stated(NAMES),
    )


def service_of(app: FastAPI) -> Service:
    service: Service = app.state.service
    return service


@asynccontextmanager
async def asked(
    model: PairModel, settings: Settings | None = None, headers: dict[str, str] | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application without a socket; its server is ready."""
    app = create_app(model, settings)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://stub", headers=headers) as client,
    ):
        client.app = app  # type: ignore[attr-defined]  # for tests that look inside
        yield client


def ask(
    model: PairModel,
    question: Callable[[httpx.AsyncClient], Awaitable[Result]],
    settings: Settings | None = None,
    headers: dict[str, str] | None = None,
) -> Result:
    """Runs one question to such a client."""

    async def run() -> Result:
        async with asked(model, settings, headers) as client:
            return await question(client)

    return asyncio.run(run())


def post(model: PairModel, path: str, body: object, settings: Settings | None = None) -> httpx.Response:
    """One POST of JSON."""
    return ask(model, lambda client: client.post(path, json=body), settings)


@contextmanager
def live(model: PairModel, settings: Settings | None = None) -> Iterator[tuple[str, DrainingServer]]:
    """A server on a free port of loopback, in a thread; yields its address and itself."""
    server = server_of(create_app(model, settings), host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}", server
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


@contextmanager
def command(*options: str, program: str = ENTAIL) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`entail serve` in a process of its own, on a free port; yields it and its address."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program, "serve", "--port", "0", *options],
        stderr=subprocess.PIPE,
        text=True,
    )
    address: queue.Queue[str] = queue.Queue()
    # Read to the end: a server whose log nobody takes off a full pipe stands still.
    reader = threading.Thread(target=read_log, args=(process, address), daemon=True)
    reader.start()
    try:
        yield process, address.get(timeout=60)
    finally:
        process.kill()
        process.wait(20)
        reader.join(20)
        if process.stderr is not None:
            process.stderr.close()


def read_log(process: subprocess.Popen[str], address: queue.Queue[str]) -> None:
    for line in process.stderr or ():
        event = json.loads(line)
        if event.get("event") == "listening":
            address.put(event["address"])


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.005)
