"""Whatever goes wrong, all that was taken in is answered or refused, each fault told to its own request."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from tests.serve.support import CLASSIFY, HookedEngine, asked, service_of, stub_model

import entailment.tasks.locating
from entailment.errors import EntailmentError, NonFiniteLogitsError
from entailment.serve.refusals import RefusedError
from entailment.serve.service import Service
from entailment.serve.settings import Limits, Settings
from entailment.tasks.windows import Words
from entailment.tasks.zero_shot import ZeroShotClassifier
from entailment.text.pairs import EncodedPair

Hook = Callable[[Sequence[EncodedPair]], object]
ONE_WORKER = Settings(workers=1)  # that one batch may hold up all others
POISON = 13  # tokens of a premise that no engine of these tests survives


class Death(BaseException):
    """What no `except Exception` holds up."""


def poisoned(pairs: Sequence[EncodedPair]) -> bool:
    return any(len(pair.premise) == POISON for pair in pairs)


def body(words: int) -> dict[str, Any]:
    """A request whose premise has `words` tokens beside [CLS] and [SEP]."""
    return {"text": " ".join(["game"] * words), "labels": ["game", "music"]}


POISONED = body(POISON - 2)


class Held:
    """An engine's hook that lets a batch in and holds it until it is released."""

    def __init__(self) -> None:
        self.inside = threading.Event()
        self.release = threading.Event()
        self.armed = False

    def __call__(self, _: Sequence[EncodedPair]) -> None:
        if self.armed:
            self.inside.set()
            assert self.release.wait(20)


async def happens(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.002)


def run(
    folder: Path,
    hook: Hook,
    scene: Callable[[httpx.AsyncClient, Service], Any],
    settings: Settings = ONE_WORKER,
) -> Any:
    """Plays a scene with a client and a service whose engine calls the hook."""

    async def play() -> Any:
        async with asked(stub_model(folder, HookedEngine(hook)), settings) as client:
            service = service_of(client.app)  # type: ignore[attr-defined]
            found = await asyncio.wait_for(scene(client, service), 60)
            await happens(lambda: not service.batcher.admission.places)
            assert (service.batcher.admission._pairs, service.batcher.admission._tokens) == (0, 0)
            return found

    return asyncio.run(play())


async def post(client: httpx.AsyncClient, asked_for: dict[str, Any]) -> httpx.Response:
    return await client.post("/v1/classify", json=asked_for)


def kinds(replies: Sequence[httpx.Response]) -> Counter[str]:
    return Counter("answer" if reply.is_success else reply.json()["error"]["type"] for reply in replies)


@pytest.mark.parametrize("error", [RuntimeError("secret"), NonFiniteLogitsError("NaN"), MemoryError()])
def test_a_model_that_raises_fails_its_own_request_only(folder: Path, error: Exception) -> None:
    held = Held()

    def hook(pairs: Sequence[EncodedPair]) -> None:
        held(pairs)
        if poisoned(pairs):
            raise error

    async def scene(client: httpx.AsyncClient, service: Service) -> list[httpx.Response]:
        held.armed = True
        first = asyncio.ensure_future(post(client, body(3)))
        await happens(held.inside.is_set)
        rest = [
            asyncio.ensure_future(post(client, wanted)) for wanted in [body(4), POISONED, body(5), body(6)]
        ]
        await happens(lambda: len(service.batcher.queue) == 4)  # so that they run in one batch
        held.release.set()
        replies = await asyncio.gather(first, *rest)
        assert service.batcher.workers.alive() == 1
        return list(replies)

    replies = run(folder, hook, scene)
    assert [reply.status_code for reply in replies] == [200, 200, 500, 200, 200]
    assert replies[2].json()["error"]["type"] == "model_failed"
    assert "secret" not in replies[2].text
    classifier = ZeroShotClassifier(stub_model(folder))
    for reply, words in zip([replies[1], *replies[3:]], (4, 5, 6), strict=True):
        right = classifier(body(words)["text"], ["game", "music"])
        assert reply.json()["results"][0]["scores"] == pytest.approx(right["scores"], abs=1e-6)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_worker_that_dies_is_replaced_and_only_the_guilty_is_refused(folder: Path, workers: int) -> None:
    held = Held()

    def hook(pairs: Sequence[EncodedPair]) -> None:
        held(pairs)
        if poisoned(pairs):
            raise Death

    async def scene(client: httpx.AsyncClient, service: Service) -> list[httpx.Response]:
        held.armed = True
        first = [asyncio.ensure_future(post(client, body(3))) for _ in range(workers)]
        await happens(held.inside.is_set)
        rest = [asyncio.ensure_future(post(client, wanted)) for wanted in [body(4), POISONED, body(5)] * 5]
        await asyncio.sleep(0.1)
        held.release.set()
        replies = await asyncio.gather(*first, *rest)
        await happens(lambda: service.batcher.workers.alive() == workers)
        assert service.ready
        assert (await post(client, body(7))).status_code == 200
        return list(replies)

    replies = run(folder, hook, scene, Settings(workers=workers))
    assert kinds(replies) == {"answer": workers + 10, "worker_lost": 5}
    lost = next(reply for reply in replies if reply.status_code == 503)
    assert lost.headers["Retry-After"] == "1"


