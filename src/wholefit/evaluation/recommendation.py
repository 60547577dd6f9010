"""Lists of recommendations, held against what users turned to next; the unit is the user.

    found = ranked(top, held, seen_by, users)      # one number a user
    found["ndcg@10"].mean()
    scores(found, coverage)                        # every metric with its interval

Every list is drawn from all items that the user did not have, never from a sample of them: scores
against a few sampled items put models in another order than the whole catalogue does (Krichene
and Rendle, KDD 2020), so none are offered.

A user's list of k items against that user's held-out items, by rank:

    ndcg@k        hits weighed by 1/log2(rank + 1), as a share of the best order possible
                  (Jarvelin and Kekalainen, 2002)
    recall@k      share of the held-out items that are in the list
    map@k         precision at each hit, averaged over min(k, held-out items)
    hit@k         whether any held-out item is in the list
    novelty@k     mean self-information of the items, -log2 of the share of users who have them
                  (Zhou et al., PNAS 2010), in bits
    popularity@k  mean share of users who have the items: how far lists lean on what sells anyway
    coverage@k    share of the catalogue that turns up in the list of at least one user
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from wholefit.base.errors import DataError
from wholefit.evaluation.compare import Difference, level_of, of_several
from wholefit.evaluation.intervals import Spread, negligible, student, wilson
from wholefit.evaluation.score import Score, check_level

Array = np.ndarray
# Numbers between 0 and 1, one a user, whose mean is a share.
_SHARES = ("ndcg", "recall", "map", "hit", "popularity")
_LOWER = ("popularity", "rmse", "mae")


@dataclass(frozen=True, eq=False)
class Held:
    """Held-out items of each user: those of user i are `items[starts[i]:starts[i + 1]]`."""

    starts: Array
    items: Array

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def counts(self) -> Array:
        """Held-out items of each user, (users,)."""
        return np.diff(self.starts)


def better(metric: str) -> str:
    """ "lower" or "higher": which way of the metric is good."""
    return "lower" if metric.partition("@")[0] in _LOWER else "higher"


def ranked(top: Array, held: Held, having: Array, users: int) -> dict[str, Array]:
    """Metrics of each user's list, (users asked,) each.

    `top` (asked, k) item codes, best first, -1 where a list is shorter than k; `held` what each of
    them turned to; `having` (items,) in how many users' hands each item was in training, of
    `users` in all. Users without a held-out item have NaN in what is measured by hits.
    """
    if len(top) != len(held):
        raise DataError(f"ranked needs one list a user; got {len(top)} lists for {len(held)} "
                        "users.")
    k, counts = top.shape[1], held.counts
    hits = _hits(top, held, len(having))
    best = np.minimum(counts, k)
    weight = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate([[np.nan], np.cumsum(weight)])[best]
    precision = np.cumsum(hits, axis=1) / np.arange(1, k + 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = {
            "ndcg": hits @ weight / ideal,
            "recall": hits.sum(axis=1) / np.where(counts > 0, counts, np.nan),
            "map": (precision * hits).sum(axis=1) / np.where(best > 0, best, np.nan),
            "hit": np.where(counts > 0, hits.any(axis=1).astype(float), np.nan),
        }
    found |= _taste(top, having, users)
    return {f"{name}@{k}": values for name, values in found.items()}


def _hits(top: Array, held: Held, items: int) -> Array:
    """(users, k) truth values: the item is one of the user's held-out ones."""
    owner = np.repeat(np.arange(len(held), dtype=np.int64), held.counts)
    keys = np.sort(owner * (items + 1) + held.items)
    asked = np.arange(len(top), dtype=np.int64)[:, None] * (items + 1) + top
    if not len(keys):
        return np.zeros(top.shape, dtype=bool)
    place = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    return (keys[place] == asked) & (top >= 0)


def _taste(top: Array, having: Array, users: int) -> dict[str, Array]:
    """Novelty and popularity of each list; NaN where it is empty."""
    share = np.append(np.maximum(having, 1) / max(users, 1), np.nan)
    listed = share[top]
    with np.errstate(invalid="ignore"):
        count = np.where((top >= 0).any(axis=1), (top >= 0).sum(axis=1), np.nan)
        return {"novelty": np.nansum(-np.log2(listed), axis=1) / count,
                "popularity": np.minimum(np.nansum(listed, axis=1) / count, 1.0)}


def scores(
    values: Mapping[str, Array], tops: Array, catalogue: int, level: float = 0.95
) -> dict[str, Score]:
    """Every metric's mean over users with its interval, and the coverage of all lists.

    `values` are what `ranked` gave, NaN where a user cannot be judged; `tops` (users, m) the item
    codes of all lists, -1 for none; `catalogue` the number of items that could be recommended.
    """
    check_level(level)
    found = {name: mean(name, each, level) for name, each in values.items()}
    k = next(iter(values)).partition("@")[2] if values else ""
    return found | {f"coverage@{k}": coverage(f"coverage@{k}", tops, catalogue, level)}


