"""The loop: model, objective and settings in, a trained model and the facts of its training out.

A run lives in a folder: `state.pt` (everything a step changes, written whole or not at all), `log.jsonl` (one
line an evaluation), `best.safetensors` (the weights that validated best) and, once it is over, `run.json`.
Started again on the same folder it goes on from `state.pt` and ends with the very weights an uninterrupted
run ends with, on the same machine: an objective's batches are a pure function of the epoch, and the random
states are restored.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Generic

import torch

from entailment.checkpoint.json_files import write_json
from entailment.errors import InputError, NonFiniteLogitsError
from entailment.train import energy, state
from entailment.train.average import Average
from entailment.train.finite import require_finite_measures, require_finite_weights
from entailment.train.objective import B, Objective
from entailment.train.optimizer import adamw
from entailment.train.outcome import Outcome, hardware, versions
from entailment.train.parallel import Processes, end_trackers, join, start_trackers
from entailment.train.progress import Bar, shown
from entailment.train.settings import Settings
from entailment.train.state import BEST, Learner, Position
from entailment.train.step import (
    MOST_OVERFLOWS,
    M,
    Order,
    Taken,
    finish_step,
    precision,
    rate_of,
    report_failure,
    take_step,
    validates_after,
)

RUN = "run.json"

TRACK_EVERY = 10
"""Steps between two entries of the trackers."""

_LESS_IS_BETTER = re.compile(r"(^|_)(loss|perplexity)$")


def train(
    model: M,
    objective: Objective[M, B],
    settings: Settings,
    folder: Path,
    *,
    save_seconds: float = 120.0,
    stop_after: int | None = None,
    trackers: Sequence[str] = (),
    device: torch.device | None = None,
    measure_energy: bool = True,
) -> Outcome:
    """Train `model` in place and leave it, in evaluation mode, with the weights that validated best.

    Started by `accelerate launch` with several processes, each learns from batches of its own and one step is
    taken on the mean of their gradients: N processes do what one does with N times the accumulation. The last
    step of an epoch is filled up with the epoch's first batches.

    Args:
        model: moved to the device it is trained on.
        objective: what is learnt.
        settings: the recipe.
        folder: where the run lives; a folder with a `state.pt` is resumed.
        save_seconds: how often the state is written, besides at every evaluation.
        stop_after: end the call, resumable, after this many steps of the whole run; the model is then left
            with the weights it has.
        trackers: names of accelerate's trackers ("tensorboard", ...), which write under `folder`.
        device: what a single process computes on; by default a GPU where there is one.
        measure_energy: with codecarbon, where it is installed.

    Returns:
        The facts of the run, which `run.json` holds as well.

    Raises:
        CheckpointError: the folder holds a damaged run, one that diverged, or one of another model or other
            settings.
        DataFileError: there are no examples.
        InputError: float16 without a GPU, an unknown tracker, or a measure to follow that is not there.
        MissingExtraError: accelerate or a tracker is not installed.
        NonFiniteLogitsError: the loss became NaN or infinite, and the batch is in `failed-batch.safetensors`;
            or a weight or a measure did. What was saved before stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    processes = join(trackers, folder, device=device)
    if settings.precision == "float16" and processes.device.type == "cpu":
        raise InputError('precision "float16" needs a GPU; on a CPU use "bfloat16" or "float32"')
    model.to(processes.device)
    processes.share_weights(model)
    torch.manual_seed(settings.seed + processes.rank)
    learner = Learner(
        model,
        adamw(model, settings),
        torch.amp.GradScaler(processes.device.type, enabled=settings.precision == "float16"),
        Average(model, settings.ema) if settings.ema else None,
    )
    position = state.resume(folder, settings, learner, processes)
    order = Order(objective, settings, processes)
    meter = energy.Meter(position.energy)
    run = _Run(model, objective, settings, learner, processes, order, position, folder, meter)
    start_trackers(processes, asdict(settings))
    with meter.running(wanted=measure_energy and processes.main and not run.over()):
        run.advance(stop_after=stop_after, save_seconds=save_seconds)
    run.save()
    end_trackers(processes)
    outcome = Outcome(
        steps=position.step,
        total=order.total,
        best=position.best,
        seconds=position.seconds,
        tokens=position.tokens,
        evaluations=position.evaluations,
        energy=position.energy,
        hardware=hardware(processes.device, processes.count),
        versions=versions(),
    )
    if run.over():
        if processes.main:
            write_json(folder / RUN, asdict(outcome))
        processes.wait()
        state.read_weights(folder / BEST, model)
        model.eval()
    return outcome