def test_an_engine_that_dies_once_loses_nobody(folder: Path) -> None:
    deaths = iter([False, True])  # the warm pair, then the first request

    def hook(_: Sequence[EncodedPair]) -> None:
        if next(deaths, False):
            raise SystemExit

    async def scene(client: httpx.AsyncClient, service: Service) -> httpx.Response:
        return await post(client, CLASSIFY)

    assert run(folder, hook, scene).status_code == 200


def test_an_engine_that_answers_in_the_wrong_shape(folder: Path) -> None:
    class Wrong(HookedEngine):
        def logits(self, pairs: Sequence[EncodedPair]) -> np.ndarray:
            return super().logits(pairs)[: None if len(self.calls) == 1 else -1]

    async def play() -> httpx.Response:
        async with asked(stub_model(folder, Wrong(lambda _: None))) as client:
            return await post(client, CLASSIFY)

    assert asyncio.run(play()).json()["error"]["type"] == "model_failed"


def test_a_model_that_cannot_do_a_first_pair_is_not_served(folder: Path) -> None:
    def hook(_: Sequence[EncodedPair]) -> None:
        raise RuntimeError

    async def play() -> None:
        async with asked(stub_model(folder, HookedEngine(hook))):
            raise AssertionError

    with pytest.raises(EntailmentError, match=r"did not start: .* the model failed") as error:
        asyncio.run(play())
    assert not isinstance(error.value, RefusedError)


@pytest.mark.parametrize("path", ["/v1/classify", "/v1/check"])
def test_a_client_that_hangs_up_leaves_the_line(folder: Path, path: str) -> None:
    held = Held()
    asked_for = {"/v1/classify": body(4), "/v1/check": {"document": "the game", "claims": ["game"]}}[path]

    async def scene(client: httpx.AsyncClient, service: Service) -> int:
        engine = service.model.engine
        assert isinstance(engine, HookedEngine)
        held.armed = True
        first = asyncio.ensure_future(post(client, body(3)))
        await happens(held.inside.is_set)
        before = sum(engine.calls)
        gone = [await begun(client, path, asked_for) for _ in range(4)]
        await happens(lambda: len(service.batcher.queue) == 4)
        assert service.batcher.admission.places == 5
        for hang_up in gone:
            hang_up()
        await happens(lambda: service.batcher.admission.places == 1 and not len(service.batcher.queue))
        held.release.set()
        assert (await first).status_code == 200
        assert (await post(client, body(5))).status_code == 200
        return sum(engine.calls) - before

    assert run(folder, held, scene) == 2  # of the clients that went away nothing was run


