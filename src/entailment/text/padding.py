"""Padding of rows that are encoded already, as a data collator does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from entailment.errors import InputError
from entailment.text.batch import BatchEncoding
from entailment.text.encoding import Side
from entailment.text.layout import Padding
from entailment.text.tensors import to_lists


def pad_rows(
    encoded: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    fill: Mapping[str, int],
    padding: Padding,
    length: int | None,
    multiple: int | None,
    side: Side,
    masked: bool,
    framework: str | None,
) -> BatchEncoding:
    """Pad every list that has a filler to one length.

    Args:
        encoded: one row by name, rows by name, or a list of rows.
        fill: filler by name; lists of other names (labels, say) stay as they are.
        padding: to the longest row, to `length`, or not at all.
        length: in tokens, for "max_length".
        multiple: the length is rounded up to a multiple of this.
        side: where the padding goes.
        masked: make an attention mask where there is none.
        framework: "pt", "np" or "tf"; None for lists, or for what the rows were made of.

    Raises:
        InputError: there are no input_ids, or as many rows of one name as of another there are not.
    """
    if not isinstance(encoded, Mapping):
        encoded = {name: [row[name] for row in encoded] for name in encoded[0]} if encoded else {}
    if "input_ids" not in encoded:
        raise InputError(f"nothing to pad: input_ids is not among {', '.join(encoded) or 'no names'}")
    framework = framework or _framework(encoded["input_ids"])
    data = {name: to_lists(values) for name, values in encoded.items()}
    single = bool(data["input_ids"]) and not isinstance(data["input_ids"][0], list)
    if single:
        data = {name: [values] for name, values in data.items()}
    rows = data["input_ids"]
    uneven = [
        name for name, values in data.items() if not isinstance(values, list) or len(values) != len(rows)
    ]
    if uneven:
        raise InputError(f"{uneven[0]} has not as many rows as input_ids, {len(rows)}")
    if masked and "attention_mask" not in data:
        data["attention_mask"] = [[1] * len(row) for row in rows]
    if padding != "do_not_pad" and rows:
        target = max(map(len, rows)) if padding == "longest" else length or 0
        target = -(-target // (multiple or 1)) * (multiple or 1)
        gaps = [max(0, target - len(row)) for row in rows]
        for name, filler in fill.items():
            if name in data:
                pairs = zip(data[name], gaps, strict=True)
                data[name] = [_padded(row, [filler] * gap, side) for row, gap in pairs]
    if single:
        data = {name: values[0] for name, values in data.items()}
    return BatchEncoding(data, tensor_type=framework)


def _padded(row: list[int], filler: list[int], side: Side) -> list[int]:
    return filler + row if side == "left" else row + filler


def _framework(ids: Any) -> str | None:
    """What rows are made of: tensors come back as tensors."""
    if isinstance(ids, (list, tuple)):
        return _framework(ids[0]) if ids else None
    if isinstance(ids, np.ndarray):
        return "np"
    return "pt" if type(ids).__module__.partition(".")[0] == "torch" else None
