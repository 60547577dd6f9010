"""Calibration of the ensemble's answer: a temperature for classes, a line for numbers.

Both are learnt on the cross-fitted answers, judged on the folds that they were not learnt on,
and kept only where that loss is lower beyond doubt: a mean of models is often calibrated well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from wholefit.base import seeds
from wholefit.models._kernels._links import tempered
from wholefit.training.ensembling._pool import Pool, mixed, others

Array = np.ndarray
_EPS = float(np.finfo(np.float64).eps)
_HOTTEST = 5.0
_HUGE = 1e100
# One number needs no more rows than this.
_ROWS = 20_000
# A gain that is not so many standard errors above 0 is luck.
_SURE = 2.0
Found = TypeVar("Found")


@dataclass(frozen=True)
class Calibrated:
    """The answers to the judged rows with a calibration learnt on other folds, and the final one.

    Where it does not lower the loss the answers are as they were, and nothing is said.
    """

    answer: Array
    temperature: float = 1.0
    line: tuple[float, float] = (0.0, 1.0)
    said: tuple[str, ...] = ()


def calibrated(
    pool: Pool, answer: Array, rows: Array, parts: Sequence[Array],
    shares: Sequence[Mapping[str, float]], seed: int = 0,
) -> Calibrated:
    """Calibrate the cross-fitted `answer` to the judged `rows`, where it helps.

    `answer` has a row for each of `rows`; `parts` are places in `rows`, and `shares` the weights
    that answered each of them: with those the other rows are answered too, and a part is
    calibrated by what they show, so that nothing of its answer was learnt from its own truth.
    """
    heat, straight = 1.0, (0.0, 1.0)
    if pool.is_classes:
        heat, learnt = _crossed(pool, answer, rows, parts, shares, temperature, tempered, seed)
        words = f"the probabilities are calibrated by a temperature of {heat:.3g}"
    elif max(abs(each) for each in pool.bounds or (0.0,)) > _HUGE:
        return Calibrated(answer)  # their squares are no numbers any more
    else:
        straight, learnt = _crossed(pool, answer, rows, parts, shares, line, _straightened, seed)
        words = f"the answers are calibrated to {straight[0]:.4g} + {straight[1]:.4g} x"
    gain = _gain(pool, answer, learnt, rows)
    if not gain:
        return Calibrated(answer)
    return Calibrated(learnt, heat, straight, (
        f"{words}: it lowers the loss by {gain:.2g} on rows that it was not learnt on.",))


def _straightened(answer: Array, found: tuple[float, float]) -> Array:
    return found[0] + found[1] * answer


def _crossed(
    pool: Pool, answer: Array, rows: Array, parts: Sequence[Array],
    shares: Sequence[Mapping[str, float]], learn: Callable[[Pool, Array, Array], Found],
    apply: Callable[[Array, Found], Array], seed: int,
) -> tuple[Found, Array]:
    """What is learnt from the cross-fitted answers, and each part's as learnt from the others."""
    found = answer.copy()
    for number, part in enumerate(parts):
        rest = others(len(rows), part)
        rest = rest[seeds.some(len(rest), _ROWS, seed, "calibration", number)]
        if len(rest):
            asked = {label: np.asarray(pool.shown[label])[rows[rest]]
                     for label in shares[number]}
            learnt = learn(pool, mixed(asked, shares[number]), rows[rest])
            found[part] = apply(answer[part], learnt)
    some = seeds.some(len(rows), _ROWS, seed, "calibration")
    return learn(pool, answer[some], rows[some]), found


def _gain(pool: Pool, before: Array, after: Array, rows: Array) -> float:
    """By how much the mean loss falls; 0 where that may be luck."""
    gains = _losses(pool, before, rows) - _losses(pool, after, rows)
    weights = np.ones(len(rows)) if pool.weights is None else np.asarray(pool.weights)[rows]
    mean = float(np.average(gains, weights=weights))
    spread = float(np.sqrt((weights**2 * (gains - mean) ** 2).sum()) / weights.sum())
    return mean if mean > _SURE * spread and mean > 0 else 0.0


def _losses(pool: Pool, answer: Array, rows: Array) -> Array:
    truth = np.asarray(pool.truth)[rows]
    if not pool.is_classes:
        return np.asarray((answer - truth) ** 2)
    given = answer[np.arange(len(rows)), truth.astype(np.intp)]
    return np.asarray(-np.log(np.clip(given, _EPS, 1.0)))


def temperature(pool: Pool, answer: Array, rows: Array) -> float:
    """The temperature of least log loss of the answers to these rows, from 1/5 to 5.

    The loss is convex in 1/temperature, so that the least there is will be found.
    """
    logs = np.log(np.maximum(answer, _EPS))
    truth = np.asarray(pool.truth)[rows].astype(np.intp)
    weights = None if pool.weights is None else np.asarray(pool.weights)[rows]

    def loss(coldness: float) -> float:
        scaled = coldness * logs
        top = scaled.max(axis=1)
        whole = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
        return float(np.average(whole - scaled[np.arange(len(rows)), truth], weights=weights))

    from scipy.optimize import minimize_scalar  # slow to wake, and of no use to who only answers

    found = minimize_scalar(loss, bounds=(1 / _HOTTEST, _HOTTEST), method="bounded",
                            options={"xatol": 1e-4})
    return float(1 / found.x)


def line(pool: Pool, answer: Array, rows: Array) -> tuple[float, float]:
    """Offset and slope of least squares of the truth on the answers; (0, 1) if those are alike."""
    truth = np.asarray(pool.truth, dtype=np.float64)[rows]
    weights = np.ones(len(rows)) if pool.weights is None else np.asarray(pool.weights)[rows]
    middle, level = np.average(answer, weights=weights), np.average(truth, weights=weights)
    spread = float((weights * (answer - middle) ** 2).sum())
    if spread <= _EPS * max(1.0, float((weights * answer**2).sum())):
        return 0.0, 1.0
    slope = float((weights * (answer - middle) * (truth - level)).sum() / spread)
    return float(level - slope * middle), slope
