"""Parts computed on a cluster: items of a Ray data set, mapped by a pool of actors.

One actor reads the input, in order and as far ahead as Ray has memory for, the others answer a part each and
write its file themselves. So the input and the folder of the job must lie where every machine sees them under
the same path. Actors that die are Ray's to start again; what they had in hand is computed again, unless its
file is there.
"""

from __future__ import annotations

import logging
import os
import pickle
import signal
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from entailment.errors import InputError, MissingExtraError
from entailment.runtime.session import check_threads
from entailment.scale.executors import Finished
from entailment.scale.inputs import Part, Parts
from entailment.scale.processes import portable
from entailment.scale.worker import Setup, Worker

Batch = dict[str, list[Any]]

LOCAL = "local"


@dataclass(frozen=True)
class OnRay:
    """Computes on a Ray cluster.

    Attributes:
        address: of the cluster, as ``ray.init`` takes it; "local" starts one of this machine.
        actors: how many workers; None: as many as the cluster has room for now.
        cpus: processors of a worker, and the threads it computes with.
        gpus: likewise, of GPUs; `open_model` must open the model there.
    """

    address: str = LOCAL
    actors: int | None = None
    cpus: int = 1
    gpus: float = 0

    @property
    def threads(self) -> int | None:
        """As `Executor`."""
        return self.cpus

    def check(self) -> None:
        """As `Executor`.

        Raises:
            MissingExtraError: ray is not installed.
            InputError: a number is out of range.
        """
        check_threads(self.cpus, "cpus")
        if self.actors is not None and self.actors < 1:
            raise InputError(f"actors is {self.actors}; it must be at least 1")
        if self.gpus < 0:
            raise InputError(f"gpus is {self.gpus}; it must be at least 0")
        _import_ray()

    def run(
        self, setup: Setup, parts: Parts, worker: Worker, told: Callable[[int], None]
    ) -> Generator[Finished, None, None]:
        """As `Executor`. The worker of this process does nothing; rows are told of with their part."""
        del worker, told
        ray, data = _import_ray()
        with _connected(ray, self.address):
            context = data.DataContext.get_current()
            context.enable_progress_bars = False  # there is one already
            wanted = [{"part": number} for number in parts.wanted]
            numbers = data.from_items(wanted, override_num_blocks=len(wanted))
            rows = numbers.map_batches(
                _Reader, fn_constructor_args=(parts,), batch_size=1, concurrency=1, num_cpus=0
            )
            finished = rows.map_batches(
                _Actor,
                fn_constructor_args=(setup,),
                batch_size=1,
                concurrency=min(self.actors or self._room(ray), len(wanted)),
                num_cpus=self.cpus,
                num_gpus=self.gpus,
            )
            for item in finished.iter_rows():
                found = pickle.loads(item["finished"])  # noqa: S301  # of our own actor
                if isinstance(found, BaseException):
                    raise found
                yield found

    def _room(self, ray: Any) -> int:
        there = ray.cluster_resources()
        room = there.get("CPU", 1) // self.cpus
        return max(1, int(min(room, there.get("GPU", 0) // self.gpus) if self.gpus else room))


class _Reader:
    """Numbers of parts in, their rows out. Asked in order, it reads every file once."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._ahead: Iterator[Part] = iter(())
        self._next = 0  # the number of the part that comes next at the earliest

    def __call__(self, batch: Batch) -> Batch:
        return {"rows": [pickle.dumps(self._read(int(number))) for number in batch["part"]]}

    def _read(self, number: int) -> Part | Exception:
        try:
            if number < self._next or not self._next:  # begun, or asked for once more
                wanted = tuple(each for each in self._parts.wanted if each >= number)
                self._ahead = iter(replace(self._parts, wanted=wanted))
            self._next = number + 1
            return next(part for part in self._ahead if part.number == number)
        except Exception as error:
            self._next = 0
            return portable(error)


class _Actor:
    """Rows of parts in, what was finished out. Errors go the same way, for Ray would wrap them."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._worker: Worker | None = None

    def __call__(self, batch: Batch) -> Batch:
        return {"finished": [pickle.dumps(self._finish(pickle.loads(rows))) for rows in batch["rows"]]}  # noqa: S301

    def _finish(self, part: Part | Exception) -> Finished | Exception:
        if isinstance(part, Exception):
            return part
        try:
            self._worker = self._worker or Worker(self._setup)
            return Finished(part.number, len(part.rows), self._worker.finish(part))
        except Exception as error:
            return portable(error)


def _import_ray() -> tuple[Any, Any]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is reported to anybody
    try:
        import ray
        import ray.data
    except ModuleNotFoundError:
        raise MissingExtraError("ray", extra="scale", purpose="--ray") from None
    return ray, ray.data


@contextmanager
def _connected(ray: Any, address: str) -> Iterator[None]:
    """Connected to a cluster; one that was there before stays as it is."""
    if ray.is_initialized():
        yield
        return
    main = threading.current_thread() is threading.main_thread()
    ending = signal.getsignal(signal.SIGTERM)
    try:
        try:
            ray.init(
                address=address,
                include_dashboard=False if address == LOCAL else None,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except (ConnectionError, ValueError) as error:
            raise InputError(
                f"no Ray cluster at {address!r}: {' '.join(str(error).split())[:200]}"
            ) from error
        finally:
            if main:  # ray puts its own there, which ends with another exit code
                signal.signal(signal.SIGTERM, ending)
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        yield
    finally:
        ray.shutdown()
