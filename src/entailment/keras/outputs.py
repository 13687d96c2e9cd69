"""What the models answer: a named tuple of the tensors that are there, read in the documented ways.

    outputs.logits      by attribute; a documented field that is not there is None
    outputs["logits"]   by key
    outputs[0]          by position, and outputs[:2]: counted over the fields that are there
    outputs.to_tuple()  all fields that are there

Being a named tuple of tensors and nothing else, an answer may be returned from a `tf.function`, batched by
`predict`, and be the output of a functional Keras model, on every back end.

Legend of shapes: B batch, T tokens, H hidden, A heads, K classes, V vocabulary, C choices.
"""

from __future__ import annotations

from collections import namedtuple
from functools import cache
from inspect import Parameter, Signature
from typing import Any, Self, SupportsIndex, TypeVar, overload

Tensor = Any  # of whichever back end Keras has, or a NumPy array


class ModelOutput(tuple[Any, ...]):
    """The fields that are there, in the documented order, of which those that are None are left out."""

    __slots__ = ()
    _fields: tuple[str, ...] = ()

    def __new__(cls, *values: Any, **named: Any) -> Self:
        """The documented fields in their order or by name, None where they are not given."""
        taken = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in _documented(cls)]
        return filled(cls, Signature(taken).bind_partial(*values, **named).arguments)

    def keys(self) -> tuple[str, ...]:
        """Names of the fields that are there."""
        return self._fields

    def values(self) -> tuple[Any, ...]:
        """The fields that are there."""
        return tuple(self)

    def items(self) -> tuple[tuple[str, Any], ...]:
        """Name and value of every field that is there."""
        return tuple(zip(self._fields, self, strict=True))

    def to_tuple(self) -> tuple[Any, ...]:
        """The same as `values`, under the reference's name."""
        return tuple(self)

    def get(self, name: str, default: Any = None) -> Any:
        """A field by its name, or the default where it is not there."""
        value = self[name] if name in self._fields else default
        return value

    @overload
    def __getitem__(self, key: str | SupportsIndex) -> Any: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Any, ...]: ...
    def __getitem__(self, key: str | SupportsIndex | slice) -> Any:
        if isinstance(key, str):
            if key not in self._fields:
                raise KeyError(key)
            return tuple.__getitem__(self, self._fields.index(key))
        return tuple.__getitem__(self, key)

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def __getattr__(self, name: str) -> None:
        # Called for what is not there. Without this, a loss nobody asked for would be an AttributeError.
        if name in _documented(type(self)):
            return
        raise AttributeError(f"{type(self).__name__} has no {name!r}; it has {', '.join(self._fields)}")

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self).__mro__[1], self._fields, tuple(self))


class TFBaseModelOutputWithPooling(ModelOutput):
    """`last_hidden_state` [B, T, H], and `pooler_output` [B, H], made of the first token."""

    __slots__ = ()
    last_hidden_state: Tensor
    pooler_output: Tensor | None
    hidden_states: tuple[Tensor, ...] | None
    attentions: tuple[Tensor, ...] | None


class TFMobileBertForPreTrainingOutput(ModelOutput):
    """`prediction_logits` [B, T, V], `seq_relationship_logits` [B, 2]; `loss` [] is the sum of both tasks."""

    __slots__ = ()
    loss: Tensor | None
    prediction_logits: Tensor
    seq_relationship_logits: Tensor
    hidden_states: tuple[Tensor, ...] | None
    attentions: tuple[Tensor, ...] | None


class TFMaskedLMOutput(ModelOutput):
    """`logits` [B, T, V]; `loss` [] is the mean over the tokens that have a label."""

    __slots__ = ()
    loss: Tensor | None
    logits: Tensor
    hidden_states: tuple[Tensor, ...] | None
    attentions: tuple[Tensor, ...] | None


class TFNextSentencePredictorOutput(ModelOutput):
    """`logits` [B, 2]; `loss` [n], one for each pair that has a label."""

    __slots__ = ()
    loss: Tensor | None
    logits: Tensor
    hidden_states: tuple[Tensor, ...] | None
    attentions: tuple[Tensor, ...] | None


class TFSequenceClassifierOutput(ModelOutput):
    """`logits` [B, K], or [B, 1] for a regression; `loss` [B], one for each text."""

    __slots__ = ()
    loss: Tensor | None
    logits: Tensor
    hidden_states: tuple[Tensor, ...] | None
    attentions: tuple[Tensor, ...] | None


class TFMultipleChoiceModelOutput(ModelOutput):
    """`logits` [B, C], one score a choice; `loss` [B], one for each question."""

    __slots__ = ()
    loss: Tensor | None
    logits: Tensor
    hidden_states: tuple[Tensor, ...] | None
    attentions: tuple[Tensor, ...] | None


class TFTokenClassifierOutput(ModelOutput):
    """`logits` [B, T, K]; `loss` [n], one for each token that has a label."""

    __slots__ = ()
    loss: Tensor | None
    logits: Tensor
    hidden_states: tuple[Tensor, ...] | None
    attentions: tuple[Tensor, ...] | None


class TFQuestionAnsweringModelOutput(ModelOutput):
    """`start_logits` and `end_logits` [B, T]; `loss` [B], the mean of both of a text's cross-entropies."""

    __slots__ = ()
    loss: Tensor | None
    start_logits: Tensor
    end_logits: Tensor
    hidden_states: tuple[Tensor, ...] | None
    attentions: tuple[Tensor, ...] | None


Output = TypeVar("Output", bound=ModelOutput)

#: Fields that hold no scores.
BESIDE_SCORES = frozenset({"loss", "hidden_states", "attentions"})


def filled(kind: type[Output], values: dict[str, Any]) -> Output:
    """An output of a kind, with those of its fields that are not None.

    Raises:
        KeyError: a value has no field; a mistake of the caller's code.
    """
    names = _documented(kind)
    if not values.keys() <= set(names):
        raise KeyError(f"{kind.__name__} has no {sorted(values.keys() - set(names))}")
    there = tuple(name for name in names if values.get(name) is not None)
    made: Output = _variant(kind, there)(*(values[name] for name in there))
    return made


@cache
def _documented(kind: type[ModelOutput]) -> tuple[str, ...]:
    for parent in kind.__mro__:
        if parent.__module__ == __name__ and not hasattr(parent, "_make"):
            return tuple(parent.__annotations__)
    raise AssertionError(kind)


@cache
def _variant(kind: type[ModelOutput], names: tuple[str, ...]) -> Any:
    """The named tuple of these fields that is a `kind`: the same class each time, as traced code needs it."""
    plain = namedtuple(kind.__name__, names)  # type: ignore[misc]  # known at run time
    members = {"__slots__": (), "__new__": plain.__new__, "_fields": names, "__module__": kind.__module__}
    return type(kind.__name__, (kind, plain), members)


def _again(kind: type[ModelOutput], names: tuple[str, ...], values: tuple[Any, ...]) -> ModelOutput:
    made: ModelOutput = _variant(kind, names)(*values)
    return made
