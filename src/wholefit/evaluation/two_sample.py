"""Two-sample tests: do two sets of rows come from one distribution, and how far apart are they?

A test gives a p-value, which shrinks with the number of rows, and distances, which do not: a
verdict needs both. Numbers are compared by Kolmogorov-Smirnov, categories by chi-squared (or
Fisher's exact test where counts are small), whole tables by the energy distance. Beside each
stand the distances that others use: population stability index, Jensen-Shannon divergence,
L-infinity, total variation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import DataError, ParameterError
from wholefit.base.seeds import generator
from wholefit.data._association import ks_distance

Array = np.ndarray
CORRECTIONS = ("holm", "bh", "bonferroni", "none")
# An exact p-value walks over a grid of this many cells at most.
_EXACT_CELLS = 40_000
# Cochran (1954): a table whose expected counts fall below this is not chi-squared.
_LEAST_EXPECTED = 5.0


@dataclass(frozen=True)
class Tested:
    """What a test found: its statistic, its p-value, and how it was done, in words."""

    statistic: float
    p: float
    how: str


# ---- numbers ----------------------------------------------------------------------------


def ks(a: Any, b: Any) -> Tested:
    """Kolmogorov-Smirnov: the largest gap between two distribution functions, in 0..1.

    `a` (n,) and `b` (m,) are finite numbers. The p-value is exact where n * m is at most
    40,000 (Hodges, 1958), else that of one sample of the harmonic size (Simard and L'Ecuyer,
    2011). Ties make it conservative.
    """
    first, second = _sorted(a, "a"), _sorted(b, "b")
    gap = ks_distance(first, second)
    n, m = len(first), len(second)
    if n * m <= _EXACT_CELLS:
        return Tested(gap, _ks_exact(gap, n, m), f"exact Kolmogorov-Smirnov, {n:,} and {m:,} rows")
    return Tested(gap, ks_p(gap, n, m), f"Kolmogorov-Smirnov, {n:,} and {m:,} rows")


def ks_p(gap: float, n: int, m: int) -> float:
    """The p-value of a gap, for many rows."""
    from scipy.stats import kstwo

    return float(np.clip(kstwo.sf(gap, max(round(n * m / (n + m)), 1)), 0.0, 1.0))


def _ks_exact(gap: float, n: int, m: int) -> float:
    """Share of lattice paths from (0, 0) to (n, m) that leave the band of the gap (Hodges, 1958).

    Each path is an order in which the rows of two samples of one distribution may fall. The
    walk is in shares of all paths, a diagonal at a time, so that no number overflows.
    """
    n, m = min(n, m), max(n, m)
    common = math.gcd(n, m)
    edge = round(gap * n * m / common)  # in whole steps, so that equal gaps are equal
    i = np.arange(n + 1)
    share = np.zeros(n + 1)
    share[0] = float(edge > 0)
    for taken in range(1, n + m + 1):
        # The last of `taken` rows was of the first sample with probability i / taken.
        j = taken - i
        open_ = (j >= 0) & (j <= m) & (np.abs(i * (m // common) - j * (n // common)) < edge)
        before = np.concatenate([[0.0], share[:-1]])
        share = np.where(open_, (before * i + share * j) / taken, 0.0)
    return float(np.clip(1.0 - share[n], 0.0, 1.0))


def energy(a: Any, b: Any, *, draws: int = 199, seed: int = 0) -> Tested:
    """Energy distance of two tables of numbers (n, d), (m, d), and its permutation p-value.

    The statistic is the share of the mean distance across that is not within (Szekely and
    Rizzo, 2013): 0 for one distribution, 1 for two points. `draws` permutations of the rows
    give the p-value, at least 1 / (draws + 1).
    """
    first, second = np.atleast_2d(np.asarray(a, float)), np.atleast_2d(np.asarray(b, float))
    if first.shape[1] != second.shape[1] or not len(first) or not len(second):
        raise DataError("energy needs two tables with rows and equally many columns; got shapes "
                        f"{first.shape} and {second.shape}.")
    n, m = len(first), len(second)
    distances = _distances(np.concatenate([first, second]))
    signs = np.concatenate([np.full(n, 1 / n), np.full(m, -1 / m)])
    found = -float(signs @ distances @ signs)
    random = generator(seed, "energy")
    shuffled = np.stack([random.permutation(signs) for _ in range(draws)])
    null = -np.einsum("di,di->d", shuffled @ distances, shuffled)
    p = (1 + int((null >= found - 1e-12 * abs(found)).sum())) / (draws + 1)
    across = 2 * float(distances[:n, n:].mean())
    return Tested(max(found, 0.0) / across if across > 0 else 0.0, p,
                  f"energy distance, {draws} permutations of {n:,} and {m:,} rows")


def _distances(rows: Array) -> Array:
    square = (rows * rows).sum(axis=1)
    found = square[:, None] + square[None, :] - 2 * rows @ rows.T
    np.fill_diagonal(found, 0.0)
    return np.sqrt(np.maximum(found, 0.0))


def _sorted(values: Any, which: str) -> Array:
    found = np.sort(np.asarray(values, dtype=np.float64))
    if found.ndim != 1 or not len(found):
        raise DataError(f"a two-sample test needs rows in {which}; got shape {found.shape}.")
    if not math.isfinite(found[0]) or not math.isfinite(found[-1]):
        raise DataError(f"a two-sample test needs finite numbers in {which}; leave out the others.")
    return found


# ---- categories -------------------------------------------------------------------------


def chi2(a: Any, b: Any) -> Tested:
    """Whether counts (k,) and (k,) of the same categories are of one distribution.

    Categories whose expected count is below five are put together; with two left and still
    such a count, Fisher's exact test takes over. The statistic is Pearson's, uncorrected.
    """
    first, second = _pooled(*_counts(a, b))
    if len(first) < 2:
        return Tested(0.0, 1.0, "one category: nothing to compare")
    expected = _expected(first, second)
    if len(first) == 2 and min(e.min() for e in expected) < _LEAST_EXPECTED:
        return Tested(math.nan, fisher(first, second), "Fisher's exact test")
    statistic = float(sum(((seen - e) ** 2 / e).sum() for seen, e in
                          zip((first, second), expected, strict=True)))
    from scipy.special import chdtrc

    degrees = len(first) - 1
    return Tested(statistic, float(chdtrc(degrees, statistic)),
                  f"chi-squared, {degrees + 1} categories, {int(first.sum()):,} and "
                  f"{int(second.sum()):,} rows")


def fisher(a: Any, b: Any) -> float:
    """Two-sided p-value of Fisher's exact test of a 2 x 2 table with rows `a` and `b`."""
    first, second = _counts(a, b)
    total, left, seen = first.sum() + second.sum(), first.sum(), first[0] + second[0]
    k = np.arange(max(0, left + seen - total), min(left, seen) + 1)
    logs = _log_hypergeometric(k, total, seen, left)
    own = logs[int(first[0] - k[0])]
    return float(min(1.0, np.exp(logs[logs <= own + 1e-7]).sum()))


