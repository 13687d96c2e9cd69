"""The client: the calls and answers of the library, its errors, and when it tries again."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from tests.serve.support import HookedEngine, live, stub_model

from entailment.client import AsyncClient, Client, ServerError
from entailment.client.replies import Retries
from entailment.errors import InputError, LabelsError, TemplateError, TextError
from entailment.serve.settings import Limits, Settings
from entailment.tasks.check import DocumentChecker
from entailment.tasks.model import PairModel
from entailment.tasks.nli import NLI
from entailment.tasks.zero_shot import ZeroShotClassifier

TEXTS = ["the team won the game", "music was played " * 30]
LABELS = ["game", "music"]
KEY = "key-of-our-own"

Answering = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> PairModel:
    return stub_model(tmp_path_factory.mktemp("client"))


@pytest.fixture(scope="module")
def url(model: PairModel) -> Iterator[str]:
    with live(model, Settings(api_keys=(KEY,), limits=Limits(labels=5))) as (address, _):
        yield address


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url, api_key=KEY) as found:
        yield found


def test_classify(client: Client, model: PairModel) -> None:
    classifier = ZeroShotClassifier(model)
    assert client.classify(TEXTS[0], LABELS) == classifier(TEXTS[0], LABELS)
    assert client.classify(TEXTS, LABELS) == classifier(TEXTS, LABELS)
    assert client.classify(TEXTS, [LABELS, ["city"]]) == classifier(TEXTS, [LABELS, ["city"]])
    assert client.classify(TEXTS[0], "game, music") == classifier(TEXTS[0], "game, music")
    assert client.classify(iter(TEXTS), iter(LABELS)) == classifier(TEXTS, LABELS)  # type: ignore[call-overload]
    assert client.classify(TEXTS, [LABELS, LABELS]) == classifier(TEXTS, LABELS)
    options: dict[str, Any] = {"multi_label": True, "threshold": 0.9, "hypothesis_template": "about {}"}
    assert client.classify(TEXTS, LABELS, **options) == classifier(TEXTS, LABELS, **options)
    found = client.classify(TEXTS, candidate_labels=LABELS, batch_size=8)
    assert found == classifier(TEXTS, candidate_labels=LABELS, batch_size=8)


def test_nli(client: Client, model: PairModel) -> None:
    pairs = [(TEXTS[0], "the game"), (TEXTS[1], "the game")]
    assert client.nli(*pairs[0]) == NLI(model)(*pairs[0])
    assert client.nli(pairs) == NLI(model)(pairs)


def test_check(client: Client, model: PairModel) -> None:
    document = "The team won the game. Music was played."
    claims = ["the team won", "money"]
    assert client.check(document, claims) == DocumentChecker(model)(document, claims)
    right = DocumentChecker(model)(document, claims, threshold=0.99)
    assert client.check(document, claims, threshold=0.99) == right


def test_models_and_readiness(client: Client) -> None:
    assert client.models()[0]["id"] == "stub"
    assert client.ready()
    with Client("http://127.0.0.1:9") as nobody:
        assert not nobody.ready()


def test_the_one_that_is_awaited(url: str, model: PairModel) -> None:
    async def run() -> None:
        async with AsyncClient(url, api_key=KEY) as client:
            found = await asyncio.gather(
                client.classify(TEXTS[0], LABELS),
                client.nli(TEXTS[0], "the game"),
                client.check("The team won the game.", ["the team"]),
                client.models(),
                client.ready(),
            )
            assert found[0] == ZeroShotClassifier(model)(TEXTS[0], LABELS)
            assert found[1] == NLI(model)(TEXTS[0], "the game")
            assert found[2] == DocumentChecker(model)("The team won the game.", ["the team"])
            assert found[3][0]["id"] == "stub"
            assert found[4]
            assert await client.classify(TEXTS[0], candidate_labels=LABELS, batch_size=8) == found[0]
            with pytest.raises(TextError, match="text 1 is empty"):
                await client.classify(" ", LABELS)

    asyncio.run(run())


def test_both_clients_take_the_same_arguments() -> None:
    names = [name for name in vars(Client) if not name.startswith("_")]
    assert names == [name for name in vars(AsyncClient) if not name.startswith("_")]
    for name in names:
        assert inspect.signature(getattr(Client, name)) == inspect.signature(getattr(AsyncClient, name))
        assert getattr(Client, name).__doc__ == getattr(AsyncClient, name).__doc__


@pytest.mark.parametrize(
    ("name", "call"),
    [("classify", ZeroShotClassifier.__call__), ("nli", NLI.__call__), ("check", DocumentChecker.__call__)],
)
def test_arguments_are_those_of_the_library(name: str, call: Callable[..., object]) -> None:
    ours, theirs = (inspect.signature(each).parameters for each in (getattr(Client, name), call))
    assert [(one.name, one.kind, one.default) for one in ours.values()] == [
        (one.name, one.kind, one.default) for one in theirs.values()
    ]


def test_nothing_is_asked_about_nothing(model: PairModel) -> None:
    """As in the library; and nobody need be there to say so."""
    nobody = "http://127.0.0.1:9"
    assert ZeroShotClassifier(model)([], LABELS) == []
    assert NLI(model)([]) == []
    with Client(nobody, retries=0) as client:
        assert client.classify([], LABELS) == []
        assert client.nli([]) == client.nli(iter(())) == []

    async def awaited() -> None:
        async with AsyncClient(nobody, retries=0) as other:
            assert await other.classify([], LABELS) == []
            assert await other.nli([]) == []

    asyncio.run(awaited())


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda client: client.classify("", LABELS), TextError, "text 1 is empty"),
        (lambda client: client.classify("a", []), LabelsError, "no candidate labels"),
        (lambda client: client.classify("a", list("abcdef")), LabelsError, "more than the 5"),
        (lambda client: client.classify(None, ["a"]), TextError, "not NoneType"),
        (lambda client: client.classify(["a", 7], ["a"]), TextError, "text 2 is not a text"),
        (lambda client: client.classify("a", None), LabelsError, "there are no candidate labels"),
        (lambda client: client.classify("a", ["a"], candidate_labels=["a"]), LabelsError, "two names"),
        (lambda client: client.classify([], []), LabelsError, "no candidate labels"),
        (lambda client: client.classify("a", ["a", 7]), LabelsError, "label 2 of 2 is 7"),
        (lambda client: client.classify("a", [["a"], ["b"]]), LabelsError, "more lists of labels"),
        (lambda client: client.classify("\ud800", ["a"]), TextError, "surrogate"),
        (lambda client: client.classify("a", ["\ud800"]), TextError, "surrogate"),
        (lambda client: client.classify("a", ["a"], threshold=float("nan")), InputError, "not nan"),
        (lambda client: client.classify("a", ["a"], multi_label="yes"), InputError, "multi_label"),
        (lambda client: client.classify("a", ["a"], hypothesis_template=None), TemplateError, "NoneType"),
        (lambda client: client.nli(None), TextError, "not NoneType"),
        (lambda client: client.nli([("a", "b", "c")]), TextError, "pair 1 is not a pair"),
        (lambda client: client.nli("a", 7), TextError, "pair 1 is not a pair"),
        (lambda client: client.nli("a", "\udfff"), TextError, "surrogate"),
        (lambda client: client.check("a", None), TextError, "must be a list"),
        (lambda client: client.check(None, ["a"]), TextError, "the document is NoneType"),
        (lambda client: client.check("a", ["a"], threshold=float("nan")), InputError, "not nan"),
        (lambda client: client.classify("a", LABELS, hypothesis_template="x"), TemplateError, "no slot"),
        (lambda client: client.classify("a", LABELS, threshold=2), InputError, "threshold"),
        (lambda client: client.classify("a" * 600_000, LABELS), TextError, "600,047 characters"),
        (lambda client: client.nli("a"), TextError, "needs both"),
        (lambda client: client.nli([("a", "b")], "c"), TextError, "not a list and a text"),
        (lambda client: client.check("a", "b"), TextError, "must be a list"),
    ],
)
def test_bad_input_raises_as_in_the_library(
    url: str, client: Client, call: Callable[[Any], Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says) as found:
        call(client)
    assert type(found.value) is error

    async def awaited() -> None:
        async with AsyncClient(url, api_key=KEY) as other:
            await call(other)

    with pytest.raises(error, match=says) as found:
        asyncio.run(awaited())
    assert type(found.value) is error


def test_a_wrong_key(url: str) -> None:
    with Client(url, api_key="other") as client, pytest.raises(ServerError, match="API key") as found:
        client.models()
    assert (found.value.status, found.value.type) == (401, "unauthorized")
    assert found.value.request_id


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_timeout_that_is_none(timeout: float) -> None:
    with pytest.raises(InputError, match="timeout"):
        Client(timeout=timeout)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that a client would have slept."""
    found: list[float] = []

    async def waited(seconds: float) -> None:
        found.append(seconds)

    # The names in these modules, not the functions: servers of other tests run in this process.
    monkeypatch.setattr("entailment.client.synchronous.time", SimpleNamespace(sleep=found.append))
    monkeypatch.setattr("entailment.client.asynchronous.asyncio", SimpleNamespace(sleep=waited))
    return found


