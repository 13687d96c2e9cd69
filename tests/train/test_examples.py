"""Rows become examples: premises gathered, labelled texts recast."""

from __future__ import annotations

import pytest

from entailment.errors import DataFileError
from entailment.train.examples import CONTRADICTION, ENTAILMENT, NOT_ENTAILMENT, from_nli, from_topics


def nli(premise: str, hypothesis: str, label: str) -> dict[str, object]:
    return {"premise": premise, "hypothesis": hypothesis, "label": label}


def test_rows_that_share_a_premise_become_one_example() -> None:
    rows = [nli("p", "a", "entailment"), nli("q", "b", "not_entailment"), nli("p", "c", "contradiction")]
    first, second = from_nli(rows)
    assert (first.premise, first.hypotheses, first.targets) == ("p", ("a", "c"), (ENTAILMENT, CONTRADICTION))
    assert (second.premise, second.targets) == ("q", (NOT_ENTAILMENT,))
    assert not first.choice


def test_a_premise_with_many_hypotheses_is_split() -> None:
    examples = from_nli([nli("p", str(i), "neutral") for i in range(9)], most_hypotheses=4)
    assert [len(example.hypotheses) for example in examples] == [4, 4, 1]


def test_unknown_label_is_refused() -> None:
    with pytest.raises(DataFileError, match=r"row 2 has the label 'maybe'"):
        from_nli([nli("p", "a", "neutral"), nli("p", "b", "maybe")])


TOPIC = {
    "text": "it rained all night",
    "label": "weather",
    "labels_of_source": ["weather", "sport", "food", "music", "law"],
    "template": "This is about {}.",
}


def test_a_labelled_text_is_recast_with_its_label_first() -> None:
    (example,) = from_topics([TOPIC], seed=0, negatives=3)
    assert example.choice
    assert example.hypotheses[0] == "This is about weather."
    assert example.targets == (ENTAILMENT, NOT_ENTAILMENT, NOT_ENTAILMENT, NOT_ENTAILMENT)
    assert len(set(example.hypotheses)) == 4


def test_draws_depend_on_the_seed_alone() -> None:
    assert from_topics([TOPIC] * 20, seed=5, templates=["{}"]) == from_topics(
        [TOPIC] * 20, seed=5, templates=["{}"]
    )
    assert from_topics([TOPIC] * 20, seed=5) != from_topics([TOPIC] * 20, seed=6)


def test_all_hypotheses_of_a_text_share_one_template() -> None:
    for example in from_topics([TOPIC] * 50, seed=1, templates=["It is {}.", "{}"], own_template=0.3):
        opening = {h.split(" ")[0] if " " in h else "" for h in example.hypotheses}
        assert len(opening) == 1
