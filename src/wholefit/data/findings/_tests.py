"""Small tests of association that findings rest on: chance and effect, nothing fitted."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def association(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Chance (chi-squared) and Cramer's V, bias-corrected, of two columns of codes (n,).

    Bergsma (2013), "A bias-correction for Cramer's V and Tschuprow's T".
    """
    from scipy.special import chdtrc

    table = crosstab(a, b)
    table = table[table.any(axis=1)][:, table.any(axis=0)]
    rows, columns = table.shape
    n = table.sum()
    if rows < 2 or columns < 2 or n < 2:
        return 1.0, 0.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    statistic = float(((table - expected) ** 2 / expected).sum())
    freedom = (rows - 1) * (columns - 1)
    phi = max(0.0, statistic / n - freedom / (n - 1))
    least = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    effect = float(np.sqrt(phi / least)) if least > 0 else 0.0
    return float(chdtrc(freedom, statistic)), min(effect, 1.0)


def crosstab(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Counts (levels of a, levels of b) of two columns of codes; rows with -1 are left out."""
    known = (a >= 0) & (b >= 0)
    a, b = a[known].astype(np.int64), b[known].astype(np.int64)
    if not len(a):
        return np.zeros((0, 0))
    wide = int(b.max()) + 1
    tall = int(a.max()) + 1
    return np.bincount(a * wide + b, minlength=tall * wide).reshape(tall, wide).astype(np.float64)


def mean_shift(part: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Chance (Mann-Whitney) that `part` (n,) of the rows has the same y, and |2 AUC - 1|."""
    from scipy.special import ndtr

    known = np.isfinite(y)
    part, y = part[known], y[known]
    a, b = int(part.sum()), int((~part).sum())
    if not a or not b:
        return 1.0, 0.0
    ranks = average_ranks(y)
    statistic = ranks[part].sum() - a * (a + 1) / 2
    _, ties = np.unique(y, return_counts=True)
    n = a + b
    tied = float((ties.astype(np.float64) ** 3 - ties).sum()) / (n * (n - 1))
    spread = np.sqrt(a * b / 12 * ((n + 1) - tied))
    if spread == 0:
        return 1.0, 0.0
    z = (statistic - a * b / 2) / spread
    return float(2 * ndtr(-abs(z))), float(abs(2 * statistic / (a * b) - 1))


def average_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1 (n,), ties at their mean."""
    _, back, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[back]


def autocorrelation(y: np.ndarray, lag: int = 1) -> tuple[float, float]:
    """How alike neighbours (n,) are: 0 .. 1 by chance-corrected agreement, and its z-score.

    For codes the share of equal neighbours beyond chance (Cohen's kappa); for numbers the rank
    correlation of neighbours (Wald and Wolfowitz' serial correlation, on ranks).
    """
    if len(y) <= lag + 2:
        return 0.0, 0.0
    if y.dtype.kind in "iu":
        shares = np.bincount(y[y >= 0]) / max(len(y), 1)
        expected = float((shares**2).sum())
        if expected >= 1:
            return 0.0, 0.0
        observed = float((y[lag:] == y[:-lag]).mean())
        spread = np.sqrt(expected * (1 - expected) / (len(y) - lag))
        return (observed - expected) / (1 - expected), (observed - expected) / spread
    ranks = average_ranks(y)
    if ranks.std() == 0:
        return 0.0, 0.0
    value = float(np.corrcoef(ranks[lag:], ranks[:-lag])[0, 1])
    return value, value * np.sqrt(len(y) - lag)


def quantiles(values: ArrayLike, *at: float) -> list[float]:
    """Quantiles as floats."""
    return [float(v) for v in np.quantile(np.asarray(values), at)]
