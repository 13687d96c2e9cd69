"""What a run measured, as plain data, and its JSON files in benchmarks/results/, one for each group."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

RESULTS = Path(__file__).parent / "results"
Kind = Literal["ours", "peer", "machine"]


@dataclass(frozen=True)
class Row:
    """One competitor in one table.

    Attributes:
        name: the same in every table that it is part of.
        kind: ours, a peer, or the machine itself.
        precision: of its arithmetic.
        setting: batch size, streams: what was found to be fastest; empty where there is nothing to choose.
        count: texts, pairs or calls in a pass.
        seconds: of each pass, by round; empty where something other than time was measured.
        figures: what else was measured, by name.
    """

    name: str
    kind: Kind
    precision: str
    setting: str = ""
    count: int = 1
    seconds: tuple[float, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """Seconds of one text, pair or call."""
        return statistics.median(self.seconds) / self.count

    @property
    def spread(self) -> tuple[float, float]:
        """Seconds of one text, pair or call in the fastest and in the slowest round."""
        return min(self.seconds) / self.count, max(self.seconds) / self.count


@dataclass(frozen=True)
class Table:
    """Competitors on one workload.

    Attributes:
        title: of the workload.
        unit: what `Row.count` counts.
        rows: the competitors.
        left_out: why the others are missing, by name.
        workload: what was classified or scored, in figures.
    """

    title: str
    unit: str
    rows: tuple[Row, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    workload: Mapping[str, Any] = field(default_factory=dict)

    def row(self, name: str) -> Row | None:
        """The row of this name, if it took part."""
        return next((row for row in self.rows if row.name == name), None)


@dataclass(frozen=True)
class Group:
    """The tables of one group, by key, and the setting they were measured in."""

    name: str
    setting: Mapping[str, Any]
    tables: Mapping[str, Table]


def write_group(group: Group, folder: Path) -> Path:
    """Write a group as `folder/<name>.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{group.name}.json"
    path.write_text(json.dumps(asdict(group), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def read_groups(folder: Path) -> dict[str, Group]:
    """The groups of a folder by name.

    Raises:
        ValueError: a file is not of this format.
    """
    return {group.name: group for group in _read(folder)}


def tables_of(groups: Mapping[str, Group]) -> dict[str, Table]:
    """The tables of all groups by key."""
    return {key: table for group in groups.values() for key, table in group.tables.items()}


def _read(folder: Path) -> Iterator[Group]:
    for path in sorted(folder.glob("*.json")):
        plain = json.loads(path.read_text(encoding="utf-8"))
        if "tables" not in plain:
            raise ValueError(
                f"{path.name} was written by an older benchmark: run `python -m benchmarks` again"
            )
        tables = {key: _table(table) for key, table in plain["tables"].items()}
        yield Group(plain["name"], plain["setting"], tables)


def _table(plain: Mapping[str, Any]) -> Table:
    rows = tuple(Row(**{**row, "seconds": tuple(row["seconds"])}) for row in plain["rows"])
    return Table(**{**plain, "rows": rows})
