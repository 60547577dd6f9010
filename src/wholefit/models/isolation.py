"""Isolation forest: rows that random cuts part from the others early are strange."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding
from wholefit.models._detectors.base import for_detectors
from wholefit.models._model import Context, Model


@dataclass(frozen=True)
class IsolationForest(Model):
    """Trees of random cuts (Liu, Ting and Zhou 2008)."""

    name = "isolation_forest"
    burden = 20
    pace = 0.1
    family = "isolation"
    tasks = ("anomaly",)
    weighted = False
    summary = ("A good first detector for tables of any size: no distances, no scales; it cuts "
               "one column at a time and overlooks rows that only a combination makes strange.")

    trees: int = param(100, "Trees; more make scores steadier.", low=1, search=(50, 400))
    sample: int = param(
        256, "Rows that each tree is grown on; few keep clumps of anomalies from hiding each "
        "other.", low=2, search=(64, 1024), log=True)
    features: float = param(1.0, "Share of the features that each tree may cut.", above=0, high=1,
                            search=(0.5, 1.0))

    def encoding(self, task: Task) -> Encoding:
        """That of all detectors."""
        return for_detectors()

    def build(self, task: Task, context: Context) -> Any:
        """Trees on rarities and standardised numbers, grown all at once."""
        from wholefit.models._detectors.trees import IsolationEstimator

        return IsolationEstimator(context.categorical, context.seed, trees=self.trees,
                                  sample=self.sample, features=self.features)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "detector.isolation": the trees and the depth of every leaf."""
        found: State = estimator.state_
        return found
