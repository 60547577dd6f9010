"""Outliers: found by a stated rule, then flagged, clipped, set missing, or left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from wholefit.base.errors import ParameterError
from wholefit.base.params import param
from wholefit.base.seeds import generator
from wholefit.base.state import State
from wholefit.data import _cells
from wholefit.data.clean import _forest
from wholefit.data.clean._step import (
    Edit,
    Step,
    View,
    cells,
    free_name,
    here,
    is_number,
    on_columns,
    on_role,
    register,
)

_FACTORS = {"iqr": 1.5, "zscore": 3.0, "robust": 3.5}
# The median absolute deviation of normal numbers, times this, is their standard deviation.
_NORMAL = 1.4826
_SHOWN = 5


@register
@dataclass(frozen=True)
class Outliers(Step):
    """Numbers far from the rest, column by column; or rows that are odd as a whole (forest).

    iqr: beyond `factor` (1.5) interquartile ranges from the quartiles (Tukey). zscore: beyond
    `factor` (3) standard deviations from the mean. robust: the same with the median and the
    median absolute deviation, `factor` 3.5 (Iglewicz and Hoaglin). forest: the `share` of rows
    with the highest isolation-forest score. A column whose middle half (iqr), or more than half
    (robust), is one value has no scale by that rule, and none of its numbers is an outlier.
    """

    name: ClassVar[str] = "outliers"
    columns: tuple[str, ...] | None = on_columns()
    role: str | None = on_role()
    method: str = param("iqr", "How they are found.",
                        choices=("iqr", "zscore", "robust", "forest"))
    action: str = param("clip", "What becomes of them: a flag beside them, the nearest bound, "
                        "a missing cell, or the row left out.",
                        choices=("flag", "clip", "missing", "drop"))
    factor: float | None = param(None, "How far is too far; the method's own if left out.",
                                 above=0, none=True)
    share: float = param(0.01, "Share of rows that the forest calls odd.", above=0, below=0.5)
    trees: int = param(100, "Of the forest.", low=1, high=1000)
    sample: int = param(256, "Rows that each tree is grown on.", low=2, high=10_000)
    seed: int = param(0, "Of the forest.", low=0)

    def check(self) -> None:
        """A row as a whole has no bound to be clipped at."""
        if self.method == "forest" and self.action in ("clip", "missing"):
            raise ParameterError("Outliers.action must be 'flag' or 'drop' with method 'forest', "
                                 f"which judges whole rows; got {self.action!r}.")
        if self.method == "forest" and self.factor is not None:
            raise ParameterError("Outliers.factor has no meaning with method 'forest'; say share.")

    @property
    def learns(self) -> bool:
        """True: bounds are those of the training rows."""
        return True

    @property
    def drops(self) -> bool:
        """True if outlying rows go."""
        return self.action == "drop"

    def learn(self, view: View) -> State:
        """Bounds of each column, or the forest and its threshold."""
        names = view.pick(self.columns, self.role, is_number, "numbers")
        if self.method == "forest":
            return self._learn_forest(view.frame, names)
        factor = self.factor if self.factor is not None else _FACTORS[self.method]
        bounds = [_bounds(cells(view.frame, name), self.method, factor) for name in names]
        table = np.array(bounds, dtype=np.float64).reshape(len(names), 2)
        flags = [free_name(f"{name} (outlier)", view.frame.columns) for name in names]
        return self.as_state(names, {"low": table[:, 0].copy(), "high": table[:, 1].copy()},
                         flags=flags)

    def apply(self, frame: pl.DataFrame, learnt: State) -> Edit:
        """Do what the action says to each outlier."""
        if self.method == "forest":
            return self._apply_forest(frame, learnt)
        places = {name: at for at, name in enumerate(learnt.config["columns"])}
        low, high = learnt.arrays["low"], learnt.arrays["high"]
        made, said = [], []
        kept = np.ones(frame.height, dtype=bool)
        for name in here(frame, learnt):
            at = places[name]
            column = cells(frame, name)
            out = _outside(column, low[at], high[at])
            if self.action == "flag":
                made.append(out.alias(learnt.config["flags"][at]))
            if not out.any():
                continue
            said.append(f"{name!r}: {int(out.sum()):,} outside {low[at]:.6g} .. {high[at]:.6g}")
            if self.action == "drop":
                kept &= ~out.to_numpy()
            elif self.action != "flag":
                made.append(self._mended(column, out, low[at], high[at]).alias(name))
        return Edit(tuple(made), kept=None if kept.all() else kept, said=tuple(said[:_SHOWN]))

    def _mended(self, column: pl.Series, out: pl.Series, low: float, high: float) -> pl.Series:
        if self.action == "missing":
            return column.set(out, None)
        if column.dtype.is_integer():
            limits = np.iinfo(np.int64)
            floor = max(np.ceil(low), float(limits.min))
            ceiling = min(np.floor(high), 2.0**62)
            return column.cast(pl.Int64).clip(int(floor), int(ceiling))
        return column.clip(float(low), float(high))

    def _learn_forest(self, frame: pl.DataFrame, names: list[str]) -> State:
        if not names:
            return self.as_state(names)
        table = _numbers(frame, names)
        middle = np.array([_middle(column) for column in table.T])
        table = np.where(np.isnan(table), middle, table)
        forest = _forest.grow(table, self.trees, self.sample, generator(self.seed, "forest"))
        threshold = np.quantile(forest.scores(table), 1 - self.share, method="higher")
        flag = free_name("outlier", frame.columns)
        return self.as_state(names, {**forest.arrays(), "middle": middle}, flag=flag,
                         threshold=float(threshold))

    def _apply_forest(self, frame: pl.DataFrame, learnt: State) -> Edit:
        names = here(frame, learnt)
        if not names or len(names) < len(learnt.config["columns"]):
            return Edit()
        arrays = dict(learnt.arrays)
        middle = arrays.pop("middle")
        table = _numbers(frame, names)
        table = np.where(np.isnan(table), middle, table)
        odd = _forest.Forest(**arrays).scores(table) > learnt.config["threshold"]
        said = (f"{int(odd.sum()):,} rows score above {learnt.config['threshold']:.3f}",)
        if self.action == "drop":
            return Edit(kept=~odd, said=said)
        return Edit((pl.Series(learnt.config["flag"], odd),), said=said)


def _bounds(column: pl.Series, method: str, factor: float) -> tuple[float, float]:
    """The range outside which a number is an outlier; infinite where there is no scale."""
    known = _cells.to_numbers(column).drop_nulls().to_numpy()
    known = known[np.isfinite(known)]
    nowhere = (-np.inf, np.inf)
    if len(known) < 4:
        return nowhere
    if method == "iqr":
        first, third = np.quantile(known, [0.25, 0.75])
        spread, low, high = third - first, first, third
    elif method == "zscore":
        with np.errstate(over="ignore"):
            low = high = known.mean()
            spread = known.std(ddof=1)
    else:
        low = high = np.median(known)
        spread = np.median(np.abs(known - low)) * _NORMAL
    if not np.isfinite(spread) or spread <= 0:
        return nowhere
    return float(low - factor * spread), float(high + factor * spread)


def _outside(column: pl.Series, low: float, high: float) -> pl.Series:
    numbers = column.cast(pl.Float64)
    found = (numbers < low) | (numbers > high)
    return (found & ~numbers.is_nan()).fill_null(False)


def _numbers(frame: pl.DataFrame, names: list[str]) -> np.ndarray:
    """Columns as float64 (n, p); infinities at the largest finite numbers, NaN where missing."""
    table = np.empty((frame.height, len(names)))
    for at, name in enumerate(names):
        table[:, at] = _cells.to_numbers(cells(frame, name)).to_numpy()
    return np.clip(table, -1e300, 1e300)


def _middle(column: np.ndarray) -> float:
    known = column[~np.isnan(column)]
    return float(np.median(known)) if len(known) else 0.0
