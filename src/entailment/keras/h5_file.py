"""tf_model.h5 as the TensorFlow classes of transformers 4 wrote it, so that they open it.

`entailment.checkpoint.keras_file` describes the layout and reads it. A file is what Keras 2 `save_weights`
made: a group for each layer of the model, whose attribute `weight_names` lists its variables in order, and
each variable at the path that its name is, below the group.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from entailment.checkpoint import head_names
from entailment.checkpoint.config import MobileBertConfig
from entailment.errors import MissingExtraError
from entailment.keras.slots import Slot

#: What the heads' layers are called, for a dot could not stand in a name.
_SCOPES = {
    "cls.predictions.": "predictions___cls/predictions/",
    "cls.seq_relationship.": "seq_relationship___cls/seq_relationship/",
}


def write_h5(path: Path, slots: Mapping[str, Slot], class_name: str) -> None:
    """Write a model's arrays, float32.

    Args:
        path: of the file.
        slots: of the model, by our names.
        class_name: of the model, e.g. "TFMobileBertForMaskedLM", which variables carry as a scope.

    Raises:
        MissingExtraError: h5py is not installed.
        OSError: the file cannot be written.
    """
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError("h5py", extra="tensorflow", purpose="writing tf_model.h5") from error
    arrays = {variable_path(name, slot.variable.name): slot for name, slot in slots.items()}
    decoder = "predictions___cls/predictions/decoder/weight:0"
    if "predictions___cls/predictions/bias:0" in arrays:
        # There the decoder is an array of its own, whether it is tied or not.
        arrays.setdefault(decoder, slots["embeddings.word.weight"])
    scope = model_scope(class_name)
    with h5py.File(path, "w") as file:
        layers: dict[str, list[str]] = {}
        for place, slot in arrays.items():
            layer, variable = place.partition("/")[0], f"{scope}/{place}"
            array = slot.read()
            file[f"{layer}/{variable}"] = array.T if slot.transposed else array
            layers.setdefault(layer, []).append(variable)
        file.create_group("top_level_model_weights").attrs["weight_names"] = []
        file.attrs["layer_names"] = [layer.encode() for layer in layers]
        file.attrs["backend"] = b"tensorflow"
        file.attrs["keras_version"] = b"2.14.0"  # whose layout this is
        for layer, variables in layers.items():
            file[layer].attrs["weight_names"] = [variable.encode() for variable in variables]


def variable_path(our_name: str, keras_name: str) -> str:
    """Where the layer that owns an array puts it: mobilebert/encoder/layer_._0/.../kernel:0.

    Args:
        our_name: of the array.
        keras_name: of the variable, which says whether it is a kernel, a gamma, ...
    """
    kind = MobileBertConfig.model_type
    theirs = head_names.checkpoint_names([our_name], kind)[our_name]
    scope, rest = "" if head_names.is_head(our_name, kind) else f"{kind}/", theirs
    for dotted, scoped in _SCOPES.items():
        if theirs.startswith(dotted):
            scope, rest = scoped, theirs.removeprefix(dotted)
    owner, _, ending = rest.rpartition(".")
    # Only these embeddings keep Keras's name; words and decoder are plain weights there, and so is NoNorm's.
    table = owner.endswith(("position_embeddings", "token_type_embeddings"))
    ending = "embeddings" if table else keras_name if keras_name in _KEPT else ending
    parts = [re.sub(r"^layer\.", "layer_._", part) for part in re.split(r"\.(?!\d)", owner) if part]
    return scope + "/".join([*parts, f"{ending}:0"])


#: Keras's names of variables that the file has, too.
_KEPT = frozenset({"kernel", "gamma", "beta", "bias"})


def model_scope(class_name: str) -> str:
    """TFMobileBertForMaskedLM -> tf_mobile_bert_for_masked_lm, Keras's name of a model of the class."""
    words = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", class_name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()
