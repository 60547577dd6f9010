"""Rule lists as scikit-learn estimators. Imports scikit-learn: import when building."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from wholefit.base.state import State
from wholefit.models._kernels.rule_list import RuleList
from wholefit.models._rules_learn import Settings, learn

_MATRIX = {"dtype": [np.float64, np.float32], "ensure_all_finite": "allow-nan"}


class _RuleList(BaseEstimator):  # type: ignore[misc]
    """What the two share: parameters, and `state_`, from which they answer."""

    def __init__(
        self, rules: int = 8, conditions: int = 3, least: int = 10, level: float = 0.05,
        categorical: tuple[int, ...] = (), random_state: Any = 0,
    ) -> None:
        self.rules, self.conditions, self.least, self.level = rules, conditions, least, level
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
        settings = Settings(self.rules, self.conditions, self.least, self.level,
                            tuple(self.categorical), classes, int(seed))
        given = None if weight is None else _check_sample_weight(weight, X, dtype=np.float64)
        self.state_ = State(
            "rule_list", {"n_classes": classes, "classes": None, "features": X.shape[1]},
            learn(X, y, given, settings))

    def _answer(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "state_")
        return RuleList(self.state_).answer(validate_data(self, X, reset=False, **_MATRIX))


class RuleListClassifier(ClassifierMixin, _RuleList):  # type: ignore[misc]
    """Classes by the first rule that a row meets."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> RuleListClassifier:
        """Fit on features (n, p), NaN for missing, and labels (n,)."""
        X, y = validate_data(self, X, y, **_MATRIX)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        self._learn(X, codes, sample_weight, len(self.classes_))
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities (n, classes seen)."""
        return self._answer(X)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable label (n,)."""
        found = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_)[found]


class RuleListRegressor(RegressorMixin, _RuleList):  # type: ignore[misc]
    """A number by the first rule that a row meets."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> RuleListRegressor:
        """Fit on features (n, p), NaN for missing, and numbers (n,)."""
        X, y = validate_data(self, X, y, y_numeric=True, **_MATRIX)
        self._learn(X, np.asarray(y, dtype=np.float64), sample_weight, 0)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Numbers (n,)."""
        return self._answer(X)
