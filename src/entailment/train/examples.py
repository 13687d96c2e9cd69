"""Training examples: a premise with the hypotheses about it, and what is true of each.

NLI rows that share a premise become one example, and a labelled text becomes an example whose hypotheses are
its label and some of the labels it does not have (Yin et al. 2019, arXiv:1909.00161, section 4). Keeping them
together lets prefix attention read the premise once.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from entailment.errors import DataFileError
from entailment.train.source_rows import Row

ENTAILMENT, NEUTRAL, CONTRADICTION, NOT_ENTAILMENT = range(4)
LABEL_NAMES = ("entailment", "neutral", "contradiction")
"""What the three logits of a model trained here mean; `NOT_ENTAILMENT` is either of the last two."""

_TARGETS = {
    "entailment": ENTAILMENT,
    "neutral": NEUTRAL,
    "contradiction": CONTRADICTION,
    "not_entailment": NOT_ENTAILMENT,
}


@dataclass(frozen=True, slots=True)
class Example:
    """One premise, its hypotheses, and a target for each.

    Attributes:
        premise: the text that is read.
        hypotheses: what is asked of it.
        targets: for each hypothesis one of ENTAILMENT, NEUTRAL, CONTRADICTION, NOT_ENTAILMENT.
        choice: whether the hypotheses are rival labels of which exactly one, the first, is right.
    """

    premise: str
    hypotheses: tuple[str, ...]
    targets: tuple[int, ...]
    choice: bool = False


def from_nli(rows: Iterable[Row], *, most_hypotheses: int = 4) -> list[Example]:
    """Gather NLI rows (`premise`, `hypothesis`, `label`) by premise.

    Args:
        rows: in any order; labels are entailment, neutral, contradiction or not_entailment.
        most_hypotheses: a premise with more becomes several examples, so that no batch is about one text.

    Raises:
        DataFileError: a label of another name.
    """
    by_premise: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for number, row in enumerate(rows, start=1):
        label = str(row["label"])
        if label not in _TARGETS:
            raise DataFileError(
                f"row {number} has the label {label!r}; expected one of {', '.join(_TARGETS)}"
            )
        by_premise[str(row["premise"])].append((str(row["hypothesis"]), _TARGETS[label]))
    examples = []
    for premise, pairs in by_premise.items():
        for start in range(0, len(pairs), most_hypotheses):
            hypotheses, targets = zip(*pairs[start : start + most_hypotheses], strict=True)
            examples.append(Example(premise, hypotheses, targets))
    return examples


def from_topics(
    rows: Iterable[Row],
    *,
    seed: int,
    negatives: int = 3,
    templates: Sequence[str] = (),
    own_template: float = 0.5,
) -> list[Example]:
    """Recast rows (`text`, `label`, `labels_of_source`, `template`) as hypotheses, entailed and not.

    Args:
        rows: the labelled texts.
        seed: of the draws below; another seed gives other negatives and templates for the same texts.
        negatives: how many other labels of the source are drawn per text, at most.
        templates: general templates, used instead of the row's own one so that wording matters less.
        own_template: the share of examples that keep the row's own template.
    """
    draw = random.Random(seed)
    examples = []
    for row in rows:
        label, rivals = str(row["label"]), rival_labels(row)
        drawn = draw.sample(rivals, min(negatives, len(rivals)))
        template = str(row["template"])
        if templates and draw.random() >= own_template:
            template = draw.choice(templates)
        hypotheses = tuple(template.replace("{}", name) for name in (label, *drawn))
        targets = (ENTAILMENT, *[NOT_ENTAILMENT] * len(drawn))
        examples.append(Example(str(row["text"]), hypotheses, targets, choice=True))
    return examples


def rival_labels(row: Row) -> list[str]:
    """The labels of a labelled text's source that it does not have.

    Raises:
        DataFileError: `labels_of_source` is no list.
    """
    labels = row["labels_of_source"]
    if not isinstance(labels, list):
        raise DataFileError(f"labels_of_source is {labels!r}; expected a list of labels")
    return [str(label) for label in labels if label != row["label"]]
