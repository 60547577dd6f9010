"""scikit-learn's histogram gradient boosting, kept to a number of threads and safe categories.

The subclasses are made when first asked for, so that the catalog wakes no library; pickle
finds them by name in this module all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from wholefit.base.cores import cores

_NAMES = {"classifier": "HistClassifier", "regressor": "HistRegressor"}


def estimator_class(kind: str) -> Any:
    """The class for kind "classifier" or "regressor"."""
    name = _NAMES[kind]
    if name not in globals():
        globals()[name] = _made(kind, name)
    return globals()[name]


def __getattr__(name: str) -> Any:
    for kind, known in _NAMES.items():
        if name == known:
            return estimator_class(kind)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@contextmanager
def limited(jobs: int) -> Iterator[None]:
    """Inside, OpenMP uses at most `jobs` threads."""
    if jobs >= cores():
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(jobs, user_api="openmp"):
        yield


class _Careful:
    """What is added to scikit-learn's estimator: `jobs`, and categories it can take."""

    categorical_features: Any
    max_bins: int
    max_levels: int
    jobs: int

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Fit; a category feature with more than `max_levels` codes is split as a number."""
        asked = self.categorical_features
        most = min(self.max_levels, self.max_bins)
        self.categorical_features = narrow(asked, X, most) or None
        try:
            with limited(self.jobs):
                return super().fit(X, y, sample_weight)  # type: ignore[misc]
        finally:
            self.categorical_features = asked


class _CarefulClassifier(_Careful):
    def __init__(
        self, *, jobs: int = 1, learning_rate: float = 0.1, max_iter: int = 100,
        max_leaf_nodes: int | None = 31, max_depth: int | None = None,
        min_samples_leaf: int = 20, l2_regularization: float = 0.0, max_features: float = 1.0,
        max_bins: int = 255, categorical_features: Any = (), max_levels: int = 255,
        early_stopping: bool = False, n_iter_no_change: int = 10,
        class_weight: Any = None, random_state: Any = None,
    ) -> None:
        super().__init__(  # type: ignore[call-arg]
            learning_rate=learning_rate, max_iter=max_iter, max_leaf_nodes=max_leaf_nodes,
            max_depth=max_depth, min_samples_leaf=min_samples_leaf,
            l2_regularization=l2_regularization, max_features=max_features, max_bins=max_bins,
            categorical_features=categorical_features, early_stopping=early_stopping,
            n_iter_no_change=n_iter_no_change, class_weight=class_weight,
            random_state=random_state)
        self.jobs = jobs
        self.max_levels = max_levels


class _CarefulRegressor(_Careful):
    def __init__(
        self, *, jobs: int = 1, loss: str = "squared_error", learning_rate: float = 0.1,
        max_iter: int = 100, max_leaf_nodes: int | None = 31, max_depth: int | None = None,
        min_samples_leaf: int = 20, l2_regularization: float = 0.0, max_features: float = 1.0,
        max_bins: int = 255, categorical_features: Any = (), max_levels: int = 255,
        early_stopping: bool = False, n_iter_no_change: int = 10, random_state: Any = None,
    ) -> None:
        super().__init__(  # type: ignore[call-arg]
            loss=loss, learning_rate=learning_rate, max_iter=max_iter,
            max_leaf_nodes=max_leaf_nodes, max_depth=max_depth,
            min_samples_leaf=min_samples_leaf, l2_regularization=l2_regularization,
            max_features=max_features, max_bins=max_bins,
            categorical_features=categorical_features, early_stopping=early_stopping,
            n_iter_no_change=n_iter_no_change, random_state=random_state)
        self.jobs = jobs
        self.max_levels = max_levels


def _made(kind: str, name: str) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    parents = {"classifier": (_CarefulClassifier, HistGradientBoostingClassifier),
               "regressor": (_CarefulRegressor, HistGradientBoostingRegressor)}
    return type(name, parents[kind], {"__module__": __name__, "__doc__": _Careful.__doc__})


def narrow(features: Sequence[int], X: Any, most: int | None) -> list[int]:
    """Those of the category `features` that have no more than `most` codes in X (n, p)."""
    columns = np.asarray(X)
    return [int(feature) for feature in features
            if most is None or len(np.unique(_known(columns[:, feature]))) <= most]


def _known(codes: np.ndarray) -> np.ndarray:
    return codes[~np.isnan(codes)]
