"""Is A as good as B: two one-sided tests against a margin that someone cares about.

"Not significantly different" is no proof of equality: few rows find no difference at all. Equality
within a margin is shown by refusing both that A is worse by the margin and that it is better by
it (Schuirmann 1987): the two-sided interval at 1 - 2 alpha lies within the margin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import ParameterError
from wholefit.evaluation import _kept, intervals, metrics
from wholefit.evaluation.compare import _rounding, _Side
from wholefit.evaluation.metrics import Custom
from wholefit.evaluation.score import check_level


@dataclass(frozen=True)
class Equivalence:
    """Whether a metric of a and of b lie within `margin` of each other.

    `value` is a - b with the interval at 1 - 2 alpha, alpha being 1 - level; `p` the larger of the
    two one-sided p-values: below alpha the two are `equal` within the margin. `no_worse` is the
    one-sided p-value that a is not worse than b by the margin (non-inferiority). `rows` is about
    how many rows would decide, if the difference is what it seems; NaN where it cannot be known.
    """

    metric: str
    margin: float
    value: float
    low: float
    high: float
    p: float
    no_worse: float
    equal: bool
    rows: float
    level: float
    how: str

    @property
    def verdict(self) -> str:
        """The outcome in a clause, without the difference."""
        if self.equal:
            return f"equal within {self.margin:g} (p = {self.p:.2g})"
        if self.low > self.margin or self.high < -self.margin:
            return f"farther apart than {self.margin:g}"
        more = (f"; about {self.rows:,.0f} rows would show it, if they are as alike as they seem"
                if math.isfinite(self.rows) else "")
        return f"not shown to be equal within {self.margin:g} (p = {self.p:.2g}{more})"

    @property
    def said(self) -> str:
        """The outcome in one sentence."""
        return (f"{self.verdict}: {self.metric} differs by {self.value:+.4g} [{self.low:+.4g}, "
                f"{self.high:+.4g}]")

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        found: dict[str, Any] = _kept.put(self)
        return found


def equivalence(
    task: str, metric: Any, truth: Any, a: Any, b: Any, margin: float, *, positive: int = 1,
    weights: Any = None, units: Any = None, level: float = 0.95, seed: int = 0,
    predicted: tuple[Any, Any] = (None, None),
) -> Equivalence:
    """Test whether two answers to the same rows are equal within `margin`, in the metric's unit.

    Other parameters are those of `compare`. ParameterError where the margin is not above 0.
    """
    check_level(level)
    chosen = metrics.get(task, metric)
    options = {"positive": positive, "weights": weights, "units": units}
    first, second = (
        _Side(chosen, metrics.sheet(task, truth, answer, predicted=codes, **options), seed)
        for answer, codes in zip((a, b), predicted, strict=True))
    return within(first, second, margin, level)


def within(a: _Side, b: _Side, margin: float, level: float) -> Equivalence:
    """The two one-sided tests on two answers that were looked at before."""
    if not (isinstance(margin, (int, float)) and 0 < margin < math.inf):
        raise ParameterError(f"margin must be a number > 0, in the metric's unit; got {margin!r}.")
    name, alpha = a.metric.name, 1 - level
    reason = a.reason or b.reason
    nan = math.nan
    if reason:
        return Equivalence(name, margin, nan, nan, nan, nan, nan, False, nan, level, reason)
    value = a.value - b.value
    if isinstance(a.metric, Custom):
        return _by_draws(a, b, value, margin, level)
    spread = intervals.Spread.of(a.pulls - b.pulls)
    if a.units < 2:
        return Equivalence(name, margin, value, nan, nan, nan, nan, False, nan, level,
                           "one unit: its spread cannot be known")
    error = spread.error if spread.error > _rounding(a, b) else 0.0
    reach = intervals.student(1 - 2 * alpha, spread.degrees) * error
    lower, upper = _one_sided(value + margin, error, spread.degrees), _one_sided(
        margin - value, error, spread.degrees)
    p = max(lower, upper)
    worse = lower if a.metric.sign > 0 else upper
    return Equivalence(name, margin, value, value - reach, value + reach, p, worse, p < alpha,
                       _needed(value, error, margin, a.units, alpha), level,
                       f"two one-sided tests by the influence of {a.units} units")


def _one_sided(distance: float, error: float, degrees: float) -> float:
    """p-value that the truth is beyond, `distance` away on the far side."""
    from scipy.special import stdtr

    if error == 0:
        return 0.0 if distance > 0 else 1.0
    return float(stdtr(degrees, -distance / error))


def _by_draws(a: _Side, b: _Side, value: float, margin: float, level: float) -> Equivalence:
    draws = (a.draws - b.draws)[np.isfinite(a.draws - b.draws)]
    name, nan = a.metric.name, math.nan
    if len(draws) < 20:
        return Equivalence(name, margin, value, nan, nan, nan, nan, False, nan, level,
                           "undefined on almost all bootstrap draws")
    low, high = np.quantile(draws, [1 - level, level])
    beyond = [(1 + int(side.sum())) / (1 + len(draws))
              for side in (draws <= -margin, draws >= margin)]
    worse = beyond[0] if a.metric.sign > 0 else beyond[1]
    return Equivalence(name, margin, value, float(low), float(high), max(beyond), worse,
                       max(beyond) < 1 - level, nan, level,
                       f"two one-sided tests, paired bootstrap, {len(draws)} draws")


def _needed(value: float, error: float, margin: float, units: int, alpha: float) -> float:
    """Units that show equality nine times in ten, if the difference is `value`."""
    from scipy.special import ndtri

    room = margin - abs(value)
    if room <= 0 or error == 0:
        return math.nan
    steps = float(ndtri(1 - alpha) + ndtri(0.95 if abs(value) < 0.2 * margin else 0.9))
    return math.ceil(units * (steps * error / room) ** 2)
