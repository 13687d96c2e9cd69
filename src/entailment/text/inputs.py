"""What a tokenizer call was given: one text or many, alone or in pairs, whole or split into words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from entailment.errors import TextError
from entailment.text.engines import Text
from entailment.text.tokenizer import check_text


@dataclass(frozen=True)
class Texts:
    """Checked texts.

    Attributes:
        firsts: the first text of each row.
        seconds: the second text of each, None where there is none.
        single: one text was given, not a list of them.
    """

    firsts: list[Text]
    seconds: list[Text | None]
    single: bool


def read_texts(text: Any, text_pair: Any, *, split_words: bool) -> Texts:
    """Sort out the arguments of a call.

    A list is a batch; with `split_words` a list of strings is one text, and a list of lists a batch. In a
    batch a tuple or list of two strings is a pair. As in ``transformers``, an empty `text_pair` of a single
    text is none.

    Raises:
        TextError: an argument is neither, a text is not a string, or the lists have different lengths.
    """
    if not is_batch(text, split_words=split_words):
        pair = text_pair if text_pair else None
        first = _text(text, "text", split_words)
        return Texts([first], [None if pair is None else _text(pair, "text_pair", split_words)], True)
    if text_pair is None:
        rows = [_row(item, f"text {index}", split_words) for index, item in enumerate(text)]
        return Texts([first for first, _ in rows], [second for _, second in rows], False)
    if not isinstance(text_pair, (list, tuple)):
        raise TextError("text is a list, so text_pair must be a list of the same length")
    if len(text) != len(text_pair):
        raise TextError(
            f"{len(text)} texts beside {len(text_pair)} second texts; the lists must be equally long"
        )
    return Texts(
        [_text(item, f"text {index}", split_words) for index, item in enumerate(text)],
        [_text(item, f"text_pair {index}", split_words) for index, item in enumerate(text_pair)],
        False,
    )


def is_batch(text: Any, *, split_words: bool) -> bool:
    """Whether the first argument of a call is several texts."""
    if not isinstance(text, (list, tuple)):
        return False
    return not split_words or (bool(text) and isinstance(text[0], (list, tuple)))


def _row(item: Any, what: str, split_words: bool) -> tuple[Text, Text | None]:
    is_pair = isinstance(item, (list, tuple)) and len(item) == 2
    if is_pair and (not split_words or all(isinstance(part, (list, tuple)) for part in item)):
        return _text(item[0], f"the first of {what}", split_words), _text(
            item[1], f"the second of {what}", split_words
        )
    return _text(item, what, split_words), None


def _text(item: Any, what: str, split_words: bool) -> Text:
    if not split_words:
        check_text(item, what)
        return str(item)
    if not isinstance(item, (list, tuple)):
        raise TextError(f"{what} is {type(item).__name__}, not a list of words (is_split_into_words=True)")
    words: Sequence[Any] = item
    for index, word in enumerate(words):
        check_text(word, f"word {index} of {what}")
    return [str(word) for word in words]
