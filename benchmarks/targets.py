"""What was promised, and what was measured: one line for each measure, as ratios between rows of one run.

Each line is worked out twice where it can be: for ours in float32 and for ours in int8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from benchmarks.names import BERT_BASE, GLICLASS, MOBILEBERT, OUR_COMMAND, PIPELINE, SCRIPT, TRANSFORMERS
from benchmarks.records import Row, Table

Precision = Literal["float32", "int8"]
Tables = Mapping[str, Table]
Found = tuple[float, str]  # the ratio, and what was compared with what
Compare = Callable[[Tables, Precision], Found | None]


@dataclass(frozen=True)
class Target:
    """A measure with what it should reach.

    Attributes:
        measure: in words.
        at_least, aim: ratios; None where it is only reported.
        compare: the ratio that was measured for ours in a precision, None where something is missing.
        precisions: of ours that the promise is about.
        form: how a figure is written.
        lower: less is better.
    """

    measure: str
    at_least: float | None
    aim: float | None
    compare: Compare
    precisions: tuple[Precision, ...] = ("float32", "int8")
    form: str = "{:.2f}x"
    lower: bool = False

    def verdict(self, ratio: float) -> str:
        """ "aim", "met" or "missed"; empty where nothing was promised."""
        if self.at_least is None or self.aim is None:
            return ""
        sign = -1 if self.lower else 1
        return (
            "aim"
            if sign * ratio >= sign * self.aim
            else "met"
            if sign * ratio >= sign * self.at_least
            else "missed"
        )


def fastest(rows: Iterable[Row]) -> Row | None:
    """The row that takes least time, if there is one."""
    return min((row for row in rows if row.seconds), key=lambda row: row.median, default=None)


def ours(table: Table | None, precision: str, within: str = "") -> Row | None:
    """Our fastest row in a precision, among those whose name holds a text."""
    rows = table.rows if table else ()
    return fastest(
        row for row in rows if row.kind == "ours" and row.precision == precision and within in row.name
    )


def best_peer(table: Table | None, precision: str) -> Row | None:
    """The fastest peer that scores pairs in a precision."""
    rows = table.rows if table else ()
    return fastest(
        row for row in rows if row.kind == "peer" and row.precision == precision and row.name != GLICLASS
    )


def times_faster(row: Row | None, other: Row | None) -> Found | None:
    """How many times faster a row is than another."""
    if row is None or other is None:
        return None
    setting = f" ({other.setting})" if other.setting else ""
    return other.median / row.median, f"{row.name} against {other.name}{setting}"


def against(key: str, name: str, within: str = "") -> Compare:
    """Ours against the row of this name."""

    def compare(tables: Tables, precision: Precision) -> Found | None:
        table = tables.get(key)
        return times_faster(ours(table, precision, within), table.row(name) if table else None)

    return compare


def against_best(key: str, peers: str) -> Compare:
    """Ours against the fastest peer of a precision."""

    def compare(tables: Tables, precision: Precision) -> Found | None:
        return times_faster(ours(tables.get(key), precision), best_peer(tables.get(key), peers))

    return compare


def label_cost(many: int) -> Compare:
    """So many labels against one, the same model."""

    def compare(tables: Tables, precision: Precision) -> Found | None:
        row, one = ours(tables.get(f"labels_{many}"), precision), tables.get("labels_1")
        single = one.row(row.name) if one and row else None
        return (row.median / single.median, row.name) if row and single else None

    return compare


def peak_share(tables: Tables, precision: Precision) -> Found | None:
    """Operations a second of ours, of those of the fastest large matrix product."""
    table = tables.get("peak")
    row = ours(table, precision)
    products = [each for each in (table.rows if table else ()) if each.kind == "machine"]
    product = fastest(each for each in products if each.precision == precision)
    if row is None or product is None:
        return None
    share, peak = rate(row, "performed") / rate(product, "performed"), rate(product, "performed") / 1e9
    whole = rate(row, "nominal") / rate(product, "performed")
    return (
        share,
        f"{row.name}, of {peak:,.0f} GFLOP/s ({product.name}); {whole:.0%} were all operations counted",
    )


def rate(row: Row, operations: str) -> float:
    """Operations a second."""
    return row.figures[operations] / row.median


def shell_time(tables: Tables, precision: Precision) -> Found | None:
    """One command against the other."""
    rows = _commands(tables) if precision == "float32" else None
    return times_faster(*rows) if rows else None


def shell_memory(tables: Tables, precision: Precision) -> Found | None:
    """Peak memory of one command, as a share of that of the other."""
    rows = _commands(tables) if precision == "float32" else None
    if rows is None:
        return None
    mine, other = (row.figures["peak_bytes"] for row in rows)
    return mine / other, f"{mine / 1e6:,.0f} MB against {other / 1e6:,.0f} MB"


def _commands(tables: Tables) -> tuple[Row, Row] | None:
    table = tables.get("cold_start")
    mine, other = (table.row(OUR_COMMAND), table.row(SCRIPT)) if table else (None, None)
    return (mine, other) if mine and other else None


TARGETS = (
    Target("zero-shot texts/s, 10 labels, AG News texts, against the transformers pipeline as people call it",
           15, 25, against("ag_news_10", PIPELINE)),
    Target("… against the best float32 peer that scores pairs, at its best setting", 6, 10,
           against_best("ag_news_10", "float32")),
    Target("… against the best int8 peer likewise", 3.5, 6, against_best("ag_news_10", "int8"),
           ("int8",)),
    Target("… against the best bfloat16 peer likewise", None, None, against_best("ag_news_10", "bfloat16")),
    Target("… against GLiClass, which reads text and labels as one sequence", None, None,
           against("ag_news_10", GLICLASS)),
    Target("100 labels cost no more than this multiple of 1 label (50-token text)", 12, 7, label_cost(100),
           lower=True),
    Target("single pair, 16 tokens, against transformers eager", 2.5, 4, against("pair_16", TRANSFORMERS),
           ("float32",)),
    Target("pair scoring in batches, int8 against the best float32 peer", 1.5, 2.2,
           against_best("mnli_pairs", "float32"), ("int8",)),
    Target("share of the measured matrix-product peak at batch 32 x 64 tokens", 0.85, 0.95, peak_share,
           ("float32",), "{:.0%}"),
    Target("MobileBERT (ours) against transformers' MobileBERT, one pair of 128 tokens", 1.4, 2.3,
           against("architectures_128", MOBILEBERT, "MobileBERT"), ("float32",)),
    Target("… one pair of 16 tokens", 3, 5, against("architectures_16", MOBILEBERT, "MobileBERT"),
           ("float32",)),
    Target("MobileBERT (ours) against transformers' BERT_BASE, 128 tokens", 4, 5.5,
           against("architectures_128", BERT_BASE, "MobileBERT"), ("float32",)),
    Target("`entail classify` from the shell against the same script with transformers", 5, 8, shell_time),
    Target("peak memory of that command against it", 1 / 3, 1 / 5, shell_memory, form="{:.2f}", lower=True),
)  # fmt: skip
