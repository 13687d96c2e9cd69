"""What may be handed to a model: both documented formats, gathered into keywords and checked.

    model(input_ids, attention_mask=mask)          keywords, as with the PyTorch classes
    model([input_ids, mask])                       or everything in the first argument: a list or tuple in the
    model({"input_ids": ids, "labels": labels})    documented order, a dictionary, what a tokenizer returns

A wrong tensor raises `InputError` before anything is computed. What is being traced has a shape and no
values: there only shapes are checked.

Legend of shapes: B batch, C choices, T tokens, E embedding width, A heads, N layers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import keras
import numpy as np

from entailment.checkpoint.config import MobileBertConfig
from entailment.errors import InputError

Tensor = Any
P = ParamSpec("P")
R = TypeVar("R")

#: Arguments of a call that are no tensors.
SETTINGS = ("output_attentions", "output_hidden_states", "return_dict", "training")


def any_format(call: Callable[P, R]) -> Callable[P, R]:
    """Lets the `call` of a model take both formats, for who calls it directly, as Keras does on JAX."""

    @wraps(call)
    def gathering(*args: P.args, **kwargs: P.kwargs) -> R:
        model, *rest = args
        arguments: Any = (model,)
        return call(*arguments, **gathered(call, tuple(rest), kwargs))

    return gathering


def gathered(call: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call by name, without those that are None; lists of numbers become arrays.

    Args:
        call: the documented function; a first parameter `self` does not count.
        args: positional arguments; the first may hold all inputs.
        kwargs: the others.

    Raises:
        InputError: an unknown name, too many inputs, one given twice, or rows of several lengths.
    """
    names = [name for name in inspect.signature(call).parameters if name != "self"]
    found: dict[str, Any] = {}
    first = kwargs.get(names[0]) if not args else args[0]
    axes = _axes(first)
    if args and axes in (1, 2):  # a list of lists of ids; one more axis, and it is a list of inputs
        raise InputError(f"a list is read as [{', '.join(names[:2])}, ...]; pass an array, or {names[0]}=")
    if isinstance(first, Mapping):
        _add(found, dict(first), names, "the dictionary")
        first = None
    elif isinstance(first, list | tuple) and (args or axes is None):
        if len(first) > len(names):
            raise InputError(
                f"{len(first)} inputs were given, but there are {len(names)}: {', '.join(names)}"
            )
        _add(found, dict(zip(names, first, strict=False)), names, "the list")
        first = None
    if len(args) > len(names):
        raise InputError(f"{len(args)} arguments were given, but there are {len(names)}: {', '.join(names)}")
    _add(found, {names[0]: first, **dict(zip(names[1:], args[1:], strict=False))}, names, "the call")
    _add(found, {name: value for name, value in kwargs.items() if name != names[0]}, names, "the call")
    return {
        name: value if name in SETTINGS or hasattr(value, "shape") else _array(name, value)
        for name, value in found.items()
    }


def _axes(values: Any) -> int | None:
    """Of numbers in nested lists; None for anything else."""
    axes = 0
    while isinstance(values, list | tuple) and values:
        axes, values = axes + 1, values[0]
    return axes if isinstance(values, int | float | np.number) else None


def _array(name: str, values: Any) -> np.ndarray:
    try:
        return np.asarray(values)
    except ValueError as error:
        raise InputError(f"{name} must be rows of one length; pad them") from error


def _add(found: dict[str, Any], more: Mapping[str, Any], names: list[str], where: str) -> None:
    for name, value in more.items():
        if name not in names:
            raise InputError(f"{where} holds {name!r}, which is no input; the inputs are {', '.join(names)}")
        if value is None:
            continue
        if name in found:
            raise InputError(f"{name} is given twice: in the first argument and as {name}=; give it once")
        found[name] = value


def concrete(tensor: Tensor) -> np.ndarray | None:
    """The values of a tensor, or None while they are only traced."""
    try:
        if hasattr(tensor, "detach"):  # torch
            tensor = tensor.detach().cpu()
        # What TensorFlow traces has no `numpy`, and NumPy's own way to it warns before it fails.
        if hasattr(tensor, "numpy"):
            return np.asarray(tensor.numpy())
        if isinstance(tensor, np.ndarray | np.generic) or keras.backend.backend() == "jax":
            return np.asarray(tensor)
    except (NotImplementedError, RuntimeError, TypeError):  # variables in a graph; torch and JAX tracing
        pass
    return None


