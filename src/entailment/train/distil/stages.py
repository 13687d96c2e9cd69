"""A run with a teacher: MobileBERT's layers one after the other where that is asked for, then the task.

Progressive knowledge transfer (Sun et al. 2020, arXiv:2004.02984, sec. 3.6): a student with new weights
begins with its teacher's embeddings and heads, which are not transferred. Then every layer in turn, from the
bottom up, learns its feature map and its attention while all others are frozen (the paper may also let those
below learn on, slowly); and last of all the whole student learns its task, with soft targets.

    out/run/layer-01/ ...   a run a layer, each resumed as any other
    out/run/                the task's
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from entailment.errors import InputError
from entailment.train.distil.methods import WAYS, Way, layer_transfer, projections, sizes, way_of
from entailment.train.distil.objective import Distilled, Pupil
from entailment.train.distil.teacher import Teacher
from entailment.train.loop import train
from entailment.train.objective import Objective
from entailment.train.outcome import Outcome
from entailment.train.settings import Settings

_LAYER_TRANSFER = Way(layer_transfer, states=True)


@dataclass(frozen=True)
class Taught:
    """The facts of a run with a teacher: of each layer's stage, and of the task's."""

    layers: tuple[Outcome, ...]
    outcome: Outcome


def learn(
    student: nn.Module,
    task: Objective[Any, Any],
    teacher: Teacher,
    settings: Settings,
    folder: Path,
    *,
    new: bool,
    **options: Any,
) -> Taught:
    """Train a student in place.

    Args:
        student: left, in evaluation mode, with the weights that validated best.
        task: the objective without the teacher.
        teacher: fits the student.
        settings: of the task's steps; a layer's are the same, but for how many there are.
        folder: where the run lives.
        new: whether all weights of the student are; with `progressive` it then begins with its teacher's
            embeddings and heads.
        **options: of `loop.train`.

    Raises:
        InputError: the embeddings are to be taken over, and have other shapes; and as `loop.train`.
    """
    part, way = teacher.part, way_of(teacher.part)
    torch.manual_seed(settings.seed)
    pupil = Pupil(student, projections(part, sizes(student), sizes(teacher.model)))
    layers: tuple[Outcome, ...] = ()
    pairs = teacher.pairs
    if part.progressive:
        if new:
            take_over(student, teacher)
        layers = tuple(_layers(pupil, task, teacher, settings, folder, options))
        way, pairs = WAYS["soft-targets"], ()
    objective = Distilled(task, teacher.model, part, way, pairs, share=part.share)
    return Taught(layers, train(pupil, objective, settings, folder, **options))


@torch.no_grad()
def take_over(student: nn.Module, teacher: Teacher) -> None:
    """Give a new student what lies below and above its teacher's layers, wherever the shapes are equal.

    Raises:
        InputError: those of the embeddings are not.
    """
    theirs = dict(teacher.model.named_parameters())
    for name, weight in student.named_parameters():
        if ".layers." in name:
            continue
        found = theirs.get(name)
        if found is not None and found.shape == weight.shape:
            weight.copy_(found)
        elif ".embeddings." in name:
            shape = "none" if found is None else list(found.shape)
            raise InputError(
                f"progressive transfer to new weights begins with the teacher's embeddings, and {name} is "
                f"{list(weight.shape)} in the student, {shape} in the teacher {teacher.name}: give both the "
                "same sizes, or start from a pretrained student"
            )


def _layers(
    pupil: Pupil,
    task: Objective[Any, Any],
    teacher: Teacher,
    settings: Settings,
    folder: Path,
    options: dict[str, Any],
) -> Iterator[Outcome]:
    """Train each layer in turn, with the last weights kept; batches go on from layer to layer."""
    steps = replace(
        settings,
        max_steps=teacher.part.steps_per_layer,
        evaluations=1,
        evaluate_every=None,
        patience=None,
    )
    for pair in teacher.pairs:
        layer, _ = pair
        objective = Distilled(
            task, teacher.model, teacher.part, _LAYER_TRANSFER, [pair], share=1.0, first_epoch=layer
        )
        with only_layer(pupil, layer):
            yield train(pupil, objective, steps, folder / f"layer-{layer + 1:02}", **options)


@contextmanager
def only_layer(model: nn.Module, layer: int) -> Iterator[None]:
    """Inside, all weights but those of one encoder layer, counted from 0, are frozen."""
    frozen = [weight for name, weight in model.named_parameters() if f".layers.{layer}." not in name]
    frozen = [weight for weight in frozen if weight.requires_grad]
    for weight in frozen:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in frozen:
            weight.requires_grad_(True)
