"""What a checkpoint folder says about its tokenizer.

A folder holds ``tokenizer.json`` (vocabulary and every setting), or ``vocab.txt`` (one token a line) beside
``tokenizer_config.json`` (settings), often both. `read_tokenizer_files` reads whichever is there into one
frozen value and refuses what contradicts itself, naming the file. Where both files state lower-casing,
``tokenizer_config.json`` wins, as in ``transformers``; where it is silent, ``tokenizer.json`` is believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokenizers import AddedToken

from entailment.checkpoint.json_files import read_json
from entailment.errors import CheckpointNotFoundError, CorruptCheckpointError, UnsupportedModelError
from entailment.text.reading import read_text

ROLES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
DEFAULT_SPECIALS = {
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}
TOKENIZER_FILES = (
    "tokenizer.json",
    "vocab.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)
_GENERIC_CLASSES = ("PreTrainedTokenizerFast", "TokenizersBackend")
_BERT_PIPELINE = {"normalizer": "BertNormalizer", "pre_tokenizer": "BertPreTokenizer"}


@dataclass(frozen=True, kw_only=True)
class TokenizerFiles:
    """The vocabulary and settings of one tokenizer."""

    source: Path
    """The file that the vocabulary was read from."""
    vocabulary: Mapping[str, int] = field(repr=False)
    """Token to id, without the tokens of `added` that go beyond it."""
    added: Mapping[int, AddedToken] = field(default_factory=dict)
    """Tokens that were added to the vocabulary, by id, or that have a treatment of their own."""
    specials: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULT_SPECIALS))
    """Role (``cls_token`` and so on) to token; ``bos_token`` and ``eos_token`` only where they are stated."""
    extra_specials: tuple[str, ...] = ()
    """Special tokens without a role."""
    clean_text: bool = True
    lower_case: bool = True
    strip_accents: bool | None = None
    """None: as `lower_case`."""
    split_chinese: bool = True
    prefix: str = "##"
    """How a piece that continues a word begins."""
    longest_word: int = 100
    """Characters of the longest word that is not unknown."""
    settings: Mapping[str, object] = field(default_factory=dict, repr=False)
    """``tokenizer_config.json`` as it stands."""
    backend: str | None = field(default=None, repr=False)
    """The text of a ``tokenizer.json`` that treats texts in another way than BERT does; else None."""

    @property
    def tokens_in_text(self) -> dict[int, AddedToken]:
        """Tokens looked for in a text before anything else, by id: special and added ones."""
        tokens = (*self.specials.values(), *self.extra_specials)
        known = (token for token in tokens if token in self.vocabulary)
        special = {
            self.vocabulary[token]: AddedToken(token, special=True, normalized=False) for token in known
        }
        return special | dict(self.added)

    @property
    def strips(self) -> bool:
        """Whether accents are stripped."""
        return self.lower_case if self.strip_accents is None else self.strip_accents


def read_tokenizer_files(folder: str | Path) -> TokenizerFiles:
    """Read the tokenizer of a checkpoint folder.

    Raises:
        CheckpointNotFoundError: neither ``tokenizer.json`` nor ``vocab.txt`` is there.
        CorruptCheckpointError: a file is unreadable or lacks what it must hold.
        UnsupportedModelError: a tokenizer that is not WordPiece.
    """
    folder = Path(folder)
    settings = _read_settings(folder)
    if (folder / "tokenizer.json").is_file():
        return read_tokenizer_json(folder / "tokenizer.json", settings)
    if (folder / "vocab.txt").is_file():
        return _from_vocabulary(folder / "vocab.txt", settings)
    if not folder.is_dir():
        raise CheckpointNotFoundError(f"{folder}: no such folder, so no tokenizer can be read from it")
    raise CheckpointNotFoundError(
        f"{folder}: neither tokenizer.json nor vocab.txt is there; a model needs one of them to read text"
    )


def read_vocabulary(path: str | Path) -> dict[str, int]:
    """Read a ``vocab.txt``: one token a line, its id the line number from 0.

    Of a doubled token the last id counts, and empty lines at the end are no tokens.

    Raises:
        CheckpointNotFoundError: there is no such file.
        CorruptCheckpointError: it is empty or not UTF-8 text.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointNotFoundError(f"{path}: no such vocabulary file")
    lines = read_text(path).split("\n")
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise CorruptCheckpointError(f"{path}: the vocabulary is empty; expected one token a line")
    return {token: index for index, token in enumerate(lines)}


def _read_settings(folder: Path) -> dict[str, object]:
    """``tokenizer_config.json``; where it is silent, ``special_tokens_map.json``; {} without both."""
    settings: dict[str, object] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        if (folder / name).is_file():
            settings |= read_json(folder / name)
    for name in ("do_lower_case", "strip_accents", "tokenize_chinese_chars"):
        value = settings.get(name)
        if value is not None and not isinstance(value, bool):
            raise CorruptCheckpointError(
                f"{folder / 'tokenizer_config.json'}: {name} is {value!r}; expected true, false or null"
            )
    return settings


def _from_vocabulary(path: Path, settings: dict[str, object]) -> TokenizerFiles:
    vocabulary = read_vocabulary(path)
    roles, extra = _specials(settings)
    added: dict[str, object] = {}
    if (path.parent / "added_tokens.json").is_file():
        listed = read_json(path.parent / "added_tokens.json")
        added = {str(index): token for token, index in listed.items()}
    decoder = settings.get("added_tokens_decoder")
    if isinstance(decoder, dict):
        added |= decoder
    return _checked(
        TokenizerFiles(
            source=path,
            vocabulary=vocabulary,
            added=_added(path, added),
            lower_case=settings.get("do_lower_case") is not False,
            strip_accents=_strip_accents(settings),
            split_chinese=settings.get("tokenize_chinese_chars") is not False,
            specials=roles,
            extra_specials=extra,
            settings=settings,
        )
    )


