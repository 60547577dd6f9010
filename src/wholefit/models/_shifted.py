"""A model that learnt from other proportions of classes than occur, and answers for those."""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding
from wholefit.models._kernels.shifted import shifted
from wholefit.models._model import Context, Model

KIND = "shifted"


class Shifted(Model):
    """Another model with its probabilities corrected; no catalog entry, it is made in training.

    `factor` (k,) is what each class's probability is multiplied by: its frequency over its
    frequency in what was learnt from (Elkan 2001; Saerens et al. 2002). `power` is what it is
    raised to before, where probabilities were calibrated.
    """

    tasks = ("classification",)
    family = "corrected"
    summary = "Another model, its probabilities corrected for the proportions it learnt from."

    def __init__(self, inner: Model, factor: np.ndarray, power: float = 1.0) -> None:
        super().__init__()
        facts = {"inner": inner, "factor": factor, "power": power, "name": inner.name,
                 "weighted": inner.weighted, "burden": inner.burden, "pace": inner.pace}
        for name, value in facts.items():
            object.__setattr__(self, name, value)

    def encoding(self, task: Task) -> Encoding:
        """The inner model's."""
        return self.inner.encoding(task)

    def build(self, task: Task, context: Context) -> Any:
        """The inner model's estimator."""
        return self.inner.build(task, context)

    def answer(self, estimator: Any, X: Any, task: Task, context: Context) -> np.ndarray:
        """The inner model's probabilities, corrected."""
        return shifted(self.inner.answer(estimator, X, task, context), self.factor, self.power)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """The inner model's state, and the factor."""
        return state_of(self.inner.state(estimator, task, context), self.factor, self.power)

    def restore(self, state: State, task: Task, context: Context) -> Any:
        """Refused: new rows would be learnt in proportions of their own."""
        raise StateError(f"{self.name} was fitted on balanced rows and cannot learn on; fit anew.")

    inner: Model
    factor: np.ndarray
    power: float


def state_of(base: State, factor: np.ndarray, power: float = 1.0) -> State:
    """The state that answers as `base` does, corrected by `factor` (k,)."""
    stores = {"stores_rows": True} if base.config.get("stores_rows") else {}
    return State(KIND, {"n_classes": len(factor), "power": float(power), **stores},
                 {"factor": np.asarray(factor, dtype=np.float64)}, parts={"base": base})
