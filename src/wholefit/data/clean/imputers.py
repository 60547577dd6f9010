"""Missing numbers from the other columns: nearest rows, or regressions in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from wholefit.base.errors import DataError
from wholefit.base.params import param
from wholefit.base.seeds import generator
from wholefit.base.state import State
from wholefit.data import _cells
from wholefit.data.clean import _iterative, _neighbours
from wholefit.data.clean._step import (
    Edit,
    Step,
    View,
    cells,
    here,
    is_number,
    on_columns,
    on_role,
    register,
)


@register
@dataclass(frozen=True)
class FillNeighbours(Step):
    """Missing numbers become the mean of the nearest rows that have them.

    A sample of training rows is kept as donors: a model that holds this step holds those rows.
    """

    name: ClassVar[str] = "fill_neighbours"
    columns: tuple[str, ...] | None = on_columns()
    role: str | None = on_role()
    k: int = param(5, "Rows to take the mean of.", low=1, high=1000)
    weights: str = param("uniform", "Count rows alike, or nearer ones for more.",
                         choices=("uniform", "distance"))
    scale: bool = param(True, "Bring columns to one scale before distances are taken.")
    donors: int = param(2000, "Most training rows to look among.", low=1, high=100_000)
    seed: int = param(0, "Of the sample of donors.", low=0)

    @property
    def learns(self) -> bool:
        """True: it learns the donors."""
        return True

    def learn(self, view: View) -> State:
        """Means, scales and donors of the numeric columns."""
        names = view.pick(self.columns, self.role, is_number, "numbers")
        table = _matrix(view.frame, names)
        means, scale = _centre(table)
        useful = np.flatnonzero((~np.isnan(table)).any(axis=1))
        if len(useful) > self.donors:
            drawn = generator(self.seed, "donors").choice(useful, self.donors, replace=False)
            useful = np.sort(drawn)
        arrays = {"means": means, "scale": scale if self.scale else np.ones_like(scale),
                  "donors": table[useful]}
        return self.as_state(names, arrays)

    def apply(self, frame: pl.DataFrame, learnt: State) -> Edit:
        """Fill the gaps; refuses rows without one of the columns."""
        names = _all_here(frame, learnt, self.name)
        if not names:
            return Edit()
        table = _matrix(frame, names)
        arrays = learnt.arrays
        found = _neighbours.impute(table, arrays["donors"], arrays["means"], arrays["scale"],
                                   self.k, self.weights == "distance")
        return Edit(_changed(frame, names, table, found))


@register
@dataclass(frozen=True)
class FillIterative(Step):
    """Missing numbers are regressed on the other columns, round after round."""

    name: ClassVar[str] = "fill_iterative"
    columns: tuple[str, ...] | None = on_columns()
    role: str | None = on_role()
    rounds: int = param(10, "How often every column is regressed.", low=1, high=100)
    alpha: float = param(1e-3, "Strength of the ridge penalty, columns standardised.", above=0)
    predictors: int = param(30, "Most columns that one is regressed on.", low=1, high=500)
    tolerance: float = param(1e-3, "Rounds end once nothing changes by more than this share of "
                             "the largest number.", low=0)
    bounded: bool = param(True, "Keep what is filled within the range that was seen.")
    rows: int = param(20_000, "Most rows to learn from.", low=10)
    seed: int = param(0, "Of the sample of rows.", low=0)

    @property
    def learns(self) -> bool:
        """True: it learns the regressions."""
        return True

    def learn(self, view: View) -> State:
        """The sequence of regressions."""
        names = view.pick(self.columns, self.role, is_number, "numbers")
        if not names:
            return self.as_state(names)
        table = _matrix(view.frame, names)
        if len(table) > self.rows:
            drawn = generator(self.seed, "rows").choice(len(table), self.rows, replace=False)
            table = table[np.sort(drawn)]
        chain = _iterative.learn(table, self.rounds, self.alpha, self.predictors, self.bounded,
                                 self.tolerance)
        return self.as_state(names, chain.arrays())

    def apply(self, frame: pl.DataFrame, learnt: State) -> Edit:
        """Fill the gaps; refuses rows without one of the columns."""
        names = _all_here(frame, learnt, self.name)
        if not names:
            return Edit()
        table = _matrix(frame, names)
        found = _iterative.Chain(**learnt.arrays).fill(table)
        return Edit(_changed(frame, names, table, found))


def _matrix(frame: pl.DataFrame, names: list[str]) -> np.ndarray:
    """Columns as float64 (n, p), NaN where missing or infinite."""
    table = np.empty((frame.height, len(names)))
    for at, name in enumerate(names):
        table[:, at] = _cells.to_numbers(cells(frame, name)).to_numpy()
    table[~np.isfinite(table)] = np.nan
    return table


def _centre(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of what is there; NaN and 1 where nothing is."""
    known = ~np.isnan(table)
    counts = known.sum(axis=0)
    sums = np.where(known, table, 0.0).sum(axis=0)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    spread = np.where(known, table - means, 0.0)
    scale = np.sqrt((spread**2).sum(axis=0) / np.maximum(counts, 1))
    return means, np.where(scale > 0, scale, 1.0)


def _all_here(frame: pl.DataFrame, learnt: State, step: str) -> list[str]:
    names = here(frame, learnt)
    absent = [name for name in learnt.config["columns"] if name not in set(names)]
    if absent:
        raise DataError(f"{step} must have every column it was fitted with; {absent[0]!r} is not "
                        "there: add it, or fit the recipe anew.")
    return names


def _changed(
    frame: pl.DataFrame, names: list[str], before: np.ndarray, after: np.ndarray
) -> tuple[pl.Series, ...]:
    """The columns in which a missing cell was filled; cells that were there are left alone."""
    made = []
    for at, name in enumerate(names):
        column = cells(frame, name)
        fresh = after[:, at].copy()
        lost = column.is_null().to_numpy()
        if column.dtype.is_float():
            lost = lost | np.isnan(before[:, at]) & column.is_nan().fill_null(True).to_numpy()
        if not lost.any() or np.isnan(fresh[lost]).all():
            continue
        given = column.cast(pl.Float64).to_numpy()
        made.append(pl.Series("column", np.where(lost, fresh, given)).fill_nan(None).alias(name))
    return tuple(made)
