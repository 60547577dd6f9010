"""How much of the rows a reduction keeps: neighbours, distances, variance, labels.

All are measured on the same n rows, in the features and in the coordinates:

    trustworthiness        are neighbours in the coordinates neighbours in truth? 1 where all are,
                           0.5 by chance (Venna and Kaski 2001)
    continuity             are true neighbours still neighbours? the same, the other way round
    distance_correlation   Spearman's correlation of all pairwise distances: the large picture
    variance_kept          share of the variance that comes back where a reduction can be undone
    label_agreement        share of a row's five nearest in the coordinates that have its known
                           label; for a number, the correlation with its mean over them

A row takes part in many pairs, so intervals leave out one row with all its pairs at a time
(jackknife: Efron 1982). Ranks are those among all n rows throughout.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import DataError
from wholefit.evaluation.score import Score

METRICS = ("trustworthiness", "continuity", "distance_correlation", "variance_kept",
           "label_agreement")
_LOSSES = ("trustworthiness", "continuity", "variance_kept")
_LEVEL, _QUANTILE = 0.95, 1.959963984540054
_FEWEST = 8
_FOR_LABELS = 5
"""Nearest rows whose label is asked; few, so that a small class can agree with itself."""


@dataclass(frozen=True, eq=False)
class Judged:
    """Scores by metric, and what each row pulls on them; pulls of two reductions of the same rows
    can be subtracted (`difference`).
    """

    scores: dict[str, Score]
    pulls: dict[str, np.ndarray]


class Truth:
    """Distances and ranks of features X (n, p), dense or CSR: made once, asked for each method."""

    def __init__(self, X: Any) -> None:
        self.X = X
        self.distance = distances(X)
        self.order = np.argsort(self.distance, axis=1, kind="stable")
        self.rank = _ranks(self.order)
        self.spread = _ranked(self.distance)


def judge(
    X: Any, Z: np.ndarray, *, near: int = 10, restored: Any = None, original: Any = None,
    mean: Any = None, labels: np.ndarray | None = None, categories: bool = True,
    where: str = "rows", units: Any = None,
) -> Judged:
    """Every metric of coordinates Z (n, d) against features X (n, p), dense, CSR, or a `Truth`.

    `near` neighbours count; `restored` (n, q) is what comes back of `original` (n, q), X itself
    where that is None, and `mean` (q,) what a row is compared with then; `labels` (n,), codes
    with -1 for missing if `categories`, else numbers with NaN. `where` says in words which rows
    these are; `units` (n,) names the group of each, -1 for none: groups are left out as wholes.
    Raises DataError for fewer than 8 rows.
    """
    n = len(Z)
    if n < _FEWEST:
        raise DataError(f"a reduction is judged on at least {_FEWEST} rows; got {n}.")
    true = X if isinstance(X, Truth) else Truth(X)
    k = max(1, min(near, (n - 2) // 3))
    kept = distances(Z)
    whole = np.argsort(kept, axis=1, kind="stable")
    order = whole[:, 1:k + 1]
    found: dict[str, tuple[float, np.ndarray, tuple[float, float]]] = {
        "trustworthiness": (*_strangers(true.rank, order, k), (0.0, 1.0)),
        "continuity": (*_strangers(_ranks(whole), true.order[:, 1:k + 1], k), (0.0, 1.0)),
        "distance_correlation": (*_correlated(true.spread, _ranked(kept)), (-1.0, 1.0)),
    }
    if restored is not None:
        found["variance_kept"] = (
            *_kept(true.X if original is None else original, restored, mean), (-math.inf, 1.0))
    if labels is not None:
        agreed = _agreed(labels, order[:, :_FOR_LABELS]) if categories else _followed(labels, order)
        if agreed is not None:
            found["label_agreement"] = (*agreed, (0.0 if categories else -1.0, 1.0))
    how = f"jackknife over {where}, pair by pair"
    if units is not None:
        found = {name: (value, _by_unit(pulls, np.asarray(units)), bounds)
                 for name, (value, pulls, bounds) in found.items()}
        how += ", rows of a group together"
    return Judged({name: _score(name, *rest, how, n) for name, rest in found.items()},
                  {name: rest[1] for name, rest in found.items()})


def difference(a: Judged, b: Judged, metric: str) -> dict[str, float]:
    """a minus b on the same rows: value, low, high, and the p of no difference."""
    value = a.scores[metric].value - b.scores[metric].value
    error = float(np.sqrt(((a.pulls[metric] - b.pulls[metric]) ** 2).sum()))
    reach = _QUANTILE * error
    p = math.erfc(abs(value) / error / math.sqrt(2)) if error > 0 else float(value == 0)
    return {"value": value, "low": value - reach, "high": value + reach, "p": p}


def distances(X: Any) -> np.ndarray:
    """Euclidean distances (n, n) between the rows of X (n, p), dense or CSR; -1 on the diagonal,
    so that a row comes first among its own neighbours.
    """
    if hasattr(X, "tocsr"):
        X = X.astype(np.float64)
        products = np.asarray((X @ X.T).todense())
    else:
        X = np.asarray(X, dtype=np.float64)
        X = X - X.mean(axis=0)
        products = X @ X.T
    lengths = np.diag(products)
    square = lengths[:, None] + lengths - 2 * products
    # Rounding leaves dust where distances are equal; it must not rank them.
    top = max(float(lengths.max()), 1e-300)
    found = np.sqrt(np.maximum(np.round(square / top, 12), 0.0) * top)
    np.fill_diagonal(found, -1.0)
    return found


def by_chance(labels: np.ndarray) -> float:
    """The share of pairs of rows with known labels that have the same one."""
    counts = np.bincount(labels[labels >= 0]).astype(float)
    total = counts.sum()
    return float((counts * (counts - 1)).sum() / max(total * (total - 1), 1.0))


# ---- the statistics: each gives its value and the pull of every row --------------------------


def _ranks(order: np.ndarray) -> np.ndarray:
    """The rank of each row among the neighbours of each; itself has rank 0."""
    rank = np.empty(order.shape, dtype=np.int32)
    np.put_along_axis(rank, order, np.arange(len(order), dtype=np.int32)[None, :], axis=1)
    return rank


def _strangers(rank: np.ndarray, order: np.ndarray, k: int) -> tuple[float, np.ndarray]:
    """1 minus how far from near those are that `order` (n, k) calls near."""
    n = len(rank)
    cost = np.maximum(np.take_along_axis(rank, order, axis=1) - k, 0).astype(np.float64)
    norm = 2.0 / (2 * n - 3 * k - 1)
    value, pulls = _ratio_of_pairs(cost, order, n)
    return 1.0 - norm * value, -norm * pulls


def _ratio_of_pairs(cost: np.ndarray, order: np.ndarray, n: int) -> tuple[float, np.ndarray]:
    """The mean of `cost` (n, k) of pairs (row, order), and each row's pull by all its pairs."""
    flat = order.ravel()
    costs = cost.sum(axis=1) + np.bincount(flat, cost.ravel(), minlength=n)
    pairs = cost.shape[1] + np.bincount(flat, minlength=n)
    return _ratio(float(cost.sum()), float(cost.size), costs, pairs.astype(float))


