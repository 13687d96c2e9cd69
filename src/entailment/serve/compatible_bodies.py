"""The JSON of the compatible routes, as pydantic models; names and forms are those of other servers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel
from pydantic_core import PydanticCustomError


class TextPair(BaseModel):
    """Two texts, as the text-classification task takes them. An unknown key is refused, as pipelines do."""

    model_config = ConfigDict(strict=True, extra="forbid")

    text: str
    text_pair: str | None = None


def _known_keys(value: object) -> object:
    """One message where there would be one for each form that does not fit."""
    for entry in value if isinstance(value, list) else [value]:
        if isinstance(entry, dict) and (unknown := entry.keys() - TextPair.model_fields.keys()):
            names = ", ".join(f"{name[:60]!a}" for name in sorted(unknown))
            raise PydanticCustomError(
                "unknown_key", "the keys of a pair are text and text_pair, not {names}", {"names": names}
            )
    return value


class Parameters(BaseModel):
    """Of both tasks; `candidate_labels` tells them apart."""

    model_config = ConfigDict(strict=True)

    candidate_labels: list[str] | str | None = None
    multi_label: bool | None = None
    hypothesis_template: str | None = None
    function_to_apply: Literal["softmax", "sigmoid", "none"] | None = None
    top_k: Annotated[int, Field(ge=1)] | None = None


class InferenceRequest(BaseModel):
    """The Hugging Face inference format."""

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "inputs": "The striker scored twice in the final",
                    "parameters": {"candidate_labels": ["sports", "politics"]},
                },
                {"inputs": {"text": "A man is playing a guitar.", "text_pair": "Someone is making music."}},
            ]
        },
    )

    inputs: Annotated[str | TextPair | list[str | TextPair], BeforeValidator(_known_keys)]
    parameters: Parameters | None = None


class PredictRequest(BaseModel):
    """Of text-embeddings-inference: a text, a pair, or a batch of ``[text]`` or ``[text, text]``."""

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={
            "examples": [{"inputs": ["A man is playing a guitar.", "Someone is making music."]}]
        },
    )

    inputs: str | list[str] | list[list[str]]
    raw_scores: bool = False
    truncate: bool | None = False


class RerankRequest(BaseModel):
    """As /rerank of text-embeddings-inference."""

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={
            "examples": [
                {"query": "Someone is making music.", "texts": ["A man plays the guitar.", "A dog sleeps."]}
            ]
        },
    )

    query: str
    texts: list[str]
    raw_scores: bool = False
    return_text: bool = False
    truncate: bool | None = False


class Scored(BaseModel):
    """A label and its score."""

    label: str
    score: float


class Ranks(BaseModel):
    """A text of a ranking, by its index."""

    index: int
    score: float
    text: str | None = None


class InferenceResponse(RootModel[list[Scored] | list[list[Scored]]]):
    """By falling score; for a list of inputs, and for text classification, a list of such lists."""


class RerankResponse(RootModel[list[Ranks]]):
    """By falling score."""
