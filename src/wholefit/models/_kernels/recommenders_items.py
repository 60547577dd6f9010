"""Recommenders that weigh what a user met item by item: EASE, and what items are about."""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.models._kernels.recommenders import Recommends
from wholefit.models._kernels.recommenders_factors import strengths
from wholefit.models._kernels.recommenders_rows import (
    need,
    read_array,
    read_number,
    read_rows,
)


class EASE(Recommends):
    """Scores are history @ `weights` (n_items, n_items), whose diagonal is 0."""

    def _load(self, state: State) -> None:
        self._weights = read_array(state, "weights", self.n_items, self.n_items)
        self._unit = read_number(state, "unit", 0)

    def _from_rows(self, rows: Any) -> np.ndarray:
        told = rows.copy()
        told.data = strengths(rows.data, self._unit)
        return np.asarray(told.astype(self._weights.dtype) @ self._weights, dtype=np.float64)

    def _nothing(self, users: np.ndarray) -> np.ndarray:
        return np.zeros(len(users))

    def similar(self, item: int) -> np.ndarray:
        """(n_items,) the mean of the weights from and to `item`."""
        both = self._weights[item].astype(np.float64) + self._weights[:, item]
        return both / 2

    def _adds(self, user: int, item: int) -> np.ndarray:
        span = slice(*self._ends(user))
        given = strengths(self.history.data[span], self._unit)
        return given * self._weights[self.history.indices[span], item]


class Content(Recommends):
    """Scores are the mean likeness of an item's `features` to those of the items met.

    Items rated above the user's own mean count more, those far below it against.
    """

    def _load(self, state: State) -> None:
        width = int(read_number(state, "width", 0))
        need(width <= len(state.arrays["features_at"]), "width")
        self._features = read_rows(state, "features", width, self.n_items)
        self._turned = self._features.T.tocsr()
        self._unit = read_number(state, "unit", 0)
        self._middle = read_number(state, "middle")
        self._spread = read_number(state, "spread", 0)

    def _weights(self, rows: Any) -> Any:
        """Rows of what each item met counts, their sizes adding up to 1."""
        made = rows.copy()
        counts = np.diff(rows.indptr)
        at = np.repeat(np.arange(rows.shape[0]), counts)
        if self.explicit:
            sums = np.bincount(at, rows.data - self._middle, minlength=rows.shape[0])
            own = self._middle + sums / (counts + 5.0)
            made.data = 1.0 + 2.0 * (rows.data - own[at]) / max(self._spread, 1e-12)
        else:
            made.data = strengths(rows.data, self._unit)
        total = np.bincount(at, np.abs(made.data), minlength=rows.shape[0])
        made.data /= np.maximum(total, 1e-12)[at]
        return made

    def _from_rows(self, rows: Any) -> np.ndarray:
        profile = self._weights(rows) @ self._features
        return np.asarray((profile @ self._turned).todense())

    def _nothing(self, users: np.ndarray) -> np.ndarray:
        return np.zeros(len(users))

    def similar(self, item: int) -> np.ndarray:
        """(n_items,) cosines of the items' features."""
        return np.asarray((self._features @ self._turned[:, [item]]).todense()).ravel()

    def _adds(self, user: int, item: int) -> np.ndarray:
        row = self.history[[user]]
        return self._weights(row).data * self.similar(item)[row.indices]
