"""The methods of distillation, each as its paper has it: what is compared, and how it adds up.

soft-targets  Hinton et al. 2015, arXiv:1503.02531, sec. 2: the teacher's classes, softened.
distilbert    Sanh et al. 2019, arXiv:1910.01108, sec. 3: soft targets and the cosine of the last states. The
              paper gives no weights; the authors' training command counts the cosine a fifth. Words are
              taught at every token, as that command does, and by the other methods where one is asked for.
tinybert      Jiao et al. 2020, arXiv:1909.10351, sec. 3: embeddings, states and attention scores of every
              layer, with the teacher's layer m N / M for layer m of M, then soft targets.
minilm        Wang et al. 2020, arXiv:2002.10957, sec. 3: attention and value relations of the last layer.
mobilebert    Sun et al. 2020, arXiv:2004.02984, sec. 3.5: feature maps and attention of every layer, here
              averaged over layers as in the authors' code, and soft targets. Their knowledge transfer is
              "auxiliary" (sec. 3.6) where all is learnt at once, and progressive in `stages`.
              Where a next sentence is asked for, it has soft targets as words have; in the paper its labels
              alone count.

Beside this stands the task's own loss: `share` of the whole is the teacher's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import Any, cast

import torch
from torch import Tensor, nn

from entailment.checkpoint.config import DistilBertConfig
from entailment.errors import InputError
from entailment.models.attention import head_counts
from entailment.models.filling import config_of, encoder_of
from entailment.train.distil.losses import (
    cosine_loss,
    feature_map_loss,
    relation_loss,
    score_loss,
    soft_target_loss,
    state_loss,
)
from entailment.train.distil.watch import Seen
from entailment.train.parts import Method, TeacherPart

Pairs = Sequence[tuple[int, int]]
"""Layers of student and teacher that are compared, counted from 0."""

OF_EMBEDDINGS, OF_STATES = "of_embeddings", "of_states"
"""TinyBERT's projections, W_e and W_h."""


@dataclass(frozen=True)
class Lesson:
    """One batch as student and teacher read it.

    Attributes:
        part: the recipe's section.
        pairs: the layers that are compared.
        student: what was seen of it.
        teacher: likewise.
        logits: of student and teacher, [N, K] each, for every head of the task.
        mask: [B, T], True for tokens; empty with prefix attention, which soft targets alone are for.
        projections: from the student's width to the teacher's; empty where they are equal.
    """

    part: TeacherPart
    pairs: Pairs
    student: Seen
    teacher: Seen
    logits: Sequence[tuple[Tensor, Tensor]]
    mask: Tensor
    projections: nn.ModuleDict


@dataclass(frozen=True)
class Way:
    """A method.

    Attributes:
        loss: of a batch, the teacher's part alone.
        pairs: numbers of layers of student and teacher -> which are compared; refuses those that cannot be.
        states: whether hidden states are compared.
        everywhere: whether words are taught at every token.
        same_width: whether states must be as wide as the teacher's.
    """

    loss: Callable[[Lesson], Tensor]
    pairs: Callable[[int, int], Pairs] = lambda student, teacher: ()
    states: bool = False
    everywhere: bool = False
    same_width: bool = False


@dataclass(frozen=True)
class Sizes:
    """Layers, the width between them, and the attention heads of each."""

    layers: int
    width: int
    heads: tuple[int, ...]


def sizes(model: nn.Module) -> Sizes:
    """The sizes of a model of this package."""
    config, layers = config_of(model), cast(Any, encoder_of(model)).layers
    width = config.dim if isinstance(config, DistilBertConfig) else config.hidden_size
    return Sizes(len(layers), width, tuple(head_counts(layers)))


def way_of(part: TeacherPart) -> Way:
    """The method of a recipe; what TinyBERT learns last is soft targets alone."""
    return WAYS["soft-targets" if part.stage == "prediction" else part.method]


def checked_pairs(part: TeacherPart, student: Sizes, teacher: Sizes) -> Pairs:
    """The layers that a method compares.

    Raises:
        InputError: widths, layers or heads that it cannot bridge.
    """
    way, method = way_of(part), part.method
    if way.same_width and student.width != teacher.width:
        raise InputError(
            f"method {method} compares states of one width, and the student's are {student.width} wide, the "
            f"teacher's {teacher.width}: methods that bridge it are tinybert, minilm and soft-targets"
        )
    pairs = way.pairs(student.layers, teacher.layers)
    for one, other in pairs:
        if student.heads[one] != teacher.heads[other]:
            raise InputError(
                f"method {method} compares head with head, and layer {one + 1} of the student has "
                f"{student.heads[one]}, layer {other + 1} of the teacher {teacher.heads[other]}"
            )
    return pairs


