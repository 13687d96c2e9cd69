"""What gives its keys, its columns or no order when it is iterated over is refused, not read as texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.tasks.check_fakes import neutral, word_model
from tests.tasks.pair_fakes import by_word, fake_model

from entailment.errors import LabelOrderError, LabelsError, TextError
from entailment.tasks.check import DocumentChecker
from entailment.tasks.cross_encoder import CrossEncoder
from entailment.tasks.model import load_model
from entailment.tasks.nli import NLI
from entailment.tasks.zero_shot import ZeroShotClassifier

MODEL = fake_model(by_word)


class Table:
    """Iterated over, a table gives the names of its columns: two, which would be a pair of texts."""

    columns = ("premise", "hypothesis")

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)


def score(given: Any) -> object:
    with NLI(MODEL).premise("a dog") as premise:
        return premise.score(given)


CALLS: dict[str, Callable[[Any], object]] = {
    "pairs": CrossEncoder(MODEL).predict,
    "documents": lambda given: CrossEncoder(MODEL).rank("a dog", given),
    "texts": lambda given: ZeroShotClassifier(MODEL)(given, ["dog", "cat"]),
    "claims": lambda given: DocumentChecker(word_model(neutral))("A dog.", given),
    "hypotheses": score,
    "nli": NLI(MODEL),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"a dog": "a cat", "a cat": "a dog"}, r"not dict: only its keys would be read"),
        ({("a dog", "a cat"): 1}, "not dict: only its keys"),
        (Table(), r"not Table: only the names of its columns would be read"),
        ({"a dog", "a cat"}, "not set: a set has no order"),
        (frozenset({("a dog", "a cat")}), "not frozenset: a set has no order"),
    ],
)
def test_no_list(call: Callable[[Any], object], given: Any, says: str) -> None:
    with pytest.raises(TextError, match=says):
        call(given)


@pytest.mark.parametrize("given", [{"a": 0, "b": 1}, Table(), [{"a": 0}], [Table()], {("a",), ("b",)}])
def test_labels_that_are_no_list(given: Any) -> None:
    with pytest.raises(LabelsError, match=r"must be a list, not (dict|Table|set): "):
        ZeroShotClassifier(MODEL)(["t"] * len(list(given)), given)


def test_labels_may_be_a_set() -> None:
    labels = {"a dog", "a cat"}
    assert ZeroShotClassifier(MODEL)("a dog", labels) == ZeroShotClassifier(MODEL)(
        "a dog", ["a dog", "a cat"]
    )


def test_views_of_a_dictionary_have_an_order() -> None:
    texts = {"a dog": 1, "a cat": 2}
    ranking = CrossEncoder(MODEL).rank("a dog", texts.keys())  # type: ignore[arg-type]
    assert ranking == CrossEncoder(MODEL).rank("a dog", list(texts))


@pytest.mark.parametrize("given", [{"entailment": 1, "contradiction": 0}, {"entailment", "contradiction"}])
def test_a_label_order_without_an_order(given: Any) -> None:
    with pytest.raises(LabelOrderError, match="label_order must be a list, not"):
        load_model(label_order=given)
