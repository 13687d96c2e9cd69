"""The arguments of a tokenizer call, as ``transformers`` names them, made plain."""

from __future__ import annotations

import logging
from typing import Any, get_args

from entailment.errors import InputError
from entailment.text.encoding import Side
from entailment.text.layout import Padding, Truncation

NO_LIMIT = int(1e30)
"""The `model_max_length` of a tokenizer that no one gave a limit."""
_UNLIMITED = int(1e20)

_LOG = logging.getLogger(__name__)


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
    for name, value in (("max_length", max_length), ("pad_to_multiple_of", pad_to_multiple_of)):
        if value is not None and (type(value) is not int or value < 1):
            raise InputError(f"{name} is {value!r}; expected a whole number from 1")
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
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and 1 <= value < NO_LIMIT
    return int(value) if usable and isinstance(value, (int, float)) else NO_LIMIT


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


def _choice(name: str, value: bool | str | None, yes: str, no: str, known: tuple[str, ...]) -> Any:
    if value is True:
        return yes
    if value is False or value is None:
        return no
    plain = getattr(value, "value", value)  # an enum member of transformers
    if plain not in known:
        raise InputError(f"{name} is {value!r}; expected True, False, or one of {', '.join(known)}")
    return plain
