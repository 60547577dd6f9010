"""Learning curves measured: the same folds at growing sizes, several draws of each smaller size."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from wholefit.base.budget import Clock
from wholefit.base.errors import DataError, ParameterError
from wholefit.base.events import emit
from wholefit.base.seeds import generator
from wholefit.evaluation import Score
from wholefit.models import Model
from wholefit.training.curves._bench import Array, Bench, order, overlaps

DRAWS, _POINTS, _FEWEST = 4, 8, 16


@dataclass(frozen=True)
class Point:
    """One size: the score on rows learnt from and on others, seconds to fit, and how many fits."""

    rows: int
    train: Score
    valid: Score
    fit_seconds: float
    fits: int


@dataclass(frozen=True, eq=False)
class Measured:
    """Points, and what intervals of differences between them need.

    `values` (s,) are the validation scores, `cov` (s, s) the covariance of their errors, and
    `spread` (s,) the standard deviation of the score of one model by what it happened to learn.
    `pulls` (s, units) are those of the validation scores, `own` those of the training scores.
    """

    points: tuple[Point, ...]
    values: Array
    cov: Array
    spread: Array
    pulls: Array
    own: Array
    answers: Array
    judged: Array


@dataclass
class _Pass:
    """What one draw of all folds gave, at each size."""

    value: list[float] = field(default_factory=list)
    pulls: list[Array] = field(default_factory=list)
    train: list[float] = field(default_factory=list)
    own: list[Array] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    fits: list[int] = field(default_factory=list)
    answers: Array | None = None


def sizes_of(bench: Bench, asked: Sequence[float] | None) -> list[int]:
    """Rows to learn from, ascending: those asked for (shares up to 1, or counts), else halvings.

    Raises ParameterError for sizes that the folds cannot give, DataError for too few rows.
    """
    most = min(len(train) for train, _ in bench.problem.plan.folds)
    least = _least(bench)
    if asked is None:
        found = [most, round(0.7 * most)] + [most >> n for n in range(1, _POINTS - 1)]
        kept = sorted({size for size in found if size >= least})
        if len(kept) < 2:
            raise DataError(f"a learning curve needs at least {4 * least} rows; the folds of "
                            f"{len(bench.problem.y):,} rows learn from {most:,}.")
        return kept
    made = sorted({most if size == 1 and isinstance(size, float) else
                   round(size * most) if 0 < size < 1 else int(size) for size in asked})
    if len(made) < 2 or made[0] < 2 or made[-1] > most:
        raise ParameterError(f"sizes must be at least two, each a share up to 1.0 or a count from "
                             f"2 to {most:,}, what the smallest fold learns from; got "
                             f"{list(asked)!r}.")
    return made


def _least(bench: Bench) -> int:
    """The fewest rows worth learning from: two of the rarest class, where that is not most rows."""
    if not bench.problem.n_classes:
        return _FEWEST
    counts = np.bincount(bench.problem.y)
    wanted = math.ceil(2 * len(bench.problem.y) / counts[counts > 0].min())
    return int(max(_FEWEST, min(wanted, len(bench.problem.y) // 8)))


def measure(
    bench: Bench, model: Model, sizes: Sequence[int], clock: Clock, draws: int = DRAWS
) -> Measured:
    """Scores at each size. The first draw of all folds always runs; others as the clock allows."""
    start = time.perf_counter()
    passes = [_one_pass(bench, model, list(sizes), 0)]
    took = time.perf_counter() - start
    again = 1 if bench.timed else draws
    for draw in range(1, again):
        if took > clock.left():
            break
        passes.append(_one_pass(bench, model, list(sizes[:-1]), draw))
    return _joined(bench, sizes, passes)


def _one_pass(bench: Bench, model: Model, sizes: list[int], draw: int) -> _Pass:
    """Every fold at every size: what comes of it, score by score."""
    folds = bench.problem.plan.folds
    found = _Pass()
    lines = [order(bench, train, generator(bench.options.seed, "curve", draw, number))
             for number, (train, _) in enumerate(folds)]
    for size in sizes:
        answers, own, pulls, seconds = [], [], [], []
        for number, (_, test) in enumerate(folds):
            rows = np.sort(lines[number][:size])
            made = bench.fit(model, rows, f"curve {draw} {number} {size}")
            answers.append(bench.answers(made, test))
            sheet = bench.sheet(rows, bench.answers(made, rows))
            own.append(bench.value(sheet))
            pulls.append(bench.pulls(sheet, rows))
            seconds.append(made.seconds)
        _keep(bench, found, answers, own, pulls, seconds)
        emit("curve_step", step=f"{model.name} on {size:,} rows, draw {draw + 1}",
             seconds=sum(seconds))
    return found


def judged(bench: Bench) -> Array:
    """The rows that folds judge, one fold after the other."""
    return np.concatenate([test for _, test in bench.problem.plan.folds])


def _keep(
    bench: Bench, found: _Pass, answers: list[Array], own: list[float], pulls: list[Array],
    seconds: list[float],
) -> None:
    rows, answer = judged(bench), np.concatenate(answers)
    sheet = bench.sheet(rows, answer)
    found.value.append(bench.value(sheet))
    found.pulls.append(bench.pulls(sheet, rows))
    found.train.append(float(np.mean(own)))
    found.own.append(np.mean(pulls, axis=0))
    found.seconds.append(float(np.median(seconds)))
    found.fits.append(len(seconds))
    found.answers = answer


def _joined(bench: Bench, sizes: Sequence[int], passes: list[_Pass]) -> Measured:
    values, trains, pulls, own, seconds, fits = [], [], [], [], [], []
    for at in range(len(sizes)):
        there = [one for one in passes if at < len(one.value)]
        values.append(np.array([one.value[at] for one in there]))
        trains.append(float(np.mean([one.train[at] for one in there])))
        pulls.append(np.mean([one.pulls[at] for one in there], axis=0))
        own.append(np.mean([one.own[at] for one in there], axis=0))
        seconds.append(float(np.median([one.seconds[at] for one in there])))
        fits.append(sum(one.fits[at] for one in there))
    mean = np.array([each.mean() for each in values])
    spread = _spread(bench, sizes, values, _shared(passes, values))
    total = len(bench.problem.y)
    P = np.array(pulls)
    cov = P @ P.T + np.outer(spread, spread) * overlaps(sizes, fits, total)
    rows, last = judged(bench), passes[0].answers
    assert last is not None
    sheet = bench.sheet(rows, last)
    how = _how(bench, len(passes), bool(spread.any()))
    points = tuple(
        Point(int(size),
              bench.around(trains[at], float(own[at] @ own[at]), sheet, own[at],
                           f"rows learnt from, mean of {fits[at]} fits"),
              bench.around(float(mean[at]), float(cov[at, at]), sheet, P[at], how),
              seconds[at], fits[at])
        for at, size in enumerate(sizes))
    return Measured(points, mean, cov, spread, P, np.array(own), last, rows)


def _how(bench: Bench, draws: int, known: bool) -> str:
    folds = len(bench.problem.plan.folds)
    said = f"{folds} {'fold' if folds == 1 else 'folds'}, {draws} draws of rows"
    return (f"{said}: rows judged, and rows learnt from" if known
            else f"{said}: rows judged only")


def _shared(passes: list[_Pass], values: list[Array]) -> float:
    """The share of the scores' variance over draws that all rows judged have in common.

    The rest is luck of single rows with single models: it is in the pulls already.
    """
    whole, single = 0.0, 0.0
    for at, each in enumerate(values):
        if len(each) > 1 and np.isfinite(each).all():
            whole += float(each.var(ddof=1))
            single += float(np.var([one.pulls[at] for one in passes if at < len(one.value)],
                                   axis=0, ddof=1).sum())
    return float(np.clip(1 - single / whole, 0.05, 1.0)) if whole > 0 else 1.0


def _spread(bench: Bench, sizes: Sequence[int], values: list[Array], shared: float) -> Array:
    """Standard deviation of one model's score by what it learnt, (s,), smoothed over sizes.

    From draws within a fold's rows, which vary less than fresh rows by the share not drawn. A
    line through the logarithms joins the sizes, for two degrees of freedom say little alone.
    `shared` is the part of the variance that counts.
    """
    from scipy.special import digamma

    folds = len(bench.problem.plan.folds)
    pool = min(len(train) for train, _ in bench.problem.plan.folds)
    at, level = [], []
    for size, each in zip(sizes, values, strict=True):
        free = 1 - size / pool
        if len(each) < 2 or free <= 0 or not np.isfinite(each).all():
            continue
        seen = shared * float(each.var(ddof=1)) * folds / free
        if seen > 0:
            half = (len(each) - 1) / 2
            at.append(math.log(size))
            level.append(math.log(seen) - float(digamma(half)) + math.log(half))
    if not at:
        return np.zeros(len(sizes))
    slope = float(np.clip(np.polyfit(at, level, 1)[0], -2.5, 0.0)) if len(at) > 2 else -1.0
    height = float(np.mean(np.array(level) - slope * np.array(at)))
    return np.exp((height + slope * np.log(np.asarray(sizes, dtype=float))) / 2)


def difference(bench: Bench, found: Measured, a: int, b: int) -> tuple[float, float]:
    """The validation score at point a minus that at b, and its standard error."""
    contrast = np.zeros(len(found.values))
    contrast[a], contrast[b] = 1.0, -1.0
    return (float(found.values[a] - found.values[b]),
            math.sqrt(max(float(contrast @ found.cov @ contrast), 0.0)))
