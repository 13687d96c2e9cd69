"""What the values of a configuration must be: the checks that the three dataclasses of `config.py` share."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping
from dataclasses import fields
from numbers import Real
from typing import TYPE_CHECKING, Any, cast

from entailment.errors import CheckpointError, UnsupportedModelError

if TYPE_CHECKING:
    from entailment.checkpoint.config import Config

#: Activation as checkpoints spell it -> the function it is. The three tanh spellings agree to rounding.
ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
    "tanh": "tanh",
}

PROBLEM_TYPES = ("regression", "single_label_classification", "multi_label_classification")

#: No known encoder comes near. A larger number is a damaged file, and an allocation that kills the process.
LARGEST = {
    "attention_heads": 1024,
    "layers": 1024,
    "networks": 64,
    "positions": 1 << 20,
    "token_types": 1 << 16,
    "vocabulary": 1 << 24,
    "width": 1 << 17,
}
MOST_LABELS = 1 << 20

_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "str": (str,),
    "float | None": (int, float, type(None)),
    "str | None": (str, type(None)),
}
_TYPE_NAMES = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a text"}


def check_types(config: Config) -> None:
    """Refuse a field whose value is of another type, or not finite; numbers become Python's."""
    for field in fields(config):
        allowed = _TYPES.get(str(field.type))
        if allowed is None:
            continue
        value = plain(getattr(config, field.name))
        object.__setattr__(config, field.name, value)
        # To Python true is an integer; in a configuration it is a mistake.
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
            wanted = _TYPE_NAMES[str(field.type).removesuffix(" | None")]
            raise CheckpointError(f"{field.name} must be {wanted}, not {value!r}")
        if isinstance(value, float) and not math.isfinite(value):
            raise CheckpointError(f"{field.name} must be finite, not {value!r}")


def check_sizes(config: Config, kinds: Mapping[str, str]) -> None:
    """Refuse sizes below 1, or beyond any real model of their kind: field -> key of `LARGEST`."""
    for name, kind in kinds.items():
        value = getattr(config, name)
        if not 1 <= value <= LARGEST[kind]:
            raise CheckpointError(f"{name} must be between 1 and {LARGEST[kind]}, not {value}")


def check_heads(config: Config, width: str, heads: str) -> None:
    """Refuse a width that the attention heads cannot share evenly."""
    check_sizes(config, {width: "width", heads: "attention_heads"})
    if getattr(config, width) % getattr(config, heads):
        raise CheckpointError(
            f"{width} {getattr(config, width)} is not divisible by {heads} {getattr(config, heads)}"
        )


def check_probabilities(config: Config, *names: str) -> None:
    """Refuse dropout probabilities outside [0, 1)."""
    for name in names:
        value = getattr(config, name)
        if value is not None and not 0 <= value < 1:
            raise CheckpointError(f"{name} must be a probability of at least 0 and below 1, not {value}")


def check_positive(config: Config, *names: str) -> None:
    """Refuse zero and negative numbers."""
    for name in names:
        if getattr(config, name) <= 0:
            raise CheckpointError(f"{name} must be above 0, not {getattr(config, name)}")


def check_choice(config: Config, name: str, choices: Iterable[str]) -> None:
    """Refuse a value this package has no computation for."""
    value = getattr(config, name)
    if value not in choices:
        raise UnsupportedModelError(f"{name} {value!r} is not supported; known are {', '.join(choices)}")


def check_common(config: Config) -> None:
    """The checks every architecture shares; the scalar types come first, so that all others may compute."""
    check_types(config)
    check_choice(config, "attention", ("full", "prefix"))
    if config.problem_type is not None:
        check_choice(config, "problem_type", PROBLEM_TYPES)
    check_sizes(config, {"vocab_size": "vocabulary", "max_position_embeddings": "positions"})
    if not 0 <= config.pad_token_id < config.vocab_size:
        raise CheckpointError(
            f"pad_token_id {config.pad_token_id} is outside the vocabulary of {config.vocab_size}"
        )


def label_names(id2label: object, num_labels: object) -> dict[int, str]:
    """The label table by logit index, from whichever of the two was given, else two unnamed labels.

    A `num_labels` of 0 is one that was not given.

    Raises:
        CheckpointError: the ids are not 0 to K-1, or `num_labels` is another number than the table has.
    """
    num_labels = plain(num_labels)
    if type(num_labels) is not int or not 0 <= num_labels <= MOST_LABELS:
        raise CheckpointError(f"num_labels must be between 1 and {MOST_LABELS}, not {num_labels!r}")
    if not id2label:
        return {index: f"LABEL_{index}" for index in range(num_labels or 2)}
    if not isinstance(id2label, Mapping):
        raise CheckpointError(f"id2label must map label ids to names, not be {short(id2label)}")
    names: dict[int, str] = {}
    for key, name in id2label.items():
        index, name = whole_number(key), plain(name)
        if index is None or index in names:
            raise CheckpointError(f"id2label has {key!r} where a label id should be, or has it twice")
        if not isinstance(name, str | int):
            raise CheckpointError(f"id2label names label {index} {short(name)}, which is not a text")
        names[index] = str(name)
    if sorted(names) != list(range(len(names))):
        raise CheckpointError(
            f"id2label must name the ids 0 to {len(names) - 1}, but has {short(sorted(names))}"
        )
    if num_labels not in (0, len(names)):
        raise CheckpointError(f"num_labels is {num_labels} but id2label names {len(names)} labels")
    return {index: names[index] for index in sorted(names)}


def label_ids(label2id: object, id2label: Mapping[int, str]) -> dict[str, int]:
    """`label2id` with integer ids; from `id2label` where it is missing.

    Some checkpoints write the ids as texts. Whether the two tables agree is asked by
    `labels.order_from_names`, for only an order depends on it.
    """
    if not label2id:
        return {name: index for index, name in id2label.items()}
    if not isinstance(label2id, Mapping):
        raise CheckpointError(f"label2id must map label names to ids, not be {short(label2id)}")
    ids: dict[str, int] = {}
    for name, value in label2id.items():
        index = whole_number(value)
        if index is None:
            raise CheckpointError(
                f"label2id gives {short(name)} the id {short(value)}, which is not a number"
            )
        ids[str(name)] = index
    return ids


def pruned_heads(stated: object) -> dict[int, list[int]]:
    """Layer -> the attention heads that are gone; JSON has the layers as texts.

    Raises:
        CheckpointError: it is no such table.
    """
    try:
        table = {} if stated is None else dict(cast(Any, stated))
        return {int(layer): [int(head) for head in heads] for layer, heads in table.items()}
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"pruned_heads must map layers to heads, not be {short(stated)}") from error


def plain(value: object) -> object:
    """A number of NumPy or torch as Python's own; anything else as it is."""
    if type(value) in (bool, int, float, str, type(None)):
        return value
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return float(value) if isinstance(value, Real) else value


def whole_number(value: object) -> int | None:
    """A label id, which JSON may hold as a number or as a text."""
    value = plain(value)
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 10:
        return int(value)
    return value if type(value) is int else None


def short(value: object) -> str:
    """A value as an error message shows it."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def printable(name: str) -> str:
    """A name out of a file, as an error message may show it: one line, not endless."""
    return name if name.isprintable() and len(name) <= 120 else repr(name[:80])


def listed(names: Iterable[str], show: int = 3) -> str:
    """Names out of a file, as an error message may show them: the first few, and how many more there are."""
    shown = [printable(name) for name in names]
    more = f" and {len(shown) - show} more" if len(shown) > show else ""
    return ", ".join(shown[:show]) + more
