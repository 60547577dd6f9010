"""A log cut into windows: so many answers each, or a stretch of time each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.monitoring.options import span


@dataclass(frozen=True)
class Window:
    """One window: its number (from 0), when it began and ended, and which rows are in it.

    Times are seconds since 1970. `whole` is False of the last one while more may come to it;
    `first` and `past` are the places of its rows in the log: first <= row < past.
    """

    number: int
    start: float
    end: float
    first: int
    past: int
    whole: bool = True

    @property
    def rows(self) -> int:
        """How many answers are in it."""
        return self.past - self.first

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"number": self.number, "start": self.start, "end": self.end, "rows": self.rows,
                "whole": self.whole}


def cut(times: np.ndarray, window: str, now: float) -> list[Window]:
    """The windows of answers made at `times` (n,), sorted, in seconds; empty ones are left out.

    A stretch of time begins at whole multiples of its length, counted from 1970 in UTC; it is
    whole once `now` lies behind it. A window of rows is whole once it is full.
    """
    kind, size = span(window)
    if not len(times):
        return []
    if kind == "rows":
        step = int(size)
        return [Window(number, float(times[first]), float(times[min(first + step, len(times)) - 1]),
                       first, min(first + step, len(times)), first + step <= len(times))
                for number, first in enumerate(range(0, len(times), step))]
    places = np.floor(np.asarray(times) / size)
    firsts = np.flatnonzero(np.r_[True, places[1:] != places[:-1]])
    pasts = np.r_[firsts[1:], len(times)]
    zero = places[0]
    return [Window(int(places[first] - zero), places[first] * size, (places[first] + 1) * size,
                   int(first), int(past), bool((places[first] + 1) * size <= now))
            for first, past in zip(firsts, pasts, strict=True)]


def of_hours(hours: np.ndarray, rows: np.ndarray, window: str, now: float) -> list[Window]:
    """Windows of rows that were only counted by the hour; places are those of the hours.

    A window of rows ends with the hour in which it is full, a stretch of time is rounded up to
    whole hours.
    """
    kind, size = span(window)
    if not len(hours):
        return []
    marks = np.asarray(hours) // max(1, math.ceil(size / 3600)) if kind == "seconds" \
        else _filled(rows, size)
    firsts = np.flatnonzero(np.r_[True, marks[1:] != marks[:-1]])
    pasts = np.r_[firsts[1:], len(hours)]
    found = []
    for number, (first, past) in enumerate(zip(firsts, pasts, strict=True)):
        end = (float(hours[past - 1]) + 1) * 3600
        full = kind == "seconds" or int(rows[first:past].sum()) >= size
        found.append(Window(number, float(hours[first]) * 3600, end, int(first), int(past),
                            bool(full and end <= now)))
    return found


def _filled(rows: np.ndarray, size: float) -> np.ndarray:
    """The number of the window that each hour is in, a window ending where it is full."""
    marks, number, held = [], 0, 0
    for count in rows:
        marks.append(number)
        held += int(count)
        if held >= size:
            number, held = number + 1, 0
    return np.array(marks)