@dataclass(frozen=True)
class _Run(Generic[M, B]):
    """The parts of a run in one process; only `learner`, `position` and `meter` change."""

    model: M
    objective: Objective[M, B]
    settings: Settings
    learner: Learner
    processes: Processes
    order: Order[M, B]
    position: Position
    folder: Path
    meter: energy.Meter

    def over(self) -> bool:
        """Whether all steps are taken, or nothing has improved for too long."""
        patience = self.settings.patience
        finished = self.position.step >= self.order.total
        return finished or (patience is not None and self.position.stale >= patience)

    def save(self) -> None:
        """Write where the run is, unless nothing could go on from there."""
        require_finite_weights(self.model, self.position.step, self.folder)
        self.position.energy = self.meter.so_far()  # A run that is killed keeps what it used up to here.
        state.save(self.folder, self.settings, self.learner, self.position, self.processes)

    def advance(self, *, stop_after: int | None, save_seconds: float) -> None:
        """Take steps until the run is over or `stop_after` is reached."""
        position, total = self.position, self.order.total
        saved = time.monotonic()
        batches = self.order.batches(position.step)
        with shown(total, position.step, visible=self.processes.main) as bar:
            while not self.over() and (stop_after is None or position.step < stop_after):
                began = time.monotonic()
                rate = rate_of(position.step, total, self.settings)
                taken, batches = self.step(batches, rate)
                seconds = time.monotonic() - began
                self.show(bar, taken, rate, seconds)
                evaluated = validates_after(position.step, total, self.settings)
                if evaluated:
                    measures = self.evaluate(rate)
                    bar.evaluated(position.step, total, measures)
                position.seconds += time.monotonic() - began
                due = time.monotonic() - saved > save_seconds
                # One clock decides for all: every process takes part in a save.
                if evaluated or any(self.processes.sums([due and self.processes.main])):
                    self.save()
                    saved = time.monotonic()

    def step(self, batches: Sequence[B], rate: float) -> tuple[Taken, list[B]]:
        """Take one step; what it was, and the batches of the next."""
        position = self.position
        pending = take_step(
            self.model, self.objective, self.learner, self.settings, self.processes, batches, rate=rate
        )
        following = self.order.batches(position.step + 1)  # Made while a GPU still computes the step.
        tokens = sum(batch.tokens for batch in batches)
        taken = finish_step(pending, tokens, self.settings, self.processes)
        if taken is None:
            raise report_failure(pending, self.order, batches, position.step, self.folder, self.processes)
        position.overflows = 0 if taken.moved else position.overflows + 1
        if position.overflows > MOST_OVERFLOWS:
            raise NonFiniteLogitsError(
                f"{position.overflows} steps in a row had no finite gradient in float16, the last of them "
                f'step {position.step + 1}: lower the learning rate, or set precision to "bfloat16"'
            )
        if self.learner.average and taken.moved:
            self.learner.average.update(self.model)
        position.step += 1
        position.tokens += taken.tokens
        position.loss_sum += taken.loss
        position.loss_steps += 1
        return taken, following

    def evaluate(self, rate: float) -> dict[str, float]:
        """Validate, and keep the weights where nothing before was better."""
        position, average = self.position, self.learner.average
        require_finite_weights(self.model, position.step, self.folder)
        with average.in_place_of_weights(self.model) if average else nullcontext():
            measures: dict[str, float] = {}
            if self.processes.main:
                self.model.eval()
                with torch.inference_mode(), precision(self.settings, self.processes.device):
                    measures = self.objective.validate(self.model)
            measures = self.processes.from_main({**measures, "score": score(measures)})
            require_finite_measures(measures, position.step, self.folder)
            if is_better(measures, position.best, self.settings.follow):
                position.best, position.stale = {**measures, "step": float(position.step)}, 0
                if self.processes.main:
                    state.write_weights(self.folder / BEST, self.model)
            else:
                position.stale += 1
        loss = position.loss_sum / position.loss_steps
        position.evaluations.append({"step": position.step, "train_loss": loss, "rate": rate, **measures})
        position.loss_sum, position.loss_steps = 0.0, 0
        validated = {f"validation/{name}": value for name, value in measures.items()}
        self.processes.accelerator.log(validated, step=position.step)
        return {"train_loss": loss, **measures}

    def show(self, bar: Bar, taken: Taken, rate: float, seconds: float) -> None:
        """On the bar, and now and then to the trackers."""
        speed = taken.tokens / max(seconds, 1e-9)
        bar.at(self.position.step, loss=taken.loss, rate=rate, tokens_per_second=speed)
        if self.position.step % TRACK_EVERY == 0:
            values = {"loss": taken.loss, "rate": rate, "norm": taken.norm, "tokens_per_second": speed}
            self.processes.accelerator.log(
                {f"training/{name}": value for name, value in values.items()}, step=self.position.step
            )


def score(measures: Mapping[str, float]) -> float:
    """The mean of the measures in which more is better; without such, minus the mean of the others."""
    more = [value for name, value in measures.items() if not _LESS_IS_BETTER.search(name)]
    if more:
        return sum(more) / len(more)
    return -sum(measures.values()) / max(1, len(measures))


def is_better(measures: Mapping[str, float], best: Mapping[str, float], follow: str) -> bool:
    """Whether an evaluation beats the best one so far in the measure that is followed; the first always does.

    Raises:
        InputError: there is no such measure.
    """
    if follow not in measures:
        raise InputError(f"the settings follow {follow!r}; the objective measures {', '.join(measures)}")
    if not best:
        return True
    if _LESS_IS_BETTER.search(follow):
        return measures[follow] < best[follow]
    return measures[follow] > best[follow]
