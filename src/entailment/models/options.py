"""What `from_pretrained` of the torch classes takes by name."""

from __future__ import annotations

from inspect import signature

import torch

from entailment.checkpoint.config import Config
from entailment.checkpoint.loading_options import SharedOptions
from entailment.errors import InputError


class LoadingOptions(SharedOptions, total=False):
    """Arguments of `from_pretrained` beside the name: those of `SharedOptions`, and how weights are kept.

    Attributes:
        dtype: of the weights in memory, as torch's type, its name, or "auto" for what config.json states;
            float32 by default.
        torch_dtype: an older name of `dtype`.
        add_pooling_layer: False: an encoder without its pooler.
    """

    dtype: torch.dtype | str | None
    torch_dtype: torch.dtype | str | None
    add_pooling_layer: bool | None


def building(model_class: type, options: LoadingOptions) -> dict[str, bool]:
    """The arguments beside the configuration that a model of the class is made with.

    Raises:
        InputError: the class has no pooler to leave out.
    """
    pooling = options.get("add_pooling_layer")
    if pooling is None:
        return {}
    if "add_pooling_layer" not in signature(model_class).parameters:
        owner = model_class.__name__
        raise InputError(f"add_pooling_layer is for BertModel and MobileBertModel, not {owner}")
    return {"add_pooling_layer": pooling}


def wanted_dtype(config: Config, options: LoadingOptions) -> torch.dtype | None:
    """The type that the weights are to have in memory; None for float32, in which they are read.

    Raises:
        InputError: it is no floating type of torch, or has been stated twice.
    """
    dtype, older = options.get("dtype"), options.get("torch_dtype")
    if dtype is not None and older is not None and dtype != older:
        raise InputError(f"dtype is {dtype!r} and torch_dtype, its older name, is {older!r}; give dtype")
    given: object = older if dtype is None else dtype
    if given == "auto":
        given = config.extra.get("dtype", config.extra.get("torch_dtype"))
    if given is None:
        return None
    found = getattr(torch, given.removeprefix("torch."), None) if isinstance(given, str) else given
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        raise InputError(
            f"dtype is {given!r}; expected torch.float32, torch.bfloat16, torch.float16, the name of one, or "
            "'auto'"
        )
    return found
