"""The half of a tokenizer that knows tokens and ids: special tokens, conversions, the way back to text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from operator import index as whole_number
from typing import Any, ClassVar, overload

from tokenizers import AddedToken

from entailment.errors import InputError
from entailment.text.decode import clean_up, join_tokens
from entailment.text.files import ROLES, TokenizerFiles
from entailment.text.special_tokens import ExtraTokens, RoleId, RoleToken
from entailment.text.tensors import to_lists


class TokenTable:
    """Tokens and ids of one vocabulary.

    Attributes:
        files: vocabulary and settings; never changed, but replaced when tokens are added.
        clean_up_tokenization_spaces: what `decode` does where its caller does not say.
        is_fast: whether it is in Rust.
    """

    is_fast: ClassVar[bool]
    files: TokenizerFiles
    clean_up_tokenization_spaces: bool = False

    @cached_property
    def _ids(self) -> dict[str, int]:
        added = {token.content: index for index, token in self.files.added.items()}
        return dict(self.files.vocabulary) | added

    @cached_property
    def _names(self) -> dict[int, str]:
        return {index: token for token, index in self._ids.items()}

    def _forget(self) -> None:
        """Forget what was worked out from `files`, which has been replaced."""
        self.__dict__.pop("_ids", None)
        self.__dict__.pop("_names", None)

    def __len__(self) -> int:
        """How many tokens there are, added ones included: the size to give `resize_token_embeddings`."""
        return len(self._ids)

    def __bool__(self) -> bool:
        return True

    @property
    def vocab_size(self) -> int:
        """How many tokens there are without added ones."""
        return len(self.files.vocabulary)

    def get_vocab(self) -> dict[str, int]:
        """Token to id, added tokens included."""
        return dict(self._ids)

    @property
    def vocab(self) -> dict[str, int]:
        """As `get_vocab`."""
        return self.get_vocab()

    @property
    def added_tokens_decoder(self) -> dict[int, AddedToken]:
        """Special and added tokens by id."""
        return dict(sorted(self.files.tokens_in_text.items()))

    @property
    def added_tokens_encoder(self) -> dict[str, int]:
        """Ids of special and added tokens."""
        return {token.content: index for index, token in self.added_tokens_decoder.items()}

    def get_added_vocab(self) -> dict[str, int]:
        """As `added_tokens_encoder`."""
        return self.added_tokens_encoder

    bos_token = RoleToken[str | None]("bos_token", "Begins what a decoder writes; None unless set.")
    eos_token = RoleToken[str | None]("eos_token", "Ends what a decoder writes; None unless set.")
    unk_token = RoleToken[str]("unk_token", "Stands for a word that the vocabulary cannot spell.")
    sep_token = RoleToken[str]("sep_token", "Closes each text.")
    pad_token = RoleToken[str]("pad_token", "Fills rows up to a length.")
    cls_token = RoleToken[str]("cls_token", "Opens a row.")
    mask_token = RoleToken[str]("mask_token", "Stands for a word that a model is to guess.")
    bos_token_id = RoleId[int | None]("bos_token")
    eos_token_id = RoleId[int | None]("eos_token")
    unk_token_id = RoleId[int]("unk_token")
    sep_token_id = RoleId[int]("sep_token")
    pad_token_id = RoleId[int]("pad_token")
    cls_token_id = RoleId[int]("cls_token")
    mask_token_id = RoleId[int]("mask_token")
    extra_special_tokens = ExtraTokens()
    additional_special_tokens = ExtraTokens()  # the name it had before
    clean_up_tokenization = staticmethod(clean_up)

    @property
    def extra_special_tokens_ids(self) -> list[int]:
        """Ids of `extra_special_tokens`."""
        return [self._ids[token] for token in self.extra_special_tokens if token in self._ids]

    additional_special_tokens_ids = extra_special_tokens_ids

    @property
    def pad_token_type_id(self) -> int:
        """Token type of padding: 0."""
        return 0

    @property
    def special_tokens_map(self) -> dict[str, str]:
        """Special tokens by role."""
        return {role: self.files.specials[role] for role in ROLES if role in self.files.specials}

    @property
    def all_special_tokens(self) -> list[str]:
        """Special tokens with a role, then those without."""
        return list(dict.fromkeys([*self.special_tokens_map.values(), *self.extra_special_tokens]))

    @property
    def all_special_ids(self) -> list[int]:
        """Ids of `all_special_tokens`."""
        return [self._ids[token] for token in self.all_special_tokens if token in self._ids]

    @overload
    def convert_tokens_to_ids(self, tokens: str) -> int: ...
    @overload
    def convert_tokens_to_ids(self, tokens: list[str] | tuple[str, ...]) -> list[int]: ...
    def convert_tokens_to_ids(self, tokens: str | list[str] | tuple[str, ...]) -> int | list[int]:
        """The id of a token or of each of several; the unknown token's where the vocabulary lacks one."""
        if isinstance(tokens, str):
            return self._ids.get(tokens, self.unk_token_id)
        return [self._ids.get(token, self.unk_token_id) for token in tokens]

    @overload
    def convert_ids_to_tokens(self, ids: int, skip_special_tokens: bool = False) -> str: ...
    @overload
    def convert_ids_to_tokens(self, ids: Sequence[int], skip_special_tokens: bool = False) -> list[str]: ...
    def convert_ids_to_tokens(
        self, ids: int | Sequence[int], skip_special_tokens: bool = False
    ) -> str | list[str]:
        """The token of an id, or of each of several (lists, arrays, tensors).

        Raises:
            InputError: an id that is no whole number, or that no token has.
        """
        ids = to_lists(ids)
        if not isinstance(ids, list):
            return self._name(ids)
        skipped = set(self.all_special_ids) if skip_special_tokens else set()
        return [self._name(index) for index in ids if index not in skipped]

    def convert_tokens_to_string(self, tokens: Sequence[str]) -> str:
        """Put tokens together to readable text."""
        return join_tokens(tokens, self.files.prefix)

    def decode(
        self,
        token_ids: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
    ) -> Any:
        """Text from ids: a string for one id or a row (list, array or tensor), a list of strings for rows.

        Tokens that were added as special ones are skipped as well as `all_special_tokens`;
        `convert_ids_to_tokens` and `get_special_tokens_mask` know only the latter, as in the reference.
        So is this: an id from 0 that no token has, which a model may predict that has more embeddings than
        there are tokens, is the unknown token to slow tokenizers and nothing to fast ones.

        Raises:
            InputError: an id that can be none (-100 among labels).
        """
        ids = to_lists(token_ids)
        if isinstance(ids, list) and ids and isinstance(ids[0], list):
            return [self.decode(row, skip_special_tokens, clean_up_tokenization_spaces) for row in ids]
        row = ids if isinstance(ids, list) else [ids]
        if skip_special_tokens:
            special = {index for index, token in self.files.tokens_in_text.items() if token.special}
            special.update(self.all_special_ids)
            row = [index for index in row if index not in special]
        text = self.convert_tokens_to_string([token for index in row for token in self._decoded(index)])
        cleans = clean_up_tokenization_spaces
        return clean_up(text) if (self.clean_up_tokenization_spaces if cleans is None else cleans) else text

    def batch_decode(
        self,
        sequences: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
    ) -> list[str]:
        """The text of each row of ids; errors as of `decode`."""
        rows = to_lists(sequences)
        return [self.decode(row, skip_special_tokens, clean_up_tokenization_spaces) for row in rows]

    def build_inputs_with_special_tokens(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None
    ) -> list[int]:
        """``[CLS] A [SEP]``, or for a pair ``[CLS] A [SEP] B [SEP]``."""
        second = [] if token_ids_1 is None else [*token_ids_1, self.sep_token_id]
        return [self.cls_token_id, *token_ids_0, self.sep_token_id, *second]

    def create_token_type_ids_from_sequences(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None
    ) -> list[int]:
        """0 for the first text and its special tokens, 1 for the second and its ``[SEP]``."""
        return [0] * (len(token_ids_0) + 2) + [1] * (0 if token_ids_1 is None else len(token_ids_1) + 1)

    def get_special_tokens_mask(
        self,
        token_ids_0: list[int],
        token_ids_1: list[int] | None = None,
        already_has_special_tokens: bool = False,
    ) -> list[int]:
        """1 for special tokens, 0 for others.

        Args:
            token_ids_0: ids of the first text; or of a whole row with `already_has_special_tokens`.
            token_ids_1: ids of the second text.
            already_has_special_tokens: look for special tokens in the row, instead of saying where
                `build_inputs_with_special_tokens` will put them.

        Raises:
            InputError: a second text beside a row that already has its special tokens.
        """
        if already_has_special_tokens:
            if token_ids_1 is not None:
                raise InputError("a row that already has its special tokens takes no token_ids_1")
            special = set(self.all_special_ids)
            return [int(index in special) for index in token_ids_0]
        second = [] if token_ids_1 is None else [0] * len(token_ids_1) + [1]
        return [1] + [0] * len(token_ids_0) + [1] + second

    def num_special_tokens_to_add(self, pair: bool = False) -> int:
        """How many special tokens a row gets."""
        return 3 if pair else 2

    def special_id(self, role: str) -> int:
        """The id of the token of a role (``cls_token`` and so on).

        Raises:
            InputError: the vocabulary lacks the token.
        """
        token = self.files.specials[role]
        if token not in self._ids:
            raise InputError(f"{self.files.source}: the vocabulary lacks {token!r}, the {role}")
        return self._ids[token]

    def _decoded(self, index: Any) -> list[str]:
        if type(index) is int and index >= 0 and index not in self._names:
            return [] if self.is_fast else [self.unk_token]
        return [self._name(index)]

    def _name(self, index: Any) -> str:
        try:
            return self._names[whole_number(index)]
        except (KeyError, TypeError):
            raise InputError(f"{index!r} is no id of this vocabulary of {len(self)} tokens") from None
