"""Honest probabilities from margins. Imports scikit-learn: import it when building."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    column_or_1d,
)

from wholefit.models._kernels.calibrated import probabilities


def _can_go_on(classifier: MarginClassifier) -> bool:
    return hasattr(classifier.estimator, "partial_fit")


class MarginClassifier(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier that gives margins, with sigmoids that turn them into probabilities.

    Each row's margin comes from a member that was not taught that row (`cv` folds, shuffled,
    with the classes in proportion); a sigmoid for each class is fitted to them by maximum
    likelihood (Platt 1999, with the smoothed targets there and the Newton iteration of Lin, Lin
    and Weng 2007), one class against the rest, and the results are normalised. The margins that
    answer come from `estimator_`, taught on all rows, so fitting costs cv + 1 fits.

    Where a class has fewer rows than `cv`, nothing can be held out: the sigmoid is then the
    plain 1 / (1 + exp(-margin)). `partial_fit` teaches the estimator and keeps the sigmoids.

    `cv` may also be a list of (train rows, test rows), whose test rows must cover all rows.
    There is no `decision_function`: the border that it would draw is not where one class
    becomes more probable than another, and tools take the two for the same.
    """

    def __init__(self, estimator: Any, cv: Any = 3, random_state: int | None = 0) -> None:
        self.estimator = estimator
        self.cv = cv
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MarginClassifier:
        """Learn from features (n, p) and labels (n,)."""
        y = _labels(y)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        if isinstance(self.cv, int):
            X, y, weights = _counted(X, y, weights)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("the number of classes has to be greater than one; got 1 class")
        self.estimator_ = _taught(self.estimator, X, y, weights)
        self._follow()
        self._fit_sigmoids(X, y, codes, weights)
        return self

    @available_if(_can_go_on)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, classes: Any = None,
                    sample_weight: Any = None) -> MarginClassifier:
        """Teach the estimator more rows; the first call fits sigmoids if it holds all classes."""
        if hasattr(self, "estimator_"):
            self.estimator_.partial_fit(X, y, **_weights(sample_weight))
            return self
        wanted = np.unique(_labels(y) if classes is None else classes)
        if np.array_equal(np.unique(_labels(y)), wanted):
            return self.fit(X, y, sample_weight)
        self.estimator_ = clone(self.estimator)
        self.estimator_.partial_fit(X, y, classes=wanted, **_weights(sample_weight))
        self.classes_ = self.estimator_.classes_
        self._plain()
        return self._follow()

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities (n, classes)."""
        check_is_fitted(self, "estimator_")
        found = margins(self.estimator_, X, len(self.classes_))
        return probabilities(found, self.slope_, self.offset_)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row (n,)."""
        found = self.predict_proba(X)
        return self.classes_[found.argmax(axis=1)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = getattr(self.estimator, "__sklearn_tags__", None)
        if inner is not None:
            tags.input_tags.sparse = inner().input_tags.sparse
        return tags

    def _fit_sigmoids(self, X: Any, y: np.ndarray, codes: np.ndarray, weights: Any) -> None:
        if isinstance(self.cv, int) and np.bincount(codes).min() < self.cv:
            self._plain()
            return
        held_out = self._held_out(X, y, codes, weights)
        columns = held_out[:, None] if held_out.ndim == 1 else held_out
        yes = range(1, 2) if held_out.ndim == 1 else range(len(self.classes_))
        fitted = [platt(columns[:, i], codes == code, weights) for i, code in enumerate(yes)]
        self.slope_ = np.array([slope for slope, _ in fitted])
        self.offset_ = np.array([offset for _, offset in fitted])

    def _held_out(self, X: Any, y: np.ndarray, codes: np.ndarray, weights: Any) -> np.ndarray:
        """Each row's margins, from a member that was not taught the row."""
        k = len(self.classes_)
        found = np.empty(len(y) if k == 2 else (len(y), k))
        for train, test in self._splits(codes):
            member = _taught(self.estimator, _rows(X, train), y[train],
                             None if weights is None else weights[train])
            found[test] = margins(member, _rows(X, test), k)
        return found

    def _splits(self, codes: np.ndarray) -> Iterable[tuple[np.ndarray, np.ndarray]]:
        if not isinstance(self.cv, int):
            return self.cv
        folds = StratifiedKFold(self.cv, shuffle=True, random_state=self.random_state)
        return folds.split(np.zeros(len(codes)), codes)

    def _plain(self) -> None:
        outputs = 1 if len(self.classes_) == 2 else len(self.classes_)
        self.slope_, self.offset_ = np.ones(outputs), np.zeros(outputs)

    def _follow(self) -> MarginClassifier:
        for name in ("n_features_in_", "feature_names_in_", "n_iter_"):
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        return self


def margins(estimator: Any, X: Any, n_classes: int) -> np.ndarray:
    """Decision values (n,) or (n, classes); of a classifier without any, +1 and -1."""
    if hasattr(estimator, "decision_function"):
        return np.asarray(estimator.decision_function(X), dtype=np.float64)
    hits = np.asarray(estimator.predict(X))[:, None] == estimator.classes_[None, :]
    signs = np.where(hits, 1.0, -1.0)
    return signs[:, 1] if n_classes == 2 else signs


def platt(margin: np.ndarray, yes: np.ndarray, weights: np.ndarray | None = None,
          steps: int = 100) -> tuple[float, float]:
    """Slope and offset of the sigmoid that makes `margin` (n,) the probability of `yes` (n,).

    Newton's method with backtracking on the log loss against smoothed targets: (n+ + 1) /
    (n+ + 2) for yes, 1 / (n- + 2) for no (Platt 1999; Lin, Lin and Weng 2007).
    """
    weights = np.ones(len(margin)) if weights is None else weights
    scale = float(np.abs(margin).max()) or 1.0
    above, below = weights[yes].sum(), weights[~yes].sum()
    target = np.where(yes, (above + 1) / (above + 2), 1 / (below + 2))
    design = np.stack([margin / scale, np.ones(len(margin))], axis=1)
    found = np.array([0.0, np.log((above + 1) / (below + 1))])
    loss = _log_loss(design @ found, target, weights)
    for _ in range(steps):
        step, gradient = _newton(design, found, target, weights)
        if np.abs(gradient).max() < 1e-9 * len(margin):
            break
        found, loss, moved = _backtrack(design, found, step, target, weights, loss)
        if not moved:
            break
    return float(found[0] / scale), float(found[1])


def _newton(design: np.ndarray, at: np.ndarray, target: np.ndarray,
            weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    chance = 1 / (1 + np.exp(-np.clip(design @ at, -500, 500)))
    gradient = design.T @ (weights * (chance - target))
    curve = (design * (weights * chance * (1 - chance))[:, None]).T @ design
    return np.linalg.solve(curve + 1e-12 * np.eye(2), gradient), gradient


def _backtrack(design: np.ndarray, at: np.ndarray, step: np.ndarray, target: np.ndarray,
               weights: np.ndarray, loss: float) -> tuple[np.ndarray, float, bool]:
    size = 1.0
    while size > 1e-10:
        tried = at - size * step
        new = _log_loss(design @ tried, target, weights)
        if new < loss:
            return tried, new, True
        size /= 2
    return at, loss, False


def _log_loss(raw: np.ndarray, target: np.ndarray, weights: np.ndarray) -> float:
    return float(weights @ (np.logaddexp(0, raw) - target * raw))


def _taught(estimator: Any, X: Any, y: Any, weights: Any) -> Any:
    return clone(estimator).fit(X, y, **_weights(weights))


def _weights(weights: Any) -> dict[str, Any]:
    return {} if weights is None else {"sample_weight": weights}


def _counted(X: Any, y: np.ndarray, weights: Any) -> tuple[Any, np.ndarray, Any]:
    """The rows that count: one of weight 0 must not stand for its class in a fold."""
    if weights is None or (weights != 0).all():
        return X, y, weights
    kept = np.flatnonzero(weights)
    return _rows(X, kept), y[kept], weights[kept]


def _rows(X: Any, rows: np.ndarray) -> Any:
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return X.tocsr()[rows] if hasattr(X, "tocsr") else np.asarray(X)[rows]


def _labels(y: Any) -> np.ndarray:
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None")
    y = column_or_1d(y, warn=True)
    check_classification_targets(y)
    return y