def answers(*replies: httpx.Response | Exception) -> Answering:
    """One after the other; the last one for ever."""
    left = list(replies)

    def answer(_: httpx.Request) -> httpx.Response:
        reply = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(reply, Exception):
            raise reply
        return httpx.Response(reply.status_code, content=reply.content, headers=reply.headers)

    return answer


def busy(status: int = 429, **headers: str) -> httpx.Response:
    body = {"error": {"type": "overloaded", "message": "try again"}}
    return httpx.Response(
        status, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


FINE = httpx.Response(200, json={"data": [{"id": "it", "attention": "full", "labels": [], "max_length": 8}]})


def both(answer: Callable[[], Answering], retries: int) -> Iterator[Callable[[], object]]:
    """A call by either client."""

    def wait() -> object:
        with Client(transport=httpx.MockTransport(answer()), retries=retries) as client:
            return client.models()

    async def awaited() -> object:
        async with AsyncClient(transport=httpx.MockTransport(answer()), retries=retries) as client:
            return await client.models()

    yield wait
    yield lambda: asyncio.run(awaited())


@pytest.mark.parametrize("fault", [busy(429), busy(503), httpx.Response(502), httpx.ConnectError("refused")])
def test_it_tries_again(waits: list[float], fault: httpx.Response | Exception) -> None:
    for call in both(lambda: answers(fault, fault, FINE), retries=2):
        waits.clear()
        assert call()
        assert len(waits) == 2
        assert 0.125 <= waits[0] <= 0.375
        assert 0.25 <= waits[1] <= 0.75


def test_it_waits_as_long_as_the_server_says(waits: list[float]) -> None:
    for call in both(lambda: answers(busy(Retry_After="7"), busy(Retry_After="900"), FINE), retries=3):
        waits.clear()
        assert call()
        assert 7 < waits[0] < 8
        assert waits[1] == 30


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (busy(), "try again"),
        (httpx.ReadTimeout("slow"), "no answer from http://127.0.0.1:8000: ReadTimeout slow"),
        (httpx.Response(502, text="<html>"), "answered 502"),
    ],
)
def test_in_the_end_it_gives_up(waits: list[float], fault: httpx.Response | Exception, says: str) -> None:
    for call in both(lambda: answers(fault), retries=2):
        waits.clear()
        with pytest.raises(ServerError, match=says):
            call()
        assert len(waits) == 2


