"""How sure a checkpoint may be: `calibration.json`, which `entail calibrate` writes beside the weights.

It holds what was fitted on validation rows, apart for the two questions that probabilities answer: which
class a pair is of, and which of several labels a text has. A fingerprint ties it to the weights. Without the
file, probabilities are those of the logits as they are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from entailment.checkpoint.json_files import number, read_json, write_json
from entailment.errors import CheckpointError, CorruptCheckpointError

if TYPE_CHECKING:
    from entailment.checkpoint.folder import Checkpoint

CALIBRATION_FILE = "calibration.json"
FORMAT = "entailment-calibration-1"
LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 20.0
LARGEST_BIAS = 1e6

AGAIN = "run `entail calibrate` again, or remove the file"

Question = Literal["pairs", "labels"]


@dataclass(frozen=True)
class Threshold:
    """From which probability on the top answer was right often enough.

    Attributes:
        value: the least probability of the top answer, from 0 to 1.
        target: the precision that was wanted.
        precision: what share of the answers from there on was right.
        coverage: what share of the rows those were.
    """

    value: float
    target: float
    precision: float
    coverage: float


@dataclass(frozen=True)
class Scaling:
    """What was fitted for one question, and on what.

    Attributes:
        temperature: logits are divided by it.
        bias: added to the logits after that, by the name of the class; empty for none.
        threshold: None where no precision was asked for.
        data: the name of the file or set of validation rows.
        rows: how many there were.
        loss, loss_before: mean cross-entropy of those rows, in nats, with and without this scaling.
        ece, ece_before: expected calibration error, likewise.
    """

    temperature: float
    bias: Mapping[str, float]
    threshold: Threshold | None
    data: str
    rows: int
    loss: float
    loss_before: float
    ece: float
    ece_before: float


@dataclass(frozen=True)
class Calibration:
    """What there is for each question; as it is made without arguments, it changes nothing.

    Attributes:
        pairs: for the classes of a pair: NLI, documents, and labels that are asked one by one.
        labels: for the rival labels of a text, of which one is right.
    """

    pairs: Scaling | None = field(default=None)
    labels: Scaling | None = field(default=None)

    def of_pairs(
        self, logits: NDArray[np.floating[Any]], names: tuple[str, ...]
    ) -> NDArray[np.floating[Any]]:
        """Calibrated logits [N, K], given logits and the names of the K classes.

        The names are those of the biases, if there are biases; see `check_names`.
        """
        if self.pairs is None:
            return logits
        bias = np.array([self.pairs.bias[name] for name in names]) if self.pairs.bias else 0.0
        return np.asarray(logits / self.pairs.temperature + bias, dtype=np.float64)

    def of_labels(self, logits: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """Calibrated entailment logits of the rival labels of a text, any shape, given those."""
        if self.labels is None:
            return logits
        return np.asarray(logits / self.labels.temperature, dtype=np.float64)

    def check_names(self, names: tuple[str, ...]) -> None:
        """See that biases, if there are any, are those of these classes of a pair.

        Raises:
            CheckpointError: they were fitted for others, and a part of them would be worse than none.
        """
        if self.pairs is not None and self.pairs.bias and set(self.pairs.bias) != set(names):
            raise CheckpointError(
                f"{CALIBRATION_FILE} has biases for {', '.join(self.pairs.bias)}, but the logits are opened "
                f"as {', '.join(names)}; fit it again for these with `entail calibrate`, or open the model "
                "with the label order that it was fitted with"
            )


UNCALIBRATED = Calibration()


def calibration_of(checkpoint: Checkpoint) -> Calibration:
    """That of an opened checkpoint; `UNCALIBRATED` where it has no such file.

    Raises:
        CheckpointError, CorruptCheckpointError: as `read_calibration` does.
    """
    if not (checkpoint.folder / CALIBRATION_FILE).is_file():
        return UNCALIBRATED
    return read_calibration(checkpoint.folder, checkpoint.fingerprint())


def write_calibration(folder: Path, found: Calibration, print_of: str) -> None:
    """Write it beside the weights of this fingerprint.

    Raises:
        CheckpointError: the file cannot be written.
    """
    scalings = {name: each for name, each in asdict(found).items() if each is not None}
    write_json(folder / CALIBRATION_FILE, {"format": FORMAT, "weights": print_of, **scalings})


def read_calibration(folder: Path, print_of: str) -> Calibration:
    """What `write_calibration` wrote.

    Raises:
        CheckpointError: there is no such file, or it was made for other weights.
        CorruptCheckpointError: it is damaged.
    """
    path = folder / CALIBRATION_FILE
    value = read_json(path)
    if value.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} has the format {value.get('format')!r:.40}, and this version reads {FORMAT}; {AGAIN}"
        )
    if value.get("weights") != print_of:
        raise CheckpointError(f"{path} was made for other weights than those beside it; {AGAIN}")
    try:
        pairs, labels = (
            None if value.get(name) is None else _scaling(value[name]) for name in ("pairs", "labels")
        )
        return Calibration(pairs, labels)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise CorruptCheckpointError(f"{path} is damaged ({error!r:.120}); {AGAIN}") from error


def _scaling(value: Mapping[str, Any]) -> Scaling:
    threshold = value["threshold"]
    if not isinstance(value["data"], str):
        raise TypeError("data is no name")
    return Scaling(
        temperature=number(value["temperature"], LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE),
        bias={str(name): number(each, -LARGEST_BIAS, LARGEST_BIAS) for name, each in value["bias"].items()},
        threshold=None
        if threshold is None
        else Threshold(
            **{name: number(threshold[name], 0, 1) for name in ("value", "target", "precision", "coverage")}
        ),
        data=value["data"],
        rows=int(number(value["rows"], 1, 2**53)),
        **{name: number(value[name], 0, math.inf) for name in ("loss", "loss_before", "ece", "ece_before")},
    )
