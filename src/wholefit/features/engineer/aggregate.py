"""What is usual in a row's group, learnt on training rows, and how far the row is from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import polars as pl

from wholefit.base.errors import ParameterError
from wholefit.base.params import param
from wholefit.features.engineer import _cells
from wholefit.features.engineer._step import Step

_LEARNT = ("mean", "std", "min", "max", "median")
STATISTICS = ("mean", "std", "min", "max", "median", "count", "share", "difference", "ratio")


@dataclass(eq=False, repr=False)
class Aggregate(Step):
    """Statistics of numeric columns by the level of others, and the row's distance from them.

    Learnt on training rows. `difference` is the value minus the mean of its group, `ratio` the
    value over it. Means are drawn to the overall mean as if `shrink` rows of it were added to
    each group, variances likewise, so that a group of two rows says little. A group never seen
    has the overall figures and count 0; a missing group counts as one.
    """

    kind: ClassVar[str] = "aggregate"
    summary: ClassVar[str] = "mean, spread, count of numbers by group; the row's distance from them"
    wants: ClassVar[str] = "frame"

    by: str | Sequence[str] = param("", "Column, or columns, that make the groups.")
    statistics: Sequence[str] = param(
        ("mean", "difference"), f"Some of {', '.join(STATISTICS)}.")
    shrink: float = param(10.0, "Rows of the overall mean added to each group.", low=0)

    mean_: np.ndarray = field(init=False)

    def reads(self, columns: list[str]) -> list[str]:
        """The numbers, and the columns of the groups."""
        return list(dict.fromkeys([*columns, *self._by()]))

    def check(self) -> None:
        """Raise ParameterError for an option outside its bounds."""
        Step.check(self)
        if not self._by():
            raise ParameterError("Aggregate.by must name the column of the groups; got ''.")
        for name in self.statistics:
            if name not in STATISTICS:
                raise ParameterError(f"Aggregate.statistics must be some of "
                                     f"{', '.join(STATISTICS)}; got {name!r}.")

    def _learn(self, values: Any, y: np.ndarray | None) -> None:
        absent = [name for name in self._by() if name not in values.columns]
        if absent:
            raise ParameterError(f"Aggregate.by must be among the columns it is given; "
                                 f"got {absent[0]!r}.")
        found = _cells.keys(values, self._by())
        self.groups_ = found.drop_nulls().unique().sort().to_list()
        places = _cells.places(found, self.groups_)
        self.counts_ = np.bincount(places, minlength=len(self.groups_) + 1).astype(np.float64)
        for name in _LEARNT:
            setattr(self, f"{name}_", np.empty((len(self._numbers()), len(self.counts_) + 1)))
        for at, name in enumerate(self._numbers()):
            self._summarise(at, _cells.numbers(values.get_column(name)), places)

    def _make(self, values: Any) -> np.ndarray:
        places = _cells.places(_cells.keys(values, self._by()), self.groups_)
        made = []
        for name in dict.fromkeys(self.statistics):
            if name in ("count", "share"):
                table = np.append(self.counts_, 0.0)
                made.append(table[places] / (self.counts_.sum() if name == "share" else 1.0))
                continue
            for at, column in enumerate(self._numbers()):
                made.append(self._one(name, at, values.get_column(column), places))
        return np.stack(made, axis=1)

    def _called(self, names: list[str]) -> list[str]:
        by = ",".join(self._by())
        numbers = [name for name in names if name not in self._by()]
        found = []
        for name in dict.fromkeys(self.statistics):
            if name in ("count", "share"):
                found.append(f"{name} by {by}")
            else:
                found += [f"{name} of {column} by {by}" for column in numbers]
        return found

    def _by(self) -> list[str]:
        return [self.by] * bool(self.by) if isinstance(self.by, str) else list(self.by)

    def _numbers(self) -> list[str]:
        return [name for name in self.columns_ if name not in self._by()]

    def _one(self, name: str, at: int, column: Any, places: np.ndarray) -> np.ndarray:
        if name in _LEARNT:
            return getattr(self, f"{name}_")[at][places]
        own, mean = _cells.numbers(column), self.mean_[at][places]
        with np.errstate(over="ignore", invalid="ignore"):
            if name == "difference":
                return own - mean
            return np.where(mean == 0, np.nan, own / np.where(mean == 0, 1, mean))

    def _summarise(self, at: int, column: np.ndarray, places: np.ndarray) -> None:
        """Fill row `at` of each table: the groups, the missing one, and all rows at the end."""
        known = np.isfinite(column)
        table = pl.DataFrame({"g": places[known], "v": column[known]})
        cell = pl.col("v")
        asked = [cell.mean().alias("mean"), cell.var(ddof=1).alias("var"), cell.len().alias("n"),
                 cell.min().alias("min"), cell.max().alias("max"), cell.median().alias("median")]
        whole = table.select(asked).row(0, named=True)
        whole = {name: np.nan if value is None else value for name, value in whole.items()}
        groups = table.group_by("g").agg(asked).sort("g")
        here = groups["g"].to_numpy()
        count = groups["n"].to_numpy().astype(np.float64)
        for name in ("min", "max", "median"):
            self._put(name, at, whole[name], here, groups[name].to_numpy())
        mean = (groups["mean"].to_numpy() * count + whole["mean"] * self.shrink) / (
            count + self.shrink)
        self._put("mean", at, whole["mean"], here, mean)
        own = groups["var"].fill_null(0.0).to_numpy()
        freedom = count - 1 + self.shrink
        pooled = ((count - 1) * own + self.shrink * np.nan_to_num(whole["var"])) / np.where(
            freedom > 0, freedom, 1)
        spread = np.where(freedom > 0, np.sqrt(np.maximum(pooled, 0)), np.nan)
        self._put("std", at, float(np.sqrt(whole["var"])), here, spread)

    def _put(self, name: str, at: int, whole: float, here: np.ndarray, found: np.ndarray) -> None:
        row = getattr(self, f"{name}_")[at]
        row[:] = whole
        row[here] = found
