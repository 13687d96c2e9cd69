"""Routes that clients of other servers already call.

``POST /`` in the Hugging Face inference format (`huggingface_hub.InferenceClient`), and ``/predict``,
``/rerank`` and ``/info`` of text-embeddings-inference. Names and forms are theirs; unknown parameters are
passed over, as they do. What differs is in docs/server.md: a lone text has no answer from an inference model,
so it is sorted into the labels that the operator chose, or refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from entailment.errors import TextError
from entailment.runtime.engine import Logits
from entailment.serve import asking
from entailment.serve.bodies import FlatErrorResponse, refusals
from entailment.serve.compatible_bodies import (
    InferenceRequest,
    InferenceResponse,
    Parameters,
    PredictRequest,
    RerankRequest,
    RerankResponse,
    TextPair,
)
from entailment.serve.refusals import RefusedError, too_large
from entailment.serve.service import Service
from entailment.tasks.classification import TEMPLATE, Classification
from entailment.tasks.model import PairModel
from entailment.tasks.nli import check_pair, count_from
from entailment.tasks.scores import sigmoid, softmax
from entailment.text.pairs import Truncation

Json = dict[str, Any]
Ranked = list[Json]  # {"label", "score"}, by falling score

# How people put two texts into one: what stands between them, and perhaps before and after, as tokenizers do.
_JOINED = (("<s>", "</s></s>", "</s>"), ("[CLS]", "[SEP]", "[SEP]"))


def compatible_routes(service: Service) -> APIRouter:
    """The routes, for one service."""
    router = APIRouter(tags=["compatible"], responses=refusals(FlatErrorResponse))
    names = service.facts.labels

    async def zero_shot(
        request: Request,
        texts: Sequence[str],
        labels: list[str],
        *,
        template: str | None = None,
        multi: bool = False,
    ) -> list[Classification]:
        answers, *_ = await asking.classify(
            service,
            request,
            texts,
            labels,
            template=TEMPLATE if template is None else template,
            multi_label=multi,
        )
        return answers

    async def predict_all(
        request: Request, inputs: Sequence[tuple[str, str | None]], function: str, *, truncate: bool = True
    ) -> list[Ranked]:
        """Pairs by the model; lone texts by the operator's labels."""
        pairs = [
            (index, (first, second)) for index, (first, second) in enumerate(inputs) if second is not None
        ]
        alone = [(index, first) for index, (first, second) in enumerate(inputs) if second is None]
        labels = list(service.settings.default_labels)
        if alone:
            _check_lone(labels, function)
        _check_texts(inputs)
        found: dict[int, Ranked] = {}
        if pairs:
            asked = [pair for _, pair in pairs]
            encoded, logits, _ = await asking.judge(
                service, request, asked, lambda place: f"pair {pairs[place][0] + 1}"
            )
            if not truncate:
                asking.refuse_cut(
                    (index + 1, read.truncated) for (index, _), read in zip(pairs, encoded, strict=True)
                )
            scores = _applied(logits, function, service.model)
            found.update((index, _ranked(names, row)) for (index, _), row in zip(pairs, scores, strict=True))
        if alone:
            answers = await zero_shot(request, [text for _, text in alone], labels)
            numbered = [(index, answer) for (index, _), answer in zip(alone, answers, strict=True)]
            if not truncate:
                asking.refuse_cut((index + 1, _cut(answer)) for index, answer in numbered)
            found.update((index, _listed(answer)) for index, answer in numbered)
        return [found[index] for index in range(len(inputs))]

    @router.post("/", response_model=InferenceResponse, summary="The Hugging Face inference format")
    async def inference(request: Request, asked: InferenceRequest) -> JSONResponse:
        """Zero-shot classification if there are candidate_labels, text classification of pairs otherwise."""
        parameters = asked.parameters or Parameters()
        many = isinstance(asked.inputs, list)
        inputs = asked.inputs if isinstance(asked.inputs, list) else [asked.inputs]
        _check_inputs(len(inputs), service)
        if parameters.candidate_labels is not None:
            texts = [_lone(entry) for entry in inputs]
            found = await zero_shot(
                request,
                texts,
                _labels(parameters.candidate_labels),
                template=parameters.hypothesis_template,
                multi=bool(parameters.multi_label),
            )
            listed = [_listed(answer) for answer in found]
            return JSONResponse(listed if many else listed[0])
        function = parameters.function_to_apply or "softmax"
        answers = await predict_all(request, [_pair(entry) for entry in inputs], function)
        return JSONResponse(
            [answer[: parameters.top_k] for answer in answers]
        )  # a list of lists for one, too

    @router.post("/predict", response_model=InferenceResponse, summary="Classify pairs")
    async def predict(request: Request, asked: PredictRequest) -> JSONResponse:
        """The probability of each class, or its logit with raw_scores."""
        inputs, many = _predict_inputs(asked.inputs)
        _check_inputs(len(inputs), service)
        function = "none" if asked.raw_scores else "softmax"
        answers = await predict_all(request, inputs, function, truncate=bool(asked.truncate))
        return JSONResponse(answers if many else answers[0])

    @router.post(
        "/rerank", response_model=RerankResponse, summary="Rank texts by how well they support a query"
    )
    async def rerank(request: Request, asked: RerankRequest) -> JSONResponse:
        """The probability that each text entails the query, or its logit with raw_scores."""
        _check_inputs(len(asked.texts), service)
        pairs = [(text, asked.query) for text in asked.texts]
        encoded, logits, _ = await asking.judge(service, request, pairs, count_from(1, "text"))
        if not asked.truncate:
            asking.refuse_cut((number, read.truncated) for number, read in enumerate(encoded, start=1))
        scores = _applied(logits, "none" if asked.raw_scores else "softmax", service.model)[
            :, service.model.order.entailment
        ]
        ranking = []
        for index in np.argsort(-scores, kind="stable").tolist():
            rank: Json = {"index": index, "score": float(scores[index])}
            if asked.return_text:
                rank["text"] = asked.texts[index]
            ranking.append(rank)
        return JSONResponse(ranking)

    @router.get("/info", summary="The model and its limits, as text-embeddings-inference tells them")
    async def info() -> dict[str, Any]:
        """Nothing here is about a request."""
        settings = service.settings
        return {
            "model_id": service.facts.name,
            "model_sha": None,
            "model_dtype": service.facts.precision,
            "model_type": {
                "classifier": {
                    "id2label": {str(index): name for index, name in enumerate(names)},
                    "label2id": {name: index for index, name in enumerate(names)},
                }
            },
            "max_concurrent_requests": settings.connections,
            "max_input_length": service.facts.max_length,
            "max_batch_tokens": settings.batch_tokens,
            "max_batch_requests": None,
            "max_client_batch_size": settings.limits.texts,
            "auto_truncate": False,
            "tokenization_workers": 1,
            "version": version("entailment"),
            "sha": None,
            "docker_label": None,
        }

    return router


