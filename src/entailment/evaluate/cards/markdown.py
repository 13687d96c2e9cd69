"""Tables and words of a card; what stands in names is shown, never interpreted."""

from __future__ import annotations

import re
from collections.abc import Sequence

from entailment.evaluate.report_markdown import escape as escape

Rows = Sequence[Sequence[str]]


def table(head: Sequence[str], rows: Rows) -> str:
    """A table of cells that are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(text: str) -> str:
    """A name as it stands, also in a cell."""
    line = " ".join(text.split()).replace("|", "\\|")
    if "`" not in line:
        return f"`{line}`"
    fence = "`" * (1 + max(map(len, re.findall("`+", line))))
    return f"{fence} {line} {fence}"


def block(text: str) -> str:
    """Lines that are shown as they stand."""
    return "\n".join(f"    {line}" for line in text.splitlines())


def hidden(summary: str, text: str) -> str:
    """What is long and read by few."""
    return f"<details><summary>{summary}</summary>\n\n{text}\n\n</details>"


def section(title: str, parts: Sequence[str]) -> str:
    """Parts under a title, those that say nothing left out; nothing at all if that is all of them."""
    said = [part for part in parts if part]
    return "\n\n".join([f"## {title}", *said]) if said else ""


def listed(items: Sequence[str]) -> str:
    """A list, an item a line."""
    return "\n".join(f"- {item}" for item in items)
