"""Bagging: the mean of copies of one model, each fitted to its own draw of rows."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding
from wholefit.models import _tree_states
from wholefit.models._kernels.members import mean
from wholefit.models._members import check_task, inner, member_of
from wholefit.models._model import Context, Model, spread
from wholefit.models.tree import DecisionTree


@dataclass(frozen=True)
class Bagging(Model):
    """Bootstrap aggregating (Breiman 1996); with a share of the features, random subspaces."""

    name: ClassVar[str] = "bagging"
    burden: ClassVar[int] = 50
    pace: ClassVar[float] = 4.0
    family: ClassVar[str] = "ensembles"
    summary: ClassVar[str] = (
        "Steadies a model whose answers change much with its rows: it lowers variance, not "
        "bias. Of trees, a random forest is usually better.")
    tasks: ClassVar[tuple[str, ...]] = ("classification", "regression")

    member: str = param(
        "decision_tree", "The model that is copied, as you would write it: "
        "'decision_tree(max_depth=8)', 'ridge(alpha=2)'.")
    n_estimators: int = param(50, "Number of copies.", low=1, search=(10, 200), log=True)
    max_samples: float = param(
        1.0, "Share of the rows drawn for each copy.", above=0, high=1, search=(0.3, 1.0))
    max_features: float = param(
        1.0, "Share of the features drawn for each copy.", above=0, high=1, search=(0.3, 1.0))
    bootstrap: bool = param(True, "Draw rows with replacement.")

    def encoding(self, task: Task) -> Encoding:
        """What the copied model wants."""
        return self._member(task).encoding(task)

    def build(self, task: Task, context: Context) -> Any:
        """scikit-learn's bagging over the member's estimator."""
        from sklearn.ensemble import BaggingClassifier, BaggingRegressor

        # Copies that see some of the features see them under other indices.
        known = context.categorical if self.max_features == 1 else ()
        copied = self._member(task).build(task, dataclasses.replace(context, categorical=known))
        kind = BaggingClassifier if context.n_classes else BaggingRegressor
        return kind(copied, n_estimators=self.n_estimators, max_samples=self.max_samples,
                    max_features=self.max_features, bootstrap=self.bootstrap,
                    random_state=context.seed)

    def answer(self, estimator: Any, X: Any, task: Task, context: Context) -> np.ndarray:
        """The mean of the copies' answers."""
        member, within = self._member(task), inner(context, estimator)
        each = [member.answer(copy, X[:, columns], task, within) for copy, columns
                in zip(estimator.estimators_, estimator.estimators_features_, strict=True)]
        found = mean(each, None)
        if not context.n_classes:
            return found
        return spread(found, np.asarray(estimator.classes_), context.n_classes)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """All copies; of plain trees, one set of arrays."""
        member, columns = self._member(task), estimator.estimators_features_
        if isinstance(member, DecisionTree):
            return _tree_states.mean(estimator.estimators_, estimator, context, columns)
        within = dataclasses.replace(inner(context, estimator), features=len(columns[0]))
        parts = {str(index): member.state(copy, task, within)
                 for index, copy in enumerate(estimator.estimators_)}
        classes = [int(code) for code in estimator.classes_] if context.n_classes else None
        config = {"weights": None, "classes": classes, "n_classes": int(context.n_classes),
                  "features": int(estimator.n_features_in_)}
        return State("mean", config, {"columns": np.asarray(columns, dtype=np.int32)}, {}, parts)

    def _member(self, task: Task) -> Model:
        return check_task(member_of(self.member, type(self).__name__), task, type(self).__name__)
