"""Missing numbers from the nearest complete-enough rows, in numpy.

Distances are euclidean over the columns that both rows have, scaled up to all columns (Dixon
1979; as in scikit-learn's KNNImputer, with which the results agree where nothing is scaled and
all rows are donors). The cost is rows with a gap times donors times columns; donors are a sample.
"""

from __future__ import annotations

import numpy as np

_CELLS = 4_000_000
_AHEAD, _LEAST = 4, 20   # donors put in order: so many times k, and at least so many


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
        line, column = np.nonzero(np.isnan(values[rows]))
        filled[rows[line], column] = _filled(distances, donors, known, line, column, means, count,
                                             weighted)
    return filled


def _filled(
    distances: np.ndarray, donors: np.ndarray, known: np.ndarray, line: np.ndarray,
    column: np.ndarray, means: np.ndarray, count: int, weighted: bool,
) -> np.ndarray:
    """Values for the empty cells (line, column) of a stretch of rows.

    Each row's nearest donors are put in order once; a cell takes the first of them that have its
    column. Only where too few have it are all donors asked.
    """
    near = min(max(_AHEAD * count, _LEAST), len(donors))
    found = means[column].astype(np.float64)
    if not near:
        return found
    far = np.where(np.isnan(distances), np.inf, distances)
    nearest = np.argpartition(far, near - 1, axis=1)[:, :near]
    gaps = np.take_along_axis(far, nearest, axis=1)
    order = np.argsort(gaps, axis=1, kind="stable")
    nearest, gaps = (np.take_along_axis(part, order, axis=1) for part in (nearest, gaps))
    size = max(1, _CELLS // near)
    rest = []
    for at in range(0, len(line), size):
        part = slice(at, at + size)
        donor, gap = nearest[line[part]], gaps[line[part]]
        has = known[donor, column[part, None]] & np.isfinite(gap)
        used = has & (np.cumsum(has, axis=1) <= count)
        enough = used.sum(axis=1) >= count
        made = _mean(donors[donor, column[part, None]], gap, used, weighted)
        found[part] = np.where(enough, made, found[part])
        rest.append(np.flatnonzero(~enough) + at)
    left = np.concatenate(rest) if rest else np.empty(0, dtype=np.int64)
    for each in np.unique(column[left]):
        cells = left[column[left] == each]
        found[cells] = _from_nearest(distances[line[cells]], donors[:, each], known[:, each],
                                     means[each], count, weighted)
    return found


def _mean(values: np.ndarray, gaps: np.ndarray, used: np.ndarray, weighted: bool) -> np.ndarray:
    """Means of the used values of each line, nearer ones counting for more where asked."""
    weights = used.astype(np.float64)
    if weighted:
        touching = (used & (gaps == 0)).any(axis=1, keepdims=True)
        with np.errstate(divide="ignore"):
            near = np.where(used, 1 / np.sqrt(gaps), 0.0)
        weights = np.where(touching, used & (gaps == 0), near)
    total = np.maximum(weights.sum(axis=1), 1e-300)
    return (weights * np.where(used, values, 0.0)).sum(axis=1) / total


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
    used = np.isfinite(gaps)
    return np.where(used.any(axis=1), _mean(column[nearest], gaps, used, weighted), mean)
