"""How strong a rule is, how surely that is known, and whether chance alone would have made it.

A rule says: a basket that holds X also holds Y. Four counts tell everything of it: `n` baskets,
`nx` with X, `ny` with Y, `nxy` with both. All functions take arrays of them.

Large baskets hold more of everything. That alone lifts every pair of items above 1, without any
tie between them, so a test against plain independence calls almost everything significant. Here
a rule is tested among baskets of like size (`stratified`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import ParameterError
from wholefit.evaluation import intervals

Array = np.ndarray
# Below this a p-value is written as this: a tail so far out is known in size only.
_LEAST = 1e-300
# Below this chance of one trial a binomial is a Poisson.
_RARE = 1e-9


@dataclass(frozen=True, eq=False)
class Measures:
    """Measures of rules, each an array (rules,).

    `support` nxy / n; `confidence` nxy / nx; `lift` confidence / (ny / n); `leverage` support
    less what independence would give (Piatetsky-Shapiro 1991); `conviction` how much rarer X
    without Y is than under independence, infinite where it never happens (Brin et al. 1997);
    `jaccard` nxy / (nx + ny - nxy); `cosine`; `kulczynski` the mean of both confidences; `zhang`
    from -1 (never together) to 1 (Zhang 2000); `certainty` the confidence above what Y has by
    itself, as a share of what is left.
    """

    support: Array
    confidence: Array
    lift: Array
    leverage: Array
    conviction: Array
    jaccard: Array
    cosine: Array
    kulczynski: Array
    zhang: Array
    certainty: Array

    def columns(self) -> dict[str, Array]:
        """Name to array."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def measures(n: Any, nx: Any, ny: Any, nxy: Any) -> Measures:
    """The measures of rules with these counts; NaN where a count that divides is 0."""
    n, nx, ny, nxy = (np.asarray(count, dtype=np.float64) for count in (n, nx, ny, nxy))
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y, both = nx / n, ny / n, nxy / n
        confidence = nxy / nx
        leverage = both - x * y
        return Measures(
            support=both, confidence=confidence, lift=confidence / y, leverage=leverage,
            conviction=np.where(nxy == nx, np.inf, (1 - y) / (1 - confidence)),
            jaccard=nxy / (nx + ny - nxy), cosine=nxy / np.sqrt(nx * ny),
            kulczynski=(confidence + nxy / ny) / 2,
            zhang=_ratio(leverage, np.maximum(both * (1 - x), x * (y - both))),
            certainty=_ratio(confidence - y, np.where(confidence >= y, 1 - y, y)))


def _ratio(above: Array, below: Array) -> Array:
    """0 where both are 0: X or Y in every basket says nothing."""
    return np.where((above == 0) & (below == 0), 0.0, above / below)


# ---- intervals --------------------------------------------------------------------------


