"""Groups, layer-wise rates and schedules; the running mean of weights; what settings refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.tiny import tiny_bert, tiny_distilbert, tiny_mobilebert
from torch import nn
from transformers import get_scheduler
from transformers.trainer_pt_utils import get_parameter_names

from entailment.errors import InputError
from entailment.models.load import load_model
from entailment.train.average import Average
from entailment.train.optimizer import adamw, layer_factors, rate_share, warm_steps
from entailment.train.settings import SCHEDULES, Settings

# What the reference Trainer lets go undecayed.
NORMS = [r"bias", r"layernorm", r"rmsnorm", r"(?:^|\.)norm(?:$|\.)", r"_norm(?:$|\.)"]


@pytest.mark.oracle
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.33])
def test_rates_are_those_of_the_reference(schedule: str, warmup: float) -> None:
    settings = Settings(schedule=schedule, warmup=warmup)  # type: ignore[arg-type]
    total = 37
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    reference = get_scheduler(
        "constant_with_warmup" if schedule == "constant" else schedule,
        optimizer,
        num_warmup_steps=warm_steps(settings, total),
        num_training_steps=total,
    )
    for step in range(total):
        assert rate_share(step, total, settings) == pytest.approx(reference.get_last_lr()[0], abs=1e-12)
        optimizer.step()
        reference.step()


@pytest.mark.oracle
@pytest.mark.parametrize("tiny", [tiny_bert, tiny_distilbert, tiny_mobilebert])
def test_what_decays_is_what_the_reference_decays(tiny, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    model = load_model(tiny(tmp_path))
    decaying = set(get_parameter_names(model, [nn.LayerNorm], NORMS))
    groups = adamw(model, Settings(weight_decay=0.06)).param_groups
    names = {id(weight): name for name, weight in model.named_parameters()}
    ours = {names[id(w)] for group in groups if group["weight_decay"] for w in group["params"]}
    assert ours == decaying
    assert sum(len(group["params"]) for group in groups) == len(names)


def test_rates_fall_from_the_head_to_the_embeddings() -> None:
    names = ["encoder.embeddings.word.weight", "layers.0.up.weight", "layers.1.up.weight", "classifier.bias"]
    assert list(layer_factors(names, 0.5).values()) == [0.125, 0.25, 0.5, 1.0]
    assert set(layer_factors(names, 1.0).values()) == {1.0}


@given(st.integers(1, 200), st.floats(0, 1), st.sampled_from(SCHEDULES))
def test_a_rate_is_a_share_and_peaks_once(total: int, warmup: float, schedule: str) -> None:
    settings = Settings(schedule=schedule, warmup=warmup)  # type: ignore[arg-type]
    shares = [rate_share(step, total, settings) for step in range(total)]
    assert all(0 <= share <= 1 for share in shares)
    warm = warm_steps(settings, total)
    assert shares[:warm] == sorted(shares[:warm])
    assert shares[warm:] == sorted(shares[warm:], reverse=True)


def test_the_mean_follows_its_definition() -> None:
    model = nn.Linear(1, 1, bias=False)
    values = [3.0, 1.0, -2.0, 5.0]
    with torch.no_grad():
        model.weight.fill_(values[0])
    average, expected = Average(model, 0.2), values[0]
    for n, value in enumerate(values[1:], start=1):
        with torch.no_grad():
            model.weight.fill_(value)
        average.update(model)
        decay = min(0.2, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * value
    with average.in_place_of_weights(model):
        assert model.weight.item() == pytest.approx(expected)
    assert model.weight.item() == values[-1]

    other = Average(model, 0.2)
    other.load_state_dict(average.state_dict())
    assert other.updates == 3 and other.mean[0].item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("learning_rate", 0.0),
        ("schedule", "square"),
        ("warmup", 1.5),
        ("warmup_steps", -1),
        ("weight_decay", -0.1),
        ("betas", (0.9, 1.0)),
        ("epsilon", 0.0),
        ("layer_decay", 0.0),
        ("clip", -1.0),
        ("epochs", 0),
        ("max_steps", 0),
        ("accumulation", 0),
        ("precision", "float8"),
        ("ema", 1.0),
        ("evaluations", 0),
        ("evaluate_every", 0),
        ("patience", 0),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(InputError, match=rf"^{field} is .*; it must be"):
        Settings(**{field: value})  # type: ignore[arg-type]
