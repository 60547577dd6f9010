"""What is counted about every column before its role is decided; one parallel pass."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from wholefit.data._cells import is_missing, mean, parse_times, to_numbers

_SAMPLE = 2000
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True)
class Facts:
    """Counts of one column; what is dear is computed only when a rule asks for it."""

    name: str
    column: pl.Series
    rows: int
    missing: int
    distinct: int
    low: float | None = None
    high: float | None = None

    @property
    def present(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing

    @property
    def share(self) -> float:
        """Distinct values as a share of the rows with a value."""
        return self.distinct / self.present if self.present else 0.0

    @cached_property
    def words_of_name(self) -> list[str]:
        """The name cut at case changes and punctuation, in lower case."""
        return [w for w in re.split(r"[^A-Za-z0-9]+", _CAMEL.sub(" ", self.name).lower()) if w]

    @cached_property
    def whole(self) -> bool:
        """True if every number is whole."""
        if self.column.dtype.is_integer():
            return True
        values = self.numbers.drop_nulls()
        return bool((values == values.floor()).all())

    @cached_property
    def numbers(self) -> pl.Series:
        """The column as Float64."""
        return to_numbers(self.column)

    @cached_property
    def sequential(self) -> bool:
        """True if the values count up by one, row after row."""
        values = self.numbers
        if values.null_count() or len(values) < 2:
            return False
        return bool((values.diff().drop_nulls() == 1).all())

    @cached_property
    def sample(self) -> pl.Series:
        """Up to 2,000 present text cells, spread evenly over the rows."""
        present = self.column.cast(pl.String).drop_nulls()
        if len(present) <= _SAMPLE:
            return present
        return present.gather(np.linspace(0, len(present) - 1, _SAMPLE).astype(np.int64))

    @cached_property
    def words(self) -> float:
        """Average words a cell."""
        return mean(self.sample.str.count_matches(r"\S+"))

    @cached_property
    def lowercase(self) -> float:
        """Share of words after the first that begin with a small letter: prose, not names."""
        later = int(self.sample.str.count_matches(r"\s[^\s\d]").sum())
        small = int(self.sample.str.count_matches(r"\s\p{Ll}").sum())
        return small / later if later else 0.0

    @cached_property
    def number_share(self) -> float:
        """Share of present text cells that are numbers, spelled-out missing values apart."""
        if self._share_of(to_numbers(self.sample), self.sample) < 0.9:
            return 0.0
        return self._share_of(self.numbers, self.column)

    @cached_property
    def leading_zeros(self) -> bool:
        """True if some text cells are digits with a zero in front: codes, not quantities."""
        return bool(self.column.str.contains(r"^\s*0\d+\s*$").any())

    @cached_property
    def dated(self) -> tuple[float, str | None]:
        """Share of present text cells that are dates, and the format that reads them."""
        found, form = parse_times(self.sample)
        if form is None or self._share_of(found, self.sample) < 0.9:
            return 0.0, None
        found, form = parse_times(self.column)
        return self._share_of(found, self.column), form

    @cached_property
    def some_values(self) -> list[str]:
        """A few different values of the column, as text."""
        return self.sample.unique(maintain_order=True).head(20).to_list()

    @staticmethod
    def _share_of(after: pl.Series, before: pl.Series) -> float:
        present = len(before) - int(is_missing(before).sum())
        return (len(after) - after.null_count()) / present if present else 0.0


def gather(frame: pl.DataFrame) -> list[Facts]:
    """Facts of every column, in order."""
    asked: list[pl.Expr] = []
    for index, kind in enumerate(frame.dtypes):
        asked += _counts(index, kind)
    numbered = frame.clone()
    numbered.columns = [str(index) for index in range(frame.width)]
    counted: dict[str, Any] = numbered.select(asked).row(0, named=True) if asked else {}
    return [_facts(frame, index, counted) for index in range(frame.width)]


def _counts(index: int, kind: pl.DataType) -> list[pl.Expr]:
    column = pl.col(str(index))
    asked = [column.null_count().alias(f"{index} nulls")]
    if kind.is_nested() or kind == pl.Object:
        return asked
    asked.append(column.n_unique().alias(f"{index} unique"))
    if kind.is_numeric() and not kind.is_decimal():
        asked += [column.min().alias(f"{index} low"), column.max().alias(f"{index} high")]
    if kind.is_float():
        asked.append(column.is_nan().sum().alias(f"{index} nans"))
    return asked


def _facts(frame: pl.DataFrame, index: int, counted: dict[str, Any]) -> Facts:
    # A neutral name: the engine reads names such as "*" and "^a.*$" as patterns.
    column = frame.to_series(index).alias("column")
    nulls, nans = counted[f"{index} nulls"], counted.get(f"{index} nans") or 0
    unique = counted.get(f"{index} unique", 0)
    distinct = unique - (1 if nulls and unique else 0) - (1 if nans else 0)
    low, high = _bounds(column, counted.get(f"{index} low"), counted.get(f"{index} high"))
    return Facts(frame.columns[index], column, frame.height, nulls + nans, distinct, low, high)


def _bounds(column: pl.Series, low: Any, high: Any) -> tuple[float | None, float | None]:
    """Smallest and largest finite value."""
    if low is not None and not (np.isfinite(low) and np.isfinite(high)):
        finite = column.filter(column.is_finite())
        low, high = finite.min(), finite.max()
    return (None if low is None else float(low)), (None if high is None else float(high))