def wilson(count: Any, of: Any, level: float = 0.95) -> tuple[Array, Array]:
    """Wilson (1927) intervals of shares count / of; (NaN, NaN) where `of` is 0."""
    count, of = np.asarray(count, dtype=np.float64), np.asarray(of, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = count / np.where(of > 0, of, np.nan)
    return intervals.wilsons(share, of, normal(level))


def lift_interval(n: Any, nx: Any, ny: Any, nxy: Any, level: float = 0.95) -> tuple[Array, Array]:
    """Intervals of the lift, by the delta method on its logarithm.

    The variance is that of the influence of one basket on log p(xy) - log p(x) - log p(y). Where
    no basket holds both, the interval begins at 0 and ends where 3 baskets would (rule of three).
    """
    n, nx, ny, nxy = (np.asarray(count, dtype=np.float64) for count in (n, nx, ny, nxy))
    with np.errstate(divide="ignore", invalid="ignore"):
        lift = n * nxy / (nx * ny)
        variance = 1 / nxy - 1 / nx - 1 / ny + (2 * lift - 1) / n
        reach = np.exp(normal(level) * np.sqrt(np.maximum(variance, 0)))
        none = n * -math.log((1 - level) / 2) / (nx * ny)
    return np.where(nxy > 0, lift / reach, 0.0), np.where(nxy > 0, lift * reach, none)


def bootstrap_lift(x: Array, y: Array, draws: int = 1000, level: float = 0.95,
                   seed: int = 0) -> tuple[float, float]:
    """Percentile bootstrap by basket of one rule's lift: `x`, `y` (n,) say which baskets hold it.

    Only four kinds of basket exist, so that baskets drawn with replacement are a multinomial.
    """
    x, y = np.asarray(x, dtype=bool), np.asarray(y, dtype=bool)
    n = len(x)
    kinds = np.array([(x & y).sum(), (x & ~y).sum(), (~x & y).sum(), (~x & ~y).sum()])
    drawn = np.random.default_rng(seed).multinomial(n, kinds / n, size=draws).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        lifts = n * drawn[:, 0] / ((drawn[:, 0] + drawn[:, 1]) * (drawn[:, 0] + drawn[:, 2]))
    low, high = np.nanquantile(lifts, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def normal(level: float) -> float:
    """Two-sided quantile of the normal distribution."""
    from scipy.special import ndtri

    if not 0 < level < 1:
        raise ParameterError(f"level must be above 0 and below 1; got {level}.")
    return float(ndtri((1 + level) / 2))


# ---- tests against plain independence ---------------------------------------------------


def fisher(n: Any, nx: Any, ny: Any, nxy: Any) -> Array:
    """p-values of Fisher's exact test, one-sided: at least `nxy` baskets hold both.

    The null knows how often X and Y are bought and nothing else; where baskets differ in size it
    is not a null of independent items, see `stratified`.
    """
    from scipy.stats import hypergeom

    n, nx, ny, nxy = (np.asarray(count, dtype=np.int64) for count in (n, nx, ny, nxy))
    return np.asarray(hypergeom.sf(nxy - 1, n, nx, ny))


def chi_squared(n: Any, nx: Any, ny: Any, nxy: Any) -> tuple[Array, Array]:
    """Pearson's chi-squared of the 2 x 2 table (one degree of freedom), and its p-values."""
    from scipy.special import chdtrc

    n, nx, ny, nxy = (np.asarray(count, dtype=np.float64) for count in (n, nx, ny, nxy))
    with np.errstate(divide="ignore", invalid="ignore"):
        value = n * (n * nxy - nx * ny) ** 2 / (nx * ny * (n - nx) * (n - ny))
    value = np.where(np.isfinite(value), value, 0.0)
    return value, np.asarray(chdtrc(1, value))


# ---- the test among baskets of like size ------------------------------------------------


@dataclass(frozen=True, eq=False)
class Strata:
    """Baskets grouped by size: how many, their mean size, and how evenly items fill them.

    All (strata,): `baskets`; `size`, their mean number of items; `squares`, the sum over items
    of the squared share of the stratum's baskets that hold it.
    """

    baskets: Array
    size: Array
    squares: Array


@dataclass(frozen=True, eq=False)
class Context:
    """Items that the baskets hold already: how many, and how common they are by themselves.

    `shares` and `squares` (rules, strata) sum over these items the share of the stratum's baskets
    that hold each, and its square.
    """

    items: int = 0
    shares: Array | float = 0.0
    squares: Array | float = 0.0


def stratified(strata: Strata, nz: Array, nx: Array, ny: Array, nxy: Array, several: int = 1,
               context: Context | None = None, takes_place: bool = True
               ) -> tuple[Array, Array, Array]:
    """Whether X and Y share baskets more than baskets of their size would by chance.

    Among baskets that hold the items of `context` already: `nz`, `nx`, `ny` (rules, strata) are
    how many there are in each stratum, how many also hold X (one item), and Y (`several` items);
    `nxy` (rules,) how many hold all. Gives (expected, variance, p), each (rules,).

    `takes_place=False` is for an X that is no item (a season, a country).

    Within a stratum X falls into baskets at random, both margins kept, as in the test of Mantel
    and Haenszel (1959). One thing more is known: an item takes up a place in its basket, so that
    Y has one place less. Chances of two items in a sample of fixed size follow Hajek (1964):
    together p(x) p(y) (1 - (1 - p(x)) (1 - p(y)) / d), d the sum of p (1 - p) over all items,
    here less the mean of the two items' own terms, which makes it exact for equal items.
    """
    nz, nx, ny = (np.asarray(counts, dtype=np.float64) for counts in (nz, nx, ny))
    with np.errstate(divide="ignore", invalid="ignore"):
        px, py = nx / nz, ny / nz
        left = _places_left(strata, context or Context(), px, py, several) if takes_place else 1.0
        chance = np.where(nz > 0, py * left, 0.0)
        spread = np.where(nz > 1, chance * (1 - chance) * (nz - nx) / (nz - 1), 0.0)
    expected, variance = (nx * chance).sum(axis=1), (nx * spread).sum(axis=1)
    return expected, variance, tail(nxy, expected, variance, np.minimum(nx, ny).sum(axis=1))


def _places_left(strata: Strata, context: Context, px: Array, py: Array, several: int) -> Array:
    """What is left of the chance of Y once X has taken its place, (rules, strata)."""
    free = np.maximum(strata.size - context.items, 0.0)
    scale = free / np.maximum(strata.size - context.shares, 1e-9)
    even = free - scale**2 * np.maximum(strata.squares - context.squares, 0.0)
    each = py ** (1 / several)
    even = even - (px * (1 - px) + each * (1 - each)) / 2
    left = np.ones_like(py)
    for taken in range(several):
        room = 1 - (1 - px) * (1 - each) / np.maximum(even - taken, 1e-9)
        left = left * np.where(free > 1 + taken, np.clip(room, 0.0, 1.0), 0.0)
    return left


def tail(observed: Any, expected: Any, variance: Any, most: Any) -> Array:
    """Chance of at least `observed` for a count from 0 to `most` of this mean and variance.

    The binomial of the same mean and variance (the number of trials may be a fraction) stands
    for a sum over strata; it is fitted once to the count and once to what the count leaves of
    `most`, and the larger chance is taken. For one stratum both are near the hypergeometric.
    """
    observed, expected, variance, most = (np.asarray(v, dtype=np.float64) for v in (
        observed, expected, variance, most))
    upper = _at_least(observed, expected, variance)
    lower = _below(most - observed + 1, most - expected, variance)
    p = np.where(observed <= expected, np.maximum(upper, 0.5), np.maximum(upper, lower))
    return np.clip(np.where(observed <= 0, 1.0, p), _LEAST, 1.0)


def _at_least(count: Array, expected: Array, variance: Array) -> Array:
    """Chance of at least `count` for the binomial of this mean and variance."""
    from scipy.special import betainc, gammainc

    share, below = _binomial(count, expected, variance)
    p = np.where(below > 0, betainc(np.maximum(count, 1e-12), np.maximum(below, 1e-12), share), 0.0)
    rare = gammainc(np.maximum(count, 1e-12), np.maximum(expected, 1e-300))
    p = np.where(share < _RARE, rare, p)
    return np.where(count <= 0, 1.0, np.where(variance <= 0, (count <= expected + 1e-9) * 1.0, p))


def _below(count: Array, expected: Array, variance: Array) -> Array:
    """Chance of fewer than `count` for the binomial of this mean and variance."""
    from scipy.special import betaincc, gammaincc

    share, below = _binomial(count, expected, variance)
    p = np.where(below > 0, betaincc(np.maximum(count, 1e-12), np.maximum(below, 1e-12), share),
                 1.0)
    rare = gammaincc(np.maximum(count, 1e-12), np.maximum(expected, 1e-300))
    p = np.where(share < _RARE, rare, p)
    return np.where(count <= 0, 0.0, np.where(variance <= 0, (count > expected + 1e-9) * 1.0, p))


def _binomial(count: Array, expected: Array, variance: Array) -> tuple[Array, Array]:
    """The chance of one trial, and one more than the trials that `count` leaves."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.nan_to_num(np.clip(1 - variance / expected, 0.0, 1.0))
        return share, expected / np.maximum(share, 1e-300) - count + 1


# ---- many tests at once -----------------------------------------------------------------


def holm(p: Array, tests: int | None = None) -> Array:
    """Adjusted p-values that bound the chance of ANY false one (Holm 1979).

    `tests` is how many hypotheses were considered, at least as many as there are p-values; those
    without a p-value here count as not rejected.
    """
    return _stepped(p, tests, down=True)


def benjamini_hochberg(p: Array, tests: int | None = None) -> Array:
    """Adjusted p-values that bound the expected SHARE of false ones among those taken (1995)."""
    return _stepped(p, tests, down=False)


def _stepped(p: Array, tests: int | None, down: bool) -> Array:
    p = np.asarray(p, dtype=np.float64)
    many = len(p) if tests is None else tests
    if many < len(p):
        raise ParameterError(f"tests must be >= the {len(p)} p-values; got {many}.")
    order = np.argsort(p, kind="stable")
    rank = np.arange(len(p))
    if down:
        adjusted = np.maximum.accumulate(p[order] * (many - rank))
    else:
        adjusted = np.minimum.accumulate((p[order] * many / (rank + 1))[::-1])[::-1]
    out = np.empty(len(p))
    out[order] = np.minimum(adjusted, 1.0)
    return out
