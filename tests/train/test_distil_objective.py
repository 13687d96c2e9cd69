"""A task's objective with a teacher: every method, on models of every shape."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.train.distilling import bert, distilbert, ib_bert, made, mobilebert, recipe, saved, write_rows
from torch import nn

from entailment.checkpoint.config import Config
from entailment.models.filling import encoder_of
from entailment.train.distil.methods import (
    OF_EMBEDDINGS,
    OF_STATES,
    checked_pairs,
    projections,
    sizes,
    way_of,
)
from entailment.train.distil.objective import Distilled, Pupil, asked
from entailment.train.distil.watch import watched
from entailment.train.objective import Objective
from entailment.train.parts import TeacherPart
from entailment.train.recipe import Task
from entailment.train.source_rows import Row
from entailment.train.sources import gather
from entailment.train.tasks import COLUMNS, objective_of

Models = tuple[Config, Config]  # of student and teacher

PARTS = {
    "soft-targets": TeacherPart(method="soft-targets", temperature=2.0, share=1),
    "distilbert": TeacherPart(method="distilbert", temperature=2.0, share=1),
    "tinybert": TeacherPart(method="tinybert", share=1),
    "intermediate": TeacherPart(method="tinybert", stage="intermediate", share=1),
    "prediction": TeacherPart(method="tinybert", stage="prediction", share=1),
    "minilm": TeacherPart(method="minilm", share=1),
    "mobilebert": TeacherPart(method="mobilebert", share=1),
}
STUDENTS: dict[str, tuple[Task, Config, Config]] = {
    "soft-targets": ("nli", bert(layers=1, hidden=16), mobilebert()),
    "distilbert": ("masked-language-modeling", distilbert(), bert(layers=4)),
    "tinybert": ("masked-language-modeling", bert(hidden=16), distilbert(layers=4)),
    "intermediate": ("nli", bert(hidden=16), bert(layers=4)),
    "prediction": ("nli", distilbert(layers=3, heads=2), bert(layers=4)),
    "minilm": ("nli", distilbert(layers=1, hidden=16), mobilebert()),
    "mobilebert": ("pre-training", mobilebert(), ib_bert()),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of rows and a tokenizer."""
    return saved(tmp_path_factory.mktemp("distil") / "tokenizer", bert())


def task_objective(task: Task, folder: Path) -> Objective[Any, Any]:
    rows = write_rows(folder / task, task)
    read = recipe(task, None, {})
    found: list[list[Row]] = []
    assert read.local is not None
    for sources in (read.local.under(rows).train, read.local.under(rows).validation):
        labels = read.model.labels if task == "nli" else None
        found.append(list(gather(sources, seed=1, label_names=labels, columns=COLUMNS[task]).rows))
    return objective_of(read, found[0], found[1], folder)


def without_dropout(model: nn.Module) -> nn.Module:
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        if hasattr(module, "probability_dropout"):
            setattr(module, "probability_dropout", 0.0)  # noqa: B010 - no module says that it is a number
    return model


def lessons(
    task: Objective[Any, Any], student: nn.Module, teacher: nn.Module, part: TeacherPart
) -> tuple[Distilled, Pupil]:
    one, other = sizes(student), sizes(teacher)
    pairs = checked_pairs(part, one, other)
    distilled = Distilled(task, teacher, part, way_of(part), pairs, share=part.share)
    return distilled, Pupil(without_dropout(student), projections(part, one, other))


@pytest.mark.parametrize("name", PARTS)
def test_a_student_that_is_its_teacher_has_nothing_to_learn(name: str, folder: Path) -> None:
    task, _, config = STUDENTS[name]
    torch.manual_seed(1)
    teacher = without_dropout(made(config, task))
    objective = task_objective(task, folder)
    distilled, pupil = lessons(objective, copy.deepcopy(teacher), teacher, PARTS[name])
    batch = distilled.batch(0, distilled.plan(0)[0])
    assert distilled.loss(pupil.train(), batch).item() == pytest.approx(0, abs=1e-5)
    with torch.no_grad():
        for weight in pupil.student.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    assert distilled.loss(pupil, batch).item() > 1e-3


@pytest.mark.parametrize("name", PARTS)
def test_a_few_steps_bring_a_student_nearer(name: str, folder: Path) -> None:
    task, one, other = STUDENTS[name]
    torch.manual_seed(2)
    student, teacher = made(one, task), made(other, task)
    distilled, pupil = lessons(task_objective(task, folder), student, teacher, PARTS[name])
    taught = copy.deepcopy(teacher.state_dict())
    batch = distilled.batch(0, distilled.plan(0)[0])
    optimizer = torch.optim.Adam(pupil.parameters(), lr=3e-3)
    losses = []
    for _ in range(15):
        loss = distilled.loss(pupil.train(), batch)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < 0.8 * losses[0], losses
    after = teacher.state_dict()
    assert all(torch.equal(taught[key], after[key]) for key in taught)
    assert all(weight.grad is None for weight in teacher.parameters())


def test_projections_are_learnt_where_widths_differ(folder: Path) -> None:
    task, one, other = STUDENTS["tinybert"]
    part = PARTS["tinybert"]
    student, teacher = made(one, task), made(other, task)
    distilled, pupil = lessons(task_objective(task, folder), student, teacher, part)
    assert set(pupil.projections) == {OF_EMBEDDINGS, OF_STATES}
    distilled.loss(pupil, distilled.batch(0, [0, 1])).backward()
    for projection in pupil.projections.values():
        weight = projection.weight
        assert isinstance(weight, torch.Tensor)
        assert weight.shape == (32, 16)
        assert weight.grad is not None
        assert weight.grad.abs().sum() > 0
    assert not projections(part, sizes(teacher), sizes(teacher))
    assert not projections(PARTS["minilm"], sizes(student), sizes(teacher))


