"""A worker: what it leaves alone, and the batches it makes."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from tests.scale.conftest import TASK, OpenModel, stamps

from entailment.runtime.engine import TOKENS_PER_BATCH, TOKENS_PER_STREAM, OnnxEngine
from entailment.scale.folder import JobFolder
from entailment.scale.inputs import Part
from entailment.scale.worker import Setup, Worker, steady


@pytest.fixture
def worker(tmp_path: Path, opened: OpenModel) -> Worker:
    folder = JobFolder(tmp_path / "job")
    (folder.path / "parts").mkdir(parents=True)
    layout = TASK.layout((), {})
    return Worker(Setup(TASK, opened, layout, partial(folder.part, format="jsonl"), strict=False))


def test_a_part_that_is_there_is_not_computed_again(worker: Worker, tmp_path: Path) -> None:
    told: list[int] = []
    part = Part(7, 61, [{"text": "rain"}] * 300)
    worker.finish(part, told.append)
    assert told == [256, 44]
    before = stamps(tmp_path / "job")
    worker.finish(part, told.append)
    assert told == [256, 44]
    assert stamps(tmp_path / "job") == before


def test_batches_do_not_depend_on_the_threads(opened: OpenModel) -> None:
    model = opened()
    ours = steady(model).engine
    assert isinstance(ours, OnnxEngine)
    assert isinstance(model.engine, OnnxEngine)
    assert ours.tokens_per_batch == TOKENS_PER_STREAM  # as of a thread that computes beside others
    assert model.engine.tokens_per_batch == TOKENS_PER_BATCH  # somebody else may use it
