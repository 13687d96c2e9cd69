"""What a model computes on its way: hidden states, and the queries, keys and values of its attention.

    with watched(model, layers=[11], states=True) as seen:
        loss = objective.loss(model, batch)          # whatever runs the model once
    seen.state(-1), seen.scores(11)

An objective runs a model as its task needs it, and says nothing of teachers: hooks on the model and on the
linear layers of its attention read along, and are gone afterwards. The attention stays fused. It is the same
for the models of all three architectures, which name these layers alike.

Legend of shapes: B batch, T tokens, H hidden, A heads, D head width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from torch import Tensor, nn

from entailment.models.attention import split_heads
from entailment.models.filling import encoder_of

_PARTS = ("query", "key", "value")


@dataclass
class Seen:
    """What was seen of one run of a model; scores and states are float32.

    Attributes:
        output: what it answered.
        heads: layer and "query", "key" or "value" -> [B, A, T, D].
    """

    output: Any = None
    heads: dict[tuple[int, str], Tensor] = field(default_factory=dict)

    def state(self, number: int) -> Tensor:
        """0 is the embeddings, the others each layer's output: [B, T, H]."""
        state: Tensor = self.output.hidden_states[number]
        return state.float()

    def scores(self, layer: int) -> Tensor:
        """Of queries and keys, before the softmax: [B, A, T, T]."""
        return self._products(layer, "query", "key")

    def value_scores(self, layer: int) -> Tensor:
        """Of values and values, likewise."""
        return self._products(layer, "value", "value")

    def _products(self, layer: int, asking: str, asked: str) -> Tensor:
        one, other = self.heads[layer, asking].float(), self.heads[layer, asked].float()
        return (one * one.shape[-1] ** -0.5) @ other.transpose(-1, -2)


@contextmanager
def watched(model: nn.Module, layers: Iterable[int] = (), *, states: bool = False) -> Iterator[Seen]:
    """Inside, one run of a model is seen.

    Args:
        model: a task class of this package.
        layers: whose attention is seen, counted from 0.
        states: whether hidden states are.
    """
    seen = Seen()
    with ExitStack() as hooks:

        def on(handle: Any) -> None:
            hooks.callback(handle.remove)

        on(model.register_forward_hook(lambda _, __, output: setattr(seen, "output", output)))
        if states:
            on(model.register_forward_pre_hook(_with_states, with_kwargs=True))
        for layer in layers:
            attention = cast(Any, encoder_of(model)).layers[layer].attention
            for part in _PARTS:
                keep = _keeping(seen, (layer, part), attention.num_heads)
                on(getattr(attention, part).register_forward_hook(keep))
        yield seen


def _with_states(_: nn.Module, args: Any, kwargs: Any) -> tuple[Any, Any]:
    return args, {**kwargs, "output_hidden_states": True}


def _keeping(seen: Seen, at: tuple[int, str], num_heads: int) -> Callable[[nn.Module, Any, Tensor], None]:
    def keep(_: nn.Module, __: Any, projected: Tensor) -> None:
        seen.heads[at] = split_heads(projected, num_heads)

    return keep
