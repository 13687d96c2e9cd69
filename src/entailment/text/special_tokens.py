"""Special tokens as attributes of a tokenizer: read from its files, set by adding them.

A token that the vocabulary lacks is added to it when it is set, for the id of the unknown token, which the
reference library then answers, would be a silent wrong answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from tokenizers import AddedToken

from entailment.errors import InputError

if TYPE_CHECKING:
    from entailment.text.kept_tokenizer import KeptTokenizer
    from entailment.text.token_table import TokenTable

Token = str | AddedToken
Held = TypeVar("Held", covariant=True)


class RoleToken(Generic[Held]):
    """The token of one role; may be set, as `KeptTokenizer.add_special_tokens` does.

    Args:
        role: ``cls_token`` and so on.
        purpose: what the token is for.
    """

    def __init__(self, role: str, purpose: str) -> None:
        self.role = role
        self.__doc__ = purpose

    @overload
    def __get__(self, table: None, kind: type[TokenTable]) -> RoleToken[Held]: ...
    @overload
    def __get__(self, table: TokenTable, kind: type[TokenTable]) -> Held: ...
    def __get__(self, table: TokenTable | None, kind: type[TokenTable]) -> Any:
        """The token; None for a role that no token has."""
        return self if table is None else table.files.specials.get(self.role)

    def __set__(self, table: KeptTokenizer, token: Token) -> None:
        """Give the role to a token."""
        table.add_special_tokens({self.role: token})


class RoleId(Generic[Held]):
    """The id of the token of one role; may be set to that of another token.

    Args:
        role: ``cls_token`` and so on.
    """

    def __init__(self, role: str) -> None:
        self.role = role
        self.__doc__ = f"Id of `{role}`."

    @overload
    def __get__(self, table: None, kind: type[TokenTable]) -> RoleId[Held]: ...
    @overload
    def __get__(self, table: TokenTable, kind: type[TokenTable]) -> Held: ...
    def __get__(self, table: TokenTable | None, kind: type[TokenTable]) -> Any:
        """The id, None for a role that no token has; an InputError where the vocabulary lacks the token."""
        if table is None:
            return self
        return table.special_id(self.role) if self.role in table.files.specials else None

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

    def __set__(self, table: KeptTokenizer, tokens: Iterable[Token]) -> None:
        """Put others in their place, or none."""
        table.set_extra_special_tokens(checked_tokens("extra_special_tokens", tokens))


def checked_tokens(name: str, tokens: Any) -> list[Token]:
    """Several tokens as a list.

    Raises:
        InputError: it is no list, or holds what is no token.
    """
    if isinstance(tokens, (str, AddedToken)) or not isinstance(tokens, Iterable):
        raise InputError(f"{name} is {tokens!r:.80}; expected a list of tokens")
    return [checked_token(f"a token of {name}", token) for token in tokens]


def checked_token(name: str, token: Any) -> Token:
    """A token.

    Raises:
        InputError: it is none.
    """
    if not isinstance(token, (str, AddedToken)) or not str(token):
        raise InputError(f"{name} is {token!r:.80}; expected a token")
    return token


def as_special(token: AddedToken) -> AddedToken:
    """A token as a special one, found as it is written unless its maker said that it is `normalized`."""
    was, token.special = token.special, True  # where its maker said nothing, this makes `normalized` False
    names = ("normalized", "single_word", "lstrip", "rstrip")
    flags = {name: getattr(token, name) for name in names}
    token.special = was
    return AddedToken(token.content, special=True, **flags)
