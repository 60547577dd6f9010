"""Forests: the mean of many trees, each grown on its own draw of rows and features."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding, for_trees
from wholefit.models import _tree_states
from wholefit.models._model import Context, Model
from wholefit.models.tree import criterion


@dataclass(frozen=True)
class RandomForest(Model):
    """Trees on bootstrap samples, a random share of features at each split (Breiman 2001)."""

    name: ClassVar[str] = "random_forest"
    burden: ClassVar[int] = 50
    pace: ClassVar[float] = 3.0
    family: ClassVar[str] = "trees"
    summary: ClassVar[str] = (
        "A strong, forgiving default for tables: little to tune, hard to overfit; large on "
        "disk, and its probabilities shy away from 0 and 1.")
    tasks: ClassVar[tuple[str, ...]] = ("classification", "regression")
    bootstrap: ClassVar[bool] = True

    n_estimators: int = param(
        100, "Number of trees; more is steadier and slower, never worse on average.",
        low=1, search=(100, 500), log=True)
    max_depth: int | None = param(
        None, "Most questions from the root to a leaf; None grows until other limits stop it.",
        low=1, none=True, search=(8, 16, 32, None))
    min_samples_leaf: int | None = param(
        None, "Fewest training rows in a leaf; larger values smooth probabilities. None is 1 "
        "for numbers; for classes 5, or one for every 200 rows where there are fewer than 1000.",
        low=1, none=True, search=(None, 1, 2, 3, 5, 10, 20))
    min_samples_split: int = param(
        2, "Fewest training rows a node must have to be split.", low=2)
    max_features: float | None = param(
        None, "Share of the features looked at for each split; None is the square root of "
        "their number for classes and all of them for numbers.",
        above=0, high=1, none=True, search=(None, 0.2, 0.33, 0.5, 0.75, 1.0))
    max_leaf_nodes: int | None = param(
        None, "Most leaves a tree may have; None sets no limit.", low=2, none=True)
    max_samples: float | None = param(
        None, "Share of the rows drawn for each tree, with replacement; None draws as many as "
        "there are. Ignored where trees see all rows.", above=0, high=1, none=True,
        search=(None, 0.5, 0.8))
    criterion: str = param(
        "default", "What a split improves: Gini impurity or entropy for classes, squared error "
        "or Poisson deviance for numbers; the default is Gini or squared error.",
        choices=("default", "entropy", "poisson"), search=("default",))
    balanced: bool = param(
        False, "Weigh classes inversely to their frequency (classification only).",
        search=(False,))

    def encoding(self, task: Task) -> Encoding:
        """Codes; missing values stay, each split learns where to send them."""
        return for_trees()

    def build(self, task: Task, context: Context) -> Any:
        """scikit-learn's forest."""
        classifier, regressor = self._classes()
        whole = "sqrt" if context.n_classes else 1.0
        common = {
            "n_estimators": self.n_estimators, "max_depth": self.max_depth,
            "min_samples_leaf": self.min_samples_leaf or _leaf(context),
            "min_samples_split": self.min_samples_split, "max_leaf_nodes": self.max_leaf_nodes,
            "max_features": whole if self.max_features is None else self.max_features,
            "max_samples": self.max_samples if self.bootstrap else None,
            "bootstrap": self.bootstrap, "n_jobs": context.jobs, "random_state": context.seed,
            "criterion": criterion(self.criterion, context, type(self).__name__)}
        if context.n_classes:
            return classifier(class_weight="balanced" if self.balanced else None, **common)
        return regressor(**common)

    def answer(self, estimator: Any, X: Any, task: Task, context: Context) -> np.ndarray:
        """The forest's mean, summed in the order of its trees.

        scikit-learn adds trees up in the order in which threads finish, so the last bits would
        change from call to call; threads take rows here instead.
        """
        single = copy.copy(estimator)
        single.n_jobs = 1
        if context.jobs == 1 or X.shape[0] < 1000:
            return Model.answer(self, single, X, task, context)
        pieces = np.array_split(np.arange(X.shape[0]), context.jobs)
        with ThreadPoolExecutor(context.jobs) as pool:
            found = pool.map(
                lambda rows: Model.answer(self, single, X[rows], task, context), pieces)
            return np.concatenate(list(found))

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """The arrays of all trees."""
        return _tree_states.mean(estimator.estimators_, estimator, context)

    def _classes(self) -> tuple[type, type]:
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        return RandomForestClassifier, RandomForestRegressor


def _leaf(context: Context) -> int:
    """Leaves of one row say 0 or 1; on real tables, leaves of five score better log loss."""
    return min(5, max(1, context.rows // 200)) if context.n_classes else 1


@dataclass(frozen=True)
class ExtraTrees(RandomForest):
    """Trees on all rows, split at random thresholds (Geurts, Ernst, Wehenkel 2006)."""

    name: ClassVar[str] = "extra_trees"
    burden: ClassVar[int] = 50
    pace: ClassVar[float] = 3.0
    summary: ClassVar[str] = (
        "Like a random forest with more randomness: faster to grow, often smoother, sometimes "
        "better on noisy numbers.")
    bootstrap: ClassVar[bool] = False

    def _classes(self) -> tuple[type, type]:
        from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

        return ExtraTreesClassifier, ExtraTreesRegressor
