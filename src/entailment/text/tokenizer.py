"""Texts to token ids, fast: WordPiece by the Rust `tokenizers` library, without special tokens around them.

The ids are those of ``transformers``' ``BertTokenizer`` for the same folder. As there, a special token that
is written out inside a text ("[SEP]" typed by a user) becomes that special token.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer as Backend

from entailment.errors import CorruptCheckpointError, TextError
from entailment.text.backend import build_backend
from entailment.text.files import TokenizerFiles, read_tokenizer_files

Ids = npt.NDArray[np.int64]

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Tokenizer:
    """A WordPiece tokenizer of one checkpoint folder.

    Attributes:
        cls_id: id of the token that opens a pair.
        sep_id: id of the token that closes each of its texts.
        pad_id: id of the token that fills a batch.
        vocab_size: highest id that can come out, plus one: the rows that a word embedding must have.
    """

    def __init__(self, files: TokenizerFiles) -> None:
        self.files = files
        self.backend: Backend = build_backend(files)
        self.cls_id = self._special_id("cls_token")
        self.sep_id = self._special_id("sep_token")
        self.pad_id = self._special_id("pad_token")
        self.vocab_size = max([*files.vocabulary.values(), *files.tokens_in_text]) + 1

    @classmethod
    def from_folder(cls, folder: str | Path) -> Tokenizer:
        """Read ``tokenizer.json``, else ``vocab.txt`` and ``tokenizer_config.json``, of a checkpoint folder.

        Raises:
            CheckpointNotFoundError: neither is there.
            CorruptCheckpointError: a file is damaged, or lacks a special token; the message names it.
            UnsupportedModelError: the tokenizer is not WordPiece.
        """
        return cls(read_tokenizer_files(folder))

    def ids(self, texts: Sequence[str]) -> list[Ids]:
        """The token ids of each text, int64 [tokens], without special tokens around them.

        Raises:
            TextError: an entry is not a string, or holds half of a surrogate pair.
        """
        for index, text in enumerate(texts):
            check_text(text, f"text {index}")
        found = self.backend.encode_batch_fast(list(texts), add_special_tokens=False)
        return [np.array(encoding.ids, dtype=np.int64) for encoding in found]

    def _special_id(self, role: str) -> int:
        token = self.files.specials[role]
        index = self.backend.token_to_id(token)
        if index is None:
            raise CorruptCheckpointError(f"{self.files.source}: the vocabulary lacks {token!r}, the {role}")
        return index


def check_text(text: object, what: str) -> None:
    """Refuse what is no text: another type, or a string that no UTF-8 file could hold.

    Raises:
        TextError: naming `what`.
    """
    if not isinstance(text, str):
        raise TextError(f"{what} is {type(text).__name__}, not a string: {text!r:.60}")
    if not text.isascii():
        found = _LONE_SURROGATE.search(text)
        if found:
            raise TextError(
                f"{what} holds half of a surrogate pair (U+{ord(found[0]):04X} at character {found.start()}),"
                " which is not Unicode text; decode the source again, or clean it with"
                ' text.encode("utf-8", "replace").decode()'
            )