def _applied(logits: Logits, function: str, model: PairModel) -> np.ndarray:
    if function == "none":
        return logits.astype(np.float64)
    if function == "sigmoid":
        return sigmoid(logits)
    return softmax(model.calibration.of_pairs(logits, model.order.names))


def _ranked(names: Sequence[str], scores: np.ndarray) -> Ranked:
    return [
        {"label": names[index], "score": float(scores[index])}
        for index in np.argsort(-scores, kind="stable").tolist()
    ]


def _listed(answer: Classification) -> Ranked:
    return [
        {"label": label, "score": score}
        for label, score in zip(answer["labels"], answer["scores"], strict=True)
    ]


def _cut(answer: Classification) -> Truncation | None:
    return Truncation(**answer["truncated"]) if "truncated" in answer else None


def _check_lone(labels: Sequence[str], function: str) -> None:
    """Refuses a text alone if there is nothing to sort it into, or its scores should be no probabilities."""
    if not labels:
        message = (
            "an inference model judges pairs: send two texts, candidate_labels, or start the server with "
            "--labels A,B,C for texts alone"
        )
        raise RefusedError(422, "lone_text", message)
    if function != "softmax":
        message = (
            "raw_scores and function_to_apply are for pairs of texts: a text alone is sorted into the labels "
            "of this server, by their probabilities; leave them out, or send two texts"
        )
        raise RefusedError(422, "lone_text", message)


def _check_texts(inputs: Sequence[tuple[str, str | None]]) -> None:
    """Refuses empty texts by their number in the request: pairs and texts alone are counted apart later."""
    for number, (first, second) in enumerate(inputs, start=1):
        if second is not None:
            check_pair((first, second), number)
        elif not first.strip():
            raise TextError(f"text {number} is empty")


def _labels(given: list[str] | str) -> list[str]:
    return [part.strip() for part in given.split(",")] if isinstance(given, str) else given


def _lone(entry: str | TextPair) -> str:
    if isinstance(entry, str):
        return entry
    if entry.text_pair is not None:
        raise RefusedError(422, "bad_text", "candidate_labels are for one text; leave out text_pair")
    return entry.text


def _pair(entry: str | TextPair) -> tuple[str, str | None]:
    """Two texts, also where they come as one with a separator between them."""
    if not isinstance(entry, str):
        return entry.text, entry.text_pair
    for start, separator, end in _JOINED:
        first, found, second = entry.partition(separator)
        if found:
            return first.strip().removeprefix(start).strip(), second.strip().removesuffix(end).strip()
    return entry, None


def _predict_inputs(given: str | list[str] | list[list[str]]) -> tuple[list[tuple[str, str | None]], bool]:
    """The inputs, and whether they are a batch; a list of texts is one input, as it is there."""
    if isinstance(given, str):
        return [(given, None)], False
    if all(isinstance(entry, str) for entry in given):
        return [_one_or_two([str(entry) for entry in given])], False
    return [_one_or_two(entry) for entry in given if isinstance(entry, list)], True


def _one_or_two(texts: list[str]) -> tuple[str, str | None]:
    if len(texts) not in (1, 2):
        raise RefusedError(
            422,
            "bad_input",
            f"an input is one text or two, not {len(texts)}; a batch is a list of such lists",
        )
    return texts[0], texts[1] if len(texts) == 2 else None


def _check_inputs(count: int, service: Service) -> None:
    if not count:
        raise RefusedError(422, "bad_input", "there are no inputs: give at least one")
    limit = service.settings.limits.texts
    if count > limit:
        raise too_large("texts", count, limit)
