"""How a checkpoint computes in int8: `quantization.json`, which `entail quantize` writes beside the weights.

The file says for each linear layer how its input becomes 8-bit numbers, separately for processors that
multiply 8-bit weights exactly and for those that need one bit less, and what was measured before it was
written. It holds no weights: those are rounded when the model is opened.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from entailment.checkpoint.json_files import number, read_json, write_json
from entailment.errors import CheckpointError, CorruptCheckpointError

QUANTIZATION_FILE = "quantization.json"
FORMAT = "entailment-int8-1"

WeightBits = Literal[7, 8]
WEIGHT_BITS: tuple[WeightBits, ...] = (8, 7)

# What a range, a channel or a count can be at all; far beyond those of any model.
SMALLEST_SCALE, LARGEST_SCALE = 1e-12, 1e6
MOST = 2**31 - 1

AGAIN = "run `entail quantize` again"


@dataclass(frozen=True)
class Int8Input:
    """How the input of a linear layer becomes unsigned 8-bit numbers: round(x / scale) + zero_point.

    What lies outside of the numbers from 0 to 255 is cut off, except in a few channels: what is cut off there
    is added again in float32.

    Attributes:
        scale: the step between two numbers.
        zero_point: the number that stands for 0.
        outliers: the channels whose excess is added, in rising order.
    """

    scale: float
    zero_point: int
    outliers: tuple[int, ...]

    @property
    def lowest(self) -> float:
        """What the number 0 stands for."""
        return -self.zero_point * self.scale

    @property
    def highest(self) -> float:
        """What the number 255 stands for."""
        return (255 - self.zero_point) * self.scale


@dataclass(frozen=True)
class Gate:
    """What the int8 model was measured to do before it was accepted, beside the float32 model.

    Attributes:
        pairs: how many pairs both have judged.
        agreement: the share of them on which both give the same label.
        accuracy: of the int8 model, from 0 to 1; None where the pairs had no labels.
        float32_accuracy: likewise, of the float32 model.
        float32_layers: linear layers that were left in float32 to get there.
    """

    pairs: int
    agreement: float
    accuracy: float | None
    float32_accuracy: float | None
    float32_layers: tuple[str, ...]


@dataclass(frozen=True)
class Quantization:
    """Which linear layers compute in int8, and how.

    Attributes:
        weight_bits: of the weights, sign included.
        inputs: by the name of the linear layer; layers that are not named compute in float32.
        gate: what was measured.
    """

    weight_bits: WeightBits
    inputs: Mapping[str, Int8Input]
    gate: Gate


def fingerprint(weights: Mapping[str, npt.NDArray[np.floating[Any]]]) -> str:
    """Tells weights from others cheaply: a hash of all vectors and of the first row of every matrix.

    Any further training changes those, and so does an adapter that is merged into the matrices alone.
    """
    digest = hashlib.sha256()
    for name in sorted(weights):
        array = weights[name]
        digest.update(name.encode())
        digest.update(
            np.ascontiguousarray(array if array.ndim == 1 else array[:1], dtype=np.float32).tobytes()
        )
    return digest.hexdigest()


def write_quantization(folder: Path, found: Mapping[WeightBits, Quantization], print_of: str) -> None:
    """Write what was found for each number of weight bits, for the weights of this fingerprint.

    Raises:
        CheckpointError: the file cannot be written.
    """
    plans = {
        str(bits): {
            "gate": asdict(plan.gate),
            "inputs": {name: asdict(each) for name, each in plan.inputs.items()},
        }
        for bits, plan in found.items()
    }
    write_json(folder / QUANTIZATION_FILE, {"format": FORMAT, "weights": print_of, "weight_bits": plans})


def read_quantization(folder: Path, most_bits: WeightBits, print_of: str) -> Quantization:
    """What `write_quantization` wrote for the most weight bits that a processor can do.

    Args:
        folder: of the checkpoint.
        most_bits: what the processor can do; it computes with fewer as well.
        print_of: the fingerprint of the weights that were read from the same folder.

    Raises:
        CheckpointError: there is no such file, it was made for other weights, or it has no plan for this
            processor.
        CorruptCheckpointError: it is damaged.
    """
    found = usable(read_quantizations(folder, print_of), most_bits)
    if found is None:
        raise CheckpointError(
            f"{folder / QUANTIZATION_FILE} has no plan for weights of {most_bits} bits, the most that this "
            "processor computes exactly: run `entail quantize` on this machine, or use float32"
        )
    return found


def usable(found: Mapping[WeightBits, Quantization], most_bits: WeightBits) -> Quantization | None:
    """The plan for a processor that can do so many weight bits; None if there is none."""
    return next((found[bits] for bits in WEIGHT_BITS if bits <= most_bits and bits in found), None)


def read_quantizations(folder: Path, print_of: str) -> dict[WeightBits, Quantization]:
    """All that `write_quantization` wrote, by the bits of the weights.

    Raises:
        CheckpointError: there is no such file, or it was made for other weights.
        CorruptCheckpointError: it is damaged.
    """
    path = folder / QUANTIZATION_FILE
    value = read_json(path)
    if value.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} has the format {value.get('format')!r:.40}, and this version reads {FORMAT}; {AGAIN}"
        )
    if value.get("weights") != print_of:
        raise CheckpointError(f"{path} was made for other weights than those beside it; {AGAIN}")
    try:
        plans = dict(value["weight_bits"].items())
        return {bits: _plan(bits, plans[str(bits)]) for bits in WEIGHT_BITS if str(bits) in plans}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise CorruptCheckpointError(f"{path} is damaged ({error!r:.120}); {AGAIN}") from error


def _plan(weight_bits: WeightBits, value: Mapping[str, Any]) -> Quantization:
    inputs = {name: _input(each) for name, each in value["inputs"].items()}
    return Quantization(weight_bits, inputs, _gate(value["gate"]))


def _input(value: Mapping[str, Any]) -> Int8Input:
    outliers = tuple(_whole(channel, 0, MOST) for channel in value["outliers"])
    if any(first >= second for first, second in pairwise(outliers)):
        raise ValueError("outliers do not rise")
    scale = number(value["scale"], SMALLEST_SCALE, LARGEST_SCALE)
    return Int8Input(scale, _whole(value["zero_point"], 0, 255), outliers)


def _gate(value: Mapping[str, Any]) -> Gate:
    layers = value["float32_layers"]
    if not isinstance(layers, list) or not all(isinstance(name, str) for name in layers):
        raise TypeError("float32_layers is no list of names")
    accuracies = (value["accuracy"], value["float32_accuracy"])
    accuracy, float32_accuracy = (None if share is None else number(share, 0, 1) for share in accuracies)
    pairs, agreement = _whole(value["pairs"], 1, MOST), number(value["agreement"], 0, 1)
    return Gate(pairs, agreement, accuracy, float32_accuracy, tuple(layers))


def _whole(value: object, lowest: int, highest: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise ValueError(f"{value!r:.40} is no whole number from {lowest} to {highest}")
    return value
