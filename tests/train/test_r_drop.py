"""R-Drop: the distance of two readings, by hand and in a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.train.distilling import bert, made, random_start, recipe, saved, write_rows
from torch import nn

from entailment.errors import InputError
from entailment.train.r_drop import RDrop, divergence
from entailment.train.run import run_recipe
from entailment.train.sources import gather
from entailment.train.tasks import COLUMNS, objective_of

PREFIX: dict[str, object] = {"model.attention": "prefix", "batches": {"tokens": 400, "r_drop": 0.5}}
FULL: dict[str, object] = {"batches": {"rows": 8, "r_drop": 0.5}}


def test_the_distance_is_the_mean_of_both_divergences() -> None:
    one, other = torch.randn(7, 3), torch.randn(7, 3)
    p, q = (each.double().softmax(-1).numpy() for each in (one, other))
    expected = ((p - q) * np.log(p / q)).sum(1).mean() / 2
    assert divergence(one, other).item() == pytest.approx(expected, rel=1e-5)
    assert divergence(one, one).item() == 0


@pytest.mark.parametrize("changes", [PREFIX, FULL])
def test_without_dropout_both_readings_are_one(tmp_path: Path, changes: dict[str, object]) -> None:
    """Then the loss is the task's; with dropout it counts how far they are apart."""
    torch.manual_seed(1)
    folder = saved(tmp_path / "start", bert(attention=changes.get("model.attention", "full")))
    stated = recipe("nli", None, {**changes, "model.start": str(folder), "model.dropout": 0.1})
    assert stated.local is not None
    local = stated.local.under(write_rows(tmp_path, "nli"))
    train, validation = (
        list(gather(each, seed=1, label_names=stated.model.labels, columns=COLUMNS["nli"]).rows)
        for each in (local.train, local.validation)
    )
    objective = objective_of(stated, train, validation, folder)
    assert isinstance(objective, RDrop)
    task: Any = objective._task
    batch = objective.batch(0, objective.plan(0)[0])
    model = made(bert(attention=changes.get("model.attention", "full")), "nli").train()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        if hasattr(module, "probability_dropout"):
            setattr(module, "probability_dropout", 0.0)  # noqa: B010 - no module says that it is a number
    assert objective.loss(model, batch).item() == pytest.approx(task.loss(model, batch).item(), rel=1e-6)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.3
    torch.manual_seed(5)
    own = [task.loss(model, batch).item() for _ in range(2)]
    torch.manual_seed(5)
    assert objective.loss(model, batch).item() > sum(own) / 2 + 1e-4
    with torch.no_grad():
        assert objective.validate(model.eval()) == task.validate(model)


@pytest.mark.parametrize("changes", [PREFIX, FULL])
def test_a_recipe_has_it(tmp_path: Path, changes: dict[str, object]) -> None:
    folder = saved(tmp_path / "start", bert())
    start = random_start(bert(), folder)
    stated = recipe("nli", None, {**start, **changes, "model.dropout": 0.2})
    done = run_recipe(stated, tmp_path / "out", data_folder=write_rows(tmp_path, "nli"))
    written = json.loads((done.folder / "training.json").read_text(encoding="utf-8"))
    assert written["recipe"]["batches"]["r_drop"] == 0.5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batches": {"rows": 8, "r_drop": -1.0}}, "r_drop is -1.0; it must be 0 or more"),
        ({"model.dropout": 0.0}, r"what dropout makes of a batch, and model\.dropout is 0"),
        ({"teacher.model": "t", "teacher.method": "soft-targets"}, "r_drop and a teacher do not go together"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        recipe("nli", None, {**FULL, "model.dropout": 0.1, **changes})


def test_it_is_for_classes() -> None:
    with pytest.raises(InputError, match="r_drop is for nli and text-classification, and the task is"):
        recipe("masked-language-modeling", None, {**FULL, "model.dropout": 0.1})
