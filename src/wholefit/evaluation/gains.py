"""Curves of a ranking with bands: ROC, precision and recall, gain, lift, cost by threshold.

Scores are put in some hundreds of bins, rows of equal score together; a draw of the bootstrap is
then one draw of the bins' counts, which is what drawing rows comes to, at a cost that does not
grow with them. Bands are pointwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import DataError, ParameterError
from wholefit.base.seeds import generator
from wholefit.evaluation import _kept
from wholefit.evaluation.score import check_level

_BINS, _DRAWS, _POINTS = 400, 300, 41

Line = tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True)
class Gains:
    """Curves of how well the scores rank, each point (across, value, low, high).

    `roc`: share of positives taken by share of negatives taken. `pr`: precision by recall. `gain`:
    share of positives found by share of rows taken, the surest first; `lift` the same over what
    as many rows at random would hold. `rows`, `positives` counts.
    """

    rows: int
    positives: int
    roc: Line
    pr: Line
    gain: Line
    lift: Line
    level: float = 0.95

    def found(self, share: float) -> tuple[float, float, float]:
        """The share of positives among the `share` of rows ranked first, and its interval."""
        if not 0 < share <= 1:
            raise ParameterError(f"share must be > 0 and <= 1; got {share!r}.")
        point = min(self.gain, key=lambda each: abs(each[0] - share))
        return point[1:]

    def to_text(self) -> str:
        """Three points of the gain curve, in a sentence."""
        said = []
        for share in (0.05, 0.1, 0.25):
            value, low, high = self.found(share)
            said.append(f"the first {share:.0%} of rows hold {value:.0%} [{low:.0%}, {high:.0%}]")
        return f"Ranked by score, {', '.join(said)} of all that are positive."

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        found: dict[str, Any] = _kept.put(self)
        return found


@dataclass(frozen=True)
class CostCurve:
    """What a threshold costs: `points` (threshold, cost per row, low, high).

    `false_alarm` and `miss` are what the two mistakes cost. `best` costs least on these rows; any
    threshold from `flat_low` to `flat_high` is not certainly worse. `saved` is what the best saves
    per row against `now`, the threshold in use, corrected for being chosen on the same rows, with
    its interval.
    """

    false_alarm: float
    miss: float
    now: float
    cost_now: float
    best: float
    cost_best: float
    flat_low: float
    flat_high: float
    saved: float
    saved_low: float
    saved_high: float
    points: Line
    level: float = 0.95

    @property
    def worth_moving(self) -> bool:
        """Whether the best threshold certainly saves something."""
        return self.saved_low > 0

    def to_text(self) -> str:
        """The best threshold, how flat it is, and whether to move."""
        price = ("a false alarm and a miss cost the same" if self.false_alarm == self.miss else
                 f"a false alarm costs {self.false_alarm:g} and a miss {self.miss:g}")
        move = (f"it saves {self.saved:.3g} [{self.saved_low:.3g}, {self.saved_high:.3g}] a row "
                f"against the threshold in use, {self.now:.3g}" if self.worth_moving else
                f"it is not certainly better than the threshold in use, {self.now:.3g}")
        return (f"Where {price}, the cheapest threshold is {self.best:.3g}, and any from "
                f"{self.flat_low:.3g} to {self.flat_high:.3g} does about as well; {move}.")

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        found: dict[str, Any] = _kept.put(self)
        return found


def gains(
    positive: Any, scores: Any, *, level: float = 0.95, seed: int = 0
) -> Gains | None:
    """Curves of `scores` (n,) for rows that are `positive` (n,) or not; None without both."""
    check_level(level)
    hit, given = _checked(positive, scores)
    if not 0 < hit.sum() < len(hit):
        return None
    binned = _Binned.of(hit, given)
    draws = binned.draws(generator(seed, "gains"))
    roc, pr, gain, lift = (_line(binned.counts, draws, curve, level)
                           for curve in (_roc, _pr, _gain, _lift))
    return Gains(len(hit), int(hit.sum()), roc, pr, gain, lift, level)


def threshold_costs(
    positive: Any, scores: Any, *, false_alarm: float = 1.0, miss: float = 1.0, now: float = 0.5,
    level: float = 0.95, seed: int = 0,
) -> CostCurve | None:
    """Mean cost of each threshold on `scores` (n,), with a band; None without both classes."""
    check_level(level)
    if not (false_alarm > 0 and miss > 0 and math.isfinite(false_alarm + miss)):
        raise ParameterError("false_alarm and miss must be finite and > 0; got "
                             f"{false_alarm} and {miss}.")
    hit, given = _checked(positive, scores)
    if not 0 < hit.sum() < len(hit):
        return None
    binned = _Binned.of(hit, given, now)
    draws = binned.draws(generator(seed, "costs"))
    price = np.array([miss, false_alarm]) / len(hit)
    cost, drawn = _costs(binned.counts, price), _costs(draws, price)
    return _cost_curve(binned, cost, drawn, false_alarm, miss, now, level)


def _cost_curve(
    binned: _Binned, cost: np.ndarray, drawn: np.ndarray, false_alarm: float, miss: float,
    now: float, level: float,
) -> CostCurve:
    best, here = int(cost.argmin()), binned.place(now)
    picked = drawn.argmin(axis=1)
    rows = np.arange(len(drawn))
    # What the best of each draw seems to save beyond what it saves on all rows (Efron 1983).
    flattery = float((cost[picked] - drawn[rows, picked]
                      - (cost[here] - drawn[:, here])).mean())
    tails = (1 - level) / 2, (1 + level) / 2
    saved = drawn[:, [here]] - drawn[:, [best]]
    low, high = np.quantile(saved, tails) - max(flattery, 0.0)
    worse = np.quantile(drawn - drawn[:, [best]], tails[0], axis=0) > 0
    flat = _around(~worse, best)
    ends = np.quantile(drawn, tails, axis=0)
    shown = np.unique(np.linspace(0, len(cost) - 1, 2 * _POINTS).astype(int))
    points = tuple((float(binned.thresholds[at]), float(cost[at]), float(ends[0, at]),
                    float(ends[1, at])) for at in shown)
    return CostCurve(
        float(false_alarm), float(miss), float(now), float(cost[here]),
        float(binned.thresholds[best]), float(cost[best]), float(binned.thresholds[flat[0]]),
        float(binned.thresholds[flat[1]]),
        float(cost[here] - cost[best]) - max(flattery, 0.0) if here != best else 0.0,
        float(low) if here != best else 0.0, float(high) if here != best else 0.0, points, level)


def _around(fine: np.ndarray, best: int) -> tuple[int, int]:
    """The run of thresholds about the best that are fine."""
    low = high = best
    while low > 0 and fine[low - 1]:
        low -= 1
    while high + 1 < len(fine) and fine[high + 1]:
        high += 1
    return low, high


@dataclass(frozen=True)
class _Binned:
    """Counts (bins, 2) of positive and other rows, by rising score.

    `thresholds` (bins + 1,) take bin at and all above it; the last takes none.
    """

    counts: np.ndarray
    thresholds: np.ndarray

    @classmethod
    def of(cls, hit: np.ndarray, scores: np.ndarray, extra: float | None = None) -> _Binned:
        inner = np.quantile(scores, np.linspace(0, 1, _BINS + 1)[1:-1], method="higher")
        edges = np.unique(np.append(inner, [] if extra is None else [extra]))
        edges = edges[(edges > scores.min()) & (edges <= scores.max())]
        at = np.searchsorted(edges, scores, side="right")
        counts = np.column_stack([np.bincount(at, hit, minlength=len(edges) + 1),
                                  np.bincount(at, 1 - hit, minlength=len(edges) + 1)])
        top = float(np.nextafter(scores.max(), np.inf))
        return cls(counts, np.concatenate([[scores.min()], edges, [top]]))

    def draws(self, rng: np.random.Generator) -> np.ndarray:
        """Counts (draws, bins, 2) as drawing the rows anew would give them."""
        total = int(self.counts.sum())
        share = self.counts.ravel() / total
        return rng.multinomial(total, share, size=_DRAWS).reshape(_DRAWS, *self.counts.shape)

    def place(self, threshold: float) -> int:
        """The place of the threshold that takes the same bins."""
        return int(np.searchsorted(self.thresholds, threshold, side="left").clip(
            0, len(self.thresholds) - 1))


def _checked(positive: Any, scores: Any) -> tuple[np.ndarray, np.ndarray]:
    hit, given = np.asarray(positive, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    if hit.shape != given.shape or hit.ndim != 1 or not len(hit):
        raise DataError("positive and scores must be columns of as many rows, at least one; got "
                        f"shapes {hit.shape} and {given.shape}.")
    if not np.isfinite(given).all():
        raise DataError("scores must be finite.")
    return hit, given


def _costs(counts: np.ndarray, price: np.ndarray) -> np.ndarray:
    """Cost (..., bins + 1) of each threshold: misses below it, false alarms from it on."""
    start = np.zeros((*counts.shape[:-2], 1))
    missed = np.concatenate([start, np.cumsum(counts[..., 0], axis=-1)], axis=-1)
    alarms = np.concatenate([start, np.cumsum(counts[..., ::-1, 1], axis=-1)], axis=-1)[..., ::-1]
    return price[0] * missed + price[1] * alarms


def _taken(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positive and other rows taken, (..., bins + 1), the surest first, none at the start."""
    start = np.zeros((*counts.shape[:-2], 1))
    return tuple(np.concatenate([start, np.cumsum(counts[..., ::-1, at], axis=-1)], axis=-1)
                 for at in (0, 1))  # type: ignore[return-value]


