"""Where in a text the answer to a question stands, as in SQuAD.

A context that does not fit is read in windows that overlap; a window without the whole answer has its answer
at [CLS], which also stands for "no answer" (Devlin et al. 2018, arXiv:1810.04805, sections 4.2 and 4.3).

Legend of shapes: B windows, T tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from entailment.errors import DataFileError, InputError
from entailment.text.encoding import Encoding
from entailment.text.hub_tokenizer import HubTokenizer
from entailment.train.objectives.padded import (
    EncodedRow,
    Order,
    PaddedBatch,
    chunks,
    numbered,
    outputs,
    padded,
    text_of,
)
from entailment.train.objectives.squad import exact_match, f1
from entailment.train.source_rows import Row

COLUMNS = ("context", "question", "answers")


@dataclass(frozen=True, slots=True)
class _Question:
    """A row, checked: `answers` are the right ones and `start` is where the first begins, in characters."""

    question: str
    context: str
    answers: tuple[str, ...]
    start: int


@dataclass(frozen=True, slots=True)
class _Window:
    """A question with a part of its context.

    Attributes:
        row: their tokens.
        asked: which question.
        start: the token the answer begins at; 0 where it is not here.
        end: the token it ends with.
        first: the first token of the context.
        places: the characters of the context that each of its tokens here was made of.
    """

    row: EncodedRow
    asked: int
    start: int
    end: int
    first: int
    places: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True, slots=True)
class _Guess:
    """What a window's scores say: the best span with its score, and the score of no answer."""

    score: float
    text: str
    nothing: float


