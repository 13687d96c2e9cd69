"""Linear layers, NoNorm and residual sums of values that are scaled and shifted only where they are read.

MobileBERT's NoNorm (Sun et al. 2020, arXiv:2004.02984, section 3.3) scales and shifts element by element,
n(x) = s * x + t, and that need never be computed. A value v of the graph is kept as a `Scaled`, together with
the factor p and the shift q that it still lacks: it stands for p * v + q. Both are known before the graph
runs, and go where something is computed anyway (* multiplies element by element, diag(p) W scales the rows of
W, W diag(p) its columns):

    a norm           s * (p * v + q) + t   = (s * p) * v + (s * q + t)                         `no_norm`
    a linear layer   W (p * v + q) + c     = (W diag(p)) v + (W q + c)                         `linear`
    a residual sum   W x + c + (p * v + q) = p * ((diag(1 / p) W) x + v) + (c + q)             `onto`

The last is one matrix product that starts from v as others start from their bias. So a residual stream is
added to and nothing else, through any number of norms. Where a factor is too near to zero to divide by, or so
large that float32 would run out of range, p * v + q is computed after all (`plain`).

Rounding knows no scale, so v is as exact as what it stands for. Folding multiplies in float64 and rounds
once; shifts add up in float64 and round where they end, in a bias.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from entailment.graphs.builder import GraphBuilder

Doubles = npt.NDArray[np.float64]

SMALLEST, LARGEST = 2.0**-50, 2.0**50
"""Factors between these leave float32, 2**-126 to 2**128, room for what networks compute."""


@dataclass(frozen=True, eq=False)
class Scaled:
    """factor * value + shift, not computed yet.

    Attributes:
        value: of the graph, [n, width].
        factor: [width].
        shift: [width].
    """

    value: str
    factor: Doubles
    shift: Doubles

    @property
    def width(self) -> int:
        """The last dimension."""
        return len(self.factor)


def unscaled(value: str, width: int) -> Scaled:
    """A value of the graph that stands for itself: [n, width]."""
    return Scaled(value, np.ones(width), np.zeros(width))


def plain(b: GraphBuilder, x: Scaled) -> Scaled:
    """The same, computed, so that it stands for itself: [n, width] -> [n, width]."""
    value = x.value
    if (x.factor != 1).any():
        value = b.node("Mul", value, b.made(f"{x.value}.folded.factor", x.factor))
    if (x.shift != 0).any():
        value = b.node("Add", value, b.made(f"{x.value}.folded.shift", x.shift))
    return unscaled(value, x.width)


def no_norm(b: GraphBuilder, name: str, x: Scaled) -> Scaled:
    """The NoNorm called `name` of x, for which nothing is computed: [n, width] -> [n, width].

    Raises:
        WeightsMismatchError: an array is missing or has another shape.
    """
    factor, shift = b.array(f"{name}.weight", x.width), b.array(f"{name}.bias", x.width)
    return Scaled(x.value, factor * x.factor, factor * x.shift + shift)


def linear(b: GraphBuilder, name: str, x: Scaled, *, outputs: int) -> str:
    """The linear layer called `name` of x: [n, width] -> [n, outputs].

    Raises:
        WeightsMismatchError: an array is missing or has another shape.
    """
    weight, bias = b.array(f"{name}.weight", outputs, x.width), b.array(f"{name}.bias", outputs)
    return b.node(
        "Gemm",
        x.value,
        _folded(b, f"{name}.weight", weight, weight * x.factor),
        _folded(b, f"{name}.bias", bias, bias + weight @ x.shift),
        attributes={"transB": 1},
    )


def onto(b: GraphBuilder, name: str, x: Scaled, residual: Scaled) -> Scaled:
    """The linear layer called `name` of x, added to a residual: [n, inputs], [n, width] -> [n, width].

    Raises:
        WeightsMismatchError: an array is missing or has another shape.
    """
    sizes = np.abs(residual.factor)
    if sizes.min() < SMALLEST or sizes.max() > LARGEST:
        residual = plain(b, residual)
    width = residual.width
    weight, bias = b.array(f"{name}.weight", width, x.width), b.array(f"{name}.bias", width)
    folded = _folded(b, f"{name}.weight", weight, weight * x.factor / residual.factor[:, None])
    value = b.node("Gemm", x.value, folded, residual.value, attributes={"transB": 1})
    return replace(residual, value=value, shift=residual.shift + bias + weight @ x.shift)


def _folded(b: GraphBuilder, name: str, array: npt.NDArray[np.float32], folded: Doubles) -> str:
    """`folded` as a weight of the graph; where folding changed nothing, the array called `name` itself."""
    if np.array_equal(array, folded):
        return b.weight(name, *array.shape)
    return b.made(f"{name}.folded", folded)