async def begun(client: httpx.AsyncClient, path: str, asked_for: dict[str, Any]) -> Callable[[], None]:
    """Sends a request to the application itself, whose client hangs up when the result is called."""
    content = httpx.Request("POST", "http://stub", json=asked_for).content
    hung_up = asyncio.Event()
    messages = [{"type": "http.request", "body": content, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await hung_up.wait()
        return {"type": "http.disconnect"}

    async def send(_: object) -> None:
        raise AssertionError("nobody is there to be answered")

    headers = [(b"content-type", b"application/json")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "headers": headers,
        "query_string": b"",
    }
    task = asyncio.ensure_future(client.app(scope, receive, send))  # type: ignore[attr-defined]
    task.add_done_callback(lambda done: done.result())
    return hung_up.set


@pytest.mark.parametrize("path", ["/v1/classify", "/v1/check"])
def test_a_deadline_is_kept_whatever_the_model_does(folder: Path, path: str) -> None:
    held = Held()
    asked_for = {"/v1/classify": body(4), "/v1/check": {"document": "the game", "claims": ["game"]}}[path]

    async def scene(client: httpx.AsyncClient, service: Service) -> httpx.Response:
        engine = service.model.engine
        assert isinstance(engine, HookedEngine)
        held.armed = True
        first = asyncio.ensure_future(post(client, body(3)))
        await happens(held.inside.is_set)
        before = len(engine.calls)
        late = await client.post(path, json=asked_for, headers={"X-Request-Timeout": "0.05"})
        held.release.set()
        assert (await first).status_code == 200
        assert (await post(client, body(5))).status_code == 200
        assert len(engine.calls) == before + 1  # what was late never reached the model
        return late

    late = run(folder, held, scene)
    assert late.status_code == 503
    assert late.json()["error"]["type"] == "deadline"
    assert late.headers["Retry-After"] == "1"


@pytest.mark.parametrize("by", ["pairs", "tokens"])
def test_back_pressure_counts_work(folder: Path, by: str) -> None:
    held = Held()
    settings = replace(ONE_WORKER, queue_pairs=10) if by == "pairs" else replace(ONE_WORKER, queue_tokens=100)

    async def scene(client: httpx.AsyncClient, service: Service) -> list[httpx.Response]:
        held.armed = True
        requests = [asyncio.ensure_future(post(client, body(3)))]
        await happens(held.inside.is_set)
        # One large request may cross the line, and then nobody else.
        large = {"texts": ["the team won the game"] * 4, "labels": ["game", "music", "team"]}
        requests.append(asyncio.ensure_future(post(client, large)))
        await happens(lambda: len(service.batcher.queue) == 1)
        attempts: list[dict[str, Any]] = [body(3), {}, large]
        refused = [await post(client, wanted) for wanted in attempts]
        check = await client.post("/v1/check", json={"document": "the game", "claims": ["game"]})
        held.release.set()
        accepted = await asyncio.gather(*requests)
        assert all(reply.is_success for reply in accepted)
        assert (await post(client, body(3))).is_success
        return [*refused, check]

    for reply in run(folder, held, scene, settings):
        assert reply.status_code == 429
        assert reply.json()["error"]["type"] == "overloaded"
        assert int(reply.headers["Retry-After"]) >= 1


def test_draining_refuses_what_is_new_and_finishes_what_is_old(folder: Path) -> None:
    held = Held()

    async def scene(client: httpx.AsyncClient, service: Service) -> list[httpx.Response]:
        held.armed = True
        first = [asyncio.ensure_future(post(client, body(3))) for _ in range(4)]
        await happens(held.inside.is_set)
        await happens(lambda: service.batcher.admission.places == 4)
        assert (await client.get("/health/ready")).json() == {"status": "ready"}
        service.drain()
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()) == (503, {"status": "draining"})
        assert (await client.get("/health/live")).status_code == 200
        late = await post(client, body(3))
        assert late.headers["Connection"] == "close"
        held.release.set()
        return [*(await asyncio.gather(*first)), late]

    replies = run(folder, held, scene)
    assert [reply.status_code for reply in replies] == [200] * 4 + [503]
    assert replies[-1].json()["error"]["type"] == "draining"


def test_a_stop_that_is_out_of_time_refuses_what_is_left(folder: Path) -> None:
    held = Held()

    async def play() -> list[httpx.Response]:
        async with asked(
            stub_model(folder, HookedEngine(held)), replace(ONE_WORKER, drain_seconds=0.05)
        ) as client:
            service = service_of(client.app)  # type: ignore[attr-defined]
            held.armed = True
            first = asyncio.ensure_future(post(client, body(3)))
            await happens(held.inside.is_set)
            check = client.post("/v1/check", json={"document": "the game", "claims": ["game"]})
            rest = [asyncio.ensure_future(post(client, body(4))), asyncio.ensure_future(check)]
            await happens(lambda: len(service.batcher.queue) == 2)
            await asyncio.to_thread(service.stop)
            left = await asyncio.gather(*rest)
            held.release.set()
            return [*left, await first]

    replies = asyncio.run(play())
    assert kinds(replies) == {"draining": 2, "answer": 1}


@pytest.mark.parametrize("workers", [1, 2])
def test_answers_are_those_of_the_library_whatever_runs_beside_them(folder: Path, workers: int) -> None:
    """Large and small requests of all kinds at once, cut into pieces and mixed."""
    model = stub_model(folder)
    texts = [f"the team {'won the game ' * (number % 7)} music" for number in range(60)]
    labels = [["game", "music", "team", "city"][: 1 + number % 4] for number in range(60)]
    classifier = ZeroShotClassifier(model)

    async def play() -> None:
        async with asked(model, Settings(workers=workers, batch_tokens=64, queue_pairs=10_000)) as client:
            large = {"texts": texts, "labels": labels}
            small = [{"text": text, "labels": row} for text, row in zip(texts, labels, strict=True)]
            wishes: list[dict[str, Any]] = [large, *small, large]
            replies = await asyncio.gather(*(post(client, wanted) for wanted in wishes))
            right = classifier(texts, labels)
            for reply in (replies[0], replies[-1]):
                check(reply.json()["results"], right)
            for reply, one in zip(replies[1:-1], right, strict=True):
                check(reply.json()["results"], [one])

    def check(found: list[dict[str, Any]], right: Sequence[Any]) -> None:
        for one, other in zip(found, right, strict=True):
            assert one["labels"] == other["labels"]
            assert one["scores"] == pytest.approx(other["scores"], abs=1e-6)

    asyncio.run(play())


STRANGE = {"document": "The team won the game. " * 30, "claims": ["music", "city", "money"]}  # no word shared


def test_limits_of_a_check_hold_before_anything_is_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How many pairs it needs is known only when its sentences are: each of them, where a word is missing."""
    made: list[object] = []
    monkeypatch.setattr(entailment.tasks.locating, "Reading", lambda *parts: made.append(parts))

    async def scene(client: httpx.AsyncClient, service: Service) -> httpx.Response:
        return await client.post("/v1/check", json=STRANGE)

    reply = run(folder, lambda _: None, scene, Settings(limits=Limits(pairs=50)))
    assert (reply.status_code, reply.json()["error"]["type"]) == (413, "too_many_pairs")
    # It ends with the claim that is one too many.
    assert reply.json()["error"]["message"].startswith("60 pairs are more than the 50")
    assert not made


def test_limits_of_a_check_hold_while_it_runs(folder: Path) -> None:
    """With the windows around its sentences it has more pairs than it has sentences."""

    async def scene(client: httpx.AsyncClient, service: Service) -> httpx.Response:
        return await client.post("/v1/check", json=STRANGE)

    reply = run(folder, lambda _: None, scene, Settings(limits=Limits(pairs=100)))
    assert (reply.status_code, reply.json()["error"]["type"]) == (413, "too_many_pairs")


def test_a_check_that_nobody_waits_for_stops(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    read: list[str] = []
    relevance = Words.relevance

    def slow(words: Words, claim: str) -> Any:
        read.append(claim)
        assert release.wait(20)
        return relevance(words, claim)

    monkeypatch.setattr(Words, "relevance", slow)

    async def scene(client: httpx.AsyncClient, service: Service) -> httpx.Response:
        reply = await client.post("/v1/check", json=STRANGE, headers={"X-Request-Timeout": "0.05"})
        release.set()
        await asyncio.wrap_future(service.batcher._checkers.submit(int))  # behind it, in the only thread
        return reply

    reply = run(folder, lambda _: None, scene, replace(ONE_WORKER, check_threads=1))
    assert (reply.status_code, reply.json()["error"]["type"]) == (503, "deadline")
    assert read == STRANGE["claims"][:1]
