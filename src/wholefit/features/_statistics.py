"""What is learnt of one numeric column: its fill, its finite range, its centre and scale."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np

from wholefit.features.encoding import Encoding

_HUGE = 1e100
"""Squares of numbers beyond this may overflow: they are divided by the largest first."""


@dataclass(frozen=True)
class Learnt:
    """One entry a column, float64; `empty` holds the indices of columns without any value.

    `missing` is the share of training rows without a value; an encoded value is
    (value - centre) / scale.
    """

    fill: np.ndarray
    low: np.ndarray
    high: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    missing: np.ndarray
    empty: np.ndarray

    @classmethod
    def gather(cls, rows: Iterable[tuple[float, ...]]) -> Learnt:
        """From one tuple a column, in the order of the fields."""
        table = np.array(list(rows), dtype=np.float64).reshape(-1, 6).T
        fill, low, high, centre, scale, missing = map(np.ascontiguousarray, table)
        empty = np.flatnonzero(np.isnan(low)).astype(np.int64)
        return cls(fill, low, high, centre, scale, missing, empty)

    def arrays(self) -> dict[str, np.ndarray]:
        """Name to array."""
        return asdict(self)


def summarise(values: np.ndarray, encoding: Encoding) -> tuple[float, ...]:
    """(fill, low, high, centre, scale, share missing) of a column, which is changed in place."""
    gaps = np.isnan(values)
    known = values[~gaps] if gaps.any() else values
    low, high = _range(known)
    missing = 1 - len(known) / len(values)
    if np.isnan(low):  # nothing finite was seen: the column carries nothing
        fill = _fill(np.zeros(1), encoding)
        return fill, low, high, 0.0, 1.0, missing
    np.clip(known, low, high, out=known)
    fill = _fill(known, encoding)
    if len(known) < len(values):
        values[~gaps] = known
        values[gaps] = fill
        known = values if encoding.impute != "none" else known
    centre, scale = _SCALES[encoding.scale](known)
    return fill, low, high, centre, scale, missing


def _range(known: np.ndarray) -> tuple[float, float]:
    if not len(known):
        return np.nan, np.nan
    low, high = float(known.min()), float(known.max())
    if np.isinf(low) or np.isinf(high):
        finite = known[np.isfinite(known)]
        return _range(finite)
    return low, high


def _fill(known: np.ndarray, encoding: Encoding) -> float:
    if encoding.impute == "none":
        return np.nan
    if encoding.impute == "constant":
        return float(encoding.fill)
    return _FILLS[encoding.impute](known)


def _mean(known: np.ndarray) -> float:
    largest = np.abs(known).max()
    if largest > _HUGE:
        return float((known / largest).mean() * largest)
    return float(known.mean())


def _median(known: np.ndarray) -> float:
    return float(_quantiles(known, 0.5)[0])


def _mode(known: np.ndarray) -> float:
    """The most frequent value, the smallest of them when several are."""
    values, counts = np.unique(known, return_counts=True)
    return float(values[counts.argmax()])


def _quantiles(known: np.ndarray, *shares: float) -> np.ndarray:
    """Linear interpolation between order statistics; safe for the largest numbers."""
    ordered = np.sort(known)
    places = np.array(shares) * (len(ordered) - 1)
    below = np.floor(places).astype(np.intp)
    above = np.minimum(below + 1, len(ordered) - 1)
    part = places - below
    return ordered[below] * (1 - part) + ordered[above] * part


def _as_is(known: np.ndarray) -> tuple[float, float]:
    return 0.0, 1.0


def _standard(known: np.ndarray) -> tuple[float, float]:
    largest = float(np.abs(known).max())
    unit = largest if largest > _HUGE else 1.0
    if known.min() == known.max():
        return float(known[0]), 1.0
    small = known / unit if unit != 1.0 else known
    return float(small.mean() * unit), float(small.std() * unit) or 1.0


def _minmax(known: np.ndarray) -> tuple[float, float]:
    low, high = float(known.min()), float(known.max())
    with np.errstate(over="ignore"):
        width = np.float64(high) - np.float64(low)
    return low, min(float(width), float(np.finfo(np.float64).max)) or 1.0


def _robust(known: np.ndarray) -> tuple[float, float]:
    low, middle, high = _quantiles(known, 0.25, 0.5, 0.75)
    with np.errstate(over="ignore"):
        width = high - low
    return float(middle), min(float(width), float(np.finfo(np.float64).max)) or 1.0


_FILLS = {"mean": _mean, "median": _median, "mode": _mode, "knn": _mean, "iterative": _mean}
_SCALES = {"none": _as_is, "standard": _standard, "minmax": _minmax, "robust": _robust}
