"""How good a model in training is: NLI accuracy, and how often the right label of a text comes first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from entailment.models.load import PairClassifier
from entailment.models.losses import IGNORED
from entailment.tasks.calibrate import fit_temperature
from entailment.text.tokenizer import Tokenizer
from entailment.train.batches import EncodedExample, encode
from entailment.train.examples import ENTAILMENT, NOT_ENTAILMENT, Example, from_nli, rival_labels
from entailment.train.premises import Special, scored
from entailment.train.source_rows import Row

PREMISE_TOKENS, HYPOTHESIS_TOKENS = 256, 64

NO_LABEL = -1e4
"""The logit of a label that is not there: no softmax gives it a share, and unlike infinity it scales."""


def accuracy(model: PairClassifier, rows: Sequence[Row], tokenizer: Tokenizer, special: Special) -> float:
    """Share of NLI pairs whose most probable class is the right one."""
    logits, golds = nli_logits(model, rows, tokenizer, special)
    return float((logits.argmax(-1) == golds).mean())


def nli_logits(
    model: PairClassifier, rows: Sequence[Row], tokenizer: Tokenizer, special: Special
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits [N, K] of the NLI pairs of all rows, and the class of each [N], in an order of their own."""
    logits, golds = [], []
    for _, batch, found in scored(model, _encode(from_nli(rows), tokenizer), special):
        asked = batch.targets != IGNORED
        logits.append(found[asked].double().cpu().numpy())
        golds.append(batch.targets[asked].cpu().numpy())
    return np.concatenate(logits), np.concatenate(golds)


def choice_logits(
    model: PairClassifier, rows: Sequence[Row], tokenizer: Tokenizer, special: Special
) -> NDArray[np.float64]:
    """Entailment logits [N, L] of every label of each row's source in its template, the right one first.

    Where a source has fewer labels than L, `NO_LABEL` fills the row.
    """
    examples = _encode([_all_labels(row) for row in rows], tokenizer)
    out = np.full((len(rows), max(len(example.targets) for example in examples)), NO_LABEL)
    for members, batch, logits in scored(model, examples, special):
        entailment = logits[..., ENTAILMENT].double().masked_fill(batch.targets == IGNORED, NO_LABEL)
        out[members, : entailment.shape[1]] = entailment.cpu().numpy()
    return out


def choice_accuracy(
    model: PairClassifier, rows: Sequence[Row], tokenizer: Tokenizer, special: Special
) -> float:
    """Zero-shot accuracy with each row's template among all labels of its source, averaged over sources."""
    right: dict[str, list[bool]] = defaultdict(list)
    best = choice_logits(model, rows, tokenizer, special).argmax(-1)
    for row, index in zip(rows, best.tolist(), strict=True):
        right[str(row["source"])].append(index == 0)
    return sum(sum(found) / len(found) for found in right.values()) / len(right)


def best_temperature(
    nli: NDArray[np.float64], golds: NDArray[np.int64], choices: NDArray[np.float64]
) -> float:
    """The temperature that gives NLI pairs and choices between labels the lowest cross-entropy together.

    Args:
        nli, golds: as `nli_logits` returns them.
        choices: as `choice_logits` returns them.
    """
    rows, width = len(nli), max(nli.shape[1], choices.shape[1])
    logits = np.full((rows + len(choices), width), NO_LABEL)
    logits[:rows, : nli.shape[1]], logits[rows:, : choices.shape[1]] = nli, choices
    return fit_temperature(logits, np.concatenate([golds, np.zeros(len(choices), dtype=np.int64)]))


def _all_labels(row: Row) -> Example:
    """The text with its label first and every other label of its source after it."""
    labels = [str(row["label"]), *rival_labels(row)]
    hypotheses = tuple(str(row["template"]).replace("{}", label) for label in labels)
    targets = (ENTAILMENT, *[NOT_ENTAILMENT] * (len(labels) - 1))
    return Example(str(row["text"]), hypotheses, targets, choice=True)


def _encode(examples: Sequence[Example], tokenizer: Tokenizer) -> list[EncodedExample]:
    return encode(examples, tokenizer, premise_tokens=PREMISE_TOKENS, hypothesis_tokens=HYPOTHESIS_TOKENS)