def test_student_and_teacher_read_each_batch_once(folder: Path) -> None:
    student, teacher = made(bert(), "nli"), made(bert(), "nli")
    part = TeacherPart(method="mobilebert", share=0.5)
    distilled, pupil = lessons(task_objective("nli", folder), student, teacher, part)
    runs: list[bool] = []
    for model in (student, teacher):
        model.register_forward_hook(lambda *_: runs.append(torch.is_grad_enabled()))
    distilled.loss(pupil.train(), distilled.batch(0, [0, 1]))
    assert sorted(runs) == [False, True]
    assert student.training
    assert not teacher.training
    left = [module for module in student.modules() if module._forward_hooks or module._forward_pre_hooks]
    assert left == [student], "hooks are gone, but for the one of this test"


def test_the_share_is_the_teachers(folder: Path) -> None:
    task = task_objective("nli", folder)
    student, teacher = without_dropout(made(bert(), "nli")), made(bert(), "nli")
    found = {}
    for share in (0.0, 0.25, 1.0):
        distilled, pupil = lessons(task, student, teacher, TeacherPart(method="soft-targets", share=share))
        batch = distilled.batch(0, [0, 1, 2])
        found[share] = distilled.loss(pupil, batch).item()
    assert found[0.0] == pytest.approx(task.loss(student, batch).item())
    assert found[0.25] == pytest.approx(0.25 * found[1.0] + 0.75 * found[0.0])
    with torch.no_grad():
        assert distilled.validate(pupil) == task.validate(student)


@pytest.mark.parametrize("name", PARTS)
def test_no_loss_depends_on_what_a_text_is_padded_to(name: str, folder: Path) -> None:
    task, one, other = STUDENTS[name]
    student, teacher = made(one, task), made(other, task)
    distilled, pupil = lessons(task_objective(task, folder), student.eval(), teacher, PARTS[name])
    batch: Any = distilled.batch(0, [0])
    wider = copy.copy(batch)
    for field in ("input_ids", "attention_mask", "token_type_ids"):
        object.__setattr__(wider, field, nn.functional.pad(getattr(batch, field), (0, 7)))
    if hasattr(batch, "targets"):
        targets = {
            key: nn.functional.pad(value, (0, 7), value=-100) if value.ndim == 2 else value
            for key, value in batch.targets.items()
        }
        object.__setattr__(wider, "targets", targets)
    pupil.eval()
    expected = distilled.loss(pupil, batch).item()
    assert distilled.loss(pupil, wider).item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("config", [bert(), distilbert(), mobilebert(), ib_bert()])
def test_what_is_seen_is_what_the_model_computes_with(config: Config, folder: Path) -> None:
    model = made(config, "nli")
    ids, mask = torch.randint(5, 90, (2, 6)), torch.tensor([[1] * 6, [1] * 4 + [0] * 2])
    with watched(model, [0, 1], states=True) as seen:
        model(ids, mask)
    expected = model(ids, mask, output_attentions=True, output_hidden_states=True)
    torch.testing.assert_close(seen.output.logits, expected.logits)
    for number, state in enumerate(expected.hidden_states):
        torch.testing.assert_close(seen.state(number), state)
    hidden = mask[:, None, None, :] == 0
    for layer, weights in enumerate(expected.attentions):
        found = seen.scores(layer).masked_fill(hidden, -torch.inf).softmax(-1)
        torch.testing.assert_close(found, weights)
    values = seen.heads[1, "value"]
    attention = encoder_of(model).layers[1].attention  # type: ignore[union-attr,index]
    assert values.shape == (2, attention.num_heads, 6, seen.heads[1, "key"].shape[-1])
    by_hand = values @ values.transpose(-1, -2) / values.shape[-1] ** 0.5
    torch.testing.assert_close(seen.value_scores(1), by_hand)


def test_words_are_taught_where_one_is_asked_for_or_everywhere(folder: Path) -> None:
    objective = task_objective("masked-language-modeling", folder)
    batch = objective.batch(0, [0, 1])
    output = made(bert(), "masked-language-modeling")(batch.input_ids, batch.attention_mask)
    words = int((batch.targets["labels"] != -100).sum())
    assert [len(logits) for logits in asked(output, batch)] == [words]
    assert [len(logits) for logits in asked(output, batch, everywhere=True)] == [batch.tokens]
    both = task_objective("pre-training", folder)
    batch = both.batch(0, [0, 1])
    output = made(bert(), "pre-training")(batch.input_ids, batch.attention_mask)
    assert [logits.shape[-1] for logits in asked(output, batch)] == [bert().vocab_size, 2]


@pytest.mark.parametrize("precision", [torch.bfloat16])
def test_what_is_compared_is_compared_in_float32(precision: torch.dtype, folder: Path) -> None:
    student, teacher = made(bert(), "nli"), made(bert(), "nli")
    distilled, pupil = lessons(task_objective("nli", folder), student, teacher, PARTS["mobilebert"])
    with torch.autocast("cpu", dtype=precision):
        loss = distilled.loss(pupil, distilled.batch(0, [0, 1]))
    assert loss.dtype == torch.float32
