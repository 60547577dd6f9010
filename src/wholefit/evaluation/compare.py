"""Is A better than B: paired tests on the same rows, never a glance at two numbers.

A row that is hard for A is mostly hard for B too; so the pulls of each unit on the two scores
are subtracted before they are squared, which takes the shared hardness out of the error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wholefit.base.errors import DataError
from wholefit.evaluation import intervals, metrics
from wholefit.evaluation.metrics import Custom, Metric, Sheet
from wholefit.evaluation.score import NOT_FINITE, check_level, value_of, why_undefined

Array = np.ndarray
# A quantile of bootstrap draws wants about so many of them beyond it.
_LEAST_TAIL = 2.0


@dataclass(frozen=True)
class Difference:
    """The metric of a minus that of b, its interval, the p-value of no difference, who leads.

    `better` is "a" or "b" if the interval at the level excludes 0, else "tied". Where only one
    of the two has a value, that one is better, and the numbers are NaN.
    """

    metric: str
    value: float
    low: float
    high: float
    p: float
    better: str
    how: str


def compare(task: str, metric: Any, truth: Any, a: Any, b: Any, *, positive: int = 1,
            weights: Any = None, units: Any = None, level: float = 0.95,
            seed: int = 0, predicted: tuple[Any, Any] = (None, None)) -> Difference:
    """The paired difference a - b of two answers to the same rows, on one metric.

    Shapes are those of `score`; `predicted` are the codes that a and b decided on. The standard
    error comes from the influence of each unit on the difference, with Student's quantile; for
    the AUC this is the paired test of DeLong, DeLong and Clarke-Pearson (1988). A user's own
    function is compared by paired bootstrap.
    """
    check_level(level)
    chosen = metrics.get(task, metric)
    options = {"positive": positive, "weights": weights, "units": units}
    first, second = (
        _Side(chosen, metrics.sheet(task, truth, answer, predicted=codes, **options), seed)
        for answer, codes in zip((a, b), predicted, strict=True))
    return _difference(first, second, level)


def ties(task: str, metric: Any, truth: Any, answers: Mapping[str, Any], *, positive: int = 1,
         weights: Any = None, units: Any = None, level: float = 0.95, seed: int = 0,
         predicted: Mapping[str, Any] | None = None) -> dict[str, Difference]:
    """Each answer's difference from the best one, in the order given: answer - best.

    An answer is `tied` with the best (which is tied with itself), or "b", the best, is better.
    Which one is best was picked on the same rows: of k answers, intervals and p-values are those
    of k - 1 comparisons together (Bonferroni), so that the answer that is best in truth is tied
    or best here with a chance of at least the level (as in Hsu's comparisons with the best, 1984).
    Only the side on which an answer would be worse counts, so that k - 1 two-sided comparisons
    are corrected by (k - 1) / 2, and two or fewer not at all.
    """
    if not answers:
        raise DataError("ties needs at least one answer; got none.")
    check_level(level)
    chosen = metrics.get(task, metric)
    options = {"positive": positive, "weights": weights, "units": units}
    decided = predicted or {}
    sides = {name: _Side(chosen, metrics.sheet(task, truth, answer, predicted=decided.get(name),
                                               **options), seed)
             for name, answer in answers.items()}
    best = max(sides.values(), key=lambda side: side.merit)
    tests = sum(not side.reason for side in sides.values()) - 1
    return {name: corrected(side, best, level, tests) for name, side in sides.items()}


def corrected(a: _Side, b: _Side, level: float, tests: int) -> Difference:
    """The difference as one of so many `tests`, of one side each, by Bonferroni."""
    return of_several(_difference(a, b, level_of(level, tests)), tests)


def level_of(level: float, tests: int) -> float:
    """The level of each two-sided interval of which only one side counts, `tests` of them."""
    return 1 - (1 - level) / max(tests / 2, 1)


def of_several(found: Difference, tests: int) -> Difference:
    """The p-value as one of so many tests of one side; nothing where there is no difference."""
    if tests < 3 or not found.p < 1:
        return found
    return replace(found, p=min(1.0, found.p * tests / 2),
                   how=f"{found.how}; corrected for {tests} comparisons with the best")


class _Side:
    """One answer: its value, and the pulls of its units, each computed once."""

    def __init__(self, metric: Metric, sheet: Sheet, seed: int) -> None:
        self.metric, self.units, self.unit = metric, sheet.n_units, sheet.unit
        self.reason = why_undefined(metric, sheet)
        self.value, self.pulls, self.draws = math.nan, np.empty(0), np.empty(0)
        if self.reason:
            return
        self.value = value_of(metric, sheet)
        if not math.isfinite(self.value):
            self.value, self.reason = math.nan, NOT_FINITE
        elif isinstance(metric, Custom):
            self.draws = intervals.bootstrap(metric, sheet, seed)
        else:
            self.pulls = intervals.pull(metric, sheet)

    @property
    def merit(self) -> float:
        """Higher is better; an undefined value is worst."""
        return -math.inf if math.isnan(self.value) else self.metric.sign * self.value


def _difference(a: _Side, b: _Side, level: float) -> Difference:
    reason = a.reason or b.reason
    if reason:
        nan = math.nan
        better = "tied" if bool(a.reason) == bool(b.reason) else ("b" if a.reason else "a")
        return Difference(a.metric.name, nan, nan, nan, nan, better, reason)
    value = a.value - b.value
    low, high, p, how = _test(a, b, value, level)
    return Difference(a.metric.name, value, low, high, p, _leader(a.metric, low, high), how)


def _test(a: _Side, b: _Side, value: float, level: float) -> tuple[float, float, float, str]:
    if isinstance(a.metric, Custom):
        return _bootstrap_test(a.draws - b.draws, value, level)
    spread = intervals.Spread.of(a.pulls - b.pulls)
    if a.units < 2 or not spread.error > _rounding(a, b):
        return _no_spread(a, value, level)
    from scipy.special import stdtr

    reach = intervals.student(level, spread.degrees) * spread.error
    p = 2 * float(stdtr(spread.degrees, -abs(value) / spread.error))
    unit = "rows" if a.unit is None else "units"
    return value - reach, value + reach, p, f"paired influence of each unit, {a.units} {unit}"


def _rounding(a: _Side, b: _Side) -> float:
    """A spread of the difference below this is rounding."""
    return intervals.negligible(max(abs(a.value), abs(b.value)), intervals.floor(a.metric))


def _no_spread(a: _Side, value: float, level: float) -> tuple[float, float, float, str]:
    """Every unit shows the same difference: a sign test over the units that agree."""
    if abs(value) <= intervals.negligible(a.value, intervals.floor(a.metric)):
        return 0.0, 0.0, 1.0, "the two answers score the same in every unit"
    p = min(1.0, 2.0 ** (1 - a.units))
    how = f"all {a.units} units show the same difference: sign test"
    if p < 1 - level:
        return value, value, p, how
    return min(value, -value), max(value, -value), p, how


def _bootstrap_test(draws: Array, value: float, level: float) -> tuple[float, float, float, str]:
    draws = draws[np.isfinite(draws)]
    if len(draws) < 20:
        return math.nan, math.nan, math.nan, "undefined on almost all bootstrap draws"
    if (1 - level) / 2 * len(draws) < _LEAST_TAIL:
        return _normal_test(draws, value, level)
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    side = min((draws <= 0).sum(), (draws >= 0).sum())
    p = min(1.0, 2 * (int(side) + 1) / (len(draws) + 1))
    return float(low), float(high), p, f"paired bootstrap, {len(draws)} draws"


def _normal_test(draws: Array, value: float, level: float) -> tuple[float, float, float, str]:
    """Too few draws lie beyond so far a quantile: their spread, and the normal distribution."""
    from scipy.special import ndtr, ndtri

    error = float(draws.std(ddof=1))
    how = f"paired bootstrap, spread of {len(draws)} draws"
    if not error > intervals.negligible(value):
        same = abs(value) <= intervals.negligible(value)
        return value, value, 1.0 if same else 2 / (len(draws) + 1), how
    reach = float(ndtri((1 + level) / 2)) * error
    return value - reach, value + reach, 2 * float(ndtr(-abs(value) / error)), how


def _leader(metric: Metric, low: float, high: float) -> str:
    if not math.isfinite(low + high) or low <= 0 <= high:
        return "tied"
    return "a" if (low > 0) == (metric.sign > 0) else "b"


# ---- classical tests --------------------------------------------------------------------


@dataclass(frozen=True)
class Verdict:
    """Outcome of a test: the effect, its p-value, and what was done, in words."""

    effect: float
    p: float
    how: str


def mcnemar(truth: Any, a: Any, b: Any) -> Verdict:
    """Whether two classifiers are wrong equally often (McNemar, 1947; exact, two-sided).

    `truth`, `a`, `b` are labels or codes (n,). Only rows where one is right and the other
    wrong tell; under no difference each falls either way like a fair coin. The effect is the
    share of rows right for a alone minus the share right for b alone: the accuracy gained.
    """
    actual, first, second = (np.asarray(column) for column in (truth, a, b))
    if not actual.shape == first.shape == second.shape or actual.ndim != 1:
        raise DataError("mcnemar needs three columns of equal length; got shapes "
                        f"{actual.shape}, {first.shape}, {second.shape}.")
    only_a = int(((first == actual) & (second != actual)).sum())
    only_b = int(((first != actual) & (second == actual)).sum())
    how = f"exact McNemar test: {only_a} rows right for a alone, {only_b} for b alone"
    return Verdict((only_a - only_b) / max(len(actual), 1), _coin(only_a, only_b), how)


def _coin(heads: int, tails: int) -> float:
    """Two-sided p-value of a fair coin."""
    from scipy.special import bdtr

    total = heads + tails
    return min(1.0, 2 * float(bdtr(min(heads, tails), total, 0.5))) if total else 1.0


def corrected_t(a: Any, b: Any, *, train: float, test: float) -> Verdict:
    """Whether scores of the same folds differ: the corrected resampled t-test.

    `a` and `b` (folds,) are scores on the same folds, over all repeats; `train` and `test` the
    number of rows (or shares) learnt from and scored in one fold. Folds share training rows,
    so the plain variance of their mean is too small: 1/folds becomes 1/folds + test/train
    (Nadeau and Bengio, 2003; for repeated cross-validation Bouckaert and Frank, 2004).
    """
    first, second = (np.asarray(column, dtype=np.float64) for column in (a, b))
    if first.shape != second.shape or first.ndim != 1 or len(first) < 2:
        raise DataError("corrected_t needs two columns of equal length, at least 2 folds; got "
                        f"shapes {first.shape} and {second.shape}.")
    if not (train > 0 and test > 0):
        raise DataError(f"corrected_t needs train > 0 and test > 0; got {train} and {test}.")
    gaps = first - second
    folds, mean, variance = len(gaps), float(gaps.mean()), float(gaps.var(ddof=1))
    how = f"corrected resampled t-test, {folds} folds"
    if variance <= (1e-13 * max(abs(mean), 1e-3)) ** 2:
        p = 1.0 if mean == 0 else 2.0 ** (1 - folds)
        return Verdict(mean, p, how + "; no spread: sign test")
    from scipy.special import stdtr

    t = abs(mean) / math.sqrt((1 / folds + test / train) * variance)
    return Verdict(mean, 2 * float(stdtr(folds - 1, -t)), how)
