"""Who may ask, how much, in what form; and what every reply bears."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import logging
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from tests.serve.support import CLASSIFY, ask, asked, live, service_of

from entailment.serve.app import create_app
from entailment.serve.logs import FIELDS
from entailment.serve.pages import POLICY, page_routes
from entailment.serve.responses import COMPATIBLE, ROUTES
from entailment.serve.settings import Limits, Settings
from entailment.tasks.model import PairModel

JSON = {"Content-Type": "application/json"}
TELLTALE = "text-that-must-not-be-logged"


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Bearer second-key", 200),
        ("bearer  second-key ", 200),
        ("Bearer first", 200),
        ("Bearer firs", 401),
        ("Bearer first2", 401),
        ("Bearer ", 401),
        ("Basic first", 401),
        ("first", 401),
        ("Bearer schl\u00fcssel", 401),
        (None, 401),
    ],
)
@pytest.mark.parametrize("path", ["/v1/classify", "/"])
def test_api_keys(model: PairModel, header: str | None, status: int, path: str) -> None:
    headers = {} if header is None else {b"Authorization": header.encode("latin-1")}
    asked_for = CLASSIFY if path != "/" else {"inputs": "a", "parameters": {"candidate_labels": ["a"]}}
    settings = Settings(api_keys=("first", "second-key"))
    reply = ask(model, lambda client: client.post(path, json=asked_for, headers=headers), settings)
    assert reply.status_code == status
    if status == 401:
        assert reply.headers["WWW-Authenticate"] == "Bearer"
        body = reply.json()
        assert (body["error_type"] if path == "/" else body["error"]["type"]) == "unauthorized"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/health/live", 200),
        ("/health/ready", 200),
        ("/health", 200),
        ("/metrics", 200),
        ("/openapi.json", 200),
        ("/page/nothing.css", 404),
        ("/v1/models", 401),
        ("/info", 401),
        ("/nowhere", 401),
    ],
)
def test_what_is_open_without_a_key(model: PairModel, path: str, status: int) -> None:
    assert ask(model, lambda client: client.get(path), Settings(api_keys=("key",))).status_code == status


@pytest.mark.parametrize("stated", [True, False])
@pytest.mark.parametrize(("size", "status"), [(1000, 422), (1001, 413), (3000, 413), (50_000, 413)])
def test_a_body_is_counted_while_it_arrives(model: PairModel, stated: bool, size: int, status: int) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, size, 100):
            yield b" " * min(100, size - start)

    content = b" " * size if stated else parts()
    settings = Settings(limits=Limits(body_bytes=1000))
    reply = ask(model, lambda client: client.post("/v1/classify", content=content, headers=JSON), settings)
    assert reply.status_code == status
    assert reply.json()["error"].get("limit") == (1000 if status == 413 else None)


def test_a_body_that_never_arrives_is_given_up(model: PairModel) -> None:
    with live(model, Settings(limits=Limits(body_bytes=1000), body_seconds=0.3)) as (url, _):
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            head = f"POST /v1/classify HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            connection.sendall(f"{head}Content-Length: 900\r\n\r\n{{".encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp", ""],
)
def test_other_types_than_json_are_refused(model: PairModel, kind: str) -> None:
    content = json.dumps(CLASSIFY).encode()
    reply = ask(
        model, lambda client: client.post("/v1/classify", content=content, headers={"Content-Type": kind})
    )
    assert reply.status_code == 415
    assert reply.json()["error"]["type"] == "not_json"


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", "application/ld+json"]
)
def test_json_by_any_name_is_taken(model: PairModel, kind: str) -> None:
    content = json.dumps(CLASSIFY).encode()
    reply = ask(
        model, lambda client: client.post("/v1/classify", content=content, headers={"Content-Type": kind})
    )
    assert reply.status_code == 200


@pytest.mark.parametrize(("encoding", "status"), [("gzip", 415), ("BR", 415), ("identity", 200), ("", 200)])
def test_compressed_bodies_are_refused_by_name(model: PairModel, encoding: str, status: int) -> None:
    content = json.dumps(CLASSIFY).encode()
    content = gzip.compress(content) if encoding == "gzip" else content
    headers = {**JSON, "Content-Encoding": encoding}
    reply = ask(model, lambda client: client.post("/v1/classify", content=content, headers=headers))
    assert reply.status_code == status
    if status == 415:
        assert reply.json()["error"]["type"] == "body_encoded"
        assert f"encoded as '{encoding.lower()}'; send it plain" in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"\xff\xfe\x00",
        b'{"text": "\xff"}',
        b'{"text": NaN, "labels"',
        b"nul",
        b'"\\ud800"',
    ],
)
def test_broken_json(model: PairModel, content: bytes) -> None:
    reply = ask(model, lambda client: client.post("/v1/classify", content=content, headers=JSON))
    assert reply.status_code == 422
    assert reply.json()["error"]["type"] in ("invalid_json", "invalid_request")


@pytest.mark.parametrize(
    "content", [b'{"text":"\\ud800","labels":["a"]}', b'{"text":"a","labels":["a"],"\\ud800":1}']
)
def test_half_surrogates_are_refused_in_valid_json(model: PairModel, content: bytes) -> None:
    reply = ask(model, lambda client: client.post("/v1/classify", content=content, headers=JSON))
    assert reply.status_code == 422
    assert reply.json()["error"]["message"]


def test_request_ids(model: PairModel) -> None:
    async def run() -> tuple[list[str], list[str]]:
        given = ["a-1.b_2", "x" * 64, "x" * 65, "a b", "", "a\u00e4"]
        async with asked(model) as client:
            back = [
                (await client.get("/health/live", headers={b"X-Request-ID": name.encode("latin-1")})).headers[
                    "X-Request-ID"
                ]
                for name in given
            ]
        return given, back

    given, back = asyncio.run(run())
    assert back[:2] == given[:2]
    assert all(re.fullmatch("[0-9a-f]{32}", name) for name in back[2:])
    assert len(set(back)) == len(back)


@pytest.mark.parametrize("path", ["/", "/page/app.js", "/health/live", "/nowhere", "/v1/models"])
def test_headers_of_every_reply(model: PairModel, path: str) -> None:
    reply = ask(model, lambda client: client.get(path))
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    assert "X-Request-ID" in reply.headers
    assert "server" not in reply.headers


def test_cors_is_off_unless_set(model: PairModel) -> None:
    origin = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}

    def asks(settings: Settings) -> list[httpx.Response]:
        async def run(client: httpx.AsyncClient) -> list[httpx.Response]:
            return [
                await client.options("/v1/classify", headers=origin),
                await client.post("/v1/classify", json=CLASSIFY, headers=origin),
            ]

        return ask(model, run, settings)

    for reply in asks(Settings()):
        assert "access-control-allow-origin" not in reply.headers
    for reply in asks(Settings(cors_origins=("https://example.org",))):
        assert reply.status_code == 200
        assert reply.headers["access-control-allow-origin"] == "https://example.org"


@pytest.mark.parametrize(
    ("header", "status"), [("5", 200), ("0.5", 200), ("0", 422), ("-1", 422), ("x", 422), ("nan", 422)]
)
def test_the_timeout_a_request_asks_for(model: PairModel, header: str, status: int) -> None:
    headers = {"X-Request-Timeout": header}
    reply = ask(model, lambda client: client.post("/v1/classify", json=CLASSIFY, headers=headers))
    assert reply.status_code == status


def test_the_log_is_json_without_anybodys_texts(model: PairModel, log: io.StringIO) -> None:
    async def run(client: httpx.AsyncClient) -> None:
        for body in (
            {"text": TELLTALE, "labels": [TELLTALE, TELLTALE, "b"]},
            {"text": TELLTALE * 60, "labels": [TELLTALE]},
            {"text": "a", "labels": [TELLTALE * 60]},
            {"text": "a", "labels": ["a"], "template": TELLTALE},
            {TELLTALE: 1},
        ):
            await client.post("/v1/classify", json=body)
        await client.post("/v1/classify", content=TELLTALE, headers=JSON)
        await client.post(
            f"/{TELLTALE}?{TELLTALE}={TELLTALE}", json={}, headers={"X-Request-ID": f"{TELLTALE} "}
        )
        await client.post("/v1/check", json={"document": TELLTALE, "claims": [TELLTALE]})
        await client.get(f"/page/{TELLTALE}.js")

    ask(model, run)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert TELLTALE not in log.getvalue()
    requests = [line for line in lines if line.get("event") == "request"]
    assert len(requests) == 9
    assert {"time", "level", "message", *FIELDS} >= {name for line in lines for name in line}
    assert requests[0]["route"] == "/v1/classify"
    assert requests[0]["pairs"] == 2
    assert requests[0]["tokens"] > 0
    assert requests[2]["refused"] == "bad_text"
    assert not [line for line in lines if line.get("event") == "fault"]


def test_the_library_is_silent_in_a_server(
    model: PairModel, log: io.StringIO, caplog: pytest.LogCaptureFixture
) -> None:
    """Its notes quote texts: they are neither said nor, if some were, passed on."""
    logging.getLogger("entailment").warning(TELLTALE)
    with caplog.at_level(logging.DEBUG, "entailment"):
        ask(model, lambda client: client.post("/v1/classify", json={"text": "a", "labels": [TELLTALE] * 2}))
    assert TELLTALE not in caplog.text + log.getvalue()


def test_what_uvicorn_says_is_json_without_anybodys_texts(log: io.StringIO) -> None:
    uvicorn = logging.getLogger("uvicorn.error")
    uvicorn.info(TELLTALE)
    uvicorn.error("Exception in ASGI application\n", exc_info=RuntimeError(TELLTALE))
    (line,) = log.getvalue().splitlines()
    told = json.loads(line)
    assert (told["message"], told["exception"]) == ("Exception in ASGI application", "RuntimeError")
    assert TELLTALE not in line


def test_the_metrics_are_without_texts_and_count(model: PairModel) -> None:
    async def run(client: httpx.AsyncClient) -> str:
        await client.post("/v1/classify", json=CLASSIFY)
        await client.post("/v1/classify", json={})
        await client.get(f"/{TELLTALE}")
        return (await client.get("/metrics")).text

    text = ask(model, run)
    assert TELLTALE not in text
    found = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert found['entailment_requests_total{route="/v1/classify",status="200"}'] == "1.0"
    assert found['entailment_requests_total{route="/v1/classify",status="422"}'] == "1.0"
    assert found['entailment_requests_total{route="other",status="404"}'] == "1.0"
    assert found['entailment_refusals_total{reason="invalid_request"}'] == "1.0"
    assert found["entailment_batch_pairs_sum"] == "3.0"  # with the warm one
    assert found["entailment_pairs_in_hand"] == "0.0"
    assert found["entailment_tokens_in_hand"] == "0.0"
    for name in ("queue", "tokenisation", "model", "request"):
        assert float(found[f"entailment_{name}_seconds_count"]) >= 1


def test_refusals_before_routing_are_counted_by_route(model: PairModel) -> None:
    async def run(client: httpx.AsyncClient) -> str:
        await client.post("/v1/nli", content=b"{}")
        return (await client.get("/metrics")).text

    assert 'entailment_requests_total{route="/v1/nli",status="415"} 1.0' in ask(model, run)


def test_the_routes_that_are_known_are_all_routes(model: PairModel) -> None:
    paths = set(create_app(model).openapi()["paths"])
    assert paths <= set(ROUTES)
    assert set(COMPATIBLE) <= set(ROUTES)


def test_a_fault_of_ours_is_told_without_its_message(
    model: PairModel, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> httpx.Response:
        async with asked(model) as client:
            service = service_of(client.app)  # type: ignore[attr-defined]

            def broken(*_: Any, **__: Any) -> None:
                raise RuntimeError(TELLTALE)

            monkeypatch.setattr(service, "turn", broken)
            return await client.post("/v1/classify", json=CLASSIFY)

    reply = asyncio.run(run())
    assert reply.status_code == 500
    assert reply.json()["error"]["type"] == "internal"
    assert TELLTALE not in reply.text + log.getvalue()
    assert '"exception": "RuntimeError"' in log.getvalue()


def test_only_the_page_is_served_from_its_folder(model: PairModel, tmp_path: Path) -> None:
    (tmp_path / "page").mkdir()
    (tmp_path / "secret.js").write_text("secret")
    (tmp_path / "page" / "index.html").write_text("<p>hello")
    (tmp_path / "page" / "app.js").write_text("hello()")
    (tmp_path / "page" / "notes.txt").write_text("secret")
    (tmp_path / "page" / ".hidden.js").write_text("secret")
    (tmp_path / "page" / "link.js").symlink_to(tmp_path / "secret.js")
    app = FastAPI()
    app.include_router(page_routes(tmp_path / "page"))

    async def run(path: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://stub") as client:
            return await client.get(path)

    page = asyncio.run(run("/"))
    assert page.text == "<p>hello"
    assert page.headers["content-security-policy"] == POLICY
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert asyncio.run(run("/page/app.js")).headers["content-type"] == "text/javascript; charset=utf-8"
    inside = ("notes.txt", ".hidden.js", "link.js", "no.js", "", "a" * 300 + ".js", "a%00.js")
    for path in (*inside, "..%2fsecret.js", "%2e%2e/secret.js"):
        assert asyncio.run(run(f"/page/{path}")).status_code == 404, path


def test_the_description_tells_of_keys_where_there_are_some(model: PairModel) -> None:
    for settings, told in ((Settings(), False), (Settings(api_keys=("key",)), True)):
        described = create_app(model, settings).openapi()
        assert ("security" in described["paths"]["/v1/classify"]["post"]) is told
        assert "security" not in described["paths"]["/health/live"]["get"]
        assert described["paths"]["/v1/classify"]["post"]["requestBody"]["required"]
        assert described["components"]["schemas"]["ClassifyRequest"]["examples"]
