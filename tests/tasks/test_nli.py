from __future__ import annotations

import dataclasses
import itertools
import logging

import numpy as np
import pytest
from tests.tasks.pair_fakes import by_word, engine_of, fake_model

from entailment.errors import TextError
from entailment.tasks.nli import NLI, NLIResult
from entailment.text.pairs import Truncation


def test_one_pair() -> None:
    nli = NLI(fake_model(lambda p, h: (1.0, 3.0, 2.0), ("contradiction", "entailment", "neutral")))
    result = nli("premise", "hypothesis")
    assert isinstance(result, NLIResult)
    assert result.label == "entailment"
    powers = np.exp([1.0, 3.0, 2.0])
    expected = dict(zip(("contradiction", "entailment", "neutral"), powers / powers.sum(), strict=True))
    assert result.scores == pytest.approx(expected)
    assert list(result.scores) == ["contradiction", "entailment", "neutral"]
    assert all(type(score) is float for score in result.scores.values())
    assert result.truncated is None
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.label = "neutral"  # type: ignore[misc]


def test_many_pairs_and_none() -> None:
    nli = NLI(fake_model(by_word))
    pairs = [("a dog", "a dog"), ("a cat", "nothing shared")]
    assert nli(pairs) == [nli(*pair) for pair in pairs]
    assert nli([list(pair) for pair in pairs]) == nli(pairs)  # type: ignore[misc]
    assert nli([]) == []


def test_two_classes() -> None:
    result = NLI(fake_model(lambda p, h: (0.0, 1.0), ("entailment", "not_entailment")))("p", "h")
    assert result.label == "not_entailment"
    assert set(result.scores) == {"entailment", "not_entailment"}


def test_stream_is_lazy_and_in_order() -> None:
    model = fake_model(by_word)
    read = itertools.count()
    pairs = ((f"premise {next(read)}", "premise") for _ in itertools.count())
    results = NLI(model).stream(pairs, chunk_size=4)
    for _ in range(9):
        next(results)
    assert next(read) == 12
    assert engine_of(model).calls == [4, 4, 4]


def test_truncation(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "entailment"):
        short, long, _ = NLI(fake_model(by_word, room=10))([("p", "h"), ("p" * 30, "h"), ("p" * 40, "h")])
    assert short.truncated is None
    assert long.truncated == Truncation(read=10, total=30)
    (record,) = caplog.records
    assert "pair 2 is longer than the model reads: 10 of 30" in record.getMessage()
    assert "the field `truncated` of each answer says so" in record.getMessage()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("premise",), "needs both"),
        ((["premise"], "hypothesis"), "either two texts or one list"),
        (([("premise",)],), "pair 1 is not a pair of texts"),
        (([("p", "h"), "ph"],), "pair 2 is not a pair of texts"),
        (([("p", 3)],), "pair 1 is not a pair of texts"),
        (([("p", "h"), (" ", "h")],), "the premise of pair 2 is empty"),
        (("p", ""), "the hypothesis of pair 1 is empty"),
        ((7,), "not int"),
        (("p", 7), "pair 1 is not a pair of texts"),
    ],
)
def test_bad_pairs(arguments: tuple[object, ...], says: str) -> None:
    with pytest.raises(TextError) as error:
        NLI(fake_model(by_word))(*arguments)  # type: ignore[call-overload]
    assert says in str(error.value)


def test_the_encoder_error_names_the_pair_of_the_whole_input() -> None:
    nli = NLI(fake_model(by_word, room=10))
    pairs = [("p", "h")] * 5 + [("p", "h" * 20)]
    with pytest.raises(TextError, match=r"^pair 6: the hypothesis has 20 tokens$"):
        list(nli.stream(pairs, chunk_size=4))
