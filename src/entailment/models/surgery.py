"""Changes to a built model, as functions every model class takes by name: vocabulary, heads, memory.

Legend of shapes: V vocabulary, E embedding width, H hidden, A heads, D head width.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Generic, TypeVar, cast

import torch
from torch import Tensor, nn

from entailment.checkpoint.config import Config
from entailment.errors import InputError
from entailment.models.filling import config_of, encoder_of

ConfigT = TypeVar("ConfigT", bound=Config)


class ConfigOfEncoder(Generic[ConfigT]):
    """The `config` of a task class: its encoder's, there read and there replaced, so that both have one."""

    def __get__(self, model: nn.Module, owner: object) -> ConfigT:
        return cast(ConfigT, config_of(encoder_of(model)))

    def __set__(self, model: nn.Module, config: ConfigT) -> None:
        encoder_of(model).config = config  # type: ignore[assignment]


def get_input_embeddings(self: nn.Module) -> nn.Embedding:
    """The word embeddings [V, E]."""
    return cast(nn.Embedding, cast(Any, encoder_of(self)).embeddings.word)


def set_input_embeddings(self: nn.Module, value: nn.Embedding) -> None:
    """Put other word embeddings [V, E] in the place of the present ones; a decoder that is tied follows.

    Raises:
        InputError: they are of another shape; `resize_token_embeddings` gives the vocabulary another size.
    """
    V, E = get_input_embeddings(self).weight.shape
    if not isinstance(value, nn.Embedding) or value.weight.shape != (V, E):
        seen = value if isinstance(value, nn.Embedding) else type(value).__name__
        raise InputError(
            f"the word embeddings must be an nn.Embedding({V}, {E}), not {seen}; "
            "resize_token_embeddings gives the vocabulary another size"
        )
    cast(Any, encoder_of(self)).embeddings.word = value
    tie_weights(self)


def get_output_embeddings(self: nn.Module) -> nn.Linear | None:
    """The decoder of a head that predicts words, with weights [V, H], of MobileBERT [V, E]; else None."""
    head = cast(Any, getattr(self, "predictions", None))
    return None if head is None else cast(nn.Linear, head.decoder)


def set_output_embeddings(self: nn.Module, value: nn.Linear) -> None:
    """Put another decoder in the place of the present one; `tie_weights` would tie it again.

    Raises:
        InputError: no words are predicted here, or the decoder is of another shape or has a bias: that of the
            scores stays where it is.
    """
    before = get_output_embeddings(self)
    if before is None:
        raise InputError(f"{type(self).__name__} predicts no words: it has no output embeddings to set")
    fits = isinstance(value, nn.Linear) and value.weight.shape == before.weight.shape and value.bias is None
    if not fits:
        raise InputError(f"the output embeddings must be an nn.{before}, not {value!r:.80}")
    cast(Any, self).predictions.decoder = value


def tie_weights(self: nn.Module) -> None:
    """Make the decoder's weights the word embeddings, unless the configuration says that they are two."""
    decoder = get_output_embeddings(self)
    if decoder is not None and config_of(self).tie_word_embeddings:
        decoder.weight = get_input_embeddings(self).weight


base_model = property(encoder_of, doc="The encoder of a task class; an encoder is its own.")


def _dtype_of(self: nn.Module) -> torch.dtype:
    """The type of the model's weights."""
    return next(self.parameters()).dtype


dtype = property(_dtype_of)


def _device_of(self: nn.Module) -> torch.device:
    """Where the model's weights are, and its inputs must be."""
    return next(self.parameters()).device


device = property(_device_of)


def num_parameters(self: nn.Module, only_trainable: bool = False, exclude_embeddings: bool = False) -> int:
    """How many numbers the model has learned, tied ones counted once.

    Args:
        self: the model.
        only_trainable: leave out what is frozen.
        exclude_embeddings: leave out the embeddings of words, positions and token types.
    """
    tables = {module.weight for module in self.modules() if isinstance(module, nn.Embedding)}
    return sum(
        parameter.numel()
        for parameter in self.parameters()
        if (parameter.requires_grad or not only_trainable)
        and not (exclude_embeddings and parameter in tables)
    )


def get_memory_footprint(self: nn.Module, return_buffers: bool = True) -> int:
    """Bytes of the model's weights, tied ones counted once, and of its buffers."""
    held = [*self.parameters(), *(self.buffers() if return_buffers else ())]
    return sum(tensor.numel() * tensor.element_size() for tensor in held)


def enable_input_require_grads(self: nn.Module) -> None:
    """Have gradients reach the embedded words, as adapters in a frozen encoder need them to."""
    get_input_embeddings(self).register_forward_hook(_require_grad)


def _require_grad(_: nn.Module, __: object, words: Tensor) -> None:
    words.requires_grad_()


def gradient_checkpointing_enable(self: nn.Module) -> None:
    """In training, compute each layer twice instead of keeping what it computed: less memory, more time."""
    cast(Any, encoder_of(self)).gradient_checkpointing = True


def gradient_checkpointing_disable(self: nn.Module) -> None:
    """Back to keeping what each layer computed."""
    cast(Any, encoder_of(self)).gradient_checkpointing = False


