"""How alike rows of ratings or uses are, a block of them against all."""

from __future__ import annotations

from typing import Any

import numpy as np


def strongest(alike: Any, k: int, start: int | None = None) -> Any:
    """CSR of the k largest of each row, those above 0 alone; equal ones by column.

    `alike` is dense or CSR with columns in order; row r leaves out column `start` + r, itself.
    """
    from scipy.sparse import csr_matrix

    if isinstance(alike, np.ndarray):
        column, value = np.nonzero(alike > 0)[1], alike[alike > 0]
        ends = np.concatenate([[0], np.cumsum((alike > 0).sum(axis=1))])
    else:
        column, value, ends = alike.indices, alike.data, alike.indptr
    kept, counts = [], []
    for row in range(len(ends) - 1):
        part = slice(ends[row], ends[row + 1])
        mine = _largest(value[part], k, None if start is None else column[part] != start + row)
        kept.append(mine + ends[row])
        counts.append(len(mine))
    at = np.concatenate(kept) if kept else np.array([], dtype=np.int64)
    return csr_matrix((value[at], column[at], np.concatenate([[0], np.cumsum(counts)])),
                      shape=alike.shape)


def _largest(values: np.ndarray, k: int, allowed: np.ndarray | None) -> np.ndarray:
    """Places of the k largest of `values` above 0, in order of place; equal ones: first places."""
    usable = values > 0 if allowed is None else (values > 0) & allowed
    at = np.flatnonzero(usable)
    if len(at) <= k:
        return at
    mine = values[at]
    limit = np.partition(mine, len(mine) - k)[len(mine) - k]
    chosen = mine > limit
    equal = np.flatnonzero(mine == limit)[:k - int(chosen.sum())]
    chosen[equal] = True
    return at[chosen]


class Side:
    """All rows of one side, ready to be compared with some."""

    def __init__(self, rows: Any, likeness: str, shrink: float, rated: bool) -> None:
        self._rated, self._likeness, self._shrink = rated, likeness, shrink
        self._values = rows.T.tocsr()
        self._met = ones(self._values)
        self._squares = self._values.multiply(self._values).tocsr()
        self._lengths = np.sqrt(np.asarray(self._squares.sum(axis=0)).ravel())

    def of_uses(self, some: Any) -> Any:
        """CSR (some, n) of the cosines of uses, nothing where two rows have nothing in common."""
        found = (some @ self._values).tocsr()
        found.sort_indices()
        lengths = np.sqrt(np.asarray(some.multiply(some).sum(axis=1)).ravel())
        sizes = np.repeat(lengths, np.diff(found.indptr)) * self._lengths[found.indices]
        found.data = np.round(found.data / np.maximum(sizes + self._shrink, 1e-300), 10)
        return found

    def to(self, some: Any) -> np.ndarray:
        """(some, n) likeness of the rows `some`, CSR, to all."""
        if not self._rated:
            return np.asarray(self.of_uses(some).toarray())
        product = (some @ self._values).toarray()
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