class QuestionAnswering:
    """Cross-entropy of an answer's first and last token, averaged.

    Args:
        train: rows with `context`, `question` and `answers`, a table of `text` and `answer_start` (lists, in
            characters; empty ones where there is no answer). The first answer is learnt.
        validation: likewise; any of the answers is right.
        tokenizer: of the model; a fast one, which knows the places of its tokens.
        max_length: most tokens of a window, special ones included.
        order: how windows of training rows become batches.
        stride: tokens that a window repeats of the one before; None is a third of `max_length`.
        longest_answer: most tokens of an answer.

    Raises:
        DataFileError: no rows, a row without texts, or whose answer does not stand where it says.
        InputError: a question that leaves no room for its context.
    """

    def __init__(
        self,
        train: Sequence[Row],
        validation: Sequence[Row],
        tokenizer: HubTokenizer,
        *,
        max_length: int,
        order: Order,
        stride: int | None = None,
        longest_answer: int = 30,
    ) -> None:
        if longest_answer < 1:
            raise InputError(f"longest_answer is {longest_answer}; an answer has 1 token or more")
        self._order, self._pad_id, self._longest = order, tokenizer.pad_token_id, longest_answer
        self._validation_questions = _questions(validation, "validation")
        overlap = max_length // 3 if stride is None else stride
        self.train, self.validation = (
            _windows(asked, tokenizer, max_length, overlap, what)
            for asked, what in (
                (_questions(train, "training"), "training"),
                (self._validation_questions, "validation"),
            )
        )

    def plan(self, epoch: int) -> list[list[int]]:
        """The windows of each batch of an epoch."""
        return self._order.batches([len(window) for window in self.train], epoch)

    def batch(self, epoch: int, members: Sequence[int]) -> PaddedBatch:
        """Training windows as tensors, the same in every epoch; `start_positions` and `end_positions` [B]."""
        del epoch
        return self._collated([self.train[member] for member in members])

    def loss(self, model: nn.Module, batch: PaddedBatch) -> Tensor:
        """Mean over windows."""
        return batch.loss(model)

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Loss over windows; exact match and F1 over questions.

        The best span of all windows answers; where some question has no answer, no answer is one too, with
        the lowest score that any window gives it.
        """
        total = 0.0
        guesses: list[list[_Guess]] = [[] for _ in self._validation_questions]
        for members, _, output in outputs(model, self.validation, self._collated):
            total += float(output.loss) * len(members)
            starts = output.start_logits.float().cpu().numpy()  # [B, T]
            ends = output.end_logits.float().cpu().numpy()
            for member, start, end in zip(members, starts, ends, strict=True):
                window = self.validation[member]
                context = self._validation_questions[window.asked].context
                guesses[window.asked].append(_guess(window, context, start, end, self._longest))
        silent = any(not question.answers for question in self._validation_questions)
        pairs = [
            (_answer(found, silent), question.answers)
            for found, question in zip(guesses, self._validation_questions, strict=True)
        ]
        return {
            "loss": total / len(self.validation),
            "exact_match": sum(exact_match(*pair) for pair in pairs) / len(pairs),
            "f1": sum(f1(*pair) for pair in pairs) / len(pairs),
        }

    def _collated(self, windows: Sequence[_Window]) -> PaddedBatch:
        targets = {
            "start_positions": torch.tensor([window.start for window in windows]),
            "end_positions": torch.tensor([window.end for window in windows]),
        }
        return padded([window.row for window in windows], targets, pad_id=self._pad_id)


def _answer(guesses: Sequence[_Guess], silent: bool) -> str:
    best = max(guesses, key=lambda guess: guess.score)
    nothing = min(guess.nothing for guess in guesses)
    return "" if silent and nothing > best.score else best.text


def _guess(
    window: _Window,
    context: str,
    starts: NDArray[np.float32],
    ends: NDArray[np.float32],
    longest: int,
) -> _Guess:
    """The best span of a window of at most so many tokens."""
    inside = slice(window.first, window.first + len(window.places))
    scores = starts[inside, None] + ends[None, inside]  # [start, end]
    possible = np.triu(np.ones_like(scores, dtype=bool)) & ~np.triu(np.ones_like(scores, dtype=bool), longest)
    scores = np.where(possible, scores, -np.inf)
    first, last = divmod(int(scores.argmax()), scores.shape[1])
    text = context[window.places[first][0] : window.places[last][1]]
    return _Guess(float(scores[first, last]), text, float(starts[0] + ends[0]))


def _questions(rows: Sequence[Row], what: str) -> list[_Question]:
    found = []
    for where, row in numbered(rows, what):
        context, question = text_of(row, "context", where), text_of(row, "question", where)
        answers, starts = _listed(row.get("answers"), where)
        for answer, start in zip(answers, starts, strict=True):
            if context[start : start + len(answer)] != answer:
                raise DataFileError(
                    f"{where}: the answer {answer!r:.60} does not stand at character {start} of its context, "
                    f"where there is {context[start : start + len(answer)]!r:.60}"
                )
        found.append(_Question(question, context, answers, starts[0] if starts else 0))
    return found


def _listed(answers: object, where: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Texts and starts of a row's answers."""
    if isinstance(answers, Mapping):
        texts, starts = answers.get("text"), answers.get("answer_start")
        if (
            isinstance(texts, list)
            and isinstance(starts, list)
            and len(texts) == len(starts)
            and all(isinstance(each, str) and each for each in texts)
            and all(isinstance(each, int) and each >= 0 for each in starts)
        ):
            return tuple(texts), tuple(starts)
    raise DataFileError(
        f"{where} has the answers {answers!r:.100}; they must be like "
        '{"text": ["Oslo"], "answer_start": [17]}, with two empty lists where there is no answer'
    )


def _windows(
    questions: Sequence[_Question], tokenizer: HubTokenizer, max_length: int, stride: int, what: str
) -> list[_Window]:
    found: list[_Window] = []
    for chunk in chunks(list(enumerate(questions))):
        encoded = tokenizer(
            [question.question for _, question in chunk],
            [question.context for _, question in chunk],
            truncation="only_second",
            max_length=max_length,
            stride=stride,
            return_overflowing_tokens=True,
        )
        samples = encoded["overflow_to_sample_mapping"]
        for encoding, sample in zip(encoded.encodings or (), samples, strict=True):
            window = _window(encoding, *chunk[sample])
            if not window.places:
                raise DataFileError(f"{what} row {window.asked + 1} has a context without a single token")
            found.append(window)
    return found


def _window(encoding: Encoding, asked: int, question: _Question) -> _Window:
    tokens = [token for token, text in enumerate(encoding.sequence_ids) if text == 1]
    first = tokens[0] if tokens else 0
    offsets = encoding.offsets
    places = tuple(offsets[token] for token in tokens)
    start = end = 0
    if question.answers and places:
        begins, ends = question.start, question.start + len(question.answers[0])
        if places[0][0] <= begins and ends <= places[-1][1]:
            start = first + max(place for place, (at, _) in enumerate(places) if at <= begins)
            end = first + min(place for place, (_, to) in enumerate(places) if to >= ends)
    return _Window(EncodedRow.of(encoding), asked, start, max(start, end), first, places)
