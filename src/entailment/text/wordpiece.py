"""BERT's tokenisation in plain Python: the definition to read, and the slow tokenizers' engine.

From Devlin et al. 2019 (https://arxiv.org/abs/1810.04805) and its code: *basic tokenisation* makes words
(clean, set Chinese characters apart, strip accents, lower-case, split at punctuation), *WordPiece* cuts each
word into the longest pieces that the vocabulary holds, from the left: ``Unaffable!`` becomes
``un ##aff ##able !``.

It gives, character by character, what the Rust library `tokenizers` gives (`entailment.text.tokenizer`),
which is what checkpoints are used with today; that differs from the original Python code in the age of its
Unicode tables (`unicode_tables`) and in lower-casing each character by itself (no final sigma).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from entailment.text import unicode_tables as tables

_REMOVED = re.compile(f"[{tables.pattern_class(tables.REMOVED)}]+")
_SPACE = re.compile(f"[{tables.pattern_class(tables.SPACE)}]")
_NOT_SPACE = re.compile(f"[^{tables.pattern_class(tables.SPACE)}\\x0b\\x0c\\x85]+")
_CHINESE = re.compile(f"([{tables.pattern_class(tables.CHINESE)}])")
_NORMALIZED = re.compile(f"[{tables.pattern_class(tables.NORMALIZED)}]+")
_MARKS = re.compile(f"[{tables.pattern_class(tables.NONSPACING_MARKS)}]+")
_PUNCTUATION = tables.pattern_class(tables.PUNCTUATION)
_WORD_OR_PUNCTUATION = re.compile(f"[{_PUNCTUATION}]|[^{_PUNCTUATION}]+")
# Per character, so a capital sigma has one small form: str.lower() would write another at the end of a word.
_LOWER_CASE = str.maketrans({"\u03a3": "\u03c3", **tables.LOWER_CASE})


def clean(text: str) -> str:
    """Drop control characters and U+FFFD; make all white space plain spaces."""
    # Tabs and line ends count as white space, though Unicode calls them control characters.
    return _SPACE.sub(" ", _REMOVED.sub("", text))


def set_chinese_apart(text: str) -> str:
    """Put spaces around every CJK ideograph, so that each becomes a word."""
    return _CHINESE.sub(r" \1 ", text)


def strip_accents(text: str) -> str:
    """Decompose (NFD) and drop the accents: ``é`` becomes ``e``."""
    if text.isascii():
        return text
    decomposed = _NORMALIZED.sub(lambda run: unicodedata.normalize("NFD", run[0]), text)
    return _MARKS.sub("", decomposed)


def lower(text: str) -> str:
    """Lower-case every character by itself."""
    return text.lower() if text.isascii() else text.translate(_LOWER_CASE).lower()


def split_white_space(text: str) -> list[str]:
    """The words between white space, cleaned or not."""
    return _NOT_SPACE.findall(text)


def split_punctuation(word: str) -> list[str]:
    """Make every punctuation character a word of its own."""
    return _WORD_OR_PUNCTUATION.findall(word)


@dataclass(frozen=True, kw_only=True)
class WordPiece:
    """A tokenizer of one vocabulary.

    Attributes:
        vocabulary: token to id.
        prefix: how a piece that continues a word begins.
        unk_token: stands for a word that the vocabulary cannot spell, or one longer than `longest_word`.
        cleaned: drop control characters.
        lower_case: lower-case the text.
        accents_stripped: strip accents; None does so when lower-casing.
        chinese_apart: make each CJK ideograph a word.
        basic: do basic tokenisation; without it, a text is split at white space only.
        never_split: words (between spaces) to leave as they are, whole.
        longest_word: characters of the longest word that is spelled.
    """

    vocabulary: Mapping[str, int] = field(repr=False)
    prefix: str = "##"
    unk_token: str = "[UNK]"  # noqa: S105 - no password
    cleaned: bool = True
    lower_case: bool = True
    accents_stripped: bool | None = None
    chinese_apart: bool = True
    basic: bool = True
    never_split: frozenset[str] = frozenset()
    longest_word: int = 100

    def tokenize(self, text: str) -> list[str]:
        """The tokens of a text, unknown words as `unk_token`."""
        if not self.basic:
            return [piece for word in split_white_space(text) for piece in self.pieces(word)]
        tokens: list[str] = []
        for word in self.words(text):
            if word in self.never_split:
                tokens.append(word)
            else:
                tokens.extend(self.pieces(word))
        return tokens

    def words(self, text: str) -> Iterator[str]:
        """Basic tokenisation: the words and punctuation characters of a text."""
        for word in split_white_space(self._apart(text)):
            if word in self.never_split:
                yield word
            else:
                yield from split_punctuation(self._plain(word))

    def normalize(self, text: str) -> str:
        """A whole text as its words are looked up: cleaned, accents stripped, lower-cased.

        Without `basic` tokenisation it stays as it is.
        """
        return self._plain(self._apart(text)) if self.basic else text

    def normalized_parts(self, text: str) -> Iterator[tuple[str, bool]]:
        """As `normalize`, but words of `never_split` as they are, with True; the rest with False."""
        if not (self.basic and self.never_split):
            yield self.normalize(text), False
            return
        text, start = self._apart(text), 0
        for word in _NOT_SPACE.finditer(text):
            if word[0] in self.never_split:
                yield self._plain(text[start : word.start()]), False
                yield word[0], True
                start = word.end()
        yield self._plain(text[start:]), False

    def _apart(self, text: str) -> str:
        if self.cleaned:
            text = clean(text)
        return set_chinese_apart(text) if self.chinese_apart else text

    def _plain(self, text: str) -> str:
        if self.lower_case if self.accents_stripped is None else self.accents_stripped:
            text = strip_accents(text)
        return lower(text) if self.lower_case else text

    def pieces(self, word: str) -> list[str]:
        """WordPiece: the longest pieces in the vocabulary, from the left; or the unknown token."""
        if len(word) > self.longest_word:
            return [self.unk_token]
        found: list[str] = []
        start = 0
        while start < len(word):
            prefix = self.prefix if start else ""
            for end in range(len(word), start, -1):
                piece = prefix + word[start:end]
                if piece in self.vocabulary:
                    found.append(piece)
                    start = end
                    break
            else:
                return [self.unk_token]
        return found
