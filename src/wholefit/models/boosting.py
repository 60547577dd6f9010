"""Boosting: trees grown one after another, each on what those before it got wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np

from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding, for_trees
from wholefit.models import _tree_states
from wholefit.models._hist import estimator_class, limited
from wholefit.models._model import Context, Model
from wholefit.models._watch import patience

Self = TypeVar("Self", bound="HistGradientBoosting")


@dataclass(frozen=True)
class AdaBoost(Model):
    """Small trees, rows weighted up where they are missed (Freund, Schapire 1997).

    Classes: SAMME (Zhu et al. 2009). Numbers: AdaBoost.R2 (Drucker 1997).
    """

    name: ClassVar[str] = "ada_boost"
    burden: ClassVar[int] = 40
    pace: ClassVar[float] = 3.0
    family: ClassVar[str] = "boosting"
    summary: ClassVar[str] = (
        "The first boosting method; sensitive to wrong labels, its probabilities are timid. "
        "Gradient boosting is usually better.")
    tasks: ClassVar[tuple[str, ...]] = ("classification", "regression")

    n_estimators: int = param(
        50, "Most trees; boosting stops early when a tree is perfect.", low=1,
        search=(50, 300), log=True)
    learning_rate: float = param(
        1.0, "How much each tree counts; smaller wants more trees.", above=0,
        search=(0.03, 2.0), log=True)
    max_depth: int | None = param(
        None, "Most questions in each tree; None is 1 for classes and 3 for numbers.",
        low=1, none=True, search=(1, 2, 3, 4))
    min_samples_leaf: int = param(
        1, "Fewest training rows in a leaf.", low=1, search=(1, 50), log=True)

    def encoding(self, task: Task) -> Encoding:
        """Codes, missing numbers replaced and marked: this learner takes none."""
        return for_trees(impute="median", indicator=True)

    def build(self, task: Task, context: Context) -> Any:
        """scikit-learn's AdaBoost over its decision trees."""
        from sklearn.ensemble import AdaBoostClassifier, AdaBoostRegressor
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        depth = self.max_depth or (1 if context.n_classes else 3)
        small = DecisionTreeClassifier if context.n_classes else DecisionTreeRegressor
        many = AdaBoostClassifier if context.n_classes else AdaBoostRegressor
        return many(small(max_depth=depth, min_samples_leaf=self.min_samples_leaf),
                    n_estimators=self.n_estimators, learning_rate=self.learning_rate,
                    random_state=context.seed)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Votes at the leaves for classes; numbers and tree weights for the median."""
        return _tree_states.ada_boost(estimator, context)


@dataclass(frozen=True)
class GradientBoosting(Model):
    """Trees fitted to the gradient of the loss, every threshold tried (Friedman 2001)."""

    name: ClassVar[str] = "gradient_boosting"
    burden: ClassVar[int] = 40
    pace: ClassVar[float] = 20.0
    family: ClassVar[str] = "boosting"
    summary: ClassVar[str] = (
        "Exact gradient boosting: good below some ten thousand rows; above, "
        "hist_gradient_boosting and lightgbm are as good and much faster.")
    tasks: ClassVar[tuple[str, ...]] = ("classification", "regression")

    n_estimators: int = param(
        100, "Rounds of boosting: trees, times the classes where there are more than two.",
        low=1, search=(50, 500), log=True)
    learning_rate: float = param(
        0.1, "How much each tree counts; smaller wants more trees.", above=0,
        search=(0.01, 0.3), log=True)
    max_depth: int | None = param(
        3, "Most questions in each tree; None sets no limit.", low=1, none=True,
        search=(1, 2, 3, 4, 6, 8))
    min_samples_leaf: int = param(
        1, "Fewest training rows in a leaf.", low=1, search=(1, 100), log=True)
    subsample: float = param(
        1.0, "Share of the rows drawn for each tree; below 1 is stochastic boosting.",
        above=0, high=1, search=(0.5, 1.0))
    max_features: float = param(
        1.0, "Share of the features looked at for each split.", above=0, high=1,
        search=(0.3, 1.0))
    loss: str = param(
        "default", "Log loss for classes and squared error for numbers; or, for numbers, "
        "absolute error or Huber's loss, which outliers move less.",
        choices=("default", "absolute_error", "huber"), search=("default",))

    def encoding(self, task: Task) -> Encoding:
        """Codes, missing numbers replaced and marked: this learner takes none."""
        return for_trees(impute="median", indicator=True)

    def build(self, task: Task, context: Context) -> Any:
        """scikit-learn's gradient boosting."""
        from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

        common = {
            "n_estimators": self.n_estimators, "learning_rate": self.learning_rate,
            "max_depth": self.max_depth, "min_samples_leaf": self.min_samples_leaf,
            "subsample": self.subsample, "max_features": self.max_features,
            "random_state": context.seed}
        if context.n_classes:
            return GradientBoostingClassifier(**common)
        loss = "squared_error" if self.loss == "default" else self.loss
        return GradientBoostingRegressor(loss=loss, **common)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """All trees, leaves scaled by the learning rate, and what the sum starts from."""
        return _tree_states.gradient_boosting(estimator, context)


