"""Association and distance of columns, and ranks: what several rooms measure in the same way.

Codes are whole numbers from 0; -1 is missing. Cramér's V is corrected for bias (Bergsma 2013,
"A bias-correction for Cramér's V and Tschuprow's T").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Crossed:
    """A table of two columns of codes: Pearson's chi-squared by row (phi squared), and its size."""

    square: float
    across: int
    down: int
    rows: int

    @property
    def chance(self) -> float:
        """The p-value of the chi-squared test."""
        from scipy.special import chdtrc

        freedom = (self.across - 1) * (self.down - 1)
        return float(chdtrc(freedom, self.square * self.rows))

    @property
    def cramers_v(self) -> float | None:
        """The bias-corrected V in 0..1; None where the correction leaves nothing to divide by."""
        n, r, k = self.rows, self.across, self.down
        square = max(0.0, self.square - (k - 1) * (r - 1) / (n - 1))
        least = min(k - (k - 1) ** 2 / (n - 1), r - (r - 1) ** 2 / (n - 1)) - 1
        return float(min(1.0, (square / least) ** 0.5)) if least > 1e-9 else None


def crossed(a: Array, b: Array) -> Crossed | None:
    """The table of two columns of codes (n,), on rows where both are known.

    None where fewer than two rows or two levels of either are left. Only cells that are not
    empty are counted, so that many levels cost no more than many rows.
    """
    both = (a >= 0) & (b >= 0)
    a, b = a[both].astype(np.int64), b[both].astype(np.int64)
    if len(a) < 2:
        return None
    across, down = np.bincount(a), np.bincount(b)
    r, k = int((across > 0).sum()), int((down > 0).sum())
    if r < 2 or k < 2:
        return None
    cells, counts = _cells_of(a, b, len(down))
    expected = across[cells // len(down)].astype(np.float64) * down[cells % len(down)]
    square = float((counts.astype(np.float64) ** 2 / expected).sum()) - 1.0
    return Crossed(max(square, 0.0), r, k, len(a))


def _cells_of(a: Array, b: Array, width: int) -> tuple[Array, Array]:
    """The cells of the table that are not empty, and their counts."""
    cell = a * width + b
    if (int(a.max()) + 1) * width > 4 * len(a) + 10_000:
        found, counts = np.unique(cell, return_counts=True)
        return found, counts
    counts = np.bincount(cell)
    found = np.flatnonzero(counts)
    return found, counts[found]


def information(table: Array) -> tuple[float, int]:
    """Mutual information of a table of counts in nats, as it stands, and degrees of freedom."""
    from scipy.special import xlogy

    table = np.asarray(table, dtype=np.float64)
    table = table[table.any(axis=1)][:, table.any(axis=0)]
    across, down, total = table.sum(axis=1), table.sum(axis=0), table.sum()
    if not total:
        return 0.0, 0
    found = (xlogy(table, table).sum() - xlogy(across, across).sum()
             - xlogy(down, down).sum()) / total + np.log(total)
    return max(float(found), 0.0), (table.shape[0] - 1) * (table.shape[1] - 1)


def ks_distance(first: Array, second: Array) -> float:
    """The largest gap between the distribution functions of sorted values (n,) and (m,)."""
    every = np.concatenate([first, second])
    of_first = np.searchsorted(first, every, side="right") / len(first)
    of_second = np.searchsorted(second, every, side="right") / len(second)
    return float(np.abs(of_first - of_second).max())


def average_ranks(values: Array) -> Array:
    """Ranks from 1 (n,), ties at their mean."""
    return code_ranks(np.unique(values, return_inverse=True)[1])


def code_ranks(codes: Array) -> Array:
    """The same of codes (n,) that are in order already: counted, not sorted."""
    counts = np.bincount(codes)
    return (np.cumsum(counts) - (counts - 1) / 2)[codes]
