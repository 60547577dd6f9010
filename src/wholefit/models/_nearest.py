"""scikit-learn's neighbours with ties settled. Imports scikit-learn: import it when building.

Among rows at the same distance from the k-th place on, scikit-learn keeps whichever its search
met in a convenient order, which depends on algorithm, version and threads. Tables are full of
such ties (two passengers of one class, sex and age), so here the row that comes first is kept,
and a saved model answers exactly as the live one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.utils.validation import check_is_fitted, validate_data

from wholefit.models._kernels import neighbors as kernel

# Distances closer than this, relatively, are compared again one by one.
_CLOSE = 1e-10


class _Settled:
    """`kneighbors` that keeps the first of tied rows."""

    def kneighbors(self: Any, X: Any = None, n_neighbors: Any = None,
                   return_distance: bool = True) -> Any:
        """Distances (n, k), unless `return_distance` is False, and row numbers (n, k)."""
        check_is_fitted(self)
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        settles = self.metric == "minkowski" and not self.metric_params
        # The rest, and wrong numbers of neighbours, are scikit-learn's to answer.
        if X is None or not settles or not 0 < k <= self.n_samples_fit_:
            return super().kneighbors(X, n_neighbors, return_distance)  # type: ignore[misc]
        X = validate_data(self, X, accept_sparse="csr", reset=False, order="C")
        if k < self.n_samples_fit_:
            distance, row = super().kneighbors(X, k + 1)  # type: ignore[misc]
            distance, row = self._settle(_dense(X), distance, row, k)
        else:
            distance, row = kernel.nearest(_dense(self._fit_X), _dense(X), k, float(self.p))
        return (distance, row) if return_distance else row

    def _settle(self: Any, X: np.ndarray, distance: np.ndarray, row: np.ndarray,
                k: int) -> tuple[np.ndarray, np.ndarray]:
        """Look again at the questions whose k-th and next neighbour may be equally far."""
        rows = _dense(self._fit_X)
        tied = distance[:, k] - distance[:, k - 1] <= _CLOSE * distance[:, k]
        if self._fit_method == "brute" and self.p == 2:
            # A matrix product was at work: its distances are as rough as the kernel's screen.
            room = kernel.slack(X, np.einsum("ij,ij->i", rows, rows).max())
            tied |= distance[:, k] ** 2 - distance[:, k - 1] ** 2 <= 2 * room
            pairs = np.repeat(np.arange(len(X)), k), row[:, :k].ravel()
            distance = kernel.measure(X, rows, *pairs).reshape(-1, k)
            order = np.lexsort((row[:, :k], distance))
            row = np.take_along_axis(row[:, :k], order, axis=1)
            distance = np.take_along_axis(distance, order, axis=1)
        distance, row = distance[:, :k].copy(), row[:, :k].copy()
        if tied.any():
            distance[tied], row[tied] = kernel.nearest(rows, X[tied], k, float(self.p))
        return distance, row


class NearestClassifier(_Settled, KNeighborsClassifier):  # type: ignore[misc]
    """KNeighborsClassifier with ties settled by row order."""

    def predict_proba(self, X: Any) -> Any:
        """Shares of the neighbours' votes (n, classes)."""
        check_is_fitted(self)
        if X is None or self.outputs_2d_ or callable(self.weights):
            return super().predict_proba(X)
        distance, row = self.kneighbors(X)
        return kernel.votes(self._y[row], kernel.weigh(distance, self.weights),
                            len(self.classes_))

    def predict(self, X: Any) -> Any:
        """The class with the most votes (n,); the first of equals."""
        check_is_fitted(self)
        if X is None or self.outputs_2d_ or callable(self.weights):
            return super().predict(X)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class NearestRegressor(_Settled, KNeighborsRegressor):  # type: ignore[misc]
    """KNeighborsRegressor with ties settled by row order."""


def _dense(X: Any) -> np.ndarray:
    return np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=np.float64)
