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
        if self._fit_method in ("kd_tree", "ball_tree") and k < self.n_samples_fit_:
            distance, row = super().kneighbors(X, k + 1)  # type: ignore[misc]
            distance, row = self._settle(X, distance, row, k)
        else:
            distance, row = kernel.nearest(self._dense_rows(), _dense(X), k, float(self.p))
        return (distance, row) if return_distance else row

    def _settle(self: Any, X: Any, distance: np.ndarray, row: np.ndarray,
                k: int) -> tuple[np.ndarray, np.ndarray]:
        """Look again at the queries whose k-th and next neighbour are equally far."""
        tied = np.flatnonzero(distance[:, k] - distance[:, k - 1] <= _CLOSE * distance[:, k])
        distance, row = distance[:, :k], row[:, :k]
        if len(tied):
            distance[tied], row[tied] = kernel.nearest(
                self._dense_rows(), _dense(X[tied]), k, float(self.p))
        return distance, row

    def _dense_rows(self: Any) -> np.ndarray:
        return _dense(self._fit_X)


class NearestClassifier(_Settled, KNeighborsClassifier):
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


class NearestRegressor(_Settled, KNeighborsRegressor):
    """KNeighborsRegressor with ties settled by row order."""


def _dense(X: Any) -> np.ndarray:
    return np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=np.float64)
