"""XGBoost: regularised gradient boosting that grows level by level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from wholefit.base.optional import need
from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding, for_trees
from wholefit.models._boosted import boosted, boosted_state
from wholefit.models._kernels.native import xgboost_matrix
from wholefit.models._model import Context, Model
from wholefit.models._watch import Watch, patience


@dataclass(frozen=True)
class XGBoost(Model):
    """Boosting with second-order gains and penalised leaves (Chen, Guestrin 2016)."""

    name: ClassVar[str] = "xgboost"
    burden: ClassVar[int] = 40
    pace: ClassVar[float] = 1.0
    family: ClassVar[str] = "boosting"
    summary: ClassVar[str] = (
        "Usually among the two or three most accurate on tables; a little slower than LightGBM.")
    tasks: ClassVar[tuple[str, ...]] = ("classification", "regression")
    requires: ClassVar[str | None] = "xgboost"
    extra: ClassVar[str | None] = "boost"

    n_estimators: int = param(
        300, "Rounds of boosting: trees, times the classes where there are more than two.",
        low=1, search=(50, 1000), log=True)
    learning_rate: float = param(
        0.05, "How much each tree counts (eta); smaller wants more trees.", above=0,
        search=(0.01, 0.3), log=True)
    max_depth: int = param(
        4, "Most questions from the root to a leaf.", low=1, high=60, search=(2, 12))
    min_child_weight: float = param(
        1.0, "Smallest sum of row weights (second derivatives of the loss) in a leaf.", low=0,
        search=(0.1, 100.0), log=True)
    subsample: float = param(
        1.0, "Share of the rows drawn for each tree.", above=0, high=1, search=(0.5, 1.0))
    max_features: float = param(
        1.0, "Share of the features drawn for each tree (colsample_bytree).", above=0, high=1,
        search=(0.3, 1.0))
    l1: float = param(
        0.0, "Penalty on leaf values (alpha).", low=0, search=(1e-8, 10.0), log=True)
    l2: float = param(
        1.0, "Squared penalty on leaf values (lambda).", low=0, search=(1e-3, 100.0), log=True)
    min_gain: float = param(
        0.0, "Smallest gain of the loss that a split must bring (gamma).", low=0,
        search=(1e-8, 10.0), log=True)
    max_bins: int = param(256, "Bins that a feature's values fall into.", low=2)
    categories: str = param(
        "sets", "Split categories into two sets, or at a code as if it were a number.",
        choices=("sets", "codes"))
    max_levels: int = param(
        30, "Category features with more levels than this are split as numbers.", low=2)
    loss: str = param(
        "default", "Log loss for classes and squared error for numbers; or, for numbers, "
        "absolute error, or Poisson deviance for counts.",
        choices=("default", "absolute_error", "poisson"), search=("default",))
    balanced: bool = param(
        False, "Weigh classes inversely to their frequency (classification only).",
        search=(False,))
    early_stopping: int = patience()

    def encoding(self, task: Task) -> Encoding:
        """Codes; missing values stay, each split learns where to send them."""
        return for_trees()

    def build(self, task: Task, context: Context) -> Any:
        """XGBoost behind the scikit-learn interface of `_boosted`."""
        need("xgboost", extra="boost", user="XGBoost")
        params: dict[str, Any] = {
            "eta": self.learning_rate, "max_depth": self.max_depth,
            "min_child_weight": self.min_child_weight, "subsample": self.subsample,
            "colsample_bytree": self.max_features, "alpha": self.l1, "lambda": self.l2,
            "gamma": self.min_gain, "max_bin": self.max_bins, "seed": context.seed % 2**31}
        if not context.n_classes:
            params["objective"] = _OBJECTIVES[self.loss]
        return boosted(
            "xgboost", params, context, rounds=self.n_estimators,
            categorical=context.categorical if self.categories == "sets" else (),
            balanced=self.balanced, max_levels=self.max_levels, patience=self.early_stopping)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """XGBoost's UBJSON."""
        return boosted_state(estimator, context.n_classes)


_OBJECTIVES = {"default": "reg:squarederror", "absolute_error": "reg:absoluteerror",
               "poisson": "count:poisson"}


def train(
    params: dict[str, Any], X: np.ndarray, y: np.ndarray, weight: np.ndarray | None, *,
    rounds: int, categorical: tuple[int, ...], jobs: int, classes: int, watch: Watch | None = None,
) -> Any:
    """A trained Booster."""
    xgboost = need("xgboost", extra="boost", user="XGBoost")
    if classes:
        params["objective"] = "binary:logistic" if classes == 2 else "multi:softprob"
        if classes > 2:
            params["num_class"] = classes
    params |= {"nthread": jobs, "verbosity": 0, "tree_method": "hist"}
    data = xgboost_matrix(X, categorical, jobs, label=y, weight=weight)
    if watch is None:
        return xgboost.train(params, data, num_boost_round=rounds)
    rows = xgboost_matrix(watch.X, categorical, jobs, label=watch.y, weight=watch.weight)
    return xgboost.train(params, data, num_boost_round=rounds, evals=[(rows, "watch")],
                         callbacks=[_told(xgboost, watch)], verbose_eval=False)


def _told(xgboost: Any, watch: Watch) -> Any:
    """XGBoost's callback: the loss of the watched rows after each round."""
    parent: Any = xgboost.callback.TrainingCallback

    class Tell(parent):  # type: ignore[misc]
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            (metric, losses), = evals_log["watch"].items()
            return watch.tell(losses[-1] ** 2 if metric == "rmse" else losses[-1])

    return Tell()


def shorten(booster: Any, rounds: int) -> Any:
    """The booster's first `rounds` rounds."""
    return booster[:rounds]


def dump(booster: Any) -> bytes:
    """The booster as XGBoost's UBJSON."""
    return bytes(booster.save_raw("ubj"))


def gains(booster: Any, features: int, categorical: tuple[int, ...]) -> np.ndarray:
    """Total gain of each feature's splits, (features,)."""
    found = booster.get_score(importance_type="total_gain")
    return np.array([found.get(f"f{index}", 0.0) for index in range(features)])
