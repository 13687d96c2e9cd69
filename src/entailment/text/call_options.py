"""The arguments of a tokenizer call, as ``transformers`` names them, made plain."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from operator import index as whole_number
from typing import Any, TypedDict, get_args

from entailment.checkpoint.arguments import refuse_unknown
from entailment.errors import InputError
from entailment.text.encoding import Side
from entailment.text.layout import Padding, Truncation
from entailment.text.settings import TokenizerSettings

NO_LIMIT = int(1e30)
"""The `model_max_length` of a tokenizer that no one gave a limit."""
_UNLIMITED = int(1e20)
_INSTEAD = {
    **dict.fromkeys(TokenizerSettings.__annotations__, "state it when the tokenizer is made or opened"),
    "truncation_strategy": "it is now called truncation",
}

_LOG = logging.getLogger(__name__)


class FurtherOptions(TypedDict, total=False):
    """Those that `encode` does not name itself."""

    is_split_into_words: bool
    pad_to_multiple_of: int | None
    return_token_type_ids: bool | None
    return_attention_mask: bool | None
    return_overflowing_tokens: bool
    return_special_tokens_mask: bool
    return_offsets_mapping: bool
    return_length: bool
    verbose: bool
    split_special_tokens: bool | None


class TokenizeOptions(FurtherOptions, total=False):
    """Those that `tokenize` does not name itself."""

    padding: bool | str
    truncation: bool | str | None
    max_length: int | None
    stride: int
    padding_side: str | None
    return_tensors: str | None


class CallOptions(TokenizeOptions, total=False):
    """Arguments of a tokenizer call beside the texts, as `HubTokenizer.__call__` explains them."""

    add_special_tokens: bool


def refuse_others(options: Mapping[str, object], known: Iterable[str], call: str) -> None:
    """Refuse arguments that a call does not have, unless they ask for nothing.

    Args:
        options: what it was given by name.
        known: the names it has.
        call: its own name, for the message.

    Raises:
        InputError: naming the argument, and what to do instead or which there are.
    """
    refuse_unknown(options, known, call, _INSTEAD)


def strategies(
    padding: bool | str,
    truncation: bool | str | None,
    max_length: int | None,
    pad_to_multiple_of: int | None,
    model_max_length: int,
) -> tuple[Padding, Truncation, int | None]:
    """What to pad, what to cut, and to which length.

    A `max_length` alone means truncation; where a length is needed and none given, it is the model's; where
    the model has none either, nothing is cut or padded.

    Raises:
        InputError: an unknown strategy, a length that is no whole number above 0, or one that contradicts
            `pad_to_multiple_of`.
    """
    max_length = count("max_length", max_length)
    pad_to_multiple_of = count("pad_to_multiple_of", pad_to_multiple_of)
    if max_length is not None and padding is False and truncation is None:
        truncation = "longest_first"
    pads: Padding = _choice("padding", padding, "longest", "do_not_pad", get_args(Padding))
    cuts = cutting(truncation)
    if pads == "longest" and cuts == "do_not_truncate" and max_length is not None:
        _LOG.warning("max_length is ignored: padding=True pads to the longest text, and nothing is truncated")
    if max_length is None:
        unlimited = model_max_length > _UNLIMITED
        pads = "do_not_pad" if pads == "max_length" and unlimited else pads
        cuts = "do_not_truncate" if unlimited else cuts
        if pads == "max_length" or cuts != "do_not_truncate":
            max_length = model_max_length
    both = pads != "do_not_pad" and cuts != "do_not_truncate"
    if both and max_length is not None and max_length % (pad_to_multiple_of or 1):
        raise InputError(
            f"max_length {max_length} is not a multiple of pad_to_multiple_of {pad_to_multiple_of}; rows"
            " cannot be cut to the one and padded to the other"
        )
    return pads, cuts, max_length


def cutting(truncation: bool | str | None) -> Truncation:
    """What to cut.

    Raises:
        InputError: an unknown strategy.
    """
    cuts: Truncation = _choice(
        "truncation", truncation, "longest_first", "do_not_truncate", get_args(Truncation)
    )
    return cuts


def length_limit(value: object) -> int:
    """The `model_max_length` that a file states; `NO_LIMIT` where it states none, or an endless one."""
    number = value if isinstance(value, float) else _whole(value)
    return int(number) if number is not None and 1 <= number < NO_LIMIT else NO_LIMIT


def count(name: str, value: object) -> int | None:
    """A whole number from 1 of any kind, NumPy's too, as Python's own; None for None.

    Raises:
        InputError: it is something else.
    """
    number = _whole(value)
    if value is not None and (number is None or number < 1):
        raise InputError(f"{name} is {value!r}; expected a whole number from 1")
    return number


def side(name: str, value: str) -> Side:
    """A side, checked.

    Raises:
        InputError: it is neither "left" nor "right".
    """
    if value == "left":
        return "left"
    if value == "right":
        return "right"
    raise InputError(f"{name} is {value!r}; expected 'left' or 'right'")


def _whole(value: Any) -> int | None:
    """A whole number as Python's own; None where it is no number, no whole one, or true or false."""
    try:
        return None if isinstance(value, bool) else whole_number(value)
    except TypeError:
        return None


def _choice(name: str, value: bool | str | None, yes: str, no: str, known: tuple[str, ...]) -> Any:
    if value is True:
        return yes
    if value is False or value is None:
        return no
    plain = getattr(value, "value", value)  # an enum member of transformers
    if plain not in known:
        raise InputError(f"{name} is {value!r}; expected True, False, or one of {', '.join(known)}")
    return plain
