"""Tables and bars for a person, with rich."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

BAR_CELLS = 24
SMALL_BAR_CELLS = 10
ROWS_AT_ONCE = 20
LONGEST_TEXT = 1000  # characters; more is no help on a screen


def console() -> Console:
    """Standard output, as it is now (a test may have exchanged it)."""
    return Console(file=sys.stdout, highlight=False, markup=False, emoji=False)


def plain(text: str) -> Text:
    """A text on one line and nothing but text: no markup, no control characters, no terminal escapes."""
    if len(text) > LONGEST_TEXT:
        text = text[:LONGEST_TEXT] + " ..."
    return Text("".join(c if c.isprintable() else " " for c in " ".join(text.split())))


def bar(out: Console, share: float, cells: int) -> Text:
    """A share from 0 to 1 as a bar and a percentage."""
    filled = round(share * cells)
    full, rest = ("━", "─") if _can_print(out, "━─") else ("#", ".")
    return Text.assemble((full * filled, "green"), (rest * (cells - filled), "dim"), f" {share:6.1%}")


def scores(asked: Mapping[str, str], ranked: Sequence[tuple[str, float]]) -> None:
    """One answer: what was asked, by name if there are several, then the labels with their bars."""
    out = console()
    if len(asked) > 1:
        facts(asked)
    else:
        out.print(*map(plain, asked.values()), style="italic")
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for index, (label, score) in enumerate(ranked):
        table.add_row(
            Text.assemble((plain(label).plain, "bold" if index == 0 else "")), bar(out, score, BAR_CELLS)
        )
    out.print(table)


def answers(
    heads: Sequence[str], rows: Iterable[tuple[Sequence[str], str, float]], widest_label: int
) -> None:
    """Many answers, a row each: (texts, label, score). Printed in pieces as they come, columns in line."""
    out = console()
    rows = iter(rows)
    label_width = max(len("label"), min(widest_label, 40))
    header = True
    while piece := list(itertools.islice(rows, ROWS_AT_ONCE)):
        table = Table(box=None, show_header=header, header_style="bold", padding=(0, 2, 0, 0), expand=True)
        for head in heads:
            table.add_column(head, ratio=1, no_wrap=True, overflow="ellipsis")
        table.add_column("label", width=label_width, no_wrap=True, overflow="ellipsis", style="bold")
        table.add_column("score", width=SMALL_BAR_CELLS + 7, no_wrap=True)
        for texts, label, score in piece:
            table.add_row(*(plain(text) for text in texts), plain(label), bar(out, score, SMALL_BAR_CELLS))
        out.print(table)
        header = False


def facts(pairs: Mapping[str, str]) -> None:
    """Names and values, a line each."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, value in pairs.items():
        table.add_row(Text(name, style="bold"), plain(value))
    console().print(table)


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A small table after an empty line: the first column names the row, the others are numbers."""
    out = console()
    out.print()
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for index, name in enumerate(head):
        table.add_column(plain(name), justify="left" if index == 0 else "right")
    for row in rows:
        table.add_row(*(plain(cell) for cell in row))
    out.print(table)


def _can_print(out: Console, characters: str) -> bool:
    try:
        characters.encode(out.encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
