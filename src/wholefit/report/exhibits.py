"""What pictures need, taken from out-of-fold answers while they exist: small, plain, JSON-able.

A saved model does not carry the rows it was scored on. These few counts, bins and rounded
quantiles travel in its record, so that a report of a loaded model has the same pictures as one
of a fresh fit. No number of a single row can be read off them more finely than its bin: edges
are round numbers, quantiles are rounded, and what few rows share is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from wholefit import evaluation
from wholefit.evaluation import ClassRow, Score

Array = np.ndarray
# Beyond so many classes a matrix cannot be read: the most frequent mistakes are kept instead.
MOST_CLASSES = 30
MOST_MISTAKES = 40
# Squares of the picture of numbers along each axis, where there are rows enough to fill them.
MOST_SQUARES, _FEWEST_SQUARES = 32, 10
_BINS = 10
# A bin of quantiles or probabilities holds at least so many rows, if there are so many at all...
_ROWS_A_BIN = 20
# ...and what fewer than these share is left out: it would tell of single rows.
_FEW = 5
_MISSES = (0.5, 0.8, 0.9, 0.95, 0.99)
_SPREAD = (0.05, 0.25, 0.5, 0.75, 0.95)
# A scale that lets the strangest half per cent of rows rule leaves the rest in a corner.
_TAIL, _MUCH_WIDER = 0.005, 2.0
_GRAIN = 0.01
_ROUND_STEPS = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
# Numbers beyond this cannot be subtracted, and no picture is drawn of them; below it there
# is no span.
_HUGE, _TINY = 1e300, 1e-290


def exhibits(
    task_name: str, truth: Array, oof_answer: Array, codec: Any, *,
    weights: Array | None = None, units: Array | None = None, predicted: Array | None = None,
) -> dict[str, Any]:
    """JSON-able facts for the pictures of a report; {} for a task that has none.

    `truth` and `oof_answer` in the shape that the task states: class codes (n,) and
    probabilities (n, k), or numbers (n,) twice. Rows that no fold answered, whose answer is NaN,
    are left out. `weights` (n,) and `units` (n,) are those of `evaluation.score`; `predicted`
    (n,) the class codes decided on, where those are not the most probable ones.
    """
    make = _MAKERS.get(task_name)
    if make is None:
        return {}
    given = np.isfinite(np.asarray(oof_answer))
    answered = given.all(axis=tuple(range(1, given.ndim)))
    if not answered.any():
        return {}
    pick = [None if part is None else np.asarray(part)[answered]
            for part in (truth, oof_answer, weights, units)]
    found = make(pick[0], pick[1], codec, pick[2], pick[3])
    if predicted is None or make is not _classes:
        return found
    # What is counted is what was decided; what is said of probabilities stays theirs.
    given_to = np.asarray(oof_answer)[answered]
    sure = np.eye(given_to.shape[1])[np.asarray(predicted)[answered]]
    counted = make(pick[0], sure, codec, pick[2], pick[3])
    return {**counted, **{name: found[name] for name in ("calibration",) if name in found}}


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
        points = evaluation.calibration_points(
            truth, answer, codec.positive, weights, _bins(len(truth)))
        found["calibration"] = [[*map(_short, point[:4]), int(point[4])] for point in points
                                if point[4] >= _FEW]
    return {name: value for name, value in found.items() if value != []}


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
    found = {"rows": len(truth), "grid": _grid(truth, answer)}
    if len(truth) < _FEW:
        return found
    left = truth - answer
    return {**found, "residuals": _residuals(answer, left), "misses": _misses(np.abs(left))}


def _grid(truth: Array, answer: Array) -> dict[str, Any]:
    """Rows in each square of truth (first index) by answer, on one scale for both.

    `beyond` of them lie outside of the edges, and are counted in the squares at the edge.
    """
    low, high, step = _range(np.concatenate([truth, answer]))
    edges = low + step * np.arange(round((high - low) / step) + 1)
    last = len(edges) - 2
    at = [np.clip(np.searchsorted(edges, side, side="right") - 1, 0, last)
          for side in (truth, answer)]
    counts = np.zeros((last + 1, last + 1), dtype=np.int64)
    np.add.at(counts, tuple(at), 1)
    outside = [(side < edges[0]) | (side > edges[-1]) for side in (truth, answer)]
    return {"edges": [float(f"{edge:.12g}") for edge in edges], "counts": counts.tolist(),
            "beyond": int((outside[0] | outside[1]).sum())}


def _range(numbers: Array) -> tuple[float, float, float]:
    """Ends and step of a scale: round multiples of a round step, about nearly all numbers."""
    low, high = float(numbers.min()), float(numbers.max())
    near, far = (float(x) for x in np.quantile(numbers, [_TAIL, 1 - _TAIL]))
    if 0 < (far - near) * _MUCH_WIDER < high - low:
        low, high = near, far
    if not high - low > max(1e-9 * max(abs(low), abs(high)), _TINY):
        reach = abs(low) * 0.1 if abs(low) > 10 * _TINY else 0.5
        low, high = low - reach, high + reach
    squares = min(max(round(len(numbers) ** 0.5), _FEWEST_SQUARES), MOST_SQUARES)
    step = _round_step((high - low) / (squares - 2))
    return math.floor(low / step) * step, (math.floor(high / step) + 1) * step, step


def _round_step(rough: float) -> float:
    """The next step up that is written with two figures."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * unit for unit in _ROUND_STEPS if power * unit >= rough * 0.999)


