"""Statistics of many ranges of one ordered column at once: windows, and what came before.

A range is [low, high): positions in a column (n,) that was put in order. Each is put together
from stretches whose lengths are powers of two, so the cost is n log(longest), and an answer
hangs on the values of its own range only: running totals would carry later values, by rounding,
into earlier answers.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

STATISTICS = ("count", "sum", "mean", "std", "min", "max", "first", "last")
Moments = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Count, mean, and sum of squares about the mean."""


class Ranges:
    """Answers for ranges [low, high), each (m,), of columns of n values."""

    def __init__(self, low: np.ndarray, high: np.ndarray) -> None:
        self.low, self.high = low, np.maximum(high, low)
        self.length = self.high - self.low

    def of(self, values: np.ndarray, statistic: str) -> np.ndarray:
        """One statistic (m,) of the values (n,) that are not NaN; NaN where there is none.

        `count` and `sum` of nothing are 0; `std` has n - 1 below and needs 2 values; `first` and
        `last` are by position.
        """
        known = ~np.isnan(values)
        with np.errstate(all="ignore"):
            if statistic in ("min", "max"):
                return self._extreme(values, known, statistic)
            if statistic in ("first", "last"):
                return self._end(values, known, statistic)
            if statistic == "sum":
                return self._sum(np.where(known, values, 0.0))
            if statistic == "count":
                return self._sum(known.astype(np.float64))
            return self._moment(np.where(known, values, 0.0), known, statistic)

    def _stretches(self) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Each power of two; the ranges that hold a stretch of that length, and its place."""
        at, width = self.low.copy(), 1
        longest = int(self.length.max(initial=0))
        while width <= longest:
            here = np.flatnonzero(self.length & width)
            yield width, here, at[here]
            at[here] += width
            width *= 2

    def _sum(self, values: np.ndarray) -> np.ndarray:
        found, table = np.zeros(len(self.low)), values
        for width, here, at in self._stretches():
            found[here] += table[at]
            table = table[:-width] + table[width:]
        return found

    def _moment(self, values: np.ndarray, known: np.ndarray, statistic: str) -> np.ndarray:
        nothing = np.zeros(len(self.low))
        found: Moments = (nothing, nothing.copy(), nothing.copy())
        table: Moments = (known.astype(np.float64), values, np.zeros(len(values)))
        for width, here, at in self._stretches():
            merged = _merge((found[0][here], found[1][here], found[2][here]),
                            (table[0][at], table[1][at], table[2][at]))
            for whole, part in zip(found, merged, strict=True):
                whole[here] = part
            left, right = (tuple(t[:-width] for t in table), tuple(t[width:] for t in table))
            table = _merge(left, right)  # type: ignore[arg-type]
        count, mean, squares = found
        if statistic == "mean":
            return np.where(count > 0, mean, np.nan)
        return np.where(count > 1, np.sqrt(squares / np.maximum(count - 1, 1)), np.nan)

    def _extreme(self, values: np.ndarray, known: np.ndarray, statistic: str) -> np.ndarray:
        pick, nothing = (np.minimum, np.inf) if statistic == "min" else (np.maximum, -np.inf)
        found, table = np.full(len(self.low), nothing), np.where(known, values, nothing)
        for width, here, at in self._stretches():
            found[here] = pick(found[here], table[at])
            table = pick(table[:-width], table[width:])
        return np.where(self.of(values, "count") > 0, found, np.nan)

    def _end(self, values: np.ndarray, known: np.ndarray, statistic: str) -> np.ndarray:
        place = self.end(known, statistic)
        if not len(values):
            return np.full(len(self.low), np.nan)
        return np.where(place >= 0, values[np.maximum(place, 0)], np.nan)

    def end(self, known: np.ndarray, statistic: str) -> np.ndarray:
        """The position (m,) of the first or last known value of each range, -1 without one."""
        running = np.concatenate([[0], np.cumsum(known)])
        held = np.flatnonzero(known)
        if not len(held):
            return np.full(len(self.low), -1)
        low, high = running[self.low], running[self.high]
        place = np.clip(low if statistic == "first" else high - 1, 0, len(held) - 1)
        return np.where(high > low, held[place], -1)


def _merge(a: Moments, b: Moments) -> Moments:
    """The moments of two sets together (Chan, Golub and LeVeque, 1979)."""
    count = a[0] + b[0]
    share = b[0] / np.maximum(count, 1)
    gap = b[1] - a[1]
    mean = np.where(a[0] == 0, b[1], np.where(b[0] == 0, a[1], a[1] + gap * share))
    squares = a[2] + b[2] + np.where(a[0] * b[0] > 0, gap**2 * a[0] * share, 0.0)
    return count, mean, squares
