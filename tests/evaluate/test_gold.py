"""Gold labels of texts: names as they stand, numbers only where somebody says what they mean."""

from __future__ import annotations

import pytest

from entailment.errors import DataFileError
from entailment.evaluate.gold import LabelIndex, NumberedRow, TextRow, label_name, nli_rows

NAMES = ("negative", "positive")


def row(gold: object) -> TextRow:
    return TextRow(text="t", gold=gold, row=7)


@pytest.mark.parametrize("gold", ["positive", "Positive", " positive", 1, "1", 1.0])
def test_a_name_or_an_index_of_the_names(gold: object) -> None:
    assert LabelIndex(NAMES, NAMES).find(row(gold)) == 1


@pytest.mark.parametrize("gold", [0, "1", 1.0])
def test_numbers_that_nobody_explains(gold: object) -> None:
    for refuse in (lambda: LabelIndex(NAMES).find(row(gold)), lambda: label_name(gold, 7)):
        with pytest.raises(DataFileError) as error:
            refuse()
        assert str(error.value).startswith(f"row 7: the label {gold!r} is a number, and data sets disagree")


@pytest.mark.parametrize("gold", [2, "-1"])
def test_numbers_beyond_the_names(gold: object) -> None:
    with pytest.raises(DataFileError, match=r"row 7: the label '?-?\d'? is not from 0 to 1; leave rows"):
        LabelIndex(NAMES, NAMES).find(row(gold))


def test_numbers_among_the_candidates_are_names() -> None:
    stars = ("1", "2", "none")
    for names in (None, stars):
        index = LabelIndex(stars, names)
        assert [index.find(row(gold)) for gold in ("1", 2, "none")] == [0, 1, 2]
        with pytest.raises(DataFileError, match="row 7: the label 0 is none of the candidate labels: '1'"):
            index.find(row(0))


def test_names_given_twice_keep_their_indices() -> None:
    assert LabelIndex(("a", "b"), ("a", "a", "b")).find(row(2)) == 1


@pytest.mark.parametrize(
    ("gold", "message"),
    [
        (None, "row 7: the label is null; leave rows without a gold label out"),
        (" ", "row 7: the label is empty; leave rows without a gold label out"),
        (True, "row 7: the label True is not a name; give the labels by name"),
        (0.5, "row 7: the label 0.5 is not a name; give the labels by name"),
        (["a"], "row 7: the label ['a'] is not a name; give the labels by name"),
    ],
)
def test_what_is_no_label(gold: object, message: str) -> None:
    for refuse in (lambda: LabelIndex(NAMES, NAMES).find(row(gold)), lambda: label_name(gold, 7)):
        with pytest.raises(DataFileError) as error:
            refuse()
        assert str(error.value) == message


def test_a_pair_knows_its_row() -> None:
    pair = {"premise": "p", "hypothesis": "h", "label": "neutral", "row": 70}
    assert [found.row for found in nli_rows([pair, pair], None)] == [1, 2]
    # Of a set that rows were left out of.
    assert [found.row for found in nli_rows([NumberedRow(pair, 3), NumberedRow(pair, 7)], None)] == [3, 7]
    with pytest.raises(DataFileError, match=r"^row 7: the premise is empty"):
        list(nli_rows([NumberedRow(pair | {"premise": ""}, 7)], None))
