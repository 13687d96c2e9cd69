"""TOML tables to frozen dataclasses and back: unknown keys, missing ones and wrong types are refused.

    built(Recipe, tomllib.loads(text), "minilm-l6-mnli")     # table -> dataclass
    written(recipe)                                          # dataclass -> TOML that reads back equal

The types are those of the annotations: texts, numbers, booleans, `Literal`s, other dataclasses, tuples and
mappings of them, and any of these or None. TOML has no None, so that a key left out is one.
"""

from __future__ import annotations

import difflib
import json
import math
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from entailment.checkpoint.fields import short
from entailment.errors import InputError

T = TypeVar("T")

_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def built(kind: type[T], values: Mapping[str, object], where: str) -> T:
    """A dataclass from a table.

    Args:
        kind: the dataclass.
        values: what was read.
        where: what messages call the table.

    Raises:
        InputError: naming the key, what it holds, and what it should.
    """
    hints = get_type_hints(kind)
    known = {field.name: field for field in fields(cast(Any, kind))}
    for key in values:
        if key not in known:
            raise InputError(f"{where} has no key {key!r}{nearest(key, known)}")
    for name, field in known.items():
        if name not in values and not _has_default(field):
            raise InputError(f"{where} lacks {name!r}, which must be stated")
    try:
        return kind(**{key: _value(hints[key], value, f"{where}: {key}") for key, value in values.items()})
    except InputError as error:
        # What a dataclass refuses by itself does not know which recipe it is part of.
        raise InputError(str(error) if str(error).startswith(where) else f"{where}: {error}") from error


def nearest(word: str, known: Iterable[str]) -> str:
    """What a message adds about the known words: the one that was probably meant, else all of them."""
    known = list(known)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"


def replaced(values: Mapping[str, object], path: str, value: object) -> dict[str, object]:
    """A table in which the value at a dotted path ("settings.epochs", "data.train.0.limit") is another.

    Tables on the way are made where they are missing.

    Raises:
        InputError: the path leads through something that is neither a table nor an array with that index.
    """
    key, _, rest = path.partition(".")
    inner = rest.split(".") if rest else []
    return {**values, key: _replaced(values.get(key, {}), inner, value, path)}


def written(value: object) -> str:
    """A dataclass as TOML: its plain values, then a section for each dataclass in it; None is left out."""
    top: list[str] = []
    sections: list[str] = []
    for name, part in _stated(value):
        if is_dataclass(part):
            lines = [f"{key} = {_inline(held)}" for key, held in _stated(part)]
            sections += ["", f"[{name}]", *lines]
        else:
            top.append(f"{name} = {_inline(part)}")
    return "\n".join([*top, *sections]) + "\n"


def _has_default(field: Field[Any]) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def _value(hint: Any, value: object, where: str) -> object:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        alternatives = [one for one in inner if one is not type(None)]
        if len(alternatives) == 1:
            return _value(alternatives[0], value, where)
        if not isinstance(value, tuple(alternatives)) or isinstance(value, bool):
            raise InputError(f"{where} must not be {short(value)}")
        return value
    if origin is Literal:
        if value not in inner:
            raise InputError(f"{where} is {short(value)}; expected one of {', '.join(map(str, inner))}")
        return value
    if is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise InputError(f"{where} must be a table, not {short(value)}")
        return built(cast(type[Any], hint), value, where)
    if origin in (tuple, Sequence):
        return _items(inner, value, where)
    if origin in (Mapping, dict):
        if not isinstance(value, Mapping):
            raise InputError(f"{where} must be a table, not {short(value)}")
        return {str(key): _value(inner[1], held, f"{where}.{key}") for key, held in value.items()}
    return _scalar(hint, value, where)


def _items(inner: tuple[Any, ...], value: object, where: str) -> tuple[object, ...]:
    if not isinstance(value, list | tuple):
        raise InputError(f"{where} must be an array, not {short(value)}")
    many = len(inner) == 1 or inner[-1] is Ellipsis
    if not many and len(value) != len(inner):
        raise InputError(f"{where} must have {len(inner)} values, not {short(value)}")
    kinds = [inner[0]] * len(value) if many else inner
    return tuple(_value(kinds[i], item, f"{where}[{i}]") for i, item in enumerate(value))


def _scalar(hint: Any, value: object, where: str) -> object:
    if hint in (object, Any):
        return value
    if hint is float and type(value) is int:
        value = float(value)
    if hint not in _NAMES:
        raise TypeError(f"{where}: {hint} is no type that a recipe can hold")
    if type(value) is not hint:
        raise InputError(f"{where} must be {_NAMES[hint]}, not {short(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{where} must be finite, not {value}")
    return value


def _replaced(values: object, path: Sequence[str], value: object, whole: str) -> object:
    if not path:
        return value
    key, *rest = path
    if isinstance(values, list) and key.isdecimal() and int(key) < len(values):
        at = int(key)
        return [*values[:at], _replaced(values[at], rest, value, whole), *values[at + 1 :]]
    if not isinstance(values, Mapping):
        has = f"an array of {len(values)}" if isinstance(values, list) else short(values)
        raise InputError(f"{whole} cannot be set: {key!r} is looked for in {has}")
    return {**values, key: _replaced(values.get(key, {}), rest, value, whole)}


def _stated(value: object, *, defaults: bool = True) -> Iterator[tuple[str, object]]:
    """The fields that TOML can and has to state; those with their default only if asked for."""
    for field in fields(cast(Any, value)):
        held = getattr(value, field.name)
        if held is not None and held not in ((), {}) and (defaults or held != field.default):
            yield field.name, held


def _inline(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Sequence):
        items = list(map(_inline, value))
        if len(items) > 1 and is_dataclass(value[0]):
            return "".join(["[\n", *(f"    {item},\n" for item in items), "]"])
        return f"[{', '.join(items)}]"
    if is_dataclass(value):
        value = dict(_stated(value, defaults=False))
    if isinstance(value, Mapping):
        pairs = (f"{_key(str(key))} = {_inline(held)}" for key, held in value.items())
        return "{ " + ", ".join(pairs) + " }" if value else "{}"
    raise TypeError(f"{value!r} has no form in TOML")


def _key(key: str) -> str:
    plain = key.isascii() and key.replace("_", "a").replace("-", "a").isalnum()
    return key if plain else _quoted(key)


def _quoted(text: str) -> str:
    # JSON's escapes are TOML's, but for DEL, which TOML wants escaped as well.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
