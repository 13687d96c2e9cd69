"""A report as Markdown, as the hub and code hosts show it."""

from __future__ import annotations

import re

from entailment.evaluate.report import MARK, Report
from entailment.evaluate.report_tables import Table, summary, tables, title

# With these escaped a text can make neither a link, an image, a tag nor another cell; the last two are
# addresses, which become links by themselves.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&$!]|:(?=//)|(?<=www)\.)", re.IGNORECASE)


def markdown(report: Report) -> str:
    """The whole file; whatever stands in names and texts is shown, never interpreted."""
    parts = [
        f"<!-- {MARK} -->",
        f"# {escape(title(report))}",
        escape(summary(report)),
        *map(_section, tables(report)),
    ]
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """A text on one line that Markdown shows as it stands."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _section(table: Table) -> str:
    lines = [
        _line(table.head),
        _line(["---" if index < table.words else "---:" for index in range(len(table.head))], raw=True),
        *(_cells(row, table.words) for row in table.rows),
    ]
    parts = [f"## {table.title}", escape(table.note), "\n".join(lines)]
    return "\n\n".join(part for part in parts if part)


def _cells(row: tuple[str, ...], words: int) -> str:
    # Numbers are ours and need no escaping, which would only make them hard to read.
    return _line([*map(escape, row[:words]), *row[words:]], raw=True)


def _line(cells: tuple[str, ...] | list[str], *, raw: bool = False) -> str:
    return f"| {' | '.join(cells if raw else map(escape, cells))} |"
