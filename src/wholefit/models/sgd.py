"""Linear models taught row by row: they go on learning when more rows come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding, for_linear
from wholefit.models import _states
from wholefit.models._model import Context, Model

_FOLDS = ("Members whose held-out margins make probabilities honest, where the loss gives "
          "margins only; fitting costs one fit more than this.")


@dataclass(frozen=True)
class _Stepwise(Model):
    """What models taught by stochastic gradient share."""

    family = "linear"
    readable = True
    incremental = True

    def encoding(self, task: Task) -> Encoding:
        """As for linear models: steps need features on one scale."""
        return for_linear()

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "linear" (inside "calibrated" for losses with margins), with the step count."""
        return _states.read(estimator, context)

    def restore(self, state: State, task: Task, context: Context) -> Any:
        """The fitted estimator, so that `partial_fit` goes on where it stopped."""
        from wholefit.models._restore import restore

        return restore(self.build(task, context), state)


@dataclass(frozen=True)
class SGD(_Stepwise):
    """Stochastic gradient descent on a linear model."""

    name = "sgd"
    burden = 10
    pace = 0.6
    tasks = ("classification", "regression")
    summary = ("For very many rows, or rows that keep coming; noisier and more in need of tuning "
               "than ridge or logistic where those are fast enough.")

    loss: str = param(
        "log_loss", "What is minimised for classes: logistic loss, a robust smooth hinge, or the "
        "hinge of a support vector machine.", choices=("log_loss", "modified_huber", "hinge"))
    error: str = param(
        "squared_error", "What is minimised for numbers: squares, squares then sizes, or sizes "
        "beyond epsilon.", choices=("squared_error", "huber", "epsilon_insensitive"))
    epsilon: float = param(
        0.1, "For error='huber' or 'epsilon_insensitive': where the loss changes, in standard "
        "deviations of the target.", low=0)
    penalty: str = param("l2", "Penalty on squares, on sizes, on both, or none.",
                         choices=("l2", "l1", "elasticnet", "none"), search=("l2", "elasticnet"))
    alpha: float = param(1e-4, "Strength of the penalty; it also sets the 'optimal' step size.",
                         above=0, search=(1e-6, 1e-1), log=True)
    l1_ratio: float = param(0.15, "Share of the penalty on sizes when penalty='elasticnet'.",
                            low=0, high=1)
    learning_rate: str = param(
        "adaptive", "How steps shrink: 'adaptive' divides them by 5 when a pass stops helping; "
        "'optimal' starts with steps so large that small tables never recover.",
        choices=("adaptive", "invscaling", "optimal", "constant"), search=("adaptive",))
    eta0: float = param(0.01, "First step size, except under 'optimal'.", above=0,
                        search=(1e-3, 0.1), log=True)
    average: bool = param(False, "Answer with the mean of the weights over all steps.")
    fit_intercept: bool = param(True, "Learn a constant beside the weights.")
    max_iter: int = param(1000, "Most passes over the rows; `update` makes one.", low=1)
    tol: float = param(1e-3, "Stop when a pass improves the loss by less than this.", above=0)
    folds: int = param(3, _FOLDS, low=2, high=10)

    def build(self, task: Task, context: Context) -> Any:
        """SGDClassifier, calibrated unless logistic; or SGDRegressor on a standardised target."""
        from sklearn.linear_model import SGDClassifier, SGDRegressor

        common = {
            "penalty": None if self.penalty == "none" else self.penalty, "alpha": self.alpha,
            "l1_ratio": self.l1_ratio, "epsilon": self.epsilon, "eta0": self.eta0,
            "learning_rate": self.learning_rate, "average": self.average,
            "fit_intercept": self.fit_intercept, "max_iter": self.max_iter, "tol": self.tol,
            "random_state": context.seed}
        if not context.n_classes:
            from wholefit.models._target import ScaledTarget

            return ScaledTarget(SGDRegressor(loss=self.error, **common))
        classifier = SGDClassifier(loss=self.loss, n_jobs=context.jobs, **common)
        if self.loss == "log_loss":
            return classifier
        # modified_huber has probabilities of its own, but they reach 0 and 1.
        return _calibrated(classifier, self.folds, context)


@dataclass(frozen=True)
class Perceptron(_Stepwise):
    """Steps only on rows that are answered wrongly (Rosenblatt 1958)."""

    name = "perceptron"
    burden = 10
    pace = 0.6
    tasks = ("classification",)
    summary = ("The historical ancestor, very fast; logistic or sgd are nearly always better, "
               "as it never settles on classes that overlap.")

    penalty: str = param("none", "Penalty on squares, on sizes, on both, or none.",
                         choices=("none", "l2", "l1", "elasticnet"), search=("none", "l2"))
    alpha: float = param(1e-4, "Strength of the penalty, if there is one.",
                         above=0, search=(1e-6, 1e-1), log=True)
    l1_ratio: float = param(0.15, "Share of the penalty on sizes when penalty='elasticnet'.",
                            low=0, high=1)
    fit_intercept: bool = param(True, "Learn a constant beside the weights.")
    max_iter: int = param(1000, "Most passes over the rows; `update` makes one.", low=1)
    tol: float = param(1e-3, "Stop when a pass improves the loss by less than this.", above=0)
    folds: int = param(3, _FOLDS, low=2, high=10)

    def build(self, task: Task, context: Context) -> Any:
        """sklearn's Perceptron, its margins calibrated."""
        from sklearn.linear_model import Perceptron as Learner

        words = {name: value for name, value in self.to_dict().items() if name != "folds"}
        words["penalty"] = None if self.penalty == "none" else self.penalty
        learner = Learner(**words, n_jobs=context.jobs, random_state=context.seed)
        return _calibrated(learner, self.folds, context)


def _calibrated(classifier: Any, folds: int, context: Context) -> Any:
    from wholefit.models._calibrated import MarginClassifier

    return MarginClassifier(classifier, cv=folds, random_state=context.seed)