def mean(metric: str, values: Array, level: float = 0.95) -> Score:
    """The mean over users, with an interval from what each user pulls on it.

    Shares have a Wilson interval with as many rows as give the spread between users; other
    numbers Student's.
    """
    known = values[np.isfinite(values)]
    users = len(known)
    if not users:
        nan = math.nan
        return Score(metric, nan, nan, nan, level, "undefined: no user has a held-out item", 0)
    value = float(known.mean())
    left = len(values) - users
    rest = f"; {left:,} users without a held-out item left out" if left else ""
    how = f"mean over {users:,} users, influence of each user{rest}"
    low, high = _ends(value, known - value, level, metric.partition("@")[0] in _SHARES)
    return Score(metric, value, low, high, level, how, users)


def _ends(value: float, gaps: Array, level: float, share: bool) -> tuple[float, float]:
    users = len(gaps)
    if users < 2:
        return (0.0, 1.0) if share else (math.nan, math.nan)
    spread = Spread.of(gaps / math.sqrt(users * (users - 1.0)))
    if not spread.error > negligible(value):
        return wilson(value, users, student(level, users - 1)) if share else (value, value)
    quantile = student(level, spread.degrees)
    if share:
        return wilson(value, max(value * (1 - value), 1e-12) / spread.error**2, quantile)
    return value - quantile * spread.error, value + quantile * spread.error


def coverage(metric: str, tops: Array, catalogue: int, level: float = 0.95) -> Score:
    """Share of the catalogue in at least one list; its interval from leaving out each user.

    Leaving a user out loses the items that only that user's list holds (the jackknife of a number
    of kinds: Burnham and Overton, 1979). It tells how the share hangs on which users were asked,
    not how it grows with more of them.
    """
    users = len(tops)
    owner = np.repeat(np.arange(users), tops.shape[1])[tops.ravel() >= 0]
    listed = tops.ravel()[tops.ravel() >= 0]
    pairs = np.unique(owner * (max(catalogue, 1) + 1) + listed)
    owner, listed = np.divmod(pairs, max(catalogue, 1) + 1)
    kinds, times = np.unique(listed, return_counts=True)
    value = len(kinds) / catalogue if catalogue else math.nan
    how = f"items in the lists of {users:,} users, jackknife of users"
    if users < 2 or not catalogue:
        return Score(metric, value, 0.0, 1.0, level, "a single user: its spread cannot be known",
                     users)
    single = times[np.searchsorted(kinds, listed)] == 1
    alone = np.bincount(owner[single], minlength=users) / catalogue
    spread = Spread.of((alone - alone.mean()) * math.sqrt((users - 1) / users))
    reach = student(level, max(spread.degrees, 1.0)) * spread.error
    return Score(metric, value, max(0.0, value - reach), min(1.0, value + reach), level, how, users)


def ties(
    metric: str, values: Mapping[str, Array], level: float = 0.95
) -> dict[str, Difference]:
    """Each model's paired difference from the best on the same users: model - best.

    `values` (users,) of each model, in the same order of users; users that any of them lacks are
    left out. Intervals and p-values are those of the comparisons together (Bonferroni), as in
    `wholefit.evaluation.ties`.
    """
    if not values:
        raise DataError("ties needs at least one model; got none.")
    check_level(level)
    common = np.logical_and.reduce([np.isfinite(each) for each in values.values()])
    kept = {name: each[common] for name, each in values.items()}
    sign = -1.0 if better(metric) == "lower" else 1.0
    best = max(kept, key=lambda name: sign * kept[name].mean() if common.any() else 0.0)
    tests = len(kept) - 1
    corrected = level_of(level, tests)
    return {name: of_several(difference(metric, each, kept[best], corrected), tests)
            for name, each in kept.items()}


def difference(metric: str, a: Array, b: Array, level: float = 0.95) -> Difference:
    """The mean of a minus that of b over the same users, by what each user pulls on it."""
    gaps = a - b
    users, nan = len(gaps), math.nan
    if not users:
        return Difference(metric, nan, nan, nan, nan, "tied", "no user could be judged")
    value = float(gaps.mean())
    how = f"paired difference of each user, {users:,} users"
    if not np.any(gaps):
        return Difference(metric, 0.0, 0.0, 0.0, 1.0, "tied", "the same in every user")
    if users < 2:
        return Difference(metric, value, -math.inf, math.inf, 1.0, "tied", "a single user")
    spread = Spread.of((gaps - value) / math.sqrt(users * (users - 1.0)))
    if not spread.error > negligible(value):
        return Difference(metric, value, value, value, min(1.0, 2.0 ** (1 - users)),
                          _leader(metric, value, value) if users > 5 else "tied", how)
    from scipy.special import stdtr

    reach = student(level, spread.degrees) * spread.error
    p = 2 * float(stdtr(spread.degrees, -abs(value) / spread.error))
    return Difference(metric, value, value - reach, value + reach, p,
                      _leader(metric, value - reach, value + reach), how)


def _leader(metric: str, low: float, high: float) -> str:
    if low <= 0 <= high:
        return "tied"
    return "a" if (low > 0) == (better(metric) == "higher") else "b"
