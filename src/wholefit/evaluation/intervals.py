"""Intervals: how far a score may lie from what endlessly many rows would give.

Each unit of resampling (row, or cluster of rows) pulls on the score by its influence; the sum
of the squared pulls is the variance (infinitesimal jackknife: Efron, 1982), each pull enlarged
by the unit's leverage (MacKinnon and White, 1985, HC2), which for the AUC gives the variance
of DeLong et al. (1988), and for a mean the usual one.

The quantile is Student's, with the degrees of freedom that the kurtosis of the pulls leaves:
where a few units carry most of the variance, the variance itself is poorly known. Each metric
names the scale on which its interval is made, and no interval leaves the metric's bounds:

    count         a share of rows: Wilson (1927), rows counted so that they give this spread
    share         any other number between 0 and 1: the same, with fewer degrees of freedom
    log           a bounded loss: on the log scale
    heavy         errors without bound: on the log scale, the upper end reaching as far as the
                  skewness of the pulls asks (Hall, 1992); "heavy root" does it on the square,
                  "below one" on the distance from one
    correlation   Fisher's atanh; plain: as it is

`benchmarks/interval_coverage.py` measured these against the bootstrap (percentile, BCa,
studentised): they cover as well or better from 50 rows up, cost one pass, and need no seed.
Weakest where a few huge errors make the score: r2 under lognormal noise, 50 rows, near 88%.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import DataError
from wholefit.base.seeds import generator
from wholefit.evaluation.metrics import Custom, Metric, Moments, OverLabels, Sheet

Array = np.ndarray
# A unit that is all of its stratum has no spread to show; its pull grows no more than twofold.
_MOST_LEVERAGE = 0.75
# Up to here a unit of a few sums is left out exactly; beyond, its slope is the same to 1/units.
_EXACT_UNITS = 10_000
# Draws of the bootstrap, for metrics that are a user's own function.
_DRAWS, _MANY_ROWS, _FEW_DRAWS = 500, 20_000, 100


@dataclass(frozen=True)
class Interval:
    """Ends of an interval, and how it was come by."""

    low: float
    high: float
    how: str


def interval(metric: Metric, sheet: Sheet, value: float, level: float, seed: int) -> Interval:
    """The interval of a metric's value on a sheet, at the level."""
    if isinstance(metric, Custom):
        return _drawn(metric, sheet, level, seed)
    if _alone(metric, sheet):
        return Interval(metric.low, metric.high, "a single unit: its spread cannot be known")
    certain = metric.certain(sheet)
    if certain is not None:
        return Interval(value, value, certain)
    pulls, unseen = pull(metric, sheet), metric.unseen_pulls(sheet)
    spread = Spread.of(np.concatenate([pulls, unseen]) if len(unseen) else pulls)
    if not spread.error > negligible(value, floor(metric)) or _extreme(metric, value):
        return _no_spread(metric, sheet, value, level)
    ends = _SCALES[_scale(metric, sheet)]
    low, high = ends(value, spread, level)
    chance = metric.by_chance(sheet)
    if chance > 0:
        low = ends(max(value - chance, 1e-6), spread, level)[0]
    method = "Wilson interval" if metric.scale in ("count", "share") else "influence of each unit"
    return Interval(low, high, _told(method, sheet))


def around(
    metric: Metric, sheet: Sheet, value: float, spread: Spread, level: float
) -> tuple[float, float]:
    """Ends about a value whose spread is known from elsewhere, on the metric's own scale."""
    low, high = _SCALES[_scale(metric, sheet)](value, spread, level)
    return max(low, metric.low), min(high, metric.high)


def _scale(metric: Metric, sheet: Sheet) -> str:
    """The metric's own; a mean of shares over classes is no count of rows."""
    over_classes = metric.strata(sheet) is not None and metric.denominator(sheet) is None
    return "share" if metric.scale == "count" and over_classes else metric.scale


@dataclass(frozen=True)
class Spread:
    """What the pulls of all units come to.

    `error` is the standard error of the value. `degrees` are those of a chi-square that
    varies as much as the variance does, by the kurtosis of the pulls. `skew` is that of their
    mean. `units` is their number.
    """

    error: float
    degrees: float
    skew: float
    units: int

    @classmethod
    def of(cls, pulls: Array) -> Spread:
        """Three sums over the pulls, (units,)."""
        units, peak = len(pulls), float(np.abs(pulls).max(initial=0.0))
        if not 0 < peak < math.inf:
            return cls(peak, 1.0, 0.0, units)
        pulls = pulls / peak
        square = pulls * pulls
        total = float(square.sum())
        kurtosis = units * float(square @ square) / total**2
        degrees = min(units - 1.0, max(1.0, 2 * units / max(kurtosis - 1, 1e-9)))
        return cls(peak * math.sqrt(total), degrees, float(square @ pulls) / total**1.5, units)

    def times(self, factor: float) -> Spread:
        """The spread of so many times the value."""
        return Spread(self.error * abs(factor), self.degrees,
                      math.copysign(1.0, factor) * self.skew, self.units)


