"""A configuration and the JSON object of config.json, both ways, the same for every architecture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from entailment.checkpoint.fields import check_common, label_ids, label_names, pruned_heads
from entailment.errors import CheckpointError, UnsupportedModelError

if TYPE_CHECKING:
    from entailment.checkpoint.config import Config

    ConfigT = TypeVar("ConfigT", bound=Config)

CONFIG_FILE = "config.json"

#: What config.json leaves out, as the reference library does: it is what reading a file without them gives.
_DEFAULT_LABELS = {0: "LABEL_0", 1: "LABEL_1"}
_LEFT_OUT_WHEN: dict[str, object] = {
    "architectures": [],
    "attention": "full",
    "problem_type": None,
    "output_attentions": False,
    "output_hidden_states": False,
    "return_dict": True,
}


def complete(config: Config) -> None:
    """Fill in the tables that the caller left out or JSON has changed; check what all architectures share."""
    names = label_names(config.id2label, config.num_labels)
    object.__setattr__(config, "id2label", names)
    object.__setattr__(config, "num_labels", len(names))
    object.__setattr__(config, "label2id", label_ids(config.label2id, names))
    classes: object = config.architectures
    if not isinstance(classes, list | tuple) or not all(isinstance(name, str) for name in classes):
        raise CheckpointError(f"architectures must be a list of class names, not {classes!r}")
    object.__setattr__(config, "architectures", tuple(classes))
    if "pruned_heads" in config.extra:
        gone = pruned_heads(config.extra["pruned_heads"])
        object.__setattr__(config, "extra", {**config.extra, "pruned_heads": gone})
    check_common(config)


def with_labels(config: ConfigT, names: Sequence[str]) -> ConfigT:
    """The same configuration with another label table."""
    return replace(config, id2label=dict(enumerate(names)), num_labels=len(names), label2id={})


def to_dict(config: Config) -> dict[str, Any]:
    """The JSON object of config.json: every field, the unknown keys that were read, and `model_type`."""
    values: dict[str, Any] = dict(config.extra)
    values.update((field.name, getattr(config, field.name)) for field in fields(config))
    del values["extra"], values["num_labels"]
    values["model_type"] = config.model_type
    values["architectures"] = list(config.architectures)
    values["label2id"] = dict(config.label2id)
    values["id2label"] = {str(index): name for index, name in config.id2label.items()}
    if "pruned_heads" in values:
        values["pruned_heads"] = {str(layer): heads for layer, heads in values["pruned_heads"].items()}
    if config.id2label == _DEFAULT_LABELS:
        del values["id2label"], values["label2id"]
    return {name: value for name, value in values.items() if _LEFT_OUT_WHEN.get(name, ...) != value}


def from_dict(cls: type[ConfigT], values: Mapping[str, Any]) -> ConfigT:
    """The configuration in a JSON object; keys that are no field of the architecture go to `extra`.

    Raises:
        UnsupportedModelError: it is of another architecture, or no encoder.
        CheckpointError: a value is wrong.
    """
    model_type = values.get("model_type", cls.model_type)
    if model_type != cls.model_type:
        raise UnsupportedModelError(
            f"{cls.__name__} is for model_type {cls.model_type!r}, not {model_type!r}"
        )
    known = {field.name for field in fields(cls)} - {"extra"}
    # JSON writes null for "not set"; the default then holds.
    given = {name: value for name, value in values.items() if name in known and value is not None}
    extra = {name: value for name, value in values.items() if name not in known and name != "model_type"}
    return cls(**given, extra=extra)
