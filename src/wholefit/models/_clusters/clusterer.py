"""The base of the estimators that cluster. Imports scikit-learn: import it when building."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin

from wholefit.base.state import State
from wholefit.models._clusters.base import checked, clusters_in, predict


class Clusterer(ClusterMixin, BaseEstimator):  # type: ignore[misc]
    """Base of the estimators: `_learn` gives a State, the labels follow from it."""

    state_: State

    def fit(self, X: Any, y: Any = None) -> Clusterer:
        """Learn from rows (n, p); `y` is not looked at."""
        self._rows = checked(X)
        self._labels: np.ndarray | None = None
        self.state_ = self._learn(self._rows)
        return self

    @property
    def labels_(self) -> np.ndarray:
        """Labels (n,) of the rows learnt from, worked out when they are first asked for."""
        if self._labels is None:
            self._labels = predict(self.state_, self._rows)
        return self._labels

    @property
    def clusters_(self) -> int:
        """How many clusters there are."""
        return clusters_in(self.state_)

    def fit_predict(self, X: Any, y: Any = None) -> np.ndarray:
        """Learn, and the labels (n,) of the rows learnt from."""
        return self.fit(X).labels_

    def predict(self, X: Any) -> np.ndarray:
        """Labels (n,) of new rows."""
        return predict(self.state_, X)

    def _learn(self, X: np.ndarray) -> State:
        raise NotImplementedError