def pull(metric: Metric, sheet: Sheet) -> Array:
    """How far each unit pulls the value from what it would be without it, (units,)."""
    if isinstance(metric, OverLabels):
        return _over_labels(metric, sheet)
    if isinstance(metric, Moments) and sheet.n_units <= _EXACT_UNITS:
        exact = _jackknife(metric, sheet)
        if np.isfinite(exact).all():
            return exact
    share = np.minimum(sheet.leverage(metric.strata(sheet)), _MOST_LEVERAGE)
    slopes = metric.slopes(sheet, sheet.weights)
    return sheet.by_unit(sheet.weights * slopes / np.sqrt(1 - share))


def _over_labels(metric: OverLabels, sheet: Any) -> Array:
    """Mean of the labels' pulls: a unit that is all of a rare label pulls there as it should."""
    found = np.zeros(sheet.n_units)
    able = metric.defined(sheet)
    for label in able:
        one, rows = sheet.one(label)
        own = np.flatnonzero(rows)
        if one.unit is not None:
            own = np.empty(one.n_units, dtype=np.intp)
            own[one.unit] = sheet.unit[rows]
        found[own] += pull(metric.inner, one) / len(able)
    return found


def _jackknife(metric: Moments, sheet: Sheet) -> Array:
    """Pulls of a function of sums: what leaving out each unit changes, exactly."""
    matrix = metric.matrix(sheet)
    parts = sheet.by_unit(matrix * sheet.weights if sheet.weighted else matrix).T
    without = metric.of(parts.sum(axis=0) - parts)
    units = len(without)
    return (without.mean() - without) * math.sqrt((units - 1) / units)


def negligible(value: float, floor: float = 1e-3) -> float:
    """A spread below this is rounding; `floor` is the least size that values are taken for."""
    return 1e-12 * max(abs(value), floor)


def floor(metric: Metric) -> float:
    """Shares are of size one; errors have the target's unit, and may be of any size."""
    return 1e-3 if math.isfinite(metric.high) else 0.0


