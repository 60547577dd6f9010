"""Which columns stand in for each other: association of columns of any kind, and groups of them.

Numbers, dates and booleans by Spearman's correlation; any two columns also by Cramér's V of their
levels or eighths (corrected for bias), which sees what is not monotone. The larger counts. Groups
are those of a tree of mean association (average linkage).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wholefit.data import Dataset
from wholefit.data._association import average_ranks, crossed

Array = np.ndarray
_ROWS, _BINS, _LEVELS = 5_000, 8, 30


def associations(dataset: Dataset, columns: Sequence[str]) -> Array:
    """Association in 0..1 of each two columns, (k, k); text has none. At most 5,000 rows."""
    if len(dataset) > _ROWS:
        dataset = dataset.take(np.linspace(0, len(dataset) - 1, _ROWS).astype(np.intp))
    numbers = [numeric(dataset, name) for name in columns]
    codes = [_codes(dataset, name, known) for name, known in zip(columns, numbers, strict=True)]
    found = np.eye(len(columns))
    for i in range(len(columns)):
        for j in range(i):
            found[i, j] = found[j, i] = max(
                _spearman(numbers[i], numbers[j]), _cramer(codes[i], codes[j]))
    return found


def association_with(dataset: Dataset, column: str, others: Sequence[str]) -> Array:
    """Association in 0..1 of one column with each of the others, (k,)."""
    if len(dataset) > _ROWS:
        dataset = dataset.take(np.linspace(0, len(dataset) - 1, _ROWS).astype(np.intp))
    mine = numeric(dataset, column)
    code = _codes(dataset, column, mine)
    found = np.zeros(len(others))
    for at, name in enumerate(others):
        theirs = numeric(dataset, name)
        found[at] = max(_spearman(mine, theirs), _cramer(code, _codes(dataset, name, theirs)))
    return found


def alike(columns: Sequence[str], found: Array, least: float) -> list[tuple[str, ...]]:
    """Groups of two or more columns whose mean association is at least so much."""
    if len(columns) < 2:
        return []
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    far = np.clip(1 - found, 0, 1)
    np.fill_diagonal(far, 0.0)
    joined = linkage(squareform(far, checks=False), "average")
    group = fcluster(joined, 1 - least, "distance")
    members = [tuple(name for name, at in zip(columns, group, strict=True) if at == one)
               for one in np.unique(group)]
    return [names for names in members if len(names) > 1]


def numeric(dataset: Dataset, name: str) -> Array | None:
    """A column as numbers (n,), NaN where missing; dates in microseconds; None for others."""
    role = dataset.schema.role(name)
    if role in ("numeric", "boolean"):
        found = dataset.numeric(name)
        return np.where(np.isfinite(found), found, np.nan)
    if role in ("datetime", "time"):
        times = dataset.times(name)
        return np.where(np.isnat(times), np.nan, times.astype(np.int64).astype(np.float64))
    return None


def _codes(dataset: Dataset, name: str, numbers: Array | None) -> Array | None:
    """A column as few codes (n,), -1 where missing; None for text."""
    if numbers is None:
        if dataset.schema.role(name) == "text":
            return None
        codes = dataset.codes(name)[0].astype(np.int64)
        counts = np.bincount(codes[codes >= 0], minlength=1)
        if len(counts) <= _LEVELS:
            return codes
        place = np.full(len(counts) + 1, _LEVELS)
        place[np.argsort(-counts, kind="stable")[:_LEVELS]] = np.arange(_LEVELS)
        place[-1] = -1
        return place[codes]
    known = np.isfinite(numbers)
    if not known.any():
        return None
    edges = np.unique(np.quantile(numbers[known], np.arange(1, _BINS) / _BINS))
    return np.where(known, np.searchsorted(edges, numbers, side="left"), -1)


def _spearman(a: Array | None, b: Array | None) -> float:
    if a is None or b is None:
        return 0.0
    both = np.isfinite(a) & np.isfinite(b)
    if both.sum() < 3:
        return 0.0
    first, second = average_ranks(a[both]), average_ranks(b[both])
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(abs(np.corrcoef(first, second)[0, 1]))


def _cramer(a: Array | None, b: Array | None) -> float:
    if a is None or b is None:
        return 0.0
    table = crossed(a, b)
    return 0.0 if table is None else table.cramers_v or 0.0
