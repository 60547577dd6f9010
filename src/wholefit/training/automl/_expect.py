"""What to expect of the model that answers, of which cross-validation sees a poorer one.

Each row's out-of-fold answer comes from one fold's model, which lacks a fold's rows. So each member
gets one more model that lacks two: the first fold's and the second's. What these folds' own models
do better than that one, each on its fold's rows, is what a fold's rows are worth; members learnt
from all rows gain as much again, but for what a learning curve flattens (`growth`; members for
which there was no time count as the others do, with an error as wide as that is a guess). Where
there is one fold, its rows ask a model that learnt half of what the fold's own model did.

Where the mean of the folds' models answers, its loss is lower by the spread of its members (Krogh
and Vedelsby, NIPS 1995), which shows only on rows that several of them do not know: those two
models again. What their mean gains, a mean of F gains 2 (1 - 1/F) times (squared error exactly; log
loss to second order; `gain`).

The two differ less than two folds' models do, for the one's rows are all among the other's: where
what a model learns is a sum over its rows, so much less as `_apart` says. And of what is measured
as much is told as stands out of its standard error: all where it is sure, none where it is as
large as its error (the positive-part rule of James and Stein, 1961). What that comes to beside the
truth: benchmarks/results/bagging.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from wholefit.evaluation import Score
from wholefit.training._beside import rows_beside
from wholefit.training._folds import Problem, Validated
from wholefit.training.automl._blend import asked
from wholefit.training.ensembling import Blended, Pool, mixed

# The losses whose gain is a mean over rows, by metric: what is done to the score to get there.
_POWERS = {"log_loss": 1, "mse": 1, "rmse": 2}
# What a model errs more than it must falls as a power of the rows it learns; as their root, it is
# counted on. A power of -1 would tell an eighth less at five folds, a fifth less where the model
# beside learnt half: as much counts as an error of what is told.
_CURVE, _STEEP = -0.5, -1.0
# Rows that move further, up or down, than this share of them count as moving so far: few wild rows
# can be all of a gain, or hide it.
_WILD = 0.995


@dataclass(frozen=True)
class Gain:
    """By how much what answers lowers the mean loss of a row under that of one fold's model.

    `value` is what was measured, less as its standard error, `error`, is larger.

    `share` is the same as a share of the loss on the `rows` where it was measured; `members` are
    those that a second model stood beside, of `models` folds' models in the mean. `why` it is
    lower, in words.
    """

    value: float
    error: float
    share: float
    rows: int
    models: int
    members: tuple[str, ...]
    why: str = ""

    def expected(self, score: Score) -> Score | None:
        """The score, of one fold's model, as that of what answers; None for other metrics."""
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
            f"{score.how}; less what "
            f"{self.why or f'the mean of {self.models} models gains over one'}, measured on "
            f"{self.rows:,} rows"))


def gain(
    problem: Problem, blended: Blended, found: Mapping[str, Validated],
    besides: Mapping[str, np.ndarray],
) -> Gain | None:
    """The gain of the mean, from what second models (`besides`, by label) said to two folds.

    Members without one count as if theirs said the same. None where there is none, where one
    fold's models alone answer, or where a second layer reads the members.
    """
    models = min(len(found[label].kept) for label in asked(blended))
    two = _two(problem, blended, found, besides) if models >= 2 else None
    if two is None:
        return None
    seen = float(np.mean([found[label].seen[two.test].mean() for label in asked(blended)]))
    folds = round(2 * len(problem.y) / len(two.test))  # of one repeat
    times = 2 * _apart(folds) * (1 / seen - 1 / models)
    falls = times * ((two.one + two.other) / 2 - two.both)
    worse = float(np.average(two.other, weights=two.weights))
    # A second model that does worse differs from the first by that too, not by chance alone.
    falls = falls * (min(1.0, two.loss / worse) ** 2 if worse > 0 else 1.0)
    return _told(falls, two, models, "")


