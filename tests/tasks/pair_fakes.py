"""A model whose logits are a function of the two texts, so that tests say what the model believes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from entailment.checkpoint.labels import LabelOrder, order_stated
from entailment.errors import TextError
from entailment.tasks.model import PairModel
from entailment.text.pairs import EncodedPair, Truncation

Belief = Callable[[str, str], Sequence[float]]  # premise, hypothesis -> logits
NLI_NAMES = ("entailment", "neutral", "contradiction")


class FakeTexts:
    """Encoder and engine in one: an encoded text is one number, its place in the list of all texts seen."""

    def __init__(self, belief: Belief, num_labels: int, room: int, shared_room: bool) -> None:
        self.belief = belief
        self.num_labels = num_labels
        self.room = room
        self.shared_room = (
            shared_room  # a hypothesis takes its length away from the premise, as in full attention
        )
        self.calls: list[int] = []  # pairs of each call of the engine
        self.places: dict[str, int] = {}

    def encode(self, pairs: Sequence[tuple[str, str]]) -> list[EncodedPair]:
        return [self._encode(premise, hypothesis, index) for index, (premise, hypothesis) in enumerate(pairs)]

    def _encode(self, premise: str, hypothesis: str, index: int) -> EncodedPair:
        if len(hypothesis) > self.room:
            raise TextError(f"the hypothesis of pair {index} has {len(hypothesis)} tokens")
        room = self.room - len(hypothesis) * self.shared_room
        cut = Truncation(room, len(premise)) if len(premise) > room else None
        first, second = (
            np.array([self.places.setdefault(text, len(self.places))]) for text in (premise, hypothesis)
        )
        return EncodedPair(first, second, cut)

    def logits(self, pairs: Sequence[EncodedPair]) -> np.ndarray:
        self.calls.append(len(pairs))
        texts = list(self.places)
        rows = [self.belief(texts[pair.premise[0]], texts[pair.hypothesis[0]]) for pair in pairs]
        return np.array(rows, dtype=np.float32).reshape(len(pairs), self.num_labels)


def fake_model(
    belief: Belief,
    names: Sequence[str] | None = NLI_NAMES,
    *,
    num_labels: int | None = None,
    room: int = 200,
    shared_room: bool = False,
) -> PairModel:
    texts = FakeTexts(belief, num_labels or len(names or NLI_NAMES), room, shared_room)
    order: LabelOrder | None = order_stated(names) if names is not None else None
    return PairModel(name="fake", encoder=texts, engine=texts, labels=order)


def engine_of(model: PairModel) -> FakeTexts:
    assert isinstance(model.engine, FakeTexts)
    return model.engine


def by_word(premise: str, hypothesis: str) -> tuple[float, float, float]:
    """Entailed as strongly as the number of words of the hypothesis that stand in the premise."""
    words = {word.strip(".,").lower() for word in premise.split()}
    shared = sum(word.strip(".,").lower() in words for word in hypothesis.split())
    return 2.0 * shared, 0.0, -1.0 * shared
