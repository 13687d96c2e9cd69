"""Steps: in float16 a gradient that overflows moves nothing and halves the scale; and which are validated."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.tiny import tiny_bert
from tests.train.matching import objective
from torch import Tensor

from entailment.models.load import load_model
from entailment.train.optimizer import adamw
from entailment.train.parallel import join
from entailment.train.settings import Settings
from entailment.train.state import Learner
from entailment.train.step import finish_step, take_step, tensors_of, validates_after

FLOAT16 = Settings(precision="float16", learning_rate=1e-3)


@given(st.integers(1, 200), st.integers(1, 50))
def test_there_are_as_many_evaluations_as_asked_for(total: int, wanted: int) -> None:
    steps = [n for n in range(1, total + 1) if validates_after(n, total, Settings(evaluations=wanted))]
    assert len(steps) == min(total, wanted)
    assert steps[-1] == total
    gaps = {after - before for before, after in pairwise([0, *steps])}
    assert max(gaps) - min(gaps) <= 1, "evenly spread"


def test_evaluations_every_so_many_steps_and_at_the_end() -> None:
    settings = Settings(evaluate_every=3, evaluations=1)
    assert [step for step in range(1, 9) if validates_after(step, 8, settings)] == [3, 6, 8]


def test_an_overflow_is_no_failure(tmp_path: Path) -> None:
    processes = join([], tmp_path, device=torch.device("cpu"))
    model = load_model(tiny_bert(tmp_path / "model"))
    # A real scaler on a CPU, which the loop itself refuses as too slow, with a scale nothing survives.
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**60)
    learner = Learner(model, adamw(model, FLOAT16), scaler, None)
    learnt = objective()
    batch = learnt.batch(0, learnt.plan(0)[0])
    start = model.classifier.weight.detach().clone()
    moved, scales = [], [scaler.get_scale()]
    for _ in range(60):
        pending = take_step(model, learnt, learner, FLOAT16, processes, [batch], rate=1e-3)
        taken = finish_step(pending, batch.tokens, FLOAT16, processes)
        assert taken is not None, "an overflow was taken for a failure"
        if not taken.moved:
            assert torch.equal(model.classifier.weight, start)
        moved.append(taken.moved)
        scales.append(scaler.get_scale())
        if taken.moved:
            break
    assert moved[0] is False and moved[-1] is True
    assert scales[1] == scales[0] / 2
    assert not torch.equal(model.classifier.weight, start)

    # The same gradient in float32 has nothing to be blamed on but the run.
    float32 = Settings()
    pending = take_step(model, learnt, learner, FLOAT16, processes, [batch], rate=1e-3)
    broken = type(pending)(pending.losses, torch.tensor(float("inf")))
    assert finish_step(broken, batch.tokens, float32, processes) is None


def test_tensors_of_a_batch_are_found_in_fields_and_mappings() -> None:
    @dataclass(frozen=True)
    class Mixed:
        inputs: dict[str, Tensor]
        labels: Tensor
        tokens: int = 3

        def to(self, device: torch.device) -> Mixed:
            return self

    shared = torch.arange(3)
    found = tensors_of(Mixed({"input_ids": shared}, shared))
    assert {name: value.tolist() for name, value in found.items()} == {
        "inputs.input_ids": [0, 1, 2],
        "labels": [0, 1, 2],
    }
