"""Counts of a feature's levels against the target: for category codes, and for bins."""

from __future__ import annotations

import numpy as np
from scipy import special

from wholefit.features.select._seen import Seen

BINS = 16
"""Quantile bins of a number; one with at most 32 different values is left as it is."""
_AS_IS = 32


def levels(column: np.ndarray) -> np.ndarray:
    """Category codes as 0.., a missing one (NaN or negative) a level of its own."""
    known = np.where(np.isnan(column) | (column < 0), -1, column)
    return np.unique(known, return_inverse=True)[1]


def binned(column: np.ndarray) -> np.ndarray:
    """A number's bin 0.., of about equally many rows; a missing one is a bin of its own."""
    gaps = np.isnan(column)
    ordered = np.sort(column[~gaps] if gaps.any() else column)
    different = np.flatnonzero(np.diff(ordered, append=np.inf))
    if len(different) <= _AS_IS:
        edges = ordered[different[:-1]]
    else:
        places = (np.arange(1, BINS) * len(ordered)) // BINS
        edges = np.unique(ordered[places])
    found = np.searchsorted(edges, column, side="left")
    found[gaps] = len(edges) + 1
    return found


def contingency(places: np.ndarray, y: np.ndarray, wide: int) -> np.ndarray:
    """Counts (levels, wide) of levels against target codes; levels without rows are left out."""
    counts = np.bincount(places * wide + y, minlength=(int(places.max()) + 1) * wide)
    table = counts.reshape(-1, wide).astype(np.float64)
    return table[table.sum(axis=1) > 0]


def chi_squared(table: np.ndarray) -> tuple[float, int]:
    """Pearson's statistic of independence and its degrees of freedom."""
    table = table[:, table.sum(axis=0) > 0]
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    freedom = (table.shape[0] - 1) * (table.shape[1] - 1)
    return float(((table - expected) ** 2 / expected).sum()), freedom


def target_codes(seen: Seen) -> tuple[np.ndarray, int]:
    """The classes, or the bins of a number, as 0.., and how many."""
    codes = seen.y if seen.n_classes else binned(seen.y.astype(np.float64))
    return codes, int(codes.max()) + 1


def between(places: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """One-way analysis of variance of numbers by level: F and its p-value."""
    counts = np.bincount(places)
    counts, sums = counts[counts > 0], np.bincount(places, y - y.mean())[counts > 0]
    total = float(((y - y.mean()) ** 2).sum())
    among = float((sums**2 / counts).sum())
    free, rest = len(counts) - 1, len(y) - len(counts)
    if free < 1 or rest < 1 or total <= 0:
        return 0.0, 1.0
    within = max(total - among, total * 1e-15)
    value = (among / free) / (within / rest)
    return value, float(special.fdtrc(free, rest, value))


def code_columns(seen: Seen) -> list[tuple[int, np.ndarray]]:
    """(feature, levels) of each feature that holds category codes."""
    return [(at, levels(np.asarray(seen.X[:, at], dtype=np.float64))) for at in seen.codes]
