"""Soups of a model of two numbers, which are best at 3 and 5."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from entailment.train.soup import fill_with_mean, greedy_soup


def made(tmp_path: Path, **points: tuple[float, float]) -> tuple[nn.Linear, dict[str, Path]]:
    paths = {name: tmp_path / f"{name}.safetensors" for name in points}
    for name, point in points.items():
        save_file({"weight": torch.tensor([point])}, paths[name])
    return nn.Linear(2, 1, bias=False), paths


def distance(model: nn.Linear) -> dict[str, float]:
    return {"near": -float((model.weight.detach() - torch.tensor([[3.0, 5.0]])).norm())}


def test_the_mean_of_those_that_help(tmp_path: Path) -> None:
    model, paths = made(tmp_path, far=(20.0, 20.0), low=(2.0, 5.0), high=(4.5, 5.0))
    soup = greedy_soup(model, paths, lambda: distance(model))
    assert soup.members == ("low", "high")
    assert model.weight.tolist() == [[3.25, 5.0]]
    assert soup.measures["near"] == pytest.approx(-0.25)
    assert list(soup.alone) == ["far", "low", "high"]


def test_three_count_alike(tmp_path: Path) -> None:
    # Tried in the order b, a, c: the mean of b and a is 2.45, that of all three 3.47.
    model, paths = made(tmp_path, a=(1.0, 5.0), b=(3.9, 5.0), c=(5.5, 5.0))
    soup = greedy_soup(model, paths, lambda: distance(model))
    assert soup.members == ("b", "a", "c")
    assert model.weight[0].tolist() == pytest.approx([10.4 / 3, 5.0])


def test_one_alone_is_itself(tmp_path: Path) -> None:
    model, paths = made(tmp_path, only=(1.0, 1.0))
    assert greedy_soup(model, paths, lambda: distance(model)).members == ("only",)
    assert model.weight.tolist() == [[1.0, 1.0]]


def test_a_mean_of_all(tmp_path: Path) -> None:
    model, paths = made(tmp_path, a=(1.0, 5.0), b=(3.0, 5.0), c=(5.0, 8.0))
    fill_with_mean(model, list(paths.values()))
    assert model.weight.tolist() == [[3.0, 6.0]]
