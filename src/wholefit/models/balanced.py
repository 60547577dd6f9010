"""Ensembles whose members each learn from a balanced draw of the rows, for rare classes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding, for_trees
from wholefit.models import _tree_states
from wholefit.models._kernels.shifted import shifted
from wholefit.models._members import check_task, inner, member_of
from wholefit.models._model import Context, Model, spread
from wholefit.models._shifted import state_of
from wholefit.models.tree import DecisionTree


@dataclass(frozen=True)
class BalancedBagging(Model):
    """Bagging of balanced bootstrap samples: each copy sees as many rows of every class."""

    name: ClassVar[str] = "balanced_bagging"
    burden: ClassVar[int] = 50
    pace: ClassVar[float] = 3.0
    family: ClassVar[str] = "ensembles"
    summary: ClassVar[str] = (
        "For rare classes: copies of a model, each fitted to as many rows of every class. Ranks "
        "about as well as the plain ensemble, at less cost where one class is very rare.")
    tasks: ClassVar[tuple[str, ...]] = ("classification",)
    bootstrap: ClassVar[bool] = True

    member: str = param(
        "decision_tree(min_samples_leaf=3)", "The model that is copied, as you would write it: "
        "'decision_tree(max_depth=8)', 'logistic'.")
    n_estimators: int = param(50, "Number of copies.", low=1, search=(10, 200), log=True)
    ratio: float = param(
        1.0, "Rows of the smallest class, as a share of those drawn of each other.",
        above=0, high=1, search=(0.2, 1.0))
    correct: bool = param(
        True, "Bring probabilities back to the classes' own frequencies; without, they are those "
        "of classes equally frequent.", search=(True,))

    def encoding(self, task: Task) -> Encoding:
        """What the copied model wants."""
        return self._member(task).encoding(task)

    def build(self, task: Task, context: Context) -> Any:
        """Our own estimator over the member's."""
        from wholefit.models._balanced import BalancedMembers

        copied = self._member(task).build(task, dataclasses.replace(context, jobs=1))
        return BalancedMembers(
            copied, n_estimators=self.n_estimators, ratio=self.ratio, bootstrap=self.bootstrap,
            correct=self.correct, n_jobs=context.jobs, random_state=context.seed)

    def answer(self, estimator: Any, X: Any, task: Task, context: Context) -> np.ndarray:
        """The mean of the copies' answers, corrected."""
        member, within = self._member(task), _plain(inner(context, estimator))
        total = np.zeros((X.shape[0], within.n_classes))
        for copy in estimator.estimators_:
            total += member.answer(copy, X, task, within)
        found = shifted(total / len(estimator.estimators_), estimator.factor_)
        return spread(found, np.asarray(estimator.classes_), context.n_classes)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """All copies (of plain trees, one set of arrays), and the correction."""
        member = self._member(task)
        factor = _whole(estimator, context)
        copies = estimator.estimators_
        if isinstance(member, DecisionTree):
            return state_of(_tree_states.mean(copies, estimator, context), factor)
        within = _plain(inner(context, estimator))
        parts = {str(at): member.state(copy, task, within) for at, copy in enumerate(copies)}
        classes = [int(code) for code in estimator.classes_]
        config = {"weights": None, "classes": classes, "n_classes": int(context.n_classes),
                  "features": int(estimator.n_features_in_)}
        return state_of(State("mean", config, parts=parts), factor)

    def _member(self, task: Task) -> Model:
        return check_task(member_of(self.member, type(self).__name__), task, type(self).__name__)


@dataclass(frozen=True)
class EasyEnsemble(BalancedBagging):
    """EasyEnsemble (Liu, Wu, Zhou 2009): boosted members on subsets without replacement."""

    name: ClassVar[str] = "easy_ensemble"
    burden: ClassVar[int] = 60
    summary: ClassVar[str] = (
        "For rare classes: boosted models, each on all rows of the rarest class and a subset of "
        "the others.")
    bootstrap: ClassVar[bool] = False

    member: str = param(
        "ada_boost(n_estimators=10)", "The model that is copied, as you would write it: "
        "'ada_boost(n_estimators=10)'.")
    n_estimators: int = param(10, "Number of copies.", low=1, search=(5, 50), log=True)


@dataclass(frozen=True)
class BalancedForest(Model):
    """A forest whose trees grow on balanced bootstrap samples (Chen, Liaw, Breiman 2004)."""

    name: ClassVar[str] = "balanced_random_forest"
    burden: ClassVar[int] = 50
    pace: ClassVar[float] = 1.5
    family: ClassVar[str] = "trees"
    summary: ClassVar[str] = (
        "For rare classes: a random forest whose trees each see as many rows of every class; "
        "cheap where one class is very rare.")
    tasks: ClassVar[tuple[str, ...]] = ("classification",)

    n_estimators: int = param(
        100, "Number of trees; more is steadier and slower, never worse on average.",
        low=1, search=(100, 500), log=True)
    max_depth: int | None = param(
        None, "Most questions from the root to a leaf; None grows until other limits stop it.",
        low=1, none=True, search=(8, 16, None))
    min_samples_leaf: int = param(
        3, "Fewest training rows in a leaf; larger values smooth probabilities.",
        low=1, search=(1, 20), log=True)
    max_features: float | None = param(
        None, "Share of the features looked at for each split; None is the square root of "
        "their number.", above=0, high=1, none=True, search=(None, 0.2, 0.5))
    ratio: float = param(
        1.0, "Rows of the smallest class, as a share of those drawn of each other.",
        above=0, high=1, search=(0.2, 1.0))
    correct: bool = param(
        True, "Bring probabilities back to the classes' own frequencies; without, they are those "
        "of classes equally frequent.", search=(True,))

    def encoding(self, task: Task) -> Encoding:
        """Codes; missing values stay, each split learns where to send them."""
        return for_trees()

    def build(self, task: Task, context: Context) -> Any:
        """Our own estimator over scikit-learn's trees."""
        from sklearn.tree import DecisionTreeClassifier

        from wholefit.models._balanced import BalancedMembers

        share = "sqrt" if self.max_features is None else self.max_features
        tree = DecisionTreeClassifier(
            max_depth=self.max_depth, min_samples_leaf=self.min_samples_leaf, max_features=share)
        return BalancedMembers(
            tree, n_estimators=self.n_estimators, ratio=self.ratio, correct=self.correct,
            n_jobs=context.jobs, random_state=context.seed)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """The arrays of all trees, and the correction."""
        copies = estimator.estimators_
        return state_of(_tree_states.mean(copies, estimator, context), _whole(estimator, context))


def _plain(context: Context) -> Context:
    """The context of members, which are answered one after the other."""
    return dataclasses.replace(context, jobs=1)


def _whole(estimator: Any, context: Context) -> np.ndarray:
    """The correction over all classes, 1 for those without training rows."""
    found = np.ones(context.n_classes)
    found[np.asarray(estimator.classes_, dtype=np.intp)] = estimator.factor_
    return found

