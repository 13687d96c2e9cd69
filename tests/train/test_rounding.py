"""Rounded weights are those that int8 computes with."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from entailment.graphs.products import rounded_weight
from entailment.train.rounding import round_weights


def linear() -> nn.Linear:
    torch.manual_seed(1)
    return nn.Linear(24, 12)


def test_int8_finds_nothing_left_to_round() -> None:
    layer, before = linear(), linear()
    round_weights(nn.Sequential(layer))
    assert not torch.equal(layer.weight, before.weight)
    assert (layer.weight - before.weight).abs().max() <= before.weight.abs().max() / 127
    # As they are stored, in half precision.
    stored = layer.weight.detach().half().float().numpy()
    numbers, steps = rounded_weight(stored, 8)
    np.testing.assert_allclose(numbers.T * steps[:, None], stored, rtol=1e-3)


def test_biases_and_norms_stay_as_they_are() -> None:
    layer, norm = linear(), nn.LayerNorm(12)
    round_weights(nn.Sequential(layer, norm))
    assert torch.equal(layer.bias, linear().bias)
    assert torch.equal(norm.weight, torch.ones(12))


def test_an_output_without_weights_stays_zero() -> None:
    layer = nn.Linear(4, 2)
    nn.init.zeros_(layer.weight)
    round_weights(layer)
    assert not layer.weight.any()
