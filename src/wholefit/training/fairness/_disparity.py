"""Gaps between groups before and after, by one bootstrap of both, so that they can be paired."""

from __future__ import annotations

import numpy as np

from wholefit.base.seeds import generator
from wholefit.evaluation import Score
from wholefit.training.fairness._by_group import GOALS
from wholefit.training.fairness.records import Changed

_DRAWS = 2_000


def changes(
    yes: np.ndarray, group: np.ndarray, before: np.ndarray, after: np.ndarray,
    weights: np.ndarray | None, units: np.ndarray | None, *, thin: int, level: float, seed: int,
) -> dict[str, Changed]:
    """Each goal's gap before and after, and its change, with intervals.

    `yes`, `before` and `after` (n,) say of each row whether the outcome is true and whether it is
    decided. A gap is the largest minus the smallest rate of groups with at least `thin` rows to
    tell it by. Only counts of rows of a kind matter, so the bootstrap draws those.
    """
    cells = ((group * 2 + yes) * 2 + before) * 2 + after
    groups = int(group.max()) + 1
    table = _draws(cells, groups * 8, weights, units, seed).reshape(-1, groups, 2, 2, 2)
    return {goal: _changed(goal, table, _told(yes, group, groups, thin), level, len(yes))
            for goal in GOALS}


def _draws(
    cells: np.ndarray, kinds: int, weights: np.ndarray | None, units: np.ndarray | None, seed: int
) -> np.ndarray:
    """Weight of each kind of row: as it is, then in each draw, (1 + draws, kinds)."""
    random = generator(seed, "disparity")
    heavy = np.ones(len(cells)) if weights is None else weights
    whole = np.bincount(cells, heavy, kinds)
    if weights is None and units is None:
        drawn = random.multinomial(len(cells), whole / whole.sum(), _DRAWS).astype(float)
        return np.vstack([whole, drawn])
    unit = np.arange(len(cells)) if units is None else np.unique(units, return_inverse=True)[1]
    count = int(unit.max()) + 1
    sums = np.zeros((count, kinds))
    np.add.at(sums, (unit, cells), heavy)
    drawn = np.stack([random.multinomial(count, np.full(count, 1 / count)) @ sums
                      for _ in range(_DRAWS // 4)])
    return np.vstack([whole, drawn])


def _told(yes: np.ndarray, group: np.ndarray, groups: int, thin: int) -> dict[str, np.ndarray]:
    """Which groups have rows enough to tell the rate of each event."""
    positive = np.bincount(group[yes.astype(bool)], minlength=groups)
    whole = np.bincount(group, minlength=groups)
    return {"all": whole >= thin, "yes": positive >= thin, "no": whole - positive >= thin}


def _changed(
    goal: str, table: np.ndarray, told: dict[str, np.ndarray], level: float, n: int
) -> Changed:
    # Axes of the table: draw, group, truth, decided before, decided after.
    first, second = table.sum(axis=4), table.sum(axis=3)
    before, after = (_gap(goal, each, told) for each in (first, second))
    return Changed(goal, _score(goal, before, level, n, 0.0), _score(goal, after, level, n, 0.0),
                   _score(goal, np.abs(after) - np.abs(before), level, n, -1.0))


def _gap(goal: str, counts: np.ndarray, told: dict[str, np.ndarray]) -> np.ndarray:
    """The gap of each draw, its sign kept; `counts` (draws, groups, truth, decided).

    Between the two groups (and in the event) that are farthest apart in the rows as they are: a
    largest gap sought anew in each draw would never come near zero.
    """
    if goal == "selection":
        return _range(counts.sum(axis=2), told["all"])
    found = _range(counts[:, :, 1], told["yes"])
    if goal == "opportunity":
        return found
    false = _range(counts[:, :, 0], told["no"])
    return false if np.isnan(found[0]) or false[0] > found[0] else found


def _range(counts: np.ndarray, told: np.ndarray) -> np.ndarray:
    if told.sum() < 2:
        return np.full(len(counts), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = counts[:, told, 1] / counts[:, told].sum(axis=2)
    return np.asarray(rate[:, np.argmax(rate[0])] - rate[:, np.argmin(rate[0])])


def _score(goal: str, values: np.ndarray, level: float, n: int, least: float) -> Score:
    """The value of the rows as they are, with quantiles of the draws, not below `least`."""
    drawn = values[1:][np.isfinite(values[1:])]
    if not np.isfinite(values[0]) or len(drawn) < 20:
        return Score(goal, float("nan"), float("nan"), float("nan"), level,
                     "undefined: too few rows in all groups but one", n)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Score(goal, float(values[0]), max(float(low), least), float(high), level,
                 f"paired bootstrap, {len(drawn):,} draws", n)
