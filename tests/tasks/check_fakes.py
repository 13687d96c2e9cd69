"""A model whose tokens are words, and whose logits are a function of the two texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tests.tasks.pair_fakes import NLI_NAMES, Belief

from entailment.checkpoint.labels import order_stated
from entailment.errors import TextError
from entailment.tasks.model import PairModel
from entailment.text.pairs import EncodedPair, Truncation

INVISIBLE = "\u200b"


class WordTexts:
    """Encoder and engine in one; words of invisible characters are no tokens, as with BERT."""

    def __init__(self, belief: Belief, num_labels: int, room: int) -> None:
        self.belief = belief
        self.num_labels = num_labels
        self.room = room  # words of a pair
        self.texts: dict[tuple[int, ...], str] = {}
        self.ids: dict[str, int] = {}
        self.asked: list[tuple[str, str]] = []  # every pair the engine has seen
        self.cut = 0  # how many of them were cut

    def encode(self, pairs: Sequence[tuple[str, str]]) -> list[EncodedPair]:
        return [self._encode(premise, hypothesis, index) for index, (premise, hypothesis) in enumerate(pairs)]

    def _encode(self, premise: str, hypothesis: str, index: int) -> EncodedPair:
        first, second = self._tokens(premise), self._tokens(hypothesis)
        if not first:
            raise TextError(f"the premise of pair {index} is empty")
        if len(second) >= self.room:
            raise TextError(f"the hypothesis of pair {index} has {len(second)} tokens")
        kept = first[: self.room - len(second)]
        cut = None
        if len(kept) < len(first):
            place = 0
            for word in premise.split()[: len(kept)]:
                place = premise.index(word, place) + len(word)
            cut = Truncation(place, len(premise))
        heads = np.array([-1, *kept, -2])
        tails = np.array([*second, -2])
        self.texts[tuple(heads.tolist())] = premise
        self.texts[tuple(tails.tolist())] = hypothesis
        return EncodedPair(heads, tails, cut)

    def _tokens(self, text: str) -> list[int]:
        words = [word for word in text.split() if word.strip(INVISIBLE)]
        return [self.ids.setdefault(word, len(self.ids)) for word in words]

    def logits(self, pairs: Sequence[EncodedPair]) -> np.ndarray:
        rows = []
        for pair in pairs:
            texts = self.texts[tuple(pair.premise.tolist())], self.texts[tuple(pair.hypothesis.tolist())]
            self.asked.append(texts)
            self.cut += pair.truncated is not None
            rows.append(self.belief(*texts))
        return np.array(rows, dtype=np.float32).reshape(len(pairs), self.num_labels)


def word_model(belief: Belief, names: Sequence[str] = NLI_NAMES, *, room: int = 200) -> PairModel:
    texts = WordTexts(belief, len(names), room)
    return PairModel(name="fake", encoder=texts, engine=texts, labels=order_stated(names))


def texts_of(model: PairModel) -> WordTexts:
    assert isinstance(model.engine, WordTexts)
    return model.engine


def neutral(premise: str, hypothesis: str) -> tuple[float, float, float]:
    return 0.0, 5.0, 0.0
