"""Tokens back to text, as the Rust library does it."""

from __future__ import annotations

from collections.abc import Sequence

_TIGHTENED = (
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" do not", " don't"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
)


def join_tokens(tokens: Sequence[str], prefix: str) -> str:
    """Put tokens together: pieces of a word without space, no space before a full stop and its like.

    The text is readable, not always the one that was tokenised: case, accents and spaces may have gone.
    """
    spaced = (_unprefixed(token, prefix) if at else token for at, token in enumerate(tokens))
    return "".join(map(tighten, spaced))


def _unprefixed(token: str, prefix: str) -> str:
    return token.removeprefix(prefix) if token.startswith(prefix) else f" {token}"


def tighten(text: str) -> str:
    """Take away the spaces before punctuation and in contractions of English."""
    for loose, tight in _TIGHTENED:
        text = text.replace(loose, tight)
    return text


def clean_up(text: str) -> str:
    """`tighten` a whole text, as ``clean_up_tokenization_spaces`` asks."""
    for loose, tight in _TIGHTENED:
        if loose != " do not":
            text = text.replace(loose, tight)
    return text
