"""What checkpoints call the arrays of the task heads; `entailment.checkpoint.names` has the encoders'.

A table maps our name to the checkpoint's. Ours are the names in a torch module's state dict, or the
attributes that lead to a Keras variable, without the "encoder." that stands before the encoder's in a task
class.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from entailment.checkpoint.names import TABLES

_BERT_HEADS = {
    "predictions.transform.weight": "cls.predictions.transform.dense.weight",
    "predictions.transform.bias": "cls.predictions.transform.dense.bias",
    "predictions.norm.weight": "cls.predictions.transform.LayerNorm.weight",
    "predictions.norm.bias": "cls.predictions.transform.LayerNorm.bias",
    "predictions.decoder.weight": "cls.predictions.decoder.weight",
    "predictions.bias": "cls.predictions.bias",
    "seq_relationship.weight": "cls.seq_relationship.weight",
    "seq_relationship.bias": "cls.seq_relationship.bias",
    "classifier.weight": "classifier.weight",
    "classifier.bias": "classifier.bias",
    "qa_outputs.weight": "qa_outputs.weight",
    "qa_outputs.bias": "qa_outputs.bias",
}

HEADS: dict[str, dict[str, str]] = {
    "bert": _BERT_HEADS,
    "mobilebert": {**_BERT_HEADS, "predictions.extra": "cls.predictions.dense.weight"},
    "distilbert": {
        "predictions.transform.weight": "vocab_transform.weight",
        "predictions.transform.bias": "vocab_transform.bias",
        "predictions.norm.weight": "vocab_layer_norm.weight",
        "predictions.norm.bias": "vocab_layer_norm.bias",
        "predictions.decoder.weight": "vocab_projector.weight",
        "predictions.bias": "vocab_projector.bias",
        "pre_classifier.weight": "pre_classifier.weight",
        "pre_classifier.bias": "pre_classifier.bias",
        "classifier.weight": "classifier.weight",
        "classifier.bias": "classifier.bias",
        "qa_outputs.weight": "qa_outputs.weight",
        "qa_outputs.bias": "qa_outputs.bias",
    },
}

#: A second name of an array, beside the first or instead of it. Where the decoder is tied the two are one
#: array; where it is not, the reference computes with this one and leaves the first as it was.
SECOND_NAMES = {"cls.predictions.decoder.bias": "cls.predictions.bias"}

#: The masked-language-model decoders; where they are tied, files may hold them or not.
DECODERS = frozenset({"cls.predictions.decoder.weight", "vocab_projector.weight"})

#: The word embeddings of every architecture.
WORDS = "embeddings.word_embeddings.weight"

#: Known and dropped: 0, 1, 2, ..., a buffer that older releases saved.
DROPPED: dict[str, None] = {"embeddings.position_ids": None}

_INDEX = re.compile(r"(?<=\.)\d+(?=\.)")


def twins(held: Collection[str], model_type: str) -> dict[str, str]:
    """Second name -> first, of `held` names, where the second is an array that the reference computes with.

    Args:
        held: the arrays of a model, by the checkpoint's names; an untied decoder is among them.
        model_type: its architecture.
    """
    decoder = HEADS[model_type]["predictions.decoder.weight"]
    return {second: first for second, first in SECOND_NAMES.items() if {first, decoder} <= set(held)}


def is_head(our_name: str, model_type: str) -> bool:
    """Whether an array belongs to a task head, not to the encoder."""
    return our_name in HEADS[model_type]


def checkpoint_names(our_names: Iterable[str], model_type: str) -> dict[str, str]:
    """Our name -> the checkpoint's, without the architecture's prefix ("bert." and so on)."""
    table = {**TABLES[model_type].encoder, **HEADS[model_type]}
    return {name: table[_INDEX.sub("{}", name)].format(*_INDEX.findall(name)) for name in our_names}


def saved_names(our_names: Iterable[str], model_type: str) -> dict[str, str]:
    """Our name -> the checkpoint's: beside a head, the encoder's have the architecture's prefix."""
    names, heads = checkpoint_names(our_names, model_type), HEADS[model_type]
    before = TABLES[model_type].prefix if heads.keys() & names.keys() else ""
    return {name: theirs if name in heads else before + theirs for name, theirs in names.items()}


def other_names(model_type: str) -> frozenset[str]:
    """What any model of the architecture may have beside its layers: every head, and the pooler."""
    pooler = {"pooler.dense.weight", "pooler.dense.bias"} if model_type != "distilbert" else set()
    return frozenset({*HEADS[model_type].values(), *pooler})
