"""tf_model.h5, as the TensorFlow classes of transformers before release 5 saved it, under PyTorch's names.

An HDF5 file of groups and arrays, which h5py opens (the extra `h5`); nothing in it is run. Refused is what
these files never have and what makes HDF5 reach beyond the file, or into memory that the file does not fill:
arrays that are compressed, virtual, kept in other files, or not stored at all. Links are not followed.

A path is the layer of the Keras model, the scope of the model, and the variable:

    bert/tf_bert_for_sequence_classification/bert/encoder/layer_._0/attention/self/query/kernel:0
    classifier/tf_bert_for_sequence_classification/classifier/bias:0
    mlm___cls/tf_bert_for_pre_training/mlm___cls/predictions/bias:0

which become bert.encoder.layer.0.attention.self.query.weight, classifier.bias and cls.predictions.bias:
``_._`` parts a list from its index, ``a___b`` is b, and a kernel is the transpose of a weight.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from entailment.checkpoint.fields import printable
from entailment.errors import CorruptCheckpointError, MissingExtraError

#: What Keras calls a variable -> what PyTorch does.
ENDINGS = {"kernel": "weight", "gamma": "weight", "embeddings": "weight", "beta": "bias"}


def read_h5(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a tf_model.h5 by the names that PyTorch's classes have for them, kernels transposed.

    Raises:
        MissingExtraError: h5py is not installed.
        CorruptCheckpointError: the file is truncated or damaged, or holds something else than named arrays.
    """
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError("h5py", extra="h5", purpose=f"reading {path.name}") from error
    size = path.stat().st_size
    arrays: dict[str, np.ndarray] = {}
    try:
        with h5py.File(path, "r") as file:
            found: list[tuple[str, Any]] = []
            file.visititems(lambda name, entry: found.append((name, entry)))
            datasets = [(name, entry) for name, entry in found if isinstance(entry, h5py.Dataset)]
            if sum(dataset.nbytes for _, dataset in datasets) > size:
                raise CorruptCheckpointError("its arrays are larger than the file")
            for name, dataset in datasets:
                _add(arrays, name, _content(name, dataset))
    # h5py has no error of its own: each of these is what some damaged file has raised.
    except (CorruptCheckpointError, OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise CorruptCheckpointError(
            f"{path} is truncated or damaged ({error}); fetch the file again"
        ) from error
    if not arrays:
        raise CorruptCheckpointError(f"{path} holds no arrays")
    return arrays


def torch_name(path: str) -> str:
    """The name of a variable in PyTorch's classes, from its path in the file."""
    layer, *rest = path.removesuffix(":0").split("/")
    if layer in rest:
        parts = rest[rest.index(layer) :]
    elif rest and rest[0].startswith("tf_"):
        parts = rest[1:]
    else:
        parts = [layer, *rest]
    parts = [part.rpartition("___")[2] for part in parts]
    parts[-1] = ENDINGS.get(parts[-1], parts[-1])
    return ".".join(parts).replace("_._", ".")


def variable_name(variable: str) -> str:
    """The same from a variable's own name, in which no layer stands before the scope of the model."""
    return torch_name(f"/{variable}").removeprefix(".")


def is_kernel(path: str) -> bool:
    """Whether a variable is the transpose of a weight, where it has two axes."""
    return path.removesuffix(":0").endswith("/kernel")


def _content(name: str, dataset: Any) -> np.ndarray:
    """The array of a dataset, a kernel transposed."""
    if dataset.dtype.kind not in "fiub" or dataset.shape is None:
        raise CorruptCheckpointError(f"{printable(name)} is not an array of numbers")
    if dataset.is_virtual or dataset.external or dataset.id.get_create_plist().get_nfilters():
        raise CorruptCheckpointError(f"{printable(name)} is compressed, or kept outside the file")
    if dataset.id.get_storage_size() != dataset.nbytes:
        raise CorruptCheckpointError(f"{printable(name)} is not stored as large as it is")
    array: np.ndarray = dataset[()]
    if is_kernel(name) and array.ndim == 2:
        return np.ascontiguousarray(array.T)
    return array


def _add(arrays: dict[str, np.ndarray], path: str, array: np.ndarray) -> None:
    """Under its name; a layer that two others share is saved with each of them."""
    name = torch_name(path)
    if name in arrays and not np.array_equal(arrays[name], array, equal_nan=array.dtype.kind == "f"):
        raise CorruptCheckpointError(f"{printable(name)} is there twice, with different numbers")
    arrays[name] = array