def _log_hypergeometric(k: Array, total: float, marked: float, drawn: float) -> Array:
    from scipy.special import gammaln

    def choose(n: Any, r: Any) -> Any:
        return gammaln(n + 1) - gammaln(r + 1) - gammaln(n - r + 1)

    return choose(marked, k) + choose(total - marked, drawn - k) - choose(total, drawn)


def _pooled(first: Array, second: Array) -> tuple[Array, Array]:
    """The counts with categories put together, rarest first, until each is expected five times."""
    both = first + second
    first, second, both = first[both > 0], second[both > 0], both[both > 0]
    if len(both) < 3:
        return first, second
    share = min(first.sum(), second.sum()) / both.sum()
    order = np.argsort(both, kind="stable")
    rare = int((both[order] * share < _LEAST_EXPECTED).sum())
    if not rare:
        return first, second
    while rare < len(order) - 1 and both[order[:rare]].sum() * share < _LEAST_EXPECTED:
        rare += 1
    together, alone = order[:rare], order[rare:]
    return (np.append(first[alone], first[together].sum()),
            np.append(second[alone], second[together].sum()))


def _expected(first: Array, second: Array) -> tuple[Array, Array]:
    share = (first + second) / (first.sum() + second.sum())
    return share * first.sum(), share * second.sum()


def _counts(a: Any, b: Any) -> tuple[Array, Array]:
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1 or not len(first):
        raise DataError("categories are compared by two columns of counts of equal length; got "
                        f"shapes {first.shape} and {second.shape}.")
    if (first < 0).any() or (second < 0).any() or not (first.sum() and second.sum()):
        raise DataError("counts of categories must be >= 0 and not all 0.")
    return first, second


# ---- distances --------------------------------------------------------------------------


def psi(a: Any, b: Any) -> float:
    """Population stability index of counts `a` (reference) and `b`: the symmetric divergence.

    Empty categories count as half a row. By custom 0.1 is small and 0.25 large; between equal
    distributions it is about (k - 1) (1/n + 1/m) by chance.
    """
    first, second = _counts(a, b)
    p, q = ((np.where(c > 0, c, 0.5)) / c.sum() for c in (first, second))
    return float(((q - p) * np.log(q / p)).sum())


def jensen_shannon(a: Any, b: Any) -> float:
    """Jensen-Shannon divergence of counts, in bits: 0 for equal shares, 1 for none in common."""
    first, second = (counts / counts.sum() for counts in _counts(a, b))
    middle = (first + second) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = [np.where(c > 0, c * np.log2(c / middle), 0.0).sum() for c in (first, second)]
    return float(max(0.0, sum(terms) / 2))


def l_infinity(a: Any, b: Any) -> float:
    """The largest difference between the shares of one category."""
    first, second = (counts / counts.sum() for counts in _counts(a, b))
    return float(np.abs(first - second).max())


def total_variation(a: Any, b: Any) -> float:
    """Share of rows that would have to change category: half the sum of the differences."""
    first, second = (counts / counts.sum() for counts in _counts(a, b))
    return float(np.abs(first - second).sum() / 2)


# ---- many tests at once -----------------------------------------------------------------


def adjusted(p: Sequence[float], correction: str = "holm") -> Array:
    """p-values (k,) corrected for being k of them; NaN stays NaN and is not counted.

    "holm" (1979) and "bonferroni" bound the chance of one false alarm among all; "bh"
    (Benjamini and Hochberg, 1995) the share of false ones among the alarms; "none" neither.
    """
    if correction not in CORRECTIONS:
        raise ParameterError("correction must be one of "
                             f"{', '.join(map(repr, CORRECTIONS))}; got {correction!r}.")
    given = np.asarray(p, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(given))
    found, k = given.copy(), len(known)
    if not k or correction == "none":
        return found
    order = known[np.argsort(given[known], kind="stable")]
    ranks = np.arange(1, k + 1)
    if correction == "bh":
        steps = np.minimum.accumulate((given[order] * k / ranks)[::-1])[::-1]
    elif correction == "holm":
        steps = np.maximum.accumulate(given[order] * (k - ranks + 1))
    else:
        steps = given[order] * k
    found[order] = np.minimum(steps, 1.0)
    return found
