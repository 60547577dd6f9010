"""scikit-learn's histogram gradient boosting, kept to a number of threads and safe categories.

The subclasses are made when first asked for, so that the catalog wakes no library; pickle
finds them by name in this module all the same.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from wholefit.base.cores import cores
from wholefit.models._watch import Clocked, Watch, held_out, rounds_to_keep

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


class _Careful(Clocked):
    """What is added to scikit-learn's estimator: `jobs`, categories it can take, rows to watch.

    `curve_` (rounds,) is the mean loss of the rows watched after each round, which end training
    `n_iter_no_change` rounds after it was lowest (0: never); without rows to watch it is empty.
    """

    categorical_features: Any
    loss: str
    max_bins: int
    max_iter: int
    max_levels: int
    jobs: int
    n_iter_no_change: int
    validation_score_: np.ndarray
    _predictors: list[Any]
    _rows: Watch | None = None

    def fit(self, X: Any, y: Any, sample_weight: Any = None, watch: Any = None) -> Any:
        """Fit; a category feature with more than `max_levels` codes is split as a number.

        `watch` holds out (X, y, weight or None).
        """
        self._begun = time.perf_counter()
        given = dict(vars(self))
        self.categorical_features = narrow(
            self.categorical_features, X, min(self.max_levels, self.max_bins)) or None
        try:
            with limited(self.jobs):
                return self._learn(X, y, sample_weight, watch)
        finally:
            for name in _SET_ASIDE:
                setattr(self, name, given[name])

    def _learn(self, X: Any, y: Any, sample_weight: Any, watch: Any) -> Any:
        rows, self.counted_ = None, []
        if watch is not None:
            from sklearn.utils.validation import validate_data

            validate_data(self, X, skip_check_array=True)
            rows = held_out(self, watch, self.n_iter_no_change, *self._known(y))
        self.n_iter_no_change = self.n_iter_no_change or self.max_iter + 1
        if rows is None:
            super().fit(X, y, sample_weight)  # type: ignore[misc]
            self.curve_ = np.zeros(0)
            return self
        self.early_stopping, self.tol = True, 0.0
        labels = rows.y if (known := self._known(y)[0]) is None else known[rows.y]
        self._rows = self._bound(rows)
        try:
            super().fit(X, y, sample_weight, X_val=rows.X, y_val=labels,  # type: ignore[misc]
                        sample_weight_val=rows.weight)
        finally:
            self._rows = None
        # Its first score is that of no round; of squared errors it takes the half.
        self.curve_ = -self.validation_score_[1:] * (2 if self.loss == "squared_error" else 1)
        self.counted_ = rows.counted(len(self.curve_))
        return self

    def _should_stop(self, scores: Any) -> bool:
        """scikit-learn's own rule, asked after each round, or the clock's."""
        rounds = len(scores) - 1
        return bool(super()._should_stop(scores)) or (  # type: ignore[misc]
            self._rows is not None and rounds > 0 and self._rows.over(rounds))

    def _known(self, y: Any) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Labels to learn (None: numbers), and what each weighs (None: the same)."""
        return None, None

    def cut(self, rounds: int) -> Any:
        """Keep the first `rounds` rounds, in place; `curve_` stays as it was."""
        self._predictors = self._predictors[:rounds_to_keep(rounds)]
        return self


# Parameters of scikit-learn's that stand for ours while it fits.
_SET_ASIDE = ("categorical_features", "early_stopping", "tol", "n_iter_no_change")


class _CarefulClassifier(_Careful):
    class_weight: Any

    def _known(self, y: Any) -> tuple[np.ndarray | None, np.ndarray | None]:
        classes, count = np.unique(y, return_counts=True)
        balanced = self.class_weight == "balanced"
        return classes, count.sum() / (len(count) * count) if balanced else None

    def __init__(
        self, *, jobs: int = 1, learning_rate: float = 0.1, max_iter: int = 100,
        max_leaf_nodes: int | None = 31, max_depth: int | None = None,
        min_samples_leaf: int = 20, l2_regularization: float = 0.0, max_features: float = 1.0,
        max_bins: int = 255, categorical_features: Any = (), max_levels: int = 255,
        n_iter_no_change: int = 0, class_weight: Any = None, random_state: Any = None,
        seconds: float | None = None,
    ) -> None:
        super().__init__(  # type: ignore[call-arg]
            learning_rate=learning_rate, max_iter=max_iter, max_leaf_nodes=max_leaf_nodes,
            max_depth=max_depth, min_samples_leaf=min_samples_leaf,
            l2_regularization=l2_regularization, max_features=max_features, max_bins=max_bins,
            categorical_features=categorical_features, early_stopping=False,
            n_iter_no_change=n_iter_no_change, class_weight=class_weight,
            random_state=random_state)
        self.jobs = jobs
        self.max_levels = max_levels
        self.seconds = seconds


class _CarefulRegressor(_Careful):
    def __init__(
        self, *, jobs: int = 1, loss: str = "squared_error", learning_rate: float = 0.1,
        max_iter: int = 100, max_leaf_nodes: int | None = 31, max_depth: int | None = None,
        min_samples_leaf: int = 20, l2_regularization: float = 0.0, max_features: float = 1.0,
        max_bins: int = 255, categorical_features: Any = (), max_levels: int = 255,
        n_iter_no_change: int = 0, random_state: Any = None, seconds: float | None = None,
    ) -> None:
        super().__init__(  # type: ignore[call-arg]
            loss=loss, learning_rate=learning_rate, max_iter=max_iter,
            max_leaf_nodes=max_leaf_nodes, max_depth=max_depth,
            min_samples_leaf=min_samples_leaf, l2_regularization=l2_regularization,
            max_features=max_features, max_bins=max_bins,
            categorical_features=categorical_features, early_stopping=False,
            n_iter_no_change=n_iter_no_change, random_state=random_state)
        self.jobs = jobs
        self.max_levels = max_levels
        self.seconds = seconds


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
