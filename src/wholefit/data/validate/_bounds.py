"""How far beyond the values seen a number may honestly lie.

A bound lies as far again beyond the extreme as the extreme is from the median: where tails fall
off exponentially, and one row in n reached the extreme, one in n squared reaches the bound. Where
the tail is heavier (its 99% quantile more than 2.2 times as far out as its 90% quantile; an
exponential one, twice), it is taken to fall off as a power, through the side's median and its
extreme, and the bound lies where one row in 30 n would, if that is further.

Some extremes are edges, and stay as they are: one that ten rows and one in a hundred reached,
and no fewer than reached its neighbour (a rating of 5, an age cut at 90); and 0, where values
never pass it, and either come close to it often, or end further from it than their last
hundredth is wide. Bounds are rounded outwards, for a person to read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_EDGE, _EDGE_SHARE = 10, 0.01
_HEAVY, _FAR_OUT, _LEAN = 2.2, 3.0, 1.5
_SELDOM = 30
_FEW = 20


@dataclass(frozen=True)
class Bounds:
    """The range seen, and the bounds that no row should pass."""

    seen_low: float
    seen_high: float
    low: float
    high: float


def bounds(values: np.ndarray, whole: bool) -> Bounds | None:
    """Bounds of finite numbers (n,); None where there are none. `whole`: they are integers."""
    if not len(values):
        return None
    ordered = np.sort(values)
    first, last = float(ordered[0]), float(ordered[-1])
    middle = float(ordered[len(ordered) // 2])
    high = last if _is_edge(ordered[::-1]) else outwards(
        middle + _reach(ordered[ordered > middle] - middle, whole), 1, whole)
    low = first if _is_edge(ordered) else outwards(
        middle - _reach((middle - ordered[ordered < middle])[::-1], whole), -1, whole)
    if low < first and first > 0 and _leans(ordered, middle):
        low = outwards(first * first / middle, -1, whole)
    if low < 0 <= first and (whole or first == 0 or _stops_at_zero(ordered, middle)):
        low = 0.0
    if high > 0 >= last and (whole or _stops_at_zero(-ordered[::-1], -middle)):
        high = 0.0
    return Bounds(first, last, low, high)


def _is_edge(from_extreme: np.ndarray) -> bool:
    """True if so many rows reached the extreme that it is where values end, not where they thin."""
    reached = int(np.argmax(from_extreme != from_extreme[0])) or len(from_extreme)
    if reached < max(_EDGE, _EDGE_SHARE * len(from_extreme)):
        return False
    rest = from_extreme[reached:]
    neighbour = int(np.argmax(rest != rest[0])) or len(rest) if len(rest) else 0
    return reached >= neighbour


def _reach(distances: np.ndarray, whole: bool) -> float:
    """How far from the median a row may lie, by the sorted distances (k,) of one side."""
    if not len(distances):
        return 1.0 if whole else 0.0
    extreme = float(distances[-1])
    usual, far, farther = (float(distances[min(int(q * len(distances)), len(distances) - 1)])
                           for q in (0.5, 0.9, 0.99))
    heavy = farther > _HEAVY * far or extreme > _FAR_OUT * farther
    if not heavy or len(distances) < _FEW:
        return 2 * extreme
    slope = math.log(len(distances) / 2) / math.log(extreme / usual)
    return extreme * max(2.0, math.exp(math.log(_SELDOM) / slope))


def _leans(ordered: np.ndarray, middle: float) -> bool:
    """True if the upper half reaches further out than the lower."""
    n = len(ordered)
    low, high = float(ordered[n // 100]), float(ordered[-1 - n // 100])
    return high - middle > _LEAN * (middle - low)


def _stops_at_zero(ordered: np.ndarray, middle: float) -> bool:
    """True if values come close to 0 often and never pass it, or their tail ends well before."""
    first, hundredth = float(ordered[0]), float(ordered[len(ordered) // 100])
    return hundredth <= middle / 10 or first >= hundredth - first


def outwards(number: float, side: int, whole: bool) -> float:
    """Rounded to two figures away from the middle: 1,873 upwards is 1,900."""
    if not number or not math.isfinite(number):
        return float(np.clip(number, -1.7e308, 1.7e308))
    step = 10.0 ** (math.floor(math.log10(abs(number))) - 1)
    if whole:
        step = max(step, 1.0)
    found = math.ceil(number / step) * step if side > 0 else math.floor(number / step) * step
    return float(f"{found:.12g}")
