"""The additive model as scikit-learn estimators. Imports scikit-learn: import when building."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from wholefit.base.state import State
from wholefit.models._additive import Settings, learn
from wholefit.models._kernels.additive import Additive

_MATRIX = {"dtype": [np.float64, np.float32], "ensure_all_finite": "allow-nan"}


class _Additive(BaseEstimator):  # type: ignore[misc]
    """What the two share: parameters, and `state_`, from which they answer."""

    def __init__(
        self, rate: float = 0.1, rounds: int = 1000, bins: int = 64, least: int = 5,
        interactions: int = 10, bags: int = 7, l2: float = 1.0,
        categorical: tuple[int, ...] = (), random_state: Any = 0,
    ) -> None:
        self.rate, self.rounds, self.bins, self.least = rate, rounds, bins, least
        self.interactions, self.bags, self.l2 = interactions, bags, l2
        self.categorical, self.random_state = categorical, random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _learn(self, X: np.ndarray, y: np.ndarray, weight: Any, classes: int) -> None:
        from sklearn.utils import check_random_state

        seed = self.random_state
        if not isinstance(seed, (int, np.integer)):
            seed = int(check_random_state(seed).randint(2**31 - 1))
        settings = Settings(self.rate, self.rounds, self.bins, self.least, self.interactions,
                            self.bags, self.l2, tuple(self.categorical), classes, int(seed))
        given = None if weight is None else _check_sample_weight(weight, X, dtype=np.float64)
        arrays, link = learn(X, y, given, settings)
        self.state_ = State("additive", {"link": link, "n_classes": classes, "classes": None},
                            arrays)

    def _kernel(self, X: Any) -> tuple[Additive, np.ndarray]:
        check_is_fitted(self, "state_")
        return Additive(self.state_), validate_data(self, X, reset=False, **_MATRIX)


class AdditiveClassifier(ClassifierMixin, _Additive):  # type: ignore[misc]
    """Classes from curves of single features and tables of pairs."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> AdditiveClassifier:
        """Fit on features (n, p), NaN for missing, and labels (n,)."""
        X, y = validate_data(self, X, y, **_MATRIX)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        self._learn(X, codes, sample_weight, max(2, len(self.classes_)))
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities (n, classes seen)."""
        kernel, whole = self._kernel(X)
        found = kernel.answer(whole)
        return np.ones((len(found), 1)) if len(self.classes_) == 1 else found

    def predict(self, X: Any) -> np.ndarray:
        """The most probable label (n,)."""
        found = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_)[found]


class AdditiveRegressor(RegressorMixin, _Additive):  # type: ignore[misc]
    """A number from curves of single features and tables of pairs."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> AdditiveRegressor:
        """Fit on features (n, p), NaN for missing, and numbers (n,)."""
        X, y = validate_data(self, X, y, y_numeric=True, **_MATRIX)
        self._learn(X, np.asarray(y, dtype=np.float64), sample_weight, 0)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Numbers (n,)."""
        kernel, whole = self._kernel(X)
        return kernel.answer(whole)
