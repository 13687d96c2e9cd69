"""A worker answers the rows of a part and writes them down. It opens the model once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path

from entailment.errors import TextError
from entailment.runtime.engine import TOKENS_PER_STREAM, OnnxEngine
from entailment.scale.answers import Answer, Layout
from entailment.scale.folder import write_part
from entailment.scale.inputs import Part
from entailment.scale.kept import kept_value
from entailment.scale.tasks import Task
from entailment.tables import Row
from entailment.tasks.chunks import Notes, chunked
from entailment.tasks.model import PairModel

CHUNK_ROWS = 256  # put to the model before progress is told

OpenModel = Callable[[], PairModel]


@dataclass(frozen=True)
class Setup:
    """All that a worker needs. It can be pickled, if the task and `open_model` can.

    Attributes:
        task: what is asked about each row.
        open_model: opens the model.
        layout: of the answers.
        files: where a part is written, by its number.
        strict: whether a row that cannot be answered is an error.
    """

    task: Task
    open_model: OpenModel
    layout: Layout
    files: Callable[[int], Path]
    strict: bool


class Heard(Notes):
    """Keeps what is to be noted, the first of each kind, for whoever has the user's ear."""

    def __init__(self) -> None:
        super().__init__(fields=True)
        self.said: dict[str, str] = {}

    def say(self, kind: str, message: str) -> None:
        """Keeps it; cuts aside, which are noted by the row of the whole input."""
        if kind != "truncation":
            self.said.setdefault(kind, message)

    def take(self) -> dict[str, str]:
        """What was kept since this was last asked."""
        found, self.said = self.said, {}
        return found


class Worker:
    """Answers parts, one after the other.

    Args:
        setup: what to do.
        model: already open; None: it is opened here.
    """

    def __init__(self, setup: Setup, model: PairModel | None = None) -> None:
        self.setup = setup
        self.model = steady(setup.open_model() if model is None else model)
        self.notes = Heard()

    def finish(self, part: Part, told: Callable[[int], None] = lambda rows: None) -> dict[str, str]:
        """Answers a part and writes it, unless its file is there; returns notes by kind.

        Args:
            part: its rows.
            told: of rows just answered.

        Raises:
            TextError: a row cannot be answered, and the job is strict.
            InputError: the model cannot be used.
            DataFileError: the file cannot be written.
        """
        path = self.setup.files(part.number)
        if not path.exists():
            write_part(path, list(self._answers(part, told)), self.setup.layout)
        return self.notes.take()

    def _answers(self, part: Part, told: Callable[[int], None]) -> Iterator[Answer]:
        number = part.first
        for chunk in chunked(part.rows, CHUNK_ROWS, self.setup.task.cost):
            for row, answer in zip(chunk, self._ask(chunk), strict=True):
                kept = {
                    name: kept_value(row[name], f"row {number}: {name}") for name in self.setup.layout.kept
                }
                if (why := answer.pop("refused", None)) is not None:
                    if self.setup.strict:
                        raise TextError(f"row {number}: {why}")
                    yield {"row": number, "refused": why, **kept}
                else:
                    if (cut := answer.get("truncated")) is not None:
                        self.notes.said.setdefault("cut", _cut(number, **cut))
                    yield {"row": number, **kept, **answer}
                number += 1
            told(len(chunk))

    def _ask(self, rows: Sequence[Row]) -> list[Answer]:
        """An answer to each row, or ``{"refused": why}``."""
        task = self.setup.task
        faults = [task.fault(row) for row in rows]
        try:
            found = self._ask_these(rows, faults)
        except TextError:  # what it was, is asked row by row, for it is rare
            faults = [
                why if why is not None else task.unreadable(row, self.model)
                for row, why in zip(rows, faults, strict=True)
            ]
            found = self._ask_these(rows, faults)
        return [{"refused": why} if why is not None else next(found) for why in faults]

    def _ask_these(self, rows: Sequence[Row], faults: Sequence[str | None]) -> Iterator[Answer]:
        good = [row for row, why in zip(rows, faults, strict=True) if why is None]
        return iter(self.setup.task.ask(good, self.model, self.notes) if good else [])


def steady(model: PairModel) -> PairModel:
    """The model with batches that are the same however many threads compute.

    A pair's logits depend on its batch in the last digits. A part is computed as one, so the batches are
    those of its rows, and answers come out the same to the bit in whichever worker.
    """
    if not isinstance(model.engine, OnnxEngine):
        return model
    engine = copy(model.engine)  # another number of tokens, and the same sessions
    engine.tokens_per_batch = TOKENS_PER_STREAM
    return replace(model, engine=engine)


def _cut(number: int, read: int, total: int) -> str:
    return (
        f"row {number:,} is longer than the model reads: {read:,} of {total:,} characters were read; the "
        "field `truncated` of each answer says so, this note comes once"
    )
