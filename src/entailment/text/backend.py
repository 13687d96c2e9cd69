"""The Rust tokenizer of the `tokenizers` library, built from what a folder says.

It is configured as ``transformers`` configures it for BERT: clean, space out Chinese characters, strip
accents, lower-case, split at white space and punctuation, longest-match WordPiece.
`entailment.text.wordpiece` says the same in plain Python.
"""

from __future__ import annotations

from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import WordPiece

from entailment.errors import CorruptCheckpointError
from entailment.text.files import TokenizerFiles


def build_backend(files: TokenizerFiles) -> Tokenizer:
    """A Rust tokenizer that never truncates or pads, whatever ``tokenizer.json`` has stored.

    Raises:
        CorruptCheckpointError: the Rust library refuses the file, or gives an added token another id.
    """
    try:
        backend = _bert(files) if files.backend is None else _as_written(files.backend)
        for token in files.tokens_in_text.values():
            add = backend.add_special_tokens if token.special else backend.add_tokens
            add([token])
    except BaseException as error:
        # A panic of the Rust side reaches Python as pyo3_runtime.PanicException, which is no Exception.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise CorruptCheckpointError(f"{files.source}: not a usable tokenizer: {error}") from error
        raise
    for index, token in files.tokens_in_text.items():
        got = backend.token_to_id(token.content)
        if got != index:
            raise CorruptCheckpointError(
                f"{files.source}: the added token {token.content!r} is said to have id {index}, but beside a"
                f" vocabulary of {len(files.vocabulary)} tokens it gets {got}"
            )
    return backend


def _bert(files: TokenizerFiles) -> Tokenizer:
    model = WordPiece(
        dict(files.vocabulary),
        unk_token=files.specials["unk_token"],
        continuing_subword_prefix=files.prefix,
        max_input_chars_per_word=files.longest_word,
    )
    backend = Tokenizer(model)
    backend.normalizer = normalizers.BertNormalizer(
        clean_text=files.clean_text,
        handle_chinese_chars=files.split_chinese,
        strip_accents=files.strip_accents,
        lowercase=files.lower_case,
    )
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece(prefix=files.prefix)
    return backend


def _as_written(text: str) -> Tokenizer:
    backend = Tokenizer.from_str(text)
    backend.no_truncation()
    backend.no_padding()
    return backend
