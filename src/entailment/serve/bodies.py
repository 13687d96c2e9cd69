"""The JSON of the routes of our own, as pydantic models: of what comes in, and of what goes out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from entailment.checkpoint.config import Attention
from entailment.tasks.classification import TEMPLATE


def _label_lists(value: object) -> object:
    """One message where there would be one for each form that does not fit."""
    several = isinstance(value, list) and all(isinstance(entry, list) for entry in value)
    lists = value if isinstance(value, list) and several else [value]
    if all(isinstance(one, list) and all(isinstance(label, str) for label in one) for one in lists):
        return value
    raise PydanticCustomError("labels", "should be a list of texts, or one such list per text")


Labels = Annotated[list[str] | list[list[str]], BeforeValidator(_label_lists)]
Threshold = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Asked(BaseModel):
    """A request: unknown names are refused, so that a slip of the fingers is noticed."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ClassifyRequest(Asked):
    """Texts and the labels to sort them into."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "text": "The striker scored twice in the final",
                    "labels": ["sports", "politics", "cooking"],
                },
                {
                    "texts": ["Let the sauce simmer", "Parliament passed the budget"],
                    "labels": [["recipe", "advert"], ["politics", "sports"]],
                    "template": "This text is about {}.",
                    "multi_label": True,
                    "threshold": 0.5,
                },
            ]
        }
    )

    text: str | None = Field(None, description="One text; either this or `texts`.")
    texts: list[str] | None = Field(None, description="Many texts.")
    labels: Labels = Field(description="Labels for all texts, or one list of labels per text.")
    template: str = Field(TEMPLATE, description="The sentence a label becomes, with one {}.")
    multi_label: bool = Field(False, description="Each label may be true or not, on its own.")
    threshold: Threshold | None = Field(
        None,
        description="Abstain where no label scores at least this; with `multi_label` also leave out each "
        "label that does not.",
    )


class Pair(Asked):
    """A premise, and a hypothesis about it."""

    premise: str
    hypothesis: str


class NLIRequest(Asked):
    """Pairs to judge."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "pairs": [
                        {"premise": "A man is playing a guitar.", "hypothesis": "Someone is making music."}
                    ]
                }
            ]
        }
    )

    pairs: list[Pair]


class CheckRequest(Asked):
    """A document, and claims to check against it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "document": "The bridge was opened in 1932. It is 1,149 metres long.",
                    "claims": ["The bridge is more than a kilometre long.", "It was opened in 1950."],
                }
            ]
        }
    )

    document: str
    claims: list[str]
    threshold: Threshold | None = Field(None, description="A verdict that scores less is left open.")


class Timing(BaseModel):
    """Milliseconds: waited in line, in the model, altogether."""

    queue: float
    model: float
    total: float


class Cut(BaseModel):
    """Characters that the model read, of those there are."""

    read: int
    total: int


class Best(BaseModel):
    """The best label of a text without one above the threshold."""

    label: str
    score: float


class Classified(BaseModel):
    """Labels by falling score."""

    text_index: int
    labels: list[str]
    scores: list[float]
    truncated: Cut | None = Field(None, description="Only there if the end of the text was not read.")
    abstained: bool | None = Field(None, description="Only there with a threshold.")
    best: Best | None = Field(None, description="Only there if `abstained` is true.")


class ClassifyResponse(BaseModel):
    """One result per text, in their order."""

    model: str
    results: list[Classified]
    timing_ms: Timing
    notes: list[str] | None = Field(
        None,
        description="Only there if labels were the same, are the same to the model, or are unknown to it.",
    )


class Judged(BaseModel):
    """The most probable class, and the probability of each."""

    label: str
    scores: dict[str, float]
    truncated: Cut | None = Field(None, description="Only there if the end of the premise was not read.")


class NLIResponse(BaseModel):
    """One result per pair, in their order."""

    model: str
    results: list[Judged]
    timing_ms: Timing


class Evidence(BaseModel):
    """Where in the document the verdict comes from; `start` and `end` count its characters."""

    text: str
    start: int
    end: int
    label: str
    score: float


class Checked(BaseModel):
    """A claim, and what the document says of it."""

    claim: str
    verdict: Literal["supported", "contradicted", "open"]
    scores: dict[str, float]
    evidence: Evidence | None


class CheckResponse(BaseModel):
    """One result per claim, in their order."""

    model: str
    results: list[Checked]
    timing_ms: Timing


class ModelFacts(BaseModel):
    """What is told of a model."""

    id: str
    attention: Attention
    labels: list[str]
    max_length: int


class ModelsResponse(BaseModel):
    """The models that answer; one."""

    data: list[ModelFacts]


class ErrorBody(BaseModel):
    """Why there is no answer."""

    type: str = Field(examples=["too_many_labels"])
    message: str
    limit: int | None = Field(None, description="The limit that was exceeded, if one was.")


class ErrorResponse(BaseModel):
    """A refusal."""

    error: ErrorBody


class FlatErrorResponse(BaseModel):
    """A refusal as clients of the compatible routes read it."""

    error: str
    error_type: str


_RETRY = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
_REFUSALS = {
    401: "No valid API key.",
    408: "The body did not arrive in time.",
    413: "More than a limit; `type` and `limit` say which.",
    415: "Not JSON, or compressed.",
    422: "It cannot be used as it is; the message says why.",
    429: "The server has all the work it can take.",
    500: "The model failed on this request.",
    503: "The server shuts down, a deadline passed, or a worker died; try again.",
}


def refusals(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """The responses of a route other than its answer, for OpenAPI."""
    return {
        status: {
            "model": model,
            "description": description,
            **({"headers": _RETRY} if status in (429, 503) else {}),
        }
        for status, description in _REFUSALS.items()
    }
