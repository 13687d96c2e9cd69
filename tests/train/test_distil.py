"""Distillation from end to end: what is written, what is not, and runs that were interrupted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.tiny import tiny_bert, tiny_tokenizer
from tests.train.distilling import (
    bert,
    distilbert,
    ib_bert,
    made,
    mobilebert,
    random_start,
    recipe,
    saved,
    write_rows,
)
from torch import Tensor, nn

from entailment.errors import CheckpointError, InputError
from entailment.models.auto import AutoModelForPreTraining
from entailment.tasks.nli import NLI
from entailment.train import energy
from entailment.train.distil.methods import WAYS, layer_transfer
from entailment.train.distil.objective import Distilled, Pupil
from entailment.train.distil.stages import learn, take_over
from entailment.train.distil.teacher import Teacher, open_teacher
from entailment.train.objective import Objective
from entailment.train.recipe import Recipe, Task
from entailment.train.run import run_recipe
from entailment.train.sources import gather
from entailment.train.state import BEST, read_weights
from entailment.train.tasks import COLUMNS, objective_of

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def without_a_meter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy, "_tracker", lambda _: None)  # codecarbon takes seconds to start


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer, rows of two tasks, and teachers."""
    folder = tmp_path_factory.mktemp("distil")
    tiny_tokenizer(folder / "tokenizer")
    for task in ("nli", "pre-training"):
        write_rows(folder / task, task)
    labels = ("CONTRADICTION", "ENTAILMENT", "NEUTRAL")
    saved(folder / "teacher", bert(layers=4, hidden=48), labels=labels)
    saved(folder / "ib-bert", ib_bert(), "pre-training")
    return folder


def facts_of(model: Path) -> Any:
    return json.loads((model / "training.json").read_text())


@pytest.mark.parametrize("method", ["soft-targets", "distilbert", "tinybert", "minilm"])
def test_a_student_that_answers(method: str, folder: Path, tmp_path: Path) -> None:
    before = (folder / "teacher" / "model.safetensors").read_bytes()
    student = random_start(distilbert(), folder / "tokenizer")
    taught = recipe("nli", folder / "teacher", {**student, "teacher.method": method})
    trained = run_recipe(taught, tmp_path, data_folder=folder / "nli", device=CPU)
    assert trained.outcome.steps == 4
    assert NLI(trained.folder)("a dog sleeps", "an animal sleeps").label
    names = load_file(trained.folder / "model.safetensors")
    assert names.keys() == load_file(saved(tmp_path / "plain", distilbert()) / "model.safetensors").keys()
    assert (folder / "teacher" / "model.safetensors").read_bytes() == before
    kept = load_file(tmp_path / "run" / BEST)
    assert any(name.startswith("projections.") for name in kept) == (method == "tinybert")


def test_weights_of_a_teacher_tell_runs_apart(folder: Path, tmp_path: Path) -> None:
    student = random_start(bert(), folder / "tokenizer")
    teacher = saved(tmp_path / "teacher", bert())
    taught = recipe("nli", teacher, {**student, "teacher.method": "soft-targets", "settings.max_steps": 1})
    run_recipe(taught, tmp_path / "out", data_folder=folder / "nli", device=CPU)
    saved(tmp_path / "teacher", bert())  # other weights under the same name
    with pytest.raises(CheckpointError, match="holds the run of another recipe"):
        run_recipe(taught, tmp_path / "out", data_folder=folder / "nli", device=CPU)


@pytest.mark.parametrize("attention", ["full", "prefix"])
def test_a_prefix_student_of_either_teacher(attention: Any, folder: Path, tmp_path: Path) -> None:
    teacher = tiny_bert(tmp_path / "teacher", attention=attention)
    prefix = {"model.attention": "prefix", "batches": {"tokens": 256}, "teacher.method": "soft-targets"}
    taught = recipe("nli", teacher, random_start(bert(), folder / "tokenizer") | prefix)
    trained = run_recipe(taught, tmp_path / "out", data_folder=folder / "nli", device=CPU)
    assert NLI(trained.folder)("a dog sleeps", "an animal sleeps").label


PROGRESSIVE: dict[str, object] = {
    "teacher.method": "mobilebert",
    "teacher.progressive": True,
    "teacher.steps_per_layer": 3,
    "settings.evaluations": 1,
}


