"""What `from_pretrained` of the model classes takes by name, and what it tells of the loading when asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

import torch

from entailment.checkpoint.config import Config
from entailment.errors import InputError

_SETTINGS = ("problem_type", "output_attentions", "output_hidden_states", "return_dict")


class LoadingOptions(TypedDict, total=False):
    """Arguments of `from_pretrained` beside the name; what is left out or None is as the checkpoint says.

    Attributes:
        config: instead of the checkpoint's own.
        revision: branch, tag or commit of a hub name.
        cache_dir: where downloads are kept.
        local_files_only: open no connection.
        token: of the hub; None for that of `hf auth login` or `HF_TOKEN`, False for none at all.
        num_labels: classes of the head, where the checkpoint's own number is not wanted.
        id2label: names of the classes.
        label2id: the way back.
        problem_type: "regression", "single_label_classification" or "multi_label_classification".
        output_attentions: return attentions unless a call says otherwise.
        output_hidden_states: return hidden states unless a call says otherwise.
        return_dict: False: return tuples unless a call says otherwise.
        ignore_mismatched_sizes: initialise and report a head whose shapes differ, instead of refusing it.
        dtype: of the weights in memory, as torch's type, its name, or "auto" for what config.json states;
            float32 by default.
        torch_dtype: an older name of `dtype`.
    """

    config: Config | None
    revision: str | None
    cache_dir: str | Path | None
    local_files_only: bool
    token: str | bool | None
    num_labels: int | None
    id2label: Mapping[int, str] | None
    label2id: Mapping[str, int] | None
    problem_type: str | None
    output_attentions: bool | None
    output_hidden_states: bool | None
    return_dict: bool | None
    ignore_mismatched_sizes: bool
    dtype: torch.dtype | str | None
    torch_dtype: torch.dtype | str | None


class LoadingInfo(TypedDict):
    """What loading found, with the checkpoint's names; answered where `output_loading_info` is True.

    Attributes:
        missing_keys: arrays that the checkpoint lacks, which are new.
        unexpected_keys: arrays of the checkpoint that the model has no place for.
        mismatched_keys: (name, shape in the checkpoint, shape in the model) of arrays that are new because
            `ignore_mismatched_sizes` was set.
        error_msgs: empty, for what is wrong is raised.
    """

    missing_keys: list[str]
    unexpected_keys: list[str]
    mismatched_keys: list[tuple[str, tuple[int, ...], tuple[int, ...]]]
    error_msgs: list[str]


def is_config(config: Config) -> Config:
    """The configuration of any architecture, if it is one.

    Raises:
        InputError: it is something else, the name of a checkpoint perhaps.
    """
    if not isinstance(config, Config):
        raise InputError(
            f"config must be a BertConfig, DistilBertConfig or MobileBertConfig, not {config!r:.80}; "
            "AutoConfig.from_pretrained opens that of a checkpoint"
        )
    return config


def configured(config: Config, options: LoadingOptions) -> Config:
    """A checkpoint's configuration with what the caller said otherwise."""
    config = _with_labels(
        is_config(config), options.get("num_labels"), options.get("id2label"), options.get("label2id")
    )
    stated: dict[str, Any] = {name: options.get(name) for name in _SETTINGS}
    return replace(config, **{name: value for name, value in stated.items() if value is not None})


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


def _with_labels(
    config: Config,
    num_labels: int | None,
    id2label: Mapping[int, str] | None,
    label2id: Mapping[str, int] | None,
) -> Config:
    if id2label is not None:
        return replace(
            config, id2label=dict(id2label), num_labels=num_labels or 0, label2id=dict(label2id or {})
        )
    if num_labels is not None and num_labels != config.num_labels:
        return replace(config, id2label={}, num_labels=num_labels, label2id=dict(label2id or {}))
    return config if label2id is None else replace(config, label2id=dict(label2id))
