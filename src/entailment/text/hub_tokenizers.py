"""The tokenizers by the names of ``transformers``: slow and fast, for BERT, DistilBERT and MobileBERT.

The slow ones are the plain-Python definition, the fast ones the Rust library; their ids are the same. The
three families differ in what a call answers: DistilBERT has no token types.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Never

from tokenizers import AddedToken

from entailment.checkpoint.arguments import refuse_unknown
from entailment.errors import CheckpointNotFoundError, CorruptCheckpointError, InputError
from entailment.text.files import (
    DEFAULT_SPECIALS,
    ROLES,
    TokenizerFiles,
    read_tokenizer_json,
    read_vocabulary,
)
from entailment.text.kept_tokenizer import KeptTokenizer
from entailment.text.settings import stated_over
from entailment.text.special_tokens import Token, checked_token, checked_tokens


class SlowTokenizer(KeptTokenizer):
    """A tokenizer in plain Python.

    Args:
        vocab_file: the ``vocab.txt``, one token a line; or the vocabulary itself, token to id.
        do_lower_case: lower-case the text.
        do_basic_tokenize: clean the text and split punctuation before WordPiece.
        never_split: words to leave whole and as they are; without effect unless `do_basic_tokenize`.
        unk_token: stands for a word that the vocabulary cannot spell.
        sep_token: closes each text.
        pad_token: fills rows up to a length.
        cls_token: opens a row.
        mask_token: stands for a word that a model is to guess.
        tokenize_chinese_chars: make each CJK ideograph a word.
        strip_accents: None strips when lower-casing.
        model_max_length: tokens the model reads; None for no limit.
        padding_side: "right" or "left".
        truncation_side: "right" or "left".
        bos_token, eos_token: without effect on what a call answers; they have an id like any other.
        additional_special_tokens: further special tokens. Where one is given, or a token above is not
            its default, special tokens that the vocabulary lacks are added to it.
        model_input_names: what a call answers; None for what models of this family take.
        clean_up_tokenization_spaces: what `decode` does where its caller does not say.
        split_special_tokens: treat special tokens written in a text as any other words.
        **others: refused.

    Raises:
        CheckpointNotFoundError: there is no such file.
        CorruptCheckpointError: it is damaged or lacks the unknown token.
        InputError: an argument that there is not.
    """

    is_fast = False

    def __init__(
        self,
        vocab_file: str | Path | Mapping[str, int],
        do_lower_case: bool = True,
        do_basic_tokenize: bool = True,
        never_split: Iterable[str] | None = None,
        unk_token: Token = "[UNK]",  # noqa: S107 - tokens, not passwords
        sep_token: Token = "[SEP]",  # noqa: S107
        pad_token: Token = "[PAD]",  # noqa: S107
        cls_token: Token = "[CLS]",  # noqa: S107
        mask_token: Token = "[MASK]",  # noqa: S107
        tokenize_chinese_chars: bool = True,
        strip_accents: bool | None = None,
        *,
        model_max_length: int | None = None,
        padding_side: str = "right",
        truncation_side: str = "right",
        bos_token: Token | None = None,
        eos_token: Token | None = None,
        additional_special_tokens: Iterable[Token] = (),
        model_input_names: Iterable[str] | None = None,
        clean_up_tokenization_spaces: bool = False,
        split_special_tokens: bool = False,
        **others: Never,
    ) -> None:
        _refuse(type(self), others)
        roles = _roles(bos_token, eos_token, unk_token, sep_token, pad_token, cls_token, mask_token)
        extra = checked_tokens("additional_special_tokens", additional_special_tokens)
        specials, given = {role: str(token) for role, token in roles.items()}, [*roles.values(), *extra]
        source, vocabulary = _vocabulary(vocab_file, specials["unk_token"])
        files = TokenizerFiles(
            source=source,
            vocabulary=vocabulary,
            specials=specials,
            extra_specials=tuple(map(str, extra)),
            lower_case=do_lower_case,
            strip_accents=strip_accents,
            split_chinese=tokenize_chinese_chars,
            settings=_stated(
                {
                    "do_basic_tokenize": do_basic_tokenize,
                    "never_split": None if never_split is None else list(never_split),
                    "model_max_length": model_max_length,
                    "padding_side": padding_side,
                    "truncation_side": truncation_side,
                    "model_input_names": None if model_input_names is None else list(model_input_names),
                    "clean_up_tokenization_spaces": clean_up_tokenization_spaces,
                    "split_special_tokens": split_special_tokens or None,
                }
            ),
        )
        self._set_up(files)
        if _asks_for_tokens(files, given):
            self._add_missing_special_tokens(given)


class FastTokenizer(KeptTokenizer):
    """A tokenizer in Rust, which knows where in a text each token is.

    Args:
        vocab_file: the ``vocab.txt``, one token a line; or the vocabulary itself, token to id.
        tokenizer_file: a ``tokenizer.json``, read instead of any `vocab_file`; the arguments below count over
            what it says, where not None.
        do_lower_case: lower-case the text.
        unk_token: stands for a word that the vocabulary cannot spell.
        sep_token: closes each text.
        pad_token: fills rows up to a length.
        cls_token: opens a row.
        mask_token: stands for a word that a model is to guess.
        tokenize_chinese_chars: make each CJK ideograph a word.
        strip_accents: None strips when lower-casing.
        clean_text: drop control characters, make all white space spaces; None for what `tokenizer_file`
            says, else True.
        wordpieces_prefix: how a piece that continues a word begins in the vocabulary; None for what
            `tokenizer_file` says, else "##".
        model_max_length: tokens the model reads; None for no limit.
        padding_side: "right" or "left".
        truncation_side: "right" or "left".
        bos_token, eos_token: without effect on what a call answers; they have an id like any other.
        additional_special_tokens: further special tokens. Where one is given, or a token above is not
            its default, special tokens that the vocabulary lacks are added to it.
        model_input_names: what a call answers; None for what models of this family take.
        clean_up_tokenization_spaces: what `decode` does where its caller does not say.
        split_special_tokens: treat special tokens written in a text as any other words.
        **others: refused.

    Raises:
        InputError: neither file is given, or an argument that there is not.
        CheckpointNotFoundError: there is no such file.
        CorruptCheckpointError: it is damaged or lacks the unknown token.
    """

    is_fast = True

    def __init__(
        self,
        vocab_file: str | Path | Mapping[str, int] | None = None,
        tokenizer_file: str | Path | None = None,
        do_lower_case: bool = True,
        unk_token: Token = "[UNK]",  # noqa: S107 - tokens, not passwords
        sep_token: Token = "[SEP]",  # noqa: S107
        pad_token: Token = "[PAD]",  # noqa: S107
        cls_token: Token = "[CLS]",  # noqa: S107
        mask_token: Token = "[MASK]",  # noqa: S107
        tokenize_chinese_chars: bool = True,
        strip_accents: bool | None = None,
        *,
        clean_text: bool | None = None,
        wordpieces_prefix: str | None = None,
        model_max_length: int | None = None,
        padding_side: str = "right",
        truncation_side: str = "right",
        bos_token: Token | None = None,
        eos_token: Token | None = None,
        additional_special_tokens: Iterable[Token] = (),
        model_input_names: Iterable[str] | None = None,
        clean_up_tokenization_spaces: bool = False,
        split_special_tokens: bool = False,
        **others: Never,
    ) -> None:
        _refuse(type(self), others)
        if vocab_file is None and tokenizer_file is None:
            raise InputError("give a tokenizer either its vocab_file or its tokenizer_file")
        settings = _stated(
            {
                "model_max_length": model_max_length,
                "padding_side": padding_side,
                "truncation_side": truncation_side,
                "model_input_names": None if model_input_names is None else list(model_input_names),
                "clean_up_tokenization_spaces": clean_up_tokenization_spaces,
                "split_special_tokens": split_special_tokens or None,
            }
        )
        roles = _roles(bos_token, eos_token, unk_token, sep_token, pad_token, cls_token, mask_token)
        extra = checked_tokens("additional_special_tokens", additional_special_tokens)
        specials, given = {role: str(token) for role, token in roles.items()}, [*roles.values(), *extra]
        if tokenizer_file is not None:
            path = Path(tokenizer_file)
            if not path.is_file():
                raise CheckpointNotFoundError(f"{path}: no such tokenizer file")
            stated = {
                "do_lower_case": do_lower_case,
                "strip_accents": strip_accents,
                "tokenize_chinese_chars": tokenize_chinese_chars,
                "additional_special_tokens": [*map(str, extra)],
            }
            files = read_tokenizer_json(path, {**settings, **specials, **stated})
        else:
            source, vocabulary = _vocabulary(vocab_file or {}, specials["unk_token"])
            files = TokenizerFiles(
                source=source,
                vocabulary=vocabulary,
                specials=specials,
                extra_specials=tuple(map(str, extra)),
                lower_case=do_lower_case,
                strip_accents=strip_accents,
                split_chinese=tokenize_chinese_chars,
                settings=settings,
            )
        files = stated_over(
            files, {"clean_text": clean_text, "wordpieces_prefix": wordpieces_prefix}, fast=True
        )
        self._set_up(files)
        if _asks_for_tokens(files, given):
            self._add_missing_special_tokens(given)


class BertTokenizer(SlowTokenizer):
    """BERT's tokenizer in plain Python; arguments as of `SlowTokenizer`."""


