"""What to expect of the mean of the folds' models, of which cross-validation sees one at a time.

Each row's out-of-fold answer comes from one fold's model; what answers in the end is the mean of
all of them, whose loss is lower by the spread of its members (Krogh and Vedelsby, NIPS 1995). The
spread shows only on rows that several of them do not know. So each member gets one more model
that knows as little of the first fold as the first fold's own: it lacks the second fold's rows
too. What the mean of those two gains, a mean of F gains 2 (1 - 1/F) times (squared error exactly;
log loss to second order).

The two differ less than two folds' models do, for the one's rows are all among the other's: where
what a model learns is a sum over its rows, so much less as `_apart` says. And of what is measured
as much is told as stands out of its standard error: all where it is sure, none where it is as
large as its error (the positive-part rule of James and Stein, 1961). What that comes to beside the
truth: benchmarks/results/bagging.md.
"""

from __future__ import annotations

import math
import queue
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wholefit.base.errors import WholefitError
from wholefit.evaluation import Score
from wholefit.models import Model
from wholefit.training._folds import Problem, Validated
from wholefit.training.apart import Apart, Stopped
from wholefit.training.automl._blend import asked
from wholefit.training.ensembling import Blended, Pool, mixed

# The losses whose gain is a mean over rows, by metric: what is done to the score to get there.
_POWERS = {"log_loss": 1, "mse": 1, "rmse": 2}
# A model beside a fold's learns from a fold less, and so takes less than that fold did.
_MARGIN = 0.9
# Beyond this share of the rows a gain counts as theirs: few wild rows can be all of it.
_WILD = 0.99
_FAULTS = (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError,
           ImportError, OSError, WholefitError)


@dataclass(frozen=True)
class Gain:
    """By how much the mean of the folds' models lowers the mean loss of a row.

    `value` is what was measured, less as its standard error, `error`, is larger.

    `share` is the same as a share of the loss on the `rows` where it was measured; `members` are
    those that a second model stood beside, of `models` folds' models in the mean.
    """

    value: float
    error: float
    share: float
    rows: int
    models: int
    members: tuple[str, ...]

    def expected(self, score: Score) -> Score | None:
        """The score, of one fold's model, as that of the mean of them; None for other metrics."""
        power = _POWERS.get(score.metric)
        if power is None or not math.isfinite(score.high) or not math.isfinite(score.low):
            return None
        from scipy.special import ndtri

        loss, low, high = (each**power for each in (score.value, score.low, score.high))
        fall = min(self.value, self.share * loss)  # one wild row may make either too large
        wide = float(ndtri((1 + score.level) / 2)) * self.error
        ends = (loss - fall - math.hypot(loss - low, wide), loss - fall,
                loss - fall + math.hypot(high - loss, wide))
        low, value, high = (max(each, 0.0) ** (1 / power) for each in ends)
        return replace(score, value=value, low=low, high=high, how=(
            f"{score.how}; less what the mean of {self.models} models gains over one, measured on "
            f"{self.rows:,} rows"))


def gain(
    problem: Problem, blended: Blended, found: Mapping[str, Validated],
    besides: Mapping[str, np.ndarray],
) -> Gain | None:
    """The gain of the mean, from what second models (`besides`, by label) said to the first fold.

    Members without one count as if theirs said the same. None where there is none, where one
    fold's models alone answer, or where a second layer reads the members.
    """
    labels = asked(blended)
    known = tuple(label for label in labels if label in besides)
    models = min(len(found[label].kept) for label in labels)
    if not known or models < 2 or blended.layer:
        return None
    test = problem.plan.folds[0][1]
    first = {label: found[label].answer[test] for label in labels}
    second = {label: besides.get(label, first[label]) for label in labels}
    middle = {label: (first[label] + second[label]) / 2 for label in labels}
    pool = Pool(first, problem.y[test], np.zeros(len(test), np.int16), task=problem.task.name)
    one, other, both = (_losses(pool, answers, blended, problem.y)
                        for answers in (first, second, middle))
    weights = np.ones(len(test)) if problem.weights is None else problem.weights[test]
    if not weights.sum() > 0:
        return None
    folds = round(len(problem.y) / len(test))  # of one repeat
    times = 2 * _apart(folds) * (
        1 / float(np.mean([found[label].seen[test].mean() for label in labels])) - 1 / models)
    falls = times * ((one + other) / 2 - both)
    worse = float(np.average(other, weights=weights))
    loss = float(np.average(one, weights=weights))
    # A second model that does worse differs from the first by that too, not by chance alone.
    falls = falls * (min(1.0, loss / worse) ** 2 if worse > 0 else 1.0)
    falls = np.minimum(falls, np.quantile(falls, _WILD))  # a wild answer of one is no gain of all
    mean = float(np.average(falls, weights=weights))
    error = float(np.sqrt((weights**2 * (falls - mean) ** 2).sum()) / weights.sum())
    value = mean * (1 - (error / mean) ** 2) if mean > error > 0 else max(mean - error, 0.0)
    if not math.isfinite(value) or value <= 0 or loss <= 0:
        return None
    return Gain(value, error, min(value / loss, 1.0), len(test), models, known)


def _apart(folds: int) -> float:
    """How much more two folds' models differ, squared, than a fold's and the one beside it.

    Two folds' models have a fold each that the other lacks, 2/F of the rows, each row counting
    for 1 / (1 - 1/F); the one beside lacks a fold that the other has: 1 / (1 - 2/F) less
    1 / (1 - 1/F).
    """
    if folds < 3:
        return 1.0
    own, less = 1 - 1 / folds, 1 - 2 / folds
    return 2 / folds / own**2 / (1 / less - 1 / own)


def _losses(
    pool: Pool, answers: Mapping[str, np.ndarray], blended: Blended, truth: np.ndarray
) -> np.ndarray:
    answer = mixed(answers, blended.shares, blended.temperature, blended.line, blended.bounds)
    return pool.rowwise(answer, slice(None))


def besides(
    workers: Sequence[Apart], models: Mapping[str, Model], found: Mapping[str, Validated],
    labels: Sequence[str], deadline: float,
) -> dict[str, np.ndarray]:
    """What a second model of each of these says to the first fold's rows, where time is left.

    The workers share the work, in the order given; who would not be ready by `deadline`
    (time.perf_counter), or fails, is left out.
    """
    left: queue.SimpleQueue[str] = queue.SimpleQueue()
    for label in labels:
        left.put(label)
    answers: dict[str, np.ndarray] = {}

    def work(worker: Apart) -> None:
        while True:
            try:
                label = left.get_nowait()
            except queue.Empty:
                return
            each = found[label]
            if time.perf_counter() + seconds_of(each) > deadline:
                continue
            try:
                answers[label] = worker.beside(models[label], deadline, **_as_first(each))
            except (Stopped, *_FAULTS):
                continue

    with ThreadPoolExecutor(len(workers)) as pool:
        list(pool.map(work, workers))
    return {label: answers[label] for label in labels if label in answers}


def seconds_of(found: Validated) -> float:
    """Seconds that the model beside the first fold's should take."""
    return _MARGIN * (found.fit_seconds[0] + found.predict_seconds[0])


def _as_first(found: Validated) -> dict[str, Any]:
    """How the first fold's model was bounded: by rounds or by count."""
    counted = found.counted[0] if found.counted else None
    return {"rounds": found.rounds[0] if found.rounds else None, "counted": counted}