@torch.no_grad()
def resize_token_embeddings(
    self: nn.Module, new_num_tokens: int | None = None, pad_to_multiple_of: int | None = None
) -> nn.Embedding:
    """Give the vocabulary another size: rows are cut off, or drawn anew, at its end; the decoder follows.

    What was frozen (`requires_grad` False) stays so.

    Args:
        self: changed in place, its configuration too.
        new_num_tokens: entries of the new vocabulary; None changes nothing but the rounding.
        pad_to_multiple_of: round up, for the sake of a GPU's matrix units.

    Returns:
        The new word embeddings.

    Raises:
        InputError: below 1, or the padding id would fall outside.
    """
    config, step = config_of(self), pad_to_multiple_of or 1
    wanted = config.vocab_size if new_num_tokens is None else new_num_tokens
    size = -(-wanted // step) * step if step > 0 else 0
    if config.pad_token_id >= size:
        raise InputError(
            f"the vocabulary cannot have {size} entries: padding has the id {config.pad_token_id}"
        )
    std = config.initializer_range
    words = get_input_embeddings(self)
    if size == config.vocab_size:
        return words
    new = nn.Embedding(size, words.embedding_dim, padding_idx=words.padding_idx).to(words.weight)
    new.weight.copy_(_resized(words.weight, size, std))
    new.weight.requires_grad_(words.weight.requires_grad)
    cast(Any, encoder_of(self)).embeddings.word = new
    head = cast(Any, getattr(self, "predictions", None))
    if head is not None:
        old = head.decoder.weight
        decoder = new.weight if config.tie_word_embeddings else _like(old, _resized(old, size, std))
        head.decoder.out_features, head.decoder.weight = size, decoder
        head.bias = _like(head.bias, _resized(head.bias, size, 0.0))
        if hasattr(head, "extra"):  # MobileBERT's part of the output embedding [H - E, V]
            head.extra = _like(head.extra, _resized(head.extra.T, size, std).T.contiguous())
    _set_config(self, replace(config, vocab_size=size))
    return new


@torch.no_grad()
def prune_heads(self: nn.Module, heads_to_prune: Mapping[int, Iterable[int]]) -> None:
    """Remove attention heads: {layer: [head, ...]}, counted as in the unpruned model (Michel et al. 2019).

    The configuration remembers them as `pruned_heads`, so that a saved model opens again.

    Args:
        self: changed in place.
        heads_to_prune: naming a head that is gone already changes nothing.

    Raises:
        InputError: there is no such layer or head, or none would remain.
    """
    config, encoder = config_of(self), cast(Any, encoder_of(self))
    layers, A = config.num_hidden_layers, config.num_attention_heads
    gone = pruned_heads(config)
    for layer, heads in heads_to_prune.items():
        asked = set(heads)
        if not 0 <= layer < layers or not asked <= set(range(A)):
            raise InputError(
                f"layer {layer} has no heads {sorted(asked)}: there are {layers} layers of {A} heads"
            )
        if len(gone.get(layer, set()) | asked) == A:
            raise InputError(f"layer {layer} would have no head left; leave at least one of its {A}")
    for layer, heads in heads_to_prune.items():
        before = gone.get(layer, set())
        after = before | set(heads)
        if after != before:
            _remove(encoder.layers[layer].attention, [h for h in range(A) if h not in before], after)
            gone[layer] = after
    written = {layer: sorted(heads) for layer, heads in sorted(gone.items())}
    _set_config(self, replace(config, extra={**config.extra, "pruned_heads": written}))


def pruned_heads(config: Config) -> dict[int, set[int]]:
    """Layer -> the heads that the configuration says are gone."""
    return {layer: set(heads) for layer, heads in config.extra.get("pruned_heads", {}).items()}


def prune_as_configured(encoder: nn.Module) -> None:
    """Build a model as small as the checkpoint that `encoder.config` describes."""
    gone = pruned_heads(config_of(encoder))
    if gone:
        before = config_of(encoder)
        _set_config(encoder, replace(before, extra={**before.extra, "pruned_heads": {}}))
        prune_heads(encoder, gone)


def _remove(attention: Any, present: list[int], gone: set[int]) -> None:
    """Cut the rows of query, key and value, and the columns of the output, that belong to heads in `gone`."""
    keep = [place for place, head in enumerate(present) if head not in gone]
    width = attention.query.out_features // len(present)
    rows = torch.tensor(
        [place * width + i for place in keep for i in range(width)], device=attention.query.weight.device
    )
    for name in ("query", "key", "value"):
        old = getattr(attention, name)
        setattr(attention, name, _linear(old, old.weight[rows], old.bias[rows]))
    old = attention.output
    attention.output = _linear(old, old.weight[:, rows], old.bias)
    attention.num_heads = len(keep)


def _linear(old: nn.Linear, weight: Tensor, bias: Tensor) -> nn.Linear:
    linear = nn.Linear(weight.shape[1], weight.shape[0], device="meta")
    linear.weight, linear.bias = _like(old.weight, weight.clone()), _like(old.bias, bias.clone())
    return linear


def _like(old: Tensor, new: Tensor) -> nn.Parameter:
    """A parameter in the place of another: frozen where that was."""
    return nn.Parameter(new, requires_grad=old.requires_grad)


def _resized(rows: Tensor, size: int, std: float) -> Tensor:
    """The first `size` rows; where there are fewer, new ones are drawn."""
    kept = rows[:size]
    new = torch.empty(size - kept.shape[0], *rows.shape[1:], dtype=rows.dtype, device=rows.device).normal_(
        std=std
    )
    return torch.cat([kept, new])


def _set_config(model: nn.Module, config: Config) -> None:
    encoder_of(model).config = config  # type: ignore[assignment]
