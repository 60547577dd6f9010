"""Missing numbers from the nearest complete-enough rows, in numpy.

Distances are euclidean over the columns that both rows have, scaled up to all columns (Dixon
1979; as in scikit-learn's KNNImputer, with which the results agree where nothing is scaled and
all rows are donors). The cost is rows with a gap times donors times columns; donors are a sample.
"""

from __future__ import annotations

import numpy as np

_CELLS = 4_000_000


def impute(values: np.ndarray, donors: np.ndarray, means: np.ndarray, scale: np.ndarray,
           count: int, weighted: bool) -> np.ndarray:
    """`values` (n, p) with NaN filled from `donors` (m, p); `means` (p,) where none can help.

    `scale` (p,) divides columns for the distances; `weighted` weighs donors by 1 / distance.
    """
    filled = values.copy()
    gaps = np.flatnonzero(np.isnan(values).any(axis=1))
    known = ~np.isnan(donors)
    there = np.where(known, donors / scale, 0.0)
    step = max(1, _CELLS // max(len(donors), 1))
    for at in range(0, len(gaps), step):
        rows = gaps[at:at + step]
        distances = _distances(values[rows] / scale, there, known)
        for column in np.flatnonzero(np.isnan(values[rows]).any(axis=0)):
            empty = np.isnan(values[rows, column])
            filled[rows[empty], column] = _from_nearest(
                distances[empty], donors[:, column], known[:, column], means[column], count,
                weighted)
    return filled


def _distances(rows: np.ndarray, there: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Squared distances (rows, donors) over shared columns; NaN where none is shared."""
    mine = ~np.isnan(rows)
    filled = np.where(mine, rows, 0.0)
    marks, seen = mine.astype(np.float64), known.astype(np.float64)
    squared = (filled**2) @ seen.T + marks @ (there**2).T - 2 * filled @ there.T
    shared = marks @ seen.T
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.maximum(squared, 0) * (rows.shape[1] / shared)
    found[shared == 0] = np.nan
    return found


def _from_nearest(
    distances: np.ndarray, column: np.ndarray, known: np.ndarray, mean: float, count: int,
    weighted: bool,
) -> np.ndarray:
    """The mean of the nearest donors that have the column, for each row of distances."""
    distances, column = distances[:, known], column[known]
    if not len(column):
        return np.full(len(distances), mean)
    far = np.where(np.isnan(distances), np.inf, distances)
    count = min(count, len(column))
    nearest = np.argpartition(far, count - 1, axis=1)[:, :count]
    gaps = np.take_along_axis(far, nearest, axis=1)
    weights = np.isfinite(gaps).astype(np.float64)
    if weighted:
        touching = (gaps == 0).any(axis=1, keepdims=True)
        with np.errstate(divide="ignore"):
            weights = np.where(touching, gaps == 0, np.where(weights > 0, 1 / np.sqrt(gaps), 0.0))
    total = weights.sum(axis=1)
    found = np.full(len(distances), mean)
    some = total > 0
    found[some] = (weights * column[nearest])[some].sum(axis=1) / total[some]
    return found
