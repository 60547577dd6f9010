"""Columns of time as numbers that put rows in order, and stretches of time as people write them."""

from __future__ import annotations

import re

import numpy as np
import polars as pl

from wholefit.base.errors import DataError
from wholefit.data import _cells

MICROS = {"s": 10**6, "min": 60 * 10**6, "h": 3600 * 10**6, "d": 86_400 * 10**6,
          "w": 7 * 86_400 * 10**6}
"""Microseconds of each unit."""
_SPAN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(s|min|h|d|w)\s*")


def span_of(text: str) -> float | None:
    """Microseconds of "7d", "12h", "30min", "2w", "90s"; None if it is no such thing."""
    found = _SPAN.fullmatch(text)
    if found is None or float(found.group(1)) <= 0:
        return None
    return float(found.group(1)) * MICROS[found.group(2)]


def clock_of(column: pl.Series) -> str:
    """Whether the column holds dates ("times") or numbers such as years ("numbers")."""
    if column.dtype.is_numeric():
        return "numbers"
    if _cells.to_times(column.alias("column"), utc=True).null_count() < len(column):
        return "times"
    if _cells.to_numbers(column.alias("column")).null_count() < len(column):
        return "numbers"
    raise DataError(f"column {column.name!r} must hold dates or numbers to put rows in order of "
                    f"time; it holds {column.dtype}.")


def read_times(column: pl.Series, clock: str) -> np.ndarray:
    """Microseconds since 1970 (UTC), or the numbers, as float64 (n,), NaN where missing."""
    if clock == "numbers":
        return _cells.to_numbers(column.alias("column")).to_numpy().astype(np.float64)
    found = _cells.to_times(column.alias("column"), utc=True).cast(pl.Int64)
    return found.cast(pl.Float64).fill_null(float("nan")).to_numpy()
