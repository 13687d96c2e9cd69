"""What a configuration does beyond its fields: keys of config.json and keywords that are no field of it.

In the reference library a configuration takes any keyword, and whatever its file held is an attribute. Here
such keys are kept in `extra`, from where they are read as attributes, and to where they are assigned; the
fields stay frozen, for models share them. Type checkers are told of the fields alone, so that they find a
misspelt one.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import FrozenInstanceError, fields, replace
from difflib import get_close_matches
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from entailment.checkpoint import config_dict
from entailment.checkpoint.arguments import INSTEAD, refuse_unknown
from entailment.checkpoint.config_dict import CONFIG_FILE
from entailment.checkpoint.fields import short
from entailment.checkpoint.json_files import read_json, write_json
from entailment.errors import CheckpointError, InputError, UnsupportedModelError

if TYPE_CHECKING:
    from entailment.checkpoint.config import Config

T = TypeVar("T")

_UNSUPPORTED_SWITCHES = ("is_decoder", "add_cross_attention", "is_encoder_decoder")

#: What a configuration of the reference library has unasked, and none of ours as a field.
DEFAULTS: dict[str, object] = {
    **dict.fromkeys(("bos_token_id", "cross_attention_hidden_size", "decoder_start_token_id")),
    **dict.fromkeys(("eos_token_id", "finetuning_task", "prefix", "sep_token_id", "task_specific_params")),
    **dict.fromkeys(("tokenizer_class", "torch_dtype", "transformers_version")),
    **dict.fromkeys((*_UNSUPPORTED_SWITCHES, "tie_encoder_decoder", "torchscript", "use_bfloat16"), False),
    "chunk_size_feed_forward": 0,
    "name_or_path": "",
    "pruned_heads": {},
}

#: Arguments of `from_pretrained` of a configuration beside the name and the changes.
LOADING = ("cache_dir", "local_files_only", "revision", "token")

#: Keys of the reference library's own that resemble a field; every other that does is taken for a slip.
_NO_SLIPS = frozenset({"pooler_num_attention_heads", "sep_token_id"})


class FrozenConfigError(InputError, FrozenInstanceError):
    """A field of a configuration was to be changed in place."""


class OpenConfig:
    """What every configuration has beyond its fields."""

    @property
    def tie_word_embeddings(self) -> bool:
        """Whether a language modelling head scores with the word embeddings: True where nothing is said."""
        return bool(_extra(self).get("tie_word_embeddings", True))

    @property
    def use_return_dict(self) -> bool:
        """The reference library's other name of `return_dict`."""
        return cast("Config", self).return_dict

    def with_labels(self, names: Sequence[str]) -> Self:
        """The same encoder with another label table, one name per logit."""
        return cast(Self, config_dict.with_labels(cast("Config", self), names))

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of config.json."""
        return config_dict.to_dict(cast("Config", self))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """From the JSON object of config.json; unknown keys go to `extra`."""
        return cast(Self, config_dict.from_dict(cast("type[Config]", cls), values))

    def to_diff_dict(self) -> dict[str, Any]:
        """What `to_dict` has and a configuration without any settings has not, and `model_type`."""
        usual = type(self)().to_dict()
        values = self.to_dict().items()
        return {name: v for name, v in values if name == "model_type" or v != usual.get(name, ...)}

    def update(self, config_dict: Mapping[str, Any]) -> None:
        """Assign each value to its name, which is no field; raises FrozenConfigError for one that is."""
        for name, value in config_dict.items():
            setattr(self, name, value)

    def save_pretrained(self, save_directory: str | Path, **options: Any) -> None:
        """Write config.json into a folder, which is made where it does not exist.

        Args:
            save_directory: the folder.
            **options: arguments of the reference library that ask for nothing, as `push_to_hub=False`.

        Raises:
            CheckpointError: the folder cannot be written, or a value of `extra` is none of JSON.
            InputError: an argument that there is not.
        """
        refuse_unknown(options, ("save_directory",), "save_pretrained of a configuration")
        write_json(Path(save_directory) / CONFIG_FILE, self.to_dict())

    def to_json_string(self, use_diff: bool = False) -> str:
        """The text of config.json, or of `to_diff_dict`.

        Raises:
            CheckpointError: a value of `extra` is none of JSON.
        """
        values = self.to_diff_dict() if use_diff else self.to_dict()
        try:
            return json.dumps(values, indent=2, sort_keys=True, allow_nan=False) + "\n"
        except (TypeError, ValueError) as error:
            raise CheckpointError(f"the configuration cannot be written as JSON: {error}") from error

    def to_json_file(self, json_file_path: str | Path, use_diff: bool = False) -> None:
        """Write what `to_json_string` makes into a file; raises CheckpointError where that cannot be."""
        write_json(Path(json_file_path), self.to_diff_dict() if use_diff else self.to_dict())

    @classmethod
    def from_json_file(cls, json_file: str | Path) -> Self:
        """From a file like config.json; raises CheckpointError where there is none, or a value is wrong."""
        return cls.from_dict(read_json(Path(json_file)))

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        *,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        token: str | bool | None = None,
        **changes: Any,
    ) -> Self:
        """From a checkpoint folder, or a hub name, of which only config.json is fetched.

        Args:
            pretrained_model_name_or_path: a folder, or a hub name like "org/model".
            revision: branch, tag or commit of a hub name.
            cache_dir: where downloads are kept.
            local_files_only: open no connection.
            token: of the hub; None for that of `hf auth login` or `HF_TOKEN`, False for none at all.
            **changes: settings that shall be others than in the file, as `changed` takes them.

        Raises:
            CheckpointError: there is none, or it cannot be used.
            InputError: an argument that there is not, or a likely slip.
        """
        from entailment.checkpoint.folder import read_config, resolve

        folder = resolve(
            pretrained_model_name_or_path,
            revision=revision,
            cache_dir=cache_dir,
            offline=local_files_only,
            files=(CONFIG_FILE,),
            token=token,
        )
        config = read_config(folder)
        if not isinstance(config, cls):
            file = folder / CONFIG_FILE
            raise UnsupportedModelError(f"{file} is a {config.model_type}; use {type(config).__name__}")
        return changed(config, changes)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # Python probes for special methods, some before there are fields; no file may answer these.
            if name in _extra(self) and not name.startswith("__"):
                return _extra(self)[name]
            if name in DEFAULTS and "extra" in vars(self):
                return _extra(self).get(f"_{name}", copy(DEFAULTS[name]))  # files have _name_or_path
            raise AttributeError(f"a {type(self).__name__} has no {name!r}, nor is it among its extra keys")


def open_to_keywords(cls: type[T]) -> type[T]:
    """A frozen dataclass with `extra` that takes any keyword, and says what to do when it is assigned to.

    A keyword that is no field goes to `extra`. Constructing raises InputError for one that resembles a field,
    and for one that contradicts what the configuration computes from its fields.
    """
    built = cast(Any, cls).__init__
    known = {field.name for field in fields(cast(Any, cls))}

    @wraps(built)
    def init(self: Any, *values: Any, **given: Any) -> None:
        more = {name: given.pop(name) for name in list(given) if name not in known}
        for name in more:
            if not hasattr(cls, name):
                _refuse_slip(cls.__name__, name, known)
        kept = {name: value for name, value in more.items() if name != "model_type"}
        stated = given.get("extra", {})
        if not isinstance(stated, Mapping):
            raise CheckpointError(f"extra must map keys to values, not be {short(stated)}")
        if kept:
            given["extra"] = stated = {**stated, **kept}
        for switch in _UNSUPPORTED_SWITCHES:
            if stated.get(switch):
                raise UnsupportedModelError(f"{switch} is set, but only encoders are supported")
        built(self, *values, **given)
        for name, value in more.items():
            if hasattr(cls, name) and getattr(self, name) != value:
                raise InputError(
                    f"{name} of a {cls.__name__} follows from its other settings as "
                    f"{short(getattr(self, name))}; it cannot be set to {short(value)}"
                )

    def assign(self: object, name: str, value: object) -> None:
        if hasattr(cls, name) or name in known:
            refuse(self, name, value)
        # By way of another one, for what is refused there is refused here.
        object.__setattr__(self, "extra", _extra(replace(cast(Any, self), **{name: value})))

    def refuse(self: object, name: str, *value: object) -> None:
        to = repr(value[0]) if value and len(repr(value[0])) <= 40 else "..."
        raise FrozenConfigError(
            f"a {cls.__name__} is not changed in place; make another with "
            f"dataclasses.replace(config, {name}={to})"
        )

    shown = inspect.signature(built)
    more = inspect.Parameter("extra_keys", inspect.Parameter.VAR_KEYWORD, annotation="Any")
    cast(Any, init).__signature__ = shown.replace(parameters=[*shown.parameters.values(), more])
    for name, method in {"__init__": init, "__setattr__": assign, "__delattr__": refuse}.items():
        setattr(cls, name, method)
    return cls


def settings_of(config: type) -> frozenset[str]:
    """What a configuration of a class may be told by name: its fields, and what the reference library has."""
    names = {field.name for field in fields(cast(Any, config))} | DEFAULTS.keys() | {"tie_word_embeddings"}
    return frozenset(names - {"extra", "torch_dtype"})  # the latter is an argument of loading


def changed(config: T, changes: Mapping[str, Any]) -> T:
    """A configuration with other settings, as `from_pretrained` takes them by name.

    Another number of labels brings new names; labels given as None are as they were.

    Raises:
        InputError: an argument of the reference library's loading that there is not here, or a likely slip.
        CheckpointError: a value is wrong.
    """
    asked = dict(changes)
    loading = {name: asked.pop(name) for name in changes if name in INSTEAD}
    if asked.pop("return_unused_kwargs", False):
        loading["return_unused_kwargs"] = True
    refuse_unknown(loading, LOADING, "from_pretrained of a configuration")
    labels = {name: asked.pop(name, None) for name in ("id2label", "label2id", "num_labels")}
    labels = {name: value for name, value in labels.items() if value is not None}
    before = cast("Config", config)
    if "id2label" in labels or labels.get("num_labels", before.num_labels) != before.num_labels:
        labels = {"id2label": {}, "label2id": {}, "num_labels": 0, **labels}
    return cast(T, replace(before, **labels, **asked))


def _extra(config: object) -> dict[str, Any]:
    """Its `extra`; nothing while it is being copied and has no fields yet."""
    found: dict[str, Any] = vars(config).get("extra", {})
    return found


def _refuse_slip(owner: str, name: str, known: Iterable[str]) -> None:
    close = [] if name in _NO_SLIPS else get_close_matches(name, known, n=1, cutoff=0.82)
    if close:
        raise InputError(
            f"{owner} has no {name!r}; did you mean {close[0]!r}? A key of your own goes in as "
            f"extra={{{name!r}: ...}}"
        )
