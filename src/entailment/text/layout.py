"""Segments to rows: cut to a length, special tokens set around them, padded.

``[CLS] first [SEP]`` or ``[CLS] first [SEP] second [SEP]``. Where a text is cut, the rest can be kept in
further rows (`overflow`), which overlap by `stride` tokens. The rules are those of the Rust library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from entailment.errors import InputError
from entailment.text.encoding import Encoding, Part, Side
from entailment.text.engines import Segment

Truncation = Literal["longest_first", "only_first", "only_second", "do_not_truncate"]
Padding = Literal["longest", "max_length", "do_not_pad"]
Window = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How rows are made.

    Attributes:
        names: the vocabulary, tokens by id.
        max_length: tokens of a row, special tokens included; None where nothing asks for a length.
        stride: tokens that a further row repeats of the one before.
        overflow: keep what is cut in further rows.
    """

    cls_id: int
    sep_id: int
    pad_id: int
    names: Mapping[int, str]
    special: bool = True
    truncation: Truncation = "do_not_truncate"
    truncation_side: Side = "right"
    max_length: int | None = None
    stride: int = 0
    overflow: bool = False
    padding: Padding = "do_not_pad"
    padding_side: Side = "right"
    pad_to_multiple_of: int | None = None

    def rows(self, first: Segment, second: Segment | None) -> list[Encoding]:
        """The row of one text or pair, then, with `overflow`, the rows of what was cut.

        Raises:
            InputError: the text that may be cut is too short to cut enough, or `stride` is too large.
        """
        lengths = len(first.ids), (len(second.ids) if second else 0)
        kept = self._kept(*lengths, pair=second is not None)
        firsts = self._windows(lengths[0], kept[0])
        if second is None:
            return [self._row((first, window)) for window in firsts]
        seconds = self._windows(lengths[1], kept[1])
        # The order of the Rust library: what is left of the first text, each with every part of the second.
        order = [(a, b) for a in firsts for b in seconds]
        order = [order[0], *order[len(seconds) :], *order[1 : len(seconds)]]
        return [self._row((first, a), (second, b)) for a, b in order]

    def padded(self, rows: Sequence[Encoding]) -> list[Encoding]:
        """The rows with padding, where it is asked for."""
        if self.padding == "do_not_pad" or not rows:
            return list(rows)
        length = max(map(len, rows)) if self.padding == "longest" else self.max_length or 0
        multiple = self.pad_to_multiple_of or 1
        length = -(-length // multiple) * multiple
        return [row.padded(length, side=self.padding_side, pad_id=self.pad_id) for row in rows]

    def _kept(self, first: int, second: int, *, pair: bool) -> tuple[int, int]:
        """How many tokens of each text stay."""
        if self.truncation == "do_not_truncate" or self.max_length is None:
            return first, second
        added = (3 if pair else 2) if self.special else 0
        room = self.max_length - added
        if room < 0:
            raise InputError(f"max_length is {self.max_length}, but the special tokens alone are {added}")
        excess = first + second - room
        if excess <= 0:
            return first, second
        if self.truncation == "longest_first":
            return longest_first(first, second, room) if pair else (room, 0)
        which = "first" if self.truncation == "only_first" else "second"
        length = first if which == "first" else second
        if excess >= length and room:
            raise InputError(
                f"truncation={self.truncation!r} cannot cut {excess} tokens to reach max_length"
                f" {self.max_length}: the {which} text has only {length}"
            )
        if not room:
            return 0, 0
        return (first - excess, second) if which == "first" else (first, second - excess)

    def _windows(self, length: int, kept: int) -> list[Window]:
        """The part of a text that stays, then the parts that follow (or, cut on the left, precede) it."""
        from_left = self.truncation_side == "left"
        if kept >= length or not self.overflow:
            return [(length - kept, length) if from_left and kept < length else (0, min(kept, length))]
        if kept == 0:
            return [(0, 0), (0, length)]
        if self.stride >= kept:
            raise InputError(
                f"stride is {self.stride}, but only {kept} tokens of the text fit a row; stride must be less"
            )
        windows = [(start, min(start + kept, length)) for start in range(0, length, kept - self.stride)]
        done = next(index for index, window in enumerate(windows) if window[1] == length)
        windows = windows[: done + 1]
        return [(length - stop, length - start) for start, stop in windows] if from_left else windows

    def _row(self, *texts: tuple[Segment, Window]) -> Encoding:
        ids: list[int] = []
        types: list[int] = []
        mask: list[int] = []
        parts: list[Part] = []
        for sequence, (segment, (start, stop)) in enumerate(texts):
            opening = [self.cls_id] if self.special and not sequence else []
            closing = [self.sep_id] if self.special else []
            parts.append(Part(segment, start, stop, len(ids) + len(opening), sequence))
            ids += opening + segment.ids[start:stop] + closing
            mask += [1] * len(opening) + [0] * (stop - start) + [1] * len(closing)
            types += [sequence] * (len(ids) - len(types))
        return Encoding(ids, types, mask, [1] * len(ids), tuple(parts), self.names)


def longest_first(first: int, second: int, room: int) -> tuple[int, int]:
    """How many tokens of two texts stay where they have `room` together: the longer loses its end first.

    So until both are equally long, and then both alike. The half of an odd room that is larger goes to the
    side that the Rust library gives it to: the second, unless the first is the longer.
    """
    if first + second <= room:
        return first, second
    short = min(first, second, room // 2)
    return (room - short, short) if first > second else (short, room - short)
