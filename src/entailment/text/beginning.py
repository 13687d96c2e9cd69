"""The first tokens of a text, reading no more of it than they need.

A model reads a few hundred tokens; a text may have ten million characters. `read_beginnings` tokenises a long
text piece by piece and stops once it has enough. A piece ends beside white space, punctuation or a Chinese
character: there BERT's rules always begin a new word, so the ids of the pieces are the ids of the whole. A
single word longer than a piece is the unknown token once more than a hundred of its characters survive
cleaning, and never reaches the tokenizer whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice

import numpy as np

from entailment.text import unicode_tables as tables
from entailment.text.tokenizer import Ids, Tokenizer

_BLANK_BEGINNING = re.compile(
    f"[{tables.pattern_class(tables.SPACE)}{tables.pattern_class(tables.REMOVED)}]+"
)
# Symbols that accent stripping turns into the ASCII punctuation ` = < > (three have a stroke, an accent).
_BECOME_PUNCTUATION = "1FEF 2260 226E 226F"


@dataclass(frozen=True)
class Piece:
    """The characters `start` to `end` of a text, and how many tokens they are."""

    start: int
    end: int
    tokens: int


@dataclass(frozen=True, eq=False)
class Beginning:
    """The first tokens of a text.

    Attributes:
        ids: int64 [tokens]: those of all the text, or one more than the limit asked for.
    """

    ids: Ids
    text: str
    pieces: tuple[Piece, ...]
    tokenizer: Tokenizer

    def end_of(self, count: int) -> int:
        """How many characters of the text its first `count` tokens were read from, 1 <= count <= len(ids)."""
        for piece in self.pieces:
            if count <= piece.tokens:
                break
            count -= piece.tokens
        if count == piece.tokens == 1:
            return piece.end  # perhaps a word of millions of characters
        encoding = self.tokenizer.backend.encode(self.text[piece.start : piece.end], add_special_tokens=False)
        return piece.start + int(encoding.offsets[count - 1][1])


def read_beginnings(
    tokenizer: Tokenizer, texts: Sequence[str], *, limit: int, size: int | None = None
) -> list[Beginning]:
    """The first tokens of each text: all of them, or ``limit + 1`` where there are more than `limit`.

    `size` is how many characters are tokenised at a time; nearly any text has `limit` tokens in the default.
    """
    if size is None:
        size = 16 * limit + 1024
    cutter = _Cutter.of(tokenizer) if any(len(text) > size for text in texts) else None
    short = [text for text in texts if len(text) <= size or cutter is None]
    beginnings = iter(tokenizer.ids(short))
    found = []
    for text in texts:
        if len(text) <= size or cutter is None:
            ids = next(beginnings)
            found.append(Beginning(ids[: limit + 1], text, (Piece(0, len(text), len(ids)),), tokenizer))
        else:
            found.append(_read_long(tokenizer, cutter, text, limit, size))
    return found


def _read_long(tokenizer: Tokenizer, cutter: _Cutter, text: str, limit: int, size: int) -> Beginning:
    parts: list[Ids] = [np.empty(0, dtype=np.int64)]
    pieces: list[Piece] = []
    count = start = 0
    while count <= limit and start < len(text):
        blank = _BLANK_BEGINNING.match(text, start)
        start = blank.end() if blank else start
        end = cutter.last_cut(text, start, start + size)
        if end is not None:
            ids = tokenizer.ids([text[start:end]])[0]
        else:
            end = cutter.next_cut(text, start + size)
            ids = cutter.ids_of_word(text[start:end])
        parts.append(ids)
        pieces.append(Piece(start, end, len(ids)))
        count += len(ids)
        start = end
    return Beginning(np.concatenate(parts)[: limit + 1], text, tuple(pieces), tokenizer)


@dataclass(frozen=True)
class _Cutter:
    """Knows where a text may be cut without changing its tokens."""

    tokenizer: Tokenizer
    boundary: re.Pattern[str]
    """A character that is no part of a longer word, wherever it stands."""
    survivor: re.Pattern[str]
    """A character that cleaning (and accent stripping, where done) leaves."""
    added: tuple[str, ...]
    """Tokens found in the raw text before anything else, as ``[SEP]`` is: never cut inside one."""

    @staticmethod
    def of(tokenizer: Tokenizer) -> _Cutter | None:
        """The cutter of a tokenizer; None where its rules are not BERT's own, and texts must stay whole."""
        files = tokenizer.files
        added = files.tokens_in_text.values()
        # Tokens matched after normalisation, or only between other words, could depend on a cut beside them.
        if (
            files.backend
            or not files.clean_text
            or any(token.normalized or token.single_word for token in added)
        ):
            return None
        if any(_BLANK_BEGINNING.match(token.content) for token in added):
            return None
        patterns = _patterns(files.strips, files.split_chinese)
        return _Cutter(tokenizer, *patterns, tuple(token.content for token in added))

    def last_cut(self, text: str, start: int, end: int) -> int | None:
        """The last place to cut after `start`, `end` at most; None where there is none."""
        if end >= len(text):
            return len(text)
        return next((at for at in range(end, start, -1) if self._is_cut(text, at)), None)

    def next_cut(self, text: str, start: int) -> int:
        """The first place to cut after `start`; the end of the text at last."""
        found = self.boundary.finditer(text, start)
        places = (at for match in found for at in match.span() if at > start)
        return next((at for at in places if self._is_cut(text, at)), len(text))

    def _is_cut(self, text: str, at: int) -> bool:
        if not (self.boundary.match(text, at) or self.boundary.match(text, at - 1)):
            return False
        return not any(
            token in text[max(0, at - len(token) + 1) : at + len(token) - 1] for token in self.added
        )

    def ids_of_word(self, word: str) -> Ids:
        """The tokens of one word too long for a piece."""
        files = self.tokenizer.files
        if any(token in word for token in self.added):
            return self.tokenizer.ids([word])[0]
        survivors = islice(self.survivor.finditer(word), files.longest_word + 1)
        if sum(1 for _ in survivors) > files.longest_word:
            return np.array([files.vocabulary[files.specials["unk_token"]]], dtype=np.int64)
        # Imported here, for its patterns take a while to compile and hardly any text needs them.
        from entailment.text.wordpiece import clean, strip_accents

        word = clean(word)
        return self.tokenizer.ids([strip_accents(word) if files.strips else word])[0]


@cache
def _patterns(strips: bool, chinese: bool) -> tuple[re.Pattern[str], re.Pattern[str]]:
    boundary = tables.pattern_class(tables.SPACE) + tables.pattern_class(tables.PUNCTUATION)
    vanishing = tables.pattern_class(tables.REMOVED)
    if chinese:
        boundary += tables.pattern_class(tables.CHINESE)
    if strips:
        boundary += tables.pattern_class(_BECOME_PUNCTUATION)
        vanishing += tables.pattern_class(tables.NONSPACING_MARKS)
    return re.compile(f"[{boundary}]"), re.compile(f"[^{vanishing}]")
