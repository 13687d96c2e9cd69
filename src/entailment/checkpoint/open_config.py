"""What a configuration does beyond its fields: keys of config.json and keywords that are no field of it.

In the reference library a configuration takes any keyword, and whatever its file held is an attribute. Here
such keys are kept in `extra`, from where they are read as attributes; the configuration itself stays frozen,
for models share it. Type checkers are told of the fields alone, so that they find a misspelt one.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Mapping
from dataclasses import FrozenInstanceError, fields, replace
from difflib import get_close_matches
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from entailment.checkpoint.arguments import INSTEAD, refuse_unknown
from entailment.checkpoint.fields import short
from entailment.errors import CheckpointError, InputError, UnsupportedModelError

if TYPE_CHECKING:
    from entailment.checkpoint.config import Config

T = TypeVar("T")

_UNSUPPORTED_SWITCHES = ("is_decoder", "add_cross_attention", "is_encoder_decoder")

#: Arguments of `from_pretrained` of a configuration beside the name and the changes.
LOADING = ("cache_dir", "local_files_only", "revision", "token")

#: Keys of the reference library's own that resemble a field; every other that does is taken for a slip.
_NO_SLIPS = frozenset({"pooler_num_attention_heads", "sep_token_id"})


class FrozenConfigError(InputError, FrozenInstanceError):
    """A configuration was to be changed in place."""


class OpenConfig:
    """The attributes that every configuration has without a field for them."""

    @property
    def tie_word_embeddings(self) -> bool:
        """Whether a language modelling head scores with the word embeddings: True where nothing is said."""
        return bool(_extra(self).get("tie_word_embeddings", True))

    @property
    def use_return_dict(self) -> bool:
        """The reference library's other name of `return_dict`."""
        return cast("Config", self).return_dict

    def to_json_string(self) -> str:
        """The text of config.json.

        Raises:
            CheckpointError: a value of `extra` is none of JSON.
        """
        try:
            values = cast("Config", self).to_dict()
            return json.dumps(values, indent=2, sort_keys=True, allow_nan=False) + "\n"
        except (TypeError, ValueError) as error:
            raise CheckpointError(f"the configuration cannot be written as JSON: {error}") from error

    @classmethod
    def from_pretrained(
        cls,
        name: str | Path,
        *,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        token: str | bool | None = None,
        **changes: Any,
    ) -> Self:
        """From a checkpoint folder, or a hub name, of which only config.json is fetched.

        Args:
            name: a folder, or a hub name like "org/model".
            revision: branch, tag or commit of a hub name.
            cache_dir: where downloads are kept.
            local_files_only: open no connection.
            token: of the hub; None for that of `hf auth login` or `HF_TOKEN`, False for none at all.
            **changes: settings that shall be others than in the file, as `changed` takes them.

        Raises:
            CheckpointError: there is none, or it cannot be used.
            InputError: an argument that there is not, or a likely slip.
        """
        from entailment.checkpoint.config import CONFIG_FILE
        from entailment.checkpoint.folder import read_config, resolve

        folder = resolve(
            name,
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

    def refuse(self: object, name: str, *value: object) -> None:
        to = repr(value[0]) if value and len(repr(value[0])) <= 40 else "..."
        raise FrozenConfigError(
            f"a {cls.__name__} is not changed in place; make another with "
            f"dataclasses.replace(config, {name}={to})"
        )

    shown = inspect.signature(built)
    more = inspect.Parameter("extra_keys", inspect.Parameter.VAR_KEYWORD, annotation="Any")
    cast(Any, init).__signature__ = shown.replace(parameters=[*shown.parameters.values(), more])
    for name, method in {"__init__": init, "__setattr__": refuse, "__delattr__": refuse}.items():
        setattr(cls, name, method)
    return cls


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
