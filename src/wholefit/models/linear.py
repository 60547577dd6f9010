"""Linear models: a weighted sum of the features."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding, for_linear
from wholefit.models import _states
from wholefit.models._model import Context, Model

_INTERCEPT = "Learn a constant beside the weights."
_POSITIVE = "Allow no weight below zero."


@dataclass(frozen=True)
class _Linear(Model):
    """What linear models share: their columns, and how they are read into state."""

    family = "linear"
    readable = True

    def encoding(self, task: Task) -> Encoding:
        """One-hot, imputed, standardised; sparse where that is smaller."""
        return for_linear()

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "linear": weights, intercept and link."""
        return _states.read(estimator, context)


@dataclass(frozen=True)
class Linear(_Linear):
    """Ordinary least squares."""

    name = "linear"
    burden = 10
    pace = 0.4
    tasks = ("regression",)
    summary = ("Plain least squares: readable and fast with many more rows than features; with "
               "few rows or correlated features take ridge.")

    fit_intercept: bool = param(True, _INTERCEPT)
    positive: bool = param(False, _POSITIVE)

    def build(self, task: Task, context: Context) -> Any:
        """LinearRegression."""
        from sklearn.linear_model import LinearRegression

        return LinearRegression(fit_intercept=self.fit_intercept, positive=self.positive)


@dataclass(frozen=True)
class Ridge(_Linear):
    """Least squares with a penalty on the squares of the weights (Hoerl and Kennard 1970)."""

    name = "ridge"
    burden = 10
    pace = 0.4
    tasks = ("regression",)
    summary = ("A safe first choice for numbers: fast, readable, steady when features are many "
               "or correlated; blind to curves and interactions.")

    alpha: float = param(1.0, "Strength of the penalty; 0 is plain least squares.",
                         low=0, search=(1e-4, 1e4), log=True)
    fit_intercept: bool = param(True, _INTERCEPT)
    positive: bool = param(False, _POSITIVE)

    def build(self, task: Task, context: Context) -> Any:
        """sklearn's Ridge."""
        return _ridge(self.alpha, self.fit_intercept, self.positive)


@dataclass(frozen=True)
class Polynomial(_Linear):
    """Least squares on powers and products of the numeric columns."""

    name = "polynomial"
    burden = 15
    pace = 1.0
    tasks = ("regression",)
    summary = ("Smooth curves in a handful of numeric columns; features multiply fast with "
               "degree, and answers run away outside the range seen in training.")

    degree: int = param(2, "Highest power; products of columns up to that degree are included.",
                        low=1, high=5, search=(2, 3))
    interactions_only: bool = param(
        False, "Only products of different columns, no powers of one.",
        search=(False, True))
    alpha: float = param(
        1.0, "Strength of the penalty; without, powers of rare values run wild.",
        low=0, search=(1e-3, 1e3), log=True)
    fit_intercept: bool = param(True, _INTERCEPT)

    def encoding(self, task: Task) -> Encoding:
        """As for linear models, with the powers and products added."""
        return for_linear(degree=self.degree, interactions_only=self.interactions_only)

    def build(self, task: Task, context: Context) -> Any:
        """Ridge on the features that `encoding` made."""
        return _ridge(self.alpha, self.fit_intercept, False)


@dataclass(frozen=True)
class Lasso(_Linear):
    """Least squares with a penalty on the sizes of the weights (Tibshirani 1996)."""

    name = "lasso"
    burden = 10
    pace = 0.6
    tasks = ("regression",)
    summary = ("Leaves most features out, so the rest can be read; of correlated features it "
               "keeps an arbitrary one (elastic_net shares the weight).")

    alpha: float = param(0.01, "Strength of the penalty, for a target of standard deviation 1.",
                         above=0, search=(1e-5, 1.0), log=True)
    fit_intercept: bool = param(True, _INTERCEPT)
    positive: bool = param(False, _POSITIVE)
    max_iter: int = param(5000, "Most passes over the weights.", low=1)
    tol: float = param(1e-4, "Stop when an optimality gap relative to the target is below this.",
                       above=0)

    def build(self, task: Task, context: Context) -> Any:
        """sklearn's Lasso on a standardised target."""
        from sklearn.linear_model import Lasso as Learner

        from wholefit.models._target import ScaledTarget

        return ScaledTarget(Learner(**self.to_dict(), random_state=context.seed))


