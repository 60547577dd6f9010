"""Linear models that other losses than the square teach: outliers, quantiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding, for_linear
from wholefit.models import _states
from wholefit.models._model import Context, Model


@dataclass(frozen=True)
class Huber(Model):
    """Squares for small errors, sizes for large ones (Huber 1964)."""

    name = "huber"
    burden = 10
    pace = 0.6
    family = "linear"
    readable = True
    tasks = ("regression",)
    summary = ("A linear model that a few wild targets cannot pull over; slower than ridge, and "
               "no better where errors are well behaved.")

    epsilon: float = param(
        1.35, "Errors beyond this many robust standard deviations count by size, not square.",
        low=1.0, search=(1.05, 3.0))
    alpha: float = param(1e-4, "Strength of the penalty on the squares of the weights.",
                         low=0, search=(1e-6, 10.0), log=True)
    fit_intercept: bool = param(True, "Learn a constant beside the weights.")
    max_iter: int = param(1000, "Most iterations of the solver.", low=1)
    tol: float = param(1e-5, "Stop when the gradient is below this.", above=0)

    def encoding(self, task: Task) -> Encoding:
        """As for linear models."""
        return for_linear()

    def build(self, task: Task, context: Context) -> Any:
        """HuberRegressor on a standardised target."""
        from sklearn.linear_model import HuberRegressor

        from wholefit.models._target import ScaledTarget

        return ScaledTarget(HuberRegressor(**self.to_dict()))

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "linear"."""
        return _states.read(estimator, context)


@dataclass(frozen=True)
class Quantile(Model):
    """A linear model of a quantile, by default the median (Koenker and Bassett 1978)."""

    name = "quantile"
    burden = 10
    pace = 0.6
    family = "linear"
    readable = True
    tasks = ("regression",)
    growth = "quadratic"
    summary = ("For the median, or for 'what is exceeded one time in ten': it predicts a "
               "quantile, not the mean, and gets slow beyond some ten thousand rows.")

    quantile: float = param(0.5, "Share of the targets that should lie below the answer.",
                            above=0, below=1)
    alpha: float = param(1e-4, "Strength of the penalty on the sizes of the weights.",
                         low=0, search=(1e-6, 1.0), log=True)
    fit_intercept: bool = param(True, "Learn a constant beside the weights.")

    def encoding(self, task: Task) -> Encoding:
        """As for linear models."""
        return for_linear()

    def build(self, task: Task, context: Context) -> Any:
        """QuantileRegressor, solved as a linear programme."""
        from sklearn.linear_model import QuantileRegressor

        return QuantileRegressor(solver="highs", **self.to_dict())

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "linear"."""
        return _states.read(estimator, context)
