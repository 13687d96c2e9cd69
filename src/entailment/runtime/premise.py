"""An engine that remembers a premise: its keys and values of every layer are computed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock

import numpy as np
import numpy.typing as npt

from entailment.errors import InputError
from entailment.runtime.batches import by_premise, hypothesis_batches, premise_feeds
from entailment.runtime.engine import Engine, Logits, OnnxEngine, check_pairs
from entailment.runtime.halves import Halves
from entailment.text.pairs import EncodedPair
from entailment.text.tokenizer import Ids


@dataclass(frozen=True, eq=False)
class KeptPremise:
    """What hypotheses need of a premise.

    Attributes:
        ids: its tokens, int64 [S].
        states: keys and values of every layer by name, each float32 [1, A, S, D]: A heads of width D.
    """

    ids: Ids
    states: Mapping[str, npt.NDArray[np.float32]]


class PremiseEngine:
    """Answers as another engine does, and keeps the states of the longest premise that it met.

    It is meant for pairs of one premise, which differs from pair to pair by its cut alone: a hypothesis
    longer than the reserve leaves it less room. Those pairs, being rare, are computed as always. So are all
    pairs where a premise's states depend on its hypotheses, that is with full attention and in MobileBERT,
    and where the engine is not an `OnnxEngine`. May be used from several threads at once.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._kept: KeptPremise | None = None
        self._keeping = Lock()
        self._closed = False

    @property
    def num_labels(self) -> int:
        """K, the logits of a pair."""
        return self._engine.num_labels

    def logits(self, pairs: Sequence[EncodedPair]) -> Logits:
        """The other engine's logits, float32 [N, K], to rounding (see `OnnxEngine.logits`).

        Raises:
            InputError: the premise was closed, or a pair does not fit the model.
            NonFiniteLogitsError: the model answered NaN or infinity.
        """
        self.check_open()
        engine = self._engine
        if not isinstance(engine, OnnxEngine) or engine.halves is None or not pairs:
            return engine.logits(pairs)
        check_pairs(pairs, engine.config, engine.name)
        groups = list(by_premise(pairs))
        kept = self._keep(engine, engine.halves, max((pairs[group[0]].premise for group in groups), key=len))
        out = np.empty((len(pairs), self.num_labels), dtype=np.float32)
        others = []
        for group in groups:
            if np.array_equal(pairs[group[0]].premise, kept.ids):
                out[group] = logits_about(engine, engine.halves, kept, [pairs[index] for index in group])
            else:
                others += group
        if others:
            out[others] = engine.logits([pairs[index] for index in others])
        return out

    def close(self) -> None:
        """Forgets the premise. A call under way in another thread ends as it would have, or in InputError."""
        with self._keeping:
            self._closed, self._kept = True, None

    def check_open(self) -> None:
        """Refuses to go on once the premise was closed.

        Raises:
            InputError: it was.
        """
        if self._closed:
            raise InputError(
                "this premise was closed when its `with` block ended; open it again with .premise(text)"
            )

    def _keep(self, engine: OnnxEngine, halves: Halves, premise: Ids) -> KeptPremise:
        with self._keeping:
            self.check_open()
            if self._kept is None or len(self._kept.ids) < len(premise):
                self._kept = keep(engine, halves, premise)
            return self._kept


def keep(engine: OnnxEngine, halves: Halves, premise: Ids) -> KeptPremise:
    """The states of a premise, int64 [S], whose tokens the model knows."""
    opened = halves.open()
    with engine.calls.another() as alone:
        session = opened.premise.of(engine.threads if alone else 1)
        found = session.run(opened.states, premise_feeds(premise))
    return KeptPremise(premise, dict(zip(opened.states, found, strict=True)))


def logits_about(
    engine: OnnxEngine, halves: Halves, kept: KeptPremise, pairs: Sequence[EncodedPair]
) -> Logits:
    """Logits [N, K] of pairs that fit the model and hold the premise that was kept.

    Raises:
        NonFiniteLogitsError: the model answered NaN or infinity.
    """
    hypotheses = [pair.hypothesis for pair in pairs]
    batches = partial(hypothesis_batches, len(kept.ids), hypotheses)
    return engine.compute(halves.open().hypotheses, batches, len(pairs), kept.states)
