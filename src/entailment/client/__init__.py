"""A typed client of `entail serve`, behind the extra ``client``; `Client` waits, `AsyncClient` is awaited.

Calls and answers are those of `ZeroShotClassifier`, `NLI` and `DocumentChecker`, so that code moves between a
model of its own and a server by changing one line.
"""

from __future__ import annotations

from entailment.errors import MissingExtraError

try:
    import httpx as _httpx  # noqa: F401  # that it is there
except ModuleNotFoundError as _error:
    raise MissingExtraError("httpx", extra="client", purpose="the client") from _error

from entailment.client.asynchronous import AsyncClient as AsyncClient
from entailment.client.replies import ServerError as ServerError
from entailment.client.synchronous import Client as Client
