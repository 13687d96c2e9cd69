"""How good a model in training is: NLI accuracy, and how often the right label of a text comes first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import torch

from entailment.models.load import PairClassifier
from entailment.text.tokenizer import Tokenizer
from entailment.train.batches import IGNORED, EncodedExample, collate, encode, plan
from entailment.train.examples import ENTAILMENT, NOT_ENTAILMENT, Example, from_nli, rival_labels
from entailment.train.premises import Special, score

Row = Mapping[str, object]

TOKENS_PER_BATCH = 8192
PREMISE_TOKENS, HYPOTHESIS_TOKENS = 256, 64


def accuracy(model: PairClassifier, rows: Sequence[Row], tokenizer: Tokenizer, special: Special) -> float:
    """Share of NLI pairs whose most probable class is the right one."""
    right = asked = 0
    examples = _encode(from_nli(rows), tokenizer)
    for members in plan(examples, tokens_per_batch=TOKENS_PER_BATCH, seed=0):
        batch = collate([examples[i] for i in members], pad_id=special.pad_id, sep_id=special.sep_id)
        batch = batch.to(next(model.parameters()).device)
        with torch.inference_mode():
            predicted = score(model, batch).argmax(-1)
        right += int(((predicted == batch.targets) & (batch.targets != IGNORED)).sum())
        asked += int((batch.targets != IGNORED).sum())
    return right / asked


def choice_accuracy(
    model: PairClassifier, rows: Sequence[Row], tokenizer: Tokenizer, special: Special
) -> float:
    """Zero-shot accuracy with each row's template among all labels of its source, averaged over sources."""
    examples = _encode([_all_labels(row) for row in rows], tokenizer)
    right: dict[str, list[bool]] = defaultdict(list)
    for members in plan(examples, tokens_per_batch=TOKENS_PER_BATCH, seed=0):
        batch = collate([examples[i] for i in members], pad_id=special.pad_id, sep_id=special.sep_id)
        batch = batch.to(next(model.parameters()).device)
        with torch.inference_mode():
            entailment = score(model, batch)[..., ENTAILMENT].masked_fill(
                batch.targets == IGNORED, -torch.inf
            )
        for i, best in zip(members, entailment.argmax(-1).tolist(), strict=True):
            right[str(rows[i]["source"])].append(best == 0)
    return sum(sum(found) / len(found) for found in right.values()) / len(right)


def _all_labels(row: Row) -> Example:
    """The text with its label first and every other label of its source after it."""
    labels = [str(row["label"]), *rival_labels(row)]
    hypotheses = tuple(str(row["template"]).replace("{}", label) for label in labels)
    targets = (ENTAILMENT, *[NOT_ENTAILMENT] * (len(labels) - 1))
    return Example(str(row["text"]), hypotheses, targets, choice=True)


def _encode(examples: Sequence[Example], tokenizer: Tokenizer) -> list[EncodedExample]:
    return encode(examples, tokenizer, premise_tokens=PREMISE_TOKENS, hypothesis_tokens=HYPOTHESIS_TOKENS)
