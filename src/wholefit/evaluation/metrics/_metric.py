"""What a metric is: a value from weighted rows, and how hard each row pulls on that value.

The one idea behind every interval here: a metric is a function of row weights. Its value at
the true weights is the score; its derivative with respect to each weight (the influence of
the row; infinitesimal jackknife, Efron 1982; delta method) gives the variance without any
resampling, whatever the metric, and sums over clusters of rows. Evaluated at random weights,
the same function is the bootstrap.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit.evaluation.metrics._sheet import Sheet

Array = np.ndarray


def amount(number: float) -> str:
    """A number as a person writes it: four figures, thousands apart ("31,610", "0.01234")."""
    if 1000 <= abs(number) < 1e15:
        return f"{float(f'{number:.4g}'):,.0f}"
    return f"{number:.4g}"


def percent(share: float) -> str:
    """A share as a percentage: two figures, more where it is nearly all ("66%", "99.93%")."""
    if 0 < share < 1e-4:
        return "less than 0.01%"
    if 1 - 1e-4 < share < 1:
        return "more than 99.99%"
    return f"{100 * share:.{2 if share < 0.99 else 4}g}%"


@dataclass(frozen=True)
class Metric(ABC):
    """One metric: its name, meaning, bounds, and how it is computed.

    `better` is "higher" or "lower"; `low` and `high` bound its values; `unit` says what it is
    measured in; `plain_words` is a template over `value`, and says what the number means;
    `told` turns the number into what the template holds, where that is not the number itself;
    `scale` names the scale on which intervals are made (see `intervals`).
    """

    name: str
    doc: str
    better: str
    low: float
    high: float
    unit: str
    plain_words: str
    aliases: tuple[str, ...] = ()
    scale: str = field(default="plain", kw_only=True)
    told: Callable[[float], Any] = field(default=float, kw_only=True)

    @abstractmethod
    def value(self, sheet: Any, weights: Array) -> Array:
        """The metric at row weights (..., n): values (...,); NaN where it is undefined."""

    @abstractmethod
    def slopes(self, sheet: Any, weights: Array) -> Array:
        """Derivative of the value with respect to each weight, (..., n)."""

    def undefined(self, sheet: Any) -> str | None:
        """Why the metric has no value on this sheet, in one clause; None if it has one."""
        return None

    def remark(self, sheet: Any) -> str | None:
        """What a reader must know about this value on this sheet, in one clause."""
        return None

    def unlike(self, sheet: Any, share: float) -> tuple[float, float]:
        """Lowest and highest value if up to a `share` of rows were unlike all rows seen.

        Used where the rows seen show no variation, so that no spread can be read off them.
        """
        return self.low, self.high

    def denominator(self, sheet: Any) -> Array | None:
        """Mask (n,) of the rows that a proportion is a proportion of; None for all rows."""
        return None

    def strata(self, sheet: Any) -> Array | None:
        """Code (n,) of the part that each row is averaged in (its class); None for one part."""
        return None

    def certain(self, sheet: Any) -> str | None:
        """Why these answers give this value whatever the truth, as a clause; None mostly."""
        return None

    def unseen_pulls(self, sheet: Any) -> Array:
        """Pulls that the rows seen cannot show, because all rows of a class agree; may be none."""
        return np.empty(0)

    def by_chance(self, sheet: Any) -> float:
        """How much of the value chance alone would have given, where chance can only add."""
        return 0.0

    def words(self, value: float) -> str:
        """What `value` means to a person, as a sentence."""
        if not math.isfinite(value):
            return "no value."
        return self.plain_words.format(value=self.told(value))

    @property
    def sign(self) -> int:
        """+1 if a higher value is better, -1 if a lower one is."""
        return 1 if self.better == "higher" else -1


@dataclass(frozen=True)
class Mean(Metric):
    """A weighted mean of one number a row.

    `rows(sheet)` gives the numbers (n,); `extremes(sheet)` the least and greatest number that
    each row could have had, (n,) each, given the same answers and another truth.
    """

    rows: Callable[[Any], Array] = field(kw_only=True)
    extremes: Callable[[Any], tuple[Array, Array]] = field(kw_only=True)
    refuse: Callable[[Any], str | None] | None = field(default=None, kw_only=True)

    def undefined(self, sheet: Any) -> str | None:
        """What the metric itself refuses, if anything."""
        return self.refuse(sheet) if self.refuse else None

    def losses(self, sheet: Sheet) -> Array:
        """The numbers that are averaged, computed once a sheet."""
        return sheet.cached(("rows", self.name), lambda: self.rows(sheet))

    def value(self, sheet: Any, weights: Array) -> Array:
        """Weighted mean."""
        return weights @ self.losses(sheet) / weights.sum(axis=-1)

    def slopes(self, sheet: Any, weights: Array) -> Array:
        """Distance of each row from the mean, over the total weight."""
        total = weights.sum(axis=-1)[..., None]
        return (self.losses(sheet) - self.value(sheet, weights)[..., None]) / total

    def unlike(self, sheet: Any, share: float) -> tuple[float, float]:
        """Move a share of the rows from what they are to their extremes."""
        total = sheet.weights.sum()
        now = float(self.value(sheet, sheet.weights))
        least, most = (float(sheet.weights @ side / total) for side in self.extremes(sheet))
        return now - share * max(now - least, 0.0), now + share * max(most - now, 0.0)


@dataclass(frozen=True)
class Moments(Metric):
    """A smooth function of a few weighted sums: rmse, r2.

    `columns(sheet)` gives what is summed, (m, n); `of(sums)` the value from sums (..., m). It
    must hold for complex sums: slopes come by the complex step (Squire and Trapp, 1998),
    which is exact to rounding.
    """

    columns: Callable[[Any], Array] = field(kw_only=True)
    of: Callable[[Array], Array] = field(kw_only=True)
    refuse: Callable[[Any], str | None] | None = field(default=None, kw_only=True)
    unseen: Callable[[Any, float], tuple[float, float]] | None = field(default=None, kw_only=True)

    def undefined(self, sheet: Any) -> str | None:
        """What the metric itself refuses, if anything."""
        return self.refuse(sheet) if self.refuse else None

    def matrix(self, sheet: Sheet) -> Array:
        """The columns that are summed, computed once a sheet."""
        return sheet.cached(("columns", self.name), lambda: self.columns(sheet))

    def value(self, sheet: Any, weights: Array) -> Array:
        """The function of the sums."""
        return self.of(weights @ self.matrix(sheet).T)

    def slopes(self, sheet: Any, weights: Array) -> Array:
        """Gradient of the function times each row's columns."""
        matrix = self.matrix(sheet)
        return self._gradient(weights @ matrix.T) @ matrix

    def unlike(self, sheet: Any, share: float) -> tuple[float, float]:
        """What the metric says could be unseen; its bounds if it says nothing."""
        return self.unseen(sheet, share) if self.unseen else (self.low, self.high)

    def _gradient(self, sums: Array) -> Array:
        gradient = np.empty(sums.shape)
        for index in range(sums.shape[-1]):
            moved = sums.astype(complex)
            size = np.abs(sums[..., index])
            step = 1e-20 * np.where(size > 0, size, 1.0)
            moved[..., index] += 1j * step
            gradient[..., index] = self.of(moved).imag / step
        return gradient
