"""What is left over: residuals of numbers by answer and column, their spread, tails and misses.

A residual is truth minus answer. If a column still tells something of the residuals, the model
has not learnt it; if their spread grows with the answer, one interval width will not do for all.
Each is tested: the means (or spreads) of bins by Welch's analysis of variance (1951), which needs
no equal variances, and corrected for the number of columns (Holm).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError
from wholefit.base.wording import figures
from wholefit.data import _cells
from wholefit.evaluation import _kept, two_sample
from wholefit.evaluation.intervals import student
from wholefit.evaluation.score import check_level

_BINS, _LEAST, _MOST_LEVELS = 10, 20, 20
_QUANTILES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975,
              0.99, 0.995)
_DECILES = 10
_MOST_TOLD = 20
_HUGE = 1e100  # the square of more has no number


@dataclass(frozen=True)
class ResidualBin:
    """Residuals of one bin: their mean with its interval, their spread, and where it lies."""

    name: str
    middle: float
    rows: int
    mean: float
    low: float
    high: float
    spread: float


@dataclass(frozen=True)
class Structure:
    """Whether residuals hang on a column: `explained` share of their variance, corrected `p`."""

    column: str
    explained: float
    p: float
    bins: tuple[ResidualBin, ...]


@dataclass(frozen=True)
class Residuals:
    """Residuals of `rows` answers.

    `bias` is their mean with its interval; `by_answer` bins of the answers from low to high;
    `spread_p` tests whether their spread changes with the answer, `spread_ratio` is the largest
    over the smallest spread of those bins; `left` are columns that still tell something of them
    (corrected p below 1 - level), `tested` how many were asked. `quantiles` are (of a normal
    distribution, of the residuals over their spread). `far` is the share beyond three spreads,
    0.0027 if they were normal. `worst_share` is what the largest tenth to the smallest hold of
    all squared error.
    """

    rows: int
    bias: float
    bias_low: float
    bias_high: float
    spread: float
    by_answer: tuple[ResidualBin, ...]
    answer_p: float
    spread_p: float
    spread_ratio: float
    left: tuple[Structure, ...]
    tested: int
    quantiles: tuple[tuple[float, float], ...]
    far: float
    worst_share: tuple[float, ...]
    level: float = 0.95

    def to_text(self) -> str:
        """What the residuals say, in sentences."""
        lines = [f"Truth less answer is {self.bias:+.4g} [{self.bias_low:+.4g}, "
                 f"{self.bias_high:+.4g}] on average: "
                 + ("answers lean neither way." if self.bias_low <= 0 <= self.bias_high else
                    f"answers are too {'low' if self.bias > 0 else 'high'}.")]
        if self.answer_p < 1 - self.level:
            lines.append("The mean error changes with the size of the answer: "
                         + _range(self.by_answer) + ".")
        if self.spread_p < 1 - self.level:
            lines.append(f"Errors spread {self.spread_ratio:.2g} times as wide at some sizes of "
                         "the answer as at others.")
        if self.left:
            named = ", ".join(f"{each.column} ({each.explained:.1%})" for each in self.left[:5])
            lines.append(f"Still told by a column, though it should not be: {named} of the "
                         "variance of the errors.")
        elif self.tested:
            lines.append(f"None of {self.tested} columns still tells anything of the errors.")
        lines.append(f"The worst tenth of the rows holds {self.worst_share[0]:.0%} of all squared "
                     f"error; {self.far:.2%} of errors lie beyond three spreads"
                     + (", as normal errors would." if self.far < 0.006 else
                        " (0.27% if they were normal)."))
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        found: dict[str, Any] = _kept.put(self)
        return found

    def __str__(self) -> str:
        return self.to_text()


def residuals(
    truth: Any, answer: Any, columns: Mapping[str, pl.Series] | None = None, *,
    level: float = 0.95,
) -> Residuals:
    """Look at what is left over of `truth` (n,) after `answer` (n,), by answer and by columns."""
    check_level(level)
    actual, given = np.asarray(truth, dtype=np.float64), np.asarray(answer, dtype=np.float64)
    if actual.shape != given.shape or actual.ndim != 1 or not len(actual):
        raise DataError("truth and answer must be columns of as many rows, at least one; got "
                        f"shapes {actual.shape} and {given.shape}.")
    left = actual - given
    if not np.isfinite(left).all() or np.abs(left).max() > _HUGE:
        raise DataError("truth and answer must be finite numbers, and not beyond 1e100.")
    n, spread = len(left), float(left.std(ddof=1)) if len(left) > 1 else 0.0
    reach = student(level, n - 1) * spread / math.sqrt(n) if n > 1 else math.inf
    names, codes = _ranges(given)
    by_answer = _bins(left, codes, names, given, level)
    away = np.abs(left - _medians(left, codes)[codes]) if n else left
    structure, tested = _columns(left, columns or {}, level)
    mean = float(left.mean())
    return Residuals(
        n, mean, mean - reach, mean + reach, spread, by_answer, _welch(left, codes)[0],
        _welch(away, codes)[0], _ratio(by_answer),
        structure, tested,
        _against_normal(left, spread), float((np.abs(left - mean) > 3 * spread).mean()),
        _shares(left), level)


def _columns(
    left: np.ndarray, columns: Mapping[str, pl.Series], level: float
) -> tuple[tuple[Structure, ...], int]:
    """Columns that tell something, the one that tells most first; and how many were asked."""
    made = []
    for name, column in columns.items():
        parts = _parts(column)
        p, explained = _welch(left, parts[1]) if parts is not None else (math.nan, 0.0)
        if math.isfinite(p):
            made.append((name, p, explained))
    corrected = two_sample.adjusted([each[1] for each in made], "holm")
    found = [(explained, name, float(p)) for (name, _, explained), p in zip(
        made, corrected, strict=True) if p < 1 - level]
    told = []
    for explained, name, p in sorted(found, key=lambda each: (-each[0], each[1]))[:_MOST_TOLD]:
        parts = _parts(columns[name])
        assert parts is not None
        told.append(Structure(name, explained, p, _bins(left, parts[1], parts[0], parts[2],
                                                        level)))
    return tuple(told), len(made)


def _parts(column: pl.Series) -> tuple[list[str], np.ndarray, np.ndarray] | None:
    """Names of bins, the bin of each row (n,), and the number that places it (n,)."""
    kind = column.dtype
    if kind.is_nested() or kind in (pl.Object, pl.Binary, pl.Null):
        return None
    if kind in (pl.Date, pl.Datetime):
        column = _cells.to_times(column).dt.epoch("us")
        kind = column.dtype
    if kind.is_numeric():
        numbers = _cells.to_numbers(column).to_numpy().astype(np.float64)
        numbers[~np.isfinite(numbers)] = np.nan
        known = ~np.isnan(numbers)
        if known.sum() < 2 * _LEAST:
            return None
        names, inner = _ranges(numbers[known])
        codes = np.full(len(numbers), len(names), dtype=np.intp)
        codes[known] = inner
        return [*names, "missing"], codes, np.nan_to_num(numbers)
    labels, levels = _cells.to_codes(column)
    counts = np.bincount(labels[labels >= 0], minlength=len(levels))
    if not len(levels) or (np.sort(counts)[::-1][:_MOST_LEVELS].sum() < 0.5 * len(labels)):
        return None
    kept = np.argsort(-counts, kind="stable")[:_MOST_LEVELS]
    place = np.full(len(levels) + 1, len(kept), dtype=np.intp)
    place[kept] = np.arange(len(kept))
    place[-1] = len(kept)
    codes = place[labels]
    return [*(levels[at][:60] for at in kept), "other"], codes, codes.astype(np.float64)


def _ranges(numbers: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Names of tenths of the numbers (fewer for few rows), and the one of each, (n,)."""
    count = max(1, min(_BINS, len(numbers) // _LEAST))
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, count + 1)))
    codes = np.searchsorted(edges[1:-1], numbers, side="left")
    if len(edges) < 3:
        return ["all"], codes
    # The outermost ends are numbers of single rows, and are not told.
    inner = [f"{figures(low)} to {figures(high)}" for low, high in pairwise(edges[1:-1])]
    return [f"up to {figures(edges[1])}", *inner, f"above {figures(edges[-2])}"], codes


