"""What `from_pretrained` of the model classes takes by name, and what it tells of the loading when asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

from entailment.checkpoint.config import Config, MobileBertConfig
from entailment.checkpoint.folder import Checkpoint
from entailment.errors import InputError, UnsupportedModelError

_SETTINGS = ("problem_type", "output_attentions", "output_hidden_states", "return_dict")


class LoadingOptions(TypedDict, total=False):
    """Arguments of `from_pretrained` beside the name; what is left out or None is as the checkpoint says.

    Attributes:
        config: instead of the checkpoint's own.
        revision: branch, tag or commit of a hub name.
        cache_dir: where downloads are kept.
        local_files_only: open no connection.
        token: of the hub; None for that of `hf auth login` or `HF_TOKEN`, False for none at all.
        from_pt: without effect, so that calls carry over: whose weights a file has is seen by itself.
        num_labels: classes of the head, where the checkpoint's own number is not wanted.
        id2label: names of the classes.
        label2id: the way back.
        problem_type: "regression", "single_label_classification" or "multi_label_classification".
        output_attentions: return attentions unless a call says otherwise.
        output_hidden_states: return hidden states unless a call says otherwise.
        return_dict: False: return tuples unless a call says otherwise.
        ignore_mismatched_sizes: leave new and report a head whose shapes differ, instead of refusing it.
        dtype: a Keras dtype policy, e.g. "mixed_bfloat16"; by default the global one.
    """

    config: Config | None
    revision: str | None
    cache_dir: str | Path | None
    local_files_only: bool
    token: str | bool | None
    from_pt: bool | None
    num_labels: int | None
    id2label: Mapping[int, str] | None
    label2id: Mapping[str, int] | None
    problem_type: str | None
    output_attentions: bool | None
    output_hidden_states: bool | None
    return_dict: bool | None
    ignore_mismatched_sizes: bool
    dtype: Any


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


def configured(checkpoint: Checkpoint, options: LoadingOptions, class_name: str) -> MobileBertConfig:
    """A checkpoint's configuration, or the caller's own, with what the caller said otherwise.

    Raises:
        InputError: the caller's is something else, the name of a checkpoint perhaps.
        UnsupportedModelError: it is of another architecture.
    """
    given = options.get("config")
    config = checkpoint.config if given is None else given
    if not isinstance(config, Config):
        raise InputError(
            f"config must be a MobileBertConfig, not {config!r:.80}; AutoConfig.from_pretrained opens that "
            "of a checkpoint"
        )
    if not isinstance(config, MobileBertConfig):
        raise UnsupportedModelError(
            f"{checkpoint.name} is a {config.model_type}, not what {class_name} is for; the PyTorch classes "
            "and the Auto classes have its architecture"
        )
    config = _with_labels(config, options.get("num_labels"), options.get("id2label"), options.get("label2id"))
    stated: dict[str, Any] = {name: options.get(name) for name in _SETTINGS}
    return replace(config, **{name: value for name, value in stated.items() if value is not None})


def _with_labels(
    config: MobileBertConfig,
    num_labels: int | None,
    id2label: Mapping[int, str] | None,
    label2id: Mapping[str, int] | None,
) -> MobileBertConfig:
    if id2label is not None:
        if num_labels is not None and num_labels != len(id2label):
            raise InputError(
                f"num_labels is {num_labels}, but id2label names {len(id2label)}; give one of them"
            )
        return replace(config, id2label=dict(id2label), num_labels=0, label2id=dict(label2id or {}))
    if num_labels is not None and num_labels != config.num_labels:
        return replace(config, id2label={}, num_labels=num_labels, label2id=dict(label2id or {}))
    return config if label2id is None else replace(config, label2id=dict(label2id))
