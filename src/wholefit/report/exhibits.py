"""What pictures need, taken from out-of-fold answers while they exist: small, plain, JSON-able.

A saved model does not carry the rows it was scored on. These few counts, bins and a thinned
sample of points travel in its record, so that a report of a loaded model has the same pictures
as one of a fresh fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from wholefit import evaluation
from wholefit.base import seeds
from wholefit.evaluation import ClassRow, Score

Array = np.ndarray
# Beyond so many classes a matrix cannot be read: the most frequent mistakes are kept instead.
MOST_CLASSES = 30
MOST_MISTAKES = 40
MOST_POINTS = 1000
_BINS = 10
_MISSES = (0.5, 0.8, 0.9, 0.95, 0.99)
_SPREAD = (0.05, 0.25, 0.5, 0.75, 0.95)
# Numbers beyond this cannot be subtracted, and no picture is drawn of them.
_HUGE = 1e300


def exhibits(
    task_name: str, truth: Array, oof_answer: Array, codec: Any, *,
    weights: Array | None = None, units: Array | None = None, scored: int | None = None,
) -> dict[str, Any]:
    """JSON-able facts for the pictures of a report; {} for a task that has none.

    `truth` and `oof_answer` in the shape that the task states: class codes (n,) and
    probabilities (n, k), or numbers (n,) twice. Rows that no fold answered are left out: those
    whose answer is not finite, or gives no class any probability; and, where `scored` (the
    number of rows scored) says that some were not answered, those whose number is still zero.
    `weights` (n,) and `units` (n,) are those of `evaluation.score`.
    """
    make = _MAKERS.get(task_name)
    if make is None:
        return {}
    answered = _answered(np.asarray(oof_answer), scored)
    if not answered.any():
        return {}
    pick = [None if part is None else np.asarray(part)[answered]
            for part in (truth, oof_answer, weights, units)]
    return make(pick[0], pick[1], codec, pick[2], pick[3])


def _answered(answer: Array, scored: int | None) -> Array:
    if answer.ndim == 2:
        return np.isfinite(answer).all(axis=1) & (answer.sum(axis=1) > 0)
    given = np.isfinite(answer)
    return given & (answer != 0) if scored is not None and scored < given.sum() else given


def checked(stored: Any) -> dict[str, Any]:
    """What `exhibits` made and a file kept, less whatever is not of the shape it was made in.

    A model's file may come from anywhere, and its pictures must not be able to fail a report.
    """
    if not isinstance(stored, dict):
        return {}
    return {name: value for name, value in stored.items()
            if name in _SHAPES and _SHAPES[name](value)}


# ---- classes ----------------------------------------------------------------------------


def _classes(
    truth: Array, answer: Array, codec: Any, weights: Array | None, units: Array | None
) -> dict[str, Any]:
    k = answer.shape[1]
    counts = evaluation.confusion(truth, answer, k)
    found: dict[str, Any] = {"rows": len(truth), "positive": int(codec.positive)}
    if k <= MOST_CLASSES:
        found["confusion"] = counts.astype(int).tolist()
        found["per_class"] = [_class_row(row) for row in evaluation.report(
            truth, answer, range(k), weights=weights, units=units)]
    else:
        found["mistakes"] = _mistakes(counts)
    if k == 2:
        points = evaluation.calibration_points(truth, answer, codec.positive, weights, _BINS)
        found["calibration"] = [[_short(x) for x in point] for point in points]
    return found


def _class_row(row: ClassRow) -> dict[str, Any]:
    shares = {name: _three(getattr(row, name)) for name in ("precision", "recall", "f1")}
    return {"class": int(row.label), "support": row.support, "predicted": row.predicted, **shares}


def _three(score: Score) -> list[float | None]:
    return [_short(score.value), _short(score.low), _short(score.high)]


def _mistakes(counts: Array) -> list[list[int]]:
    """The most frequent mistakes: true class, predicted class, rows, rows of the true class."""
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_MISTAKES]
    cells = [(int(at) // len(counts), int(at) % len(counts)) for at in order]
    of_class = counts.sum(axis=1)
    return [[actual, given, int(wrong[actual, given]), int(of_class[actual])]
            for actual, given in cells if wrong[actual, given] > 0]


# ---- numbers ----------------------------------------------------------------------------


def _numbers(
    truth: Array, answer: Array, codec: Any, weights: Array | None, units: Array | None
) -> dict[str, Any]:
    with np.errstate(invalid="ignore"):
        usable = (np.abs(truth) < _HUGE) & (np.abs(answer) < _HUGE)
    truth, answer = truth[usable], answer[usable]
    if not len(truth):
        return {}
    left = truth - answer
    misses = np.quantile(np.abs(left), _MISSES)
    return {
        "rows": len(truth),
        "points": _points(truth, answer),
        "residuals": _residuals(answer, left),
        "misses": [[share, _short(miss)] for share, miss in zip(_MISSES, misses, strict=True)],
    }


def _points(truth: Array, answer: Array) -> list[list[float | None]]:
    """(true, predicted) of all rows, or of a random sample of them; the same one every time."""
    rows = np.arange(len(truth))
    if len(rows) > MOST_POINTS:
        rows = np.sort(seeds.generator(0, "exhibits").choice(rows, MOST_POINTS, replace=False))
    return [[_short(truth[row]), _short(answer[row])] for row in rows]


def _residuals(answer: Array, left: Array) -> list[list[Any]]:
    """Per bin of equally many rows, by answer: median, rows, quantiles of truth minus answer."""
    edges = np.unique(np.quantile(answer, np.linspace(0, 1, _BINS + 1)))
    bins = np.clip(np.searchsorted(edges, answer, side="right") - 1, 0, max(len(edges) - 2, 0))
    found = []
    for one in np.unique(bins):
        here = bins == one
        quantiles = [_short(x) for x in np.quantile(left[here], _SPREAD)]
        found.append([_short(np.median(answer[here])), int(here.sum()), *quantiles])
    return found


def _short(number: float) -> float | None:
    """Six figures are more than any picture shows; None where there is no number."""
    return float(f"{float(number):.6g}") if math.isfinite(number) else None


# ---- shapes -----------------------------------------------------------------------------


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and abs(value) < _HUGE


def _maybe(value: Any) -> bool:
    return value is None or _number(value)


def _rows_of(width: int, cell: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """A check for a list, not empty, of lists of `width` cells."""
    def right(value: Any) -> bool:
        return isinstance(value, list) and bool(value) and all(
            isinstance(row, list) and len(row) == width and all(map(cell, row)) for row in value)

    return right


def _square(value: Any) -> bool:
    return isinstance(value, list) and _rows_of(len(value), _whole)(value)


def _class_rows(value: Any) -> bool:
    counts, shares = ("class", "support", "predicted"), ("precision", "recall", "f1")
    return isinstance(value, list) and all(
        isinstance(row, dict) and {*counts, *shares} <= set(row)
        and all(_whole(row[name]) for name in counts)
        and _rows_of(3, _maybe)([row[name] for name in shares]) for row in value)


def _common(value: Any) -> bool:
    return value == [] or (_rows_of(4, _whole)(value) and all(row[3] for row in value))


_SHAPES: dict[str, Callable[[Any], bool]] = {
    "rows": _whole, "positive": _whole, "confusion": _square, "per_class": _class_rows,
    "mistakes": _common, "calibration": _rows_of(5, _number), "points": _rows_of(2, _maybe),
    "residuals": _rows_of(7, _maybe), "misses": _rows_of(2, _maybe),
}
_MAKERS: dict[str, Callable[..., dict[str, Any]]] = {
    "classification": _classes, "regression": _numbers,
}
