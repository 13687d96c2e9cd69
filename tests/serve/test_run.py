"""How a server ends: the first signal, the time that is up, the second signal."""

from __future__ import annotations

import io
import json
import signal
import socket
import threading
from concurrent.futures import Future
from pathlib import Path

import httpx
import pytest
from tests.serve.support import CLASSIFY, HookedEngine, command, live, service_of, stub_model, wait_until

import entailment.serve.run
from entailment.serve.run import DrainingServer
from entailment.serve.service import Service
from entailment.serve.settings import Settings
from entailment.tasks.model import PairModel

BODIES = {"/v1/classify": CLASSIFY, "/v1/check": {"document": "the team won", "claims": ["the team won"]}}
FOREVER = 3600.0  # seconds that no test has

# A server of a process of its own, whose model never answers a second time.
STUCK = """
import pathlib, sys, threading
from tests.serve.support import HookedEngine, stub_model
from entailment.serve.run import serve
from entailment.serve.settings import Settings

engine = HookedEngine(lambda _: len(engine.calls) > 1 and threading.Event().wait())
model = stub_model(pathlib.Path(sys.argv[-1]), engine)
serve(model, Settings(drain_seconds=3600, deadline_seconds=3600), host="127.0.0.1", port=0)
"""


class Held:
    """A model that answers nothing behind the warm pair until it is released."""

    def __init__(self, folder: Path) -> None:
        self.inside, self.release = threading.Event(), threading.Event()
        self.engine = HookedEngine(self._hold)
        self.model = stub_model(folder, self.engine)

    def _hold(self, _: object) -> None:
        if len(self.engine.calls) > 1:
            self.inside.set()
            assert self.release.wait(60)


def posted(url: str, path: str, seconds: float = FOREVER) -> Future[httpx.Response]:
    """One request, in a thread."""
    found: Future[httpx.Response] = Future()

    def ask() -> None:
        try:
            headers = {"X-Request-Timeout": f"{seconds}"}
            found.set_result(httpx.post(f"{url}{path}", json=BODIES[path], headers=headers, timeout=60))
        except Exception as error:
            found.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    return found


def check_refused(reply: httpx.Response) -> None:
    assert (reply.status_code, reply.json()["error"]["type"]) == (503, "draining")
    assert reply.headers["Retry-After"] == "1"
    assert reply.headers["Connection"] == "close"


def served_by(server: DrainingServer) -> Service:
    return service_of(server.config.app)  # type: ignore[arg-type]


def test_a_signal_gives_notice_and_a_second_one_does_not(model: PairModel) -> None:
    with (
        live(model, Settings(drain_notice_seconds=20)) as (url, server),
        httpx.Client(base_url=url) as client,
    ):
        server.handle_exit(signal.SIGTERM, None)
        for _ in range(10):  # each on a connection of its own, for they are closed
            reply = client.post("/v1/classify", json=CLASSIFY)
            assert (reply.status_code, reply.headers["Connection"]) == (503, "close")
        assert not server.should_exit
        server.handle_exit(signal.SIGTERM, None)
        assert server.should_exit


def test_a_signal_waits_for_what_is_in_hand(tmp_path: Path) -> None:
    held = Held(tmp_path)
    with live(held.model, Settings(drain_notice_seconds=0)) as (url, server):
        answer = posted(url, "/v1/classify")
        assert held.inside.wait(20)
        server.handle_exit(signal.SIGTERM, None)
        assert httpx.get(f"{url}/health/ready").status_code == 503
        assert not server.should_exit
        held.release.set()
        assert answer.result(20).status_code == 200
        wait_until(lambda: server.should_exit)


@pytest.mark.parametrize("path", BODIES)
def test_what_is_in_hand_when_the_time_is_up_is_refused(tmp_path: Path, log: io.StringIO, path: str) -> None:
    held = Held(tmp_path)
    with live(held.model, Settings(drain_seconds=0.1)) as (url, server):
        answer = posted(url, path)
        assert held.inside.wait(20)
        server.handle_exit(signal.SIGTERM, None)
        check_refused(answer.result(20))
    held.release.set()  # the server has ended without it
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    (request,) = (line for line in lines if line.get("event") == "request")
    assert (request["status"], request["refused"]) == (503, "draining")
    events = {"ready", "listening", "draining", "request", "worker_left"}
    assert {line.get("event") for line in lines} == events


@pytest.mark.parametrize("path", BODIES)
def test_a_second_signal_ends_the_process_whatever_the_model_does(tmp_path: Path, path: str) -> None:
    with command(str(tmp_path), program=STUCK) as (process, url):
        answer = posted(url, path)
        begun = "entailment_queue_seconds_count 2.0"  # the warm pair, and this request
        wait_until(lambda: begun in httpx.get(f"{url}/metrics").text)
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: httpx.get(f"{url}/health/ready").status_code == 503)
        assert not answer.done()
        process.send_signal(signal.SIGTERM)
        check_refused(answer.result(30))
        assert process.wait(30) == 0


def test_a_second_signal_ends_the_wait_for_a_worker(tmp_path: Path) -> None:
    """One that computes what nobody waits for any longer."""
    held = Held(tmp_path)
    with live(held.model, Settings(drain_seconds=FOREVER, drain_notice_seconds=0)) as (url, server):
        answer = posted(url, "/v1/classify", 0.05)
        assert answer.result(20).json()["error"]["type"] == "deadline"
        assert held.inside.wait(20)
        server.handle_exit(signal.SIGTERM, None)
        wait_until(lambda: served_by(server).batcher.queue._closed)  # it stops
        server.handle_exit(signal.SIGTERM, None)
    held.release.set()


def test_a_body_that_still_arrives_at_the_end_is_refused(
    model: PairModel, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entailment.serve.run, "_CLOSING_SECONDS", 0.1)
    with live(model, Settings(drain_notice_seconds=0)) as (url, server):
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            head = f"POST /v1/classify HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            connection.sendall(f"{head}Content-Length: 900\r\n\r\n{{".encode())
            wait_until(lambda: bool(server.server_state.tasks))
            server.handle_exit(signal.SIGTERM, None)
            reply = connection.makefile("rb").read()
    assert reply.startswith(b"HTTP/1.1 503")
    assert b"retry-after: 1" in reply
    assert json.loads(reply.partition(b"\r\n\r\n")[2])["error"]["type"] == "draining"
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["message"] for line in lines if "event" not in line] == [
        "Cancel 1 running task(s), timeout graceful shutdown exceeded"
    ]