def check(config: MobileBertConfig, given: Mapping[str, Any], *, choices: bool = False) -> None:
    """Refuse what the encoder cannot use.

    Args:
        config: of the model.
        given: the gathered arguments:
            input_ids [B, T], or inputs_embeds [B, T, E]; attention_mask [B, T] or [B, T, T] of 0 and 1;
            token_type_ids and position_ids [B, T] or [1, T]; head_mask [A] or [N, A].
        choices: input_ids have [B, C, T], and so have the others; inputs_embeds [B, C, T, E].

    Raises:
        InputError: naming the argument, what it is, and what it must be.
    """
    leading = _leading(config, given, choices)
    T, longest = leading[-1], config.max_position_embeddings
    if given.get("position_ids") is None and isinstance(T, int) and longest < T:
        raise InputError(f"the sequence has {T} tokens, but the model has {longest} positions; truncate it")
    for name in ("token_type_ids", "position_ids"):
        _check_shape(name, given.get(name), (leading, (1, T), (T,)))
    _check_shape("attention_mask", given.get("attention_mask"), (leading, (*leading, T)))
    A, N = config.num_attention_heads, config.num_hidden_layers
    _check_shape("head_mask", given.get("head_mask"), ((A,), (N, A)))
    for name, highest, what in (
        ("input_ids", config.vocab_size - 1, "ids of the model's vocabulary"),
        ("position_ids", longest - 1, "positions"),
        ("token_type_ids", config.type_vocab_size - 1, "token types"),
        ("attention_mask", 1, "1 for tokens and 0 for padding"),
    ):
        _check_range(name, given.get(name), highest, what)


def _leading(config: MobileBertConfig, given: Mapping[str, Any], choices: bool) -> tuple[Any, ...]:
    """[B, T] or [B, C, T]; None for a size that is not known yet."""
    ids, embedded = given.get("input_ids"), given.get("inputs_embeds")
    axes = "[batch, choices, tokens" if choices else "[batch, tokens"
    rank = 3 if choices else 2
    if ids is not None and embedded is not None:
        raise InputError("both input_ids and inputs_embeds were given; give one of them")
    if ids is not None:
        if len(ids.shape) != rank or 0 in ids.shape or not _whole(ids):
            raise InputError(f"input_ids must be whole numbers {axes}], not {_seen(ids)}")
        return tuple(ids.shape)
    if embedded is None:
        raise InputError("neither input_ids nor inputs_embeds was given; give one of them")
    E = config.embedding_size
    if len(embedded.shape) != rank + 1 or 0 in embedded.shape or embedded.shape[-1] not in {E, None}:
        raise InputError(f"inputs_embeds must be {axes}, {E}], not {_seen(embedded)}")
    return tuple(embedded.shape)[:-1]


def _check_shape(name: str, tensor: Tensor | None, allowed: tuple[tuple[Any, ...], ...]) -> None:
    if tensor is None:
        return
    shape = tuple(tensor.shape)
    if not any(
        len(shape) == len(one) and all(a == b or None in (a, b) for a, b in zip(shape, one, strict=True))
        for one in allowed
    ):
        wanted = " or ".join(str(["?" if n is None else n for n in one]) for one in allowed)
        raise InputError(f"{name} must be {wanted}, not {_seen(tensor)}")


def _check_range(name: str, tensor: Tensor | None, highest: int, what: str) -> None:
    if tensor is None:
        return
    if name != "attention_mask" and not _whole(tensor):
        raise InputError(f"{name} must be whole numbers, not {_seen(tensor)}")
    values = concrete(tensor)
    if values is None or not values.size:
        return
    low, high = values.min(), values.max()
    if low < 0 or high > highest:
        raise InputError(
            f"{name} holds {low if low < 0 else high:g}, but 0 to {highest} are its values ({what})"
        )


def check_labels(name: str, labels: Tensor, classes: int, count: int | None) -> None:
    """Refuse labels that are no classes, or all ignored; -100 is ignored.

    Args:
        name: the argument's.
        labels: whole numbers of any shape.
        classes: K.
        count: how many labels there must be, where that is known.

    Raises:
        InputError: naming the argument, what it holds, and what it may.
    """
    sizes = tuple(labels.shape)
    size = None if None in sizes else int(np.prod(sizes, dtype=np.int64))
    if not _whole(labels) or (None not in (size, count) and size != count):
        raise InputError(f"{name} must be {count} whole numbers, not {_seen(labels)}")
    values = concrete(labels)
    if values is None:
        return
    wrong = values[((values < 0) | (values >= classes)) & (values != -100)]
    if wrong.size:
        raise InputError(f"{name} holds {wrong[0]}, but the classes are 0 to {classes - 1} (-100 is ignored)")
    if (values == -100).all():
        raise InputError(f"{name} are all -100, which is ignored: there is nothing to learn from this batch")


def _whole(tensor: Tensor) -> bool:
    return "int" in keras.backend.standardize_dtype(tensor.dtype)


def _seen(tensor: Tensor) -> str:
    return f"{keras.backend.standardize_dtype(tensor.dtype)} {list(tensor.shape)}"
