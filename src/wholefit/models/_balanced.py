"""Copies of an estimator, each taught a balanced draw of the rows. Imports scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from wholefit.models._kernels.shifted import shifted


class BalancedMembers(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The mean of copies, each fitted to as many rows of every class (times `ratio`).

    With `bootstrap`, each copy's rows of a class are drawn with replacement, as many as the
    smallest class has (Chen, Liaw, Breiman 2004); without, all rows of the smallest class and
    a subset of each other (Liu, Wu, Zhou 2009). With `correct`, the mean is brought back to the
    frequencies of the classes in the rows given (Elkan 2001).
    """

    def __init__(
        self, estimator: Any, n_estimators: int = 10, ratio: float = 1.0, bootstrap: bool = True,
        correct: bool = True, n_jobs: int | None = None, random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.ratio = ratio
        self.bootstrap = bootstrap
        self.correct = correct
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> BalancedMembers:
        """Learn from features (n, p) and labels (n,)."""
        X, y = validate_data(self, X, y, accept_sparse="csr", ensure_all_finite=False,
                             dtype=[np.float64, np.float32])
        check_classification_targets(y)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("the number of classes has to be greater than one; got 1 class")
        random = check_random_state(self.random_state)
        seeds = random.randint(np.iinfo(np.int32).max, size=self.n_estimators)
        self.estimators_ = self._all(X, codes, weights, seeds)
        self.factor_ = self._factor(codes, weights)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities (n, classes)."""
        check_is_fitted(self, "estimators_")
        X = validate_data(self, X, accept_sparse="csr", ensure_all_finite=False, reset=False,
                          dtype=[np.float64, np.float32])
        total = np.zeros((X.shape[0], len(self.classes_)))
        for member in self.estimators_:
            total[:, member.classes_] += member.predict_proba(X)
        return shifted(total / len(self.estimators_), self.factor_)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row (n,)."""
        found = self.predict_proba(X)
        return self.classes_[found.argmax(axis=1)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = getattr(self.estimator, "__sklearn_tags__", None)
        if inner is not None:
            tags.input_tags.sparse = inner().input_tags.sparse
            tags.input_tags.allow_nan = inner().input_tags.allow_nan
        return tags

    def _all(
        self, X: Any, codes: np.ndarray, weights: Any, seeds: np.ndarray
    ) -> list[Any]:
        from concurrent.futures import ThreadPoolExecutor

        def one(seed: int) -> Any:
            rows = self._rows(codes, weights, np.random.RandomState(seed))
            member = clone(self.estimator)
            if "random_state" in member.get_params():
                member.set_params(random_state=int(seed))
            heavy = {} if weights is None else {"sample_weight": weights[rows]}
            return member.fit(X[rows], codes[rows], **heavy)

        if (self.n_jobs or 1) == 1:
            return [one(seed) for seed in seeds]
        with ThreadPoolExecutor(self.n_jobs) as pool:
            return list(pool.map(one, seeds))

    def _rows(self, codes: np.ndarray, weights: Any, random: Any) -> np.ndarray:
        """A draw of rows with as many of every class; rows of weight 0 are not drawn."""
        counted = codes if weights is None else np.where(weights > 0, codes, -1)
        groups = [np.flatnonzero(counted == code) for code in range(len(self.classes_))]
        groups = [group for group in groups if len(group)]
        fewest = min(map(len, groups))
        most = max(fewest, round(fewest / self.ratio))
        drawn = []
        for group in groups:
            size = min(len(group), most)
            drawn.append(random.choice(group, size, replace=self.bootstrap))
        return np.sort(np.concatenate(drawn))

    def _factor(self, codes: np.ndarray, weights: Any) -> np.ndarray:
        """Frequency of each class over its frequency in a draw."""
        now = np.bincount(codes, weights=weights)
        if not self.correct:
            return np.ones(len(now))
        counts = np.bincount(codes if weights is None else codes[weights > 0],
                             minlength=len(now))
        fewest = counts[counts > 0].min()
        size = np.minimum(counts, max(fewest, round(fewest / self.ratio)))
        drawn = size if weights is None else size * np.divide(
            now, counts, out=np.zeros(len(now)), where=counts > 0)
        factor = np.divide(now, drawn, out=np.ones(len(now)), where=drawn > 0)
        return factor / factor.sum()