@dataclass(frozen=True)
class ElasticNet(_Linear):
    """Least squares with both penalties (Zou and Hastie 2005)."""

    name = "elastic_net"
    burden = 10
    pace = 0.6
    tasks = ("regression",)
    summary = ("Between ridge and lasso: leaves features out and keeps correlated ones "
               "together; one more knob to tune.")

    alpha: float = param(0.01, "Strength of the penalty, for a target of standard deviation 1.",
                         above=0, search=(1e-5, 1.0), log=True)
    l1_ratio: float = param(0.5, "Share of the penalty on sizes; the rest is on squares.",
                            low=0, high=1, search=(0.05, 1.0))
    fit_intercept: bool = param(True, _INTERCEPT)
    positive: bool = param(False, _POSITIVE)
    max_iter: int = param(5000, "Most passes over the weights.", low=1)
    tol: float = param(1e-4, "Stop when an optimality gap relative to the target is below this.",
                       above=0)

    def build(self, task: Task, context: Context) -> Any:
        """sklearn's ElasticNet on a standardised target."""
        from sklearn.linear_model import ElasticNet as Learner

        from wholefit.models._target import ScaledTarget

        return ScaledTarget(Learner(**self.to_dict(), random_state=context.seed))


@dataclass(frozen=True)
class Logistic(_Linear):
    """Multinomial logistic regression."""

    name = "logistic"
    burden = 10
    pace = 1.2
    tasks = ("classification",)
    summary = ("A safe first choice for classes: fast, readable, probabilities that can be "
               "trusted; blind to curves and interactions.")

    C: float = param(1.0, "Inverse of the penalty's strength: smaller is smoother.",
                     above=0, search=(1e-4, 1e3), log=True)
    penalty: str = param(
        "l2", "Penalty on squares, on sizes (leaves features out), on both, or none.",
        choices=("l2", "l1", "elasticnet", "none"), search=("l2",))
    l1_ratio: float = param(0.5, "Share of the penalty on sizes when penalty='elasticnet'.",
                            low=0, high=1)
    balanced: bool = param(False, "Weigh classes inversely to their frequency.", search=(False,))
    fit_intercept: bool = param(True, _INTERCEPT)
    max_iter: int = param(1000, "Most iterations of the solver.", low=1)
    tol: float = param(1e-4, "Stop when the gradient is below this.", above=0)

    def build(self, task: Task, context: Context) -> Any:
        """LogisticRegression; lbfgs where the penalty is smooth, saga where it is not."""
        from sklearn.linear_model import LogisticRegression

        smooth = self.penalty in ("l2", "none")
        return LogisticRegression(
            solver="lbfgs" if smooth else "saga", fit_intercept=self.fit_intercept,
            class_weight="balanced" if self.balanced else None, max_iter=self.max_iter,
            tol=self.tol, random_state=context.seed, **self._penalty_words(LogisticRegression))

    def _penalty_words(self, learner: Any) -> dict[str, Any]:
        """The penalty in the words of the installed scikit-learn, which changed in 1.8."""
        share = {"l1": 1.0, "elasticnet": self.l1_ratio}.get(self.penalty, 0.0)
        strength = float("inf") if self.penalty == "none" else self.C
        if inspect.signature(learner).parameters["penalty"].default == "deprecated":
            return {"C": strength, "l1_ratio": share}
        if self.penalty == "none":
            return {"penalty": None}
        only = {"l1_ratio": share} if self.penalty == "elasticnet" else {}
        return {"penalty": self.penalty, "C": self.C, **only}


def _ridge(alpha: float, fit_intercept: bool, positive: bool) -> Any:
    """Ridge, or least squares where alpha is 0, whose solver stands singular matrices."""
    from sklearn.linear_model import LinearRegression

    from wholefit.models._gram import GramRidge

    if alpha == 0:
        return LinearRegression(fit_intercept=fit_intercept, positive=positive)
    return GramRidge(alpha=alpha, fit_intercept=fit_intercept, positive=positive, tol=1e-8)
