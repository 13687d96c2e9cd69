"""What a precision costs: accuracy on 2,000 pairs of MultiNLI dev matched, and agreement with float32.

The rows with accuracy have the weights of the bundled model and do what its prefix attention does, the peers
through a mask over the joined pair, so that what differs is the conversion alone. The speeds of the peers are
those of the ordinary cross-encoder, which their converters know best. Ours with full attention has weights
that were trained for the other kind: how often it agrees with itself in float32 is all there is to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.ours import Ours, full_models, prefix_models
from benchmarks.peers import MEASURED_ROWS, trained_peers
from benchmarks.records import Kind, Row, Table
from benchmarks.scoring import LeftOut, Peer, in_batches
from benchmarks.settings import Settings
from benchmarks.workloads import Pair, mnli
from entailment.checkpoint.folder import open_checkpoint

QUICK_ROWS = 160
BATCH = 16
TITLE = "Accuracy by precision, {} pairs of MultiNLI dev matched"


def measure(settings: Settings) -> dict[str, Table]:
    """One table; nothing where there are no gold labels."""
    rows = mnli(settings.data, QUICK_ROWS if settings.quick else MEASURED_ROWS, shuffle=False)
    if not rows.gold:
        reason = "there is no data folder with nli/mnli_matched.parquet"
        return {"accuracy": Table(TITLE.format("no"), "pair", (), {"all": reason})}
    names = open_checkpoint(None).config.id2label
    by_name = {name.lower(): index for index, name in names.items()}
    gold = np.array([by_name[label] for label in rows.gold])
    left_out: dict[str, str] = {}
    prefix = _scorers((*prefix_models(settings), *trained_peers(settings)), left_out)
    full = _scorers(full_models(settings), left_out)
    found = [*_family(settings, prefix, rows.pairs, gold), *_family(settings, full, rows.pairs, None)]
    title = TITLE.format(f"{len(gold):,}")
    return {"accuracy": Table(title, "pair", tuple(found), left_out, {"pairs": len(gold), "real": True})}


def _family(
    settings: Settings, scorers: Sequence[Scorer], pairs: Sequence[Pair], gold: NDArray[np.intp] | None
) -> Iterator[Row]:
    """Models of one kind of attention, ours in float32 first, which the others agree with or do not."""
    reference: NDArray[np.intp] | None = None
    for scorer in scorers:
        settings.say(f"accuracy of {scorer.name}")
        answers = np.asarray(scorer.score(pairs)).argmax(axis=1)
        reference = answers if reference is None else reference
        figures = {"agreement": float((answers == reference).mean())}
        if gold is not None:
            figures = {"accuracy": float((answers == gold).mean()), **figures}
        yield Row(scorer.name, scorer.kind, scorer.precision, count=len(pairs), figures=figures)


@dataclass(frozen=True)
class Scorer:
    """A competitor whose answers are looked at."""

    name: str
    kind: Kind
    precision: str
    score: Callable[[Sequence[Pair]], object]


def _scorers(competitors: Iterable[Ours | Peer | LeftOut], left_out: dict[str, str]) -> list[Scorer]:
    scorers: list[Scorer] = []
    for competitor in competitors:
        if isinstance(competitor, LeftOut):
            left_out[competitor.name] = competitor.reason
        elif isinstance(competitor, Ours):
            scorers.append(Scorer(competitor.name, "ours", competitor.precision, competitor.score))
        else:
            score = in_batches(next(iter(competitor.ways.values())), BATCH)
            scorers.append(Scorer(competitor.name, "peer", competitor.precision, score))
    return scorers
