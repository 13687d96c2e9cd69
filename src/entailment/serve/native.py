"""The routes of our own: classify, nli, check, models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from entailment.serve import asking
from entailment.serve.batcher import Allow, Turn
from entailment.serve.bodies import (
    CheckRequest,
    CheckResponse,
    ClassifyRequest,
    ClassifyResponse,
    ErrorResponse,
    ModelsResponse,
    NLIRequest,
    NLIResponse,
    refusals,
)
from entailment.serve.refusals import RefusedError
from entailment.serve.responses import facts_of
from entailment.serve.service import Service, milliseconds
from entailment.tasks.model import PairModel
from entailment.tasks.nli import NLIResult, count_from, nli_results

Json = dict[str, Any]


def native_routes(service: Service) -> APIRouter:
    """The routes, for one service."""
    router = APIRouter(prefix="/v1", tags=["entailment"], responses=refusals(ErrorResponse))

    def answered(
        request: Request, results: list[Json], turn: Turn, notes: Sequence[str] = ()
    ) -> JSONResponse:
        timing = milliseconds(turn, facts_of(request.scope).get("arrived", turn.started))
        answer: Json = {"model": service.facts.name, "results": results, "timing_ms": timing}
        return JSONResponse(answer | {"notes": list(notes)} if notes else answer)

    @router.post("/classify", response_model=ClassifyResponse, summary="Sort texts into labels of your own")
    async def classify(request: Request, asked: ClassifyRequest) -> JSONResponse:
        """Every label becomes a hypothesis about the text; labels come back by falling score."""
        found, turn, notes = await asking.classify(
            service,
            request,
            _texts(asked),
            asked.labels,
            template=asked.template,
            multi_label=asked.multi_label,
            threshold=asked.threshold,
        )
        results = []
        for index, answer in enumerate(found):
            result: Json = {"text_index": index, **answer}
            del result["sequence"]  # the client has it
            results.append(result)
        return answered(request, results, turn, notes)

    @router.post("/nli", response_model=NLIResponse, summary="Does a premise entail a hypothesis?")
    async def nli(request: Request, asked: NLIRequest) -> JSONResponse:
        """Each pair is judged: entailment, neutral or contradiction."""
        if not asked.pairs:
            raise RefusedError(
                422, "bad_input", "there are no pairs: give at least one premise and hypothesis"
            )
        pairs = [(pair.premise, pair.hypothesis) for pair in asked.pairs]
        encoded, logits, turn = await asking.judge(service, request, pairs, count_from(1, "pair"))
        model = service.model
        results = [_judged(result) for result in nli_results(encoded, logits, model.order, model.calibration)]
        return answered(request, results, turn)

    @router.post("/check", response_model=CheckResponse, summary="Check claims against a document")
    async def check(request: Request, asked: CheckRequest) -> JSONResponse:
        """Each claim is supported, contradicted or left open, with the sentence that says so."""

        def work(model: PairModel, allow: Allow) -> list[Json]:
            from entailment.tasks.check import findings_of

            found = findings_of(asked.document, asked.claims, model, threshold=asked.threshold, allow=allow)
            return [dict(finding) for finding in found]

        findings, turn = await asking.check(service, request, asked.document, asked.claims, work)
        return answered(request, findings, turn)

    @router.get("/models", response_model=ModelsResponse, summary="Which model answers")
    async def models() -> JSONResponse:
        """One model, with the names of its logits in order."""
        facts = service.facts
        model = {
            "id": facts.name,
            "attention": facts.attention,
            "labels": list(facts.labels),
            "max_length": facts.max_length,
        }
        return JSONResponse({"data": [model]})

    return router


def _texts(asked: ClassifyRequest) -> list[str]:
    if (asked.text is None) == (asked.texts is None):
        raise RefusedError(422, "bad_text", "give either text, for one, or texts, for many")
    texts = [asked.text] if asked.text is not None else asked.texts
    if not texts:
        raise RefusedError(422, "bad_text", "there are no texts: give at least one")
    return texts


def _judged(result: NLIResult) -> Json:
    judged: Json = {"label": result.label, "scores": result.scores}
    if result.truncated is not None:
        judged["truncated"] = {"read": result.truncated.read, "total": result.truncated.total}
    return judged