def projections(part: TeacherPart, student: Sizes, teacher: Sizes) -> nn.ModuleDict:
    """What a method learns besides the student, and nobody keeps: new weights."""
    if way_of(part) is not WAYS["tinybert"] or student.width == teacher.width:
        return nn.ModuleDict()
    return nn.ModuleDict(
        {name: nn.Linear(student.width, teacher.width, bias=False) for name in (OF_EMBEDDINGS, OF_STATES)}
    )


def soft_targets(lesson: Lesson) -> Tensor:
    """Of every head of the task, added up."""
    losses = [soft_target_loss(*each, lesson.part.temperature) for each in lesson.logits]
    return torch.stack(losses).sum()


def distilbert(lesson: Lesson) -> Tensor:
    """Soft targets, and the last states where they are equally wide."""
    student, teacher = lesson.student.state(-1), lesson.teacher.state(-1)
    loss = soft_targets(lesson)
    if student.shape != teacher.shape:
        return loss
    return loss + 0.2 * cosine_loss(student, teacher, lesson.mask)


def tinybert(lesson: Lesson) -> Tensor:
    """Embeddings, states and attention; then, or at once, soft targets."""
    losses = [_projected_loss(lesson, OF_EMBEDDINGS, 0, 0)]
    for one, other in lesson.pairs:
        losses.append(_projected_loss(lesson, OF_STATES, one + 1, other + 1))
        losses.append(score_loss(lesson.student.scores(one), lesson.teacher.scores(other), lesson.mask))
    if lesson.part.stage != "intermediate":
        losses.append(soft_targets(lesson))
    return torch.stack(losses).sum()


def _projected_loss(lesson: Lesson, name: str, one: int, other: int) -> Tensor:
    state = lesson.student.state(one)
    if name in lesson.projections:
        state = lesson.projections[name](state)
    return state_loss(state, lesson.teacher.state(other), lesson.mask)


def minilm(lesson: Lesson) -> Tensor:
    """Attention and value relations of the last layer."""
    student, teacher = lesson.student, lesson.teacher
    ((one, other),) = lesson.pairs
    attention = relation_loss(student.scores(one), teacher.scores(other), lesson.mask)
    return attention + relation_loss(student.value_scores(one), teacher.value_scores(other), lesson.mask)


def layer_transfer(lesson: Lesson) -> Tensor:
    """Feature maps and attention of the layers that are compared, averaged over them."""

    def of_layer(one: int, other: int) -> Tensor:
        student, teacher, mask = lesson.student, lesson.teacher, lesson.mask
        maps = feature_map_loss(student.state(one + 1), teacher.state(other + 1), mask)
        return maps + relation_loss(student.scores(one), teacher.scores(other), mask)

    return torch.stack(list(starmap(of_layer, lesson.pairs))).mean()


def mobilebert(lesson: Lesson) -> Tensor:
    """Knowledge transfer of all layers at once, and soft targets."""
    return layer_transfer(lesson) + soft_targets(lesson)


def _uniform(student: int, teacher: int) -> Pairs:
    if teacher % student:
        raise InputError(
            f"method tinybert takes every N-th layer of the teacher, and {teacher} layers are no multiple of "
            f"the student's {student}"
        )
    step = teacher // student
    return [(layer, (layer + 1) * step - 1) for layer in range(student)]


def _each(student: int, teacher: int) -> Pairs:
    if student != teacher:
        raise InputError(
            f"method mobilebert compares layer with layer: the student has {student}, the teacher {teacher}"
        )
    return [(layer, layer) for layer in range(student)]


WAYS: Mapping[Method, Way] = {
    "soft-targets": Way(soft_targets),
    "distilbert": Way(distilbert, states=True, everywhere=True),
    "tinybert": Way(tinybert, _uniform, states=True),
    "minilm": Way(minilm, lambda student, teacher: [(student - 1, teacher - 1)]),
    "mobilebert": Way(mobilebert, _each, states=True, same_width=True),
}
