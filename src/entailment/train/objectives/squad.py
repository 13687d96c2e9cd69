"""How answers are compared: exact match and F1 over words (Rajpurkar et al. 2016, arXiv:1606.05250, section
6.1).

Case, punctuation and the articles a, an and the do not count.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_UNMARKED = str.maketrans("", "", string.punctuation)


def words(answer: str) -> list[str]:
    """What of an answer counts."""
    return _ARTICLES.sub(" ", answer.lower().translate(_UNMARKED)).split()


def exact_match(said: str, golds: Sequence[str]) -> float:
    """1.0 if the answer is one of the right ones; with none, "no answer" (an empty text) is right."""
    return float(any(words(said) == gold for gold in _counted(golds)))


def f1(said: str, golds: Sequence[str]) -> float:
    """The best F1 of words shared with a right answer; with none, as `exact_match`."""
    return max(_shared(words(said), gold) for gold in _counted(golds))


def _counted(golds: Sequence[str]) -> list[list[str]]:
    """What of each right answer counts; "no answer" where nothing does."""
    return [found for gold in golds if (found := words(gold))] or [[]]


def _shared(said: Sequence[str], gold: Sequence[str]) -> float:
    if not said or not gold:
        return float(said == gold)
    both = (Counter(said) & Counter(gold)).total()
    return 2 * both / (len(said) + len(gold))
