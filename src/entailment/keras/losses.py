"""The losses the documented heads return, computed in float32 whatever the model computes in.

They are not reduced, so that a caller weights or averages them; the two of masked language modelling are, as
their example reads them as a number. A label of -100 is ignored.

Legend of shapes: B batch, T tokens, K classes, n labels that are not ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras import ops

from entailment.checkpoint.config import MobileBertConfig
from entailment.errors import InputError
from entailment.keras.inputs import check_labels, concrete

Tensor = Any


@dataclass(frozen=True, eq=False)
class Losses:
    """A loss for every label, and which of them count.

    Attributes:
        each: float32, of the logits' shape without the classes, or [] for a label []; 0 where one is ignored.
        counted: 1.0 or 0.0, of the same shape.
    """

    each: Tensor
    counted: Tensor

    def mean(self) -> Tensor:
        """[]: the mean of those that count, 0 where none does."""
        return ops.sum(self.each) / ops.maximum(ops.sum(self.counted), 1.0)

    def kept(self) -> Tensor:
        """[n]: those that count alone."""
        flat = ops.reshape(self.each, (-1,))
        return ops.take(flat, ops.nonzero(ops.reshape(self.counted, (-1,)))[0])


def class_losses(logits: Tensor, labels: Tensor, *, name: str = "labels") -> Losses:
    """Cross-entropy of [..., K] logits and [...] labels.

    Raises:
        InputError: labels of another shape or type, beyond the classes, or all ignored.
    """
    K, leading = logits.shape[-1], tuple(logits.shape[:-1])
    count = None
    if None not in leading:
        count = 1
        for size in leading:
            count *= int(size)
    check_labels(name, labels, K, count)
    wanted = ops.cast(ops.reshape(labels, (-1,)), "int32")
    flat = ops.cast(ops.reshape(logits, (-1, K)), "float32")
    counted = ops.cast(wanted >= 0, "float32")
    each = ops.sparse_categorical_crossentropy(ops.maximum(wanted, 0), flat, from_logits=True) * counted
    shape = ops.shape(logits)[:-1] if len(labels.shape) else ()  # a lone number has a lone loss
    return Losses(ops.reshape(each, shape), ops.reshape(counted, shape))


def sequence_losses(logits: Tensor, labels: Tensor, config: MobileBertConfig) -> Losses:
    """The losses of `config.problem_type`, which follows from labels and classes where it is not stated.

    Regression is the squared error, a single label cross-entropy, several labels binary cross-entropy, the
    two latter averaged over the classes of a text.

    Args:
        logits: [B, K].
        labels: [B] classes, [B] or [B, K] numbers for a regression, or [B, K] of 0 to 1 for several labels.
        config: states `problem_type`.

    Raises:
        InputError: the labels are not those of the problem.
    """
    problem = config.problem_type
    if problem is None:
        whole = "int" in str(labels.dtype)
        several = "single_label_classification" if whole else "multi_label_classification"
        problem = "regression" if logits.shape[-1] == 1 else several
    if problem == "single_label_classification":
        return class_losses(logits, labels)
    K, scores = logits.shape[-1], ops.cast(logits, "float32")
    known = [size for shape in (labels.shape, logits.shape) for size in shape]
    if None not in known and _size(labels.shape) != _size(logits.shape):
        raise InputError(f"labels of a {problem} must be {list(logits.shape)}, not {list(labels.shape)}")
    targets = ops.reshape(ops.cast(labels, "float32"), (-1, K))
    if problem == "regression":
        each = ops.mean(ops.square(scores - targets), axis=-1)
    else:
        values = concrete(labels)
        if values is not None and not ((values >= 0) & (values <= 1)).all():
            raise InputError("labels of a multi_label_classification must be 0 to 1 for each class")
        each = ops.mean(
            ops.maximum(scores, 0.0) - scores * targets + ops.log1p(ops.exp(-ops.abs(scores))), axis=-1
        )
    return Losses(each, ops.ones_like(each))


def span_losses(start_logits: Tensor, end_logits: Tensor, starts: Tensor, ends: Tensor) -> Losses:
    """For each text the mean of the cross-entropies of its answer's first and last token.

    A position before the text counts as its first token, as in the reference; one behind it is left out and
    adds 0.

    Args:
        start_logits: [B, T].
        end_logits: [B, T].
        starts: [B].
        ends: [B].

    Raises:
        InputError: positions of another shape, or every one outside the text.
    """
    T = ops.shape(start_logits)[-1]
    both = []
    for name, logits, positions in (
        ("start_positions", start_logits, starts),
        ("end_positions", end_logits, ends),
    ):
        clamped = ops.clip(ops.cast(positions, "int32"), 0, T)
        values = concrete(clamped)
        if values is not None and isinstance(T, int) and (values == T).all():
            raise InputError(
                f"{name} are all behind the text of {T} tokens: there is nothing to learn from this batch"
            )
        both.append(class_losses(logits, ops.where(clamped == T, -100, clamped), name=name))
    start, end = both
    return Losses((start.each + end.each) / 2, ops.maximum(start.counted, end.counted))


def _size(shape: Any) -> int:
    size = 1
    for one in shape:
        size *= int(one)
    return size
