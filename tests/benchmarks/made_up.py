"""Results that nobody measured, to see what is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.names import BERT_BASE, GLICLASS, MOBILEBERT, OUR_COMMAND, PIPELINE, SCRIPT, TRANSFORMERS
from benchmarks.records import Group, Kind, Row, Table

OURS, OURS_INT8 = "entailment float32, prefix attention", "entailment int8, prefix attention"
SETTING: dict[str, Any] = {
    "system": "Linux x86_64",
    "processor": "a processor",
    "instructions": ["avx2"],
    "cores": 2,
    "python": "3.11.0",
    "versions": {"entailment": "0.0"},
    "threads": 2,
    "rounds": 3,
    "quick": False,
    "data": True,
    "clock": "wall",
    "date": "2000-01-01",
}


def row(name: str, kind: Kind, precision: str, milliseconds: float, **figures: float) -> Row:
    """A row whose median is so many milliseconds, in passes of two."""
    seconds = tuple(factor * 2e-3 * milliseconds for factor in (0.9, 1.0, 1.3))
    return Row(name, kind, precision, "batch 8" if kind == "peer" else "", 2, seconds, figures)


def table(title: str, *rows: Row, **workload: Any) -> Table:
    return Table(title, "text", rows, {"somebody": "it is not installed"}, workload)


def groups() -> dict[str, Group]:
    """One group of each kind."""
    pairs = (row(TRANSFORMERS, "peer", "float32", 10), row("OpenVINO float32", "peer", "float32", 8))
    tables: Mapping[str, Mapping[str, Table]] = {
        "zero_shot": {
            "ag_news_10": table(
                "AG News",
                row(PIPELINE, "peer", "float32", 100),
                row(GLICLASS, "peer", "float32", 4),
                *pairs,
                row("OpenVINO int8", "peer", "int8", 6),
                row(OURS, "ours", "float32", 4),
                row(OURS_INT8, "ours", "int8", 2),
            )
        },
        "labels": {
            "labels_1": table("1 label", row(OURS, "ours", "float32", 2), labels=1),
            "labels_100": table("100 labels", row(OURS, "ours", "float32", 20), labels=100),
        },
        "pairs": {
            "peak": table(
                "peak",
                row(OURS, "ours", "float32", 10, performed=8e9, nominal=9e9),
                row("matrix product, numpy float32", "machine", "float32", 10, performed=10e9),
                row("matrix product, torch float32", "machine", "float32", 10, performed=5e9),
            )
        },
        "latency": {
            "pair_16": table("16 tokens", *pairs, row(OURS, "ours", "float32", 4)),
            "pair_64": table("64 tokens", *pairs, row(OURS, "ours", "float32", 4)),
            "architectures_128": table(
                "128 tokens",
                row(MOBILEBERT, "peer", "float32", 60),
                row(BERT_BASE, "peer", "float32", 180),
                row("entailment float32, MobileBERT", "ours", "float32", 30),
                row("entailment float32, BERT_BASE", "ours", "float32", 1),
            ),
        },
        "shell": {
            "cold_start": table(
                "shell",
                row(OUR_COMMAND, "ours", "float32", 500, peak_bytes=200e6),
                row(SCRIPT, "peer", "float32", 5000, peak_bytes=800e6),
            )
        },
        "accuracy": {
            "accuracy": Table(
                "accuracy",
                "pair",
                (Row(OURS, "ours", "float32", figures={"accuracy": 0.75, "agreement": 1.0}),),
            )
        },
    }
    return {name: Group(name, SETTING, found) for name, found in tables.items()}
