"""What is usual in each column, and a row's values told beside it.

>>> usual.reason("bytes_out", 9_120_000.0)
'bytes_out is 9,120,000, while 99% of rows are at most 41,000'
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.state import State
from wholefit.data import Dataset

KIND = "anomaly.usual"
SHARES = (0.0, 0.001, 0.005, 0.01, 0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975, 0.99, 0.995, 0.999,
          1.0)
# How far out a value must lie to be told as far out: the widest of these that it is beyond.
_TELLING = (0.999, 0.99, 0.95)
_MOST_LEVELS = 1_000
_SHOWN = 40


@dataclass(frozen=True, eq=False)
class Usual:
    """Quantiles of numbers (columns, shares), counts of levels, and how often each is missing."""

    rows: int
    numbers: list[str]
    quantiles: np.ndarray
    levels: dict[str, dict[str, int]]
    missing: dict[str, int]
    whole: dict[str, bool]

    @classmethod
    def learn(cls, dataset: Dataset) -> Usual:
        """From all rows; text columns are left out, moments are told as numbers are not."""
        roles = {column.name: column.role for column in dataset.schema.columns}
        names = [n for n in dataset.schema.features if roles[n] in ("numeric", "boolean")]
        values = [dataset.numeric(name) for name in names]
        quantiles = np.array([_quantiles(column) for column in values]).reshape(-1, len(SHARES))
        levels, missing = {}, {}
        for name in dataset.schema.features:
            if roles[name] == "categorical":
                codes, known = dataset.codes(name)
                counts = np.bincount(codes[codes >= 0], minlength=len(known))
                top = np.sort(np.argsort(-counts, kind="stable")[:_MOST_LEVELS])
                levels[name] = {known[at]: int(counts[at]) for at in top}
                missing[name] = int((codes < 0).sum())
        for name, column in zip(names, values, strict=True):
            missing[name] = int(np.isnan(column).sum())
        whole = {name: bool(np.all(column[np.isfinite(column)] % 1 == 0))
                 for name, column in zip(names, values, strict=True)}
        return cls(len(dataset), names, quantiles, levels, missing, whole)

    def of(self, name: str) -> np.ndarray:
        """Quantiles of a column at `SHARES`."""
        found: np.ndarray = self.quantiles[self.numbers.index(name)]
        return found

    def reason(self, name: str, value: Any) -> str:
        """What the value is, beside what is usual, in a clause."""
        called = shown(name)
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return self._missing(name, called)
        if name in self.levels:
            return self._level(name, called, str(value))
        if name in self.numbers and isinstance(value, (int, float)):
            return self._number(name, called, float(value))
        return f"{called} is {shown(str(value).removesuffix('.000000'))!r}"  # whole seconds

    def unusual(self, name: str, value: Any) -> bool:
        """True if the value alone is out of the ordinary."""
        said = self.reason(name, value)
        return "usual in itself" not in said

    def _missing(self, name: str, called: str) -> str:
        share = self.missing.get(name, 0) / max(self.rows, 1)
        if share == 0:
            return f"{called} is missing, while no row learnt from lacks it"
        return f"{called} is missing, as in {_percent(share)} of rows"

    def _level(self, name: str, called: str, value: str) -> str:
        count = self.levels[name].get(value, 0)
        if count == 0 and len(self.levels[name]) < _MOST_LEVELS:
            return f"{called} is {shown(value)!r}, never seen in {self.rows:,} rows"
        if count == 0:
            return f"{called} is {shown(value)!r}, rare or never seen in {self.rows:,} rows"
        share = count / self.rows
        if share > 0.05:
            return (f"{called} is {shown(value)!r}, usual in itself ({_percent(share)} of rows), "
                    "but not beside the row's other values")
        return f"{called} is {shown(value)!r}, as in {count:,} of {self.rows:,} rows"

    def _number(self, name: str, called: str, value: float) -> str:
        grid, whole = self.of(name), self.whole.get(name, False)
        if not np.isfinite(grid).all():
            return f"{called} is {number(value, whole)}, while no row learnt from has a value"
        said = f"{called} is {number(value, whole)}"
        for share in _TELLING:
            low = grid[SHARES.index(round(1 - share, 3))]
            high = grid[SHARES.index(share)]
            if value > high:
                return (f"{said}, while {_most(share, low, high, 'at most', whole)}"
                        f"{_beyond(value, grid)}")
            if value < low:
                return (f"{said}, while {_most(share, high, low, 'at least', whole)}"
                        f"{_beyond(value, grid)}")
        low, high = grid[SHARES.index(0.05)], grid[SHARES.index(0.95)]
        return (f"{said}, usual in itself (90% of rows: {number(low, whole)} to "
                f"{number(high, whole)}), but not beside the row's other values")

    def state(self) -> State:
        """As plain data."""
        return State(KIND, {"rows": self.rows, "numbers": self.numbers, "levels": self.levels,
                            "missing": self.missing, "whole": self.whole},
                     {"quantiles": self.quantiles})

    @classmethod
    def from_state(cls, state: State) -> Usual:
        """Read back what `state` gave; ValueError where its parts do not fit together."""
        config, quantiles = state.config, state.arrays["quantiles"]
        if quantiles.shape != (len(config["numbers"]), len(SHARES)):
            raise ValueError("its table of usual values has the wrong shape")
        return cls(int(config["rows"]), list(config["numbers"]), quantiles,
                   {name: {level: int(count) for level, count in counts.items()}
                    for name, counts in config["levels"].items()},
                   {name: int(count) for name, count in config["missing"].items()},
                   dict(config["whole"]))


def _quantiles(column: np.ndarray) -> np.ndarray:
    known = column[np.isfinite(column)]
    if not len(known):
        return np.full(len(SHARES), np.nan)
    found: np.ndarray = np.quantile(known, SHARES, method="inverted_cdf")
    return found


def _most(share: float, other: float, bound: float, words: str, whole: bool) -> str:
    if other == bound:
        return f"{_percent(share)} of rows have {number(bound, whole)}"
    return f"{_percent(share)} of rows are {words} {number(bound, whole)}"


def _beyond(value: float, grid: np.ndarray) -> str:
    if value > grid[-1] or value < grid[0]:
        return f" and none learnt from is {'larger than' if value > grid[-1] else 'below'} " \
               f"{number(grid[-1] if value > grid[-1] else grid[0])}"
    return ""


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"


def number(value: float, whole: bool = False) -> str:
    """A number with the digits a reader needs: thousands apart, four figures of small ones."""
    if not math.isfinite(value):
        return "infinite" if value > 0 else "minus infinite"
    if abs(value) >= 1e15 or (value and abs(value) < 1e-4):
        return f"{value:.3g}"
    if abs(value) >= 10_000:
        return f"{value:,.0f}"
    if whole and value % 1 == 0:
        return f"{value:.0f}"
    return f"{value:.4g}"


def shown(text: str) -> str:
    """A name or value cut to a readable length, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[:_SHOWN - 1] + "…"


def cells(dataset: Dataset, name: str, rows: Sequence[int] | np.ndarray) -> list[Any]:
    """Values of a column in some rows, as `Usual.reason` takes them."""
    part = dataset.take(np.asarray(rows, dtype=np.int64))
    role = dataset.schema.role(name)
    if role in ("numeric", "boolean"):
        return [float(value) for value in part.numeric(name)]
    if role == "categorical":
        return list(part.texts(name))
    column = part.frame.get_column(name).alias("column")
    if role == "image":
        return [None if gone else "a picture" for gone in column.is_null()]
    return [None if cell is None else str(cell) for cell in column.cast(pl.String, strict=False)]
