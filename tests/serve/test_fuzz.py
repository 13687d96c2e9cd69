"""Malformed bodies by the thousand, and what OpenAPI allows: never a 5xx, and always as described."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.serve.support import CLASSIFY, asked, live

from entailment.serve.settings import Limits, Settings
from entailment.tasks.model import PairModel

BODIES: dict[str, Any] = {
    "/v1/classify": {**CLASSIFY, "template": "It is {}.", "multi_label": True, "threshold": 0.5},
    "/v1/nli": {"pairs": [{"premise": "the team won", "hypothesis": "the game"}]},
    "/v1/check": {
        "document": "The team won. Music was played.",
        "claims": ["the team won"],
        "threshold": 0.5,
    },
    "/": {"inputs": "the team won", "parameters": {"candidate_labels": ["game"], "top_k": 1}},
    "/predict": {"inputs": [["the team", "the game"]], "truncate": True, "raw_scores": False},
    "/rerank": {"query": "the game", "texts": ["the team won", "music"], "return_text": True},
}
ODD: tuple[object, ...] = (
    None, True, 0, -1, 10**400, 1e308, float("nan"), float("inf"), "", " ", "\x00", "\ud800", "\u202e", "{}",
    "{0}", [], [[]], [None], ["a", 1], [["a"], "b"], {}, {"a": {}}, "x" * 5000, ["a"] * 300, [[[["a"]]]],
)  # fmt: skip
TOLD = {200, 408, 413, 415, 422}


def bent(value: Any, rng: random.Random) -> Any:
    """A copy with one or more places replaced, removed, doubled or renamed."""
    if rng.random() < 0.25:
        return rng.choice(ODD)
    if isinstance(value, dict) and value:
        copy, key = dict(value), rng.choice(list(value))
        match rng.randrange(4):
            case 0:
                del copy[key]
            case 1:
                copy[key + rng.choice(["", "x", "\u00e4"])] = copy.pop(key)
            case _:
                copy[key] = bent(copy[key], rng)
        return copy
    if isinstance(value, list) and value:
        copied, place = list(value), rng.randrange(len(value))
        copied[place] = bent(copied[place], rng)
        return copied * rng.choice([1, 1, 2, 40])
    return rng.choice(ODD)


def broken(content: bytes, rng: random.Random) -> bytes:
    """Bytes cut off, replaced, put in or turned round."""
    place = rng.randrange(len(content) + 1)
    match rng.randrange(5):
        case 0:
            return content[:place]
        case 1:
            return content[:place] + rng.randbytes(3) + content[place:]
        case 2:
            return content[:place] + b"\\ud83d" + content[place:]
        case 3:
            return rng.choice([b"[", b'{"a":', b'"']) * rng.randrange(1, 3000) + content
        case _:
            return rng.randbytes(rng.randrange(200))


def malformed(path: str, rng: random.Random) -> bytes:
    value = bent(BODIES[path], rng)
    content = json.dumps(value, ensure_ascii=rng.random() < 0.7).encode("utf-8", "surrogatepass")
    return broken(content, rng) if rng.random() < 0.3 else content


def fuzz(model: PairModel, count: int, seed: int) -> Counter[int]:
    """Sends so many malformed bodies and checks every reply; returns how many had which status."""
    rng = random.Random(seed)
    statuses: Counter[int] = Counter()

    async def one(client: httpx.AsyncClient) -> None:
        path = rng.choice(list(BODIES))
        content = malformed(path, rng)
        kind = (
            "application/json" if rng.random() < 0.97 else rng.choice(["", "text/plain", "application/xml"])
        )
        reply = await client.post(path, content=content, headers={"Content-Type": kind})
        assert reply.status_code in TOLD, (path, content, reply.text)
        body = reply.json()
        if reply.status_code != 200:
            message = body["error"]["message"] if path.startswith("/v1") else body["error"]
            assert isinstance(message, str), (path, content)
            assert message, (path, content)
        statuses[reply.status_code] += 1

    async def run() -> None:
        small = Settings(limits=Limits(body_bytes=4000, texts=60, labels=100, pairs=500, characters=3000))
        async with asked(model, small) as client:
            for _ in range(count):
                await one(client)

    asyncio.run(run())
    return statuses


def test_malformed_bodies(model: PairModel) -> None:
    statuses = fuzz(model, 1000, seed=1)
    assert set(statuses) >= {200, 413, 415, 422}  # they are not all refused for the same reason


@pytest.mark.slow
def test_ten_thousand_malformed_bodies(model: PairModel) -> None:
    assert sum(fuzz(model, 10_000, seed=2).values()) == 10_000


CHECKS: list[Callable[..., Any]] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def described(model: PairModel, examples: int) -> Counter[str]:
    """Requests made from the OpenAPI description, every reply checked against it; how many of each."""
    seen: Counter[str] = Counter()
    with live(model, Settings(default_labels=("game",))) as (url, _):
        schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
        for result in schema.get_all_operations():
            check_operation(result.ok(), examples, seen)  # type: ignore[union-attr]
    return seen


def check_operation(operation: Any, examples: int, seen: Counter[str]) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def conforms(case: Any) -> None:
        case.call_and_validate(checks=CHECKS)
        seen[operation.label] += 1

    conforms()


def test_the_description_holds(model: PairModel) -> None:
    seen = described(model, examples=8)
    assert len(seen) == 12
    assert {"POST /v1/classify", "POST /", "POST /rerank", "GET /health/ready"} <= set(seen)


@pytest.mark.slow
def test_the_description_holds_for_long(model: PairModel) -> None:
    described(model, examples=300)
