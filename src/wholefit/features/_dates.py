"""Datetimes as numbers: calendar parts, and days since the first training time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.features._picked import Picked

PARTS = ("year", "month", "day", "weekday", "hour", "days")
_HOUR = 3_600_000_000
_DAY = 24 * _HOUR


@dataclass(frozen=True)
class Calendar:
    """The parts of one datetime column that varied in training.

    `first` is the first training time in microseconds since 1970; weekday 0 is Monday; "days"
    is a fraction of days since `first`, and goes on past the training period.
    """

    column: str
    parts: tuple[str, ...]
    first: int

    def read(self, picked: Picked, span: slice, out: np.ndarray) -> None:
        """Write one row of `out` (parts, rows) for each part; NaN where the time is missing."""
        times = picked.times(self.column, span).astype("datetime64[us]", copy=False)
        for row, part in zip(out, self.parts, strict=True):
            row[:] = _part(part, times, self.first)
        out[:, np.isnat(times)] = np.nan

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {"column": self.column, "parts": list(self.parts), "first": self.first}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Calendar:
        """From plain data."""
        return cls(found["column"], tuple(found["parts"]), int(found["first"]))


def learn(picked: Picked, column: str) -> Calendar | None:
    """The parts that vary among the picked rows; None when there is nothing to tell apart."""
    times = picked.times(column, slice(0, picked.size)).astype("datetime64[us]", copy=False)
    known = times[~np.isnat(times)]
    if not len(known):
        return None
    first = int(known.min().astype(np.int64))
    parts = [part for part in PARTS if np.ptp(_part(part, known, first)) > 0]
    if not parts and len(known) < len(times):
        parts = ["days"]  # constant, but whether it is missing may tell
    return Calendar(column, tuple(parts), first) if parts else None


def _part(part: str, times: np.ndarray, first: int) -> np.ndarray:
    if part == "year":
        return times.astype("datetime64[Y]").astype(np.int64) + 1970
    if part == "month":
        return times.astype("datetime64[M]").astype(np.int64) % 12 + 1
    if part == "day":
        months = times.astype("datetime64[M]").astype("datetime64[D]")
        return (times.astype("datetime64[D]") - months).astype(np.int64) + 1
    micros = times.astype(np.int64)
    if part == "weekday":
        return (micros // _DAY + 3) % 7
    if part == "hour":
        return micros // _HOUR % 24
    return (micros - first) / _DAY