def growth(
    problem: Problem, blended: Blended, found: Mapping[str, Validated],
    besides: Mapping[str, np.ndarray],
) -> Gain | None:
    """The gain of learning from all rows over a fold's share of them, from the same answers.

    None where it is not known, as `gain`. Members without a second model count as if rows were
    worth to them what they are to the others, give or take as much; those that did not learn all
    rows, as if they gained nothing. With one fold, its rows chose among the first models and not
    among the second: what is told is so much too large as the score is too good by that.
    """
    whole = {label for label in asked(blended) if found[label].whole}
    besides = {label: each for label, each in besides.items() if label in whole}
    two = _two(problem, blended, found, besides)
    own, less = (len(rows) / len(problem.y)
                 for rows in (problem.plan.folds[0][0], rows_beside(problem)[0]))
    # A row that several models answered shows their mean, and a mean is better by itself.
    alone = all(found[label].seen.max() < 2 for label in asked(blended))
    if two is None or not alone or not 0 < less < own < 1:
        return None
    # Members gain less in a mean than alone: those that show it are left in the whole mean.
    shown = sum(blended.shares[label] for label in besides) / sum(
        blended.shares[label] for label in whole)
    times, steep = ((own**power - 1) / (less**power - own**power) for power in (_CURVE, _STEEP))
    return _told(times / shown * (two.other - two.one), two, 1,
                 f"all rows should teach over {own:.0%} of them, from what these taught over "
                 f"{less:.0%}", math.hypot((1 - shown) / math.sqrt(3), 1 - steep / times))


@dataclass(frozen=True)
class _Two:
    """Losses of the rows asked: of their folds' models, of those beside them, and of the mean."""

    test: np.ndarray
    one: np.ndarray
    other: np.ndarray
    both: np.ndarray
    weights: np.ndarray
    members: tuple[str, ...]
    units: np.ndarray | None = None

    @property
    def loss(self) -> float:
        return float(np.average(self.one, weights=self.weights))


def _two(
    problem: Problem, blended: Blended, found: Mapping[str, Validated],
    besides: Mapping[str, np.ndarray],
) -> _Two | None:
    """None where no member has a second model, a layer reads them, or no row weighs.

    And where a member did not answer all of those rows.
    """
    labels = asked(blended)
    known = tuple(label for label in labels if label in besides)
    test = rows_beside(problem)[1]
    weights = np.ones(len(test)) if problem.weights is None else problem.weights[test]
    if not known or blended.layer or not weights.sum() > 0 or any(
            (found[label].seen[test] == 0).any() for label in labels):
        return None
    first = {label: found[label].answer[test] for label in labels}
    second = {label: besides.get(label, first[label]) for label in labels}
    middle = {label: (first[label] + second[label]) / 2 for label in labels}
    pool = Pool(first, problem.y[test], np.zeros(len(test), np.int16), task=problem.task.name)
    one, other, both = (_losses(pool, answers, blended, problem.y)
                        for answers in (first, second, middle))
    units = problem.plan.units
    return _Two(test, one, other, both, weights, known,
                None if units is None else np.unique(units[test], return_inverse=True)[1])


def _told(
    falls: np.ndarray, two: _Two, models: int, why: str, doubt: float = 0.0
) -> Gain | None:
    """The gain of these rows, as far as it stands out of its error; None where there is none.

    The error is that of a mean over rows, or whole units of them, and `doubt`, a share of it.
    """
    weights, loss = two.weights, two.loss
    wild = np.quantile(abs(falls), _WILD)
    falls = np.clip(falls, -wild, wild)
    mean = float(np.average(falls, weights=weights))
    pulls: np.ndarray = weights * (falls - mean)
    pulls = pulls if two.units is None else np.bincount(two.units, pulls)
    error = math.hypot(float(np.sqrt((pulls**2).sum()) / weights.sum()), doubt * mean)
    value = mean * (1 - (error / mean) ** 2) if mean > error > 0 else max(mean - error, 0.0)
    if not math.isfinite(value) or value <= 0 or loss <= 0:
        return None
    return Gain(value, error, min(value / loss, 1.0), len(two.test), models, two.members, why)


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
