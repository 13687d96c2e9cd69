"""What checkpoints call the arrays of the task heads; `entailment.checkpoint.names` has the encoder's.

Ours are the attributes that lead to a variable, without the "encoder." that comes first in the encoder.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from entailment.checkpoint.names import MOBILEBERT_ENCODER, TABLES

PREFIX = TABLES["mobilebert"].prefix

HEADS = {
    "predictions.transform.weight": "cls.predictions.transform.dense.weight",
    "predictions.transform.bias": "cls.predictions.transform.dense.bias",
    "predictions.norm.weight": "cls.predictions.transform.LayerNorm.weight",
    "predictions.norm.bias": "cls.predictions.transform.LayerNorm.bias",
    "predictions.decoder.weight": "cls.predictions.decoder.weight",
    "predictions.extra": "cls.predictions.dense.weight",
    "predictions.bias": "cls.predictions.bias",
    "seq_relationship.weight": "cls.seq_relationship.weight",
    "seq_relationship.bias": "cls.seq_relationship.bias",
    "classifier.weight": "classifier.weight",
    "classifier.bias": "classifier.bias",
    "qa_outputs.weight": "qa_outputs.weight",
    "qa_outputs.bias": "qa_outputs.bias",
}

WORDS = "embeddings.word_embeddings.weight"
DECODER = HEADS["predictions.decoder.weight"]

#: A second name of an array, beside the first or instead of it. Where the decoder is tied the two are one
#: array; where it is not, the reference computes with this one and leaves the first as it was.
SECOND_NAMES = {"cls.predictions.decoder.bias": "cls.predictions.bias"}

#: Known and dropped: 0, 1, 2, ..., a buffer that older releases saved.
DROPPED: dict[str, None] = {"embeddings.position_ids": None}

#: What any MobileBERT may have beside its layers: every head, and the pooler.
OTHERS = frozenset({*HEADS.values(), "pooler.dense.weight", "pooler.dense.bias"})

_TABLE = {**MOBILEBERT_ENCODER, **HEADS}
_INDEX = re.compile(r"(?<=\.)\d+(?=\.)")


def twins(held: Collection[str]) -> dict[str, str]:
    """Second name -> first, of `held` names, where the second is an array that the reference computes with.

    Args:
        held: the arrays of a model, by the checkpoint's names; an untied decoder is among them.
    """
    return {second: first for second, first in SECOND_NAMES.items() if {first, DECODER} <= set(held)}


def is_head(our_name: str) -> bool:
    """Whether an array belongs to a task head, not to the encoder."""
    return our_name in HEADS


def checkpoint_name(our_name: str) -> str:
    """The checkpoint's name of one of our arrays, without the encoder's prefix."""
    return _TABLE[_INDEX.sub("{}", our_name)].format(*_INDEX.findall(our_name))
