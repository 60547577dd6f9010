"""How far two ways of grouping the same rows agree: found clusters against known groups.

>>> print(adjusted_rand([0, 0, 1, 1, 2, 2] * 20, ["a", "a", "b", "b", "b", "c"] * 20))
0.63 [0.48, 0.74]
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import DataError
from wholefit.evaluation.intervals import student, wilson
from wholefit.evaluation.score import Score, check_level

Array = np.ndarray


def adjusted_rand(found: Any, known: Any, *, level: float = 0.95) -> Score:
    """Pairs of rows that both groupings keep together or apart, beyond chance (Hubert & Arabie).

    1: the same groups; 0: as chance would have it; below: worse. The interval is of the jackknife
    over rows. `found` and `known` are labels (n,) of any kind.
    """
    table = contingency(found, known)
    return _scored("adjusted_rand", table, _RAND, level)


def normalized_mutual_information(found: Any, known: Any, *, level: float = 0.95) -> Score:
    """The information that one grouping has of the other, by the mean of both entropies: 0 to 1.

    It is not corrected for chance: many small groups agree a little with anything.
    """
    table = contingency(found, known)
    return _scored("normalized_mutual_information", table, _INFORMATION, level)


def contingency(found: Any, known: Any) -> Array:
    """Counts (k, l) of rows by both groupings; DataError where they are not of the same rows."""
    a, b = np.asarray(found), np.asarray(known)
    if a.ndim != 1 or a.shape != b.shape or not len(a):
        raise DataError("two groupings must be of the same rows, one at least; got shapes "
                        f"{a.shape} and {b.shape}.")
    codes_a, codes_b = (np.unique(each, return_inverse=True)[1] for each in (a, b))
    wide = int(codes_b.max()) + 1
    cells = np.bincount(codes_a * wide + codes_b, minlength=(int(codes_a.max()) + 1) * wide)
    return cells.reshape(-1, wide).astype(np.float64)


def _scored(name: str, table: Array, measure: _Measure, level: float) -> Score:
    """Value of all rows, and an interval from its values without each row in turn."""
    check_level(level)
    n = float(table.sum())
    a, b, cells = table.sum(axis=1), table.sum(axis=0), table[table > 0]
    value = float(measure.of(*(measure.part(each).sum() for each in (cells, a, b)), n))
    if n < 4:
        return Score(name, value, math.nan, math.nan, level, "too few rows for an interval", int(n))
    if value > 1 - 1e-12:
        low = wilson(1.0, n, student(level, n - 1))[0]
        return Score(name, 1.0, low, 1.0, level, "all rows agree: Wilson's lower end", int(n))
    without = _without(table, a, b, measure)
    middle = float((cells * without).sum() / n)
    error = math.sqrt((n - 1) / n * float((cells * (without - middle) ** 2).sum()))
    reach = min(student(level, n - 1) * error / (1 - value), 700.0)
    low, high = 1 - (1 - value) * math.exp(reach), 1 - (1 - value) * math.exp(-reach)
    return Score(name, value, max(low, measure.least), high, level,
                 "jackknife over rows, log scale", int(n))


def _without(table: Array, a: Array, b: Array, measure: _Measure) -> Array:
    """The measure without one row of each cell that has rows, (cells,)."""
    i, j = np.nonzero(table)
    cells, n = table[i, j], float(table.sum())
    sums = [measure.part(whole).sum() - measure.part(at) + measure.part(at - 1)
            for whole, at in ((cells, cells), (a, a[i]), (b, b[j]))]
    return measure.of(*sums, n - 1)


@dataclass(frozen=True)
class _Measure:
    """A measure `of` the sums of a `part` over cells and over both totals, and n."""

    part: Callable[[Array], Array]
    of: Callable[..., Array]
    least: float


def _pairs(counts: Array) -> Array:
    return counts * (counts - 1) / 2


def _rand(cells: Any, a: Any, b: Any, n: float) -> Any:
    expected = a * b / (n * (n - 1) / 2) if n > 1 else 0.0
    most = (a + b) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(most == expected, 1.0, (cells - expected) / (most - expected))


def _nats(counts: Array) -> Array:
    return counts * np.log(np.maximum(counts, 1.0))


def _information(cells: Any, a: Any, b: Any, n: float) -> Any:
    of_a, of_b, both = (math.log(n) - each / n for each in (a, b, cells))
    total = of_a + of_b
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total <= 1e-15, 1.0, np.maximum(0.0, 2 * (total - both) / total))


_RAND = _Measure(_pairs, _rand, -1.0)
_INFORMATION = _Measure(_nats, _information, 0.0)
