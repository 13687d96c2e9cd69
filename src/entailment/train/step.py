"""One step of a run: its batches, their gradients, the weights moved; and what is done when that fails."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Generic, TypeVar

import torch
from safetensors.torch import save_file
from torch import Tensor

from entailment.errors import DataFileError, NonFiniteLogitsError
from entailment.train.objective import B, Objective, TrainBatch
from entailment.train.optimizer import rate_share
from entailment.train.parallel import Processes
from entailment.train.settings import Settings
from entailment.train.state import Learner

M = TypeVar("M", bound=torch.nn.Module)

FAILED = "failed-batch.safetensors"
"""What is left of a step that broke a run: its tensors, and in the metadata which examples they are."""

MOST_OVERFLOWS = 100
"""float16 steps in a row without a finite gradient, after which a run is given up."""


class Order(Generic[M, B]):
    """Which batches of its objective each step of a process learns from."""

    def __init__(self, objective: Objective[M, B], settings: Settings, processes: Processes) -> None:
        self._objective, self._processes = objective, processes
        self._planned: tuple[int, Sequence[Sequence[int]]] = (0, objective.plan(0))
        batches = len(self._planned[1])
        if not batches:
            raise DataFileError("there are no examples to train on")
        self._per_step = settings.accumulation * processes.count
        # Epochs differ by a few batches at most; the schedule takes the first one's length for all.
        self._per_epoch = math.ceil(batches / self._per_step)
        self.total = settings.max_steps or self._per_epoch * settings.epochs

    def members(self, step: int) -> tuple[int, list[Sequence[int]]]:
        """The epoch of a step (from 0), and the members of each of its batches in this process."""
        epoch, within = divmod(step, self._per_epoch)
        if epoch != self._planned[0]:
            self._planned = epoch, self._objective.plan(epoch)
        batches = self._planned[1]
        first = within * self._per_step
        mine = range(first + self._processes.rank, first + self._per_step, self._processes.count)
        return epoch, [batches[i % len(batches)] for i in mine]

    def batches(self, step: int) -> list[B]:
        """The batches of a step in this process; none after the last step."""
        if step >= self.total:
            return []
        epoch, members = self.members(step)
        return [self._objective.batch(epoch, each) for each in members]


@dataclass(frozen=True)
class Pending:
    """A step that a GPU may still be computing.

    Attributes:
        losses: of each batch, on the device.
        norm: of all gradients together, before clipping, on the device.
    """

    losses: tuple[Tensor, ...]
    norm: Tensor


@dataclass(frozen=True)
class Taken:
    """What a step was.

    Attributes:
        loss: the mean over all batches of all processes.
        tokens: real tokens of all processes.
        norm: of all gradients together, before clipping.
        moved: whether the weights were moved: not where a float16 gradient overflowed.
    """

    loss: float
    tokens: int
    norm: float
    moved: bool


def precision(settings: Settings, device: torch.device) -> AbstractContextManager[object]:
    """What is computed inside is computed in the precision of the settings."""
    if settings.precision == "float32":
        return nullcontext()
    kind = torch.bfloat16 if settings.precision == "bfloat16" else torch.float16
    return torch.autocast(device.type, dtype=kind)


def take_step(
    model: M,
    objective: Objective[M, B],
    learner: Learner,
    settings: Settings,
    processes: Processes,
    batches: Sequence[B],
    *,
    rate: float,
) -> Pending:
    """Move the weights once, by the mean of the gradients of all batches of all processes."""
    model.train()
    losses = []
    for batch in batches:
        with precision(settings, processes.device):
            loss = objective.loss(model, batch.to(processes.device))
        learner.scaler.scale(loss / len(batches)).backward()
        losses.append(loss.detach())
    processes.average_gradients(model)
    learner.scaler.unscale_(learner.optimizer)
    # With nothing to clip the norm is still wanted: a gradient that is not finite must not pass unseen.
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip or torch.inf)
    for group in learner.optimizer.param_groups:
        group["lr"] = rate * group["factor"]
    learner.scaler.step(learner.optimizer)
    learner.scaler.update()
    learner.optimizer.zero_grad(set_to_none=True)
    return Pending(tuple(losses), norm)


def validates_after(step: int, total: int, settings: Settings) -> bool:
    """Whether the model is validated after a step, the first being 1: always after the last."""
    if settings.evaluate_every is not None:
        return step % settings.evaluate_every == 0 or step == total
    # As often as asked for, evenly spread, where the steps are enough: after each that fills another share.
    return step * settings.evaluations // total > (step - 1) * settings.evaluations // total


def rate_of(step: int, total: int, settings: Settings) -> float:
    """The rate of a step (from 0) of a run of `total` steps."""
    return settings.learning_rate * rate_share(step, total, settings)


def finish_step(pending: Pending, tokens: int, settings: Settings, processes: Processes) -> Taken | None:
    """Wait for a step; None where a loss of any process, or a gradient that may not, is not finite.

    Args:
        pending: from `take_step`.
        tokens: real tokens of this process's batches.
        settings: of the run; in float16 an infinite gradient is an overflow, which is no failure.
        processes: of the run.
    """
    losses = torch.stack([*pending.losses, pending.norm.float()]).tolist()
    norm = losses.pop()
    mean = sum(losses) / len(losses)
    total, all_tokens, broken = processes.sums([mean, tokens, not math.isfinite(mean)])
    moved = math.isfinite(norm)
    if broken or not (moved or settings.precision == "float16"):
        return None
    return Taken(total / processes.count, int(all_tokens), norm, moved)


def report_failure(
    pending: Pending, order: Order[M, B], batches: Sequence[B], step: int, folder: Path, processes: Processes
) -> NonFiniteLogitsError:
    """Save the batches that a step broke on; the error that says so.

    Args:
        pending: the step.
        order: of the run.
        batches: of the step.
        step: its number, from 0.
        folder: of the run.
        processes: of the run; each with a broken loss writes a file of its own.
    """
    losses = [float(loss) for loss in pending.losses]
    epoch, members = order.members(step)
    broken = [i for i, loss in enumerate(losses) if not math.isfinite(loss)]
    what = f"the loss is {losses[broken[0]]}" if broken else f"the gradient's norm is {float(pending.norm)}"
    kept = broken or list(range(len(losses)))
    path = folder / (FAILED if processes.main else f"{processes.rank}-{FAILED}")
    save_file(
        {f"{i}.{name}": tensor for i in kept for name, tensor in tensors_of(batches[i]).items()},
        path,
        metadata={
            "step": str(step + 1),
            "epoch": str(epoch),
            "members": json.dumps({str(i): list(members[i]) for i in kept}),
        },
    )
    return NonFiniteLogitsError(
        f"{what} at step {step + 1}: its batch is in {path}; look at those examples, or lower the learning "
        f"rate and start in an empty folder ({folder} holds the run up to its last state)"
    )


def tensors_of(batch: TrainBatch) -> dict[str, Tensor]:
    """The tensors of a batch by name, those of a mapping in it as `field.name`."""
    named = {f.name: getattr(batch, f.name) for f in fields(batch)} if is_dataclass(batch) else vars(batch)
    found: dict[str, Tensor] = {}
    for name, value in named.items():
        members = value.items() if isinstance(value, Mapping) else [(None, value)]
        for key, each in members:
            if isinstance(each, Tensor):
                # Cloned: safetensors refuses tensors that share memory.
                found[name if key is None else f"{name}.{key}"] = each.detach().cpu().contiguous().clone()
    return found
