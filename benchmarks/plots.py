"""Two plots as SVG: latency against accuracy, and what labels cost."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.names import GLICLASS, PIPELINE, TRANSFORMERS
from benchmarks.records import Row, Table

FRONTIER, LABEL_COST = "benchmark-accuracy.svg", "benchmark-labels.svg"
OURS_COLOUR = "#c2410c"
PEER_COLOURS = (
    *("#1d4ed8", "#0f766e", "#7e22ce", "#4b5563", "#0891b2"),
    *("#a16207", "#be185d", "#15803d", "#6366f1", "#111827"),
)
#: By colour; the same in both plots.
PEERS = (
    PIPELINE,
    TRANSFORMERS,
    "sentence-transformers CrossEncoder",
    "OpenVINO float32",
    "OpenVINO bfloat16",
    "OpenVINO int8",
    "OpenVINO int8 + bfloat16",
    "ONNX Runtime float32",
    "ONNX Runtime int8",
    GLICLASS,
)
LATENCY_TABLE = "ag_news_10"


def draw(tables: Mapping[str, Table], folder: Path) -> list[Path]:
    """Write the plots that the tables suffice for, and return their files."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "entailment", "svg.fonttype": "none", "font.size": 9})
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    if points(tables):
        drawn.append(_frontier(tables, folder / FRONTIER))
    if curves(tables):
        drawn.append(_label_cost(tables, folder / LABEL_COST))
    return drawn


def points(tables: Mapping[str, Table]) -> list[tuple[Row, float, float]]:
    """Competitors whose latency and accuracy are both known: row, milliseconds a pair, accuracy."""
    latency, accuracy = tables.get(LATENCY_TABLE), tables.get("accuracy")
    if latency is None or accuracy is None:
        return []
    found = []
    for row in accuracy.rows:
        timed = latency.row(row.name)
        if timed is not None and "accuracy" in row.figures:
            found.append((timed, 1e3 * timed.median, row.figures["accuracy"]))
    return found


def curves(tables: Mapping[str, Table]) -> dict[str, tuple[list[int], list[float]]]:
    """By competitor: numbers of labels, and milliseconds a text."""
    found: dict[str, tuple[list[int], list[float]]] = {}
    for table in (table for key, table in tables.items() if key.startswith("labels_")):
        for row in table.rows:
            counts, times = found.setdefault(row.name, ([], []))
            counts.append(table.workload["labels"])
            times.append(1e3 * row.median)
    return found


def _frontier(tables: Mapping[str, Table], file: Path) -> Path:
    figure, axes = _axes("milliseconds a text, 10 labels", "accuracy, MultiNLI dev matched")
    for row, milliseconds, accuracy in points(tables):
        axes.plot(milliseconds, accuracy, linestyle="", markersize=7, label=row.name, **_look(row.name))
    axes.set_xscale("log")
    axes.margins(x=0.15, y=0.25)
    return _saved(figure, axes, file)


def _label_cost(tables: Mapping[str, Table], file: Path) -> Path:
    figure, axes = _axes("labels", "milliseconds a text of 50 tokens")
    for name, (counts, times) in curves(tables).items():
        style = ":" if "full" in name else "--" if "int8" in name else "-"
        width = 2 if _is_ours(name) else 1
        axes.plot(counts, times, style, markersize=4, linewidth=width, label=name, **_look(name))
    axes.set_xscale("log")
    axes.set_yscale("log")
    return _saved(figure, axes, file)


def _is_ours(name: str) -> bool:
    return name.startswith("entailment")


def _look(name: str) -> dict[str, str]:
    """Colour and marker, the same in both plots."""
    if _is_ours(name):
        return {"color": OURS_COLOUR, "marker": "D" if "int8" in name else "o"}
    place = PEERS.index(name) if name in PEERS else len(name)
    return {"color": PEER_COLOURS[place % len(PEER_COLOURS)], "marker": "s" if "int8" in name else "o"}


def _axes(x: str, y: str) -> tuple[Any, Any]:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.2), layout="constrained")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(visible=True, color="#e5e7eb", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _saved(figure: Any, axes: Any, file: Path) -> Path:
    from matplotlib import pyplot

    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() == "log":
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter("{x:g}" if axis is axes.xaxis and file.name == FRONTIER else "")
    axes.legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1))
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)
    return file
