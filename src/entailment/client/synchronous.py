"""The client that waits."""

from __future__ import annotations

import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self, overload

import httpx

from entailment.client import replies, requests
from entailment.client.replies import ModelFacts, Retries
from entailment.client.requests import Call, Labels, Pair
from entailment.tasks.check import Finding
from entailment.tasks.classification import TEMPLATE, Classification
from entailment.tasks.nli import NLIResult


class Client:
    """Asks a server.

    >>> with Client("http://localhost:8000") as client:  # doctest: +SKIP
    ...     client.classify("The striker scored twice.", ["politics", "sports"])["labels"]
    ['sports', 'politics']

    Connections are kept open between calls; it may be used from several threads.

    Args:
        url: of the server.
        api_key: where the server asks for one.
        timeout: seconds for one try, in all.
        retries: tries after the first one, where the server is overloaded, about to stop or not there. They
            wait as long as the server says, and longer each time.
        transport: in place of the network, for tests.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        api_key: str | None = None,
        timeout: float = 30.0,
        retries: int = 3,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(
            base_url=url,
            headers=requests.headers_of(api_key, timeout),
            # The server gives up first, and says so.
            timeout=httpx.Timeout(timeout + 1.0),
            transport=transport,
        )
        self._retries = Retries(retries)

    @overload
    def classify(
        self,
        sequences: str,
        labels: Labels | None = None,
        *,
        candidate_labels: Labels | None = None,
        hypothesis_template: str = TEMPLATE,
        multi_label: bool = False,
        threshold: float | None = None,
        batch_size: int | None = None,
    ) -> Classification: ...
    @overload
    def classify(
        self,
        sequences: list[str],
        labels: Labels | None = None,
        *,
        candidate_labels: Labels | None = None,
        hypothesis_template: str = TEMPLATE,
        multi_label: bool = False,
        threshold: float | None = None,
        batch_size: int | None = None,
    ) -> list[Classification]: ...
    def classify(
        self,
        sequences: str | list[str],
        labels: Labels | None = None,
        *,
        candidate_labels: Labels | None = None,
        hypothesis_template: str = TEMPLATE,
        multi_label: bool = False,
        threshold: float | None = None,
        batch_size: int | None = None,
    ) -> Classification | list[Classification]:
        """Sort one text or many into labels; arguments and answers as of `ZeroShotClassifier`.

        `batch_size` has no effect here, either: the server makes batches of what many clients ask.

        Raises:
            InputError: the request cannot be used, or exceeds a limit of the server.
            ServerError: there is no answer, after all tries.
        """
        call = requests.classify_call(
            sequences, labels, candidate_labels, hypothesis_template, multi_label, threshold
        )
        if not call.body["texts"]:
            return []
        found = replies.classifications(self._ask(call), call.body["texts"])
        return found[0] if isinstance(sequences, str) else found

    @overload
    def nli(self, premise: str, hypothesis: str) -> NLIResult: ...
    @overload
    def nli(self, premise: Iterable[Pair]) -> list[NLIResult]: ...
    def nli(
        self, premise: str | Iterable[Pair], hypothesis: str | None = None
    ) -> NLIResult | list[NLIResult]:
        """Judge one pair or many, as `NLI` does; errors as of `classify`."""
        call = requests.nli_call(premise, hypothesis)
        if not call.body["pairs"]:
            return []
        found = replies.nli_results(self._ask(call))
        return found[0] if isinstance(premise, str) else found

    def check(self, document: str, claims: Iterable[str], *, threshold: float | None = None) -> list[Finding]:
        """Check claims against a document, as `DocumentChecker` does; errors as of `classify`."""
        return replies.findings(self._ask(requests.check_call(document, claims, threshold)))

    def models(self) -> list[ModelFacts]:
        """The models of the server; one."""
        return replies.models(self._ask(Call("/v1/models")))

    def ready(self) -> bool:
        """Whether the server is there and takes work; asked once."""
        try:
            return self._http.get("/health/ready").is_success
        except httpx.TransportError:
            return False

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, call: Call) -> Any:
        content = call.content()
        tries = 0
        while True:
            tries += 1
            reply: httpx.Response | None = None
            try:
                reply = self._http.request(call.method, call.path, content=content, headers=call.headers)
            except httpx.TransportError as error:
                if (delay := self._retries.delay(tries, None)) is None:
                    raise replies.unreachable(self._http.base_url, error) from error
            else:
                if (delay := self._retries.delay(tries, reply)) is None:
                    return replies.body_of(reply)
            time.sleep(delay)
