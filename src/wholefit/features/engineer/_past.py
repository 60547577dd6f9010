"""Rows in order of group and time, and where the strict past of each one ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Tail = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Past:
    """Rows sorted by group, then time, then place in the data.

    `code`, `time` (n,) and `values` (n, columns) of all rows, the tail of an earlier time
    included; `start` (n,) where the group of each begins, `moment` (n,) where rows of its own
    time begin: [start, moment) is its strict past. `here` are the rows asked about, `owner`
    their places in the data; `dense` is `code` numbered from 0 without gaps.
    """

    code: np.ndarray
    time: np.ndarray
    values: np.ndarray
    start: np.ndarray
    moment: np.ndarray
    here: np.ndarray
    owner: np.ndarray
    dense: np.ndarray

    @classmethod
    def of(
        cls, code: np.ndarray, time: np.ndarray, values: np.ndarray, before: Tail | None = None
    ) -> Past:
        """From rows and a tail; a tail's rows of a moment that the rows have too are theirs.

        Rows without a time or a group have no place and no past.
        """
        placed = np.flatnonzero((code >= 0) & ~np.isnan(time))
        owner = placed
        code, time, values = code[placed], time[placed], values[placed]
        if before is not None and len(before[0]):
            tail = len(before[0])
            owner = np.concatenate([np.full(tail, -1), owner])
            code = np.concatenate([before[0], code])
            time = np.concatenate([before[1], time])
            values = np.concatenate([before[2], values])
        order = np.lexsort((owner, time, code))
        code, time, values, owner = code[order], time[order], values[order], owner[order]
        if before is not None:
            _, moment = _starts(code, time)
            fresh = np.bincount(moment, weights=owner >= 0, minlength=len(code)) > 0
            kept = (owner >= 0) | ~fresh[moment]
            code, time, values, owner = code[kept], time[kept], values[kept], owner[kept]
        start, moment = _starts(code, time)
        here = np.flatnonzero(owner >= 0)
        dense = np.cumsum(np.diff(code, prepend=code[:1]) != 0) if len(code) else code
        return cls(code, time, values, start, moment, here, owner[here], dense)

    def back(self, rows: int) -> np.ndarray:
        """The values (asked, columns) `rows` before each row's own moment, NaN if too early."""
        at = self.moment[self.here] - rows
        early = at < self.start[self.here]
        found = self.values[np.where(early, 0, at)] if len(self.values) else self.values
        return np.where(early[:, None], np.nan, found)

    def last(self, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """The window [low, high) of the last rows before each row's own moment."""
        high = self.moment[self.here]
        return np.maximum(high - rows, self.start[self.here]), high

    def since(self, span: float) -> tuple[np.ndarray, np.ndarray]:
        """The window [low, high) of rows less than or just `span` of time before each row."""
        found = np.empty(len(self.here), dtype=np.int64)
        time, group = self.time[self.here], self.dense[self.here]
        bounds = np.searchsorted(self.dense, np.arange(self.dense[-1] + 2 if len(group) else 1))
        # within a group times ascend, so one search a group does
        edges = np.searchsorted(group, np.arange(len(bounds)))
        for at in np.flatnonzero(np.diff(edges)):
            rows = slice(edges[at], edges[at + 1])
            low, high = bounds[at], bounds[at + 1]
            found[rows] = low + np.searchsorted(self.time[low:high], time[rows] - span, "left")
        return found, self.moment[self.here]

    def gap(self) -> np.ndarray:
        """Time since the row before, NaN for the first."""
        at = self.moment[self.here] - 1
        early = at < self.start[self.here]
        found = self.time[self.here] - self.time[np.where(early, 0, at)]
        return np.where(early, np.nan, found)

    def tail(self, rows: int, span: float) -> np.ndarray:
        """Places to keep: what a new row, at or after the last moment of its group, may see."""
        if not len(self.code):
            return np.empty(0, dtype=np.int64)
        ends = np.append(np.flatnonzero(np.diff(self.code)), len(self.code) - 1)
        group = np.searchsorted(ends, np.arange(len(self.code)))
        near = np.arange(len(self.code)) >= self.moment[ends][group] - rows
        recent = (self.time >= self.time[ends][group] - span) & (span > 0)
        return np.flatnonzero(near | recent)


def _starts(code: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each row's group begins, and where its moment does."""
    if not len(code):
        return code, code
    place = np.arange(len(code))
    other = np.diff(code, prepend=code[0] - 1) != 0
    later = other | (np.diff(time, prepend=time[0]) != 0)
    return (np.maximum.accumulate(np.where(other, place, 0)),
            np.maximum.accumulate(np.where(later, place, 0)))