def test_an_ib_bert_and_its_mobilebert(folder: Path, tmp_path: Path) -> None:
    changes = random_start(mobilebert(), folder / "tokenizer") | PROGRESSIVE
    taught = recipe("pre-training", folder / "ib-bert", changes)
    trained = run_recipe(taught, tmp_path, data_folder=folder / "pre-training", device=CPU)
    assert {path.name for path in (tmp_path / "run").glob("layer-*")} == {"layer-01", "layer-02"}
    opened = AutoModelForPreTraining.from_pretrained(trained.folder)
    assert opened.loading_report.initialised == ()  # type: ignore[union-attr]
    facts = facts_of(trained.folder)
    assert [each["steps"] for each in facts["layers"]] == [3, 3]
    assert facts["run"]["steps"] == 4
    assert facts["teacher"]["name"] == "./ib-bert"
    assert (
        "but for its teacher's embeddings and heads nothing in the model is pretrained" in facts["notes"][0]
    )

    # Each stage changes its layer alone; what lies below and above is the teacher's.
    stages = [load_file(tmp_path / "run" / name / BEST) for name in ("layer-01", "layer-02")]
    teacher = dict(AutoModelForPreTraining.from_pretrained(folder / "ib-bert").named_parameters())
    for name, weight in stages[0].items():
        changed = not torch.equal(weight, stages[1][name])
        assert changed == (".layers.1." in name), name
        if ".layers." not in name:
            assert torch.equal(weight, teacher[name.removeprefix("student.")]), name
    last, words = load_file(tmp_path / "run" / BEST), "encoder.embeddings.word.weight"
    assert not torch.equal(last[f"student.{words}"], teacher[words])


def test_layers_come_nearer_to_the_teachers(folder: Path, tmp_path: Path) -> None:
    quick = {"teacher.steps_per_layer": 15, "settings.learning_rate": 1e-2, "settings.max_steps": 1}
    read = recipe("pre-training", folder / "ib-bert", PROGRESSIVE | quick)
    task, teacher, student = lesson(read, folder, "pre-training")
    take_over(student, teacher)
    way = replace(WAYS["mobilebert"], loss=layer_transfer)
    measured = Distilled(task, teacher.model, teacher.part, way, teacher.pairs, share=1.0)
    batch, pupil = measured.batch(0, range(16)), Pupil(student, nn.ModuleDict())
    before = measured.loss(pupil.eval(), batch).item()
    done = learn(student, task, teacher, read.settings, tmp_path, new=True, device=CPU)
    assert [each.steps for each in done.layers] == [15, 15]
    read_weights(tmp_path / "layer-02" / BEST, pupil)  # before the task's own step
    assert measured.loss(pupil.eval(), batch).item() < 0.7 * before
    assert all(weight.requires_grad for weight in student.parameters()), "as it was"


def test_new_weights_need_the_teachers_embeddings(folder: Path) -> None:
    read = recipe("pre-training", folder / "ib-bert", PROGRESSIVE)
    _, teacher, _ = lesson(read, folder, "pre-training")
    with pytest.raises(InputError, match=r"encoder\.embeddings\.word\.weight is \[303, 16\] in the student"):
        take_over(made(mobilebert(embedding_size=16), "pre-training"), teacher)


@dataclass
class Interrupted:
    """An objective whose process dies at its n-th loss."""

    task: Objective[Any, Any]
    left: int

    def plan(self, epoch: int) -> Sequence[Sequence[int]]:
        return self.task.plan(epoch)

    def batch(self, epoch: int, members: Sequence[int]) -> Any:
        return self.task.batch(epoch, members)

    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        if not torch.is_grad_enabled():  # the teacher's
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
        return self.task.loss(model, batch)

    def validate(self, model: nn.Module) -> dict[str, float]:
        return self.task.validate(model)


def lesson(read: Recipe, folder: Path, task: Task) -> tuple[Objective[Any, Any], Teacher, nn.Module]:
    assert read.local is not None
    assert read.teacher is not None
    part, labels = read.local.under(folder / task), read.model.labels if task == "nli" else None
    train, validation = (
        gather(sources, seed=1, label_names=labels, columns=COLUMNS[task]).rows
        for sources in (part.train, part.validation)
    )
    torch.manual_seed(3)
    # With dropout: the random state must come back as well.
    student = made(bert(hidden=16), task) if task == "nli" else made(mobilebert(), task)
    teacher = open_teacher(read, read.teacher, student, folder / "tokenizer")
    return objective_of(read, train, validation, folder / "tokenizer"), teacher, student


@pytest.mark.parametrize(
    ("task", "teacher", "changes", "dies_at"),
    [
        ("nli", "teacher", {"teacher.method": "tinybert"}, 3),
        ("pre-training", "ib-bert", PROGRESSIVE, 5),
        ("pre-training", "ib-bert", PROGRESSIVE, 8),
    ],
)
def test_an_interrupted_run_ends_with_the_same_weights(
    task: Task, teacher: str, changes: dict[str, object], dies_at: int, folder: Path, tmp_path: Path
) -> None:
    read = recipe(task, folder / teacher, changes)

    def run(name: str, dies_at: int) -> dict[str, Tensor]:
        objective, taught, student = lesson(read, folder, task)
        settings = replace(read.settings, ema=0.5, accumulation=1)
        learn(
            student,
            Interrupted(objective, dies_at),
            taught,
            settings,
            tmp_path / name,
            new=True,
            device=CPU,
            save_seconds=0,
        )
        return student.state_dict()

    whole = run("whole", -1)
    with pytest.raises(KeyboardInterrupt):
        run("killed", dies_at)
    resumed = run("killed", -1)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert (tmp_path / "whole/log.jsonl").read_text() == (tmp_path / "killed/log.jsonl").read_text()
    one, other = (load_file(tmp_path / name / BEST) for name in ("whole", "killed"))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one), "projections, too"