def _ratio(top: float, bottom: float, tops: np.ndarray,
           bottoms: np.ndarray) -> tuple[float, np.ndarray]:
    """top / bottom, and the pulls of leaving out one of their n shares at a time."""
    left = bottom - bottoms
    value = top / bottom if bottom else math.nan
    without = np.divide(top - tops, left, out=np.full(len(tops), value), where=left > 0)
    return value, _pulls(without)


def _pulls(without: np.ndarray) -> np.ndarray:
    """From the value without each row to pulls whose squares add up to the variance."""
    n = len(without)
    return math.sqrt((n - 1) / n) * (without.mean() - without)


def _by_unit(pulls: np.ndarray, units: np.ndarray) -> np.ndarray:
    """The pulls (n,) of rows as those of groups, a row of no group (-1) being one by itself."""
    alone = units.max(initial=-1) + 1 + np.arange(len(units))
    codes = np.unique(np.where(units < 0, alone, units), return_inverse=True)[1]
    many = int(codes.max()) + 1
    if many < 2:  # no other group shows how groups differ
        return np.array([math.inf])
    summed = np.bincount(codes, pulls)
    return np.asarray((summed - summed.mean()) * math.sqrt(many / (many - 1)))


def _correlated(a: np.ndarray, b: np.ndarray) -> tuple[float, np.ndarray]:
    """Correlation of ranks over pairs, and pulls by leaving out a row with all its pairs."""
    n = len(a)
    sums = [m.sum(axis=1) for m in (a, b, a * b, a * a, b * b)]
    whole = [s.sum() / 2 for s in sums]
    pairs = n * (n - 1) / 2
    value = float(_pearson(whole, pairs))
    without = _pearson([total - row for total, row in zip(whole, sums, strict=True)],
                       pairs - (n - 1))
    return value, _pulls(np.where(np.isfinite(without), without, value))


