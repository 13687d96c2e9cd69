"""docs/benchmarks.md from the JSON files: nothing in it is written by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.plots import FRONTIER, LABEL_COST, curves, points
from benchmarks.records import Group, Row, Table, tables_of
from benchmarks.targets import TARGETS, Tables, Target, rate

HEAD = """# Benchmarks

Written by `python -m benchmarks report` from [benchmarks/results](../benchmarks/results). `make bench`
measures anew.

Every competitor gets the same texts, labels and template, the same number of threads and a model of the same
size (MiniLM-L6 where nothing else is said). Rounds are interleaved, one pass of each a round, and the first
round is thrown away; figures are medians, with the fastest and the slowest round beside them. Peers run at
the fastest setting that a search over batch sizes, streams and optimised files found, with pairs sorted by
length. Conversion and loading are not timed, tokenisation is. The accuracy beside a figure is that of the
same conversion of the bundled model; the last section says on what.
"""

TARGETS_HEAD = """## Measures and targets

Ours stands in two columns, float32 and int8, and is judged in both where a measure names no precision. How
often int8 gives float32's label is in the last section.
"""

ORDER = ("zero_shot", "labels", "pairs", "latency", "shell", "accuracy", "train_throughput")
NAMES = {
    "zero_shot": "Zero-shot classification",
    "labels": "What labels cost",
    "pairs": "Pairs in batches",
    "latency": "One pair at a time",
    "shell": "From the shell",
    "accuracy": "What a precision costs",
    "train_throughput": "Training",
}


def page(groups: Mapping[str, Group]) -> str:
    """The whole page."""
    tables = tables_of(groups)
    accuracies = accuracy_by_name(tables)
    parts = [HEAD, setting(groups), target_table(tables), plots(tables)]
    for name in [*ORDER, *(name for name in groups if name not in ORDER)]:
        if name in groups:
            parts.append(f"## {NAMES.get(name, name)}")
            parts += [table_section(table, accuracies) for table in groups[name].tables.values()]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def setting(groups: Mapping[str, Group]) -> str:
    """What the groups were measured on; a line for each setting where they differ."""
    lines: dict[str, list[str]] = {}
    for group in groups.values():
        lines.setdefault(_setting_line(group.setting), []).append(group.name)
    if len(lines) == 1:
        return next(iter(lines), "")
    return "\n".join(f"- {', '.join(names)}: {line}" for line, names in lines.items())


def _setting_line(found: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    busy = (
        ""
        if found["clock"] == "wall"
        else " Processor time, not wall time: the machine was doing other work."
    )
    quick = (
        " A quick run, to see that everything works: these are no figures to quote." if found["quick"] else ""
    )
    texts = "" if found["data"] else " Texts are made up: there was no data folder."
    return (
        f"{found['processor']} ({', '.join(found['instructions'])}), {found['cores']} cores, "
        f"{found['threads']} thread{'s' if found['threads'] > 1 else ''}, {found['rounds']} rounds, "
        f"{found['date']}.{busy}{quick}{texts} "
        f"{found['system']}, Python {found['python']}; {versions}."
    )


def target_table(tables: Tables) -> str:
    """What was promised beside what was measured."""
    lines = [target_line(target, tables) for target in TARGETS]
    head = "| measure | at least | aim | ours float32 | ours int8 | | what was compared |"
    return "\n".join([TARGETS_HEAD, head, "|---|---|---|---|---|---|---|", *lines])


def target_line(target: Target, tables: Tables) -> str:
    """One line of the table; where precisions fare differently, the verdict of each."""
    found = {
        precision: result
        for precision in ("float32", "int8")
        if (result := target.compare(tables, precision)) is not None
    }
    counted = {precision: found[precision] for precision in target.precisions if precision in found}
    best = (min if target.lower else max)(counted.values(), default=None)
    cells = [target.form.format(found[key][0]) if key in found else "" for key in ("float32", "int8")]
    promised = [
        target.form.format(value) if value is not None else "" for value in (target.at_least, target.aim)
    ]
    verdicts = {precision: target.verdict(ratio) for precision, (ratio, _) in counted.items()}
    alike = set(verdicts.values())
    verdict = (
        ", ".join(f"{each} in {precision}" for precision, each in verdicts.items())
        if len(alike) > 1
        else next(iter(alike), "not measured")
    )
    return f"| {' | '.join([target.measure, *promised, *cells, verdict, best[1] if best else ''])} |"


def plots(tables: Tables) -> str:
    """The plots that there is data for."""
    found = []
    if points(tables):
        found.append(f"![Milliseconds a text against accuracy](images/{FRONTIER})")
    if curves(tables):
        found.append(f"![Milliseconds a text against the number of labels](images/{LABEL_COST})")
    return "\n\n".join(found)


def table_section(table: Table, accuracies: Mapping[str, str]) -> str:
    """A heading, the rows, and who is missing."""
    rows = list(table.rows)
    timed = rows and all(row.seconds for row in rows)
    body = timed_rows(table, accuracies) if timed else figure_rows(rows)
    missing = [f"- without {name}: {reason}" for name, reason in table.left_out.items()]
    made_up = " (made-up texts)" if table.workload.get("real") is False else ""
    return "\n".join(
        [f"### {table.title}{made_up}", "", *body, *([""] if missing else []), *missing]
    ).rstrip()


def timed_rows(table: Table, accuracies: Mapping[str, str]) -> list[str]:
    """In the order measured; the ratio is to the first row."""
    first = table.rows[0].median
    extra = sorted({name for row in table.rows for name in row.figures} - {"nominal"})
    with_accuracy = any(row.precision == "int8" for row in table.rows) and bool(accuracies)
    plural = f"{table.unit}es" if table.unit.endswith("s") else f"{table.unit}s"
    head = ["", f"ms a {table.unit}", "fastest to slowest", f"{plural} a second", "ratio", "setting"]
    head += (["accuracy"] if with_accuracy else []) + [_figure_head(name) for name in extra]
    lines = [_line(head), _line(["---"] * len(head))]
    for row in table.rows:
        fast, slow = (1e3 * seconds for seconds in row.spread)
        cells = [
            f"**{row.name}**" if row.kind == "ours" else row.name,
            _number(1e3 * row.median),
            f"{_number(fast)} to {_number(slow)}",
            _number(1 / row.median),
            f"{first / row.median:.2f}",
            row.setting,
        ]
        if with_accuracy:
            cells.append(accuracies.get(row.name, ""))
        lines.append(_line([*cells, *(_figure(row, name) for name in extra)]))
    return lines


def figure_rows(rows: Sequence[Row]) -> list[str]:
    """Rows that were not timed."""
    names = list(dict.fromkeys(name for row in rows for name in row.figures if name != "seconds"))
    if not rows:
        return []
    head = ["", *(_figure_head(name) for name in names)]
    return [
        _line(head),
        _line(["---"] * len(head)),
        *(
            _line(
                [
                    f"**{row.name}**" if row.kind == "ours" else row.name,
                    *(_figure(row, name) for name in names),
                ]
            )
            for row in rows
        ),
    ]


def accuracy_by_name(tables: Tables) -> dict[str, str]:
    """Accuracy on MultiNLI of those that it was measured of; of others, how often they agree with float32."""
    table = tables.get("accuracy")
    return {
        row.name: _figure(row, "accuracy") or f"{_figure(row, 'agreement')} agree with float32"
        for row in (table.rows if table else ())
    }


FIGURES = {
    "peak_bytes": ("peak memory, MB", 1e-6),
    "bytes": ("MB", 1e-6),
    "packages": ("packages", 1),
    "accuracy": ("accuracy", 1),
    "agreement": ("same answer as float32", 1),
    "performed": ("GFLOP/s", 1e-9),
}


def _figure_head(name: str) -> str:
    return FIGURES.get(name, (name, 1))[0]


def _figure(row: Row, name: str) -> str:
    if name not in row.figures:
        return ""
    if name == "performed":
        return f"{rate(row, name) * 1e-9:,.0f}"
    value = row.figures[name] * FIGURES.get(name, (name, 1))[1]
    return f"{value:.4f}" if name in ("accuracy", "agreement") else f"{value:,.0f}"


def _number(value: float) -> str:
    """Three digits at least, and no more behind the point than that takes."""
    return f"{value:,.{max(0, 2 - len(str(int(value))) + 1)}f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
