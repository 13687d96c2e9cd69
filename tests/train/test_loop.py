"""The loop learns, stops, says why it cannot go on, and resumes to the bit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from tests.tiny import tiny_bert
from tests.train.matching import HELD_OUT, SETTINGS, examples, objective, steps_taken, validate
from torch import Tensor, nn

from entailment.errors import CheckpointError, DataFileError, InputError, NonFiniteLogitsError
from entailment.models.load import PairClassifier, load_model
from entailment.train import loop
from entailment.train.batches import collate
from entailment.train.outcome import Outcome
from entailment.train.premises import Premises, Special
from entailment.train.settings import Settings

CPU = torch.device("cpu")


def run(
    model: PairClassifier,
    folder: Path,
    settings: Settings = SETTINGS,
    learnt: Premises | None = None,
    *,
    stop_after: int | None = None,
    trackers: Sequence[str] = (),
) -> Outcome:
    """Train without the meter of energy, which takes a second to start."""
    return loop.train(
        model,
        learnt or objective(),
        settings,
        folder,
        stop_after=stop_after,
        trackers=trackers,
        device=CPU,
        measure_energy=False,
    )


@pytest.fixture(params=["prefix", "full"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> PairClassifier:
    return load_model(tiny_bert(tmp_path / "model", attention=request.param))


@pytest.fixture
def full(tmp_path: Path) -> PairClassifier:
    return load_model(tiny_bert(tmp_path / "model"))


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_learns_to_compare(model: PairClassifier, tmp_path: Path) -> None:
    before = validate(model.eval())["accuracy"]
    settings = replace(SETTINGS, epochs=30, evaluations=6, patience=6)
    outcome = run(model, tmp_path / "run", settings)
    assert outcome.best["accuracy"] > max(0.9, before + 0.2)
    assert validate(model)["accuracy"] == outcome.best["accuracy"], "the model is left with its best weights"
    assert not model.training
    assert json.loads((tmp_path / "run/run.json").read_text()) == asdict(outcome)


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_an_interrupted_run_ends_with_the_same_weights(
    model: PairClassifier, tmp_path: Path, ema: float
) -> None:
    start = weights(model)
    settings = replace(SETTINGS, ema=ema, accumulation=2, epochs=8)

    def ended(folder: str, *stops: int | None) -> dict[str, Tensor]:
        for stop in stops:
            model.load_state_dict(start)
            torch.manual_seed(1234 + (stop or 0))  # whatever state the process is in
            run(model, tmp_path / folder, settings, stop_after=stop)
        return weights(model)

    whole, resumed = ended("whole", None), ended("resumed", 3, 11, None)
    assert equal(whole, resumed)
    assert not equal(whole, start)
    assert (tmp_path / "whole/log.jsonl").read_text() == (tmp_path / "resumed/log.jsonl").read_text()


def test_a_finished_run_is_not_trained_again(full: PairClassifier, tmp_path: Path) -> None:
    first = run(full, tmp_path / "run")
    ended = weights(full)
    torch.nn.init.zeros_(full.classifier.weight)
    again = run(full, tmp_path / "run")
    assert equal(ended, weights(full))
    assert again == first


def test_resuming_with_other_settings_is_refused_by_name(full: PairClassifier, tmp_path: Path) -> None:
    run(full, tmp_path, stop_after=2)
    with pytest.raises(CheckpointError, match=r"other settings \(epsilon, seed\)"):
        run(full, tmp_path, replace(SETTINGS, seed=8, epsilon=1e-6))


def test_stops_when_nothing_improves(full: PairClassifier, tmp_path: Path) -> None:
    flat = Premises(examples, lambda _: {"flat": 0.5}, special=Special(0, 3), tokens_per_batch=240, seed=7)
    outcome = run(full, tmp_path, replace(SETTINGS, evaluations=8, patience=2), flat)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert len(log) == 3 and outcome.best["step"] == log[0]["step"]
    assert outcome.steps == log[-1]["step"] < outcome.total


def test_a_run_is_validated_as_often_as_its_settings_say(full: PairClassifier, tmp_path: Path) -> None:
    outcome = run(full, tmp_path, replace(SETTINGS, max_steps=15, evaluations=8, patience=None))
    assert [each["step"] for each in outcome.evaluations] == [2, 4, 6, 8, 10, 12, 14, 15]


def test_a_loss_is_followed_downwards(full: PairClassifier, tmp_path: Path) -> None:
    losses = iter([0.9, 0.5, 0.7, 0.6])

    def measures(_: PairClassifier) -> dict[str, float]:
        return {"loss": next(losses), "accuracy": 0.5}

    falling = Premises(examples, measures, special=Special(0, 3), tokens_per_batch=240, seed=7)
    outcome = run(full, tmp_path, replace(SETTINGS, follow="loss"), falling)
    assert (outcome.best["loss"], outcome.best["score"]) == (0.5, 0.5)


def test_an_unknown_measure_cannot_be_followed(full: PairClassifier, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"follow 'f1'; the objective measures accuracy, score"):
        run(full, tmp_path, replace(SETTINGS, follow="f1"))


def test_a_damaged_run_or_another_model_is_refused(full: PairClassifier, tmp_path: Path) -> None:
    nothing = Premises(lambda _: [], validate, special=Special(0, 3), tokens_per_batch=240, seed=7)
    with pytest.raises(DataFileError, match="no examples"):
        run(full, tmp_path / "empty", learnt=nothing)

    damaged = tmp_path / "damaged"
    run(full, damaged, stop_after=1)
    assert steps_taken(damaged) == 1
    whole = (damaged / "state.pt").read_bytes()
    for size in (0, 100, len(whole) // 2):
        (damaged / "state.pt").write_bytes(whole[:size])
        with pytest.raises(CheckpointError, match="damaged"):
            run(full, damaged)

    (damaged / "state.pt").write_bytes(whole)
    other = load_model(tiny_bert(tmp_path / "other", layers=3))
    with pytest.raises(CheckpointError, match="another model"):
        run(other, damaged)


def test_a_loss_that_is_nan_stops_with_its_batch_saved(full: PairClassifier, tmp_path: Path) -> None:
    run(full, tmp_path, stop_after=5)
    with torch.no_grad():  # The state on disk is whole; what it is restored into breaks as it computes.
        broken = full.get_submodule("encoder.embeddings.word")
        broken.register_forward_hook(lambda module, given, made: made * float("nan"))
    learnt = objective()
    with pytest.raises(
        NonFiniteLogitsError, match=r"the loss is nan at step 6: its batch is in .*failed-batch"
    ):
        run(full, tmp_path, learnt=learnt)
    assert steps_taken(tmp_path) == 5, "nothing broken is written"

    members = learnt.plan(1)[1]
    expected = learnt.batch(1, members)
    with safe_open(tmp_path / "failed-batch.safetensors", "pt") as file:
        assert file.metadata() == {"step": "6", "epoch": "1", "members": json.dumps({"0": members})}
    saved = load_file(tmp_path / "failed-batch.safetensors")
    assert torch.equal(saved["0.premise_ids"], expected.premise_ids)
    assert torch.equal(saved["0.targets"], expected.targets)


def test_a_gradient_that_is_infinite_stops_too(full: PairClassifier, tmp_path: Path) -> None:
    # The loss is finite: sqrt(0) is 0, and its slope is infinite.
    class Steep(Premises):
        def loss(self, model: PairClassifier, batch):  # type: ignore[no-untyped-def]
            return super().loss(model, batch) + (model.classifier.bias * 0).sum().sqrt()

    steep = Steep(examples, validate, special=Special(0, 3), tokens_per_batch=240, seed=7)
    with pytest.raises(NonFiniteLogitsError, match=r"the gradient's norm is (nan|inf) at step 1"):
        run(full, tmp_path, learnt=steep)
    assert (tmp_path / "failed-batch.safetensors").exists()


def test_accumulated_batches_make_one_step_of_their_mean(tmp_path: Path) -> None:
    """Four batches of one row each, in one step, do what one batch of the four does."""

    @dataclass(frozen=True)
    class Rows:
        x: Tensor
        y: Tensor
        tokens: int

        def to(self, device: torch.device) -> Rows:
            return Rows(self.x.to(device), self.y.to(device), self.tokens)

    @dataclass(frozen=True)
    class Line:
        per_batch: int

        def plan(self, epoch: int) -> list[list[int]]:
            return [list(range(i, i + self.per_batch)) for i in range(0, 8, self.per_batch)]

        def batch(self, epoch: int, members: Sequence[int]) -> Rows:
            x = torch.tensor([[float(i), 1.0] for i in members])
            return Rows(x, x @ torch.tensor([0.5, -1.0]), len(members))

        def loss(self, model: nn.Linear, batch: Rows) -> Tensor:
            return ((model(batch.x)[:, 0] - batch.y) ** 2).mean()

        def validate(self, model: nn.Linear) -> dict[str, float]:
            whole = self.batch(0, range(8))
            return {"loss": float(self.loss(model, whole))}

    ended = []
    for per_batch, accumulation in ((4, 1), (1, 4)):
        torch.manual_seed(0)
        model = nn.Linear(2, 1)
        settings = Settings(learning_rate=0.05, epochs=6, accumulation=accumulation, follow="loss", clip=0)
        outcome = loop.train(
            model, Line(per_batch), settings, tmp_path / str(per_batch), device=CPU, measure_energy=False
        )
        assert (outcome.steps, outcome.tokens) == (12, 48)
        ended.append(weights(model))
    torch.testing.assert_close(ended[0], ended[1])


def test_max_steps_overrides_epochs(full: PairClassifier, tmp_path: Path) -> None:
    assert run(full, tmp_path, replace(SETTINGS, max_steps=3, evaluations=1)).steps == 3


def test_float16_without_a_gpu_is_refused(full: PairClassifier, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs a GPU"):
        run(full, tmp_path, replace(SETTINGS, precision="float16"))


def test_bfloat16_learns_and_keeps_weights_in_float32(full: PairClassifier, tmp_path: Path) -> None:
    run(full, tmp_path, replace(SETTINGS, precision="bfloat16"))
    assert {weight.dtype for weight in full.parameters()} == {torch.float32}


def test_layers_are_trained_at_rates_of_their_own(full: PairClassifier, tmp_path: Path) -> None:
    start = weights(full)
    settings = replace(SETTINGS, layer_decay=0.1, max_steps=2, warmup=0.0, evaluations=1, weight_decay=0.0)
    run(full, tmp_path, settings)
    moved = {name: float((tensor - start[name]).abs().max()) for name, tensor in weights(full).items()}
    head, top = moved["classifier.weight"], moved["encoder.layers.1.feed_forward.down.weight"]
    embeddings = moved["encoder.embeddings.word.weight"]
    # AdamW's first steps are about as large as the rate, whatever the gradient.
    assert top / head == pytest.approx(0.1, rel=0.1)
    assert embeddings / head == pytest.approx(0.001, rel=0.1)


def test_tokens_are_those_that_are_read() -> None:
    batch = collate(examples(0, 5), pad_id=0, sep_id=3)
    assert batch.tokens == 5 * 3 + 10 * 2
    assert HELD_OUT.tokens == 120 * 7