class BertTokenizerFast(FastTokenizer):
    """BERT's tokenizer in Rust; arguments as of `FastTokenizer`."""


class MobileBertTokenizer(SlowTokenizer):
    """MobileBERT's tokenizer, which is BERT's, in plain Python; arguments as of `SlowTokenizer`."""


class MobileBertTokenizerFast(FastTokenizer):
    """MobileBERT's tokenizer, which is BERT's, in Rust; arguments as of `FastTokenizer`."""


class DistilBertTokenizer(SlowTokenizer):
    """DistilBERT's tokenizer, BERT's without token types, in Python; arguments as of `SlowTokenizer`."""

    default_input_names = ("input_ids", "attention_mask")


class DistilBertTokenizerFast(FastTokenizer):
    """DistilBERT's tokenizer, BERT's without token types, in Rust; arguments as of `FastTokenizer`."""

    default_input_names = ("input_ids", "attention_mask")


def _refuse(kind: type[KeptTokenizer], others: Mapping[str, object]) -> None:
    if others:
        known = inspect.signature(kind).parameters.keys() - {"others"}
        refuse_unknown(others, known, kind.__name__)


def _roles(*tokens: Token | None) -> dict[str, Token]:
    """Tokens by role; of BERT's own roles none may be left out."""
    return {
        role: checked_token(role, token)
        for role, token in zip(ROLES, tokens, strict=True)
        if token is not None or role in DEFAULT_SPECIALS
    }


def _asks_for_tokens(files: TokenizerFiles, given: Iterable[Token]) -> bool:
    """Whether special tokens other than BERT's are asked for; its own are never made up for a vocabulary."""
    others = bool(files.extra_specials) or files.specials != DEFAULT_SPECIALS
    return others or any(isinstance(token, AddedToken) for token in given)


def _stated(settings: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in settings.items() if value is not None}


def _vocabulary(given: str | Path | Mapping[str, int], unk_token: str) -> tuple[Path, dict[str, int]]:
    source = Path("the vocabulary given") if isinstance(given, Mapping) else Path(given)
    vocabulary = dict(given) if isinstance(given, Mapping) else read_vocabulary(given)
    if unk_token not in vocabulary:
        raise CorruptCheckpointError(f"{source}: the vocabulary lacks the unknown token {unk_token!r}")
    return source, vocabulary
