"""Answers in a text: where windows have them, how the best is found, and how it is compared."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tiny import WORDS
from tests.train.objectives.tiny_heads import Tokenizer, learn, measured, tiny_head, tokenizer_in

from entailment.errors import DataFileError, InputError
from entailment.models.outputs import QuestionAnsweringModelOutput
from entailment.train.objectives.answers import QuestionAnswering
from entailment.train.objectives.padded import Order
from entailment.train.objectives.squad import exact_match, f1


def row(context: str, question: str, *answers: str) -> dict[str, object]:
    starts = [context.index(answer) for answer in answers]
    return {
        "context": context,
        "question": question,
        "answers": {"text": list(answers), "answer_start": starts},
    }


ROWS = [
    row("The striker scored in the final. The doctor was happy.", "Who scored?", "The striker", "striker"),
    row("A dog sleeps in the garden. A cat eats in the kitchen.", "Who eats in the kitchen?", "A cat"),
    row("It was a long night of rain and snow.", "What of?", "rain and snow"),
]
SILENT = row("It was a long night.", "Who scored?")


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return tokenizer_in(tmp_path_factory.mktemp("tokenizer"))


def answering(tokenizer: Tokenizer, *rows: dict[str, object], **given: Any) -> QuestionAnswering:
    chosen = {"max_length": 64, "order": Order(rows=2), **given}
    return QuestionAnswering(rows or ROWS, rows or ROWS, tokenizer, **chosen)


def test_a_window_names_the_tokens_of_the_answer(tokenizer: Tokenizer) -> None:
    batch = answering(tokenizer).batch(0, [0, 1, 2])
    starts, ends = (batch.targets[name].tolist() for name in ("start_positions", "end_positions"))
    spans = [
        ids[start : end + 1] for ids, start, end in zip(batch.input_ids.tolist(), starts, ends, strict=True)
    ]
    assert [tokenizer.decode(span) for span in spans] == ["the striker", "a cat", "rain and snow"]


@settings(max_examples=25)
@given(
    words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=60),
    at=st.integers(0, 59),
    length=st.integers(1, 4),
    stride=st.integers(0, 6),
)
def test_windows_cover_the_context_and_those_with_the_whole_answer_name_it(
    tokenizer: Tokenizer, words: list[str], at: int, length: int, stride: int
) -> None:
    context, at = " ".join(words), at % len(words)
    answer = " ".join(words[at : at + length])
    start = len(" ".join([*words[:at], ""]))
    asked: dict[str, object] = {
        "context": context,
        "question": "who runs",
        "answers": {"text": [answer], "answer_start": [start]},
    }
    objective = answering(tokenizer, asked, max_length=16, stride=stride)
    covered = set()
    for window in objective.train:
        covered |= {place for begin, end in window.places for place in range(begin, end)}
        whole = window.places[0][0] <= start and start + len(answer) <= window.places[-1][1]
        if not whole:
            assert (window.start, window.end) == (0, 0)
        else:
            begin = window.places[window.start - window.first][0]
            assert context[begin : window.places[window.end - window.first][1]] == answer
    assert covered == {place for place, letter in enumerate(context) if letter != " "}


def test_it_is_learnt(tokenizer: Tokenizer) -> None:
    objective = answering(tokenizer, *ROWS, SILENT)
    model = tiny_head("QuestionAnswering")
    before = measured(objective, model)
    learn(objective, model, epochs=40)
    after = measured(objective, model)
    assert after["loss"] < before["loss"] / 4
    assert (after["exact_match"], after["f1"]) == (1, 1)


def test_a_long_context_is_answered_from_its_best_window(tokenizer: Tokenizer) -> None:
    long = "dog cat horse bird " * 10 + "the striker scored . " + "rain sun snow fire " * 10
    asked = row(long, "who scored", "the striker")
    objective = answering(tokenizer, asked, max_length=24, stride=8)
    assert len(objective.train) > 3
    model = tiny_head("QuestionAnswering")
    learn(objective, model, epochs=25)
    assert measured(objective, model)["exact_match"] == 1


class Stated(torch.nn.Module):
    """Gives a token the score that is stated for its id, to begin and to end an answer."""

    def __init__(self, starts: dict[int, float], ends: dict[int, float]) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.starts, self.ends = starts, ends

    def forward(self, input_ids: torch.Tensor, **given: Any) -> QuestionAnsweringModelOutput:
        start, end = (
            torch.tensor([[scores.get(each, 0.0) for each in ids] for ids in input_ids.tolist()])
            for scores in (self.starts, self.ends)
        )
        return QuestionAnsweringModelOutput(loss=torch.tensor(0.5), start_logits=start, end_logits=end)


@pytest.mark.parametrize(
    ("starts", "ends", "found"),
    [
        ({"dog": 5.0}, {"cat": 5.0}, "dog cat"),
        ({"cat": 5.0}, {"dog": 5.0, "bird": 1.0}, "cat bird"),  # never the end before the start
        ({"who": 9.0, "bird": 1.0}, {"who": 9.0, "bird": 1.0}, "bird"),  # never a part of the question
        ({"dog": 5.0}, {"snow": 5.0, "cat": 3.0}, "dog cat"),  # never more than four tokens
    ],
)
def test_the_best_span_that_can_be_an_answer_is_taken(
    tokenizer: Tokenizer, starts: dict[str, float], ends: dict[str, float], found: str
) -> None:
    asked = row("dog cat bird fire rain snow", "who", found)
    objective = answering(tokenizer, asked, longest_answer=4)
    by_id = (
        {int(tokenizer.convert_tokens_to_ids(word)): score for word, score in scores.items()}
        for scores in (starts, ends)
    )
    assert measured(objective, Stated(*by_id))["exact_match"] == 1


@pytest.mark.parametrize(("score", "right"), [(9.0, 1 / 2), (0.1, 0.0)])
def test_no_answer_wins_where_it_scores_higher_than_every_span(
    tokenizer: Tokenizer, score: float, right: float
) -> None:
    objective = answering(tokenizer, row("dog cat", "who", "dog"), SILENT)
    scores = {
        tokenizer.cls_token_id: score,
        int(tokenizer.convert_tokens_to_ids("cat")): 1.0,
        int(tokenizer.convert_tokens_to_ids("night")): 1.0,
    }
    assert measured(objective, Stated(scores, scores))["exact_match"] == right


def test_where_every_question_has_an_answer_one_is_always_given(tokenizer: Tokenizer) -> None:
    objective = answering(tokenizer, row("dog cat", "who", "dog"))
    dog = {tokenizer.cls_token_id: 9.0, int(tokenizer.convert_tokens_to_ids("dog")): 1.0}
    assert measured(objective, Stated(dog, dog))["exact_match"] == 1


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({"text": ["dog"], "answer_start": [1]}, "'dog' does not stand at character 1"),
        ({"text": ["dog"], "answer_start": []}, "has the answers"),
        ("dog", "has the answers 'dog'; they must be like"),
        ({"text": [""], "answer_start": [0]}, "has the answers"),
    ],
)
def test_answers_that_do_not_fit_are_refused(tokenizer: Tokenizer, answers: object, says: str) -> None:
    with pytest.raises(DataFileError, match=says):
        answering(tokenizer, {"context": "dog cat", "question": "who", "answers": answers})


def test_a_question_without_room_for_its_context_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(InputError, match="max_length"):
        answering(tokenizer, row("dog cat " * 9, "who " * 20, "dog"), max_length=16)
    with pytest.raises(DataFileError, match="row 1 has a context without a single token"):
        answering(
            tokenizer, {"context": "\u200b", "question": "who", "answers": {"text": [], "answer_start": []}}
        )
    with pytest.raises(InputError, match="longest_answer is 0"):
        answering(tokenizer, longest_answer=0)


@pytest.mark.parametrize(
    ("said", "golds", "exact", "shared"),
    [
        ("The Striker!", ("striker",), 1.0, 1.0),
        ("striker", ("dog", "a striker."), 1.0, 1.0),
        ("the old striker", ("striker scored",), 0.0, 2 * 1 / (2 + 2)),
        ("dog dog", ("dog",), 0.0, 2 * 1 / (2 + 1)),
        ("dog", ("cat",), 0.0, 0.0),
        ("", (), 1.0, 1.0),
        ("dog", (), 0.0, 0.0),
        ("", ("dog",), 0.0, 0.0),
        ("", ("the",), 1.0, 1.0),  # of which nothing counts
    ],
)
def test_answers_are_compared_as_squad_does(
    said: str, golds: tuple[str, ...], exact: float, shared: float
) -> None:
    assert exact_match(said, golds) == exact
    assert f1(said, golds) == pytest.approx(shared)
