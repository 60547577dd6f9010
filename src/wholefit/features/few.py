"""A few rows encoded number by number: for one row, arrays cost more than the arithmetic.

The arithmetic is that of the blocks themselves, in the same order and precision, so the matrix is
bit-equal to the one that `Encoder.transform` would give; a test holds the two together. Blocks
that are not numbers or categories have no such form, and go their usual way.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from wholefit.data.rows import Rows
from wholefit.features._categories import OneHot, Ordinal
from wholefit.features._levels import Levels
from wholefit.features._numeric import Numeric

MOST = 8
"""Rows, beyond which arrays are quicker."""

Write = Callable[[Rows, int, "list[float]"], None]


class Few:
    """The blocks of one encoder; `able` says whether all of them can be written so."""

    def __init__(self, blocks: list[Any], single: bool) -> None:
        self._dtype: type = np.float32 if single else np.float64
        self.able = all(_simple(block) for block in blocks)
        self._writes = [_WRITERS[type(block)](block) for block in blocks] if self.able else []

    def dense(self, rows: Rows) -> np.ndarray:
        """The matrix (rows, features)."""
        return np.array([self._row(rows, at) for at in range(len(rows))], dtype=self._dtype)

    def csr(self, rows: Rows) -> Any:
        """The same as scipy CSR, without stored zeros."""
        from scipy.sparse import csr_matrix

        whole = self.dense(rows)
        at, places = np.nonzero(whole)
        starts = np.searchsorted(at, np.arange(len(whole) + 1)).astype(np.int32)
        return csr_matrix((whole[at, places], places.astype(np.int32), starts), shape=whole.shape)

    def entries(self, rows: Rows) -> list[tuple[list[int], list[float]]]:
        """Places and values that are not zero, row by row."""
        found = []
        for at in range(len(rows)):
            row = self._row(rows, at)
            if self._dtype is np.float32:
                row = np.array(row, dtype=np.float32).tolist()
            places = [place for place, value in enumerate(row) if value]
            found.append((places, [row[place] for place in places]))
        return found

    def _row(self, rows: Rows, at: int) -> list[float]:
        found: list[float] = []
        for write in self._writes:
            write(rows, at, found)
        return found


def _simple(block: Any) -> bool:
    if isinstance(block, Numeric):
        return not block.calendars and block.terms is None and block.filler is None
    return isinstance(block, (OneHot, Ordinal))


def _numeric(block: Numeric) -> Write:
    learnt, limit = block.learnt, block.limit
    empty = set(learnt.empty.tolist())
    columns = [(name, at in empty, *map(float, each)) for at, (name, *each) in enumerate(zip(
        block.columns, learnt.fill, learnt.low, learnt.high, learnt.centre, learnt.scale,
        strict=True))]
    flagged = [(block.columns[at], at in empty) for at in block.flagged]

    def write(rows: Rows, at: int, out: list[float]) -> None:
        cells = rows.cells
        for name, nothing, fill, low, high, centre, scale in columns:
            value = math.nan if nothing else cells[name][at]
            if value == math.inf:
                value = high
            elif value == -math.inf:
                value = low
            if value != value:
                value = fill
            # An infinite step on the way overflows here as it does in an array.
            out.append(min(max((value - centre) / scale, -limit), limit))
        for name, nothing in flagged:
            value = cells[name][at]
            out.append(1.0 if nothing or value != value else 0.0)

    return write


class _Places:
    """Where each level of a reader's column leads in a block; made once for each reader."""

    def __init__(self, levels: Levels, table: np.ndarray) -> None:
        self._levels, self._table = levels, table
        self._known: tuple[list[str], list[float]] | None = None

    def of(self, rows: Rows, at: int) -> float:
        """The table's entry for the row's level."""
        name = self._levels.column
        levels = rows.reader.levels[name]
        known = self._known  # one look: see Levels.places
        if known is None or known[0] is not levels:
            entries = self._table.take(self._levels.table(levels)).tolist()
            known = self._known = (levels, entries)
        return known[1][rows.cells[name][at]]


def _onehot(block: OneHot) -> Write:
    places = [_Places(levels, table) for levels, table in zip(
        block.columns, block.tables, strict=True)]
    blank = [0.0] * len(block.names)

    def write(rows: Rows, at: int, out: list[float]) -> None:
        found = blank.copy()
        for each in places:
            place = each.of(rows, at)
            if place >= 0:
                found[int(place)] = 1.0
        out += found

    return write


def _ordinal(block: Ordinal) -> Write:
    places = [_Places(levels, table) for levels, table in zip(
        block.columns, block.tables, strict=True)]

    def write(rows: Rows, at: int, out: list[float]) -> None:
        out += [each.of(rows, at) for each in places]

    return write


_WRITERS: dict[type, Callable[[Any], Write]] = {
    Numeric: _numeric, OneHot: _onehot, Ordinal: _ordinal}
