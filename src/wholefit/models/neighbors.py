"""Nearest neighbours: the answer of the training rows that look most like the new one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding, for_distances
from wholefit.models import _states
from wholefit.models._model import Context, Model


@dataclass(frozen=True)
class KNN(Model):
    """k nearest neighbours (Cover and Hart 1967)."""

    name = "knn"
    burden = 70
    pace = 0.1
    family = "neighbors"
    tasks = ("classification", "regression")
    growth = "quadratic"
    weighted = False
    summary = ("Few features and smooth borders; it keeps all training rows, answers slowly, "
               "gives coarse probabilities, and unhelpful features mislead it.")

    k: int = param(5, "Neighbours asked; more is smoother.", low=1, search=(1, 100), log=True)
    weights: str = param("uniform", "All neighbours alike, or the nearer the more.",
                         choices=("uniform", "distance"))
    p: float = param(2.0, "Power of the distance: 1 adds up differences, 2 is straight lines.",
                     low=1, search=(1.0, 2.0))

    def encoding(self, task: Task) -> Encoding:
        """Standardised and dense: neighbours measure distances."""
        return for_distances()

    def build(self, task: Task, context: Context) -> Any:
        """KNeighborsClassifier or -Regressor with ties settled by row order."""
        from wholefit.models._nearest import NearestClassifier, NearestRegressor

        kind = NearestClassifier if context.n_classes else NearestRegressor
        return kind(n_neighbors=max(1, min(self.k, context.rows)), weights=self.weights,
                    p=self.p, n_jobs=context.jobs)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "neighbors": the training rows and their targets."""
        return _states.read(estimator, context)