def _line(counts: np.ndarray, draws: np.ndarray, curve: Any, level: float) -> Line:
    grid = np.linspace(0, 1, _POINTS)
    if curve is _lift:
        grid = grid[1:]
    value = curve(counts, grid)
    drawn = np.array([curve(each, grid) for each in draws])
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return tuple((float(x), float(v), float(min(a, v)), float(max(b, v)))
                 for x, v, a, b in zip(grid, value, low, high, strict=True))


def _roc(counts: np.ndarray, grid: np.ndarray) -> np.ndarray:
    hits, alarms = _taken(counts)
    return np.interp(grid, alarms / max(alarms[-1], 1), hits / max(hits[-1], 1))


def _gain(counts: np.ndarray, grid: np.ndarray) -> np.ndarray:
    hits, alarms = _taken(counts)
    return np.interp(grid, (hits + alarms) / (hits[-1] + alarms[-1]), hits / max(hits[-1], 1))


def _lift(counts: np.ndarray, grid: np.ndarray) -> np.ndarray:
    return _gain(counts, grid) / grid


def _pr(counts: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Precision at a recall: of the fewest rows that reach it."""
    hits, alarms = _taken(counts)
    recall = hits / max(hits[-1], 1)
    at = np.searchsorted(recall, grid, side="left").clip(1, len(recall) - 1)
    return hits[at] / np.maximum(hits[at] + alarms[at], 1)
