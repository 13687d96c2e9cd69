"""Recipes: those of the package are whole, and a wrong one is refused with what was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from entailment.errors import InputError
from entailment.train import bundled
from entailment.train.recipe import BUNDLED_RECIPE, Recipe, load_recipe, parse_change, recipe_names, to_toml

SMALL = """
name = "small"
task = "nli"
[model]
start = "random"
config = { model_type = "bert", num_hidden_layers = 1 }
labels = ["entailment", "neutral", "contradiction"]
[local]
train = [{ name = "train.csv" }]
validation = [{ name = "validation.csv" }]
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


@pytest.mark.parametrize("name", recipe_names())
def test_recipes_of_the_package_are_whole(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert 20 < len(recipe.description) <= 100
    shown = tmp_path / f"{name}.toml"
    shown.write_text(to_toml(recipe), encoding="utf-8")
    assert load_recipe(shown) == recipe, "what --show prints is the recipe"


def facts(name: str) -> tuple[object, ...]:
    recipe = load_recipe(name)
    settings = recipe.settings
    return (
        recipe.batches.rows,
        settings.learning_rate,
        settings.epochs,
        settings.warmup,
        settings.weight_decay,
        settings.precision,
    )


def test_the_cards_own_figures() -> None:
    assert facts("distilbert-mnli") == (16, 2e-5, 5, 0.0, 0.0, "float32")
    assert load_recipe("distilbert-mnli").model.max_length == 128
    assert facts("minilm-l6-mnli") == (32, 2e-5, 5, 0.1, 0.06, "float16")
    assert facts("tinybert-all-nli") == (32, 2e-5, 10, 0.0, 0.01, "bfloat16")
    tinybert = load_recipe("tinybert-all-nli")
    assert (tinybert.settings.seed, tinybert.settings.follow) == (42, "loss")
    assert tinybert.data is not None
    assert [source.limit for source in (*tinybert.data.train, *tinybert.data.validation)] == [100_000, 10_000]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("setings.epochs=1", "small.toml has no key 'setings'; did you mean 'settings'?"),
        ("settings.epoch=1", "settings has no key 'epoch'; did you mean 'epochs'?"),
        ("settings.epochs=many", "settings: epochs must be a whole number, not 'many'"),
        ("settings.learning_rate=-1", "settings: learning_rate is -1.0; it must be more than 0"),
        ("settings.seed=-5", "settings: seed is -5; it must be from 0 to 4294967295"),
        ("settings.seed=4294967296", "settings: seed is 4294967296; it must be from 0 to 4294967295"),
        ("task=nlp", "task is 'nlp'; expected one of nli"),
        ("model.start=bundled", "config is for start"),
        ("model.config={}", 'start is "random", so that config must give the architecture'),
        ("model.labels=[]", "task nli needs model.labels"),
        ('model.labels=["a", "a"]', "labels must be different"),
        ("model.max_length=3", "max_length is 3"),
        ("model.dropout=1", "dropout is 1.0"),
        ("model.attention=prefix", "with prefix attention batches are"),
        ("local.train=[]", "local: train has no sources"),
        ("local.train.0.weight=2", "weight of train.csv is 2.0"),
        ("batches={}", "either rows or tokens"),
        ("batches={rows=0}", "rows is 0; a batch has at least 1"),
        ("batches={rows=2, label_smoothing=1}", "label_smoothing is 1.0"),
    ],
)
def test_what_is_wrong_is_named(small: Path, change: str, message: str) -> None:
    with pytest.raises(InputError) as refused:
        load_recipe(small, [parse_change(change)])
    assert message in str(refused.value)


def test_changes_are_toml_values_or_texts(small: Path) -> None:
    changes = ["settings.epochs=7", "model.start=org/model@main", "model.config={}", "batches={tokens=64}"]
    recipe = load_recipe(small, map(parse_change, changes))
    assert (recipe.settings.epochs, recipe.model.start) == (7, "org/model@main")
    assert (recipe.batches.rows, recipe.batches.tokens) == (None, 64)


@pytest.mark.parametrize("change", ["epochs", "=1", "settings..epochs=1"])
def test_a_change_has_a_key_and_a_value(change: str) -> None:
    with pytest.raises(InputError, match="KEY=VALUE"):
        parse_change(change)


def test_a_name_nobody_knows() -> None:
    with pytest.raises(InputError, match="did you mean 'minilm-l6-mnli'"):
        load_recipe("minilm-mnli")


@pytest.mark.parametrize(
    ("content", "message"), [(b"a = = 1", "not valid TOML"), (b"\xff", "not UTF-8"), (None, "cannot read")]
)
def test_a_file_that_is_no_recipe(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "mine.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_recipe(path)


def test_sources_are_those_of_the_hub_or_of_a_folder(small: Path, tmp_path: Path) -> None:
    local = load_recipe(small)
    assert [source.name for source in local.sources(tmp_path).train] == [str(tmp_path / "train.csv")]
    with pytest.raises(InputError, match="--data-folder"):
        local.sources(None)
    both = load_recipe("minilm-l6-mnli")
    assert both.sources(None).train[0].name == "nyu-mll/multi_nli"
    hub = Recipe(name="hub", task="nli", model=local.model, data=local.local)
    with pytest.raises(InputError, match=r"no \[local\]"):
        hub.sources(tmp_path)


def test_a_trial_is_limited_but_for_what_leaks_are_searched_in() -> None:
    recipe = load_recipe("tinybert-all-nli").limited(7)
    for part in (recipe.data, recipe.local):
        assert part is not None
        assert {source.limit for source in (*part.train, *part.validation)} == {7}
        assert {source.limit for source in part.evaluation} == {None}


def test_the_bundled_models_recipe_states_what_its_program_does() -> None:
    recipe = load_recipe(BUNDLED_RECIPE)
    assert recipe.local is not None
    sources = (*recipe.local.train, *recipe.local.validation)
    assert {source.name for source in sources} == set(bundled.FILES)
    assert recipe.model.max_length == bundled.PREMISE_TOKENS + bundled.HYPOTHESIS_TOKENS
    assert len({each.dropout for each in bundled.ROUNDS}) > 1
    assert recipe.model.dropout is None, "each round has its own"


def test_a_recipe_without_rows_is_none(small: Path) -> None:
    with pytest.raises(InputError, match=r"neither \[data\] nor \[local\]"):
        Recipe(name="none", task="nli", model=load_recipe(small).model)
