"""LightGBM: gradient boosting that grows leaf by leaf on binned values."""

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
from wholefit.models._kernels._lightgbm import Booster
from wholefit.models._kernels._links import link
from wholefit.models._model import Context, Model
from wholefit.models._watch import Watch, patience


@dataclass(frozen=True)
class LightGBM(Model):
    """Leaf-wise boosting with native missing values and category sets (Ke et al. 2017)."""

    name: ClassVar[str] = "lightgbm"
    burden: ClassVar[int] = 40
    pace: ClassVar[float] = 1.0
    family: ClassVar[str] = "boosting"
    summary: ClassVar[str] = (
        "Usually among the two or three most accurate on tables, and the fastest of them; "
        "overfits below a thousand rows unless trees are kept small.")
    tasks: ClassVar[tuple[str, ...]] = ("classification", "regression")
    requires: ClassVar[str | None] = "lightgbm"
    extra: ClassVar[str | None] = "boost"

    n_estimators: int = param(
        300, "Rounds of boosting: trees, times the classes where there are more than two.",
        low=1, search=(50, 1000), log=True)
    learning_rate: float = param(
        0.05, "How much each tree counts; smaller wants more trees.", above=0,
        search=(0.01, 0.3), log=True)
    max_leaf_nodes: int = param(
        15, "Most leaves of a tree (num_leaves).", low=2, high=131072, search=(4, 255), log=True)
    max_depth: int | None = param(
        None, "Most questions from the root to a leaf; None sets no limit.", low=1, none=True)
    min_samples_leaf: int = param(
        20, "Fewest training rows in a leaf (min_data_in_leaf).", low=1, search=(2, 200),
        log=True)
    subsample: float = param(
        1.0, "Share of the rows drawn anew for each tree (bagging_fraction).", above=0, high=1,
        search=(0.5, 1.0))
    max_features: float = param(
        1.0, "Share of the features drawn for each tree (feature_fraction).", above=0, high=1,
        search=(0.3, 1.0))
    min_child_weight: float = param(
        0.1, "Smallest sum of second derivatives of the loss in a leaf (min_sum_hessian_in_leaf). "
        "LightGBM's own 0.001 lets leaves of a rare class among several grow without bound.",
        low=0, search=(1e-2, 10.0), log=True)
    random_cuts: bool = param(
        False, "Look at one random cut of each feature instead of the best (extra_trees): "
        "quicker and smoother, in more rounds.", search=(False, True))
    l1: float = param(
        0.0, "Penalty on leaf values (lambda_l1).", low=0, search=(1e-8, 10.0), log=True)
    l2: float = param(
        1.0, "Squared penalty on leaf values (lambda_l2).", low=0, search=(1e-8, 100.0),
        log=True)
    max_bins: int = param(255, "Bins that a feature's values fall into.", low=2, high=65535)
    categories: str = param(
        "sets", "Split categories into two sets, or at a code as if it were a number.",
        choices=("sets", "codes"))
    max_levels: int = param(
        30, "Category features with more levels than this are split as numbers.", low=2)
    loss: str = param(
        "default", "Log loss for classes and squared error for numbers; or, for numbers, "
        "absolute error, Huber's loss, or Poisson deviance for counts.",
        choices=("default", "absolute_error", "huber", "poisson"), search=("default",))
    balanced: bool = param(
        False, "Weigh classes inversely to their frequency (classification only).",
        search=(False,))
    early_stopping: int = patience()

    def encoding(self, task: Task) -> Encoding:
        """Codes; missing values stay, each split learns where to send them."""
        return for_trees()

    def build(self, task: Task, context: Context) -> Any:
        """LightGBM behind the scikit-learn interface of `_boosted`."""
        need("lightgbm", extra="boost", user="LightGBM")
        params: dict[str, Any] = {
            "learning_rate": self.learning_rate, "num_leaves": self.max_leaf_nodes,
            "max_depth": self.max_depth or -1, "min_data_in_leaf": self.min_samples_leaf,
            "min_sum_hessian_in_leaf": self.min_child_weight,
            "bagging_fraction": self.subsample, "bagging_freq": int(self.subsample < 1),
            "feature_fraction": self.max_features, "extra_trees": self.random_cuts,
            "lambda_l1": self.l1, "lambda_l2": self.l2,
            "max_bin": self.max_bins, "seed": context.seed % 2**31}
        if not context.n_classes:
            params["objective"] = _OBJECTIVES[self.loss]
        return boosted(
            "lightgbm", params, context, rounds=self.n_estimators,
            categorical=context.categorical if self.categories == "sets" else (),
            balanced=self.balanced, max_levels=self.max_levels, patience=self.early_stopping)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """LightGBM's model text."""
        return boosted_state(estimator, context.n_classes)


