"""Parts computed by several processes of this machine, each with a model of its own.

This process reads the rows and gives each worker a part at a time, so that few are in hand. A worker that
dies is noticed at once, and one whose parent dies ends itself.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from entailment.errors import EntailmentError, InputError, WorkerDiedError
from entailment.runtime.processor import usable_processors
from entailment.runtime.session import check_threads
from entailment.scale.executors import Finished
from entailment.scale.inputs import Part, Parts
from entailment.scale.worker import Setup, Worker

_END_SECONDS = 5.0


@dataclass(frozen=True)
class Processes:
    """Computes in so many processes of this machine.

    They are started afresh (spawned), so a script that uses them begins under ``if __name__ == "__main__":``.

    Attributes:
        count: how many.
    """

    count: int

    @property
    def threads(self) -> int | None:
        """As `Executor`: they share the processors."""
        return max(1, usable_processors() // self.count)

    def check(self) -> None:
        """As `Executor`.

        Raises:
            InputError: `count` is no number of processes that this machine can do with.
        """
        check_threads(self.count, "workers")

    def run(
        self, setup: Setup, parts: Parts, worker: Worker, told: Callable[[int], None]
    ) -> Generator[Finished, None, None]:
        """As `Executor`. The worker of this process does nothing."""
        del worker
        try:
            package = pickle.dumps(setup)
        except Exception as error:  # of any kind
            raise InputError(
                f"the task or open_model cannot be sent to another process ({error}): give what is "
                "defined in a module, as functools.partial(load_model, name)"
            ) from error
        source = iter(parts)
        with _started(min(self.count, max(1, len(parts.wanted))), package) as workers:
            idle = list(workers)
            while True:
                while idle and (part := next(source, None)) is not None:
                    idle.pop().give(part)
                busy = [each for each in workers if each.part is not None]
                if not busy:
                    return
                wait([each.connection for each in busy])  # one that dies closes its end
                for each in busy:
                    for message in each.heard():
                        if isinstance(message, int):
                            told(message)
                        else:
                            idle.append(each)
                            yield message


class _Hand:
    """One worker as this process sees it."""

    def __init__(self, package: bytes) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.part: Part | None = None
        self.process: SpawnProcess = context.Process(target=_work, args=(theirs, package), daemon=True)
        with _interrupts_held():
            self.process.start()
        theirs.close()

    def give(self, part: Part) -> None:
        self.part = part
        with suppress(OSError):  # it is dead, which is told when it is waited for
            self.connection.send(part)

    def heard(self) -> Iterator[int | Finished]:
        """Rows answered, and the part when it is finished; what the worker raised is raised here."""
        while self.part is not None and self.connection.poll():
            try:
                message = self.connection.recv()
            except (EOFError, OSError):
                raise self._died(self.part) from None
            if isinstance(message, BaseException):
                raise message
            if isinstance(message, int):
                yield message
            else:
                finished = Finished(self.part.number, len(self.part.rows), message)
                self.part = None
                yield finished

    def _died(self, part: Part) -> WorkerDiedError:
        self.process.join(_END_SECONDS)
        last = part.first + len(part.rows) - 1
        return WorkerDiedError(
            f"a worker (process {self.process.pid}) ended {_how(self.process.exitcode)} while it computed "
            f"part {part.number:06d} (rows {part.first:,} to {last:,}): the parts that are finished are "
            "kept, and the same command goes on; take fewer workers or smaller parts if memory was short"
        )


def _how(code: int | None) -> str:
    if code is None or code >= 0:
        return f"with exit code {code}"
    with suppress(ValueError):
        return f"by {signal.Signals(-code).name}"
    return f"by signal {-code}"


@contextmanager
def _started(count: int, package: bytes) -> Iterator[list[_Hand]]:
    hands: list[_Hand] = []
    if hasattr(signal, "pthread_sigmask"):
        resource_tracker.ensure_running()  # started with the first, it would let interrupts through again
    try:
        for _ in range(count):
            hands.append(_Hand(package))
        yield hands
    finally:
        for hand in hands:
            hand.connection.close()  # who waits for a part ends by this
            if hand.part is not None:
                hand.process.terminate()
        for hand in hands:
            hand.process.join(_END_SECONDS)
            if hand.process.is_alive():
                hand.process.kill()
                hand.process.join()
            hand.process.close()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """A process started here ignores Ctrl-C from its first instruction: its parent ends it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(connection: Connection, package: bytes) -> None:
    """What a worker process does: parts in, and out for each its notes, after the rows answered."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the parent is gone
        try:
            worker = Worker(pickle.loads(package))  # noqa: S301  # of the parent process
            while True:
                connection.send(worker.finish(connection.recv(), connection.send))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:
            connection.send(portable(error))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def portable(error: Exception) -> Exception:
    """The error, or if it does not survive the way to another process, one that says the same."""
    if isinstance(error, EntailmentError):
        try:
            if str(pickle.loads(pickle.dumps(error))) == str(error):  # noqa: S301  # made a line above
                return error
        except Exception:  # noqa: S110  # it does not
            pass
        kind = InputError if isinstance(error, InputError) else EntailmentError
        return kind(str(error))
    return RuntimeError(f"in a worker process: {type(error).__name__}: {error}")
