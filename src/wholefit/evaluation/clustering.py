"""How well rows fall into clusters, from distances alone: labels (n,), -1 for noise.

    silhouette   how much nearer a row lies to its own cluster than to the next one
                 (Rousseeuw 1987), -1 to 1; the mean over rows
    separation   what families of different kind are compared by

A silhouette of straight lines favours round clusters, and k-means with them; density families leave
out the rows that are hard to place, and a score that leaves them out too flatters those. So
separation takes the better of two silhouettes, one of straight lines and one of paths (how
sparse the sparsest place is that must be passed from row to row: the least largest mutual
reachability, as in the density-based validation of Moulavi et al. 2014); noise counts 0, neither
well placed nor ill; and no cluster counts for more than an even share of the rows, so that
cutting a few far rows off the rest does not earn the widths of that rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from wholefit.evaluation.intervals import student
from wholefit.evaluation.score import Score

Array = np.ndarray
# Neighbours that mutual reachability counts.
_LEAST = 5


@dataclass(frozen=True, eq=False)
class Distances:
    """Distances between rows (n, n): in straight lines, and along paths."""

    straight: Array
    paths: Array

    @classmethod
    def of(cls, Z: Array) -> Distances:
        """Of rows (n, q); memory grows with the square of n."""
        from scipy.spatial.distance import pdist, squareform

        straight = squareform(pdist(Z)) if len(Z) > 1 else np.zeros((len(Z), len(Z)))
        return cls(straight, paths(straight))


def paths(square: Array) -> Array:
    """The least largest mutual reachability over all ways between rows (n, n)."""
    from scipy.cluster import hierarchy
    from scipy.spatial.distance import squareform

    n = len(square)
    if n < 3:
        return square
    k = min(_LEAST, n - 1)
    core = np.partition(square, k, axis=1)[:, k]
    reach = np.maximum(np.maximum(square, core), core[:, None])
    np.fill_diagonal(reach, 0.0)
    tree = hierarchy.linkage(squareform(reach, checks=False), "single")
    return np.asarray(squareform(hierarchy.cophenet(tree)))


def widths(square: Array, labels: Array) -> Array:
    """Silhouette of each row (n,) from distances (n, n); 0 for noise and for a row alone.

    NaN throughout where there are not two clusters.
    """
    found = np.zeros(len(labels))
    inside = np.flatnonzero(labels >= 0)
    names, code = np.unique(labels[inside], return_inverse=True)
    if len(names) < 2:
        return np.full(len(labels), np.nan)
    at = np.arange(len(inside))
    member = np.zeros((len(inside), len(names)))
    member[at, code] = 1.0
    size = member.sum(axis=0)
    sums = square[np.ix_(inside, inside)] @ member
    own = size[code]
    a = sums[at, code] / np.maximum(own - 1, 1)
    sums[at, code] = np.inf
    b = (sums / size).min(axis=1)
    top = np.maximum(a, b)
    good = (own > 1) & (top > 0)
    found[inside] = np.where(good, (b - a) / np.where(good, top, 1.0), 0.0)
    return found


def shares(labels: Array) -> Array:
    """What each row counts in separation (n,): 1, less where its cluster is above an even share."""
    inside = labels >= 0
    size = np.bincount(labels[inside], minlength=1)
    even = len(labels) / max(1, int((size > 0).sum()))
    weights = np.zeros(len(labels))
    weights[inside] = np.minimum(1.0, even / size[labels[inside]])
    return weights


def parts(distances: Distances, labels: Array) -> Array:
    """What each row adds to separation (n,); their mean is the separation."""
    counted = [shares(labels) * widths(square, labels)
               for square in (distances.straight, distances.paths)]
    return max(counted, key=lambda found: -math.inf if np.isnan(found).any() else found.mean())


def silhouette(distances: Distances, labels: Array, level: float = 0.95) -> Score:
    """Mean silhouette over rows, noise counting 0, with its interval."""
    return mean_of("silhouette", widths(distances.straight, labels), level)


def separation(distances: Distances, labels: Array, level: float = 0.95) -> Score:
    """Separation over rows, with its interval."""
    return mean_of("separation", parts(distances, labels), level)


def mean_of(name: str, values: Array, level: float = 0.95) -> Score:
    """The mean of the rows' values, with Student's interval; the clusters are held fixed."""
    n = len(values)
    if n < 2 or np.isnan(values).any():
        return Score(name, math.nan, math.nan, math.nan, level,
                     "undefined: the rows are not in two clusters", n)
    value = float(values.mean())
    reach = student(level, n - 1) * float(values.std(ddof=1)) / math.sqrt(n)
    return Score(name, value, max(-1.0, value - reach), min(1.0, value + reach), level,
                 f"Student's interval over {n:,} rows, the clusters held fixed", n)


def stability(agreements: Array, level: float = 0.95) -> Score:
    """Mean adjusted Rand index of pairs of clusterings, each learnt from its half of the rows.

    `agreements` (pairs,). The halves of different pairs share rows, so the variance of the mean
    is corrected as for repeated splits (Nadeau and Bengio 2003), with a half each side.
    """
    n = len(agreements)
    if n < 2:
        return Score("stability", math.nan, math.nan, math.nan, level,
                     "undefined: fewer than two pairs of halves were clustered", n)
    value = float(np.mean(agreements))
    variance = float(np.var(agreements, ddof=1)) * (1 / n + 1.0)
    reach = student(level, n - 1) * math.sqrt(variance)
    return Score("stability", value, max(-1.0, value - reach), min(1.0, value + reach), level,
                 f"adjusted Rand index of {n} pairs of halves, corrected for rows they share", n)
