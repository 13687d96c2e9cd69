"""tf_model.h5 as the TensorFlow classes of transformers 4 wrote it, from arrays by PyTorch's names.

The way of writing is Keras's `save_weights`: a group for each layer of the model with the names of its
variables as an attribute, and a dataset for each variable at the path that its name is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

#: Of each architecture, what its classes call variables that are neither kernel nor bias.
TABLES = ("position_embeddings", "token_type_embeddings")


def tf_path(name: str, scope: str, *, no_norm: bool = False) -> str:
    """bert.encoder.layer.0.x.weight -> scope/bert/encoder/layer_._0/x/kernel:0."""
    name = re.sub(r"\b(layer|ffn)\.(\d+)", lambda m: m[1] + ("_._" if m[1] == "layer" else ".") + m[2], name)
    parts = re.split(r"\.(?!\d)", name)
    owner, ending = parts[-2], parts[-1]
    if owner == "word_embeddings":
        ending = "weight"
    elif owner in TABLES:
        ending = "embeddings"
    elif "layernorm" in owner.lower().replace("_", ""):
        ending = ending if no_norm else {"weight": "gamma", "bias": "beta"}[ending]
    elif ending == "weight":
        ending = "kernel"
    return "/".join([scope, *parts[:-1], f"{ending}:0"])


def write_h5(
    path: Path, arrays: Mapping[str, np.ndarray], *, scope: str, no_norm: bool = False
) -> dict[str, str]:
    """Write the file; returns the path of each array in it."""
    places: dict[str, str] = {}
    with h5py.File(path, "w") as file:
        layers: dict[str, list[str]] = {}
        for name, array in arrays.items():
            layer, variable = name.partition(".")[0], tf_path(name, scope, no_norm=no_norm)
            layers.setdefault(layer, []).append(variable)
            places[name] = f"{layer}/{variable}"
            file[places[name]] = array.T if variable.endswith("kernel:0") else array
        file.create_group("dropout_37").attrs["weight_names"] = []
        file.attrs["layer_names"] = [layer.encode() for layer in [*layers, "dropout_37"]]
        file.attrs["backend"] = b"tensorflow"
        for layer, variables in layers.items():
            file[layer].attrs["weight_names"] = [variable.encode() for variable in variables]
    return places
