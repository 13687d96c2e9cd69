"""A class of every word: names in a text, parts of speech.

A word of several tokens is labelled at its first one, where it is also read off again (Devlin et al. 2018,
arXiv:1810.04805, section 5.3).

Legend of shapes: B rows, T tokens, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from entailment.errors import DataFileError
from entailment.evaluate.metrics import confusion_matrix, per_class
from entailment.models.losses import IGNORED
from entailment.text.hub_tokenizer import HubTokenizer
from entailment.train.objectives.padded import (
    EncodedRow,
    Order,
    PaddedBatch,
    chunks,
    numbered,
    outputs,
    padded,
    padded_labels,
    texts_of,
)
from entailment.train.source_rows import Row

COLUMNS = ("words", "label")
OUTSIDE = "O"
"""The tag of a word that is in no entity."""


@dataclass(frozen=True, slots=True)
class _Words:
    """Words as ids.

    Attributes:
        row: their tokens.
        labels: [T], the class at the first token of each word, IGNORED elsewhere.
        word_of: [T], which word each labelled token begins; -1 elsewhere.
        gold: the class of each word, those that are cut off too.
    """

    row: EncodedRow
    labels: NDArray[np.int64]
    word_of: NDArray[np.int64]
    gold: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.row)


class TokenClassification:
    """Mean cross-entropy of each word's class.

    Args:
        train: rows with `words`, a list of texts, and `label`, a list of as many names.
        validation: likewise.
        tokenizer: of the model; a fast one, which knows the words of its tokens.
        labels: the classes by name, in the order of the logits.
        max_length: most tokens of a row, special ones included; later words are not read.
        order: how training rows become batches.

    Raises:
        DataFileError: no rows, a row without words, or whose labels are not as many names of `labels`.
    """

    def __init__(
        self,
        train: Sequence[Row],
        validation: Sequence[Row],
        tokenizer: HubTokenizer,
        *,
        labels: Sequence[str],
        max_length: int,
        order: Order,
    ) -> None:
        self.labels = tuple(labels)
        self._order, self._pad_id = order, tokenizer.pad_token_id
        self.train = _encoded(train, tokenizer, self.labels, max_length, "training")
        self.validation = _encoded(validation, tokenizer, self.labels, max_length, "validation")

    def plan(self, epoch: int) -> list[list[int]]:
        """The members of each batch of an epoch."""
        return self._order.batches([len(words) for words in self.train], epoch)

    def batch(self, epoch: int, members: Sequence[int]) -> PaddedBatch:
        """Training rows as tensors, the same in every epoch; `labels` [B, T]."""
        del epoch
        return self._collated([self.train[member] for member in members])

    def loss(self, model: nn.Module, batch: PaddedBatch) -> Tensor:
        """Mean cross-entropy over words."""
        return batch.loss(model)

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Loss, accuracy over words, and F1: of whole entities where labels are like B-PER and I-PER
        (Tjong Kim Sang and De Meulder 2003, arXiv:cs/0306050), else `macro_f1` over classes.

        A word that the model does not get to read counts as answered wrong.
        """
        unread = len(self.labels)
        said = [[unread] * len(words.gold) for words in self.validation]
        total, count = 0.0, 0
        for members, batch, output in outputs(model, self.validation, self._collated):
            asked = int((batch.targets["labels"] != IGNORED).sum())
            total, count = total + float(output.loss) * asked, count + asked
            best = output.logits.argmax(-1).cpu().numpy()  # [B, T]
            for b, member in enumerate(members):
                words = self.validation[member]
                for token in np.flatnonzero(words.word_of >= 0):
                    said[member][words.word_of[token]] = int(best[b, token])
        gold = [words.gold for words in self.validation]
        measures = {"loss": total / count, "accuracy": _accuracy(gold, said)}
        if all(label == OUTSIDE or label[:2] in {"B-", "I-"} for label in self.labels):
            names = (*self.labels, OUTSIDE)
            return {
                **measures,
                "f1": entity_f1(
                    [[names[place] for place in row] for row in gold],
                    [[names[place] for place in row] for row in said],
                ),
            }
        matrix = confusion_matrix(
            [place for row in gold for place in row], [place for row in said for place in row], unread + 1
        )
        occur = [found.f1 for found, seen in zip(per_class(matrix), _seen(matrix), strict=True) if seen]
        return {**measures, "macro_f1": float(np.mean(occur))}

    def _collated(self, rows: Sequence[_Words]) -> PaddedBatch:
        labels = padded_labels([words.labels for words in rows], ignored=IGNORED)
        return padded([words.row for words in rows], {"labels": labels}, pad_id=self._pad_id)


