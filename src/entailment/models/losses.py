"""The losses the documented heads return, computed in float32 whatever the model computes in.

Labels are checked first: a class beyond the last one is an `InputError` here, not a crash in the GPU's
kernel, and a batch in which every label is ignored raises instead of returning NaN.

Legend of shapes: B batch, T tokens, K classes, N anything.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from entailment.checkpoint.config import Config
from entailment.errors import InputError
from entailment.models.inputs import has_values

IGNORED = -100


def class_loss(logits: Tensor, labels: Tensor, *, name: str = "labels") -> Tensor:
    """Mean cross-entropy of [..., K] logits and [...] labels; those of -100 are ignored.

    Raises:
        InputError: labels of another shape or type, beyond the classes, or all ignored.
    """
    K = logits.shape[-1]
    if labels.is_floating_point() or labels.numel() != logits.numel() // K:
        raise InputError(
            f"{name} must be whole numbers {list(logits.shape[:-1])}, not {labels.dtype} {list(labels.shape)}"
        )
    flat = labels.reshape(-1).long()
    if has_values(flat):
        wrong = flat[((flat < 0) | (flat >= K)) & (flat != IGNORED)]
        if wrong.numel():
            raise InputError(
                f"{name} holds {int(wrong[0])}, but the classes are 0 to {K - 1} (-100 is ignored)"
            )
        if bool((flat == IGNORED).all()):
            raise InputError(
                f"{name} are all {IGNORED}, which is ignored: there is nothing to learn from this batch"
            )
    return F.cross_entropy(logits.reshape(-1, K).float(), flat, ignore_index=IGNORED)


def sequence_loss(logits: Tensor, labels: Tensor, config: Config) -> Tensor:
    """The loss of `config.problem_type`, which follows from labels and classes where it is not stated.

    Regression is the mean squared error, a single label cross-entropy, several labels binary cross-entropy
    each.

    Args:
        logits: [B, K].
        labels: [B] classes, [B] or [B, K] numbers for a regression, or [B, K] of 0 to 1 for several labels.
        config: states `problem_type`.

    Raises:
        InputError: the labels are not those of the problem.
    """
    problem = config.problem_type
    if problem is None:
        several = (
            "multi_label_classification" if labels.is_floating_point() else "single_label_classification"
        )
        problem = "regression" if logits.shape[-1] == 1 else several
    if problem == "single_label_classification":
        return class_loss(logits, labels)
    if labels.numel() != logits.numel():
        raise InputError(f"labels of a {problem} must be {list(logits.shape)}, not {list(labels.shape)}")
    targets = labels.reshape(logits.shape).float()
    if problem == "regression":
        return F.mse_loss(logits.float(), targets)
    if has_values(targets) and not bool(((targets >= 0) & (targets <= 1)).all()):
        raise InputError("labels of a multi_label_classification must be 0 to 1 for each class")
    return F.binary_cross_entropy_with_logits(logits.float(), targets)


def span_loss(start_logits: Tensor, end_logits: Tensor, starts: Tensor, ends: Tensor) -> Tensor:
    """Mean of the cross-entropies of an answer's first and last token; positions outside the text are
    ignored.

    Args:
        start_logits: [B, T].
        end_logits: [B, T].
        starts: [B].
        ends: [B].

    Raises:
        InputError: positions of another shape, or every one outside the text.
    """
    T = start_logits.shape[-1]
    losses = []
    for name, logits, positions in (
        ("start_positions", start_logits, starts),
        ("end_positions", end_logits, ends),
    ):
        # As in the reference: what lies before the text counts as its first token, what lies behind is left
        # out.
        whole = positions if positions.is_floating_point() else positions.long()  # -100 is no uint8
        clamped = whole.reshape(-1).clamp(0, T)
        if has_values(clamped) and bool((clamped == T).all()):
            raise InputError(
                f"{name} are all behind the text of {T} tokens: there is nothing to learn from this batch"
            )
        losses.append(class_loss(logits, clamped.masked_fill(clamped == T, IGNORED), name=name))
    return (losses[0] + losses[1]) / 2