def student(level: float, degrees: float) -> float:
    """Two-sided quantile of Student's distribution."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + level) / 2))


def wilson(value: float, rows: float, quantile: float) -> tuple[float, float]:
    """Wilson (1927) interval of a share seen in so many independent rows."""
    low, high = wilsons(value, rows, quantile)
    return float(low), float(high)


def wilsons(value: Any, rows: Any, quantile: float) -> tuple[Array, Array]:
    """`wilson` of many shares at once; NaN where a share is, or where there are no rows."""
    value, rows = np.asarray(value, dtype=np.float64), np.asarray(rows, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        extra = quantile**2 / rows
        middle = (value + extra / 2) / (1 + extra)
        reach = quantile / (1 + extra) * np.sqrt(
            np.maximum(value * (1 - value), 0.0) / rows + extra / (4 * rows))
        return (np.maximum(0.0, np.minimum(value, middle - reach)),
                np.minimum(1.0, np.maximum(value, middle + reach)))


# ---- scales -----------------------------------------------------------------------------


def _count(value: float, spread: Spread, level: float) -> tuple[float, float]:
    rows = max(value * (1 - value), 1e-12) / spread.error**2
    return wilson(value, rows, student(level, spread.units - 1))


def _share(value: float, spread: Spread, level: float) -> tuple[float, float]:
    rows = max(value * (1 - value), 1e-12) / spread.error**2
    return wilson(value, rows, student(level, spread.degrees))


def _log(value: float, spread: Spread, level: float) -> tuple[float, float]:
    reach = student(level, spread.degrees) * spread.error / (value or 1.0)
    if value <= 0:  # a median of errors can be 0 while errors vary; there is no log of it
        return value, value + reach
    return value * math.exp(-reach), value * math.exp(min(reach, 700.0))


def _correlation(value: float, spread: Spread, level: float) -> tuple[float, float]:
    inside = min(max(value, -1 + 1e-12), 1 - 1e-12)
    reach = student(level, spread.degrees) * spread.error / (1 - inside**2)
    return math.tanh(math.atanh(inside) - reach), math.tanh(math.atanh(inside) + reach)


def _plain(value: float, spread: Spread, level: float) -> tuple[float, float]:
    reach = student(level, spread.degrees) * spread.error
    return value - reach, value + reach


def _heavy(value: float, spread: Spread, level: float) -> tuple[float, float]:
    low, high = _log(value, spread, level)
    hall = _hall(-student(level, spread.degrees), spread.skew)
    return low, max(high, value - spread.error * hall)


def _hall(quantile: float, skew: float) -> float:
    """Quantile of a studentised mean whose terms are skew (Hall, 1992, cubic transformation)."""
    if abs(skew) < 1e-9:
        return quantile
    return 3 / skew * (float(np.cbrt(1 + skew * (quantile - skew / 6))) - 1)


def _heavy_root(value: float, spread: Spread, level: float) -> tuple[float, float]:
    low, high = _heavy(value * value, spread.times(2 * value), level)
    return math.sqrt(low), math.sqrt(high)


def _below_one(value: float, spread: Spread, level: float) -> tuple[float, float]:
    low, high = _heavy(1 - value, spread.times(-1), level)
    return 1 - high, 1 - low


_SCALES: dict[str, Callable[[float, Spread, float], tuple[float, float]]] = {
    "count": _count, "share": _share, "log": _log, "heavy": _heavy, "heavy root": _heavy_root,
    "below one": _below_one, "correlation": _correlation, "plain": _plain,
}


# ---- no spread, or none that can be known -----------------------------------------------


def _alone(metric: Metric, sheet: Sheet) -> bool:
    """Whether one unit is all there is, or all there is of the scarcer class to rank."""
    if metric.scale == "count":
        return False
    mask = metric.denominator(sheet)
    return sheet.n_units < 2 or (mask is not None and _units_in(sheet, mask) < 2)


def _no_spread(metric: Metric, sheet: Sheet, value: float, level: float) -> Interval:
    """Where all units agree: what share of unlike ones could have been missed.

    A share that is 0 in u units may be 1 - ((1 - level) / 2)^(1/u), about 3/u: the rule of
    three (Hanley and Lippman-Hand, 1983). A metric that is itself a share gets Wilson's.
    """
    units = _units_told_by(metric, sheet)
    if (metric.low, metric.high) == (0.0, 1.0):
        low, high = wilson(value, units, student(level, math.inf))
        return Interval(low, high, _told("no spread seen: Wilson interval", sheet))
    share = 1 - ((1 - level) / 2) ** (1 / units)
    low, high = metric.unlike(sheet, share)
    return Interval(min(low, value), max(high, value),
                    _told("no spread seen: rule of three", sheet))


def _extreme(metric: Metric, value: float) -> bool:
    """Whether the value is at the end of a scale where spread has no meaning."""
    ends = {"count": (0.0, 1.0), "share": (0.0, 1.0),
            "correlation": (-1.0, 1.0)}.get(metric.scale, ())
    return any(abs(value - end) < 1e-12 for end in ends)


def _units_told_by(metric: Metric, sheet: Sheet) -> float:
    """Units that a share rests on; of a mean over classes, as many as give it its variance."""
    mask, strata = metric.denominator(sheet), metric.strata(sheet)
    if mask is not None or strata is None:
        return max(_units_in(sheet, mask), 1)
    counts = np.array([_units_in(sheet, strata == one) for one in np.unique(strata)])
    return float(len(counts) ** 2 / (1 / counts).sum())


def _units_in(sheet: Sheet, mask: Array | None) -> int:
    if mask is None:
        return sheet.n_units
    return int((sheet.by_unit(mask.astype(float)) > 0).sum())


def _told(method: str, sheet: Sheet) -> str:
    return f"{method}, {sheet.n_units} {'rows' if sheet.unit is None else 'units'}"


# ---- the bootstrap ----------------------------------------------------------------------


def bootstrap(metric: Metric, sheet: Sheet, seed: int, draws: int | None = None) -> Array:
    """Values of a metric on units drawn with replacement, (draws,); NaN where undefined."""
    count = draws or (_DRAWS if len(sheet) <= _MANY_ROWS else _FEW_DRAWS)
    random = generator(seed, "bootstrap")
    if isinstance(metric, Custom):
        picks = (random.integers(sheet.n_units, size=sheet.n_units) for _ in range(count))
        return np.array([_on_draw(metric, sheet, pick) for pick in picks])
    times = random.multinomial(sheet.n_units, np.full(sheet.n_units, 1 / sheet.n_units), count)
    rows = times if sheet.unit is None else times[:, sheet.unit]
    return metric.value(sheet, rows * sheet.weights)


def _drawn(metric: Custom, sheet: Sheet, level: float, seed: int) -> Interval:
    """Percentile bootstrap: the function is called on each draw."""
    values = bootstrap(metric, sheet, seed)
    values = values[np.isfinite(values)]
    if len(values) < 20:
        return Interval(math.nan, math.nan, "undefined on almost all bootstrap draws")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), _told(f"bootstrap, {len(values)} draws", sheet))


def _on_draw(metric: Custom, sheet: Sheet, units: Array) -> float:
    """A function that worked on all rows may refuse some draws (one class only): NaN there."""
    try:
        return metric.on(sheet, _rows(sheet, units))
    except DataError:
        return math.nan


def _rows(sheet: Sheet, units: Array) -> Array:
    if sheet.unit is None:
        return units
    order, starts = sheet.unit_runs
    lengths = np.diff(starts, append=len(order))[units]
    begun = np.cumsum(lengths) - lengths  # where each unit's rows begin in the answer
    return order[np.repeat(starts[units] - begun, lengths) + np.arange(lengths.sum())]
