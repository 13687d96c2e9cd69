"""What labels cost: one text of 50 tokens with 1, 10, 100 and 1,000 of them."""

from __future__ import annotations

from benchmarks import checkpoints, torch_peers
from benchmarks.attempts import attempt
from benchmarks.entries import Entry, batch_scoring, our_entries, timed_table
from benchmarks.gliclass_peer import gliclass
from benchmarks.names import GLICLASS, PIPELINE
from benchmarks.ours import full_models, prefix_models
from benchmarks.peers import scoring_peers
from benchmarks.records import Table
from benchmarks.scoring import LeftOut
from benchmarks.settings import Settings
from benchmarks.workloads import TOPIC_TEMPLATE, ZeroShot, many_labels, text_of
from benchmarks.zero_shot import gliclass_entry, pipeline_entries

COUNTS = (1, 10, 100, 1000)
TOKENS = 50

#: Up to how many labels those take part that need a minute for more.
SLOW_UP_TO = 100


def measure(settings: Settings) -> dict[str, Table]:
    """A table for each number of labels."""
    folder = checkpoints.minilm(settings.work)
    pipeline = torch_peers.zero_shot_pipeline(folder)
    gliclass_pipeline = attempt(GLICLASS, lambda: gliclass(folder))
    tables = {}
    for count in COUNTS[:2] if settings.quick else COUNTS:
        title = f"{TOKENS}-token text, {count:,} label{'s' if count > 1 else ''}"
        workload = ZeroShot(title, (text_of(TOKENS),), many_labels(count), TOPIC_TEMPLATE, real=False)
        peers = [peer for peer in scoring_peers(settings) if count <= SLOW_UP_TO or _fast(peer.name)]
        slow: list[Entry | LeftOut] = [LeftOut(PIPELINE, f"takes too long with {count} labels")]
        if count <= SLOW_UP_TO:
            slow = [*pipeline_entries(settings, pipeline, workload, best=False)]
        tables[f"labels_{count}"] = timed_table(
            settings,
            title,
            "text",
            [
                *slow,
                *batch_scoring(settings, peers, workload.pairs, 1),
                gliclass_entry(settings, gliclass_pipeline, workload),
                *our_entries(
                    (*full_models(settings), *prefix_models(settings)),
                    lambda ours, workload=workload: ours.classifying(workload),  # type: ignore[misc]
                    1,
                ),
            ],
            {"texts": 1, "tokens": TOKENS, "labels": count, "real": False},
        )
    return tables


def _fast(name: str) -> bool:
    return name.startswith(("OpenVINO", "ONNX Runtime"))
