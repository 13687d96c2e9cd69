"""Which logit means entailment: by the checkpoint's names, by a probe, or stated by the user.

Families of checkpoints differ (typeform and MoritzLaurer: 0 entailment 1 neutral 2 contradiction, in two
spellings; bart: 0 contradiction 1 neutral 2 entailment; cross-encoder/nli-*: 0 contradiction 1 entailment 2
neutral; two-class models: entailment, not_entailment; some say LABEL_0 to LABEL_2 alone). A guess that is
wrong turns an accuracy of 84 % into 7 %, so nothing here guesses: names decide or say nothing, and the probe
decides or refuses.

The probe: a model that has learned inference at all puts most plain pairs of a class on the same logit,
whatever that is called. Softmax probabilities are averaged over the pairs of each class; the assignment of
classes to logits that collects most of them is taken if it clearly beats the next best and explains the
single pairs too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal

import numpy as np

from entailment.checkpoint.fields import printable, whole_number
from entailment.checkpoint.probe_pairs import PROBE_PAIRS
from entailment.errors import LabelOrderError

ENTAILMENT = "entailment"
NEUTRAL = "neutral"
CONTRADICTION = "contradiction"
NOT_ENTAILMENT = "not_entailment"

#: Spellings found in published checkpoints, after lower-casing and with "_" between words.
_SPELLINGS = {
    "entailment": ENTAILMENT,
    "entail": ENTAILMENT,
    "entails": ENTAILMENT,
    "entailed": ENTAILMENT,
    "neutral": NEUTRAL,
    "contradiction": CONTRADICTION,
    "contradict": CONTRADICTION,
    "contradicts": CONTRADICTION,
    "contradictory": CONTRADICTION,
    "not_entailment": NOT_ENTAILMENT,
    "not_entailed": NOT_ENTAILMENT,
    "notentailment": NOT_ENTAILMENT,
    "no_entailment": NOT_ENTAILMENT,
    "non_entailment": NOT_ENTAILMENT,
    "nonentailment": NOT_ENTAILMENT,
}

_CLASS_SETS = (
    {ENTAILMENT, NEUTRAL, CONTRADICTION},
    {ENTAILMENT, NOT_ENTAILMENT},
    {ENTAILMENT, CONTRADICTION},
)

#: Names that stand for an index alone.
_NUMBERED = re.compile(r"(label[ _-]*)?\d+", re.IGNORECASE)

#: Mean probability by which the best assignment of classes to logits must beat the next.
MARGIN = 0.1
#: Share of all pairs, and of each class's, that the assignment must explain.
RIGHT, RIGHT_IN_EACH_CLASS = 2 / 3, 1 / 2

_HOW_TO_STATE = (
    "State the order, one name per logit from logit 0 on: for instance "
    'label_order=["contradiction", "entailment", "neutral"]'
)


@dataclass(frozen=True)
class LabelOrder:
    """What each logit of an NLI model means.

    Attributes:
        names: by logit index; "entailment", "neutral", "contradiction", "not_entailment".
        entailment: index of that logit.
        neutral: likewise; None for a two-class model.
        contradiction: likewise; None for a model of entailment and not_entailment.
        not_entailment: likewise; None for all other models.
        source: how the order is known.
    """

    names: tuple[str, ...]
    entailment: int
    neutral: int | None
    contradiction: int | None
    not_entailment: int | None
    source: Literal["names", "probe", "stated"]

    @property
    def against(self) -> int:
        """The logit that speaks against entailment: contradiction, else not_entailment."""
        index = self.contradiction if self.contradiction is not None else self.not_entailment
        if index is None:
            raise LabelOrderError(
                f"none of {', '.join(self.names)} speaks against entailment. {_HOW_TO_STATE}"
            )
        return index


def order_from_names(
    id2label: Mapping[int, str] | Mapping[str, str], label2id: Mapping[str, object] | None = None
) -> LabelOrder | None:
    """The order that a checkpoint's own names state; None where they say nothing.

    Names like LABEL_0 say nothing, nor do names that are none of inference, nor does that of a single logit.

    Args:
        id2label: label name by logit index, which may be a text as in JSON.
        label2id: the checkpoint's other table, if it is to be checked; its ids may be texts.

    Raises:
        LabelOrderError: only some names are those of NLI, two logits have the same, or the tables contradict
            each other.
    """
    by_index = {whole_number(key): name for key, name in id2label.items()}
    if set(by_index) != set(range(len(by_index))):
        raise LabelOrderError(f"id2label does not name the logits 0 to {len(by_index) - 1}: {dict(id2label)}")
    raw = [by_index[index] for index in range(len(by_index))]
    names = [canonical(name) for name in raw]
    if not any(names) or len(names) == 1:
        return None
    for name, value in (label2id or {}).items():
        index = whole_number(value)
        meant = canonical(name)
        if meant in names and names.index(meant) != index:
            raise LabelOrderError(
                f"id2label says that logit {names.index(meant)} is {meant}, label2id says logit {value}. "
                f"{_HOW_TO_STATE}"
            )
    return _order(names, "names", f"the checkpoint names its logits {raw}")


def order_stated(names: Sequence[str], num_labels: int | None = None) -> LabelOrder:
    """The order a user states: one name per logit, from logit 0 on.

    Raises:
        LabelOrderError: a name is unknown, there twice or missing, or their number is not `num_labels`.
    """
    names = names.split(",") if isinstance(names, str) else list(names)
    if num_labels is not None and len(names) != num_labels:
        raise LabelOrderError(f"the stated order names {len(names)} logits, but the model has {num_labels}")
    return _order([canonical(name) for name in names], "stated", f"the stated order is {list(names)}")


def canonical(name: object) -> str | None:
    """The class a label name means, or None."""
    words = str(name).strip().lower().replace("-", " ").replace("_", " ").split()
    return _SPELLINGS.get("_".join(words))


def _order(names: Sequence[str | None], source: Literal["names", "probe", "stated"], seen: str) -> LabelOrder:
    """An order from canonical names; `seen` says in the error what they came from."""
    known = [name for name in names if name is not None]
    if len(known) != len(names) or len(set(known)) != len(known) or set(known) not in _CLASS_SETS:
        raise LabelOrderError(
            f"{seen}; known are entailment, neutral and contradiction, or entailment and not_entailment, "
            f"each once. {_HOW_TO_STATE}"
        )

    def index(name: str) -> int | None:
        return known.index(name) if name in known else None

    return LabelOrder(
        names=tuple(known),
        entailment=known.index(ENTAILMENT),
        neutral=index(NEUTRAL),
        contradiction=index(CONTRADICTION),
        not_entailment=index(NOT_ENTAILMENT),
        source=source,
    )


def order_from_probe(logits: np.ndarray, num_labels: int, class_names: Sequence[str] = ()) -> LabelOrder:
    """The label order that the logits of `PROBE_PAIRS` show.

    Args:
        logits: float [N, K], a row for each of `PROBE_PAIRS`.
        num_labels: K; 3 for entailment, neutral and contradiction, 2 for entailment and not_entailment.
        class_names: what the checkpoint calls its logits, for the message where they are of another task.

    Raises:
        LabelOrderError: the answers decide nothing; the message says what was seen, and how to state it.
    """
    logits = np.asarray(logits, dtype=np.float64)
    if logits.shape != (len(PROBE_PAIRS), num_labels):
        wanted = [len(PROBE_PAIRS), num_labels]
        raise LabelOrderError(f"the probe needs logits of shape {wanted}, not {list(logits.shape)}")
    if num_labels not in (2, 3):
        raise LabelOrderError(
            f"a model with {num_labels} logits is no NLI model: it has 2 or 3. {_HOW_TO_STATE}"
        )
    if not np.isfinite(logits).all():
        raise LabelOrderError(f"the model's answers to the probe are not finite numbers. {_HOW_TO_STATE}")
    classes = (ENTAILMENT, NEUTRAL, CONTRADICTION) if num_labels == 3 else (ENTAILMENT, NOT_ENTAILMENT)
    gold = np.array([_class(label, classes) for _, _, label in PROBE_PAIRS])
    members = [gold == index for index in range(num_labels)]
    logs = _log_softmax(logits)
    means = np.stack([np.exp(logs)[member].mean(axis=0) for member in members])
    rows = np.arange(num_labels)
    # An assignment gives the logit of each class; its score is the mean probability of the pairs there.
    assignments = np.array(list(permutations(range(num_labels))))
    scores = means[rows, assignments].mean(axis=1)
    best = assignments[scores.argmax()]
    margin = float(np.diff(np.sort(scores)[-2:])[0])
    # Against the level of each logit: a weak model leans to one class, and still tells the pairs apart.
    # Classes count alike, though the two-class probe has twice as many pairs against entailment.
    level = np.mean([logs[member].mean(axis=0) for member in members], axis=0)
    right = (logs - level).argmax(axis=1) == best[gold]
    by_class = [float(right[member].mean()) for member in members]
    if margin < MARGIN or np.mean(by_class) < RIGHT or min(by_class) < RIGHT_IN_EACH_CLASS:
        seen = "; ".join(
            f"{name} pairs {np.array2string(means[index], precision=2, separator=', ')}"
            for index, name in enumerate(classes)
        )
        explained = f"the best order explains {np.mean(by_class):.0%} of the pairs"
        raise LabelOrderError(_undecided(class_names, f"mean probability by logit: {seen}; {explained}"))
    names = [classes[int(np.flatnonzero(best == logit)[0])] for logit in range(num_labels)]
    return _order(names, "probe", "the probe's order")


def probe_disagreement(order: LabelOrder, logits: np.ndarray) -> str | None:
    """What the probe says against an order known otherwise; None where it agrees or cannot tell.

    Args:
        order: by name, or as stated.
        logits: float [N, K], a row for each of `PROBE_PAIRS`.
    """
    try:
        probed = order_from_probe(logits, len(order.names))
    except LabelOrderError:
        return None
    if (probed.entailment, probed.against) == (order.entailment, order.against):
        return None
    said = "the names say" if order.source == "names" else "it is stated"
    return (
        f"{said} that the logits are {', '.join(order.names)}, but the model answers plain pairs as if they "
        f"were {', '.join(probed.names)}"
    )


def _undecided(class_names: Sequence[str], figures: str) -> str:
    """What to say of a model whose answers to the probe show no order."""
    if not class_names or any(_NUMBERED.fullmatch(name.strip()) or canonical(name) for name in class_names):
        return f"the label names say nothing and the probe cannot tell the order ({figures}). {_HOW_TO_STATE}"
    return (
        f"its classes are {printable(', '.join(class_names))}: it classifies texts and is no model of "
        f"inference, and the probe cannot tell an order either ({figures}). {_HOW_TO_STATE}"
    )


def _class(label: str, classes: tuple[str, ...]) -> int:
    return classes.index(label) if label in classes else classes.index(NOT_ENTAILMENT)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    """[N, K] logits -> [N, K] logarithms of probabilities."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    logs: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs
