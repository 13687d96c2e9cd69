"""What a checkpoint calls each array, and what we call it.

A table maps our name to the name in the checkpoint; `{}` stands for a layer index. Names that checkpoints
are known to carry and that hold nothing a classifier needs map from the checkpoint's name to ``None`` in
`DROPPED`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from entailment.checkpoint.config import Config, MobileBertConfig
from entailment.checkpoint.fields import listed
from entailment.checkpoint.shapes import Shape, shapes
from entailment.errors import WeightsMismatchError

BERT_ENCODER = {
    "embeddings.word.weight": "embeddings.word_embeddings.weight",
    "embeddings.position.weight": "embeddings.position_embeddings.weight",
    "embeddings.token_type.weight": "embeddings.token_type_embeddings.weight",
    "embeddings.norm.weight": "embeddings.LayerNorm.weight",
    "embeddings.norm.bias": "embeddings.LayerNorm.bias",
    "layers.{}.attention.query.weight": "encoder.layer.{}.attention.self.query.weight",
    "layers.{}.attention.query.bias": "encoder.layer.{}.attention.self.query.bias",
    "layers.{}.attention.key.weight": "encoder.layer.{}.attention.self.key.weight",
    "layers.{}.attention.key.bias": "encoder.layer.{}.attention.self.key.bias",
    "layers.{}.attention.value.weight": "encoder.layer.{}.attention.self.value.weight",
    "layers.{}.attention.value.bias": "encoder.layer.{}.attention.self.value.bias",
    "layers.{}.attention.output.weight": "encoder.layer.{}.attention.output.dense.weight",
    "layers.{}.attention.output.bias": "encoder.layer.{}.attention.output.dense.bias",
    "layers.{}.attention.norm.weight": "encoder.layer.{}.attention.output.LayerNorm.weight",
    "layers.{}.attention.norm.bias": "encoder.layer.{}.attention.output.LayerNorm.bias",
    "layers.{}.feed_forward.up.weight": "encoder.layer.{}.intermediate.dense.weight",
    "layers.{}.feed_forward.up.bias": "encoder.layer.{}.intermediate.dense.bias",
    "layers.{}.feed_forward.down.weight": "encoder.layer.{}.output.dense.weight",
    "layers.{}.feed_forward.down.bias": "encoder.layer.{}.output.dense.bias",
    "layers.{}.feed_forward.norm.weight": "encoder.layer.{}.output.LayerNorm.weight",
    "layers.{}.feed_forward.norm.bias": "encoder.layer.{}.output.LayerNorm.bias",
    "pooler.weight": "pooler.dense.weight",
    "pooler.bias": "pooler.dense.bias",
}

BERT_HEAD = {
    "classifier.weight": "classifier.weight",
    "classifier.bias": "classifier.bias",
}

DISTILBERT_ENCODER = {
    "embeddings.word.weight": "embeddings.word_embeddings.weight",
    "embeddings.position.weight": "embeddings.position_embeddings.weight",
    "embeddings.norm.weight": "embeddings.LayerNorm.weight",
    "embeddings.norm.bias": "embeddings.LayerNorm.bias",
    "layers.{}.attention.query.weight": "transformer.layer.{}.attention.q_lin.weight",
    "layers.{}.attention.query.bias": "transformer.layer.{}.attention.q_lin.bias",
    "layers.{}.attention.key.weight": "transformer.layer.{}.attention.k_lin.weight",
    "layers.{}.attention.key.bias": "transformer.layer.{}.attention.k_lin.bias",
    "layers.{}.attention.value.weight": "transformer.layer.{}.attention.v_lin.weight",
    "layers.{}.attention.value.bias": "transformer.layer.{}.attention.v_lin.bias",
    "layers.{}.attention.output.weight": "transformer.layer.{}.attention.out_lin.weight",
    "layers.{}.attention.output.bias": "transformer.layer.{}.attention.out_lin.bias",
    "layers.{}.attention.norm.weight": "transformer.layer.{}.sa_layer_norm.weight",
    "layers.{}.attention.norm.bias": "transformer.layer.{}.sa_layer_norm.bias",
    "layers.{}.feed_forward.up.weight": "transformer.layer.{}.ffn.lin1.weight",
    "layers.{}.feed_forward.up.bias": "transformer.layer.{}.ffn.lin1.bias",
    "layers.{}.feed_forward.down.weight": "transformer.layer.{}.ffn.lin2.weight",
    "layers.{}.feed_forward.down.bias": "transformer.layer.{}.ffn.lin2.bias",
    "layers.{}.feed_forward.norm.weight": "transformer.layer.{}.output_layer_norm.weight",
    "layers.{}.feed_forward.norm.bias": "transformer.layer.{}.output_layer_norm.bias",
}

DISTILBERT_HEAD = {
    "pre_classifier.weight": "pre_classifier.weight",
    "pre_classifier.bias": "pre_classifier.bias",
    **BERT_HEAD,
}

# Where it is built like BERT it is named like BERT. Names of parts that the configuration switches off are
# unused.
MOBILEBERT_ENCODER = {
    **BERT_ENCODER,
    "embeddings.transformation.weight": "embeddings.embedding_transformation.weight",
    "embeddings.transformation.bias": "embeddings.embedding_transformation.bias",
    "layers.{}.networks.{}.up.weight": "encoder.layer.{}.ffn.{}.intermediate.dense.weight",
    "layers.{}.networks.{}.up.bias": "encoder.layer.{}.ffn.{}.intermediate.dense.bias",
    "layers.{}.networks.{}.down.weight": "encoder.layer.{}.ffn.{}.output.dense.weight",
    "layers.{}.networks.{}.down.bias": "encoder.layer.{}.ffn.{}.output.dense.bias",
    "layers.{}.networks.{}.norm.weight": "encoder.layer.{}.ffn.{}.output.LayerNorm.weight",
    "layers.{}.networks.{}.norm.bias": "encoder.layer.{}.ffn.{}.output.LayerNorm.bias",
    "layers.{}.bottleneck.input.weight": "encoder.layer.{}.bottleneck.input.dense.weight",
    "layers.{}.bottleneck.input.bias": "encoder.layer.{}.bottleneck.input.dense.bias",
    "layers.{}.bottleneck.input_norm.weight": "encoder.layer.{}.bottleneck.input.LayerNorm.weight",
    "layers.{}.bottleneck.input_norm.bias": "encoder.layer.{}.bottleneck.input.LayerNorm.bias",
    "layers.{}.bottleneck.attention.weight": "encoder.layer.{}.bottleneck.attention.dense.weight",
    "layers.{}.bottleneck.attention.bias": "encoder.layer.{}.bottleneck.attention.dense.bias",
    "layers.{}.bottleneck.attention_norm.weight": "encoder.layer.{}.bottleneck.attention.LayerNorm.weight",
    "layers.{}.bottleneck.attention_norm.bias": "encoder.layer.{}.bottleneck.attention.LayerNorm.bias",
    "layers.{}.bottleneck.output.weight": "encoder.layer.{}.output.bottleneck.dense.weight",
    "layers.{}.bottleneck.output.bias": "encoder.layer.{}.output.bottleneck.dense.bias",
    "layers.{}.bottleneck.output_norm.weight": "encoder.layer.{}.output.bottleneck.LayerNorm.weight",
    "layers.{}.bottleneck.output_norm.bias": "encoder.layer.{}.output.bottleneck.LayerNorm.bias",
}

DROPPED: dict[str, None] = dict.fromkeys(
    (
        "embeddings.position_ids",  # 0, 1, 2, ...: a buffer that older releases saved
        "cls.predictions.bias",  # the pre-training heads
        "cls.predictions.dense.weight",
        "cls.predictions.decoder.bias",
        "cls.predictions.decoder.weight",
        "cls.predictions.transform.LayerNorm.bias",
        "cls.predictions.transform.LayerNorm.weight",
        "cls.predictions.transform.dense.bias",
        "cls.predictions.transform.dense.weight",
        "cls.seq_relationship.bias",
        "cls.seq_relationship.weight",
        "vocab_layer_norm.bias",  # DistilBERT's
        "vocab_layer_norm.weight",
        "vocab_projector.bias",
        "vocab_projector.weight",
        "vocab_transform.bias",
        "vocab_transform.weight",
    )
)


@dataclass(frozen=True)
class Table:
    """The names of one architecture; with a head, checkpoints put `prefix` before the encoder's."""

    prefix: str
    encoder: Mapping[str, str]
    head: Mapping[str, str]


TABLES = {
    "bert": Table("bert.", BERT_ENCODER, BERT_HEAD),
    "distilbert": Table("distilbert.", DISTILBERT_ENCODER, DISTILBERT_HEAD),
    "mobilebert": Table("mobilebert.", MOBILEBERT_ENCODER, BERT_HEAD),
}


def rename(
    weights: Mapping[str, np.ndarray], config: Config, *, require_head: bool = True
) -> dict[str, np.ndarray]:
    """The arrays of a checkpoint under our names, every one accounted for.

    Encoder names are taken with and without the architecture's prefix ("bert." and so on).

    Args:
        weights: arrays by the checkpoint's names, as `read_weights` gives them.
        config: what the shapes must agree with.
        require_head: the classification head must be there. False takes an encoder alone too, with or without
            pooler; a head that is there comes along, and must then be whole.

    Raises:
        WeightsMismatchError: a name is unknown, missing or there twice, or an array has another shape or is
            not of floating point.
    """
    table = TABLES[config.model_type]
    wanted = arrays_of(config)
    ours = {theirs: name for name, (theirs, _) in wanted.items()}
    found: dict[str, np.ndarray] = {}
    sources: dict[str, str] = {}
    unknown: list[str] = []
    for name, array in weights.items():
        bare = name.removeprefix(table.prefix)
        if bare in DROPPED:
            continue
        our_name = ours.get(bare)
        # The head has no prefix: "bert.classifier.weight" would be something else.
        if our_name is None or (bare != name and bare in table.head.values()):
            unknown.append(name)
        elif our_name in found:
            raise WeightsMismatchError(f"the weights hold {bare} twice: as {sources[our_name]} and as {name}")
        else:
            found[our_name], sources[our_name] = array, name
    if unknown:
        raise WeightsMismatchError(
            f"the weights hold {listed(unknown)}, which a {config.model_type} classifier of "
            f"{config.num_hidden_layers} layers does not have; is config.json the one of these weights?"
        )
    _check_complete(found, wanted, table, require_head=require_head)
    for our_name, array in found.items():
        _check_array(sources[our_name], array, wanted[our_name][1])
    return {our_name: found[our_name] for our_name in wanted if our_name in found}


def checkpoint_name(our_name: str, config: Config) -> str:
    """The checkpoint's name of one of our arrays, for saving: with the prefix that a model with a head has.

    Raises:
        WeightsMismatchError: the configuration has no array of this name.
    """
    wanted = arrays_of(config)
    if our_name not in wanted:
        raise WeightsMismatchError(
            f"a {config.model_type} of this configuration has no array named {our_name}"
        )
    table = TABLES[config.model_type]
    theirs = wanted[our_name][0]
    return theirs if theirs in table.head.values() else table.prefix + theirs


def arrays_of(config: Config) -> dict[str, tuple[str, Shape]]:
    """Our name -> the checkpoint's (without prefix) and the shape, for every array the configuration has."""
    table = TABLES[config.model_type]
    sizes = shapes(config)
    layers = range(config.num_hidden_layers)
    networks = range(config.num_feedforward_networks - 1 if isinstance(config, MobileBertConfig) else 0)
    expanded: dict[str, tuple[str, Shape]] = {}
    for pattern, theirs in {**table.encoder, **table.head}.items():
        if pattern not in sizes:
            continue
        for indices in product(*(layers, networks)[: pattern.count("{}")]):
            expanded[pattern.format(*indices)] = (theirs.format(*indices), sizes[pattern])
    return expanded


def _check_complete(
    found: Mapping[str, np.ndarray],
    wanted: Mapping[str, tuple[str, Shape]],
    table: Table,
    *,
    require_head: bool,
) -> None:
    missing = [name for name in wanted if name not in found]
    if missing and not require_head:
        for optional in (set(table.head), {"pooler.weight", "pooler.bias"}):
            if not optional & found.keys():
                missing = [name for name in missing if name not in optional]
    if not missing:
        return
    lacking = listed(wanted[name][0] for name in missing)
    if set(missing) <= table.head.keys():
        raise WeightsMismatchError(
            f"the weights lack the classification head ({lacking}): this is an encoder alone; fine-tune it, "
            "or name a checkpoint that was fine-tuned for inference"
        )
    raise WeightsMismatchError(
        f"the weights lack {lacking}, which config.json asks for; is it the config.json of these weights?"
    )


def _check_array(name: str, array: np.ndarray, shape: Shape) -> None:
    if array.shape != shape:
        raise WeightsMismatchError(
            f"{name} has shape {list(array.shape)}, but config.json asks for {list(shape)}; is it the "
            "config.json of these weights?"
        )
    if array.dtype.kind != "f":
        raise WeightsMismatchError(f"{name} is of type {array.dtype}, not of floating point")
