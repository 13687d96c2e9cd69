"""Added tokens: found in a text as they are, before it is split into words.

The rules are those of the Rust library: of several that begin at one place the longest counts, the leftmost
first, and one that is a `single_word` counts only between characters that belong to no word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from unicodedata import category

from tokenizers import AddedToken


class AddedTokens:
    """Finds tokens in texts.

    Args:
        tokens: each with the string to look for, which differs from its content where
            normalised text is searched.
    """

    def __init__(self, tokens: Iterable[tuple[str, AddedToken]]) -> None:
        self._tokens = {sought: token for sought, token in tokens if sought}
        longest_first = sorted(self._tokens, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def split(self, text: str) -> Iterator[str | AddedToken]:
        """The text in its order: the tokens found, and what is between them."""
        if not self._tokens:
            yield text
            return
        start = 0
        for match in self._pattern.finditer(text):
            token = self._tokens[match[0]]
            if token.single_word and not _is_apart(text, *match.span()):
                continue
            if match.start() > start:
                yield text[start : match.start()]
            yield token
            start = match.end()
        if start < len(text):
            yield text[start:]


def _is_apart(text: str, start: int, end: int) -> bool:
    return not (start and _in_word(text[start - 1])) and not (end < len(text) and _in_word(text[end]))


def _in_word(char: str) -> bool:
    return category(char)[0] in "LMN" or category(char) == "Pc"
