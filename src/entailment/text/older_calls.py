"""Calls by their other names: for ids or tokens alone, those from before a tokenizer could be called itself,
and what those were made of.

`HubTokenizer` takes these functions by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Unpack

from entailment.errors import InputError
from entailment.text.batch import BatchEncoding
from entailment.text.call_options import (
    CallOptions,
    FurtherOptions,
    TokenizeOptions,
    cutting,
    refuse_others,
    strategies,
)
from entailment.text.inputs import is_batch

if TYPE_CHECKING:
    from entailment.text.hub_tokenizer import HubTokenizer


def encode(
    self: HubTokenizer,
    text: Any,
    text_pair: Any = None,
    add_special_tokens: bool = True,
    padding: bool | str = False,
    truncation: bool | str | None = None,
    max_length: int | None = None,
    stride: int = 0,
    padding_side: str | None = None,
    return_tensors: str | None = None,
    **options: Unpack[FurtherOptions],
) -> Any:
    """The ``input_ids`` of a call: a list of ids, a list of lists for a batch, or a tensor.

    Raises:
        InputError: an argument that there is not, and what a call raises.
    """
    return self(
        text,
        text_pair,
        add_special_tokens=add_special_tokens,
        padding=padding,
        truncation=truncation,
        max_length=max_length,
        stride=stride,
        padding_side=padding_side,
        return_tensors=return_tensors,
        **_known(options, CallOptions.__annotations__, "encode"),
    )["input_ids"]


def tokenize(
    self: HubTokenizer,
    text: Any,
    pair: Any = None,
    add_special_tokens: bool = False,
    **options: Unpack[TokenizeOptions],
) -> list[str]:
    """The tokens of a text or pair, as strings; cut and padded where the options of a call ask for it.

    Raises:
        InputError: an argument that there is not, and what a call raises.
    """
    known = _known({"verbose": False, **options}, CallOptions.__annotations__, "tokenize")
    return self(text, pair, add_special_tokens=add_special_tokens, **known).tokens()


def encode_plus(
    self: HubTokenizer, text: Any, text_pair: Any = None, **options: Unpack[CallOptions]
) -> BatchEncoding:
    """As a call with one text, or one pair.

    Raises:
        InputError: several texts, an argument that there is not, and what a call raises.
    """
    known = _known(options, CallOptions.__annotations__, "encode_plus")
    if is_batch(text, split_words=known.get("is_split_into_words", False)):
        raise InputError(
            "encode_plus takes one text or pair, not a list of them; for a list call the tokenizer itself or"
            " batch_encode_plus; for one text split into words say is_split_into_words=True"
        )
    return self(text, text_pair, **known)


def batch_encode_plus(
    self: HubTokenizer, batch_text_or_text_pairs: Any, **options: Unpack[CallOptions]
) -> BatchEncoding:
    """As a call with a list of texts, or of pairs.

    Raises:
        InputError: it is no list, an argument that there is not, and what a call raises.
    """
    known = _known(options, CallOptions.__annotations__, "batch_encode_plus")
    if not isinstance(batch_text_or_text_pairs, (list, tuple)):
        raise InputError(
            f"batch_encode_plus takes a list of texts or pairs, not {batch_text_or_text_pairs!r:.80}"
        )
    return self(batch_text_or_text_pairs, **known)


def prepare_for_model(
    self: HubTokenizer,
    ids: list[int],
    pair_ids: list[int] | None = None,
    add_special_tokens: bool = True,
    padding: bool | str = False,
    truncation: bool | str | None = None,
    max_length: int | None = None,
    stride: int = 0,
    pad_to_multiple_of: int | None = None,
    padding_side: str | None = None,
    return_tensors: str | None = None,
    return_token_type_ids: bool | None = None,
    return_attention_mask: bool | None = None,
    return_overflowing_tokens: bool = False,
    return_special_tokens_mask: bool = False,
    return_length: bool = False,
    prepend_batch_axis: bool = False,
) -> BatchEncoding:
    """A row of ids made ready for the model: cut, with special tokens, padded.

    Args:
        self: the tokenizer.
        ids: of the first text, without special tokens; of `convert_tokens_to_ids`, say.
        pair_ids: of the second text.
        add_special_tokens: this and what follows is as in a call.
        padding: see there.
        truncation: see there.
        max_length: see there.
        stride: see `truncate_sequences`.
        pad_to_multiple_of: see a call.
        padding_side: see there.
        return_tensors: see there.
        return_token_type_ids: see there.
        return_attention_mask: see there.
        return_overflowing_tokens: say in ``overflowing_tokens`` what was cut, in ``num_truncated_tokens`` how
            much.
        return_special_tokens_mask: see a call.
        return_length: see there.
        prepend_batch_axis: make tensors of one row, [1, T].

    Raises:
        InputError: a text too short to be cut enough, and what a call raises.
    """
    pads, cuts, length = strategies(
        padding, truncation, max_length, pad_to_multiple_of, self.model_max_length
    )
    first, second, cut = list(ids), None if pair_ids is None else list(pair_ids), list[int]()
    added = self.num_special_tokens_to_add(pair=second is not None) if add_special_tokens else 0
    excess = 0 if length is None else len(first) + len(second or []) + added - length
    if cuts != "do_not_truncate" and excess > 0:
        first, second, cut = truncate_sequences(self, first, second, excess, cuts, stride)
    wanted = self._wanted(return_token_type_ids, return_attention_mask)
    row: dict[str, Any] = {"input_ids": [*first, *(second or [])]}
    types, mask = [0] * len(first) + [1] * len(second or []), [0] * len(row["input_ids"])
    if add_special_tokens:
        row["input_ids"] = self.build_inputs_with_special_tokens(first, second)
        types = self.create_token_type_ids_from_sequences(first, second)
        mask = self.get_special_tokens_mask(first, second)
    if wanted["token_type_ids"]:
        row["token_type_ids"] = types
    if return_special_tokens_mask:
        row["special_tokens_mask"] = mask
    if return_overflowing_tokens and cut and return_tensors is None:
        row |= {"overflowing_tokens": cut, "num_truncated_tokens": excess}
    room = length if pads == "max_length" else None
    made = self.pad(row, pads, room, pad_to_multiple_of, padding_side, return_attention_mask)
    if return_length:
        made["length"] = len(made["input_ids"])
    return made.convert_to_tensors(return_tensors, prepend_batch_axis)


def truncate_sequences(
    self: HubTokenizer,
    ids: list[int],
    pair_ids: list[int] | None = None,
    num_tokens_to_remove: int = 0,
    truncation_strategy: str = "longest_first",
    stride: int = 0,
) -> tuple[list[int], list[int] | None, list[int]]:
    """Cut one text, or two, at the end that `truncation_side` says.

    Args:
        self: the tokenizer.
        ids: of the first text.
        pair_ids: of the second.
        num_tokens_to_remove: how many go.
        truncation_strategy: "longest_first", "only_first", "only_second" or "do_not_truncate".
        stride: tokens that stayed, to repeat before those that were cut.

    Returns:
        What is left of each text, and what was cut; of a pair with "longest_first" the latter is empty.

    Raises:
        InputError: an unknown strategy, or a text that has no more tokens than are to go.
    """
    cuts = cutting(truncation_strategy)
    if num_tokens_to_remove <= 0 or cuts == "do_not_truncate":
        return ids, pair_ids, []
    if cuts == "longest_first" and pair_ids is not None:
        longer = min(abs(len(ids) - len(pair_ids)), num_tokens_to_remove)
        half = (num_tokens_to_remove - longer) // 2
        gone = half + longer if len(ids) > len(pair_ids) else half
        first, _ = _cut(self, "first", ids, gone, 0)
        second, _ = _cut(self, "second", pair_ids, num_tokens_to_remove - gone, 0)
        return first, second, []
    if cuts == "only_second":
        second, cut = _cut(self, "second", pair_ids or [], num_tokens_to_remove, stride)
        return ids, second, cut
    first, cut = _cut(self, "first", ids, num_tokens_to_remove, stride)
    return first, pair_ids, cut


def _known(options: Mapping[str, Any], known: Iterable[str], call: str) -> dict[str, Any]:
    """Those options that a call has, where no other asks for anything."""
    refuse_others(options, known, call)
    return {name: value for name, value in options.items() if name in known}


def _cut(
    self: HubTokenizer, which: str, ids: list[int], gone: int, stride: int
) -> tuple[list[int], list[int]]:
    """What is left of a text, and what is cut with `stride` tokens that stayed."""
    if gone > len(ids):
        raise InputError(f"{gone} tokens cannot be cut from the {which} text: it has only {len(ids)}")
    if self.truncation_side == "left":
        return ids[gone:], ids[: gone + stride]
    return ids[: len(ids) - gone], ids[max(0, len(ids) - gone - stride) :]
