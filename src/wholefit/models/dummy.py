"""The baseline: an answer that looks at no feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.errors import ParameterError
from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features import Encoding
from wholefit.models import _states
from wholefit.models._model import Context, Model


@dataclass(frozen=True)
class Dummy(Model):
    """Class shares of the training rows, or their mean, for every row."""

    name = "dummy"
    burden = 0
    pace = 0.05
    family = "baseline"
    readable = True
    blind = True
    tasks = ("classification", "regression")
    summary = "Looks at no feature: the floor that any model worth keeping must beat."

    strategy: str = param(
        "average",
        "The shares of the classes or the mean; equal shares (classes only); the median "
        "(numbers only).",
        choices=("average", "uniform", "median"), search=("average",))

    def encoding(self, task: Task) -> Encoding:
        """What is made soonest: of text one word, so that a table of texts alone has a feature."""
        return Encoding(impute="none", indicator=False, text="tfidf", words=1)

    def build(self, task: Task, context: Context) -> Any:
        """DummyClassifier or DummyRegressor."""
        from sklearn.dummy import DummyClassifier, DummyRegressor

        kind, words = (
            (DummyClassifier, {"average": "prior", "uniform": "uniform"}) if context.n_classes
            else (DummyRegressor, {"average": "mean", "median": "median"})
        )
        if self.strategy not in words:
            raise ParameterError(
                f"Dummy.strategy must be one of {', '.join(map(repr, words))} for {task.name}; "
                f"got {self.strategy!r}."
            )
        return kind(strategy=words[self.strategy])

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "constant"."""
        return _states.read(estimator, context)