def read_tokenizer_json(path: Path, settings: Mapping[str, object]) -> TokenizerFiles:
    """Read a ``tokenizer.json``, and over it the `settings` of a ``tokenizer_config.json``.

    Raises:
        CorruptCheckpointError: it is unreadable or lacks what it must hold.
        UnsupportedModelError: a tokenizer that is not WordPiece.
    """
    content = read_json(path)
    model = _word_piece_model(path, content)
    stated = content.get("normalizer")
    stated = stated if isinstance(stated, dict) else {}
    heard = {} if settings.get("tokenizer_class") in _GENERIC_CLASSES else settings
    vocabulary = model["vocab"]
    roles, extra = _specials({"unk_token": model.get("unk_token"), **settings})
    listed = content.get("added_tokens")
    entries = listed if isinstance(listed, list) else []
    added = {entry.get("id"): entry for entry in entries if isinstance(entry, dict)}
    return _checked(
        TokenizerFiles(
            source=path,
            vocabulary=vocabulary,
            added=_added(path, added),
            clean_text=stated.get("clean_text") is not False,
            lower_case=_first_flag(heard.get("do_lower_case"), stated.get("lowercase")),
            strip_accents=_strip_accents(heard if "strip_accents" in heard else stated),
            split_chinese=_first_flag(
                heard.get("tokenize_chinese_chars"), stated.get("handle_chinese_chars")
            ),
            prefix=model.get("continuing_subword_prefix", "##"),
            longest_word=model.get("max_input_chars_per_word", 100),
            specials=roles,
            extra_specials=extra,
            settings=settings,
            backend=None if _is_bert(content) else read_text(path),
        )
    )


def _word_piece_model(path: Path, content: Mapping[str, object]) -> dict[str, Any]:
    model = content.get("model")
    if not isinstance(model, dict) or "vocab" not in model:
        raise CorruptCheckpointError(f"{path}: has no model with a vocabulary")
    kind = model.get("type", "BPE" if "merges" in model else "WordPiece")
    if kind != "WordPiece":
        raise UnsupportedModelError(
            f"{path}: a tokenizer of kind {kind}; this package reads the WordPiece tokenizers of BERT,"
            " DistilBERT, MobileBERT, MiniLM and TinyBERT"
        )
    vocabulary = model["vocab"]
    if not isinstance(vocabulary, dict) or not vocabulary:
        raise CorruptCheckpointError(f"{path}: the vocabulary is empty or not an object of token to id")
    if not all(type(index) is int and 0 <= index < 2**31 for index in vocabulary.values()):
        raise CorruptCheckpointError(f"{path}: the vocabulary holds an id that is not a whole number from 0")
    if not isinstance(model.get("continuing_subword_prefix", "##"), str):
        raise CorruptCheckpointError(f"{path}: continuing_subword_prefix is no string")
    longest = model.get("max_input_chars_per_word", 100)
    if type(longest) is not int or not 0 < longest < 2**31:
        raise CorruptCheckpointError(f"{path}: max_input_chars_per_word is {longest!r}; expected a count")
    return model


def _is_bert(content: Mapping[str, object]) -> bool:
    parts = {name: content.get(name) for name in _BERT_PIPELINE}
    return all(
        isinstance(part, dict) and part.get("type") == _BERT_PIPELINE[name] for name, part in parts.items()
    )


def _specials(settings: Mapping[str, object]) -> tuple[dict[str, str], tuple[str, ...]]:
    stated = {role: _content(settings.get(role)) for role in ROLES}
    roles = DEFAULT_SPECIALS | {role: token for role, token in stated.items() if token}
    extra: dict[str, None] = {}
    for key in ("additional_special_tokens", "extra_special_tokens"):
        listed = settings.get(key)
        values = listed.values() if isinstance(listed, dict) else listed if isinstance(listed, list) else ()
        extra |= {token: None for token in map(_content, values) if token}
    return roles, tuple(token for token in extra if token not in roles.values())


def _content(token: object) -> str | None:
    """A token is written as a string or as an object with its ``content``."""
    if isinstance(token, dict):
        token = token.get("content")
    return token if isinstance(token, str) and token else None


def _added(path: Path, listed: Mapping[Any, object]) -> dict[int, AddedToken]:
    """Added tokens by id, written as strings or objects, their ids as numbers or strings."""
    found: dict[int, AddedToken] = {}
    for index, entry in listed.items():
        content = _content(entry)
        if content is None or not str(index).isdecimal():
            raise CorruptCheckpointError(f"{path}: not an added token with an id: {index!r}: {entry!r:.60}")
        options = entry if isinstance(entry, dict) else {"normalized": True}
        names = ("special", "normalized", "lstrip", "rstrip", "single_word")
        flags = {name: options.get(name) is True for name in names}
        found[int(index)] = AddedToken(content, **flags)
    return dict(sorted(found.items()))


def _first_flag(*values: object) -> bool:
    """The first that says true or false; true where none does."""
    return next((value for value in values if isinstance(value, bool)), True)


def _strip_accents(settings: Mapping[str, object]) -> bool | None:
    value = settings.get("strip_accents")
    return value if isinstance(value, bool) else None


def _checked(files: TokenizerFiles) -> TokenizerFiles:
    if files.specials["unk_token"] not in files.vocabulary:
        raise CorruptCheckpointError(
            f"{files.source}: the vocabulary of {len(files.vocabulary)} tokens lacks the unknown token"
            f" {files.specials['unk_token']!r}"
        )
    return files
