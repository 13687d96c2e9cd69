"""What the people who run the server ask: is it alive, is it ready, how is it doing."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from entailment.serve.service import Service


def operations_routes(service: Service) -> APIRouter:
    """The routes, for one service. None of them needs an API key."""
    router = APIRouter(tags=["operations"])

    @router.get("/health/live", summary="Is the process there?")
    async def live() -> dict[str, str]:
        """200 as long as anything answers."""
        return {"status": "live"}

    @router.get("/health", summary="The same as /health/ready", responses={503: {}})
    @router.get("/health/ready", summary="Should requests be sent here?", responses={503: {}})
    async def ready() -> JSONResponse:
        """200 from the first forward to the SIGTERM, 503 before and after."""
        if service.ready:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "draining" if service.draining else "not ready"}, 503)

    @router.get("/metrics", summary="For Prometheus", response_class=Response)
    async def metrics() -> Response:
        """Counters, gauges and histograms, all named entailment_*."""
        return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return router
