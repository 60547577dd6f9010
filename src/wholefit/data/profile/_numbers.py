"""The figures of numbers: one sort, from which quantiles, mode, extremes and bins are read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from wholefit.data.profile._parts import Histogram

Array = np.ndarray
QUANTILES = {"q01": 0.01, "q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95,
             "q99": 0.99}
_FEWEST, _MOST = 10, 40
# Whole numbers of no wider range get a bin each.
_SINGLE = 40
# Tails beyond this share are cut off a picture if they would make it so many times wider.
_TAIL, _WIDER = 0.005, 3.0
_GRID, _FINE = 64, 400
_EXTREMES = 3
# A value that more than this share of the rows have hides what the rest, if enough, look like.
_MOSTLY, _ENOUGH = 0.6, 50


@np.errstate(all="ignore")
def figures(values: Array) -> dict[str, Any]:
    """`numbers`, `counts`, `lowest`, `highest` and `histogram` of float64 values (n,), no NaN."""
    finite = values[np.isfinite(values)]
    counts = {"zeros": int((finite == 0).sum()), "negative": int((values < 0).sum()),
              "infinite": len(values) - len(finite)}
    if not len(finite):
        return {"counts": counts}
    ordered = np.sort(finite)
    numbers = {**moments(ordered), **cuts(ordered)}
    most = mode(ordered)
    numbers["mode"], counts["mode"] = most
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return {"numbers": numbers, "counts": counts, "histogram": histogram(ordered, most),
            "lowest": tuple(ordered[starts[:_EXTREMES]].tolist()),
            "highest": tuple(ordered[starts[-_EXTREMES:]][::-1].tolist())}


def moments(values: Array) -> dict[str, float]:
    """Mean, standard deviation, range, and skew and excess kurtosis corrected for bias."""
    n = len(values)
    with np.errstate(all="ignore"):
        mean = float(values.mean())
        std = float(values.std(ddof=1)) if n > 1 else 0.0
        found = {"mean": mean, "std": std, "min": float(values.min()), "max": float(values.max())}
        spread = std * ((n - 1) / n) ** 0.5
        if not (spread > 1e-9 * abs(mean) and np.isfinite(spread)):
            return {**found, "skew": np.nan, "kurtosis": np.nan}
        z = (values - mean) / spread
        square = z * z
        third, fourth = float((square * z).mean()), float((square * square).mean())
    skew = (n * (n - 1)) ** 0.5 / (n - 2) * third if n > 2 else np.nan
    kurtosis = ((n + 1) * fourth - 3 * (n - 1)) * (n - 1) / ((n - 2) * (n - 3)) if n > 3 else np.nan
    return {**found, "skew": skew, "kurtosis": kurtosis}


def cuts(ordered: Array) -> dict[str, float]:
    """The quantiles of sorted values."""
    return dict(zip(QUANTILES, quantiles(ordered, list(QUANTILES.values())).tolist(), strict=True))


def quantiles(ordered: Array, shares: list[float]) -> Array:
    """Quantiles of sorted values, between neighbours by proportion as numpy has them."""
    places = np.asarray(shares) * (len(ordered) - 1)
    low = np.floor(places).astype(np.int64)
    high = np.minimum(low + 1, len(ordered) - 1)
    part = places - low
    with np.errstate(over="ignore"):
        return np.asarray(ordered[low] * (1 - part) + ordered[high] * part)


def mode(ordered: Array) -> tuple[float, int]:
    """The most frequent of sorted values (the smallest of a tie), and its count."""
    ends = np.flatnonzero(np.concatenate([ordered[1:] != ordered[:-1], [True]]))
    lengths = np.diff(ends, prepend=-1)
    at = int(lengths.argmax())
    return float(ordered[ends[at]]), int(lengths[at])


def histogram(ordered: Array, most: tuple[float, int] | None = None) -> Histogram | None:
    """Bins of sorted finite values, with a density curve where there are many values.

    A value that most of many rows have (`most`: value, rows) is left out of the bins.
    """
    if most is not None and most[1] > _MOSTLY * len(ordered):
        rest = ordered[ordered != most[0]]
        found = histogram(rest) if len(rest) >= _ENOUGH else None
        if found is not None and len(found.counts) >= _FEWEST:
            return replace(found, apart=most)
    edges = bins(ordered)
    if edges is None:
        return None
    places = np.searchsorted(ordered, edges, side="left")
    places[-1] = np.searchsorted(ordered, edges[-1], side="right")
    counts = np.diff(places)
    single = _single(ordered, edges)
    curve = () if single else density(ordered, edges)
    return Histogram(tuple(edges.tolist()), tuple(counts.tolist()), int(places[0]),
                     int(len(ordered) - places[-1]), density=curve)


@np.errstate(all="ignore")
def bins(ordered: Array) -> Array | None:
    """Edges (k + 1,) for a picture of sorted values; None where no bin can be made."""
    low, high = _reach(ordered)
    whole = low >= -(2.0**52) and high <= 2.0**52 and bool((ordered == np.floor(ordered)).all())
    if whole and high - low <= _SINGLE:
        return np.arange(low, high + 2) - 0.5
    if not (np.isfinite(high - low) and high - low > 1e-12 * max(abs(low), abs(high))):
        return None
    quarter = quantiles(ordered, [0.25, 0.75])
    width = 2 * (quarter[1] - quarter[0]) / len(ordered) ** (1 / 3)
    wanted = (high - low) / width if width > 0 else _MOST
    count = int(np.clip(wanted, _FEWEST, _MOST))
    if whole:
        width = np.ceil((high - low + 1) / count)
        return low - 0.5 + width * np.arange(np.ceil((high - low + 1) / width) + 1)
    return np.linspace(low, high, count + 1)


def density(ordered: Array, edges: Array) -> tuple[tuple[float, float], ...]:
    """A Gaussian kernel estimate over the bins, in rows a bin (Silverman 1986, eq. 3.31)."""
    low, high = float(edges[0]), float(edges[-1])
    grid = np.linspace(low, high, _GRID)
    found = kernel(ordered, grid) * len(ordered) * float(edges[1] - edges[0])
    return tuple(zip(grid.tolist(), found.tolist(), strict=True))


@np.errstate(all="ignore")
def kernel(ordered: Array, grid: Array) -> Array:
    """The density of sorted values at the points of a grid; values are counted in fine bins."""
    low, high = float(grid[0]), float(grid[-1])
    width = bandwidth(ordered)
    width = max(width, (high - low) / 150)
    fine = np.linspace(low - 3 * width, high + 3 * width, _FINE + 1)
    counts = np.diff(np.searchsorted(ordered, fine))
    z = (grid[:, None] - (fine[:-1] + fine[1:]) / 2) / width
    return np.asarray(np.exp(-0.5 * z * z) @ counts / (len(ordered) * width * (2 * np.pi) ** 0.5))


def bandwidth(ordered: Array) -> float:
    """Silverman's rule of thumb: 0.9 min(std, IQR / 1.34) n^-1/5."""
    quarter = quantiles(ordered, [0.25, 0.75])
    with np.errstate(over="ignore"):
        spread = min(float(ordered.std(ddof=1)) if len(ordered) > 1 else 0.0,
                     float(quarter[1] - quarter[0]) / 1.34) or float(ordered.std())
    return float(0.9 * spread * len(ordered) ** -0.2)


def _reach(ordered: Array) -> tuple[float, float]:
    """The range that is drawn: all of it, unless far tails would leave the rest in a corner."""
    low, high = float(ordered[0]), float(ordered[-1])
    near = quantiles(ordered, [_TAIL, 1 - _TAIL])
    span = float(near[1] - near[0])
    if not (span > 0 and high - low > _WIDER * span):
        return low, high
    whole = bool((near == np.floor(near)).all())
    ends = max(low, float(near[0]) - span / 4), min(high, float(near[1]) + span / 4)
    return (float(np.floor(ends[0])), float(np.ceil(ends[1]))) if whole else ends


def _single(ordered: Array, edges: Array) -> bool:
    """True if each bin holds one whole number."""
    return bool(edges[1] - edges[0] == 1.0 and edges[0] % 1 == 0.5 and len(edges) <= _SINGLE + 2
                and (ordered == np.floor(ordered)).all())
