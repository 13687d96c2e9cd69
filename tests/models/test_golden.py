"""Frozen answers of the reference library: the parity check where it is not installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.numpy import save_file
from tests.models.tiny_models import model_class
from tests.models.write_golden import CASES, GOLDEN, IDS, TYPES, weight

CASES_FOUND = json.loads(GOLDEN.read_text())["cases"]


def folder_of(case: dict[str, Any], folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(case["config"]))
    arrays = {name: weight(name, tuple(shape)) for name, shape in case["shapes"].items()}
    save_file(arrays, folder / "model.safetensors")
    return folder


@pytest.mark.parametrize("case", CASES_FOUND, ids=[c["architecture"] + c["task"] for c in CASES_FOUND])
@torch.inference_mode()
def test_answers_are_the_frozen_ones(case: dict[str, Any], tmp_path: Path) -> None:
    model = model_class(case["architecture"], case["task"]).from_pretrained(folder_of(case, tmp_path))
    ids, types = torch.tensor(IDS), torch.tensor(TYPES)
    if case["task"] == "ForMultipleChoice":
        ids, types = ids[None], types[None]
    for padding in (0, 2):
        mask = torch.nn.functional.pad(torch.ones_like(ids), (0, padding))
        padded = torch.nn.functional.pad(ids, (0, padding))
        found = model(padded, mask, torch.nn.functional.pad(types, (0, padding)))
        for name, values in case["answer"].items():
            expected = torch.tensor(values)
            given = found[name]
            if given.shape != expected.shape:
                given = given[:, : ids.shape[-1]]
            torch.testing.assert_close(given, expected, atol=1e-5, rtol=0)
    assert any(abs(v) > 0.1 for v in torch.tensor(case["answer"][name]).flatten().tolist())


def test_every_case_is_frozen() -> None:
    assert [(c["architecture"], c["task"]) for c in CASES_FOUND] == [(a, t) for a, t, _ in CASES]
