"""From a model's answers to validation rows to how sure it may be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from entailment.checkpoint.calibration import Scaling
from entailment.errors import InputError
from entailment.evaluate.metrics import cross_entropy, expected_calibration_error
from entailment.evaluate.predict import Predictions
from entailment.tasks.calibrate import fit_temperature, fit_temperature_and_bias, fit_threshold
from entailment.tasks.scores import softmax


def fit_scaling(
    found: Predictions, names: Sequence[str], *, data: str, bias: bool = False, target: float | None = None
) -> Scaling:
    """Fit temperature, biases and threshold to answers that were given without any.

    Args:
        found: the answers.
        names: of the classes that the model has; those of `found` must be the same, in whatever order.
        data: what the rows are called.
        bias: fit one for each class, too.
        target: the precision for which a threshold is wanted; None for no threshold.

    Raises:
        InputError: rows and model know different classes, or what the fits refuse.
    """
    there = {found.classes[index] for index in np.unique(found.gold)}
    if not there <= set(names) <= set(found.classes):
        raise InputError(
            f"the rows of {data} are measured as {', '.join(sorted(there))}, and the model's classes are "
            f"{', '.join(names)}: a fit needs rows labelled with the classes of the model"
        )
    columns = [found.classes.index(name) for name in names]
    probabilities = found.probabilities[:, columns]
    gold = np.array([columns.index(index) for index in found.gold.tolist()], dtype=np.int64)
    # Logits but for a number a row, which no softmax sees.
    logits = np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))
    temperature, biases = fit_temperature(logits, gold), np.zeros(len(names))
    if bias:
        temperature, biases = fit_temperature_and_bias(logits, gold)
    after = softmax(logits / temperature + biases)
    correct = after.argmax(axis=1) == gold
    return Scaling(
        temperature=temperature,
        bias=dict(zip(names, biases.tolist(), strict=True)) if bias else {},
        threshold=None if target is None else fit_threshold(after.max(axis=1), correct, target),
        data=data,
        rows=len(gold),
        loss=cross_entropy(after, gold),
        loss_before=cross_entropy(probabilities, gold),
        ece=expected_calibration_error(after.max(axis=1), correct),
        ece_before=expected_calibration_error(
            probabilities.max(axis=1), probabilities.argmax(axis=1) == gold
        ),
    )
