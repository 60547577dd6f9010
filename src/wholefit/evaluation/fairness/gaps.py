"""Gaps between groups: differences and ratios of independent numbers, with intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations

from wholefit.evaluation.fairness._measures import Stat
from wholefit.evaluation.fairness.records import Criterion
from wholefit.evaluation.score import Score
from wholefit.evaluation.slices import apart

FOUR_FIFTHS = 0.8


def ratio(a: Score, b: Score) -> tuple[float, float, float]:
    """The ratio a / b of two independent numbers >= 0, and its interval.

    Donner and Zou (2012, "Closed-form confidence intervals for functions of the normal mean and
    standard deviation", MOVER for ratios): from the ends of each, as `apart` does for
    differences. The upper end is infinite where b may be 0.
    """
    known = all(math.isfinite(x) for x in (a.value, a.low, a.high, b.value, b.low, b.high))
    if not known or min(a.value, b.value) < 0:
        return math.nan, math.nan, math.nan
    value = a.value / b.value if b.value else (math.nan if not a.value else math.inf)
    both, far, near = a.value * b.value, b.high * (2 * b.value - b.high), b.low * (
        2 * b.value - b.low)
    low = (both - math.sqrt(max(both**2 - a.low * far * (2 * a.value - a.low), 0.0)))
    low = low / far if far > 0 else _by_logs(a, b, -1)
    high = (both + math.sqrt(max(both**2 - a.high * near * (2 * a.value - a.high), 0.0)))
    high = high / near if near > 0 else math.inf
    return value, max(low, 0.0), high


def _by_logs(a: Score, b: Score, sign: int) -> float:
    """An end on the log scale, where the closed form has none (b reaches twice its value)."""
    if min(a.low, b.high, a.value, b.value) <= 0:
        return 0.0
    away = math.hypot(math.log(a.value / a.low), math.log(b.high / b.value))
    return a.value / b.value * math.exp(sign * away)


def criterion(
    name: str, measure: str, stats: Mapping[str, Stat], level: float, thin: int, *,
    times: int = 1, ratios: bool = False,
) -> Criterion:
    """The largest gap among all groups on one measure, judged.

    Intervals and p-values are corrected for all pairs (Bonferroni), and for `times` such searches
    made together; so the largest gap that is certain may be told, and where none is, the largest.
    """
    judged = {group: stat for group, stat in stats.items() if stat.n >= thin}
    pairs = [(a, b) for a, b in combinations(judged, 2)
             if not math.isnan(judged[a].value) and not math.isnan(judged[b].value)]
    if not pairs:
        return Criterion(name, measure, math.nan, math.nan, math.nan, math.nan, "", "",
                         "too few rows", len(stats) - len(judged), ratios)
    many = len(pairs) * times
    strict = 1 - (1 - level) / many
    scores = {group: stat.score(measure, strict) for group, stat in judged.items()}
    found = [_pair(scores, a, b, level, many, ratios) for a, b in pairs]
    certain = [each for each in found if each[4] in ("unequal", "below 0.8")]
    value, low, high, p, verdict, a, b = max(
        certain or found, key=lambda each: -each[0] if ratios else each[0])
    return Criterion(name, measure, value, low, high, p, a, b, verdict,
                     len(stats) - len(judged), ratios)


def _pair(
    scores: Mapping[str, Score], a: str, b: str, level: float, many: int, ratios: bool
) -> tuple[float, float, float, float, str, str, str]:
    """Value, ends, corrected p-value and verdict of two groups, the lower of them first."""
    if scores[a].value > scores[b].value:
        a, b = b, a  # a ratio of the lower to the higher is at most one
    value, low, high, p = apart(scores[b], scores[a], 1 - (1 - level) / many)
    p = min(1.0, p * many)
    if ratios:
        value, low, high = ratio(scores[a], scores[b])
        return value, low, min(high, 1.0), p, _four_fifths(value, low, high), a, b
    verdict = "unequal" if p < 1 - level else "no difference shown"
    return value, max(low, 0.0), high, p, verdict, a, b


def _four_fifths(value: float, low: float, high: float) -> str:
    if math.isnan(value):
        return "too few rows"
    if high < FOUR_FIFTHS:
        return "below 0.8"
    return "at least 0.8" if low >= FOUR_FIFTHS else "not certain"


_CRITERIA = {
    "classification": (
        ("demographic parity", "selection_rate"), ("equal opportunity", "tpr"),
        ("predictive parity", "precision"), ("calibration within groups", "calibration"),
        ("equal accuracy", "accuracy")),
    "regression": (("equal mean answer", "mean_answer"), ("no bias", "bias"),
                   ("equal error", "mae")),
}


def criteria(
    task: str, groups: Mapping[str, Mapping[str, Stat]], level: float, thin: int
) -> tuple[Criterion, ...]:
    """Every criterion of the task, for groups whose stats are given by name."""

    def of(measure: str) -> dict[str, Stat]:
        return {name: stats[measure] for name, stats in groups.items()}

    found = [criterion(name, measure, of(measure), level, thin)
             for name, measure in _CRITERIA[task]]
    if task == "classification":
        found.insert(1, criterion("disparate impact", "selection_rate", of("selection_rate"),
                                  level, thin, ratios=True))
        odds = [criterion("equalised odds", measure, of(measure), level, thin, times=2)
                for measure in ("tpr", "fpr")]
        found.insert(3, max(odds, key=lambda one: (
            one.verdict == "unequal", -1 if math.isnan(one.value) else one.value)))
    return tuple(found)


def disparities(groups: Mapping[str, Mapping[str, Stat]]) -> dict[str, float]:
    """The plain gaps by the names that others use, without a verdict or a least size of groups.

    Largest minus smallest; "odds" is the larger of the gaps in TPR and in FPR.
    """

    def gap(measure: str) -> float:
        values = [stats[measure].value for stats in groups.values()
                  if not math.isnan(stats[measure].value)]
        return max(values) - min(values) if values else math.nan

    return {"selection": gap("selection_rate"), "opportunity": gap("tpr"),
            "odds": max(gap("tpr"), gap("fpr")), "precision": gap("precision")}
