"""The application: routes within the gate within the envelope."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

from entailment.errors import EntailmentError
from entailment.serve.compatible import compatible_routes
from entailment.serve.envelope import Envelope
from entailment.serve.gate import Gate
from entailment.serve.native import native_routes
from entailment.serve.operations import operations_routes
from entailment.serve.pages import page_routes
from entailment.serve.refusals import RefusedError, refusal_of
from entailment.serve.responses import refusal_response
from entailment.serve.service import Service
from entailment.serve.settings import Settings
from entailment.tasks.model import PairModel

DESCRIPTION = """Zero-shot text classification and natural language inference on a compact encoder.

Routes under `/v1` are those of this server; `/`, `/predict`, `/rerank` and `/info` answer clients of the
Hugging Face inference format and of text-embeddings-inference. A refusal says in `type` what was wrong."""

# Of a request that did not fit its schema, how many faults are told.
_FAULTS_TOLD = 3


def create_app(model: PairModel, settings: Settings | None = None) -> FastAPI:
    """A server for one model, to be run by any ASGI server.

    Args:
        model: as `load_model` opens it, or one of your own.
        settings: limits, keys, sizes and times; the defaults suit a small machine.

    Raises:
        LabelOrderError: nobody can tell which of the model's logits means entailment.
    """
    service = Service(model, settings or Settings())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await service.start()
        try:
            yield
        finally:
            await asyncio.to_thread(service.stop)

    app = FastAPI(
        title="entailment",
        version=version("entailment"),
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # that page loads scripts from elsewhere
        redoc_url=None,
        # Traces and metrics go where the operator's OpenTelemetry sends them; its logs would quote texts.
        telemetry={"logs": False},
    )
    app.state.service = service
    # The gate asks for the key; this is for those who read the description.
    keys = [Depends(HTTPBearer(auto_error=False))] if service.settings.api_keys else []
    app.include_router(native_routes(service), dependencies=keys)
    app.include_router(compatible_routes(service), dependencies=keys)
    app.include_router(operations_routes(service))
    app.include_router(page_routes())
    app.add_exception_handler(EntailmentError, _refused)
    app.add_exception_handler(RequestValidationError, _refused)
    app.add_exception_handler(HTTPException, _refused)
    app.add_middleware(Gate, service=service)
    if service.settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=service.settings.cors_origins,
            allow_methods=("GET", "POST"),
            allow_headers=("Authorization", "Content-Type", "X-Request-ID", "X-Request-Timeout"),
            expose_headers=("X-Request-ID", "Retry-After"),
        )
    app.add_middleware(Envelope, service=service)
    return app


async def _refused(request: Request, error: Exception) -> JSONResponse:
    return refusal_response(_translated(error), request.scope)


def _translated(error: Exception) -> RefusedError:
    if isinstance(error, RequestValidationError):
        return _misfit(error.errors())
    if isinstance(error, HTTPException):
        if error.status_code == 400:  # JSON that no reader gets to the end of: too deep, or not UTF-8
            return RefusedError(422, "invalid_json", "the body is not valid JSON in UTF-8")
        kind = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "refused")
        return RefusedError(error.status_code, kind, f"{error.detail}")
    return refusal_of(error)


def _misfit(faults: Sequence[Any]) -> RefusedError:
    """What does not fit the schema, by name. Values are not repeated."""
    if faults and faults[0]["type"] == "json_invalid":
        where = faults[0]["loc"][-1]
        return RefusedError(422, "invalid_json", f"the body is not valid JSON, from character {where} on")
    told = [
        f"{'.'.join(str(part)[:60] for part in fault['loc'])}: {fault['msg']}"
        for fault in faults[:_FAULTS_TOLD]
    ]
    more = f" (and {len(faults) - _FAULTS_TOLD} more)" if len(faults) > _FAULTS_TOLD else ""
    return RefusedError(422, "invalid_request", "; ".join(told) + more)
