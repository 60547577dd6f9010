"""The score from which a row alarms, set on scores of rows that were not learnt from.

With n such scores, a new row of the same kind lies above the k-th largest with probability
k / (n + 1), whatever the detector and whatever the data (split conformal prediction: Vovk,
Gammerman and Shafer, 2005; for outliers Bates et al., 2023). Given the n scores at hand, the
share of new rows above it has a Beta(k, n + 1 - k) distribution: that is the interval told.
Where rows of a group or of a stretch of time rise together, n counts for less; how much less is
estimated from the alarms themselves (design effect: Kish, 1965).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.base.stored import typed

KIND = "anomaly.threshold"
_LEVEL = 0.95
# Sorted scores kept whole up to here; beyond, the strangest are, and a grid of the others.
_KEPT_TOP, _KEPT_GRID = 10_000, 10_000
# A step between two shares that can be had is told where the budget lies this far from both.
_STEP = 0.1


@dataclass(frozen=True)
class Threshold:
    """A row alarms where its score is above `value`.

    `asked` is the share of rows wanted, `share` what can be expected, `low` to `high` its 95%
    interval; `rows` the scores it was set on, `worth` what they count for as independent rows.
    `note` tells, in a clause, what stands in the way of the share asked; "" where nothing does.
    """

    value: float
    asked: float
    share: float
    low: float
    high: float
    rows: int
    worth: float
    note: str = ""

    def worth_of(self, worth: float) -> Threshold:
        """The same, of rows that count for so many independent ones."""
        low, high = _beta(self.share, worth)
        return replace(self, low=low, high=high, worth=worth)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Threshold:
        """Read back what `to_json` wrote."""
        return typed(cls(**stored))


def choose(scores: np.ndarray, share: float, units: np.ndarray | None = None) -> Threshold:
    """The threshold above which about `share` of new rows lie, from scores (n,) of unlearnt rows.

    `units` (n,) names the group or block of time of each; rows of one are not independent.
    """
    return Ladder.of(scores).chosen(share, scores, units)


def _cut(ladder: Ladder, wanted: float) -> tuple[float, float, str]:
    """The value that ranks `wanted` from the top, how many lie above, and what hindered it."""
    scores, rows = ladder.scores, ladder.rows
    if wanted < 1:
        return float(scores[0]), 0.0, (
            f"so few alarms cannot be set from {rows:,} rows: the threshold is the strangest of "
            "them")
    at = int(np.searchsorted(ladder.counts, wanted, side="right")) - 1
    upper = scores[at]
    lower = scores[min(at + 1, len(scores) - 1)]
    if upper > lower:  # between the two, as far as the fraction goes
        return float(np.interp(wanted, ladder.counts, scores)), wanted, ""
    above, until = ladder.above(upper), ladder.above(np.nextafter(upper, -np.inf))
    over, under = until / wanted - 1, 1 - above / wanted
    low = over <= _STEP and over < under
    value, count = (float(np.nextafter(upper, -np.inf)), until) if low else (float(upper), above)
    if min(over, under) <= _STEP:
        return value, count, ""
    return value, count, (
        f"{until - above:,.0f} rows share one score: {above / rows:.2%} or {until / rows:.2%} of "
        "rows can alarm, nothing between, and the fewer do")


def _cut_events(ladder: Ladder, wanted: float) -> tuple[float, float, str]:
    """The value with as many alarms per stretch as wanted, alarms that touch counted once."""
    events = ladder.events
    assert events is not None
    within = np.flatnonzero(events > wanted)
    last = int(within[0]) - 1 if len(within) else len(events) - 1
    if last < 0:
        return float(ladder.scores[0]), 0.0, (
            f"so few alarms cannot be set from {ladder.rows:,} windows: the threshold is the "
            "strangest of them")
    below = ladder.scores[last + 1] if last + 1 < len(events) else ladder.scores[last] - 1e-9
    value = (ladder.scores[last] + below) / 2
    return float(value if value < ladder.scores[last] else below), float(events[last]), ""


def _beta(share: float, worth: float) -> tuple[float, float]:
    """The 95% interval of the share of new rows above the threshold."""
    from scipy.special import betaincinv

    above = max(share * (worth + 1), 1e-9)
    below = max((1 - share) * (worth + 1), 1e-9)
    tail = (1 - _LEVEL) / 2
    if share * (worth + 1) < 0.5:  # nothing lies above: the first step of the ladder
        return 0.0, float(1 - tail ** (1 / max(worth, 1.0)))
    return float(betaincinv(above, below, tail)), float(betaincinv(above, below, 1 - tail))


def worth_in(alarms: np.ndarray, units: np.ndarray | None) -> float:
    """How many independent rows these count for: rows over the design effect of their units."""
    rows = len(alarms)
    share = alarms.mean()
    if units is None or not 0 < share < 1:
        return float(rows)
    _, codes, sizes = np.unique(units, return_inverse=True, return_counts=True)
    if len(sizes) < 2:
        return float(rows)
    pulls = np.bincount(codes, weights=alarms - share)
    variance = float(pulls @ pulls) / rows**2 * len(sizes) / (len(sizes) - 1)
    plain = share * (1 - share) / rows
    return float(np.clip(rows * plain / max(variance, 1e-300), 1.0, rows))


# ---- how strange among the usual --------------------------------------------------------


class Ladder:
    """Scores of unlearnt rows in order: what share of usual rows is as strange as a new one."""

    def __init__(self, scores: np.ndarray, shares: np.ndarray, rows: int,
                 events: np.ndarray | None = None) -> None:
        self.scores, self.shares, self.rows, self.events = scores, shares, rows, events

    @classmethod
    def of(cls, scores: np.ndarray, joints: np.ndarray | None = None,
           stretches: float = 0.0) -> Ladder:
        """From scores (n,); beyond 20,000 the strangest are kept, and a grid of the others.

        Windows overlap, and alarms that touch are one: with `joints` (see `_windows`) and
        how many `stretches` as long as a window there are, a budget counts alarms per stretch.
        """
        order = np.sort(scores)[::-1].astype(np.float64)
        rows = len(order)
        at = np.arange(rows)
        if rows > _KEPT_TOP + _KEPT_GRID:
            grid = np.linspace(_KEPT_TOP, rows - 1, _KEPT_GRID).astype(np.int64)
            at = np.unique(np.concatenate([np.arange(_KEPT_TOP), grid]))
        events = None
        if joints is not None:
            merged = np.searchsorted(np.sort(-joints), -order[at], side="right")
            above = np.searchsorted(-order, -order[at], side="right")
            events = (above - merged) / stretches
        return cls(order[at], (at + 1) / (rows + 1), rows, events)

    def rank(self, scores: np.ndarray) -> np.ndarray:
        """The share of usual rows at least as strange, (n,): a conformal p-value, never 0.

        (1 + those as strange) / (1 + all): under the same conditions at most a share u of new
        usual rows gets u or less.
        """
        found = np.searchsorted(-self.scores, -np.asarray(scores), side="right")
        ranks = np.concatenate([[0.0], self.shares])[found] + 1 / (self.rows + 1)
        return np.where(np.isnan(scores), np.nan, np.minimum(ranks, 1.0))

    def binned(self, bins: int) -> np.ndarray:
        """The share of its own rows whose rank falls in each of so many equal bins, (bins,)."""
        weights = np.diff(self.counts, prepend=0.0)
        place = np.minimum((self.rank(self.scores) * bins).astype(int), bins - 1)
        found: np.ndarray = np.bincount(place, weights=weights, minlength=bins) / self.rows
        return found

    @property
    def counts(self) -> np.ndarray:
        """How many rows have each kept score or a higher one, at most."""
        return self.shares * (self.rows + 1)

    def above(self, value: float) -> float:
        """How many rows lie above the value."""
        found = int(np.searchsorted(-self.scores, -value, side="left"))
        return float(self.counts[found - 1]) if found else 0.0

    def threshold(self, share: float, worth: float | None = None) -> Threshold:
        """The score above which about `share` of new rows lie; `worth` as in `Threshold`."""
        if self.events is not None:
            value, reached, note = _cut_events(self, share)
        else:
            value, count, note = _cut(self, share * (self.rows + 1))
            reached = count / (self.rows + 1)
        counted = min(worth or self.rows, float(self.rows))
        return Threshold(value, share, reached, *_beta(reached, counted), self.rows, counted, note)

    def chosen(self, share: float, scores: np.ndarray, units: np.ndarray | None) -> Threshold:
        """As `threshold`, with what the `scores` count for where rows of a unit rise together."""
        found = self.threshold(share)
        return found.worth_of(worth_in(scores > found.value, units))

    def rate(self, value: float, scores: np.ndarray, units: np.ndarray | None) -> Threshold:
        """What share of the scores lies above a value, with its interval."""
        above = scores > value
        share, worth = float(above.mean()), worth_in(above, units)
        return Threshold(value, share, share, *_beta(share, worth), len(scores), worth)

    def state(self) -> State:
        """As plain data."""
        events = {} if self.events is None else {"events": self.events}
        return State(KIND, {"rows": self.rows},
                     {"scores": self.scores, "shares": self.shares, **events})

    @classmethod
    def from_state(cls, state: State) -> Ladder:
        """Read back what `state` gave; ValueError where its parts do not fit together."""
        scores, shares = state.arrays["scores"], state.arrays["shares"]
        rows = state.config["rows"]
        fits = (scores.ndim == 1 and scores.shape == shares.shape and len(scores)
                and isinstance(rows, int) and len(scores) <= rows <= 10**12)
        if not fits or not (np.diff(scores) <= 0).all() or not (np.diff(shares) > 0).all():
            raise ValueError("the scores that set its threshold are not in order")
        events = state.arrays.get("events")
        if events is not None and events.shape != scores.shape:
            raise ValueError("the alarms that its scores make have the wrong shape")
        return cls(scores, shares, rows, events)
