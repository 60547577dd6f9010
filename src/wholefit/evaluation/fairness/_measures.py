"""What is measured of a group: shares and means over some of its rows, each with its interval."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.evaluation import intervals, metrics
from wholefit.evaluation.score import Score, score_sheet

Array = np.ndarray

MEASURES: dict[str, str] = {
    "base_rate": "share of the group that really has the outcome",
    "selection_rate": "share of the group for which the outcome is predicted",
    "tpr": "of those who have the outcome, the share predicted to (recall, sensitivity)",
    "fpr": "of those who do not have it, the share predicted to",
    "fnr": "of those who have it, the share that is missed",
    "precision": "of those predicted to have it, the share that does",
    "accuracy": "share of right predictions",
    "auc": "how well scores rank those who have it above those who do not",
    "calibration": "mean predicted probability minus the share that has it",
    "mean_score": "mean predicted probability",
    "mean_outcome": "mean of the true number",
    "mean_answer": "mean of the predicted number",
    "bias": "mean of predicted minus true",
    "mae": "mean absolute error",
    "rmse": "root of the mean squared error",
}
# Those that are compared and judged; others are told, with intervals, but not tested. (The rate
# of misses is what the TPR leaves, and would be tested twice.)
JUDGED: dict[str, tuple[str, ...]] = {
    "classification": ("selection_rate", "tpr", "fpr", "precision", "calibration", "accuracy"),
    "regression": ("mean_answer", "bias", "mae"),
}


@dataclass(frozen=True)
class Stat:
    """A mean that can tell its interval at any level.

    `rows` is what a share's interval counts, weights and clusters allowed for; NaN for other
    means, which have a standard `error`. `n` rows it rests on.
    """

    value: float
    error: float
    degrees: float
    rows: float
    n: int

    def ends(self, level: float) -> tuple[float, float]:
        """Lower and upper end; the whole scale where nothing is known."""
        if self.n == 0 or math.isnan(self.value):
            return math.nan, math.nan
        if math.isfinite(self.rows):
            return intervals.wilson(self.value, self.rows, intervals.student(level, self.degrees))
        if self.n < 2:
            return math.nan, math.nan
        reach = intervals.student(level, self.degrees) * self.error
        return self.value - reach, self.value + reach

    def score(self, name: str, level: float) -> Score:
        """As a Score at this level."""
        low, high = self.ends(level)
        if math.isnan(self.value):
            return Score(name, math.nan, math.nan, math.nan, level,
                         "undefined: no row of the group can tell", self.n)
        how = "Wilson interval" if math.isfinite(self.rows) else "influence of each unit"
        return Score(name, self.value, low, high, level, f"{how}, {self.n:,} rows", self.n)


def mean(values: Array, weights: Array | None, units: Array | None, share: bool) -> Stat:
    """The mean of values (n,), which are 0 or 1 where `share`; rows of a unit go together."""
    n = len(values)
    if n == 0:
        return Stat(math.nan, math.nan, 1.0, math.nan, 0)
    heavy = np.ones(n) if weights is None else weights
    total = float(heavy.sum())
    if total <= 0:
        return Stat(math.nan, math.nan, 1.0, math.nan, 0)
    value = float(heavy @ values) / total
    pulls: Array = heavy * (values - value) / total
    each: Array = heavy
    if units is not None:
        _, codes = np.unique(units, return_inverse=True)
        pulls, each = np.bincount(codes, pulls), np.bincount(codes, heavy)
    count = len(pulls)
    if not share:
        spread = intervals.Spread.of(pulls * math.sqrt(count / max(count - 1, 1)))
        return Stat(value, spread.error, max(1.0, spread.degrees), math.nan, n)
    worth = total**2 / float(each @ each)  # Kish: rows of equal weight that would tell as much
    plain = weights is None and units is None
    error = float(pulls @ pulls)
    rows = float(n) if plain else worth
    if not plain and error > 1e-18 and 0 < value < 1:
        rows = min(value * (1 - value) / error, float(n))
    return Stat(value, math.sqrt(error), math.inf if plain else max(count - 1.0, 1.0), rows, n)


@dataclass(frozen=True)
class Rows:
    """The rows that are measured. Of a class: whether it is true, whether it is predicted, and
    its probability; of a number: truth and answer.
    """

    truth: Array
    said: Array | None
    answer: Array
    right: Array | None
    weights: Array | None
    units: Array | None

    def take(self, rows: Array) -> Rows:
        """Some of them."""
        picked = [None if each is None else each[rows] for each in (
            self.truth, self.said, self.answer, self.right, self.weights, self.units)]
        return Rows(*picked)  # type: ignore[arg-type]

    def mean(self, values: Array, among: Array | None = None, share: bool = True) -> Stat:
        """The mean of a column of theirs, among some of them."""
        rows = slice(None) if among is None else among
        return mean(values[rows].astype(np.float64),
                    None if self.weights is None else self.weights[rows],
                    None if self.units is None else self.units[rows], share)


def _class_stats(rows: Rows) -> dict[str, Stat]:
    assert rows.said is not None and rows.right is not None
    yes, said = rows.truth, rows.said
    return {
        "base_rate": rows.mean(yes), "selection_rate": rows.mean(said),
        "tpr": rows.mean(said, yes), "fpr": rows.mean(said, ~yes), "fnr": rows.mean(~said, yes),
        "precision": rows.mean(yes, said), "accuracy": rows.mean(rows.right),
        "calibration": rows.mean(rows.answer - yes, share=False),
        "mean_score": rows.mean(rows.answer, share=False),
    }


def _number_stats(rows: Rows) -> dict[str, Stat]:
    error = rows.answer - rows.truth
    return {
        "mean_outcome": rows.mean(rows.truth, share=False),
        "mean_answer": rows.mean(rows.answer, share=False),
        "bias": rows.mean(error, share=False), "mae": rows.mean(np.abs(error), share=False),
    }


_STATS: dict[str, Callable[[Rows], dict[str, Stat]]] = {
    "classification": _class_stats, "regression": _number_stats}


def stats(task: str, rows: Rows) -> dict[str, Stat]:
    """The means of these rows, by the name of the measure."""
    return _STATS[task](rows)


def ranked(task: str, rows: Rows, level: float, seed: int) -> Score:
    """The measure that is no mean: AUC of a class, RMSE of a number."""
    word = {"weights": rows.weights, "units": rows.units}
    if task == "regression":
        sheet: Any = metrics.sheet("regression", rows.truth, rows.answer, **word)
        return score_sheet(metrics.get("regression", "rmse"), sheet, level, seed)
    both = np.column_stack([1 - rows.answer, rows.answer])
    sheet = metrics.sheet("classification", rows.truth.astype(np.int32), both, **word)
    found = score_sheet(metrics.get("classification", "roc_auc"), sheet, level, seed)
    scarcer = int(min(rows.truth.sum(), (~rows.truth).sum()))
    return Score("auc", found.value, found.low, found.high, level, found.how, scarcer)
