"""The nearest stored rows: every one is looked at, or, where scipy is there, a tree is asked.

Both give the same rows: those on the very distance of the last place are settled by row order.
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from wholefit.models._kernels import neighbors

# A tree pays where there are many rows and few features: in more features it looks at all of them.
_ROWS, _FEATURES, _PAIRS = 1000, 15, 1 << 21


class Near:
    """Answers, for rows (n, p), which of `rows` (m, p) lie nearest."""

    def __init__(self, rows: np.ndarray) -> None:
        self.rows = rows
        self._tree: Any = None

    def nearest(self, X: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Distances and row numbers (n, k), in order of distance, then of row."""
        k = min(k, len(self.rows))
        if not self._planted(len(X)) or k == len(self.rows):
            return neighbors.nearest(self.rows, X, k, 2.0)
        _, row = self._tree.query(X, k + 1)
        asked = np.repeat(np.arange(len(X)), k + 1)
        distance = neighbors.measure(X, self.rows, asked, row.ravel()).reshape(-1, k + 1)
        order = np.lexsort((row, distance))
        distance = np.take_along_axis(distance, order, axis=1)
        row = np.take_along_axis(row, order, axis=1)
        # A tie at the last place: rows that the tree left out may come before those it gave.
        tied = distance[:, k] - distance[:, k - 1] <= 1e-10 * distance[:, k]
        distance, row = distance[:, :k].copy(), row[:, :k].copy()
        if tied.any():
            distance[tied], row[tied] = neighbors.nearest(self.rows, X[tied], k, 2.0)
        return distance, row

    def _planted(self, asked: int) -> bool:
        rows, features = self.rows.shape
        if rows < _ROWS or features > _FEATURES or rows * asked < _PAIRS:
            return False
        if self._tree is None:
            with contextlib.suppress(ImportError):
                from scipy.spatial import cKDTree

                self._tree = cKDTree(self.rows)
        return self._tree is not None
