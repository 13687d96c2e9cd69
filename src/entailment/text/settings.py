"""What a caller of `from_pretrained` may state over what a checkpoint says of its tokenizer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypedDict

from entailment.errors import InputError
from entailment.text.files import ROLES, TokenizerFiles
from entailment.text.special_tokens import Token


class TokenizerSettings(TypedDict, total=False):
    """Settings of a tokenizer, as its constructor has them; None for what the checkpoint says."""

    do_lower_case: bool | None
    strip_accents: bool | None
    tokenize_chinese_chars: bool | None
    clean_text: bool | None
    wordpieces_prefix: str | None
    do_basic_tokenize: bool | None
    never_split: Iterable[str] | None
    bos_token: Token | None
    eos_token: Token | None
    unk_token: Token | None
    sep_token: Token | None
    pad_token: Token | None
    cls_token: Token | None
    mask_token: Token | None
    additional_special_tokens: Iterable[Token] | None
    model_max_length: int | None
    padding_side: str | None
    truncation_side: str | None
    model_input_names: Iterable[str] | None
    clean_up_tokenization_spaces: bool | None
    split_special_tokens: bool | None


_FIELDS = {
    "do_lower_case": "lower_case",
    "strip_accents": "strip_accents",
    "tokenize_chinese_chars": "split_chinese",
    "clean_text": "clean_text",
    "wordpieces_prefix": "prefix",
}
_LISTS = ("never_split", "model_input_names")
_EXTRA = "additional_special_tokens"


def stated_over(files: TokenizerFiles, settings: TokenizerSettings, *, fast: bool) -> TokenizerFiles:
    """The files with what was stated; special tokens that their vocabulary lacks are still to be added.

    Raises:
        InputError: a setting that the Rust library does not have, or an unknown token that is unknown.
    """
    known = TokenizerSettings.__annotations__
    given: dict[str, Any] = {
        name: value for name, value in settings.items() if name in known and value is not None
    }
    if fast and (given.get("never_split") or given.get("do_basic_tokenize") is False):
        raise InputError(
            "never_split and do_basic_tokenize=False are for the plain-Python tokenizers: take one, "
            "BertTokenizer say, or AutoTokenizer with use_fast=False"
        )
    changed = {field: given.pop(name) for name, field in _FIELDS.items() if name in given}
    if _EXTRA in given:
        changed["extra_specials"] = tuple(map(str, given.pop(_EXTRA)))
    roles = {role: str(given.pop(role)) for role in ROLES if role in given}
    check_unknown_token(files, roles)
    settled = {name: list(value) if name in _LISTS else value for name, value in given.items()}
    return replace(
        files, specials={**files.specials, **roles}, settings={**files.settings, **settled}, **changed
    )


def check_unknown_token(files: TokenizerFiles, roles: Mapping[str, object]) -> None:
    """Refuse an unknown token that the vocabulary lacks: WordPiece has to spell with it.

    Raises:
        InputError: it is none of the vocabulary.
    """
    token = roles.get("unk_token")
    if token is not None and str(token) not in files.vocabulary:
        raise InputError(f"unk_token {str(token)!r} must be a token of the vocabulary")
