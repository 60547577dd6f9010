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
# Neighbours that mutual reachability counts; blocks of rows that are left out in turn.
_LEAST, _BLOCKS = 5, 25


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


@dataclass(frozen=True, eq=False)
class Figure:
    """A mean over rows, and the same without each of some blocks of rows in turn (blocks,)."""

    value: float
    without: Array
    rows: int

    def score(self, name: str, level: float = 0.95) -> Score:
        """The value with Student's interval from the jackknife over blocks.

        A row left out is missed by all rows whose distances to it counted; only the clusters
        themselves are held fixed.
        """
        g = len(self.without)
        if math.isnan(self.value) or g < 2 or np.isnan(self.without).any():
            return Score(name, math.nan, math.nan, math.nan, level,
                         "undefined: the rows are not in two clusters", self.rows)
        reach = student(level, g - 1) * self.error
        return Score(name, self.value, max(-1.0, self.value - reach),
                     min(1.0, self.value + reach), level,
                     f"jackknife over {g} blocks of {self.rows:,} rows, the clusters held fixed",
                     self.rows)

    @property
    def error(self) -> float:
        """The standard error."""
        g = len(self.without)
        return math.sqrt((g - 1) / g * float(((self.without - self.without.mean()) ** 2).sum()))

    def minus(self, other: Figure) -> Figure:
        """The difference of two figures of the same rows."""
        return Figure(self.value - other.value, self.without - other.without, self.rows)


def silhouette(distances: Distances, labels: Array) -> Figure:
    """Mean silhouette over rows, noise counting 0."""
    return _figure(distances.straight, labels, even=False)


def separation(distances: Distances, labels: Array) -> Figure:
    """The better of the two silhouettes, no cluster counting for more than an even share."""
    found = [_figure(square, labels, even=True)
             for square in (distances.straight, distances.paths)]
    return max(found, key=lambda figure: -math.inf if math.isnan(figure.value) else figure.value)


def _figure(square: Array, labels: Array, even: bool) -> Figure:
    n = len(labels)
    names, code = np.unique(labels, return_inverse=True)
    code = code - 1 if len(names) and names[0] < 0 else code
    k = int((names >= 0).sum())
    if k < 2:
        return Figure(math.nan, np.zeros(0), n)
    member = np.zeros((n, k))
    member[np.flatnonzero(code >= 0), code[code >= 0]] = 1.0
    sums = square @ member
    blocks = np.random.default_rng(0).permutation(n) % min(_BLOCKS, n)
    without = np.array([_without(square, member, sums, code, blocks != block, even)
                        for block in range(min(_BLOCKS, n))])
    return Figure(_mean(sums, member.sum(axis=0), code, even), without, n)


def _without(
    square: Array, member: Array, sums: Array, code: Array, rest: Array, even: bool
) -> float:
    """The mean over the rows `rest`, as if the others had never been there."""
    gone = ~rest
    less = square[:, gone] @ member[gone]
    return _mean((sums - less)[rest], member[rest].sum(axis=0), code[rest], even)


def _mean(sums: Array, size: Array, code: Array, even: bool) -> float:
    """Mean width from sums of distances (n, k) to clusters; clusters without rows are none."""
    if (size > 0).sum() < 2:
        return math.nan
    inside = np.flatnonzero(code >= 0)
    own_code = code[inside]
    at = np.arange(len(inside))
    own = size[own_code]
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(size > 0, sums[inside] / size, np.inf)
    a = sums[inside, own_code] / np.maximum(own - 1, 1)
    means[at, own_code] = np.inf
    b = means.min(axis=1)
    top = np.maximum(a, b)
    good = (own > 1) & (top > 0)
    width = np.where(good, (b - a) / np.where(good, top, 1.0), 0.0)
    if even:
        width = width * np.minimum(1.0, len(code) / (size > 0).sum() / own)
    return float(width.sum() / len(code))


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


def mean_of(name: str, values: Array, level: float = 0.95) -> Score:
    """The mean of rows' own values, with Student's interval: rows as if independent."""
    n = len(values)
    if n < 2 or np.isnan(values).any():
        return Score(name, math.nan, math.nan, math.nan, level,
                     "undefined: the rows are not in two clusters", n)
    value = float(values.mean())
    reach = student(level, n - 1) * float(values.std(ddof=1)) / math.sqrt(n)
    return Score(name, value, max(-1.0, value - reach), min(1.0, value + reach), level,
                 f"Student's interval over {n:,} rows, the clusters held fixed", n)
