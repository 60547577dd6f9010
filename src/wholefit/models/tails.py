"""Detectors of single features: how far out in the tails of its columns a row lies."""

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
class _Tails(Model):
    """What detectors of single features share."""

    family = "tails"
    burden = 5
    pace = 0.03
    tasks = ("anomaly",)
    weighted = False

    def encoding(self, task: Task) -> Encoding:
        """That of all detectors."""
        return for_detectors()

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Sorted values, or the rarities of bins."""
        found: State = estimator.state_
        return found


@dataclass(frozen=True)
class ECOD(_Tails):
    """Empirical cumulative distributions (Li et al. 2022)."""

    name = "ecod"
    summary = ("Large tables, nothing to set, and each column says its part; blind to values "
               "that are strange only together.")

    tails: str = param(
        "each", "Each column counts by its own stranger tail, or all columns of a row by the same "
        "side (the paper's: lower, upper, or each by its skewness, whichever sums to most).",
        choices=("each", "row"))

    def build(self, task: Task, context: Context) -> Any:
        """Sorting, column by column."""
        from wholefit.models._detectors.tails import TailsEstimator

        return TailsEstimator("detector.ecod", categorical=context.categorical,
                              seed=context.seed, tails=self.tails)


@dataclass(frozen=True)
class COPOD(_Tails):
    """Empirical copulas (Li et al. 2020)."""

    name = "copod"
    summary = ("As ecod, with the tail that the column's skewness points to, or the mean of both "
               "tails; better where strange values lie on the long side.")

    def build(self, task: Task, context: Context) -> Any:
        """Sorting, column by column."""
        from wholefit.models._detectors.tails import TailsEstimator

        return TailsEstimator("detector.copod", categorical=context.categorical,
                              seed=context.seed)


@dataclass(frozen=True)
class HBOS(_Tails):
    """Histograms (Goldstein and Dengel 2012)."""

    name = "hbos"
    summary = ("Fastest of all, and finds values in gaps inside a column, not only in its tails; "
               "the width of the bins decides much.")

    bins: int = param(20, "Equally wide bins of a column.", low=2, high=1000, search=(5, 50))

    def build(self, task: Task, context: Context) -> Any:
        """Counting, column by column."""
        from wholefit.models._detectors.tails import HistogramsEstimator

        return HistogramsEstimator(context.categorical, context.seed, bins=self.bins)
