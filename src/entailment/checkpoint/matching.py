"""The arrays of a checkpoint matched with those of a model, every one of them accounted for.

An array the architecture does not have, an encoder array that is missing or doubled, half a head, or a wrong
shape is refused. A head the checkpoint was not trained with is left to be initialised, and reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from entailment.checkpoint import head_names
from entailment.checkpoint.config import Config
from entailment.checkpoint.fields import listed
from entailment.checkpoint.folder import Checkpoint
from entailment.checkpoint.loading_report import LoadingReport
from entailment.checkpoint.names import TABLES
from entailment.errors import WeightsMismatchError

Shape = tuple[int, ...]
Arrays = dict[str, np.ndarray]


def match(
    weights: Mapping[str, np.ndarray],
    shapes: Mapping[str, Shape],
    config: Config,
    checkpoint: Checkpoint,
    *,
    ignore_mismatched_sizes: bool = False,
) -> tuple[Arrays, LoadingReport]:
    """Find an array for each of a model's.

    Args:
        weights: by the checkpoint's names, with or without the encoder's prefix.
        shapes: of the model's arrays, by our names.
        config: the model's.
        checkpoint: for the report and for messages.
        ignore_mismatched_sizes: leave a head out whose shapes differ, instead of refusing it.

    Returns:
        The arrays by our names, and what the model has beside them.

    Raises:
        WeightsMismatchError: the arrays are not those of the model.
    """
    theirs = head_names.checkpoint_names(shapes, config.model_type)
    try:
        found, unused = _found(weights, theirs, config)
        kept = _of_right_shape(found, shapes, theirs, config.model_type, ignore_mismatched_sizes)
        missing = _missing(kept, theirs, config.model_type)
    except WeightsMismatchError as error:
        raise WeightsMismatchError(f"{checkpoint.folder}: {error}") from error
    mismatched = [
        (theirs[name], array.shape, shapes[name])
        for name, array in found.items()
        if array.shape != shapes[name]
    ]
    report = LoadingReport(
        checkpoint.name,
        tuple(sorted(theirs[name] for name in missing)),
        tuple(sorted(unused)),
        tuple(sorted(mismatched)),
    )
    return kept, report


def tied_as_stored(config: Config, weights: Mapping[str, np.ndarray]) -> Config:
    """The configuration, in which the decoder is not tied to the word embeddings where it is another array.

    Old files hold the decoder beside the embeddings it was tied to. Where the two differ they were never
    tied, whatever config.json says, and scoring with the embeddings would be another model.
    """
    decoder = weights.get(head_names.HEADS[config.model_type]["predictions.decoder.weight"])
    prefix = TABLES[config.model_type].prefix
    words = weights.get(prefix + head_names.WORDS, weights.get(head_names.WORDS))
    if decoder is None or words is None or np.array_equal(decoder, words):
        return config
    return replace(config, extra={**config.extra, "tie_word_embeddings": False})


def _found(
    weights: Mapping[str, np.ndarray], theirs: Mapping[str, str], config: Config
) -> tuple[Arrays, list[str]]:
    """The model's arrays under our names, and the names of those that belong to other heads."""
    ours = {checkpoint_name: name for name, checkpoint_name in theirs.items()}
    kind, second_names = config.model_type, head_names.SECOND_NAMES
    prefix, others = TABLES[kind].prefix, head_names.other_names(kind)
    outdone = {first for second, first in head_names.twins(ours, kind).items() if second in weights}
    found: Arrays = {}
    sources: dict[str, str] = {}
    unused: list[str] = []
    unknown: list[str] = []
    for source, array in weights.items():
        bare = second_names.get(source, source.removeprefix(prefix))
        name = ours.get(bare)
        # The head has no prefix: "bert.classifier.weight" would be something else.
        misplaced = source.startswith(prefix) and bare in others and not bare.startswith("pooler.")
        if bare in head_names.DROPPED or source in outdone:
            continue
        if misplaced or (name is None and bare not in others):
            unknown.append(source)
        elif name is None:
            if not (bare in head_names.DECODERS and "predictions.bias" in theirs):  # tied: the words again
                unused.append(source)
        elif name in found and not (
            {source, sources[name]} & second_names.keys() and np.array_equal(found[name], array)
        ):
            raise WeightsMismatchError(f"the weights hold {bare} twice: as {sources[name]} and as {source}")
        elif array.dtype.kind != "f":
            raise WeightsMismatchError(f"{source} is of type {array.dtype}, not of floating point")
        else:
            found[name], sources[name] = array, source
    if unknown:
        raise WeightsMismatchError(
            f"the weights hold {listed(unknown)}, which a {kind} of "
            f"{config.num_hidden_layers} layers does not have; is config.json the one of these weights?"
        )
    return found, unused


def _of_right_shape(
    found: Mapping[str, np.ndarray],
    shapes: Mapping[str, Shape],
    theirs: Mapping[str, str],
    model_type: str,
    ignore_mismatched_sizes: bool,
) -> Arrays:
    """The arrays, without the whole of any head of which one has another shape, if that may be ignored."""
    others: set[str] = set()
    for name, array in found.items():
        if array.shape == shapes[name]:
            continue
        is_head = head_names.is_head(name, model_type)
        if not (is_head and ignore_mismatched_sizes):
            hint = "; ignore_mismatched_sizes=True starts with a new head" if is_head else ""
            raise WeightsMismatchError(
                f"{theirs[name]} has shape {list(array.shape)}, but the model needs {list(shapes[name])}: is "
                f"config.json the one of these weights?{hint}"
            )
        others.add(name.split(".")[0])
    return {name: array for name, array in found.items() if name.split(".")[0] not in others}


def _missing(found: Mapping[str, np.ndarray], theirs: Mapping[str, str], model_type: str) -> list[str]:
    """What has to be initialised: whole heads and the pooler. Anything else that is missing is an error."""
    missing = [name for name in theirs if name not in found]
    present = {name.split(".")[0] for name in found}
    for name in missing:
        part = name.split(".")[0]
        if part in present or not (head_names.is_head(name, model_type) or part == "pooler"):
            raise WeightsMismatchError(
                f"the weights lack {listed([theirs[one] for one in missing])}, which config.json needs; "
                "is it the config.json of these weights?"
            )
    return missing
