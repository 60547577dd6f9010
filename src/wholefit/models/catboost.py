"""CatBoost: boosting of symmetric trees, categories as ordered target statistics."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from wholefit.base.optional import need
from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding, for_trees
from wholefit.models._boosted import boosted, boosted_state
from wholefit.models._kernels.native import catboost_pool
from wholefit.models._model import Context, Model
from wholefit.models._watch import Watch, patience


@dataclass(frozen=True)
class CatBoost(Model):
    """Ordered boosting with target statistics for categories (Prokhorenkova et al. 2018)."""

    name: ClassVar[str] = "catboost"
    burden: ClassVar[int] = 40
    pace: ClassVar[float] = 8.0
    family: ClassVar[str] = "boosting"
    summary: ClassVar[str] = (
        "Strong without tuning, most of all where columns hold many categories; slower to "
        "train than LightGBM.")
    tasks: ClassVar[tuple[str, ...]] = ("classification", "regression")
    requires: ClassVar[str | None] = "catboost"
    extra: ClassVar[str | None] = "boost"

    n_estimators: int = param(
        500, "Rounds of boosting, one symmetric tree each.", low=1, search=(100, 2000), log=True)
    learning_rate: float | None = param(
        None, "How much each tree counts; None lets CatBoost choose from rows and rounds.",
        above=0, none=True, search=(None, 0.02, 0.05, 0.1, 0.2))
    max_depth: int = param(6, "Questions from the root to every leaf.", low=1, high=16,
                           search=(3, 10))
    l2: float = param(
        3.0, "Squared penalty on leaf values (l2_leaf_reg).", low=0, search=(0.1, 30.0),
        log=True)
    subsample: float | None = param(
        None, "Share of the rows drawn for each tree; None keeps CatBoost's own weighting of "
        "rows.", above=0, high=1, none=True, search=(None, 0.66, 0.8))
    max_features: float = param(
        1.0, "Share of the features drawn for each level of a tree (rsm).", above=0, high=1,
        search=(0.3, 1.0))
    random_strength: float = param(
        1.0, "Noise added to the scores of splits while a tree is grown.", low=0,
        search=(0.1, 10.0), log=True)
    max_bins: int = param(
        254, "Borders between which a feature's values fall (border_count).", low=1, high=65535)
    one_hot_levels: int = param(
        2, "Categories with at most this many levels are split one level against the rest "
        "(one_hot_max_size).", low=2, high=255, search=(2, 25))
    combinations: int = param(
        4, "Most categories that one statistic joins (max_ctr_complexity); 1 takes each column "
        "by itself, in about half the time where there are several.", low=1, high=8,
        search=(1, 4))
    categories: str = param(
        "statistics", "Categories as statistics of the target, or as numbers.",
        choices=("statistics", "codes"))
    loss: str = param(
        "default", "Log loss for classes and squared error for numbers; or, for numbers, "
        "absolute error.", choices=("default", "absolute_error"), search=("default",))
    balanced: bool = param(
        False, "Weigh classes inversely to their frequency (classification only).",
        search=(False,))
    early_stopping: int = patience()

    def encoding(self, task: Task) -> Encoding:
        """Codes, which CatBoost reads as names; missing values stay."""
        return for_trees()

    def build(self, task: Task, context: Context) -> Any:
        """CatBoost behind the scikit-learn interface of `_boosted`."""
        need("catboost", extra="boost", user="CatBoost")
        params: dict[str, Any] = {
            "learning_rate": self.learning_rate, "depth": self.max_depth,
            "l2_leaf_reg": self.l2, "rsm": self.max_features,
            "random_strength": self.random_strength, "border_count": self.max_bins,
            "one_hot_max_size": self.one_hot_levels, "max_ctr_complexity": self.combinations,
            "random_seed": context.seed % 2**31}
        if self.subsample is not None:
            params |= {"bootstrap_type": "Bernoulli", "subsample": self.subsample}
        if not context.n_classes:
            params["loss_function"] = "RMSE" if self.loss == "default" else "MAE"
        return boosted(
            "catboost", params, context, rounds=self.n_estimators,
            categorical=context.categorical if self.categories == "statistics" else (),
            balanced=self.balanced, patience=self.early_stopping)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """CatBoost's binary format."""
        return boosted_state(estimator, context.n_classes)


def train(
    params: dict[str, Any], X: np.ndarray, y: np.ndarray, weight: np.ndarray | None, *,
    rounds: int, categorical: tuple[int, ...], jobs: int, classes: int, watch: Watch | None = None,
) -> Any:
    """A trained CatBoost model."""
    catboost = need("catboost", extra="boost", user="CatBoost")
    if classes:
        params["loss_function"] = "Logloss" if classes == 2 else "MultiClass"
    params = {name: value for name, value in params.items() if value is not None}
    model = catboost.CatBoost({
        **params, "iterations": rounds, "thread_count": jobs, "logging_level": "Silent",
        "allow_writing_files": False})
    data = catboost_pool(X, categorical, label=y, weight=weight)
    if watch is None:
        model.fit(data)
        return model
    rows = catboost_pool(watch.X, categorical, label=watch.y, weight=watch.weight)
    model.fit(data, eval_set=rows, use_best_model=False, callbacks=[_Tell(watch)])
    return model


class _Tell:
    """CatBoost's callback: the loss of the watched rows after each round."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def after_iteration(self, info: Any) -> bool:
        (metric, losses), = info.metrics["validation"].items()
        return not self._watch.tell(losses[-1] ** 2 if metric == "RMSE" else losses[-1])


def shorten(booster: Any, rounds: int) -> Any:
    """The model's first `rounds` rounds; the model itself is cut."""
    booster.shrink(ntree_end=rounds)
    return booster


def dump(booster: Any) -> bytes:
    """The model in CatBoost's binary format, which it writes to files only.

    Without the time of day and the random name that it puts in: equal models have equal bytes.
    """
    for fact in ("model_guid", "train_finish_time"):
        booster.get_metadata()[fact] = ""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.cbm")
        booster.save_model(str(path))
        return path.read_bytes()


def gains(booster: Any, features: int, categorical: tuple[int, ...]) -> np.ndarray:
    """How much answers change with each feature, (features,)."""
    chosen = np.zeros(features, dtype=bool)
    chosen[list(categorical)] = True
    order = np.concatenate([np.flatnonzero(~chosen), np.flatnonzero(chosen)])
    found = np.zeros(features)
    found[order] = booster.get_feature_importance()
    return found
