"""Where vectors are expected before anything is known: a linear map learnt along with them.

Vectors Z (rows, f) of users or items are drawn around F W, where F (rows, m) says what is known
of each row (its features, or the items that a user met). W minimises, one column j at a time,

    sum_r ridge_rj (Z_rj - (F W)_rj)^2 + strength sum W_j^2

by conjugate gradients on the normal equations, going on from the last W.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.errors import DataError

# Steps of conjugate gradients a round; it starts where the last round ended.
_STEPS = 5


class Prior:
    """The map: `mean` are the vectors expected, (rows, f)."""

    def __init__(self, features: Any, width: int, strength: float, free: int = 0) -> None:
        self.features = features
        self._turned = features.T.tocsr()
        self._strength = strength
        self._free = free
        self.weights = np.zeros((features.shape[1], width), dtype=features.dtype)
        self.mean = np.zeros((features.shape[0], width), dtype=features.dtype)

    def go_on(self, kept: np.ndarray) -> None:
        """Take up the map of an earlier fit; features may have been added at the end since."""
        if len(kept) > len(self.weights) or kept.shape[1:] != self.weights.shape[1:]:
            raise DataError(f"the model knows {len(kept)} features; got {len(self.weights)}: give "
                            "the same ones in the same order, or fit again.")
        self.weights[:len(kept)] = kept
        self.mean = self.features @ self.weights

    def learn(self, Z: np.ndarray, ridge: np.ndarray) -> None:
        """Bring the map closer to vectors `Z` (rows, f) held by `ridge`, (rows, 1) or (f,).

        The last `free` columns are left at zero.
        """
        right = self._turned @ (ridge * Z)
        if self._free:
            right[:, -self._free:] = 0.0
        rest = right - self._apply(self.weights, ridge)
        way, size = rest.copy(), (rest * rest).sum(axis=0)
        for _ in range(_STEPS):
            pushed = self._apply(way, ridge)
            step = size / np.maximum((way * pushed).sum(axis=0), 1e-30)
            self.weights += step * way
            rest -= step * pushed
            after = (rest * rest).sum(axis=0)
            way = rest + after / np.maximum(size, 1e-30) * way
            size = after
        self.mean = self.features @ self.weights

    def _apply(self, W: np.ndarray, ridge: np.ndarray) -> np.ndarray:
        return self._turned @ (ridge * (self.features @ W)) + self._strength * W


def unit_rows(features: Any, dtype: Any = np.float64) -> Any:
    """CSR with rows of length 1 (those of nothing stay so)."""
    from scipy.sparse import csr_matrix, diags

    made = csr_matrix(features, dtype=dtype)
    lengths = np.sqrt(np.asarray(made.multiply(made).sum(axis=1)).ravel())
    scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return csr_matrix(diags(scale.astype(dtype)) @ made)
