"""A score: a number, the interval it is known to, and how both were come by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import ParameterError
from wholefit.base.stored import typed
from wholefit.evaluation import intervals, metrics
from wholefit.evaluation.metrics import Metric, Sheet

NOT_FINITE = "undefined: it comes out as no finite number (too large, or 0/0)"


@dataclass(frozen=True)
class Score:
    """The value of a metric on n rows, with the interval that holds it at the level.

    Where a metric is undefined (ranking rows of one class), `value` is NaN and `how` says why.

    >>> print(Score("accuracy", 0.87312, 0.86604, 0.88011, 0.95, "Wilson interval", 9000))
    0.873 [0.866, 0.880]
    """

    metric: str
    value: float
    low: float
    high: float
    level: float
    how: str
    n: int

    def __str__(self) -> str:
        """The value and its interval, with the digits that the interval deserves."""
        if math.isnan(self.value):
            return "undefined"
        digits = _digits(self.value, self.low, self.high)
        value, low, high = (_plain(x, digits) for x in (self.value, self.low, self.high))
        return value if math.isnan(self.low) else f"{value} [{low}, {high}]"

    def to_json(self) -> dict[str, Any]:
        """JSON-able form; numbers that JSON lacks become null (NaN) or "inf", "-inf"."""
        numbers = {name: _to_json(getattr(self, name)) for name in ("value", "low", "high")}
        return {"metric": self.metric, **numbers, "level": self.level, "how": self.how,
                "n": self.n}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Score:
        """Read back what `to_json` wrote."""
        numbers = {name: _from_json(stored[name]) for name in ("value", "low", "high")}
        return typed(cls(metric=stored["metric"], **numbers, level=float(stored["level"]),
                         how=stored["how"], n=int(stored["n"])))


def score(task: str, truth: Any, answer: Any, *, metrics: Any = None, positive: int = 1,
          weights: Any = None, units: Any = None, level: float | None = 0.95,
          seed: int = 0, predicted: Any = None) -> dict[str, Score]:
    """Score an answer against the truth on each metric, with intervals.

    `truth` (n,) and `answer` in the shape that the task states: class codes and probabilities
    (n, k), or numbers and numbers. `metrics` names, functions, or "package.module:function";
    the task's own where None. `weights` (n,) of rows; `units` (n,) names the unit each row
    belongs to (group, time block), where rows of a unit are not independent of each other.
    `predicted` (n,) are the class codes decided on, where those are not the most probable
    classes. `level=None` leaves the intervals out. Rows without a known truth (NaN, -1) are
    left out. Raises DataError if truth, answer, weights and units do not fit together.
    """
    check_level(level)
    sheet = _metrics.sheet(task, truth, answer, positive=positive, weights=weights, units=units,
                           predicted=predicted)
    return {metric.name: score_sheet(metric, sheet, level, seed)
            for metric in _metrics.chosen(task, metrics)}


def score_sheet(metric: Metric, sheet: Sheet, level: float | None, seed: int = 0) -> Score:
    """Score one metric on truth and answer that were checked before."""
    shown = 0.95 if level is None else level
    reason = why_undefined(metric, sheet)
    if reason is not None:
        return Score(metric.name, math.nan, math.nan, math.nan, shown, reason, len(sheet))
    value = value_of(metric, sheet)
    if not math.isfinite(value):
        how = NOT_FINITE
        return Score(metric.name, math.nan, math.nan, math.nan, shown, how, len(sheet))
    if level is None:
        found = intervals.Interval(math.nan, math.nan, "no interval was asked for")
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            found = intervals.interval(metric, sheet, value, level, seed)
    how = "; ".join(filter(None, (found.how, metric.remark(sheet), _left_out(sheet))))
    return Score(metric.name, value, found.low, found.high, shown, how, len(sheet))


def value_of(metric: Metric, sheet: Sheet) -> float:
    """The value at the sheet's own weights; not finite where numbers overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        return float(metric.value(sheet, sheet.weights))


def why_undefined(metric: Metric, sheet: Sheet) -> str | None:
    """Why the metric has no value on the sheet, as a clause; None if it has one."""
    if not len(sheet):
        return "undefined: no row has a known truth and a weight above 0"
    reason = metric.undefined(sheet)
    return f"undefined: {reason}" if reason else None


def _left_out(sheet: Sheet) -> str | None:
    rows = sheet.left_out
    return f"{rows} rows without a known truth or weight left out" if rows else None


def check_level(level: float | None) -> None:
    """Refuse a level that is no probability."""
    if level is not None and not 0 < level < 1:
        raise ParameterError(f"level must be above 0 and below 1; got {level}.")


def _digits(value: float, low: float, high: float) -> int:
    """Decimals that the interval's half width deserves: two figures if it starts with 1 or 2."""
    half = (high - low) / 2
    if not (math.isfinite(half) and half > 0):
        half = abs(value) / 1000 or 0.005
    lead = math.floor(math.log10(half))
    return min(max(0, -lead + (1 if half / 10.0**lead < 3 else 0)), 12)


def _plain(number: float, digits: int) -> str:
    if number and math.isfinite(number) and (abs(number) >= 1e9 or digits > 8):
        return f"{number:.4g}"
    return f"{number:.{digits}f}"


def _to_json(number: float) -> float | str | None:
    if math.isnan(number):
        return None
    return float(number) if math.isfinite(number) else str(float(number))


def _from_json(stored: float | str | None) -> float:
    return math.nan if stored is None else float(stored)


# `score` has a parameter called metrics; the module keeps a name of its own.
_metrics = metrics
