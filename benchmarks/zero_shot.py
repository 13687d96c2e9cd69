"""Texts into labels: AG News with 4 and with 10 labels, CLINC150 with 150."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import checkpoints, torch_peers
from benchmarks.attempts import attempt
from benchmarks.entries import Entry, batch_scoring, our_entries, timed_table
from benchmarks.gliclass_peer import GliClassify, gliclass
from benchmarks.interleave import Pass, fastest
from benchmarks.names import GLICLASS, PIPELINE, PIPELINE_BEST
from benchmarks.ours import full_models, prefix_models
from benchmarks.peers import scoring_peers
from benchmarks.records import Table
from benchmarks.scoring import LeftOut
from benchmarks.settings import Settings
from benchmarks.workloads import ZeroShot, ag_news, clinc


def measure(settings: Settings) -> dict[str, Table]:
    """Every workload with every competitor."""
    texts = settings.several(48)
    workloads = {
        "ag_news_10": ag_news(settings.data, texts, 10),
        "ag_news_4": ag_news(settings.data, texts, 4),
        "clinc_150": clinc(settings.data, settings.several(4)),
    }
    if settings.quick:
        del workloads["clinc_150"]
    folder = checkpoints.minilm(settings.work)
    pipeline = torch_peers.zero_shot_pipeline(folder)
    gliclass_pipeline = attempt(GLICLASS, lambda: gliclass(folder))
    return {
        key: timed_table(
            settings,
            workload.name,
            "text",
            [
                *pipeline_entries(settings, pipeline, workload),
                *batch_scoring(settings, scoring_peers(settings), workload.pairs, len(workload.texts)),
                gliclass_entry(settings, gliclass_pipeline, workload),
                *our_entries(
                    (*full_models(settings), *prefix_models(settings)),
                    lambda ours, workload=workload: ours.classifying(workload),  # type: ignore[misc]
                    len(workload.texts),
                ),
            ],
            {"texts": len(workload.texts), "labels": len(workload.labels), "real": workload.real},
        )
        for key, workload in workloads.items()
    }


def pipeline_entries(
    settings: Settings, classify: torch_peers.Classify, workload: ZeroShot, *, best: bool = True
) -> list[Entry]:
    """The pipeline as it is, and at its best: the fastest batch size, texts sorted by length."""
    count = len(workload.texts)
    by_length = sorted(workload.texts, key=len, reverse=True)

    def run(texts: Sequence[str], size: int) -> Pass:
        return lambda: classify(texts, workload.labels, workload.template, size)

    found = [Entry(PIPELINE, "peer", "float32", run(workload.texts, 1), count, "batch 1")]
    if best:
        settings.say("looking for the best batch size of the pipeline")
        sample = by_length[:: max(1, count // 3)][:3]
        ways = {str(size): run(sample, size) for size in settings.batch_sizes[1:]}
        size = int(fastest(ways, clock=settings.clock))
        setting = f"batch {size}, texts sorted by length"
        found.append(Entry(PIPELINE_BEST, "peer", "float32", run(by_length, size), count, setting))
    return found


def gliclass_entry(
    settings: Settings, classify: GliClassify | LeftOut, workload: ZeroShot
) -> Entry | LeftOut:
    """GLiClass with random weights, at its fastest batch size, texts sorted by length."""
    if isinstance(classify, LeftOut):
        return classify
    by_length = sorted(workload.texts, key=len, reverse=True)

    def run(size: int) -> Pass:
        return lambda: classify(by_length, workload.labels, size)

    sizes = {str(size): run(size) for size in (1, 4, 8, 16) if size <= len(by_length)}
    best = attempt(GLICLASS, lambda: fastest(sizes, clock=settings.clock))
    if isinstance(best, LeftOut):
        return best
    return Entry(GLICLASS, "peer", "float32", run(int(best)), len(by_length), f"batch {best}, random weights")
