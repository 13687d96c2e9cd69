"""What a tokenizer answers: lists or tensors by name, and the rows they came from."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Mapping, Sequence
from typing import Any

from entailment.errors import InputError
from entailment.text.encoding import CharSpan, Encoding, TokenSpan
from entailment.text.tensors import to_tensor


class BatchEncoding(UserDict[str, Any]):
    """Token ids and their masks, by key, by attribute, or spread into a model with ``**``.

    The methods that ask about places take a row and a place, or a place alone, which is then one in the first
    row. Offsets and words are known to the fast tokenizers only.

    Args:
        data: lists, or lists of lists, by name.
        encodings: the rows, where they are known.
        tensor_type: "pt", "np" or "tf" makes tensors of the lists.
    """

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        encodings: Sequence[Encoding] | None = None,
        tensor_type: str | None = None,
    ) -> None:
        super().__init__(data)
        self._encodings = None if encodings is None else list(encodings)
        self.convert_to_tensors(tensor_type)

    def __getitem__(self, item: Any) -> Any:
        """The values of a name; or row `item`; or, without rows, a slice of every value."""
        if isinstance(item, str):
            return self.data[item]
        if self._encodings is not None:
            return self._encodings[item]
        if isinstance(item, slice):
            return {name: values[item] for name, values in self.data.items()}
        raise KeyError(f"{item!r}: this encoding has no rows to number; ask by name: {', '.join(self.data)}")

    def __getattr__(self, name: str) -> Any:
        if name in self.__dict__.get("data", {}):
            return self.data[name]
        raise AttributeError(
            f"{type(self).__name__} has no {name!r}; it has {', '.join(self.__dict__.get('data', {}))}"
        )

    def __getstate__(self) -> dict[str, Any]:
        return {"data": self.data, "_encodings": None}  # what Rust holds does not travel to other processes

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    @property
    def encodings(self) -> list[Encoding] | None:
        """The rows; None where only lists were given."""
        return self._encodings

    @property
    def is_fast(self) -> bool:
        """Whether offsets and words are known."""
        rows = self._encodings
        return bool(rows) and all(part.segment.source is not None for row in rows or () for part in row.parts)

    @property
    def n_sequences(self) -> int | None:
        """How many texts a row holds: 1, or 2 for pairs; None where that is not known."""
        return self._encodings[0].n_sequences if self._encodings else None

    def convert_to_tensors(
        self, tensor_type: str | None = None, prepend_batch_axis: bool = False
    ) -> BatchEncoding:
        """Make tensors of the lists, in place; None leaves them as they are.

        Raises:
            InputError: rows of different lengths, or an unknown kind of tensor.
            MissingExtraError: the framework is not installed.
        """
        if tensor_type is not None:
            for name, values in self.data.items():
                if isinstance(values, (list, tuple)):
                    self.data[name] = to_tensor(name, [values] if prepend_batch_axis else values, tensor_type)
        return self

    def to(self, device: Any, *, non_blocking: bool = False) -> BatchEncoding:
        """Move the tensors to a device (PyTorch only); returns this very object."""
        for name, values in self.data.items():
            if hasattr(values, "to"):
                self.data[name] = values.to(device=device, non_blocking=non_blocking)
        return self

    def tokens(self, batch_index: int = 0) -> list[str]:
        """The tokens of a row."""
        return self._row(batch_index).tokens

    def sequence_ids(self, batch_index: int = 0) -> list[int | None]:
        """0 or 1 for tokens of the first or second text, None for special tokens."""
        return self._row(batch_index).sequence_ids

    def word_ids(self, batch_index: int = 0) -> list[int | None]:
        """Which word of its text each token is of, None for special tokens."""
        return self._row(batch_index).word_ids

    def token_to_sequence(self, batch_or_token_index: int, token_index: int | None = None) -> int | None:
        """Which text a token is of."""
        row, token = self._place(batch_or_token_index, token_index)
        return row.token_to_sequence(token)

    def token_to_word(self, batch_or_token_index: int, token_index: int | None = None) -> int | None:
        """Which word of its text a token is of."""
        row, token = self._place(batch_or_token_index, token_index)
        return row.token_to_word(token)

    def token_to_chars(self, batch_or_token_index: int, token_index: int | None = None) -> CharSpan | None:
        """The characters a token was made of."""
        row, token = self._place(batch_or_token_index, token_index)
        return row.token_to_chars(token)

    def word_to_tokens(
        self, batch_or_word_index: int, word_index: int | None = None, sequence_index: int = 0
    ) -> TokenSpan | None:
        """The tokens of a word."""
        row, word = self._place(batch_or_word_index, word_index)
        return row.word_to_tokens(word, sequence_index)

    def word_to_chars(
        self, batch_or_word_index: int, word_index: int | None = None, sequence_index: int = 0
    ) -> CharSpan | None:
        """The characters of a word."""
        row, word = self._place(batch_or_word_index, word_index)
        return row.word_to_chars(word, sequence_index)

    def char_to_token(
        self, batch_or_char_index: int, char_index: int | None = None, sequence_index: int = 0
    ) -> int | None:
        """The token that holds a character."""
        row, char = self._place(batch_or_char_index, char_index)
        return row.char_to_token(char, sequence_index)

    def char_to_word(
        self, batch_or_char_index: int, char_index: int | None = None, sequence_index: int = 0
    ) -> int | None:
        """The word that holds a character."""
        row, char = self._place(batch_or_char_index, char_index)
        return row.char_to_word(char, sequence_index)

    def _row(self, index: int) -> Encoding:
        if self._encodings is None:
            raise InputError("this encoding was not made from texts, so its tokens have no places in them")
        return self._encodings[index]

    def _place(self, row_or_place: int, place: int | None) -> tuple[Encoding, int]:
        return (self._row(0), row_or_place) if place is None else (self._row(row_or_place), place)