def _bins(
    left: np.ndarray, codes: np.ndarray, names: list[str], placed: np.ndarray, level: float
) -> tuple[ResidualBin, ...]:
    found = []
    for code in np.unique(codes):
        rows = codes == code
        inside, count = left[rows], int(rows.sum())
        spread = float(inside.std(ddof=1)) if count > 1 else math.nan
        reach = student(level, count - 1) * spread / math.sqrt(count) if count > 1 else math.nan
        mean = float(inside.mean())
        found.append(ResidualBin(names[code], float(placed[rows].mean()), count, mean,
                                 mean - reach, mean + reach, spread))
    return tuple(found)


def _medians(left: np.ndarray, codes: np.ndarray) -> np.ndarray:
    return np.array([np.median(left[codes == code]) if (codes == code).any() else 0.0
                     for code in range(int(codes.max()) + 1)])


def _welch(values: np.ndarray, codes: np.ndarray) -> tuple[float, float]:
    """p-value of equal means of the bins, and the share of the variance between them (omega²)."""
    counts = np.bincount(codes).astype(np.float64)
    kept = counts >= 5
    if kept.sum() < 2:
        return math.nan, 0.0
    inside = kept[codes]
    values, codes = values[inside], (np.cumsum(kept) - 1)[codes[inside]]
    counts = counts[kept]
    means = np.bincount(codes, values) / counts
    variance = np.bincount(codes, (values - means[codes]) ** 2) / (counts - 1)
    total = float(((values - values.mean()) ** 2).sum())
    if total <= 0:
        return math.nan, 0.0
    variance = np.maximum(variance, 1e-12 * total / len(values))
    within = float(((values - means[codes]) ** 2).sum()) / max(len(values) - len(counts), 1)
    between = total - within * (len(values) - len(counts))
    explained = (between - (len(counts) - 1) * within) / (total + within)
    return _welch_p(counts, means, variance), max(float(explained), 0.0)


