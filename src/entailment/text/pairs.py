"""Premise and hypothesis to token ids, each text tokenised once.

Joined, the ids of a pair, ``[CLS] premise [SEP] hypothesis [SEP]``, are those of ``transformers``'
``tokenizer(premise, hypothesis, truncation="only_first", max_length=...)``. Only the premise is ever cut, and
a cut is reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from entailment.errors import InputError, TextError
from entailment.text.beginning import Beginning, read_beginnings
from entailment.text.tokenizer import Ids, Tokenizer, check_text

_SPECIAL_TOKENS = 3  # [CLS] premise [SEP] hypothesis [SEP]


@dataclass(frozen=True)
class Truncation:
    """How much of a premise the model saw: `read` of `total` characters."""

    read: int
    total: int


@dataclass(frozen=True, eq=False, slots=True)
class EncodedPair:
    """The token ids of one pair.

    Pairs of one call that share a premise (or a hypothesis) share the very array, so that batches can group
    by ``is``.
    """

    premise: Ids
    """int64 [P]: ``[CLS]``, tokens, ``[SEP]``."""
    hypothesis: Ids
    """int64 [Q]: tokens, ``[SEP]``."""
    truncated: Truncation | None


class PairEncoder:
    """Encodes premise and hypothesis for one model.

    Args:
        tokenizer: of the model's folder.
        max_length: most tokens that a pair may have, special tokens included.
        hypothesis_reserve: tokens kept free for the hypothesis when a premise is cut, though the hypothesis
            be shorter. 0 cuts as the reference does: as little as possible. Above it, the cut of a premise
            does not depend on which hypothesis it meets (one longer than the reserve still gets its room). A
            reserve above half of the room for text is lowered to that half: a short model must read premises.

    Raises:
        InputError: `max_length` leaves no room for a pair.
    """

    def __init__(self, tokenizer: Tokenizer, *, max_length: int = 512, hypothesis_reserve: int = 0) -> None:
        if max_length < _SPECIAL_TOKENS + 2:
            raise InputError(f"max_length is {max_length}; a pair needs {_SPECIAL_TOKENS + 2} tokens or more")
        if hypothesis_reserve < 0:
            raise InputError(f"hypothesis_reserve is {hypothesis_reserve}; it cannot be negative")
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.room = max_length - _SPECIAL_TOKENS
        self.hypothesis_reserve = min(hypothesis_reserve, self.room // 2)

    def encode(self, pairs: Sequence[tuple[str, str]]) -> list[EncodedPair]:
        """Encode pairs, in their order.

        Raises:
            TextError: a text is not a string, is empty (has no tokens), or a hypothesis leaves the premise no
                room; the message names the pair by its index, and the role.
        """
        for index, pair in enumerate(pairs):
            _check_pair(pair, index)
        premises = self._read((premise for premise, _ in pairs), "premise")
        hypotheses = self._read((hypothesis for _, hypothesis in pairs), "hypothesis")
        self._check_room(pairs, hypotheses)
        tails = {text: _closed(found.ids, self.tokenizer.sep_id) for text, found in hypotheses.items()}
        heads: dict[tuple[str, int], tuple[Ids, Truncation | None]] = {}
        encoded = []
        for premise, hypothesis in pairs:
            limit = self.room - max(len(hypotheses[hypothesis].ids), self.hypothesis_reserve)
            key = premise, min(limit, len(premises[premise].ids))
            if key not in heads:
                heads[key] = self._head(premise, premises[premise], limit)
            head, truncated = heads[key]
            encoded.append(EncodedPair(head, tails[hypothesis], truncated))
        return encoded

    def _read(self, texts: Iterable[str], role: str) -> dict[str, Beginning]:
        """The beginning of each distinct text, one token more than fits so that a cut is noticed."""
        first_use: dict[str, int] = {}
        for index, text in enumerate(texts):
            first_use.setdefault(text, index)
        found = read_beginnings(self.tokenizer, list(first_use), limit=self.room)
        for (text, index), beginning in zip(first_use.items(), found, strict=True):
            if not len(beginning.ids):
                seen = repr(text if len(text) <= 40 else text[:40] + "…")
                raise TextError(f"the {role} of pair {index} is empty: {seen} holds no text")
        return dict(zip(first_use, found, strict=True))

    def _check_room(self, pairs: Sequence[tuple[str, str]], hypotheses: dict[str, Beginning]) -> None:
        for index, (_, hypothesis) in enumerate(pairs):
            length = len(hypotheses[hypothesis].ids)
            if length >= self.room:
                shown = hypothesis if len(hypothesis) <= 60 else hypothesis[:60] + "…"
                count = f"{length} or more" if length > self.room else str(length)
                raise TextError(
                    f"the hypothesis of pair {index} has {count} tokens; a model of {self.max_length} takes"
                    f" {self.room - 1} at most beside a premise, and only premises are cut: {shown!r}"
                )

    def _head(self, premise: str, found: Beginning, limit: int) -> tuple[Ids, Truncation | None]:
        ids = found.ids[:limit]
        head = np.concatenate(([self.tokenizer.cls_id], ids, [self.tokenizer.sep_id])).astype(np.int64)
        if len(found.ids) <= limit:
            return head, None
        return head, Truncation(read=found.end_of(limit), total=len(premise))


def _closed(ids: Ids, sep_id: int) -> Ids:
    return np.append(ids, np.int64(sep_id))


def _check_pair(pair: object, index: int) -> None:
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise TextError(f"pair {index} is not a (premise, hypothesis) tuple: {pair!r:.60}")
    check_text(pair[0], f"the premise of pair {index}")
    check_text(pair[1], f"the hypothesis of pair {index}")
