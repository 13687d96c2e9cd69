"""Classes of words: where they are learnt, and how they are judged."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.train.objectives.tiny_heads import Tokenizer, learn, measured, tiny_head, tokenizer_in

from entailment.errors import DataFileError
from entailment.train.objectives.padded import Order
from entailment.train.objectives.tokens import TokenClassification, entities, entity_f1

NAMES = ("O", "B-PER", "I-PER", "B-LOC")
ROWS: list[dict[str, object]] = [
    {"words": ["Anna", "Berg", "walks", "home"], "label": ["B-PER", "I-PER", "O", "O"]},
    {"words": ["the", "doctor", "saw", "Oslo"], "label": ["O", "O", "O", "B-LOC"]},
    {"words": ["Anna", "said", "no"], "label": ["B-PER", "O", "O"]},
]


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    return tokenizer_in(tmp_path)


def test_a_word_is_labelled_at_its_first_token(tokenizer: Tokenizer) -> None:
    objective = TokenClassification(ROWS, ROWS, tokenizer, labels=NAMES, max_length=32, order=Order(rows=3))
    batch = objective.batch(0, [0, 2])
    tokens = [tokenizer.convert_ids_to_tokens(row) for row in batch.input_ids.tolist()]
    for row, labels, number in zip(tokens, batch.targets["labels"].tolist(), (0, 2), strict=True):
        gold = ROWS[number]["label"]
        assert isinstance(gold, list)
        # Here a first token is one without "##" that is no special token.
        firsts = [at for at, token in enumerate(row) if not token.startswith(("##", "["))]
        assert [NAMES[labels[at]] for at in firsts] == gold
        assert all(label == -100 for at, label in enumerate(labels) if at not in firsts)


@pytest.mark.parametrize(
    ("names", "measure"), [(NAMES, "f1"), (("no", "person", "more", "place"), "macro_f1")]
)
def test_it_is_learnt(tokenizer: Tokenizer, names: tuple[str, ...], measure: str) -> None:
    called = dict(zip(NAMES, names, strict=True))
    rows = [{**row, "label": [called[str(name)] for name in list(row["label"])]} for row in ROWS]  # type: ignore[call-overload]
    objective = TokenClassification(rows, rows, tokenizer, labels=names, max_length=32, order=Order(rows=2))
    model = tiny_head("TokenClassification", names)
    before = measured(objective, model)
    learn(objective, model, epochs=30)
    after = measured(objective, model)
    assert after["loss"] < before["loss"] / 4
    assert (after["accuracy"], after[measure]) == (1, 1)


@pytest.mark.parametrize("names", [NAMES, ("no", "person", "more", "place")])
def test_words_that_are_cut_off_count_as_wrong(tokenizer: Tokenizer, names: tuple[str, ...]) -> None:
    rows: list[dict[str, object]] = [{"words": ["dog"] * 8, "label": [names[1]] * 8}]
    objective = TokenClassification(rows, rows, tokenizer, labels=names, max_length=6, order=Order(rows=1))
    model = tiny_head("TokenClassification", names)
    learn(objective, model, epochs=30)
    found = measured(objective, model)
    assert found["accuracy"] == 4 / 8
    # As many entities, and words, are missed as are found.
    assert found.get("f1", found.get("macro_f1")) == pytest.approx(2 * 4 / (4 + 8))


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("O B-PER I-PER O", {(1, 3, "PER")}),
        ("B-PER B-PER", {(0, 1, "PER"), (1, 2, "PER")}),
        ("I-LOC I-LOC O", {(0, 2, "LOC")}),  # a beginning that is not said is one
        ("B-PER I-LOC", {(0, 1, "PER"), (1, 2, "LOC")}),
        ("O O", set()),
    ],
)
def test_entities_are_read_as_in_conll(tags: str, expected: set[tuple[int, int, str]]) -> None:
    assert entities(tags.split()) == expected


@given(st.lists(st.tuples(st.sampled_from(["", "PER", "LOC"]), st.integers(1, 3)), max_size=8))
def test_entities_are_the_spans_that_tags_were_made_of(spans: list[tuple[str, int]]) -> None:
    tags: list[str] = []
    made = set()
    for kind, length in spans:
        if kind:
            made.add((len(tags), len(tags) + length, kind))
        tags += [f"B-{kind}", *[f"I-{kind}"] * (length - 1)] if kind else ["O"] * length
    assert entities(tags) == made
    assert entity_f1([tags], [tags]) == (1.0 if made else 0.0)


def test_f1_counts_whole_entities() -> None:
    gold = ["B-PER I-PER O B-LOC".split()]
    assert entity_f1(gold, ["B-PER O O B-LOC".split()]) == pytest.approx(2 * 1 / (2 + 2))
    assert entity_f1(gold, ["O O O O".split()]) == 0


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"words": ["dog"], "label": ["O", "O"]}, "row 1 has 1 words and the labels"),
        ({"words": ["dog"], "label": ["B-DOG"]}, "row 1 has 1 words and the labels"),
        ({"words": "dog", "label": ["O"]}, "words is 'dog', not a list of texts"),
        ({"words": [" "], "label": ["O"]}, "no word that the tokenizer can read"),
    ],
)
def test_rows_that_do_not_fit_are_refused(tokenizer: Tokenizer, row: dict[str, object], says: str) -> None:
    with pytest.raises(DataFileError, match=says):
        TokenClassification([row], ROWS, tokenizer, labels=NAMES, max_length=9, order=Order(rows=1))
