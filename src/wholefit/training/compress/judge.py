"""The model before and after, on the same rows, which were set aside before anything was done."""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit import evaluation
from wholefit.data import Dataset
from wholefit.evaluation import Difference, Score
from wholefit.training.distil.judge import has
from wholefit.training.fitted import Fitted


class Judge:
    """Scores on `rows`, whose target is known or not; `own` are the answers before."""

    def __init__(self, fitted: Fitted, rows: Dataset, known: bool, metric: Any) -> None:
        self.fitted, self.rows, self.metric = fitted, rows, metric
        self.truth = rows.target(fitted.codec) if known else None
        self.own = fitted.answer(rows)

    def scores(self, answer: np.ndarray) -> dict[str, Score]:
        """Every metric of answers to the rows; empty where their truth is not known."""
        if self.truth is None:
            return {}
        task = self.fitted.task
        names = [self.metric, *(name for name in task.metrics if name != self.metric.name)]
        return evaluation.score(
            task.name, self.truth, answer, metrics=names,
            predicted=self._codes(answer), **self._facts())

    def difference(self, answer: np.ndarray) -> Difference | None:
        """The score of these answers minus that of the answers before, paired."""
        if self.truth is None:
            return None
        return evaluation.compare(
            self.fitted.task.name, self.metric, self.truth, answer, self.own,
            predicted=(self._codes(answer), self._codes(self.own)), **self._facts())

    def agreement(self, answer: np.ndarray) -> float:
        """The share of rows with the same class; of numbers the R2 for those before."""
        if answer.ndim == 2:
            return float((answer.argmax(axis=1) == self.own.argmax(axis=1)).mean())
        spread = float(((self.own - self.own.mean()) ** 2).sum())
        return 1 - float(((answer - self.own) ** 2).sum()) / spread if spread > 0 else float("nan")

    def furthest(self, answer: np.ndarray) -> float:
        """How far an answer is from that before, at most."""
        return float(np.abs(answer - self.own).max(initial=0.0))

    def _codes(self, answer: np.ndarray) -> np.ndarray | None:
        return self.fitted.codes(answer, self.rows)

    def _facts(self) -> dict[str, Any]:
        rows = self.rows
        return {"positive": getattr(self.fitted.codec, "positive", 1),
                "weights": rows.weights() if has(rows, "weight") else None,
                "units": rows.groups() if has(rows, "group") else None}
