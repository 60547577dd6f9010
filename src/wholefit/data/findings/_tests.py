"""Small tests of association that findings rest on: chance and effect, nothing fitted."""

from __future__ import annotations

import numpy as np

from wholefit.data._association import average_ranks, crossed


def association(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Chance (chi-squared) and Cramer's V, bias-corrected, of two columns of codes (n,)."""
    found = crossed(a, b)
    return (1.0, 0.0) if found is None else (found.chance, found.cramers_v or 0.0)


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
