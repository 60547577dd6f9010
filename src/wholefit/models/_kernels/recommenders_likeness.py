"""How alike rows of ratings or uses are, a block of them against all."""

from __future__ import annotations

from typing import Any

import numpy as np


def strongest(alike: np.ndarray, k: int) -> Any:
    """CSR of the k largest of each row of a dense matrix, those above 0 alone."""
    from scipy.sparse import csr_matrix

    if alike.shape[1] > k:
        limit = np.partition(alike, alike.shape[1] - k, axis=1)[:, -k, None]
        chosen = (alike >= limit) & (alike > 0)
        many = np.flatnonzero(chosen.sum(axis=1) > k)
        equal = alike[many] == limit[many]
        spare = k - (chosen[many] & ~equal).sum(axis=1, keepdims=True)
        chosen[many] &= ~equal | (np.cumsum(equal, axis=1) <= spare)
    else:
        chosen = alike > 0
    at = np.flatnonzero(chosen)
    ends = np.concatenate([[0], np.cumsum(chosen.sum(axis=1))])
    return csr_matrix((alike.ravel()[at], at % alike.shape[1], ends), shape=alike.shape)


class Side:
    """All rows of one side, ready to be compared with some."""

    def __init__(self, rows: Any, likeness: str, shrink: float, rated: bool) -> None:
        self._rated, self._likeness, self._shrink = rated, likeness, shrink
        self._values = rows.T.tocsr()
        self._met = ones(self._values)
        self._squares = self._values.multiply(self._values).tocsr()
        self._lengths = np.sqrt(np.asarray(self._squares.sum(axis=0)).ravel())

    def to(self, some: Any) -> np.ndarray:
        """(some, n) likeness of the rows `some`, CSR, to all."""
        product = (some @ self._values).toarray()
        if not self._rated:
            lengths = np.sqrt(np.asarray(some.multiply(some).sum(axis=1)))
            return product / np.maximum(lengths * self._lengths + self._shrink, 1e-300)
        met, squares = ones(some), some.multiply(some).tocsr()
        common = (met @ self._met).toarray()
        own, other = (squares @ self._met).toarray(), (met @ self._squares).toarray()
        if self._likeness == "pearson":
            product, own, other = _centred(product, own, other, common,
                                           (some @ self._met).toarray(),
                                           (met @ self._values).toarray())
        size = np.sqrt(own * other)
        # What rounding leaves of a spread of 0 is no likeness.
        found = np.divide(product, size, out=np.zeros_like(product), where=size > 1e-9 * common)
        found *= common / np.maximum(common + self._shrink, 1e-300)
        # Rows alike to the last bit but one are equally alike; which is nearer is not rounding's.
        return np.round(np.clip(found, -1, 1), 10)


def _centred(product: np.ndarray, own: np.ndarray, other: np.ndarray, common: np.ndarray,
             own_sum: np.ndarray, other_sum: np.ndarray) -> tuple[np.ndarray, ...]:
    """Sums of products and squares about the means over what both rated."""
    n = np.maximum(common, 1.0)
    return (product - own_sum * other_sum / n, np.maximum(own - own_sum**2 / n, 0.0),
            np.maximum(other - other_sum**2 / n, 0.0))


def ones(matrix: Any) -> Any:
    """The same pattern, every value 1."""
    made = matrix.copy()
    made.data = np.ones_like(made.data)
    return made
