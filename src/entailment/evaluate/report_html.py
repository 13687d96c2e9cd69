"""A report as one HTML file that needs nothing else: no script, no request, light or dark as wished."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from entailment.evaluate.report import MARK, Report
from entailment.evaluate.report_svg import bar_plot, reliability_plot
from entailment.evaluate.report_tables import Table, summary, tables, title

MOST_BARS = 40

# The policy makes sure of it: a browser refuses scripts and whatever comes from elsewhere.
_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="generator" content="{mark}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ --paper: #fff; --ink: #1c2330; --soft: #5b6675; --line: #dfe3e8; --main: 37 99 235;
--warn: #e0702c }}
@media (prefers-color-scheme: dark) {{
:root {{ --paper: #12161c; --ink: #e6e9ee; --soft: #98a2b0; --line: #2b323c; --main: 96 150 255;
--warn: #f0935a }}
}}
* {{ box-sizing: border-box }}
body {{ margin: 0 auto; max-width: 68rem; padding: 2rem 1.25rem 4rem; background: var(--paper);
color: var(--ink); font: 16px/1.5 system-ui, sans-serif }}
h1 {{ font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; margin: 0 0 .5rem }}
h2 {{ font-size: 1.15rem; margin: 2.5rem 0 .5rem; padding-top: 1rem; border-top: 1px solid var(--line) }}
p {{ color: var(--soft); margin: .25rem 0 .75rem; max-width: 48rem; overflow-wrap: anywhere }}
.wide {{ overflow-x: auto }}
table {{ border-collapse: collapse; font-size: .92rem }}
th, td {{ padding: .35rem .75rem; border-bottom: 1px solid var(--line); text-align: right;
vertical-align: top; font-variant-numeric: tabular-nums }}
th {{ color: var(--soft); font-weight: 600 }}
.word {{ text-align: left; overflow-wrap: anywhere; min-width: 8.5rem; max-width: 26rem }}
.tiles {{ display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.25rem 0 0 }}
.tiles div {{ border: 1px solid var(--line); border-radius: .5rem; padding: .6rem 1rem; min-width: 8.5rem }}
.tiles b {{ display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums }}
.tiles span {{ color: var(--soft); font-size: .85rem }}
.beside {{ display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; align-items: flex-start }}
svg {{ max-width: 100%; height: auto; font: 12px system-ui, sans-serif }}
svg text {{ fill: var(--ink) }}
.bar {{ fill: rgb(var(--main)) }} .rest {{ fill: var(--line) }} .count {{ fill: var(--soft) }}
.gap {{ fill: var(--warn); fill-opacity: .45 }} .axis {{ stroke: var(--soft); fill: none }}
.diagonal {{ stroke: var(--soft); stroke-dasharray: 4 4 }}
</style>
</head>
<body>
"""


def html(report: Report) -> str:
    """The whole file; whatever stands in names and texts is shown, never interpreted."""
    found = report.evaluation
    tiles = {
        "accuracy": f"{found.accuracy:.2%}",
        "macro F1": f"{found.macro_f1:.4f}",
        "calibration error": f"{found.ece:.4f}",
        "loss": f"{found.loss:.4f}",
        "samples per second": f"{found.samples_per_second:,.1f}",
    }
    return "".join(
        [
            _HEAD.format(title=escape(title(report)), mark=MARK),
            f"<h1>{escape(title(report))}</h1>\n<p>{escape(summary(report))}</p>\n",
            '<div class="tiles">',
            *(f"<div><b>{value}</b><span>{name}</span></div>" for name, value in tiles.items()),
            "</div>\n",
            *(_section(table, _plot(table.title, report)) for table in tables(report)),
            "</body>\n</html>\n",
        ]
    )


def _plot(section: str, report: Report) -> str:
    """The plot beside a table; empty where there is none."""
    if section == "Reliability":
        return reliability_plot(report.bins)
    values: Sequence[tuple[str, float]] = {
        "Classes": [(name, one.f1) for name, one in report.evaluation.per_class.items()],
        "Groups": [(one.name, one.accuracy) for one in report.groups],
        "Templates": [(one.template, one.macro_f1) for one in report.wordings],
    }.get(section, [])
    what = {"Classes": "F1 by class", "Groups": "accuracy by group", "Templates": "macro F1 by template"}
    return bar_plot(values, what[section]) if 1 < len(values) <= MOST_BARS else ""


def _section(table: Table, plot: str) -> str:
    note = f"<p>{escape(table.note)}</p>\n" if table.note else ""
    head = "".join(_cell("th", name, index, table) for index, name in enumerate(table.head))
    rows = "\n".join(
        f"<tr>{''.join(_cell('td', cell, index, table, number) for index, cell in enumerate(row))}</tr>"
        for number, row in enumerate(table.rows)
    )
    grid = (
        f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>'
    )
    body = f'<div class="beside">{grid}{plot}</div>' if plot else grid
    return f"<h2>{escape(table.title)}</h2>\n{note}{body}\n"


def _cell(tag: str, text: str, index: int, table: Table, number: int | None = None) -> str:
    style = ' class="word"' if index < table.words else ""
    if table.shares is not None and number is not None and index >= table.words:
        share = table.shares[number][index - table.words]
        style = f' style="background: rgb(var(--main) / {0.75 * share:.3f})"'
    return f"<{tag}{style}>{escape(text)}</{tag}>"
