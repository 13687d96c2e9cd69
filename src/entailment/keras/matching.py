"""The arrays of a checkpoint matched with those of a model, every one of them accounted for.

An array the architecture does not have, an encoder array that is missing or doubled, half a head, or a wrong
shape is refused. A head the checkpoint was not trained with stays new and is reported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from entailment.checkpoint.fields import printable
from entailment.errors import WeightsMismatchError
from entailment.keras import names

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Match:
    """What goes where.

    Attributes:
        arrays: by our names.
        initialised: arrays of the model that the checkpoint lacks, by the checkpoint's names.
        unused: arrays of the checkpoint that belong to other heads.
        mismatched: (name, its shape in the checkpoint, its shape in the model) of those initialised for that.
    """

    arrays: dict[str, np.ndarray]
    initialised: tuple[str, ...]
    unused: tuple[str, ...]
    mismatched: tuple[tuple[str, Shape, Shape], ...]


def match(
    weights: Mapping[str, np.ndarray], shapes: Mapping[str, Shape], *, ignore_mismatched_sizes: bool = False
) -> Match:
    """Find an array for each of a model's.

    Args:
        weights: by the checkpoint's names, with or without the encoder's prefix.
        shapes: of the model's arrays, by our names.
        ignore_mismatched_sizes: leave a head new whose shapes differ, instead of refusing it.

    Raises:
        WeightsMismatchError: the arrays are not those of the model.
    """
    theirs = {name: names.checkpoint_name(name) for name in shapes}
    found, unused = _found(weights, theirs)
    kept = _of_right_shape(found, shapes, theirs, ignore_mismatched_sizes)
    missing = _missing(kept, theirs)
    mismatched = [
        (theirs[name], array.shape, shapes[name])
        for name, array in found.items()
        if array.shape != shapes[name]
    ]
    return Match(
        kept,
        tuple(sorted(theirs[name] for name in missing)),
        tuple(sorted(unused)),
        tuple(sorted(mismatched)),
    )


def _found(
    weights: Mapping[str, np.ndarray], theirs: Mapping[str, str]
) -> tuple[dict[str, np.ndarray], list[str]]:
    """The model's arrays under our names, and the names of those that belong to other heads."""
    ours = {checkpoint_name: name for name, checkpoint_name in theirs.items()}
    outdone = {first for second, first in names.twins(ours).items() if second in weights}
    found: dict[str, np.ndarray] = {}
    sources: dict[str, str] = {}
    unused: list[str] = []
    unknown: list[str] = []
    for source, array in weights.items():
        bare = names.SECOND_NAMES.get(source, source.removeprefix(names.PREFIX))
        name = ours.get(bare)
        # The head has no prefix: "mobilebert.classifier.weight" would be something else.
        misplaced = (
            source.startswith(names.PREFIX) and bare in names.OTHERS and not bare.startswith("pooler.")
        )
        if bare in names.DROPPED or source in outdone:
            continue
        if misplaced or (name is None and bare not in names.OTHERS):
            unknown.append(source)
        elif name is None:
            if not (bare == names.DECODER and "predictions.bias" in theirs):  # tied: it is the words again
                unused.append(source)
        elif name in found and not (
            {source, sources[name]} & names.SECOND_NAMES.keys() and np.array_equal(found[name], array)
        ):
            raise WeightsMismatchError(f"the weights hold {bare} twice: as {sources[name]} and as {source}")
        elif array.dtype.kind != "f":
            raise WeightsMismatchError(f"{source} is of type {array.dtype}, not of floating point")
        else:
            found[name], sources[name] = array, source
    if unknown:
        raise WeightsMismatchError(
            f"the weights hold {_listed(unknown)}, which a mobilebert of this size does not have; is "
            "config.json the one of these weights?"
        )
    return found, unused


def _of_right_shape(
    found: Mapping[str, np.ndarray],
    shapes: Mapping[str, Shape],
    theirs: Mapping[str, str],
    ignore_mismatched_sizes: bool,
) -> dict[str, np.ndarray]:
    """The arrays, without the whole of any head of which one has another shape, if that may be ignored."""
    others: set[str] = set()
    for name, array in found.items():
        if array.shape == shapes[name]:
            continue
        if not (names.is_head(name) and ignore_mismatched_sizes):
            hint = "; ignore_mismatched_sizes=True starts with a new head" if names.is_head(name) else ""
            raise WeightsMismatchError(
                f"{theirs[name]} has shape {list(array.shape)}, but the model needs {list(shapes[name])}: is "
                f"config.json the one of these weights?{hint}"
            )
        others.add(name.split(".")[0])
    return {name: array for name, array in found.items() if name.split(".")[0] not in others}


def _missing(found: Mapping[str, np.ndarray], theirs: Mapping[str, str]) -> list[str]:
    """What stays new: whole heads and the pooler. Anything else that is missing is an error."""
    missing = [name for name in theirs if name not in found]
    present = {name.split(".")[0] for name in found}
    for name in missing:
        part = name.split(".")[0]
        if part in present or not (names.is_head(name) or part == "pooler"):
            raise WeightsMismatchError(
                f"the weights lack {_listed([theirs[one] for one in missing])}, which config.json needs; "
                "is it the config.json of these weights?"
            )
    return missing


def _listed(items: Sequence[str], show: int = 3) -> str:
    more = f" and {len(items) - show} more" if len(items) > show else ""
    return ", ".join(printable(item) for item in items[:show]) + more
