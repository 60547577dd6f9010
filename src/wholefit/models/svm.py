"""Support vector machines: the widest margin between classes, or a tube around numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding, for_distances, for_linear
from wholefit.models import _states
from wholefit.models._model import Context, Model

_C = "How much errors cost: larger follows the training rows more closely."
_KERNEL = "What similarity is: near (rbf), products (poly, linear), or a sigmoid of products."
_KERNELS = ("rbf", "poly", "sigmoid", "linear")
_GAMMA = "Reach of a row, smaller is wider; None is 1 / (features x variance). Not for 'linear'."
_FOLDS = ("Members whose held-out margins make probabilities honest; fitting costs one fit more "
          "than this.")


@dataclass(frozen=True)
class _Kernel(Model):
    """What kernel machines share."""

    family = "svm"
    growth = "quadratic"

    def encoding(self, task: Task) -> Encoding:
        """Standardised and dense: kernels measure distances."""
        return for_distances()

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "kernel_machine" ("linear" where one weighted sum says it all)."""
        return _states.read(estimator, context)

    def _kernel_words(self) -> dict[str, Any]:
        words = {name: getattr(self, name)
                 for name in ("C", "kernel", "gamma", "degree", "coef0", "tol")}
        words["gamma"] = "scale" if words["gamma"] is None else words["gamma"]
        return words


@dataclass(frozen=True)
class SVC(_Kernel):
    """Support vector classification (Cortes and Vapnik 1995), one class against one."""

    name = "svc"
    burden = 60
    pace = 10.0
    tasks = ("classification",)
    summary = ("Curved borders in small or medium data with many features; time grows with the "
               "square of the rows: beyond some ten thousand take boosted trees.")

    C: float = param(1.0, _C, above=0, search=(1e-2, 1e3), log=True)
    kernel: str = param("rbf", _KERNEL, choices=_KERNELS, search=("rbf", "poly"))
    gamma: float | None = param(None, _GAMMA, above=0, none=True, search=(1e-4, 1.0), log=True)
    degree: int = param(3, "Degree of kernel='poly'.", low=1, high=10, search=(2, 4))
    coef0: float = param(0.0, "Constant inside 'poly' and 'sigmoid'.", search=(0.0, 1.0))
    balanced: bool = param(False, "Weigh classes inversely to their frequency.", search=(False,))
    tol: float = param(1e-3, "Stop when the solver's violation is below this.", above=0)
    folds: int = param(3, _FOLDS, low=2, high=10)

    def build(self, task: Task, context: Context) -> Any:
        """sklearn's SVC, its margins calibrated."""
        from sklearn.svm import SVC as Learner

        from wholefit.models._calibrated import MarginClassifier

        weight = "balanced" if self.balanced else None
        learner = Learner(**self._kernel_words(), class_weight=weight, cache_size=500,
                          random_state=context.seed)
        return MarginClassifier(learner, cv=self.folds, random_state=context.seed)


@dataclass(frozen=True)
class SVR(_Kernel):
    """Support vector regression (Drucker et al. 1997)."""

    name = "svr"
    burden = 60
    pace = 10.0
    tasks = ("regression",)
    summary = ("Smooth curves in small or medium data with many features; time grows with the "
               "square of the rows: beyond some ten thousand take boosted trees.")

    C: float = param(1.0, _C, above=0, search=(1e-2, 1e3), log=True)
    epsilon: float = param(
        0.1, "Errors smaller than this cost nothing, in standard deviations of the target.",
        low=0, search=(0.01, 0.5), log=True)
    kernel: str = param("rbf", _KERNEL, choices=_KERNELS, search=("rbf", "poly"))
    gamma: float | None = param(None, _GAMMA, above=0, none=True, search=(1e-4, 1.0), log=True)
    degree: int = param(3, "Degree of kernel='poly'.", low=1, high=10, search=(2, 4))
    coef0: float = param(0.0, "Constant inside 'poly' and 'sigmoid'.", search=(0.0, 1.0))
    tol: float = param(1e-3, "Stop when the solver's violation is below this.", above=0)

    def build(self, task: Task, context: Context) -> Any:
        """sklearn's SVR on a standardised target."""
        from sklearn.svm import SVR as Learner

        from wholefit.models._target import ScaledTarget

        return ScaledTarget(Learner(**self._kernel_words(), epsilon=self.epsilon, cache_size=500))


@dataclass(frozen=True)
class LinearSVM(Model):
    """A straight widest margin, or a straight tube (Fan et al. 2008)."""

    name = "linear_svm"
    burden = 10
    pace = 0.6
    family = "svm"
    readable = True
    tasks = ("classification", "regression")
    summary = ("Very many features, such as words of text, in linear time; close to logistic and "
               "ridge, whose probabilities and weights are easier to read.")

    C: float = param(1.0, _C, above=0, search=(1e-4, 1e2), log=True)
    squared: bool = param(True, "Errors cost their square, which is smoother, or their size.")
    epsilon: float = param(
        0.1, "For numbers: errors smaller than this cost nothing, in standard deviations of the "
        "target.", low=0, search=(0.0, 0.5))
    balanced: bool = param(False, "For classes: weigh them inversely to their frequency.",
                           search=(False,))
    fit_intercept: bool = param(True, "Learn a constant beside the weights.")
    max_iter: int = param(5000, "Most iterations of the solver.", low=1)
    tol: float = param(1e-4, "Stop when the solver's violation is below this.", above=0)
    folds: int = param(3, _FOLDS, low=2, high=10)

    def encoding(self, task: Task) -> Encoding:
        """As for linear models."""
        return for_linear()

    def build(self, task: Task, context: Context) -> Any:
        """LinearSVC, its margins calibrated; or LinearSVR on a standardised target."""
        from sklearn.svm import LinearSVC, LinearSVR

        common = {"C": self.C, "dual": "auto", "fit_intercept": self.fit_intercept,
                  "max_iter": self.max_iter, "tol": self.tol, "random_state": context.seed}
        if context.n_classes:
            from wholefit.models._calibrated import MarginClassifier

            learner = LinearSVC(loss="squared_hinge" if self.squared else "hinge",
                                class_weight="balanced" if self.balanced else None, **common)
            return MarginClassifier(learner, cv=self.folds, random_state=context.seed)
        from wholefit.models._target import ScaledTarget

        loss = ("squared_" if self.squared else "") + "epsilon_insensitive"
        return ScaledTarget(LinearSVR(loss=loss, epsilon=self.epsilon, **common))

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "linear", inside "calibrated" for classes."""
        return _states.read(estimator, context)
