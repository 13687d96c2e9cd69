"""Pairs in batches: MultiNLI pairs, and 32 pairs of 64 tokens beside the machine's peak."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from benchmarks import arithmetic, machine
from benchmarks.entries import Entry, batch_scoring, our_entries, timed_table
from benchmarks.interleave import Pass
from benchmarks.names import ONE_BY_ONE, TRANSFORMERS
from benchmarks.ours import Ours, full_models, prefix_models
from benchmarks.peers import scoring_peers
from benchmarks.records import Table
from benchmarks.scoring import LeftOut, Peer
from benchmarks.settings import Settings
from benchmarks.workloads import Pair, mnli, pair_of
from entailment.checkpoint.config import BertConfig
from entailment.checkpoint.folder import open_checkpoint

PAIRS, TOKENS = 32, 64


def measure(settings: Settings) -> dict[str, Table]:
    """Both tables."""
    return {"mnli_pairs": pair_table(settings), "peak": peak_table(settings)}


def pair_table(settings: Settings) -> Table:
    """Real pairs, every premise with one hypothesis: prefix attention has nothing to share here."""
    drawn = mnli(settings.data, settings.several(96))
    pairs = drawn.pairs
    peers = scoring_peers(settings)
    eager = next(peer for peer in peers if isinstance(peer, Peer) and peer.name == TRANSFORMERS)
    entries: list[Entry | LeftOut] = [
        Entry(ONE_BY_ONE, "peer", "float32", lambda: eager.single(pairs), len(pairs), "batch 1"),
        *batch_scoring(settings, peers, pairs, len(pairs)),
        *our_entries(
            (*full_models(settings), *prefix_models(settings)), lambda ours: ours.scoring(pairs), len(pairs)
        ),
    ]
    return timed_table(settings, drawn.name, "pair", entries, {"pairs": len(pairs), "real": drawn.real})


def peak_table(settings: Settings) -> Table:
    """Ours from token ids to logits, peers from texts, and the machine's own products.

    Figures are the operations of a pass. Ours with full attention, where the whole pair is one sequence, as
    it is for the peers.
    """
    pairs = [pair_of(TOKENS, number) for number in range(PAIRS)]
    config = open_checkpoint(None).config
    assert isinstance(config, BertConfig)
    whole = {"nominal": float(PAIRS * arithmetic.nominal(config, TOKENS))}
    ours = whole | {"performed": float(PAIRS * arithmetic.performed(config, TOKENS))}
    product = {"performed": float(machine.PRODUCT_OPERATIONS)}
    peers = [peer for peer in scoring_peers(settings) if peer.name.startswith(("OpenVINO", "ONNX Runtime"))]
    entries: list[Entry | LeftOut] = [
        *_doing(ours, our_entries(full_models(settings), lambda model: _from_ids(model, pairs), 1)),
        # What a converter leaves out of its graph is not known.
        *_doing(whole, batch_scoring(settings, peers, pairs, 1)),
        *(
            Entry(f"matrix product, {name}", "machine", name.split()[-1], run, figures=product)
            for name, run in machine.product_passes(settings.threads).items()
        ),
    ]
    title = f"{PAIRS} pairs of {TOKENS} tokens beside the machine's peak"
    return timed_table(settings, title, "pass", entries, {"pairs": PAIRS, "tokens": TOKENS, "real": False})


def _doing(operations: Mapping[str, float], entries: Iterable[Entry | LeftOut]) -> Iterator[Entry | LeftOut]:
    for entry in entries:
        yield entry if isinstance(entry, LeftOut) else replace(entry, figures=operations)


def _from_ids(ours: Ours, pairs: Sequence[Pair]) -> Pass:
    encoded = ours.model.encoder.encode(pairs)
    return lambda: ours.model.engine.logits(encoded)