# A probability nearer to 0 or 1 than this tells no more of the sum that it came from.
_SURE = 1e-10
_OBJECTIVES = {"default": "regression", "absolute_error": "regression_l1", "huber": "huber",
               "poisson": "poisson"}


def train(
    params: dict[str, Any], X: np.ndarray, y: np.ndarray, weight: np.ndarray | None, *,
    rounds: int, categorical: tuple[int, ...], jobs: int, classes: int, watch: Watch | None = None,
) -> Any:
    """A trained Booster; the same bits for the same data, seed and threads."""
    lightgbm = need("lightgbm", extra="boost", user="LightGBM")
    if classes:
        params["objective"] = "binary" if classes == 2 else "multiclass"
        params["num_class"] = 1 if classes == 2 else classes
    # force_row_wise: without it LightGBM times both layouts at the start, and picks by the clock.
    params |= {"num_threads": jobs, "verbosity": -1, "deterministic": True,
               "force_row_wise": True}
    data = lightgbm.Dataset(
        X, label=y, weight=weight, categorical_feature=list(categorical), params=params)
    if watch is None:
        return lightgbm.train(params, data, num_boost_round=rounds)
    rows = lightgbm.Dataset(watch.X, label=watch.y, weight=watch.weight, reference=data,
                            params=params)

    def tell(env: Any) -> None:
        if watch.tell(env.evaluation_result_list[0][2]):
            raise lightgbm.callback.EarlyStopException(env.iteration, env.evaluation_result_list)

    noting = params.get("objective") != "poisson"  # there the answer is no sum of trees

    def note(answer: np.ndarray, _: Any) -> tuple[str, float, bool]:
        watch.answer = answer  # its own buffer, filled anew after each round
        return "noted", 0.0, False

    return lightgbm.train(params, data, num_boost_round=rounds, valid_sets=[rows],
                          callbacks=[tell], feval=note if watch.whole and noting else None)


def before(
    booster: Any, answer: np.ndarray, X: np.ndarray, rounds: int, classes: int
) -> np.ndarray | None:
    """The answer after the first `rounds` rounds, of that after all, (n,) or (n, classes).

    Only the trees after them are asked: what they add is taken off again. None where an answer is
    too sure to tell the sum that it came from.
    """
    last = booster.current_iteration()
    if classes == 2 and rounds < last and not _SURE < answer.min() <= answer.max() < 1 - _SURE:
        return None
    raw = _before_link(answer, classes)
    if rounds < last:
        raw = raw - Booster.of(booster, rounds).sums(X)
    if not classes:
        return np.asarray(raw)
    return link("softmax", raw) if classes > 2 else link("sigmoid", raw[:, None])


def _before_link(answer: np.ndarray, classes: int) -> np.ndarray:
    """Sums of trees of what the library answers: numbers, or probabilities."""
    if not classes:
        return np.array(answer)
    if classes == 2:
        p = np.clip(answer, 1e-15, 1 - 1e-15)
        return np.asarray(np.log(p) - np.log1p(-p))
    return np.asarray(np.log(np.maximum(np.reshape(answer, (-1, classes)), 1e-300)))


def shorten(booster: Any, rounds: int) -> Any:
    """The booster's first `rounds` rounds: LightGBM answers with, and writes, no others then.

    To make a booster of them alone takes seconds where trees are large: it is written and read.
    """
    booster.best_iteration = rounds
    return booster


def dump(booster: Any) -> bytes:
    """The booster as LightGBM's text."""
    return bytes(booster.model_to_string().encode())


def gains(booster: Any, features: int, categorical: tuple[int, ...]) -> np.ndarray:
    """Total gain of each feature's splits, (features,)."""
    return np.asarray(booster.feature_importance("gain"), dtype=np.float64)
