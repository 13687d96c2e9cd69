"""Special tokens as attributes of a tokenizer: read from its files, set by adding them.

A token that the vocabulary lacks is added to it when it is set, for the id of the unknown token, which the
reference library then answers, would be a silent wrong answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, overload

from tokenizers import AddedToken

from entailment.errors import InputError

if TYPE_CHECKING:
    from entailment.text.kept_tokenizer import KeptTokenizer
    from entailment.text.token_table import TokenTable


class RoleToken:
    """The token of one role; may be set, as `KeptTokenizer.add_special_tokens` does.

    Args:
        role: ``cls_token`` and so on.
        purpose: what the token is for.
    """

    def __init__(self, role: str, purpose: str) -> None:
        self.role = role
        self.__doc__ = purpose

    @overload
    def __get__(self, table: None, kind: type[TokenTable]) -> RoleToken: ...
    @overload
    def __get__(self, table: TokenTable, kind: type[TokenTable]) -> str: ...
    def __get__(self, table: TokenTable | None, kind: type[TokenTable]) -> str | RoleToken:
        """The token."""
        return self if table is None else table.files.specials[self.role]

    def __set__(self, table: KeptTokenizer, token: str | AddedToken) -> None:
        """Give the role to a token."""
        table.add_special_tokens({self.role: token})


class RoleId:
    """The id of the token of one role; may be set to that of another token.

    Args:
        role: ``cls_token`` and so on.
    """

    def __init__(self, role: str) -> None:
        self.role = role
        self.__doc__ = f"Id of `{role}`."

    @overload
    def __get__(self, table: None, kind: type[TokenTable]) -> RoleId: ...
    @overload
    def __get__(self, table: TokenTable, kind: type[TokenTable]) -> int: ...
    def __get__(self, table: TokenTable | None, kind: type[TokenTable]) -> int | RoleId:
        """The id; an InputError where the vocabulary lacks the token."""
        return self if table is None else table.special_id(self.role)

    def __set__(self, table: KeptTokenizer, index: int) -> None:
        """Give the role to the token of an id."""
        table.add_special_tokens({self.role: table.convert_ids_to_tokens(index)})


class ExtraTokens:
    """The special tokens without a role; others may be set in their place."""

    @overload
    def __get__(self, table: None, kind: type[TokenTable]) -> ExtraTokens: ...
    @overload
    def __get__(self, table: TokenTable, kind: type[TokenTable]) -> list[str]: ...
    def __get__(self, table: TokenTable | None, kind: type[TokenTable]) -> list[str] | ExtraTokens:
        """The tokens."""
        return self if table is None else list(table.files.extra_specials)

    def __set__(self, table: KeptTokenizer, tokens: Iterable[str | AddedToken]) -> None:
        """Put others in their place, or none."""
        table.set_extra_special_tokens(checked_tokens("extra_special_tokens", tokens))


def checked_tokens(name: str, tokens: Any) -> list[str]:
    """The strings of several tokens.

    Raises:
        InputError: it is no list, or holds what is no token.
    """
    if isinstance(tokens, (str, AddedToken)) or not isinstance(tokens, Iterable):
        raise InputError(f"{name} is {tokens!r:.80}; expected a list of tokens")
    return [checked_token(f"a token of {name}", token) for token in tokens]


def checked_token(name: str, token: Any) -> str:
    """The string of a token.

    Raises:
        InputError: it is none.
    """
    if not isinstance(token, (str, AddedToken)) or not str(token):
        raise InputError(f"{name} is {token!r:.80}; expected a token")
    return str(token)
