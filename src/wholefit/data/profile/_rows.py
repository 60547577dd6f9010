"""The rows that pairs are measured on, and each column as the numbers or codes they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl

from wholefit.base.seeds import generator
from wholefit.data import _cells
from wholefit.data.profile._parts import ColumnProfile

Array = np.ndarray
MOST_ROWS = 50_000
# Cells looked at for what every column tells of the target: with 1,000 columns, fewer rows.
_CELLS = 20_000_000
_FEW_VALUES = 20
_MOST_BINS = 20
_MOST_LEVELS = 50


@dataclass(frozen=True)
class Looked:
    """One column of the sampled rows: `values` float64 (n,) with NaN, or `codes` int64 (n,).

    Codes are -1 where missing, and `levels` their names.
    """

    name: str
    kind: str
    cells: pl.Series = field(repr=False)

    @cached_property
    def values(self) -> Array:
        """Numbers, or times in seconds; what is not finite is NaN."""
        if self.kind == "datetime":
            stamps = _cells.to_times(self.cells, utc=True).to_physical().cast(pl.Float64) / 1e6
            return stamps.fill_null(np.nan).to_numpy()
        found = _cells.to_numbers(self.cells).fill_null(np.nan).to_numpy()
        return np.where(np.isfinite(found), found, np.nan)

    @cached_property
    def coded(self) -> tuple[Array, list[str]]:
        """Codes and levels of a categorical column."""
        codes, levels = _cells.to_codes(self.cells)
        return codes.astype(np.int64), levels

    @property
    def is_numeric(self) -> bool:
        """True if it is compared as a number."""
        return self.kind in ("numeric", "datetime")

    @cached_property
    def bins(self) -> Array:
        """A few bins int64 (n,) of about equally many rows, or levels; -1 where missing."""
        if self.is_numeric:
            return binned(self.values, _MOST_BINS)
        return folded(self.coded[0], _MOST_LEVELS)


@dataclass(frozen=True)
class Sample:
    """The sampled rows of the columns that can be compared, in order."""

    columns: Sequence[Looked]
    rows: int

    def get(self, name: str) -> Looked | None:
        """The column of that name; None if it cannot be compared."""
        return next((column for column in self.columns if column.name == name), None)


def sampled(frame: pl.DataFrame, columns: Sequence[ColumnProfile], seed: int) -> Sample:
    """At most 50,000 random rows (fewer with very many columns) of numbers, times and levels."""
    apt = [column for column in columns if _apt(column)]
    most = max(min(MOST_ROWS, _CELLS // max(len(apt), 1)), 1000)
    places = None
    if frame.height > most:
        drawn = generator(seed, "pairs").choice(frame.height, most, replace=False)
        places = pl.Series(np.sort(drawn))
    found = [Looked(column.name, column.kind, _cut(frame.get_column(column.name), places))
             for column in apt]
    return Sample(found, min(frame.height, most))


def binned(values: Array, most: int) -> Array:
    """Bins of about equally many values; different values apart where there are few."""
    present = ~np.isnan(values)
    known = values[present]
    codes = np.full(len(values), -1, dtype=np.int64)
    if not len(known):
        return codes
    ordered = np.sort(known)
    starts = ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])]
    if len(starts) > min(_FEW_VALUES, most):
        count = int(np.clip(len(known) ** (1 / 3), 2, most))
        cuts = (np.arange(1, count) * len(known)) // count
        starts = np.unique(ordered[np.concatenate([[0], cuts])])
    codes[present] = np.searchsorted(starts, known, side="right") - 1
    return codes


def folded(codes: Array, most: int) -> Array:
    """The most frequent levels as they are, all others as one."""
    counts = np.bincount(codes[codes >= 0], minlength=1)
    if len(counts) <= most:
        return codes
    kept = np.argsort(-counts, kind="stable")[: most - 1]
    table = np.full(len(counts) + 1, most - 1, dtype=np.int64)
    table[kept] = np.arange(most - 1)
    table[-1] = -1
    return table[codes]


def _apt(column: ColumnProfile) -> bool:
    """Identifiers name rows, and constants do not vary: nothing goes together with them."""
    return (column.kind in ("numeric", "datetime", "categorical") and column.distinct > 1
            and column.role not in ("identifier", "ignored", "constant"))


def _cut(cells: pl.Series, places: pl.Series | None) -> pl.Series:
    cells = cells.alias("column")
    return cells if places is None else cells.gather(places)
