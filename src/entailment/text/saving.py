"""Writing a tokenizer's files, each whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tokenizers import processors

from entailment.checkpoint.json_files import write_whole
from entailment.errors import InputError
from entailment.text.backend import build_backend
from entailment.text.files import TokenizerFiles

# What describes one machine or one past call, and not the tokenizer.
_LEFT_OUT = frozenset(
    "name_or_path tokenizer_file vocab_file special_tokens_map_file auto_map is_local local_files_only"
    " backend max_length stride truncation_strategy pad_to_multiple_of".split()
)


def save_vocabulary(files: TokenizerFiles, folder: Path, prefix: str | None = None) -> Path:
    """Write ``vocab.txt``: the token of id n on line n; empty lines for ids without a token.

    Raises:
        InputError: `folder` is no folder or cannot be written, or a token holds a line end.
    """
    names = {index: token for token, index in files.vocabulary.items()}
    broken = next((token for token in names.values() if "\n" in token or "\r" in token), None)
    if broken is not None:
        raise InputError(f"the token {broken!r} holds a line end, so vocab.txt cannot hold it")
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; make it first")
    lines = (names.get(index, "") + "\n" for index in range(max(names) + 1))
    return _write(folder, "vocab.txt", prefix, "".join(lines))


def save_tokenizer(
    files: TokenizerFiles, folder: Path, settings: Mapping[str, object], prefix: str | None = None
) -> list[Path]:
    """Write ``tokenizer.json``, ``vocab.txt``, ``tokenizer_config.json`` and ``special_tokens_map.json``.

    Args:
        files: the tokenizer.
        folder: made where it is missing.
        settings: go into ``tokenizer_config.json`` over those in `files`.
        prefix: put before each file name, with a dash.

    Raises:
        InputError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made: {error.strerror}") from error
    specials: dict[str, object] = {role: files.specials[role] for role in sorted(files.specials)}
    extra = {"extra_special_tokens": list(files.extra_specials)} if files.extra_specials else {}
    config = {key: value for key, value in files.settings.items() if key not in _LEFT_OUT}
    config |= {
        "do_lower_case": files.lower_case,
        "strip_accents": files.strip_accents,
        "tokenize_chinese_chars": files.split_chinese,
        "added_tokens_decoder": {
            str(index): _described(token) for index, token in files.tokens_in_text.items()
        },
    }
    config |= specials | extra | dict(settings)
    return [
        _write(folder, "tokenizer.json", prefix, _tokenizer_json(files)),
        save_vocabulary(files, folder, prefix),
        _write(folder, "tokenizer_config.json", prefix, _json(config)),
        _write(folder, "special_tokens_map.json", prefix, _json(specials | extra)),
    ]


def _tokenizer_json(files: TokenizerFiles) -> str:
    backend = build_backend(files)
    cls, sep = files.specials["cls_token"], files.specials["sep_token"]
    ids = [(token, backend.token_to_id(token)) for token in (cls, sep)]
    backend.post_processor = processors.TemplateProcessing(
        single=f"{cls}:0 $A:0 {sep}:0",
        pair=f"{cls}:0 $A:0 {sep}:0 $B:1 {sep}:1",
        special_tokens=[(token, index) for token, index in ids if index is not None],
    )
    return backend.to_str(pretty=True)


def _described(token: object) -> dict[str, object]:
    names = ("content", "lstrip", "normalized", "rstrip", "single_word", "special")
    return {name: getattr(token, name) for name in names}


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _write(folder: Path, name: str, prefix: str | None, text: str) -> Path:
    path = folder / (f"{prefix}-{name}" if prefix else name)
    try:
        write_whole(path, text)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error
    return path
