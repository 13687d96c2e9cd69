"""Whatever precision a file has, arrays become float32: it is what the graphs compute in."""

from __future__ import annotations

import numpy as np


def to_float32(array: np.ndarray) -> np.ndarray:
    """Half and double precision as float32; integers and booleans as they are."""
    if array.dtype.kind != "f" or array.dtype == np.float32:
        return array
    with np.errstate(
        over="ignore"
    ):  # beyond float32 is infinity, and the engine reports what follows from it
        return array.astype(np.float32)


def from_bfloat16(bits: np.ndarray) -> np.ndarray:
    """bfloat16, which NumPy lacks, given as its 16 bits: the upper half of a float32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)
