"""Two ways from texts to ids, plain Python and Rust: the same ids, and from Rust their places in the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from tokenizers import AddedToken
from tokenizers import Encoding as RustEncoding
from tokenizers import Tokenizer as Backend

from entailment.errors import UnsupportedModelError
from entailment.text.added import AddedTokens
from entailment.text.backend import build_backend
from entailment.text.files import TokenizerFiles
from entailment.text.wordpiece import WordPiece

Text = str | Sequence[str]
"""A text, or its words where someone has split it already."""


@dataclass(frozen=True, slots=True)
class Segment:
    """The tokens of one text, without special tokens around them."""

    ids: list[int]
    source: RustEncoding | None
    """Knows the place of every token in the text; None from the slow engine."""


class TextEngine(Protocol):
    """From texts to segments."""

    def encode(
        self, texts: Sequence[Text], *, split_words: bool, split_special_tokens: bool
    ) -> list[Segment]:
        """One segment a text.

        Args:
            texts: checked strings, or lists of words where `split_words`.
            split_words: the texts are lists of words.
            split_special_tokens: treat special tokens written in a text as any other words.
        """


class FastEngine:
    """Texts through the Rust library."""

    def __init__(self, files: TokenizerFiles) -> None:
        self._files = files
        self.backend = build_backend(files)
        self._splitting: Backend | None = None

    def encode(
        self, texts: Sequence[Text], *, split_words: bool, split_special_tokens: bool
    ) -> list[Segment]:
        """See `TextEngine`."""
        backend = self._split_special() if split_special_tokens else self.backend
        found = backend.encode_batch(list(texts), is_pretokenized=split_words, add_special_tokens=False)
        return [Segment(encoding.ids, encoding) for encoding in found]

    def _split_special(self) -> Backend:
        # A second backend: the switch is a state of the whole Rust object, which other threads may be using.
        if self._splitting is None:
            backend = build_backend(self._files)
            backend.encode_special_tokens = True
            self._splitting = backend
        return self._splitting


class SlowEngine:
    """Texts through the plain-Python definition.

    Raises:
        UnsupportedModelError: the folder's ``tokenizer.json`` prescribes more than BERT's own steps.
    """

    def __init__(
        self, files: TokenizerFiles, *, basic: bool = True, never_split: frozenset[str] = frozenset()
    ) -> None:
        if files.backend is not None:
            raise UnsupportedModelError(
                f"{files.source}: its normalizer or pre-tokenizer is not BERT's, which is all that the slow"
                " tokenizer knows; use the class whose name ends in Fast"
            )
        self._word_piece = WordPiece(
            vocabulary=files.vocabulary,
            prefix=files.prefix,
            unk_token=files.specials["unk_token"],
            cleaned=files.clean_text,
            lower_case=files.lower_case,
            accents_stripped=files.strip_accents,
            chinese_apart=files.split_chinese,
            basic=basic,
            never_split=never_split,
            longest_word=files.longest_word,
        )
        # Words that are never split are looked for in a text as written, not in what normalising makes of it.
        changes = files.lower_case or files.strips
        self._of_normalized = replace(self._word_piece, never_split=frozenset() if changes else never_split)
        added = files.tokens_in_text
        self._ids = dict(files.vocabulary) | {token.content: index for index, token in added.items()}
        self._unk_id = files.vocabulary[files.specials["unk_token"]]
        raw = [(token.content, token) for token in added.values() if not token.normalized]
        normalized = [
            (self._word_piece.normalize(token.content), token) for token in added.values() if token.normalized
        ]
        self._added = AddedTokens(raw), AddedTokens(normalized)
        self._added_plain = AddedTokens(_not_special(raw)), AddedTokens(_not_special(normalized))
        self._has_normalized = bool(normalized)

    def encode(
        self, texts: Sequence[Text], *, split_words: bool, split_special_tokens: bool
    ) -> list[Segment]:
        """See `TextEngine`."""
        found = []
        for text in texts:
            parts = text if split_words else [text]
            tokens = [token for part in parts for token in self._tokens(str(part), split_special_tokens)]
            found.append(Segment([self._ids.get(token, self._unk_id) for token in tokens], None))
        return found

    def _tokens(self, text: str, split_special_tokens: bool) -> list[str]:
        raw, normalized = self._added_plain if split_special_tokens else self._added
        tokens: list[str] = []
        for part in raw.split(text):
            if isinstance(part, AddedToken):
                tokens.append(part.content)
            elif self._has_normalized:
                tokens += self._normalized_tokens(part, normalized)
            else:
                tokens += self._word_piece.tokenize(part)
        return tokens

    def _normalized_tokens(self, text: str, added: AddedTokens) -> list[str]:
        tokens: list[str] = []
        for part, kept in self._word_piece.normalized_parts(text):
            if kept:
                tokens.append(part)
                continue
            for found in added.split(part):
                if isinstance(found, AddedToken):
                    tokens.append(found.content)
                else:
                    tokens += self._of_normalized.tokenize(found)
        return tokens


def _not_special(tokens: list[tuple[str, AddedToken]]) -> list[tuple[str, AddedToken]]:
    return [(sought, token) for sought, token in tokens if not token.special]
