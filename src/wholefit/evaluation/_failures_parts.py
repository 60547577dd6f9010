"""Parts of a diagnosis: calibration, cells of the confusion matrix, misses, errors over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wholefit.evaluation.intervals import student, wilsons
from wholefit.evaluation.score import Score, score

_BINS, _ROWS_A_BIN = 10, 20
_BLOCKS, _ROWS_A_BLOCK = 10, 30
_MOST_CELLS = 30


@dataclass(frozen=True)
class Example:
    """A row to look at: its number (from 1), what is true, what was said and how sure.

    `shown` holds cells of the columns that were asked for, and nothing unless some were.
    """

    row: int
    truth: str
    answer: str
    sure: float
    shown: dict[str, str]


@dataclass(frozen=True)
class Cell:
    """Rows of one true class that were given one answer: how many, and the surest of them.

    `share` is of the rows of the true class, with its Wilson interval; `sure` the mean
    confidence.
    """

    truth: str
    answer: str
    rows: int
    share: float
    low: float
    high: float
    sure: float
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True)
class Reliability:
    """Whether probabilities come true: `points` (said, happened, low, high, rows), and the gap.

    `of` says whose probability: of a class, or of whatever class was most probable. `gap` is the
    expected calibration error, noise taken off, with its interval.
    """

    of: str
    points: tuple[tuple[float, float, float, float, float], ...]
    gap: Score


@dataclass(frozen=True)
class Block:
    """Rows of one stretch of time: their mean error, with its interval."""

    start: str
    end: str
    rows: int
    error: float
    low: float
    high: float


@dataclass(frozen=True)
class OverTime:
    """Errors in order of time: blocks, and whether they rise or fall.

    `change` is by how much the error rises from the first row to the last along a straight line,
    with its interval; `p` that of no change, by errors that may differ in spread.
    """

    column: str
    error: str
    blocks: tuple[Block, ...]
    change: float
    low: float
    high: float
    p: float


def reliability(
    truth: np.ndarray, answer: np.ndarray, classes: Sequence[str], positive: int,
    weights: np.ndarray | None, level: float, units: np.ndarray | None = None,
) -> Reliability:
    """Of two classes the positive one's probability; else that of the most probable class."""
    from wholefit.evaluation.tables import calibration_points

    bins = max(1, min(_BINS, len(truth) // _ROWS_A_BIN))
    if answer.shape[1] == 2:
        points = calibration_points(truth, answer, positive, weights, bins)
        of = classes[positive]
    else:
        top = answer.max(axis=1)
        hit = (answer.argmax(axis=1) == truth).astype(np.intp)
        points = calibration_points(hit, np.column_stack([1 - top, top]), 1, weights, bins)
        of = "the most probable class"
    gap = score("classification", truth, answer, metrics="ece", positive=positive,
                weights=weights, units=units, level=level)["ece"]
    return Reliability(of, tuple((float(p[0]), float(p[1]), float(p[2]), float(p[3]), float(p[4]))
                                 for p in points), gap)


def cells(
    truth: np.ndarray, said: np.ndarray, sure: np.ndarray, classes: Sequence[str],
    shown: Sequence[dict[str, str]] | None, numbers: np.ndarray, examples: int, level: float,
) -> tuple[Cell, ...]:
    """Cells of the confusion matrix that hold rows; the most frequent mistakes of many classes."""
    k = len(classes)
    counts = np.bincount(truth * k + said, minlength=k * k).reshape(k, k)
    total = counts.sum(axis=1)
    order = np.argwhere(counts > 0)
    if len(order) > _MOST_CELLS:
        order = np.array([pair for pair in order if pair[0] != pair[1]]).reshape(-1, 2)
        order = order[np.argsort(-counts[order[:, 0], order[:, 1]], kind="stable")][:_MOST_CELLS]
    found = []
    for true, answered in order:
        rows = np.flatnonzero((truth == true) & (said == answered))
        share = counts[true, answered] / total[true]
        low, high = wilsons(share, total[true], student(level, math.inf))
        surest = rows[np.argsort(-sure[rows], kind="stable")[:examples]]
        found.append(Cell(
            classes[true], classes[answered], len(rows), float(share), float(low), float(high),
            float(sure[rows].mean()), tuple(Example(
                int(numbers[row]), classes[true], classes[answered], float(sure[row]),
                dict(shown[row]) if shown is not None else {}) for row in surest)))
    return tuple(found)


def misses(
    truth: np.ndarray, answer: np.ndarray, shown: Sequence[dict[str, str]] | None,
    numbers: np.ndarray, most: int,
) -> tuple[Example, ...]:
    """The rows with the largest errors of numbers."""
    worst = np.argsort(-np.abs(truth - answer), kind="stable")[:most]
    return tuple(Example(int(numbers[row]), f"{truth[row]:.6g}", f"{answer[row]:.6g}", math.nan,
                         dict(shown[row]) if shown is not None else {}) for row in worst)


def over_time(
    column: str, order: np.ndarray, labels: Sequence[str], error: np.ndarray, what: str,
    shares: bool, level: float,
) -> OverTime | None:
    """Errors (n,) of rows in `order` of time; None where there are too few to tell."""
    if len(order) < 2 * _ROWS_A_BLOCK:
        return None
    ranked = error[order]
    blocks = []
    for rows in np.array_split(np.arange(len(order)), min(_BLOCKS, len(order) // _ROWS_A_BLOCK)):
        inside = ranked[rows]
        mean = float(inside.mean())
        if shares:
            low, high = map(float, wilsons(mean, len(rows), student(level, math.inf)))
        else:
            reach = student(level, len(rows) - 1) * float(inside.std(ddof=1)) / len(rows) ** 0.5
            low, high = mean - reach, mean + reach
        blocks.append(Block(labels[order[rows[0]]], labels[order[rows[-1]]], len(rows), mean,
                            low, high))
    change, reach, p = _slope(ranked, level)
    return OverTime(column, what, tuple(blocks), change, change - reach, change + reach, p)


def _slope(values: np.ndarray, level: float) -> tuple[float, float, float]:
    """Rise along a line from 0 to 1, its reach and p, by White's (1980) standard error.

    Rows near each other in time may err alike: deviations are summed over blocks of neighbours
    first, so that such ties do not pass for evidence.
    """
    from scipy.special import stdtr

    n = len(values)
    along = np.linspace(-0.5, 0.5, n)
    square = float(along @ along)
    rise = float(along @ values) / square
    left = values - values.mean() - rise * along
    blocks = min(max(20, int(math.sqrt(n))), n // 2)
    pulls = np.array([part.sum() for part in np.array_split(along * left, blocks)])
    spread = math.sqrt(float(pulls @ pulls) * blocks / max(blocks - 2, 1)) / square
    if not spread > 0:
        return rise, 0.0, 1.0 if abs(rise) < 1e-12 else 0.0
    return rise, student(level, blocks - 2) * spread, 2 * float(stdtr(
        blocks - 2, -abs(rise) / spread))
