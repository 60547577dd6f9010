"""Stability selection: what is chosen again and again from halves of the rows is no accident.

Meinshausen and Buhlmann (2010), with the complementary pairs of Shah and Samworth (2013): the
rows are split in two at random, many times, and from each half the first `picks` columns that
enter an L1 path are noted. A column noted in at least the share `cutoff` of the halves is
stable. How many it can wrongly call so is bounded whatever the data:

    picks^2 / ((2 cutoff - 1) columns)

and about half of that, or less, where, as is usual, the shares have a single peak (`most_false`).
"Wrongly" means columns that a half picks no oftener than drawing `picks` columns blindly would.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from wholefit.base.errors import ParameterError
from wholefit.base.events import emit
from wholefit.base.seeds import generator
from wholefit.features.select import Scores, Seen
from wholefit.features.select.linear import l1

ROUNDS, CUTOFF, WRONG = 50, 0.9, 0.25
_ROWS = 10_000
_ENTER = 200

Base = Callable[[Seen, int], Scores]


@dataclass(frozen=True, eq=False)
class Stable:
    """`frequency` (groups,): the share of halves that picked each; `stable` (groups,) bool.

    `worst` bounds the expected number of wrongly stable ones whatever the data, `expected` where
    the shares have one peak.
    """

    frequency: np.ndarray
    stable: np.ndarray
    picks: int
    cutoff: float
    rounds: int
    worst: float
    expected: float


def stability(
    seen: Seen, groups: np.ndarray | None = None, *, picks: int | None = None,
    cutoff: float = CUTOFF, rounds: int = ROUNDS, base: Base | None = None,
) -> Stable:
    """How often each group of features (each feature if None) is among the first picked.

    `groups` (features,) numbers the column of each feature, 0.. . `picks` is how many each half
    picks, the most with less than 0.25 wrongly stable columns expected if None; `rounds` pairs of
    halves are drawn, of at most 10,000 rows. `base` scores features, the L1 path by default,
    among the 200 of largest F in that half.
    """
    groups = np.arange(seen.X.shape[1]) if groups is None else groups
    count = int(groups.max()) + 1
    _check(picks, cutoff, rounds, count, seen.X.shape[0])
    picks = picks or most_picks(count, cutoff, rounds)
    seen = seen.sample(_ROWS, "stability")
    times = np.zeros(count)
    for turn in range(rounds):
        drawn = generator(seen.seed, "stability", turn).permutation(seen.X.shape[0])
        half = len(drawn) // 2
        for rows in (drawn[:half], drawn[half:2 * half]):
            times[_picked(_part(seen, np.sort(rows)), groups, picks, base or _l1)] += 1
        emit("select_round", done=turn + 1, of=rounds)
    frequency = times / (2 * rounds)
    return Stable(frequency, frequency >= cutoff - 1e-12, picks, cutoff, rounds,
                  worst_false(picks, count, cutoff), most_false(picks, count, cutoff, rounds))


def worst_false(picks: int, count: int, cutoff: float) -> float:
    """The most wrongly stable columns to be expected, whatever the data."""
    return picks**2 / ((2 * cutoff - 1) * count)


def most_false(picks: int, count: int, cutoff: float, rounds: int) -> float:
    """The same where the shares of wrong columns have one peak (Shah and Samworth, eq. 8).

    That bound holds up to a share of picks of 1 / sqrt(3), and for cutoffs that are not too
    near a half; beyond, the worst one is given.
    """
    share = picks / count
    least = min(0.5 + share**2, 0.5 + 1 / (2 * rounds) + 0.75 * share**2)
    worst = worst_false(picks, count, cutoff)
    if share > 1 / math.sqrt(3) or cutoff <= least:
        return worst
    if cutoff <= 0.75:
        factor = 1 / (2 * (2 * cutoff - 1 - 1 / (2 * rounds)))
    else:
        factor = 4 * (1 - cutoff + 1 / (2 * rounds)) / (1 + 1 / rounds)
    return min(worst, factor * share * picks)


def most_picks(count: int, cutoff: float, rounds: int) -> int:
    """The most picks for which at most 0.25 wrongly stable columns are to be expected; or 1."""
    able = [picks for picks in range(1, count + 1)
            if most_false(picks, count, cutoff, rounds) <= WRONG]
    return max(able, default=1)


def _l1(seen: Seen, wanted: int) -> Scores:
    return l1(seen, wanted, most=_ENTER)


def _picked(seen: Seen, groups: np.ndarray, picks: int, base: Base) -> np.ndarray:
    """The first `picks` different groups by the best value of their features."""
    features = min(len(groups), picks * max(1, math.ceil(len(groups) / (groups.max() + 1))))
    values = base(seen, features).values
    best = np.full(int(groups.max()) + 1, -np.inf)
    np.maximum.at(best, groups, values)
    return np.argsort(-best, kind="stable")[:picks]


def _part(seen: Seen, rows: np.ndarray) -> Seen:
    return Seen(seen.X[rows], seen.y[rows], seen.codes, seen.seed)


def _check(picks: int | None, cutoff: float, rounds: int, count: int, rows: int) -> None:
    if not 0.5 < cutoff <= 1:
        raise ParameterError(f"cutoff must be > 0.5 and <= 1; got {cutoff!r}.")
    if rounds < 1:
        raise ParameterError(f"rounds must be >= 1; got {rounds!r}.")
    if picks is not None and not 1 <= picks <= count:
        raise ParameterError(f"picks must be >= 1 and <= {count}, the number of columns; "
                             f"got {picks!r}.")
    if rows < 4:
        raise ParameterError(f"stability selection needs at least 4 rows; got {rows}.")
