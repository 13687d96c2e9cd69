"""The losses of distillation against their formulas, written out in NumPy row by row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from entailment.train.distil.losses import (
    cosine_loss,
    feature_map_loss,
    relation_loss,
    score_loss,
    soft_target_loss,
    state_loss,
)

LENGTHS = (5, 2, 1)
B, T, H, A = len(LENGTHS), max(LENGTHS), 6, 2
MASK = torch.arange(T) < torch.tensor(LENGTHS)[:, None]

Array = NDArray[np.float64]


def softmax(x: Array) -> Array:
    powers = np.exp(x - x.max())
    found: Array = powers / powers.sum()
    return found


def divergence(p: Array, q: Array) -> float:
    return float((p * np.log(p / q)).sum())


def drawn(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


STATES = drawn(B, T, H, seed=1), drawn(B, T, H, seed=2) * 2 + 1
SCORES = drawn(B, A, T, T, seed=3), drawn(B, A, T, T, seed=4) * 3


def real_states() -> list[tuple[Array, Array]]:
    """Student's and teacher's state of each real token."""
    one, other = (states.double().numpy() for states in STATES)
    return [(one[b, t], other[b, t]) for b, length in enumerate(LENGTHS) for t in range(length)]


def real_scores() -> list[tuple[Array, Array]]:
    """Student's and teacher's scores of each head and real token, of real tokens."""
    one, other = (scores.double().numpy() for scores in SCORES)
    return [
        (one[b, a, t, :length], other[b, a, t, :length])
        for b, length in enumerate(LENGTHS)
        for a in range(A)
        for t in range(length)
    ]


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_soft_targets(temperature: float) -> None:
    student, teacher = drawn(4, 3, seed=5), drawn(4, 3, seed=6)
    rows = zip(student.double().numpy(), teacher.double().numpy(), strict=True)
    losses = [divergence(softmax(t / temperature), softmax(s / temperature)) for s, t in rows]
    expected = temperature**2 * np.mean(losses)
    assert float(soft_target_loss(student, teacher, temperature)) == pytest.approx(expected, rel=1e-5)


def test_the_temperature_leaves_gradients_their_size() -> None:
    """Hinton et al. 2015: for high temperatures the gradient is that of half the squared difference."""
    student, teacher = drawn(4, 3, seed=5).requires_grad_(), drawn(4, 3, seed=6)
    sizes = []
    for temperature in (50.0, 500.0):
        (gradient,) = torch.autograd.grad(soft_target_loss(student, teacher, temperature), student)
        sizes.append(float(gradient.norm()))
    assert sizes[0] == pytest.approx(sizes[1], rel=0.05)


def test_cosine() -> None:
    cosines = [s @ t / np.sqrt((s @ s) * (t @ t)) for s, t in real_states()]
    assert float(cosine_loss(*STATES, MASK)) == pytest.approx(1 - np.mean(cosines), rel=1e-5)


def test_states() -> None:
    expected = np.mean([((s - t) ** 2).mean() for s, t in real_states()])
    assert float(state_loss(*STATES, MASK)) == pytest.approx(expected, rel=1e-5)


def test_scores() -> None:
    expected = np.mean(np.concatenate([(s - t) ** 2 for s, t in real_scores()]))
    assert float(score_loss(*SCORES, MASK)) == pytest.approx(expected, rel=1e-5)


def test_relations() -> None:
    expected = np.mean([divergence(softmax(t), softmax(s)) for s, t in real_scores()])
    assert float(relation_loss(*SCORES, MASK)) == pytest.approx(expected, rel=1e-5)


def test_feature_maps() -> None:
    def normalised(x: Array) -> Array:
        found: Array = (x - x.mean()) / np.sqrt(x.var() + 1e-5)
        return found

    pairs = real_states()
    shape = np.mean([((normalised(s) - normalised(t)) ** 2).mean() for s, t in pairs])
    mean = np.mean([(s.mean() - t.mean()) ** 2 for s, t in pairs])
    variance = np.mean([abs(s.var() - t.var()) for s, t in pairs])
    expected = 100 * shape + 5000 * mean + 5 * variance
    assert float(feature_map_loss(*STATES, MASK)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss", [cosine_loss, state_loss, feature_map_loss, score_loss, relation_loss])
def test_padding_counts_in_none_and_equals_are_at_zero(
    loss: Callable[[Tensor, Tensor, Tensor], Tensor],
) -> None:
    attention = loss in (score_loss, relation_loss)
    student, teacher = (each.clone() for each in (SCORES if attention else STATES))
    before = loss(student, teacher, MASK)
    if attention:
        student[~MASK[:, None, :].expand(B, A, T)] = 1e4  # what padding asks
        student.transpose(2, 3)[~MASK[:, None, :].expand(B, A, T)] = -1e4  # what is asked of padding
    else:
        student[~MASK] = 1e4
    assert torch.equal(loss(student, teacher, MASK), before)
    assert float(loss(teacher, teacher, MASK)) == pytest.approx(0, abs=1e-6)
    assert float(loss(teacher.roll(1, -1), teacher, MASK)) > 1e-3


def test_gradients_of_attention_are_finite_where_there_is_padding() -> None:
    student = SCORES[0].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(relation_loss(student, SCORES[1], MASK), student)
    assert gradient.isfinite().all()
    assert not gradient[1, :, 2:].any(), "rows of padding"
