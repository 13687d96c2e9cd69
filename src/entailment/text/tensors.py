"""Lists to arrays of the framework asked for; PyTorch and TensorFlow are imported only here, only then."""

from __future__ import annotations

from typing import Any

import numpy as np

from entailment.errors import InputError, MissingExtraError

FRAMEWORKS = ("pt", "np", "tf")


def to_tensor(name: str, values: Any, framework: str) -> Any:
    """Nested lists of whole numbers as ``torch.Tensor`` (pt), ``numpy.ndarray`` (np) or ``tf.Tensor`` (tf).

    Integers are int64, in TensorFlow int32 as there is custom.

    Raises:
        InputError: the rows have different lengths, or the framework is none of these.
        MissingExtraError: the framework is not installed.
    """
    if framework not in FRAMEWORKS:
        raise InputError(f"return_tensors is {framework!r}; expected one of {', '.join(FRAMEWORKS)}")
    try:
        array = np.array(values, dtype=np.int64)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{name} cannot become one tensor: its rows have different lengths; pass padding=True, and"
            " truncation=True for long texts"
        ) from error
    if framework == "np":
        return array
    if framework == "pt":
        try:
            import torch
        except ImportError as error:
            raise MissingExtraError("torch", extra="torch", purpose="return_tensors='pt'") from error
        return torch.from_numpy(array)
    try:
        import tensorflow  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError as error:
        raise MissingExtraError("tensorflow", extra="tensorflow", purpose="return_tensors='tf'") from error
    return tensorflow.constant(array, dtype=tensorflow.int32)


def to_lists(values: Any) -> Any:
    """The reverse: tensors and arrays, also inside lists, as plain Python numbers."""
    if isinstance(values, (list, tuple)):
        return [to_lists(value) for value in values]
    if hasattr(values, "tolist"):  # numpy arrays and numbers, torch tensors
        return values.tolist()
    return values.numpy().tolist() if hasattr(values, "numpy") else values  # tensorflow
