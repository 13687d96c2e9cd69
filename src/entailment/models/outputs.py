"""What the models answer: one frozen dataclass a task, with the reference's names and its four ways in.

    outputs.logits      by attribute
    outputs["logits"]   by key
    outputs[0]          by position, counted over the fields that are there
    outputs.to_tuple()  all fields that are there

A field that was not asked for, or that needs labels when there were none, is None: as a key or a position it
is not there. As with the reference, iterating gives the keys.

Legend of shapes: B batch, T tokens, H hidden, A heads, K classes, V vocabulary, C choices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, TypeVar, overload

from torch import Tensor

from entailment.checkpoint.config import Config

Tensors = tuple[Tensor, ...]

#: The default of a field that every answer of a model has: to who reads one, it is a tensor.
NOT_GIVEN: Any = None


@dataclass(frozen=True, eq=False)
class ModelOutput:
    """A dataclass that is read like a dictionary and like a tuple, too."""

    def keys(self) -> tuple[str, ...]:
        """Names of the fields that are there, in order."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name) is not None)

    def values(self) -> tuple[Any, ...]:
        """The fields that are there, in order."""
        return tuple(getattr(self, name) for name in self.keys())

    def items(self) -> tuple[tuple[str, Any], ...]:
        """Name and value of every field that is there."""
        return tuple(zip(self.keys(), self.values(), strict=True))

    def to_tuple(self) -> tuple[Any, ...]:
        """The same as `values`, under the reference's name."""
        return self.values()

    def get(self, name: str, default: Any = None) -> Any:
        """A field by its name, or the default where it is not there."""
        value = getattr(self, name) if name in self else default
        return value

    @overload
    def __getitem__(self, key: str | int) -> Any: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Any, ...]: ...
    def __getitem__(self, key: str | int | slice) -> Any:
        if isinstance(key, str):
            if key not in self:
                raise KeyError(key)
            return getattr(self, key)
        return self.values()[key]

    def __contains__(self, name: object) -> bool:
        return name in self.keys()

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())


@dataclass(frozen=True, eq=False)
class BaseModelOutput(ModelOutput):
    """An encoder without a pooler.

    Attributes:
        last_hidden_state: [B, T, H].
        hidden_states: the embeddings and each layer's output, [B, T, H] each.
        attentions: each layer's attention probabilities, [B, A, T, T].
    """

    last_hidden_state: Tensor = NOT_GIVEN
    hidden_states: Tensors | None = None
    attentions: Tensors | None = None


@dataclass(frozen=True, eq=False)
class BaseModelOutputWithPooling(ModelOutput):
    """An encoder; `pooler_output` is [B, H], made of the first token, or None where there is no pooler."""

    last_hidden_state: Tensor = NOT_GIVEN
    pooler_output: Tensor | None = None
    hidden_states: Tensors | None = None
    attentions: Tensors | None = None


@dataclass(frozen=True, eq=False)
class PreTrainingOutput(ModelOutput):
    """Both pre-training heads: `prediction_logits` [B, T, V] and `seq_relationship_logits` [B, 2]."""

    loss: Tensor | None = None
    prediction_logits: Tensor = NOT_GIVEN
    seq_relationship_logits: Tensor = NOT_GIVEN
    hidden_states: Tensors | None = None
    attentions: Tensors | None = None


BertForPreTrainingOutput = PreTrainingOutput
MobileBertForPreTrainingOutput = PreTrainingOutput


@dataclass(frozen=True, eq=False)
class MaskedLMOutput(ModelOutput):
    """Scores of every vocabulary entry at every token: `logits` [B, T, V]."""

    loss: Tensor | None = None
    logits: Tensor = NOT_GIVEN
    hidden_states: Tensors | None = None
    attentions: Tensors | None = None


@dataclass(frozen=True, eq=False)
class NextSentencePredictorOutput(ModelOutput):
    """`logits` [B, 2]: the second sentence continues the first, or is a random one."""

    loss: Tensor | None = None
    logits: Tensor = NOT_GIVEN
    hidden_states: Tensors | None = None
    attentions: Tensors | None = None


@dataclass(frozen=True, eq=False)
class SequenceClassifierOutput(ModelOutput):
    """`logits` [B, K], or [B, 1] for a regression."""

    loss: Tensor | None = None
    logits: Tensor = NOT_GIVEN
    hidden_states: Tensors | None = None
    attentions: Tensors | None = None


@dataclass(frozen=True, eq=False)
class MultipleChoiceModelOutput(ModelOutput):
    """`logits` [B, C], one score a choice."""

    loss: Tensor | None = None
    logits: Tensor = NOT_GIVEN
    hidden_states: Tensors | None = None
    attentions: Tensors | None = None


@dataclass(frozen=True, eq=False)
class TokenClassifierOutput(ModelOutput):
    """`logits` [B, T, K]."""

    loss: Tensor | None = None
    logits: Tensor = NOT_GIVEN
    hidden_states: Tensors | None = None
    attentions: Tensors | None = None


@dataclass(frozen=True, eq=False)
class QuestionAnsweringModelOutput(ModelOutput):
    """`start_logits` and `end_logits` [B, T]: where the answer begins and where it ends."""

    loss: Tensor | None = None
    start_logits: Tensor = NOT_GIVEN
    end_logits: Tensor = NOT_GIVEN
    hidden_states: Tensors | None = None
    attentions: Tensors | None = None


Output = TypeVar("Output", bound=ModelOutput)


def setting(config: Config, name: str, given: bool | None) -> bool:
    """An argument of the call, or what the configuration says of it."""
    return bool(getattr(config, name)) if given is None else given


def answer(output: Output, config: Config, return_dict: bool | None) -> Output | tuple[Any, ...]:
    """The dataclass, or a tuple of what is there."""
    return output if setting(config, "return_dict", return_dict) else output.to_tuple()
