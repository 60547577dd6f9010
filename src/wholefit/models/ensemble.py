"""Different models together: voting takes their mean, stacking learns how to combine them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from wholefit.base.errors import ParameterError
from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding, for_linear
from wholefit.models._kernels.members import mean, stacked
from wholefit.models._members import check_task, inner, member_of
from wholefit.models._model import Context, Model, spread

_TREES = ("random_forest(n_estimators=50)", "hist_gradient_boosting")
_DEFAULT = {"classification": ("logistic", *_TREES), "regression": ("ridge", *_TREES)}


@dataclass(frozen=True)
class _Together(Model):
    """Members fitted side by side on one shared encoding."""

    family: ClassVar[str] = "ensembles"
    tasks: ClassVar[tuple[str, ...]] = ("classification", "regression")

    members: tuple[str, ...] = param(
        (), "The models, as you would write them: ('ridge(alpha=2)', 'random_forest'). Left "
        "empty, they are a linear model, a small forest and gradient boosting.")

    def __post_init__(self) -> None:
        super().__post_init__()
        for text in self.members:
            member_of(text, type(self).__name__)

    def encoding(self, task: Task) -> Encoding:
        """One that all members can take: one-hot, imputed, scaled, dense."""
        return for_linear(dense=True, text="svd")

    def _models(self, task: Task) -> list[Model]:
        owner = type(self).__name__
        texts = self.members or _DEFAULT[task.name]
        return [check_task(member_of(text, owner), task, owner) for text in texts]

    def _named(self, task: Task, context: Context) -> list[tuple[str, Any]]:
        return [(f"{index}_{model.name}", model.build(task, context))
                for index, model in enumerate(self._models(task))]

    def _each(self, estimator: Any, X: Any, task: Task, context: Context) -> list[np.ndarray]:
        within = inner(context, estimator)
        return [model.answer(member, X, task, within) for model, member
                in zip(self._models(task), estimator.estimators_, strict=True)]

    def _parts(self, estimator: Any, task: Task, context: Context) -> dict[str, State]:
        within = inner(context, estimator)
        pairs = zip(self._models(task), estimator.estimators_, strict=True)
        return {str(index): model.state(member, task, within)
                for index, (model, member) in enumerate(pairs)}

    def _facts(self, estimator: Any, context: Context) -> dict[str, Any]:
        classes = [int(code) for code in estimator.classes_] if context.n_classes else None
        return {"classes": classes, "n_classes": int(context.n_classes),
                "features": int(context.features)}


@dataclass(frozen=True)
class Voting(_Together):
    """The mean of members' probabilities or numbers."""

    name: ClassVar[str] = "voting"
    burden: ClassVar[int] = 80
    pace: ClassVar[float] = 5.0
    summary: ClassVar[str] = (
        "The plain mean of different models: often as good as stacking, and nothing more to "
        "learn. It helps when members err on different rows.")

    weights: tuple[float, ...] = param(
        (), "How much each member counts, in their order; left empty, all count alike.")

    def __post_init__(self) -> None:
        super().__post_init__()
        count = len(self.members) or len(_TREES) + 1
        if not self.weights:
            return
        if len(self.weights) != count or min(self.weights) < 0 or not sum(self.weights):
            raise ParameterError(
                f"Voting.weights must be {count} numbers >= 0, one a member, not all 0; "
                f"got {self.weights!r}.")

    def build(self, task: Task, context: Context) -> Any:
        """scikit-learn's soft voting."""
        from sklearn.ensemble import VotingClassifier, VotingRegressor

        named = self._named(task, context)
        if context.n_classes:
            return VotingClassifier(named, voting="soft", weights=self.weights or None)
        return VotingRegressor(named, weights=self.weights or None)

    def answer(self, estimator: Any, X: Any, task: Task, context: Context) -> np.ndarray:
        """The weighted mean of the members' answers."""
        found = mean(self._each(estimator, X, task, context), self.weights or None)
        if not context.n_classes:
            return found
        return spread(found, np.asarray(estimator.classes_), context.n_classes)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Members' states and weights."""
        config = {"weights": [float(weight) for weight in self.weights] or None,
                  **self._facts(estimator, context)}
        return State("mean", config, parts=self._parts(estimator, task, context))


@dataclass(frozen=True)
class Stacking(_Together):
    """A model on top of members' out-of-fold answers (Wolpert 1992)."""

    name: ClassVar[str] = "stacking"
    burden: ClassVar[int] = 80
    pace: ClassVar[float] = 25.0
    summary: ClassVar[str] = (
        "Learns how far to trust each member; worth its time (members are fitted folds + 1 "
        "times) when they differ in kind.")

    final: str | None = param(
        None, "The model on top; None is logistic for classes and ridge for numbers.", none=True)
    folds: int = param(
        5, "Folds whose held-out answers the model on top learns from; fewer where a class has "
        "fewer rows.", low=2, high=50)
    passthrough: bool = param(
        False, "Show the model on top the features as well.")

    def build(self, task: Task, context: Context) -> Any:
        """scikit-learn's stacking."""
        from sklearn.ensemble import StackingClassifier, StackingRegressor

        named = self._named(task, context)
        final = self._final(task).build(task, self._above(len(named), context))
        common = {"final_estimator": final, "passthrough": self.passthrough,
                  "cv": Folds(self.folds, context.seed, bool(context.n_classes))}
        if context.n_classes:
            return StackingClassifier(named, stack_method="predict_proba", **common)
        return StackingRegressor(named, **common)

    def answer(self, estimator: Any, X: Any, task: Task, context: Context) -> np.ndarray:
        """The top model's answer to the members' answers."""
        each = self._each(estimator, X, task, context)
        table = stacked(each, np.asarray(X) if self.passthrough else None)
        above = self._above(len(each), inner(context, estimator))
        found = self._final(task).answer(estimator.final_estimator_, table, task, above)
        if not context.n_classes:
            return found
        return spread(found, np.asarray(estimator.classes_), context.n_classes)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Members' states, and the top model's as part "final"."""
        parts = self._parts(estimator, task, context)
        above = self._above(len(parts), inner(context, estimator))
        parts["final"] = self._final(task).state(estimator.final_estimator_, task, above)
        config = {"through": self.passthrough, **self._facts(estimator, context)}
        return State("stack", config, parts=parts)

    def _final(self, task: Task) -> Model:
        text = self.final or _DEFAULT[task.name][0]
        return check_task(member_of(text, type(self).__name__), task, type(self).__name__)

    def _above(self, members: int, context: Context) -> Context:
        """The context of the model on top: its features are the members' answers."""
        width = members * (context.n_classes if context.n_classes > 2 else 1)
        width += context.features if self.passthrough else 0
        return dataclasses.replace(context, features=width, categorical=())


class Folds:
    """Shuffled folds for stacking, stratified by class, fewer where a class is rare."""

    def __init__(self, folds: int, seed: int, stratify: bool) -> None:
        self.folds = folds
        self.seed = seed
        self.stratify = stratify

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """As many folds as asked for, or as the rarest class allows, but at least 2."""
        if y is None:
            return self.folds
        most = np.unique(y, return_counts=True)[1].min() if self.stratify else len(y)
        return int(np.clip(most, 2, self.folds))

    def split(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Pairs of training rows and held-out rows."""
        from sklearn.model_selection import KFold, StratifiedKFold

        kind = StratifiedKFold if self.stratify else KFold
        folds = kind(self.get_n_splits(X, y), shuffle=True, random_state=self.seed)
        yield from folds.split(X, y)
