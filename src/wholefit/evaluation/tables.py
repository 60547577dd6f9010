"""Tables behind the numbers: confusion, one row a class, and the points of curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import DataError
from wholefit.evaluation.metrics import get
from wholefit.evaluation.metrics._sheet import ClassSheet
from wholefit.evaluation.score import Score, score_sheet

Array = np.ndarray
# A curve on a page shows no more points than this.
MOST_POINTS = 200


@dataclass(frozen=True)
class ClassRow:
    """One class of a report: rows of it, rows predicted as it, and its three shares."""

    label: Any
    support: int
    predicted: int
    precision: Score
    recall: Score
    f1: Score


def confusion(truth: Any, answer: Any, n_classes: int | None = None,
              weights: Any = None) -> Array:
    """Counts (k, k): true class down, predicted class across; sums of weights if given.

    `answer` is codes (n,) or probabilities (n, k), of which the most probable counts. Rows
    whose truth is unknown (-1) are left out.
    """
    actual, given = np.asarray(truth).astype(np.intp), np.asarray(answer)
    predicted = given.argmax(axis=1) if given.ndim == 2 else given.astype(np.intp)
    if actual.shape != predicted.shape:
        raise DataError(f"truth and answer must have as many rows; got {len(actual)} "
                        f"and {len(predicted)}.")
    k = n_classes or (given.shape[1] if given.ndim == 2 else _most(actual, predicted) + 1)
    if max(_most(actual, predicted), 0) >= k or (predicted < 0).any():
        raise DataError(f"codes must be 0..{k - 1} for {k} classes; got up to "
                        f"{_most(actual, predicted)}.")
    known = actual >= 0
    cells = actual[known] * k + predicted[known]
    if weights is None:
        return np.bincount(cells, minlength=k * k).reshape(k, k)
    heavy = np.asarray(weights, dtype=np.float64)[known]
    return np.bincount(cells, weights=heavy, minlength=k * k).reshape(k, k)


def report(truth: Any, answer: Any, classes: Sequence[Any], *, weights: Any = None,
           units: Any = None, level: float = 0.95) -> list[ClassRow]:
    """One row a class: precision, recall and f1 of that class against the rest, with intervals.

    `answer` is probabilities (n, k); the predicted class is the most probable of all k.
    """
    whole = ClassSheet(truth, answer, weights=weights, units=units)
    if whole.k != len(classes):
        raise DataError(f"classes must name the {whole.k} probability columns; got {len(classes)}.")
    return [_class_row(whole, code, label, level) for code, label in enumerate(classes)]


def _class_row(whole: ClassSheet, code: int, label: Any, level: float) -> ClassRow:
    picked = (whole.predicted == code).astype(np.float64)
    one = ClassSheet((whole.truth == code).astype(np.intp), np.column_stack([1 - picked, picked]),
                     weights=whole.weights if whole.weighted else None, units=whole.unit)
    shares = {name: score_sheet(get("classification", name), one, level)
              for name in ("precision", "recall", "f1")}
    return ClassRow(label, int(whole.rows_of[code]), int(whole.predicted_as[code]), **shares)


# ---- curves -----------------------------------------------------------------------------


def roc_points(truth: Any, answer: Any, positive: int = 1, weights: Any = None) -> Array:
    """ROC curve (points, 3): share of negatives taken, of positives taken, score threshold.

    From the surest row down; starts at (0, 0, inf), ends at (1, 1). At most 200 points, chosen
    along the curve's length. Empty (0, 3) if the truth lacks positive or negative rows.
    """
    found, mistaken, scores = _climb(truth, answer, positive, weights)
    if not len(found) or found[-1] <= 0 or mistaken[-1] <= 0:
        return np.empty((0, 3))
    points = np.column_stack([mistaken / mistaken[-1], found / found[-1], scores])
    return _thin(np.vstack([[0.0, 0.0, np.inf], points]))


def pr_points(truth: Any, answer: Any, positive: int = 1, weights: Any = None) -> Array:
    """Precision-recall curve (points, 3): recall, precision, score threshold.

    From the surest row down. At most 200 points. Empty (0, 3) without positive rows.
    """
    found, mistaken, scores = _climb(truth, answer, positive, weights)
    if not len(found) or found[-1] <= 0:
        return np.empty((0, 3))
    return _thin(np.column_stack([found / found[-1], found / (found + mistaken), scores]))


def calibration_points(truth: Any, answer: Any, positive: int = 1, weights: Any = None,
                       bins: int = 10) -> Array:
    """Reliability (bins, 5): mean probability, share of positives, its interval's ends, rows.

    Bins hold equal numbers of rows, rows of equal probability kept together; the interval is
    Wilson's at 95%, its rows counted by their weights (Kish, 1965).
    """
    sheet = ClassSheet(truth, answer, positive=positive, weights=weights)
    if not len(sheet):
        return np.empty((0, 5))
    given = sheet.answer[:, positive]
    edges = np.unique(np.quantile(given, np.linspace(0, 1, bins + 1)))
    index = np.clip(np.searchsorted(edges, given, side="right") - 1, 0, max(len(edges) - 2, 0))
    hit = (sheet.truth == positive).astype(np.float64)
    return np.array([_bin(given[index == one], hit[index == one], sheet.weights[index == one])
                     for one in np.unique(index)])


def _bin(given: Array, hit: Array, weight: Array) -> tuple[float, ...]:
    from wholefit.evaluation.intervals import student, wilson

    total = weight.sum()
    share = float(min(weight @ hit / total, 1.0))
    low, high = wilson(share, total**2 / (weight @ weight), student(0.95, np.inf))
    return float(weight @ given / total), share, low, high, float(len(given))


def _climb(truth: Any, answer: Any, positive: int, weights: Any) -> tuple[Array, Array, Array]:
    """Weight of positive and negative rows at or above each score, from the highest down."""
    sheet = ClassSheet(truth, answer, positive=positive, weights=weights)
    if not len(sheet):
        return np.empty(0), np.empty(0), np.empty(0)
    ranking = sheet.ranking(positive)
    up, down = ranking.sums(sheet.weights)
    return np.cumsum(up[::-1]), np.cumsum(down[::-1]), ranking.scores[::-1]


def _thin(points: Array) -> Array:
    """At most MOST_POINTS of the points, evenly along the curve, both ends kept."""
    if len(points) <= MOST_POINTS:
        return points
    steps = np.abs(np.diff(points[:, :2], axis=0)).sum(axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0, along[-1], MOST_POINTS)
    picks = np.unique(np.minimum(np.searchsorted(along, wanted), len(points) - 1))
    picks[0], picks[-1] = 0, len(points) - 1
    return points[picks]


def _most(actual: Array, predicted: Array) -> int:
    return int(max(actual.max(initial=-1), predicted.max(initial=-1)))
