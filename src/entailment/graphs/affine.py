"""Linear layers with their neighbours folded in, before the graph is built.

MobileBERT's NoNorm (Sun et al. 2020, arXiv:2004.02984, section 3.3) scales and shifts element by element,
n(x) = s * x + t, and so does not survive beside a linear layer f(x) = W x + c. Here * multiplies element by
element, and diag(s) W scales the rows of W:

    behind it       n(f(x))     = (diag(s) W) x + (s * c + t)            `Affine.then`
    in front        f(n(x))     = (W diag(s)) x + (W t + c)              `Affine.behind`
    around a sum    n(f(x) + r) = (diag(s) W) x + (s * c + t) + s * r    `Affine.then`, and s * r is left

Where r comes out of a linear layer that nothing else reads, its rows take s, and nothing is left.

Folding multiplies in float64 and rounds once, so that a folded layer is as exact as those it was made of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from entailment.graphs.builder import GraphBuilder

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scale:
    """A NoNorm: factor [width] and shift [width]."""

    factor: Doubles
    shift: Doubles


@dataclass(frozen=True, eq=False)
class Affine:
    """weight @ x + bias: weight [outputs, inputs], bias [outputs]."""

    weight: Doubles
    bias: Doubles

    def then(self, norm: Scale) -> Affine:
        """The same with a NoNorm behind it."""
        return Affine(norm.factor[:, None] * self.weight, norm.factor * self.bias + norm.shift)

    def behind(self, norm: Scale) -> Affine:
        """The same with a NoNorm in front of it."""
        return Affine(self.weight * norm.factor, self.weight @ norm.shift + self.bias)

    def times(self, factor: Doubles) -> Affine:
        """The same with every output multiplied by its number of `factor` [outputs]."""
        return Affine(factor[:, None] * self.weight, factor * self.bias)

    def plus(self, bias: Doubles) -> Affine:
        """The same with `bias` [outputs] added."""
        return Affine(self.weight, self.bias + bias)


def scale_of(b: GraphBuilder, name: str, width: int) -> Scale:
    """The NoNorm called `name`, from the arrays of the checkpoint.

    Raises:
        WeightsMismatchError: an array is missing or has another shape.
    """
    factor, shift = b.array(f"{name}.weight", width), b.array(f"{name}.bias", width)
    return Scale(factor.astype(np.float64), shift.astype(np.float64))


def affine_of(b: GraphBuilder, name: str, *, inputs: int, outputs: int) -> Affine:
    """The linear layer called `name`, from the arrays of the checkpoint.

    Raises:
        WeightsMismatchError: an array is missing or has another shape.
    """
    weight, bias = b.array(f"{name}.weight", outputs, inputs), b.array(f"{name}.bias", outputs)
    return Affine(weight.astype(np.float64), bias.astype(np.float64))


def product(b: GraphBuilder, name: str, layer: Affine, x: str, *, onto: str | None = None) -> str:
    """layer(x), or with `onto` its product with x added to that: [n, inputs] -> [n, outputs].

    Args:
        b: the graph.
        name: what the layer is called; in the graph its arrays are `name`.folded.weight and .bias.
        layer: the layer. With `onto` its bias is not used: whoever made `onto` has added it there.
        x: [n, inputs].
        onto: [n, outputs].
    """
    weight = b.made(f"{name}.folded.weight", layer.weight)
    added = b.made(f"{name}.folded.bias", layer.bias) if onto is None else onto
    return b.node("Gemm", x, weight, added, attributes={"transB": 1})
