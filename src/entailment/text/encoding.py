"""One row of token ids, and what each of its tokens came from.

`Encoding` answers as the object of the same name in the `tokenizers` library does. Ids are there at once;
places in the text (offsets, words) are worked out when asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, TypeVar

from entailment.errors import InputError
from entailment.text.engines import Segment

Side = Literal["left", "right"]
T = TypeVar("T")


class CharSpan(NamedTuple):
    """Characters `start` to `end` of a text."""

    start: int
    end: int


class TokenSpan(NamedTuple):
    """Tokens `start` to `end` of a row."""

    start: int
    end: int


@dataclass(frozen=True)
class Part:
    """Tokens `start` to `stop` of a text, put at place `at` of a row, as its first (0) or second (1) text."""

    segment: Segment
    start: int
    stop: int
    at: int
    sequence: int


@dataclass(frozen=True)
class Encoding:
    """A row of tokens; all its lists have the same length."""

    ids: list[int]
    type_ids: list[int]
    """0 for the first text and the special tokens around it, 1 for the second."""
    special_tokens_mask: list[int]
    """1 for tokens that are in no text."""
    attention_mask: list[int]
    """0 for padding."""
    parts: tuple[Part, ...]
    names: Mapping[int, str]
    """The vocabulary: tokens by id."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def tokens(self) -> list[str]:
        """The token of each id."""
        return [self.names[index] for index in self.ids]

    @property
    def offsets(self) -> list[tuple[int, int]]:
        """Start and end of each token in the characters of its text; (0, 0) for special tokens."""
        return self._spread((0, 0), lambda part: _source(part).offsets[part.start : part.stop])

    @property
    def word_ids(self) -> list[int | None]:
        """Which word of its text each token is of, counted from 0; None for special tokens."""
        return self._spread(None, lambda part: _source(part).word_ids[part.start : part.stop])

    @property
    def sequence_ids(self) -> list[int | None]:
        """0 for tokens of the first text, 1 for the second, None for special tokens."""
        return self._spread(None, lambda part: [part.sequence] * (part.stop - part.start))

    @property
    def n_sequences(self) -> int:
        """How many texts the row holds."""
        return len(self.parts)

    def padded(self, length: int, *, side: Side, pad_id: int) -> Encoding:
        """The row with padding up to `length`; itself where it is as long already."""
        missing = length - len(self)
        if missing <= 0:
            return self
        fill: Callable[[list[int], int], list[int]]
        if side == "left":
            fill, shift = lambda values, value: [value] * missing + values, missing
        else:
            fill, shift = lambda values, value: values + [value] * missing, 0
        return replace(
            self,
            ids=fill(self.ids, pad_id),
            type_ids=fill(self.type_ids, 0),
            special_tokens_mask=fill(self.special_tokens_mask, 1),
            attention_mask=fill(self.attention_mask, 0),
            parts=tuple(replace(part, at=part.at + shift) for part in self.parts),
        )

    def token_to_sequence(self, token: int) -> int | None:
        """Which text a token is of; None for a special token."""
        return self.sequence_ids[token]

    def token_to_word(self, token: int) -> int | None:
        """Which word of its text a token is of; None for a special token."""
        return self.word_ids[token]

    def token_to_chars(self, token: int) -> CharSpan | None:
        """The characters a token was made of; None for a special token."""
        return None if self.sequence_ids[token] is None else CharSpan(*self.offsets[token])

    def char_to_token(self, char: int, sequence: int = 0) -> int | None:
        """The token that holds a character of a text; None for white space and what was cut off."""
        found = zip(self.sequence_ids, self.offsets, strict=True)
        return next((at for at, (of, (a, b)) in enumerate(found) if of == sequence and a <= char < b), None)

    def word_to_tokens(self, word: int, sequence: int = 0) -> TokenSpan | None:
        """The tokens of a word."""
        pairs = zip(self.sequence_ids, self.word_ids, strict=True)
        places = [at for at, (of, its) in enumerate(pairs) if of == sequence and its == word]
        return TokenSpan(places[0], places[-1] + 1) if places else None

    def word_to_chars(self, word: int, sequence: int = 0) -> CharSpan | None:
        """The characters of a word."""
        span = self.word_to_tokens(word, sequence)
        if span is None:
            return None
        return CharSpan(self.offsets[span.start][0], self.offsets[span.end - 1][1])

    def char_to_word(self, char: int, sequence: int = 0) -> int | None:
        """The word that holds a character of a text."""
        token = self.char_to_token(char, sequence)
        return None if token is None else self.token_to_word(token)

    def _spread(self, nothing: T, values: Callable[[Part], Sequence[T]]) -> list[T]:
        spread = [nothing] * len(self)
        for part in self.parts:
            spread[part.at : part.at + part.stop - part.start] = values(part)
        return spread


class _Places(NamedTuple):
    offsets: list[tuple[int, int]]
    word_ids: list[int | None]


def _source(part: Part) -> _Places:
    source = part.segment.source
    if source is None:
        raise InputError(
            "the slow tokenizer does not know where in a text its tokens are; for offsets and words use the"
            " class whose name ends in Fast"
        )
    return _Places(source.offsets, source.word_ids)
