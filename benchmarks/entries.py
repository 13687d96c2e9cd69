"""From competitors to a table: whoever is there is timed, and of the others it is said why they are not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from benchmarks.interleave import Pass
from benchmarks.ours import Ours
from benchmarks.records import Kind, Row, Table
from benchmarks.scoring import LeftOut, Peer, tune
from benchmarks.settings import Settings
from benchmarks.workloads import Pair


@dataclass(frozen=True)
class Entry:
    """A competitor on a workload; the attributes are those of `Row`, and `run`, one pass."""

    name: str
    kind: Kind
    precision: str
    run: Pass
    count: int = 1
    setting: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)

    def row(self, seconds: Sequence[float]) -> Row:
        """The row of the table, with the seconds that were measured."""
        return Row(
            self.name, self.kind, self.precision, self.setting, self.count, tuple(seconds), self.figures
        )


def timed_table(
    settings: Settings,
    title: str,
    unit: str,
    entries: Iterable[Entry | LeftOut],
    workload: Mapping[str, Any] | None = None,
) -> Table:
    """Time the entries in interleaved rounds."""
    taking, left_out = {}, {}
    for entry in entries:
        if isinstance(entry, LeftOut):
            left_out[entry.name] = entry.reason
            settings.say(f"{title}: without {entry.name}: {entry.reason}")
        else:
            taking[entry.name] = entry
    seconds = settings.measure(title, {name: entry.run for name, entry in taking.items()})
    rows = tuple(entry.row(seconds[name]) for name, entry in taking.items())
    return Table(title, unit, rows, left_out, workload or {})


def batch_scoring(
    settings: Settings, peers: Iterable[Peer | LeftOut], pairs: Sequence[Pair], count: int
) -> list[Entry | LeftOut]:
    """Peers scoring many pairs, each at the setting that was fastest on some of them.

    Args:
        settings: of the run.
        peers: who scores.
        pairs: what is scored in a pass.
        count: what a pass counts: pairs, or the texts that they were made of.
    """
    sample = pairs[:: max(1, len(pairs) // settings.sample)][: settings.sample]
    entries: list[Entry | LeftOut] = []
    for peer in peers:
        if isinstance(peer, LeftOut):
            entries.append(peer)
            continue
        settings.say(f"looking for the best setting of {peer.name}")
        tuned = tune(peer, sample, sizes=settings.batch_sizes, clock=settings.clock)
        entries.append(
            Entry(tuned.name, "peer", tuned.precision, partial(tuned.score, pairs), count, tuned.setting)
        )
    return entries


def single_scoring(peers: Iterable[Peer | LeftOut], pairs: Sequence[Pair]) -> list[Entry | LeftOut]:
    """Peers scoring pairs one at a time."""
    return [
        peer
        if isinstance(peer, LeftOut)
        else Entry(peer.name, "peer", peer.precision, partial(peer.single, pairs), len(pairs))
        for peer in peers
    ]


def our_entries(
    models: Iterable[Ours | LeftOut], run: Callable[[Ours], Pass], count: int
) -> list[Entry | LeftOut]:
    """Our models, and what each does in a pass."""
    return [
        model if isinstance(model, LeftOut) else Entry(model.name, "ours", model.precision, run(model), count)
        for model in models
    ]