def entities(tags: Sequence[str]) -> set[tuple[int, int, str]]:
    """The entities of a row of tags: first word, word after the last, kind.

    "B-" begins one; "I-" goes on with one of its kind, and begins one where there is none to go on with, as
    the evaluation of CoNLL-2003 has it.
    """
    found = set()
    start, kind = 0, ""
    for place, tag in enumerate((*tags, OUTSIDE)):
        prefix, _, name = tag.partition("-")
        if kind and (prefix != "I" or name != kind):
            found.add((start, place, kind))
            kind = ""
        if name and not kind:
            start, kind = place, name
    return found


def entity_f1(gold: Sequence[Sequence[str]], said: Sequence[Sequence[str]]) -> float:
    """F1 of whole entities over rows of tags, from 0 to 1; 0 where there is none on either side."""
    right = asked = 0
    for expected, answered in zip(gold, said, strict=True):
        there, found = entities(expected), entities(answered)
        right += len(there & found)
        asked += len(there) + len(found)
    return 2 * right / asked if asked else 0.0


def _accuracy(gold: Sequence[Sequence[int]], said: Sequence[Sequence[int]]) -> float:
    pairs = [pair for rows in zip(gold, said, strict=True) for pair in zip(*rows, strict=True)]
    return sum(expected == answered for expected, answered in pairs) / len(pairs)


def _seen(matrix: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which classes are asked for or answered; never the last, which stands for words that are not read."""
    seen: NDArray[np.bool_] = (matrix.sum(0) + matrix.sum(1)) > 0
    seen[-1] = False
    return seen


def _encoded(
    rows: Sequence[Row], tokenizer: HubTokenizer, labels: Sequence[str], max_length: int, what: str
) -> list[_Words]:
    places = {label: place for place, label in enumerate(labels)}
    read: list[tuple[list[str], tuple[int, ...]]] = []
    for where, row in numbered(rows, what):
        words, tags = texts_of(row, "words", where), row.get("label")
        if not isinstance(tags, list) or len(tags) != len(words) or not all(tag in places for tag in tags):
            raise DataFileError(
                f"{where} has {len(words)} words and the labels {tags!r:.100}; there must be one for each "
                f"word, of {', '.join(labels)}"
            )
        read.append((words, tuple(places[tag] for tag in tags)))
    found: list[_Words] = []
    for chunk in chunks(read):
        encoded = tokenizer(
            [words for words, _ in chunk], is_split_into_words=True, truncation=True, max_length=max_length
        )
        for encoding, (_, gold) in zip(encoded.encodings or (), chunk, strict=True):
            word_ids = encoding.word_ids
            labels_of = np.full(len(word_ids), IGNORED)
            word_of = np.full(len(word_ids), -1)
            for token, word in enumerate(word_ids):
                if word is not None and (token == 0 or word_ids[token - 1] != word):
                    labels_of[token], word_of[token] = gold[word], word
            if (word_of < 0).all():
                raise DataFileError(f"{what} row {len(found) + 1} has no word that the tokenizer can read")
            found.append(_Words(EncodedRow.of(encoding), labels_of, word_of, gold))
    return found