def _residuals(answer: Array, left: Array) -> list[list[Any]]:
    """Per bin of equally many rows, by answer: median, rows, quantiles of truth minus answer.

    Quantiles are rounded to about a hundredth of what most rows spread over.
    """
    edges = np.unique(np.quantile(answer, np.linspace(0, 1, _bins(len(answer)) + 1)))
    bins = np.clip(np.searchsorted(edges, answer, side="right") - 1, 0, max(len(edges) - 2, 0))
    place, size = _grained(answer), _grained(left)
    found = []
    for one in np.unique(bins):
        here = bins == one
        if here.sum() < _FEW:
            continue
        quantiles = [size(x) for x in np.quantile(left[here], _SPREAD)]
        found.append([place(np.median(answer[here])), int(here.sum()), *quantiles])
    return found


def _misses(distance: Array) -> list[list[float]]:
    """Share of the rows, and two figures that so many miss by less than.

    Shares that but a few rows exceed are left out, for those rows would rule the number.
    """
    shares = [share for share in _MISSES if (1 - share) * len(distance) >= _FEW]
    shares = shares or [_MISSES[0]]
    return [[share, _upwards(float(miss))]
            for share, miss in zip(shares, np.quantile(distance, shares), strict=True)]


def _bins(rows: int) -> int:
    return min(max(rows // _ROWS_A_BIN, 1), _BINS)


def _grained(numbers: Array) -> Callable[[float], float]:
    """Rounding to a round step, about a hundredth of the span of nine in ten numbers."""
    low, high = (float(x) for x in np.quantile(numbers, [0.05, 0.95]))
    span = high - low if high > low else abs(high)
    grain = _round_step(span * _GRAIN) if span > _TINY / _GRAIN else 1.0
    return lambda number: float(f"{round(float(number) / grain) * grain:.12g}")


def _upwards(number: float) -> float:
    """The next number of two figures that is not less."""
    if not number > _TINY:
        return 0.0
    power = 10.0 ** (math.floor(math.log10(number)) - 1)
    return float(f"{math.ceil(number / power * (1 - 1e-9)) * power:.3g}")


def _short(number: float) -> float | None:
    """Four figures are more than any picture shows; None where there is no number."""
    return float(f"{float(number):.4g}") if math.isfinite(number) else None


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


def _squares(value: Any) -> bool:
    if not isinstance(value, dict) or set(value) != {"edges", "counts", "beyond"}:
        return False
    edges, counts = value["edges"], value["counts"]
    return (
        isinstance(edges, list) and 2 <= len(edges) <= 2 * MOST_SQUARES
        and all(map(_number, edges)) and all(a < b for a, b in pairwise(edges))
        and _square(counts) and len(counts) == len(edges) - 1 and _whole(value["beyond"])
    )


def _common(value: Any) -> bool:
    return value == [] or (_rows_of(4, _whole)(value) and all(row[3] for row in value))


def _reliance(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    if set(value) == {"why_not"}:
        return isinstance(value["why_not"], str) and len(value["why_not"]) <= 400
    return set(value) == {"rows", "columns", "others"} and _whole(value["rows"]) and \
        _whole(value["others"]) and isinstance(value["columns"], list) and \
        len(value["columns"]) <= 100 and all(map(_named, value["columns"]))


def _failures(value: Any) -> bool:
    """Whether it is what `evaluation.failures.kept` makes."""
    from wholefit.evaluation import failures  # most of what is loaded is never reported

    return failures.checked(value) is not None


def _named(row: Any) -> bool:
    """A name and three numbers, none below 0."""
    return isinstance(row, list) and len(row) == 4 and isinstance(row[0], str) and \
        all(_number(each) and each >= 0 for each in row[1:])


_SHAPES: dict[str, Callable[[Any], bool]] = {
    "rows": _whole, "positive": _whole, "confusion": _square, "per_class": _class_rows,
    "mistakes": _common, "calibration": _rows_of(5, _number), "grid": _squares,
    "residuals": _rows_of(7, _maybe), "misses": _rows_of(2, _maybe),
    "reliance": _reliance, "failures": _failures,
}
_MAKERS: dict[str, Callable[..., dict[str, Any]]] = {
    "classification": _classes, "regression": _numbers,
}