def _welch_p(counts: np.ndarray, means: np.ndarray, variance: np.ndarray) -> float:
    from scipy.special import fdtrc

    k = len(counts)
    weight = counts / variance
    middle = float(weight @ means) / weight.sum()
    lost = float((((1 - weight / weight.sum()) ** 2) / (counts - 1)).sum())
    ratio = float(weight @ (means - middle) ** 2) / (k - 1) / (
        1 + 2 * (k - 2) / (k**2 - 1) * lost)
    return float(fdtrc(k - 1, (k**2 - 1) / (3 * lost), ratio))


def _ratio(bins: tuple[ResidualBin, ...]) -> float:
    spreads = [each.spread for each in bins if each.rows >= _LEAST and each.spread > 0]
    return max(spreads) / min(spreads) if spreads else 1.0


def _against_normal(left: np.ndarray, spread: float) -> tuple[tuple[float, float], ...]:
    from scipy.special import ndtri

    if not spread > 0:
        return ()
    seen = np.quantile((left - left.mean()) / spread, _QUANTILES)
    return tuple((float(ndtri(q)), float(value))
                 for q, value in zip(_QUANTILES, seen, strict=True)
                 if len(left) * min(q, 1 - q) >= 2)


def _shares(left: np.ndarray) -> tuple[float, ...]:
    """The share of all squared error in each tenth of the rows, the worst first."""
    square = np.sort((left / (np.abs(left).max() or 1.0))**2)[::-1]
    total = float(square.sum())
    parts = np.array_split(square, _DECILES)
    return tuple(float(part.sum()) / total if total else 0.0 for part in parts)


def _range(bins: tuple[ResidualBin, ...]) -> str:
    low, high = min(bins, key=lambda each: each.mean), max(bins, key=lambda each: each.mean)
    return (f"from {low.mean:+.3g} where the answer is {low.name} to {high.mean:+.3g} where it is "
            f"{high.name}")
