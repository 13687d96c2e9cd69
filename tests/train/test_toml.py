"""TOML to dataclasses and back: what is wrong is named, and nothing is lost on the way."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entailment.errors import InputError
from entailment.train.toml import built, replaced, written


@dataclass(frozen=True, kw_only=True)
class Leaf:
    name: str
    share: float = 1.0
    limit: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Branch:
    leaves: tuple[Leaf, ...] = ()
    pair: tuple[float, float] = (0.9, 0.99)
    kind: Literal["full", "prefix"] = "full"
    grouped: bool = True

    def __post_init__(self) -> None:
        if len(self.leaves) > 3:
            raise InputError(f"{len(self.leaves)} leaves are too many")


@dataclass(frozen=True, kw_only=True)
class Tree:
    title: str
    branch: Branch = field(default_factory=Branch)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("titel = 'x'", "tree has no key 'titel'; did you mean 'title'?"),
        ("zzz = 1\ntitle = 'x'", "tree has no key 'zzz'; known are title, branch"),
        ("", "tree lacks 'title', which must be stated"),
        ("title = 1", "tree: title must be a text, not 1"),
        ("title = 'x'\nbranch = 1", "tree: branch must be a table, not 1"),
        ("title = 'x'\n[branch]\ngrouped = 1", "tree: branch: grouped must be true or false, not 1"),
        ("title = 'x'\n[branch]\nkind = 'half'", "kind is 'half'; expected one of full, prefix"),
        ("title = 'x'\n[branch]\npair = [1]", "pair must have 2 values, not [1]"),
        ("title = 'x'\n[branch]\npair = [1, nan]", "pair[1] must be finite, not nan"),
        ("title = 'x'\n[branch]\nleaves = 'a'", "leaves must be an array, not 'a'"),
        ("title = 'x'\n[branch]\nleaves = [{}]", "leaves[0] lacks 'name', which must be stated"),
        ("title = 'x'\n[branch]\nleaves = [{name = 'a', limit = true}]", "must be a whole number, not True"),
        ("title = 'x'\n[branch]\nleaves = [{name = 'a', limit = 1.0}]", "must be a whole number, not 1.0"),
        ("title = 'x'\n[branch]\nleaves = [{name = 'a', tags = {b = 1}}]", "tags.b must be a text, not 1"),
        (
            "title = 'x'\n[branch]\nleaves = [{name='a'},{name='b'},{name='c'},{name='d'}]",
            "tree: branch: 4 leaves are too many",
        ),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str) -> None:
    with pytest.raises(InputError) as refused:
        built(Tree, tomllib.loads(text), "tree")
    assert message in str(refused.value)


def test_a_whole_number_is_a_number() -> None:
    share = built(Leaf, {"name": "a", "share": 2}, "leaf").share
    assert (share, type(share)) == (2.0, float)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False)
leaves = st.builds(
    Leaf,
    name=texts,
    share=numbers,
    limit=st.none() | st.integers(-(2**60), 2**60),
    tags=st.dictionaries(texts, texts, max_size=3),
)
branches = st.builds(
    Branch,
    leaves=st.lists(leaves, max_size=3).map(tuple),
    pair=st.tuples(numbers, numbers),
    kind=st.sampled_from(["full", "prefix"]),
    grouped=st.booleans(),
)


@given(st.builds(Tree, title=texts, branch=branches))
def test_what_is_written_reads_back_equal(tree: Tree) -> None:
    assert built(Tree, tomllib.loads(written(tree)), "tree") == tree


def test_a_value_at_a_dotted_path() -> None:
    values = {"a": {"b": [{"c": 1}, {"c": 2}]}}
    assert replaced(values, "a.b.1.c", 5) == {"a": {"b": [{"c": 1}, {"c": 5}]}}
    assert replaced(values, "a.d.e", 5) == {"a": {"b": [{"c": 1}, {"c": 2}], "d": {"e": 5}}}
    assert values == {"a": {"b": [{"c": 1}, {"c": 2}]}}, "the table itself is left as it was"


@pytest.mark.parametrize("path", ["a.b.2.c", "a.b.x", "a.n.m"])
def test_a_path_that_leads_nowhere(path: str) -> None:
    with pytest.raises(InputError, match="cannot be set"):
        replaced({"a": {"b": [1, 2], "n": 3}}, path, 1)
