"""An engine without a model, for tests of everything above it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from entailment.errors import InputError
from entailment.runtime.engine import Logits
from entailment.text.pairs import EncodedPair


class StubEngine:
    """Logits without a model, for tests of everything above it: the same pair always gets the same logits.

    Entailment grows with the share of the hypothesis's tokens that occur in the premise, contradiction falls
    with it.

    Args:
        num_labels: K. Logit 0 is entailment; the last is contradiction, or not_entailment where there are
            two.
    """

    def __init__(self, num_labels: int = 3) -> None:
        if num_labels < 1:
            raise InputError(f"num_labels is {num_labels}; it must be at least 1")
        self._num_labels = num_labels

    @property
    def num_labels(self) -> int:
        """K, the logits of a pair."""
        return self._num_labels

    def logits(self, pairs: Sequence[EncodedPair]) -> Logits:
        """Logits [N, K]: from 4 down to -4 where all tokens are shared, the reverse where none are."""
        shares = np.array([shared_tokens(pair) for pair in pairs], dtype=np.float32).reshape(-1, 1)  # [N, 1]
        slope = np.linspace(4.0, -4.0, self.num_labels, dtype=np.float32)  # [K]
        return (2.0 * shares - 1.0) * slope


def shared_tokens(pair: EncodedPair) -> float:
    """The share of the hypothesis's tokens, [SEP] aside, that occur in the premise; 0 for no tokens."""
    tokens = pair.hypothesis[:-1]
    return float(np.isin(tokens, pair.premise).mean()) if len(tokens) else 0.0
