"""One pair at a time, from texts to logits: MiniLM-L6 at four lengths, MobileBERT and BERT_BASE at two."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks import checkpoints, torch_peers
from benchmarks.attempts import attempt
from benchmarks.entries import Entry, our_entries, single_scoring, timed_table
from benchmarks.names import BERT_BASE, MOBILEBERT
from benchmarks.ours import full_models, in_every_precision, prefix_models
from benchmarks.peers import openvino_float32, scoring_peers
from benchmarks.records import Table
from benchmarks.scoring import LeftOut, Peer
from benchmarks.settings import Settings
from benchmarks.workloads import pair_of

#: Tokens of a pair, and how many calls a pass has, so that a pass takes about a quarter of a second.
CALLS = {16: 32, 64: 16, 128: 8, 512: 3}
ARCHITECTURE_CALLS = {16: 6, 128: 3}


def measure(settings: Settings) -> dict[str, Table]:
    """A table for each length."""
    return {**_minilm(settings), **_architectures(settings)}


def _minilm(settings: Settings) -> dict[str, Table]:
    tables = {}
    for tokens, calls in CALLS.items():
        pairs = [pair_of(tokens, number) for number in range(settings.several(calls))]
        entries = [
            *single_scoring(scoring_peers(settings), pairs),
            *our_entries(
                (*full_models(settings), *prefix_models(settings)),
                lambda ours, pairs=pairs: ours.one_by_one(pairs),  # type: ignore[misc]
                len(pairs),
            ),
        ]
        title = f"MiniLM-L6, one pair of {tokens} tokens"
        tables[f"pair_{tokens}"] = timed_table(settings, title, "pair", entries, {"tokens": tokens})
    return tables


def _architectures(settings: Settings) -> dict[str, Table]:
    mobilebert, bert_base = checkpoints.mobilebert(settings.work), checkpoints.bert_base(settings.work)
    peers = (
        _transformers(mobilebert, MOBILEBERT),
        openvino_float32(settings, mobilebert, "OpenVINO float32, MobileBERT"),
        _transformers(bert_base, BERT_BASE),
        openvino_float32(settings, bert_base, "OpenVINO float32, BERT_BASE"),
    )
    models = (
        *in_every_precision(mobilebert, "MobileBERT", settings.threads),
        *in_every_precision(bert_base, "BERT_BASE", settings.threads),
    )
    tables = {}
    for tokens, calls in ARCHITECTURE_CALLS.items():
        pairs = [pair_of(tokens, number) for number in range(calls)]
        entries: list[Entry | LeftOut] = [
            *single_scoring(peers, pairs),
            *our_entries(models, lambda ours, pairs=pairs: ours.one_by_one(pairs), len(pairs)),  # type: ignore[misc]
        ]
        title = f"MobileBERT and BERT_BASE (random weights), one pair of {tokens} tokens"
        tables[f"architectures_{tokens}"] = timed_table(settings, title, "pair", entries, {"tokens": tokens})
    return tables


def _transformers(folder: Path, name: str) -> Peer | LeftOut:
    return attempt(name, lambda: replace(torch_peers.transformers_scoring(folder), name=name))
