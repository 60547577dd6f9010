"""Additive models: a curve for each column, drawn as it is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding, for_trees
from wholefit.models._model import Context, Model


@dataclass(frozen=True)
class Additive(Model):
    """The explainable boosting machine (Lou, Caruana, Gehrke 2012; Nori et al. 2019)."""

    name: ClassVar[str] = "additive"
    burden: ClassVar[int] = 25
    pace: ClassVar[float] = 8.0
    family: ClassVar[str] = "glass boxes"
    readable: ClassVar[bool] = True
    summary: ClassVar[str] = (
        "One curve for each column and a few tables for pairs, added up: every answer can be "
        "read off, often as accurate as boosted trees; blind to what three columns do together.")
    tasks: ClassVar[tuple[str, ...]] = ("classification", "regression")

    learning_rate: float = param(
        0.1, "How much each small tree counts; smaller gives smoother curves and takes longer.",
        above=0, high=1, search=(0.02, 0.2), log=True)
    max_rounds: int = param(
        1000, "Most rounds over the columns; each bag stops by itself once it gets no better.",
        low=1)
    max_bins: int = param(
        64, "Most bins a column is cut into; fewer where columns are many.", low=2, high=1024,
        search=(32, 128), log=True)
    min_samples_leaf: int = param(
        5, "Fewest training rows in a bin and in a leaf; rarer levels share one bin.", low=1,
        search=(2, 50), log=True)
    interactions: int = param(
        10, "Most pairs of columns; only those are kept that help on rows left out.", low=0,
        search=(0, 20))
    bags: int = param(
        7, "Fits averaged, each on six sevenths of the rows; seven make the standard errors a "
        "jackknife.", low=1, high=70)
    l2: float = param(
        1.0, "Penalty on the squares of what a leaf adds.", above=0, search=(0.1, 10.0), log=True)

    def encoding(self, task: Task) -> Encoding:
        """Codes; missing values are a bin of their own."""
        return for_trees()

    def build(self, task: Task, context: Context) -> Any:
        """Our own estimator."""
        from wholefit.models._additive_estimators import AdditiveClassifier, AdditiveRegressor

        kind = AdditiveClassifier if context.n_classes else AdditiveRegressor
        return kind(rate=self.learning_rate, rounds=self.max_rounds, bins=self.max_bins,
                    least=self.min_samples_leaf, interactions=self.interactions, bags=self.bags,
                    l2=self.l2, categorical=context.categorical, random_state=context.seed)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "additive": edges, what each bin adds, and its standard error."""
        if not context.n_classes:
            return State("additive", estimator.state_.config, estimator.state_.arrays)
        if len(estimator.classes_) == 1:
            return State("constant", {"n_classes": int(context.n_classes),
                                      "classes": [int(estimator.classes_[0])]},
                         {"value": np.ones(1)})
        config = {**estimator.state_.config, "n_classes": int(context.n_classes),
                  "classes": [int(code) for code in estimator.classes_]}
        return State("additive", config, estimator.state_.arrays)
