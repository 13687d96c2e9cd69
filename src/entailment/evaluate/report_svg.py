"""The plots of a report as SVG text: a few rectangles and lines, coloured by the page's style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from entailment.evaluate.metrics import Bin

SIDE = 300  # of the square plot, in pixels
MARGIN = 44
COUNTS = 60  # the height of the small plot below it
BAR, GAP, NAMES, BARS = 16, 8, 190, 300
LONGEST_NAME = 28


def reliability_plot(bins: Sequence[Bin]) -> str:
    """Accuracy against confidence (Guo et al. 2017, figure 1), and below it how many rows each bin holds.

    Where the model is as often right as it is sure, the bars end on the diagonal.
    """
    most = max((one.count for one in bins), default=0) or 1
    marks = []
    for one in bins:
        if not one.count:
            continue
        left, width = MARGIN + one.low * SIDE, (one.high - one.low) * SIDE
        said = escape(
            f"confidence {one.low:.2f} to {one.high:.2f}: {one.count:,} rows, mean confidence "
            f"{one.confidence:.4f}, accuracy {one.accuracy:.4f}"
        )
        low, high = sorted((one.accuracy, one.confidence))
        tall = COUNTS * one.count / most
        marks.append(
            f"<g><title>{said}</title>"
            + _rectangle("bar", left, MARGIN + SIDE * (1 - one.accuracy), width, SIDE * one.accuracy)
            + _rectangle("gap", left, MARGIN + SIDE * (1 - high), width, SIDE * (high - low))
            + _rectangle("count", left, 2 * MARGIN + SIDE + COUNTS - tall, width, tall)
            + "</g>"
        )
    end, bottom = MARGIN + SIDE, MARGIN + SIDE
    axes = [
        f'<line class="diagonal" x1="{MARGIN}" y1="{bottom}" x2="{end}" y2="{MARGIN}"/>',
        f'<path class="axis" d="M{MARGIN} {MARGIN}V{bottom}H{end}"/>',
        f'<path class="axis" d="M{MARGIN} {bottom + MARGIN + COUNTS}H{end}"/>',
        _text(MARGIN + SIDE / 2, bottom + 34, "confidence", "middle"),
        _text(MARGIN, MARGIN - 12, "accuracy", "middle"),
        _rectangle("gap", end - 132, MARGIN - 22, 12, 12),
        _text(end - 114, MARGIN - 12, "gap to the confidence", "start"),
        _text(MARGIN + SIDE / 2, bottom + MARGIN + COUNTS + 18, f"rows, at most {most:,} a bin", "middle"),
    ]
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        axes.append(_text(MARGIN + tick * SIDE, bottom + 16, f"{tick:g}", "middle"))
        axes.append(_text(MARGIN - 6, bottom - tick * SIDE + 4, f"{tick:g}", "end"))
    height = SIDE + 2 * MARGIN + COUNTS + 28
    return _svg(SIDE + 2 * MARGIN, height, "Reliability plot", [*marks, *axes])


def bar_plot(values: Sequence[tuple[str, float]], what: str) -> str:
    """A horizontal bar from 0 to 1 for each name."""
    marks = []
    for index, (name, value) in enumerate(values):
        top = GAP + index * (BAR + GAP)
        shown = name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
        marks.append(
            f"<g><title>{escape(name)}</title>"
            + _text(NAMES - 8, top + BAR - 4, shown, "end")
            + _rectangle("rest", NAMES, top, BARS, BAR)
            + _rectangle("bar", NAMES, top, BARS * value, BAR)
            + _text(NAMES + BARS + 8, top + BAR - 4, f"{value:.3f}", "start")
            + "</g>"
        )
    return _svg(NAMES + BARS + 60, GAP + len(values) * (BAR + GAP), what, marks)


def _svg(width: int, height: int, what: str, marks: Sequence[str]) -> str:
    head = f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
    return f'{head} aria-label="{escape(what)}">{"".join(marks)}</svg>'


def _rectangle(kind: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