@dataclass(frozen=True)
class HistGradientBoosting(Model):
    """Gradient boosting on binned values, missing and categories native (Ke et al. 2017)."""

    name: ClassVar[str] = "hist_gradient_boosting"
    burden: ClassVar[int] = 40
    pace: ClassVar[float] = 1.0
    family: ClassVar[str] = "boosting"
    summary: ClassVar[str] = (
        "Fast, accurate boosting for tables of any size; the first to try where no boosting "
        "library is installed.")
    tasks: ClassVar[tuple[str, ...]] = ("classification", "regression")

    n_estimators: int = param(
        300, "Rounds of boosting: trees, times the classes where there are more than two.",
        low=1, search=(50, 1000), log=True)
    learning_rate: float = param(
        0.05, "How much each tree counts; smaller wants more trees.", above=0,
        search=(0.01, 0.3), log=True)
    max_leaf_nodes: int | None = param(
        15, "Most leaves of a tree, grown best first; None sets no limit.", low=2, none=True,
        search=(7, 15, 31, 63, 127))
    max_depth: int | None = param(
        None, "Most questions from the root to a leaf; None sets no limit.", low=1, none=True)
    min_samples_leaf: int = param(
        20, "Fewest training rows in a leaf.", low=1, search=(5, 200), log=True)
    l2: float = param(
        1.0, "Penalty on leaf values (L2). With none, leaves of a rare class among several grow "
        "without bound.", low=0, search=(1e-3, 100.0), log=True)
    max_features: float = param(
        1.0, "Share of the features looked at for each split.", above=0, high=1,
        search=(0.3, 1.0))
    max_bins: int = param(
        255, "Bins that a feature's values fall into.", low=2, high=255)
    categories: str = param(
        "sets", "Split categories into two sets, or at a code as if it were a number.",
        choices=("sets", "codes"))
    max_levels: int = param(
        30, "Category features with more levels than this are split as numbers.", low=2, high=255)
    loss: str = param(
        "default", "Log loss for classes and squared error for numbers; or, for numbers, "
        "absolute error, or Poisson deviance for counts.",
        choices=("default", "absolute_error", "poisson"), search=("default",))
    balanced: bool = param(
        False, "Weigh classes inversely to their frequency (classification only).",
        search=(False,))
    early_stopping: int = patience()

    @classmethod
    def from_dict(cls: type[Self], values: dict[str, Any]) -> Self:
        """See `Params.from_dict`; files from when `early_stopping` was yes or no are understood."""
        if isinstance(values.get("early_stopping"), bool):
            values = {**values, "early_stopping": 10 if values["early_stopping"] else 0}
        return super().from_dict(values)

    def encoding(self, task: Task) -> Encoding:
        """Codes; missing values stay, each split learns where to send them."""
        return for_trees()

    def build(self, task: Task, context: Context) -> Any:
        """scikit-learn's histogram gradient boosting, kept to the context's threads."""
        common = {
            "jobs": context.jobs, "max_levels": self.max_levels, "max_iter": self.n_estimators,
            "learning_rate": self.learning_rate, "max_leaf_nodes": self.max_leaf_nodes,
            "max_depth": self.max_depth, "min_samples_leaf": self.min_samples_leaf,
            "l2_regularization": self.l2, "max_features": self.max_features,
            "max_bins": self.max_bins, "n_iter_no_change": self.early_stopping,
            "random_state": context.seed, "seconds": context.seconds,
            "categorical_features": context.categorical if self.categories == "sets" else ()}
        if context.n_classes:
            made = estimator_class("classifier")(
                class_weight="balanced" if self.balanced else None, **common)
        else:
            loss = "squared_error" if self.loss == "default" else self.loss
            made = estimator_class("regressor")(loss=loss, **common)
        made.by_count = context.counted
        return made

    def answer(self, estimator: Any, X: Any, task: Task, context: Context) -> np.ndarray:
        """The estimator's answer, computed with the context's threads."""
        with limited(context.jobs):
            return super().answer(estimator, X, task, context)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """All trees, sets of categories included."""
        return _tree_states.hist_gradient_boosting(estimator, context)
