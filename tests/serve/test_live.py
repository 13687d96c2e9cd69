"""Over real sockets: the clients people have, the bundled model, and a SIGTERM under load."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError
from tests.serve.support import CLASSIFY, command, live, wait_until
from tests.tiny import tiny_bert

from entailment.serve.settings import Settings
from entailment.tasks.model import PairModel, load_model
from entailment.tasks.nli import NLI
from entailment.tasks.zero_shot import ZeroShotClassifier

TEXT = "the team won the game"
KEY = "hf_of-our-own"


@pytest.fixture(scope="module")
def url(model: PairModel) -> Iterator[str]:
    with live(model, Settings(default_labels=("music", "game"), api_keys=(KEY,))) as (address, _):
        yield address


@pytest.mark.parametrize("named", ["base_url", "model"])
def test_zero_shot_by_the_inference_client(url: str, model: PairModel, named: str) -> None:
    client = InferenceClient(**{named: url}, token=KEY)  # type: ignore[arg-type]
    found = client.zero_shot_classification(TEXT, ["music", "game"])
    right = ZeroShotClassifier(model)(TEXT, ["music", "game"])
    assert [entry.label for entry in found] == right["labels"]
    assert [entry.score for entry in found] == pytest.approx(right["scores"], abs=1e-6)
    found = client.zero_shot_classification(
        TEXT, ["music", "game"], multi_label=True, hypothesis_template="about {}"
    )
    right = ZeroShotClassifier(model)(
        TEXT, ["music", "game"], multi_label=True, hypothesis_template="about {}"
    )
    assert [entry.score for entry in found] == pytest.approx(right["scores"], abs=1e-6)


def test_text_classification_by_the_inference_client(url: str, model: PairModel) -> None:
    client = InferenceClient(base_url=url, token=KEY)
    found = client.text_classification(f"{TEXT} [SEP] the game")
    right = NLI(model)(TEXT, "the game")
    assert {entry.label: entry.score for entry in found} == pytest.approx(right.scores, abs=1e-6)
    assert [entry.label for entry in client.text_classification(TEXT, top_k=1)] == ["game"]


def test_the_inference_client_is_told_what_was_wrong(url: str) -> None:
    with pytest.raises(HfHubHTTPError, match="text 1 is empty"):
        InferenceClient(base_url=url, token=KEY).zero_shot_classification(" ", ["music"])
    with pytest.raises(HfHubHTTPError, match="401"):
        InferenceClient(base_url=url, token=KEY[:-1]).zero_shot_classification(TEXT, ["music"])


def test_an_oversized_body_hears_the_answer(url: str) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=url) as client:
        reply = client.post("/v1/classify", content=b" " * 3_000_000, headers=headers)
        assert reply.status_code == 413
        assert reply.json()["error"]["type"] == "body_too_large"
        assert client.post("/v1/classify", json=CLASSIFY, headers=headers).status_code == 200


def test_the_bundled_model_answers_as_the_library_under_concurrency() -> None:
    model = load_model(threads=1)
    texts = [f"The striker scored {number} goals{' in the final' * (number % 5)}." for number in range(24)]
    labels = ["sports", "politics", "cooking"]
    right = ZeroShotClassifier(model)(texts, labels)

    async def ask(url: str) -> list[dict[str, Any]]:
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            bodies = [{"text": text, "labels": labels} for text in texts]
            asked = [client.post("/v1/classify", json=body) for body in bodies]
            asked.append(client.post("/v1/classify", json={"texts": texts, "labels": labels}))
            return [reply.raise_for_status().json() for reply in await asyncio.gather(*asked)]

    with live(model) as (url, _):
        *alone, together = asyncio.run(ask(url))
        facts = httpx.get(f"{url}/v1/models").json()["data"][0]
    assert (facts["id"], facts["attention"]) == ("bundled", "prefix")
    for reply in [[one["results"][0] for one in alone], together["results"]]:
        for found, one in zip(reply, right, strict=True):
            assert found["labels"] == one["labels"]
            assert found["scores"] == pytest.approx(one["scores"], abs=1e-6)


def test_sigterm_under_load_loses_nothing(tmp_path: Path) -> None:
    """All that was sent before the signal is answered; what comes after may be refused or not let in."""
    folder = tiny_bert(tmp_path / "model")
    body = {"texts": ["the team won the game"] * 8, "labels": ["game", "music"]}

    async def play(process: subprocess.Popen[str], url: str) -> tuple[list[object], list[object]]:
        limits = httpx.Limits(max_connections=40, max_keepalive_connections=0)
        async with httpx.AsyncClient(base_url=url, timeout=20, limits=limits) as client:

            async def one() -> object:
                try:
                    reply = await client.post("/v1/classify", json=body)
                except httpx.TransportError as error:
                    return type(error).__name__
                return reply.status_code

            assert await one() == 200
            before = [asyncio.ensure_future(one()) for _ in range(16)]
            while not await taken_in(client, 1):
                pass
            after = []
            process.send_signal(signal.SIGTERM)
            while process.poll() is None:
                after += await asyncio.gather(*(one() for _ in range(4)))
            return list(await asyncio.gather(*before)), after

    async def taken_in(client: httpx.AsyncClient, least: int) -> bool:
        """Whether so many requests were answered: then those sent with them have arrived."""
        text = (await client.get("/metrics")).text
        line = next((line for line in text.splitlines() if 'classify",status="200"' in line), "x 0")
        return float(line.split()[-1]) > least

    with command("--model", str(folder), "--queue-pairs", "100000", "--queue-tokens", "1000000") as (
        process,
        url,
    ):
        before, after = asyncio.run(play(process, url))
        assert process.wait(20) == 0
    assert Counter(before) == {200: 16}
    assert set(after) <= {200, 503, "ConnectError", "ReadError", "RemoteProtocolError"}
    assert 503 in after


def test_the_command_says_where_it_listens_and_stops_when_told(tmp_path: Path) -> None:
    keys = tmp_path / "keys.txt"
    keys.write_text("first\n\nsecond\n")
    folder = tiny_bert(tmp_path / "model")
    with command("--model", str(folder), "--api-keys-file", str(keys), "--max-labels", "1") as (process, url):
        with httpx.Client(base_url=url) as client:
            wait_until(lambda: client.get("/health/ready").status_code == 200)
            assert client.post("/v1/classify", json=CLASSIFY).status_code == 401
            reply = client.post("/v1/classify", json=CLASSIFY, headers={"Authorization": "Bearer second"})
            assert reply.json()["error"]["limit"] == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    folder = tiny_bert(tmp_path / "model")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        program = "from entailment.cli.app import main; main()"
        arguments = [
            sys.executable,
            "-W",
            "error",
            "-c",
            program,
            "serve",
            "--port",
            port,
            "--model",
            str(folder),
        ]
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1, port {port}" in done.stderr