def _pearson(sums: Sequence[Any], pairs: float) -> Any:
    """Correlation from the sums of a, b, ab, aa and bb; NaN where one of them does not vary."""
    a, b, ab, aa, bb = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        across = ab / pairs - a * b / pairs**2
        spread = (aa / pairs - (a / pairs) ** 2) * (bb / pairs - (b / pairs) ** 2)
        return np.where(spread > 1e-18, across / np.sqrt(np.maximum(spread, 1e-300)), np.nan)


def _ranked(distance: np.ndarray) -> np.ndarray:
    """Distances as ranks among all pairs, ties sharing theirs, centred, between -1 and 1."""
    from scipy.stats import rankdata

    n = len(distance)
    upper = np.triu_indices(n, 1)
    ranks = rankdata(distance[upper])
    found = np.zeros((n, n))
    found[upper] = 2 * ranks / (len(ranks) + 1) - 1
    return found + found.T


def _kept(X: Any, restored: Any, mean: Any) -> tuple[float, np.ndarray]:
    """1 minus squared error over squared distance from the mean."""
    whole = X.toarray() if hasattr(X, "tocsr") else np.asarray(X, dtype=np.float64)
    centre = whole.mean(axis=0) if mean is None else np.asarray(mean)
    lost, all_of_it = ((whole - restored) ** 2).sum(axis=1), ((whole - centre) ** 2).sum(axis=1)
    value, pulls = _ratio(float(lost.sum()), float(all_of_it.sum()), lost, all_of_it)
    return 1.0 - value, -pulls


def _agreed(labels: np.ndarray, order: np.ndarray) -> tuple[float, np.ndarray] | None:
    """Share of the pairs (row, near row), labels known, that have the same label."""
    there = (labels >= 0)[:, None] & (labels[order] >= 0)
    if not there.any() or len(np.unique(labels[labels >= 0])) < 2:
        return None
    same = (there & (labels[:, None] == labels[order])).astype(float)
    n, flat = len(labels), order.ravel()
    tops = same.sum(axis=1) + np.bincount(flat, same.ravel(), minlength=n)
    bottoms = there.sum(axis=1) + np.bincount(flat, there.ravel().astype(float), minlength=n)
    return _ratio(float(same.sum()), float(there.sum()), tops, bottoms)


def _followed(labels: np.ndarray, order: np.ndarray) -> tuple[float, np.ndarray] | None:
    """Correlation of a number with its mean over the near rows."""
    known = np.isfinite(labels)
    if known.sum() < _FEWEST or len(np.unique(labels[known])) < 2:
        return None
    filled = np.where(known, labels, labels[known].mean())
    a, b = filled, filled[order].mean(axis=1)
    sums = [a, b, a * b, a * a, b * b]
    scale = max(float(np.abs(a).max()), 1e-300)
    sums = [s / scale ** (1 if at < 2 else 2) for at, s in enumerate(sums)]
    whole = [s.sum() for s in sums]
    value = float(_pearson(whole, len(a)))
    if not math.isfinite(value):
        return None
    without = _pearson([t - s for t, s in zip(whole, sums, strict=True)], len(a) - 1)
    return value, _pulls(np.where(np.isfinite(without), without, value))


def _score(name: str, value: float, pulls: np.ndarray, bounds: tuple[float, float], how: str,
           n: int) -> Score:
    if not math.isfinite(value):
        return Score(name, math.nan, math.nan, math.nan, _LEVEL,
                     "undefined: all distances are the same", n)
    reach = _QUANTILE * float(np.sqrt((pulls**2).sum()))
    low, high = value - reach, value + reach
    if name == "distance_correlation" and abs(value) < 1:  # on Fisher's scale
        far = reach / (1 - value**2)
        low, high = (math.tanh(math.atanh(value) + side * far) for side in (-1, 1))
    elif name in _LOSSES and value < 1:  # what is lost, on the log scale: it is skewed near none
        far = min(reach / (1 - value), 50.0)
        low, high = (1 - (1 - value) * math.exp(side * far) for side in (1, -1))
    return Score(name, value, max(low, bounds[0]), min(high, bounds[1]), _LEVEL, how, n)


def best_first(scores: Mapping[str, Score], metric: str) -> float:
    """What to sort by: the metric's value, lowest where it is undefined."""
    score = scores.get(metric)
    return -math.inf if score is None or math.isnan(score.value) else score.value