@pytest.mark.parametrize("status", [400, 401, 404, 413, 422, 500])
def test_what_would_be_the_same_again_is_not_tried_again(waits: list[float], status: int) -> None:
    for call in both(lambda: answers(busy(status)), retries=5):
        with pytest.raises((InputError, ServerError)):
            call()
    assert waits == []


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"error": 7}', b"[]"])
def test_replies_of_somebody_else(body: bytes) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(404, content=body))
    says = "answered 404 without saying why"
    with Client(transport=transport) as client, pytest.raises(ServerError, match=says):
        client.models()


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"data": 7}', b'{"data": [7]}', b'{"data": null}']
)
def test_answers_that_are_none(body: bytes) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
    with (
        Client(transport=transport) as client,
        pytest.raises(ServerError, match="is it a server of entailment"),
    ):
        client.models()


def test_delays_grow_and_end() -> None:
    policy = Retries(20)
    delays = [policy.delay(tries, None) for tries in range(1, 22)]
    assert delays[-1] is None
    assert all(0 < (delay or 0) <= 30 for delay in delays[:-1])
    assert policy.delay(1, httpx.Response(200)) is None


def test_the_server_gives_up_no_later_than_the_client(tmp_path: Path) -> None:
    release = threading.Event()
    engine = HookedEngine(lambda pairs: len(engine.calls) > 1 and release.wait(20))
    with live(stub_model(tmp_path, engine)) as (url, _), Client(url, timeout=0.1, retries=0) as client:
        with pytest.raises(ServerError) as found:
            client.classify("the game", LABELS)
        release.set()
    assert (found.value.status, found.value.type) == (503, "deadline")
