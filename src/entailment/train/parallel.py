"""One process or many, through accelerate: who am I, on which device, and what have the others found.

`accelerate launch` (or torchrun) starts the processes; a plain `python` is one. The model is never wrapped:
gradients are averaged after the backward pass, so an objective may use its model in any way it likes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from entailment.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from accelerate import Accelerator

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """The processes of a run, as one of them sees them.

    Attributes:
        accelerator: accelerate's own object.
        device: what this process computes on.
        count: how many there are.
        rank: which one this is, from 0.
    """

    accelerator: Accelerator
    device: torch.device
    count: int
    rank: int

    @property
    def main(self) -> bool:
        """Whether this is the one that validates, writes and shows."""
        return self.rank == 0

    def wait(self) -> None:
        """Go on when all have come here."""
        self.accelerator.wait_for_everyone()

    def sums(self, values: Sequence[float]) -> list[float]:
        """Each value summed over all processes."""
        if self.count == 1:
            return list(values)
        # Metal has no float64, and tokens of a step fit float32 to the last one.
        kind = torch.float32 if self.device.type == "mps" else torch.float64
        mine = torch.tensor(values, dtype=kind, device=self.device)
        total: Tensor = self.accelerator.reduce(mine, reduction="sum")
        return total.tolist()

    def average_gradients(self, model: nn.Module) -> None:
        """Give every process the mean of all processes' gradients, in one exchange."""
        if self.count == 1:
            return
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        for weight in weights:
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        flat: Tensor = self.accelerator.reduce(
            torch.cat([gradient.flatten() for gradient in gradients]), reduction="mean"
        )
        for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    @torch.no_grad()
    def share_weights(self, model: nn.Module) -> None:
        """Give every process the weights of the main one."""
        if self.count > 1:
            from accelerate.utils import broadcast

            for tensor in (*model.parameters(), *model.buffers()):
                tensor.copy_(broadcast(tensor.detach()))

    def from_main(self, value: T) -> T:
        """What the main process has, in every process."""
        if self.count == 1:
            return value
        from accelerate.utils import broadcast_object_list

        found: list[T] = broadcast_object_list([value])
        return found[0]

    def gathered(self, value: T) -> list[T]:
        """What each process has, by rank."""
        if self.count == 1:
            return [value]
        from accelerate.utils import gather_object

        found: list[T] = gather_object([value])
        return found


def join(trackers: Sequence[str], folder: Path, *, device: torch.device | None = None) -> Processes:
    """Take one's place among the processes of a run.

    Args:
        trackers: names of accelerate's trackers, e.g. "tensorboard"; they write under `folder`.
        folder: of the run.
        device: what a single process computes on; by default a GPU where there is one. With several
            processes accelerate gives each its own.

    Raises:
        InputError: a tracker that accelerate does not know or that is not installed.
        MissingExtraError: accelerate, or TensorBoard, is not installed.
    """
    try:
        from accelerate import Accelerator
        from accelerate.tracking import LOGGER_TYPE_TO_CLASS, get_available_trackers
    except ImportError as error:
        raise MissingExtraError("accelerate", extra="train", purpose="training") from error
    available = {str(name) for name in get_available_trackers()}
    for name in trackers:
        if name not in LOGGER_TYPE_TO_CLASS:
            known = ", ".join(sorted(LOGGER_TYPE_TO_CLASS))
            raise InputError(f"there is no tracker {name!r}; accelerate has {known}")
        if name not in available:
            if name == "tensorboard":
                raise MissingExtraError("tensorboard", extra="track", purpose="the tracker 'tensorboard'")
            raise InputError(f"the tracker {name!r} is not installed: pip install {name}")
    # Precision is the loop's own business: accelerate keeps one for the whole life of a process, and a
    # recipe of two rounds, or a test, may want two.
    accelerator = Accelerator(
        mixed_precision="no", log_with=list(trackers) or None, project_dir=folder if trackers else None
    )
    count = accelerator.num_processes
    chosen = device if device is not None and count == 1 else accelerator.device
    return Processes(accelerator, chosen, count, accelerator.process_index)


def start_trackers(processes: Processes, settings: Mapping[str, Any]) -> None:
    """Tell the trackers what the run is made of."""
    plain = {
        name: value if isinstance(value, bool | int | float | str) else str(value)
        for name, value in settings.items()
    }
    processes.accelerator.init_trackers("entailment", config=plain)


def end_trackers(processes: Processes) -> None:
    """Let the trackers write what they hold; the processes stay together, for what a caller does next."""
    for tracker in processes.accelerator.trackers:
        tracker.finish()
