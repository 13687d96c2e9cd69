"""Zero-shot classification and inference over HTTP: `entail serve`, or `create_app` for a server of your own.

A request becomes pairs (`native`, `compatible`), waits its turn with those of others (`batcher`,
`fair_queue`), is run with them (`workers`) and answered by the functions of `entailment.tasks`, so that the
answers are those of the library. The room is behind the extra ``serve``.
"""

from __future__ import annotations

from entailment.errors import MissingExtraError

try:
    import fastapi as _fastapi  # noqa: F401  # that it is there
    import prometheus_client as _prometheus_client  # noqa: F401
    import uvicorn as _uvicorn  # noqa: F401
except ModuleNotFoundError as _error:
    _module = _error.name or "fastapi"
    raise MissingExtraError(_module, extra="serve", purpose="the server") from _error
