"""What loading a model found: as the model keeps it, and as the reference library words it."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import TypedDict

from entailment.checkpoint.head_names import checkpoint_names, saved_names

logger = logging.getLogger("entailment")


@dataclass(frozen=True)
class LoadingReport:
    """What loading had to decide.

    Attributes:
        checkpoint: its name.
        initialised: arrays of the model that the checkpoint lacks: new, and to be trained before they mean
            anything.
        unused: arrays of the checkpoint that belong to other heads.
        mismatched: (name, its shape in the checkpoint, its shape in the model) of those initialised for that.
    """

    checkpoint: str
    initialised: tuple[str, ...]
    unused: tuple[str, ...]
    mismatched: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...] = ()

    def warn(self, class_name: str) -> None:
        """Warn of arrays of a model of this class that are new, if any are."""
        if self.initialised:
            logger.warning(
                "%s has no trained weights for %s of %s: they are new, and mean nothing until trained",
                self.checkpoint,
                ", ".join(self.initialised),
                class_name,
            )


class LoadingInfo(TypedDict):
    """What loading found, with the checkpoint's names; answered where `output_loading_info` is True.

    Attributes:
        missing_keys: arrays that the checkpoint lacks, which are new.
        unexpected_keys: arrays of the checkpoint that the model has no place for.
        mismatched_keys: (name, shape in the checkpoint, shape in the model) of arrays that are new because
            `ignore_mismatched_sizes` was set.
        error_msgs: empty, for what is wrong is raised.
    """

    missing_keys: list[str]
    unexpected_keys: list[str]
    mismatched_keys: list[tuple[str, tuple[int, ...], tuple[int, ...]]]
    error_msgs: list[str]


def loading_info(report: LoadingReport, our_names: Collection[str], model_type: str) -> LoadingInfo:
    """The report as the reference words it: encoder arrays have their prefix, mismatched ones are apart.

    Args:
        report: of the loading.
        our_names: of the model's arrays.
        model_type: its architecture.
    """
    theirs, saved = checkpoint_names(our_names, model_type), saved_names(our_names, model_type)
    full = {theirs[name]: saved[name] for name in our_names}
    mismatched = {name for name, _, _ in report.mismatched}
    return {
        "missing_keys": [full[name] for name in report.initialised if name not in mismatched],
        "unexpected_keys": list(report.unused),
        "mismatched_keys": list(report.mismatched),
        "error_msgs": [],
    }
