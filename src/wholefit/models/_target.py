"""A regressor taught on a standardised target. Imports scikit-learn: import it when building."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d


def _can_go_on(scaled: ScaledTarget) -> bool:
    return hasattr(scaled.estimator, "partial_fit")


class ScaledTarget(MetaEstimatorMixin, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Subtracts the target's mean and divides by its standard deviation around `estimator`.

    Penalties, tubes and step sizes then mean the same whatever unit the target is in. Offset
    and scale are learnt from the rows of `fit`, or of the first `partial_fit`, and then kept.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> ScaledTarget:
        """Learn offset and scale from `y` (n,), then the estimator on the scaled target."""
        y = self._learn_scale(y, sample_weight)
        self.estimator_ = clone(self.estimator)
        self.estimator_.fit(X, self._scaled(y), **_weights(sample_weight))
        return self._follow()

    @available_if(_can_go_on)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> ScaledTarget:
        """Teach the estimator more rows under the offset and scale of the first."""
        if hasattr(self, "estimator_"):
            y = _numbers(y)
        else:
            y = self._learn_scale(y, sample_weight)
            self.estimator_ = clone(self.estimator)
        self.estimator_.partial_fit(X, self._scaled(y), **_weights(sample_weight))
        return self._follow()

    def predict(self, X: Any) -> np.ndarray:
        """Numbers (n,) in the target's own units."""
        check_is_fitted(self, "estimator_")
        found = np.asarray(self.estimator_.predict(X), dtype=np.float64)
        return found * self.scale_ + self.offset_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = getattr(self.estimator, "__sklearn_tags__", None)
        if inner is not None:
            tags.input_tags.sparse = inner().input_tags.sparse
        return tags

    def _learn_scale(self, y: Any, sample_weight: Any) -> np.ndarray:
        y = _numbers(y)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, y)
        self.offset_ = float(np.average(y, weights=weights))
        spread = float(np.sqrt(np.average((y - self.offset_) ** 2, weights=weights)))
        self.scale_ = spread if spread > 0 and np.isfinite(spread) else 1.0
        return y

    def _scaled(self, y: np.ndarray) -> np.ndarray:
        return (y - self.offset_) / self.scale_

    def _follow(self) -> ScaledTarget:
        for name in ("n_features_in_", "feature_names_in_", "n_iter_"):
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        return self


def _numbers(y: Any) -> np.ndarray:
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None")
    return column_or_1d(y, warn=True).astype(np.float64)


def _weights(sample_weight: Any) -> dict[str, Any]:
    return {} if sample_weight is None else {"sample_weight": sample_weight}
