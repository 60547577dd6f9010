"""Where a learning curve leads: what more rows would buy, with an interval, or a refusal.

No one formula fits the learning curves of all data (Viering and Loog, "The shape of learning
curves", 2022). Five falling families are laid through the points, each a + b g(x; c) with x the
rows over those at hand: a power, an exponential, a stretched exponential, a hyperbola and a
logarithm. For each family and c, a and b follow in closed form from the points and the covariance
of their errors; each combination counts by its marginal likelihood. So does how far the points
may lie beside any curve: the smaller a size, the farther. What is forecast is drawn from all of
them together, so that the interval holds the doubt about the family too (in the spirit of Domhan,
Springenberg and Hutter, 2015).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.seeds import generator

Array = np.ndarray
FAR = 4.0
_DRAWS = 8000
_LEAST_POINTS, _LEAST_ROWS = 5, 100
_BESIDE = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
# How much each family counts before the points are seen: learning curves of real data are mostly
# nearer to powers and hyperbolas than to exponentials (Mohr and others, LCDB, 2022).
_BEFORE = {"power": 1.0, "hyperbola": 0.7, "logarithm": 0.3, "stretched exponential": 0.4,
           "exponential": 0.1}
_FAMILIES: dict[str, tuple[Callable[[Array, float], Any], Any]] = {
    "power": (lambda x, c: x**-c, np.geomspace(0.08, 2.0, 12)),
    "exponential": (lambda x, c: np.exp(-c * x), np.geomspace(0.5, 12.0, 8)),
    "stretched exponential": (lambda x, c: np.exp(-c * np.sqrt(x)), np.geomspace(0.7, 12.0, 8)),
    "hyperbola": (lambda x, c: 1 / (1 + c * x), np.geomspace(0.2, 50.0, 8)),
    "logarithm": (lambda x, c: -np.log(x), (1.0,)),
}


@dataclass(frozen=True)
class Forecast:
    """The score to be expected with `rows` to learn from, and what that gains on today's.

    `gain` is in the metric's own direction (negative for a loss that falls); (low, high) of both
    are at the level.
    """

    rows: int
    times: float
    value: float
    low: float
    high: float
    gain: float
    gain_low: float
    gain_high: float
    level: float


@dataclass(frozen=True)
class Law:
    """Forecasts, how much each family counts, and a band for the picture: (rows, low, mid, high).

    Where `refused` is not empty it says why nothing is forecast.
    """

    forecasts: tuple[Forecast, ...] = ()
    families: tuple[tuple[str, float], ...] = ()
    band: tuple[tuple[float, float, float, float], ...] = ()
    beside: float = 0.0
    refused: str = ""


def extrapolate(
    sizes: Sequence[int], values: Array, cov: Array, *, sign: int, bounds: tuple[float, float],
    lift: float, times: Sequence[float] = (1.5, 2.0, 4.0), level: float = 0.95, seed: int = 0,
) -> Law:
    """The law through points (sizes, values) whose errors have covariance `cov` (s, s).

    `sign` is +1 where higher values are better; `bounds` are those of the metric; `lift` is how
    far the last value is from the baseline. Nothing beyond four times the rows is forecast.
    """
    why = _too_little(sizes, values)
    if why:
        return Law(refused=why)
    n = sizes[-1]
    x, loss = np.asarray(sizes) / n, -sign * values
    least = -sign * (bounds[1] if sign > 0 else bounds[0])
    drawn = _posterior(x, loss, cov, least, seed)
    if drawn is None:
        return Law(refused="the score got worse with more rows, which no law here can follow")
    at = np.array([each for each in times if each <= FAR])
    scores = -sign * _at(drawn, at)
    now = -sign * _at(drawn, np.ones(1))
    noise = drawn.beside[:, None] * generator(seed, "beside").normal(size=scores.shape)
    gains = scores + noise - now
    ends = ((1 - level) / 2, (1 + level) / 2)
    low, high = np.quantile(gains, ends, axis=0)
    two = int(np.argmin(np.abs(at - 2)))
    if high[two] - low[two] > 0.5 * max(abs(lift), float(np.ptp(values))):
        return Law(refused=f"{at[two]:g} times the rows could change it by anything from "
                           f"{low[two]:+.3g} to {high[two]:+.3g}: too wide to be of use")
    span = np.quantile(scores + noise, ends, axis=0)
    found = tuple(
        Forecast(round(n * t), float(t), float(np.median(scores[:, k])),
                 float(span[0, k]), float(span[1, k]), float(np.median(gains[:, k])),
                 float(low[k]), float(high[k]), level)
        for k, t in enumerate(at))
    return Law(found, drawn.shares, _band(drawn, x, n, sign, max(at), ends),
               float(np.mean(drawn.beside)))


def _too_little(sizes: Sequence[int], values: Array) -> str:
    if len(sizes) < _LEAST_POINTS:
        return f"it takes {_LEAST_POINTS} sizes to see where a curve leads; there are {len(sizes)}"
    if sizes[-1] < _LEAST_ROWS:
        return f"with {sizes[-1]} rows to learn from, a curve is mostly noise"
    if not np.isfinite(values).all():
        return "the score is undefined at some sizes"
    return ""


@dataclass(frozen=True)
class _Drawn:
    """Draws of the law: asymptote, drop, family and its c, and the error beside the curve."""

    a: Array
    b: Array
    family: Array
    c: Array
    edge: Array
    beside: Array
    shares: tuple[tuple[str, float], ...]


def _posterior(x: Array, loss: Array, cov: Array, least: float, seed: int) -> _Drawn | None:
    """Draws of all laws by their marginal likelihood, those that rise or pass the bound left out.

    g is scaled to fall by one over the sizes seen, so that b means the same in every family.
    """
    extent = float(np.ptp(loss)) or 1e-9
    cells, logs, fits = [], [], []
    for beside in _BESIDE:
        whole = cov + np.diag((beside * extent) ** 2 / np.sqrt(x)) + np.eye(len(x)) * (
            1e-6 * float(np.trace(cov)) / len(x) + 1e-18)
        inverse, logdet = np.linalg.inv(whole), np.linalg.slogdet(whole)[1]
        for family, (name, (shape, values)) in enumerate(_FAMILIES.items()):
            for c in values:
                g, edge = _scaled(shape, float(c), x)
                X = np.column_stack([np.ones(len(x)), g])
                precision = X.T @ inverse @ X
                mean = np.linalg.solve(precision, X.T @ inverse @ loss)
                rest = loss - X @ mean
                log = -0.5 * (rest @ inverse @ rest + logdet + np.linalg.slogdet(precision)[1])
                cells.append((family, float(c), edge[0], edge[1], beside * extent))
                logs.append(log + math.log(_BEFORE[name] / len(values)))
                fits.append((mean, np.linalg.cholesky(np.linalg.inv(precision))))
    return _sampled(np.array(cells), np.array(logs), fits, least, seed)


def _sampled(
    cells: Array, logs: Array, fits: list[tuple[Array, Array]], least: float, seed: int
) -> _Drawn | None:
    rng = generator(seed, "law")
    weight = np.exp(logs - logs.max())
    pick = rng.choice(len(cells), size=_DRAWS, p=weight / weight.sum())
    means, roots = np.array([fit[0] for fit in fits]), np.array([fit[1] for fit in fits])
    ab = means[pick] + np.einsum("nij,nj->ni", roots[pick], rng.normal(size=(_DRAWS, 2)))
    drawn = cells[pick]
    made = _Drawn(ab[:, 0], ab[:, 1], drawn[:, 0].astype(int), drawn[:, 1], drawn[:, 2:4],
                  drawn[:, 4], ())
    kept = (made.b >= 0) & (_at(made, np.array([FAR]))[:, 0] >= least)
    if kept.sum() < 0.02 * _DRAWS:
        return None
    names = list(_FAMILIES)
    counts = np.bincount(made.family[kept], minlength=len(names)) / kept.sum()
    shares = tuple((names[k], float(counts[k])) for k in np.argsort(-counts) if counts[k] > 0.005)
    return _Drawn(made.a[kept], made.b[kept], made.family[kept], made.c[kept], made.edge[kept],
                  made.beside[kept], shares)


def _scaled(shape: Callable[[Array, float], Array], c: float, x: Array
            ) -> tuple[Array, tuple[float, float]]:
    """g over the sizes, falling from 1 to 0, and the two numbers that bring others to that scale.
    """
    g = shape(x, c)
    low, span = float(g[-1]), float(g[0] - g[-1]) or 1e-300
    return (g - low) / span, (low, span)


def _at(drawn: _Drawn, x: Array) -> Array:
    """The loss of every draw at x times the rows, (draws, len(x))."""
    found = np.empty((len(drawn.a), len(x)))
    for family, (shape, _) in enumerate(_FAMILIES.values()):
        rows = np.flatnonzero(drawn.family == family)
        for c in np.unique(drawn.c[rows]):
            some = rows[drawn.c[rows] == c]
            g = (shape(x, float(c))[None, :] - drawn.edge[some, :1]) / drawn.edge[some, 1:]
            found[some] = drawn.a[some, None] + drawn.b[some, None] * g
    return found


def _band(
    drawn: _Drawn, x: Array, n: int, sign: int, most: float, ends: tuple[float, float]
) -> tuple[tuple[float, float, float, float], ...]:
    at = np.geomspace(x[0], most, 40)
    scores = -sign * _at(drawn, at)
    low, mid, high = np.quantile(scores, (ends[0], 0.5, ends[1]), axis=0)
    return tuple((float(n * t), float(lo), float(m), float(hi))
                 for t, lo, m, hi in zip(at, low, mid, high, strict=True))
