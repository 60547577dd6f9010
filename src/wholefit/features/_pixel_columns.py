"""A table with a column for each pixel is a picture: "pixel0" to "pixel783", "1x1" to "28x28"."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.features._picked import Picked
from wholefit.features.spans import Span

KIND = "encoder.pixel_columns"
_ONE = re.compile(r"^(.*?)(\d+)\D*$", re.DOTALL)
_TWO = re.compile(r"^(\D*)(\d+)(\D+)(\d+)$", re.DOTALL)
_LEAST = 8
"""Shortest side: a table with 16 numbered columns may be anything."""


class PixelColumns:
    """Columns that are the pixels of one grey picture of `shape` (1, height, width).

    `held` are the values of columns that were constant in training (NaN for the others): new data
    need not have those. A missing pixel is 0.
    """

    bytewise = True

    def __init__(self, columns: list[str], shape: tuple[int, int, int], held: np.ndarray) -> None:
        self.columns, self.shape, self.held = columns, shape, held

    @property
    def names(self) -> list[str]:
        """The columns."""
        return self.columns

    @property
    def sources(self) -> list[str]:
        """The columns."""
        return self.columns

    def span(self, start: int) -> Span:
        """One image."""
        return Span("image", start, start + len(self.columns), self.shape)

    def filled(self) -> float:
        """All of them."""
        return float(len(self.columns))

    def write(self, picked: Picked, span: slice, out: np.ndarray) -> None:
        """Fill `out` (rows, pixels), values within 0 to 255."""
        values = np.empty(span.stop - span.start)
        for at, (name, held) in enumerate(zip(self.columns, self.held, strict=True)):
            if math.isnan(held):
                picked.numbers(name, span, values)
                out[:, at] = np.clip(np.nan_to_num(values, nan=0.0), 0, 255)
            else:
                out[:, at] = held

    def state(self) -> State:
        """Columns and shape as config, held values as an array."""
        return State(KIND, {"columns": self.columns, "shape": list(self.shape)},
                     {"held": self.held})

    @classmethod
    def from_state(cls, state: State) -> PixelColumns:
        """The block that `state` describes."""
        channels, high, wide = (int(side) for side in state.config["shape"])
        return cls(list(state.config["columns"]), (channels, high, wide), state.arrays["held"])


def learn(schema: Any, numeric: Sequence[str]) -> PixelColumns | None:
    """The block of a schema's pixel columns, where they are evident; `numeric` are still to use.

    Evident is: numbered without a gap, a square of at least 8 x 8 (or a full grid of two numbers),
    whole numbers within 0 to 255 that go above 1.
    """
    able = {c.name: c for c in schema.columns
            if (c.name in set(numeric) or c.role == "constant") and _whole(c)}
    found = _grid(list(able))
    if found is None:
        return None
    columns, high, wide = found
    if max(able[name].high for name in columns) <= 1:
        return None
    held = np.array([able[name].low if able[name].role == "constant" else np.nan
                     for name in columns], dtype=np.float64)
    if not np.isnan(held).any():
        return None
    return PixelColumns(columns, (1, high, wide), held)


def _whole(column: Any) -> bool:
    return bool(column.dtype.startswith(("Int", "UInt")) and column.low is not None
                and column.low >= 0 and column.high <= 255)


def _grid(names: Sequence[str]) -> tuple[list[str], int, int] | None:
    """(columns row by row, height, width) of the names that number a picture."""
    two: dict[tuple[str, str], dict[tuple[int, int], str]] = {}
    one: dict[str, dict[int, str]] = {}
    for name in names:
        if match := _TWO.match(name):
            key = match.group(1), match.group(3)
            two.setdefault(key, {})[int(match.group(2)), int(match.group(4))] = name
        if match := _ONE.match(name):
            one.setdefault(match.group(1), {})[int(match.group(2))] = name
    for family in sorted(two.values(), key=len, reverse=True):
        ys, xs = ([place[axis] for place in family] for axis in (0, 1))
        high, wide = max(ys) - min(ys) + 1, max(xs) - min(xs) + 1
        if len(family) == high * wide and min(high, wide) >= _LEAST:
            return [family[place] for place in sorted(family)], high, wide
    for numbered in sorted(one.values(), key=len, reverse=True):
        side = math.isqrt(len(numbered))
        running = max(numbered) - min(numbered) + 1 == len(numbered)
        if running and side >= _LEAST and side * side == len(numbered):
            return [numbered[number] for number in sorted(numbered)], side, side
    return None
