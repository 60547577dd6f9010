"""What every model that writes a text for a text is: a family of the catalog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features import Encoding
from wholefit.models._model import Context, Model


@dataclass(frozen=True)
class PairModel(Model):
    """A family that learns from pairs of texts: its estimator has `fit(sources, targets)`."""

    tasks = ("translation",)
    weighted = False
    keeps_rows: ClassVar[bool] = False
    """Whether the fitted form holds texts that it learnt from, word for word."""

    def encoding(self, task: Task) -> Encoding:
        """Not asked: texts are read as they are."""
        return Encoding()

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """What the estimator learnt."""
        learnt: State = estimator.state_
        return learnt
