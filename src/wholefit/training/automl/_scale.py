"""Scale: how much of a large table, over how many folds, the time carries.

On a table where one trial would take most of the time, fewer folds leave room for several
trials; where even one fold is too much, trials learn from a share of the rows. What every trial
of a race is given is the same, so that they can be compared and blended. Where folds follow each
other in time, the last ones are fitted: they know most, and are judged by what came last.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wholefit.base import seeds
from wholefit.data.splits import Plan
from wholefit.models import Model
from wholefit.training._beside import some
from wholefit.training._folds import Problem, fit_one
from wholefit.training.replaying.script import Script

# A trial of the first strong model should take at most this share of the time for all; and where
# one fold judges enough rows by itself, so small a share that many trials have a turn. (Members
# learn all rows after the race. In a minute on four tables of 28,000 to 36,000 rows, one fold in
# place of five had two to three times as many trials: three answered better by 1 to 2 % of the
# RMSE, one as well.)
_SHARE, _MANY = 0.25, 0.02
# Fewer folds than this are not worth their price: one fold that gives back most of what it would
# judge learns from more rows, and leaves time for other configurations (three folds of letters
# had 10 trials and a log loss of 0.120, one had 17 and 0.089).
_LEAST_FOLDS = 4
# Below so many cells nothing is too slow; the taste itself would cost more than it tells, but where
# one fold judges enough rows.
_SMALL = 400_000
# What is tasted: so many cells, over so many rounds, of what may become so many.
_TASTE, _ROUNDS, _USUAL = 400_000, 10, 250
# Fitting grows a little slower than rows do.
_GROWTH = 0.9
_LEAST_ROWS, _MOST_JUDGED = 2_000, 200_000
# Where one fold judges, so many of its rows do, or so large a part of them; the rest are learnt
# from: what answers learns all rows only if there is time for it after the race.
_JUDGED, _JUDGED_SHARE = 5_000, 0.2
# Seconds in which a row is scored, for each two classes; models that are, usually; and what that
# may take of the time of a search without a race.
_SCORED, _MODELS, _SCORING = 6e-7, 6, 0.1
_RARE = 100  # rows of a class that are to be left


@dataclass(frozen=True)
class Scale:
    """The problem as every trial meets it, the folds of its plan that are fitted, and why."""

    problem: Problem
    folds: int
    workers: int
    said: tuple[str, ...] = ()
    share: float | None = None
    lent: bool = False

    def decided(self) -> dict[str, Any]:
        """What a clock decided here, for a replay.

        `lent` where one fold gave rows to learn from, `share` of them where they were cut.
        """
        return {"race": True, "folds": self.folds, "workers": self.workers, "share": self.share,
                "lent": self.lent, "said": list(self.said)}


def scaled(
    problem: Problem, strong: Model, seconds: float, folds: int, workers: int,
    script: Script | None = None, threads: int = 1,
) -> Scale:
    """The scale at which several trials of `strong` fit into `seconds` over so many workers.

    Each worker has so many `threads`. Where there is the `script` of a run, its scale.
    """
    if script is not None:
        share, lent = script.decided["share"], script.decided["lent"]
        met = _lent(problem) if lent else _last(problem, script.decided["folds"])
        return Scale(met if share is None else _cut(met, share),
                     script.decided["folds"], script.decided["workers"],
                     tuple(script.decided["said"]), share, lent)
    rows = len(_learnt(problem))
    columns = len(problem.dataset.schema.features)
    cells = rows * max(columns, 1) * max(1, problem.n_classes // 2)  # boosting has trees for each
    enough = _judges(problem)
    if not math.isfinite(seconds) or (cells < _SMALL and not enough):
        return Scale(problem, folds, workers)
    fold = _fold_seconds(replace(problem, jobs=threads, encoders={}), strong, rows, columns)
    room = _SHARE * max(seconds, 0.0)
    if fold * folds <= (_MANY * max(seconds, 0.0) if enough else room):
        return Scale(problem, folds, workers)
    fitting = max(1, int(room / fold))
    if fitting >= _LEAST_FOLDS and not enough:
        said = f"{fitting} of {folds} folds are fitted, for the time would not carry all"
        return Scale(_last(problem, fitting), fitting, workers, (said,))
    lending = _lent(problem)
    why = f"for the time would not carry {folds} folds" if fold * folds > room else (
        "for these judge well enough, and more models have a turn")
    if fold <= room:
        return Scale(lending, 1, workers, (_told(lending, why),), lent=True)
    fold /= min(workers, 4) ** 0.7  # one process with all threads instead
    whole = len(lending.plan.folds[0][0])
    share = max((room / fold) ** (1 / _GROWTH) * rows / whole, _LEAST_ROWS / whole)
    if share >= 1:
        return Scale(lending, 1, 1, (_told(lending, why),), lent=True)
    cut = _cut(lending, share)
    train, test = cut.plan.folds[0]
    said = (f"models learn from {len(train):,} of {whole:,} rows and are judged on {len(test):,} "
            "others, for the time would not carry all")
    return Scale(cut, 1, 1, (said,), share, lent=True)


def judged_few(
    problem: Problem, seconds: float, script: Script | None = None
) -> tuple[Problem, float, tuple[str, ...]]:
    """The problem with fewer rows to judge by where scoring would take much of the `seconds`.

    With the share of them that is left, and a sentence on it; where there is the `script` of a
    run, what was left there. The rows are the same in every repeat. Of the rarest class, and of
    rows that weigh anything, some hundred are left, or all rows are.
    """
    plan = problem.plan
    if script is not None:
        whole = "judged" not in script.decided
    else:
        scored = sum(len(test) for _, test in plan.folds)
        taking = scored * _SCORED * max(1, problem.n_classes // 2) * _MODELS
        whole = taking <= _SCORING * seconds
    if whole:
        return problem, 1.0, ()
    left = np.zeros(len(problem.y), dtype=bool)
    for _, test in plan.folds:
        left[test] = True
    judged = np.flatnonzero(left)
    share = float(script.decided["judged"]) if script is not None else max(
        _MOST_JUDGED / max(len(judged), 1), _RARE / _rarest(problem, judged))
    if share >= 1:
        return problem, 1.0, ()
    left[:] = False
    left[seeds.generator(problem.seed, "judged").choice(
        judged, max(1, round(share * len(judged))), replace=False)] = True
    # A fold that would be left with nothing to judge keeps its rows.
    folds = tuple((train, test[left[test]] if left[test].any() else test)
                  for train, test in plan.folds)
    return replace(problem, plan=replace(plan, folds=folds)), share, (
        f"models are judged on {int(left.sum()):,} of {len(judged):,} rows, for the time would "
        "not carry all",)


def _rarest(problem: Problem, rows: np.ndarray) -> int:
    """How many of the rows are of the rarest class among them; no row that weighs nothing."""
    if problem.weights is not None:
        rows = rows[problem.weights[rows] > 0]
    if not problem.n_classes:
        return max(len(rows), 1)
    counts = np.bincount(problem.y[rows][problem.y[rows] >= 0])
    return int(min(counts[counts > 0], default=1))


def _judges(problem: Problem) -> bool:
    """True if the rows that one fold would judge by are enough, those of the rarest class too."""
    test = problem.plan.folds[-1 if problem.forward else 0][1]
    return len(test) >= _JUDGED and (
        not problem.n_classes or _rarest(problem, test) * _JUDGED >= _RARE * len(test))


def _told(lending: Problem, why: str) -> str:
    train, test = lending.plan.folds[0]
    return (f"models learn from {len(train):,} rows and are judged on {len(test):,} others, "
            f"{why}")


def _fold_seconds(problem: Problem, model: Model, rows: int, columns: int) -> float:
    """Seconds that a fold of the model should take on one worker's threads.

    Workers are still starting, on the same cores: of one thread, what it computes is counted and
    not what it waits.
    """
    now = time.process_time if problem.jobs == 1 else time.perf_counter
    some = min(rows, max(1_000, _TASTE // max(columns, 1)))
    order = seeds.generator(problem.seed, "taste").permutation(_learnt(problem))
    quick = model.replace(**{name: value for name, value in (
        ("n_estimators", _ROUNDS), ("early_stopping", 0)) if hasattr(model, name)})
    picked = np.sort(order[:some])
    fit_one(problem, quick, picked[:500], "taste 0")  # imports and first calls
    start = now()
    made = fit_one(problem, quick, picked, "taste 1")
    whole = now() - start
    start = now()
    made.encoder.transform(made.dataset, picked)
    encoding = min(2 * (now() - start), whole)
    return ((whole - encoding) * _USUAL / _ROUNDS + encoding) * (rows / some) ** _GROWTH


def _cut(problem: Problem, share: float) -> Problem:
    """The problem with so large a share of each fold's training rows, whole units of them."""
    random = seeds.generator(problem.seed, "scale")
    plan = problem.plan
    folds = tuple((some(train, share, plan.units, random),
                   some(test, min(1.0, _MOST_JUDGED / max(len(test), 1)), plan.units, random))
                  for train, test in plan.folds[:1])
    cut = Plan(folds, plan.how, plan.unit, plan.units)
    return replace(problem, plan=cut, encoders={})


def _learnt(problem: Problem) -> np.ndarray:
    """The rows that a usual fold learns: they grow from fold to fold in order of time."""
    folds = problem.plan.folds
    return folds[len(folds) // 2 if problem.forward else 0][0]


def _last(problem: Problem, folds: int) -> Problem:
    """The problem with so many folds, the last ones, if they follow each other in time."""
    if not problem.forward or folds >= len(problem.plan.folds):
        return problem
    plan = replace(problem.plan, folds=problem.plan.folds[-folds:])
    return replace(problem, plan=plan, encoders={})


def _lent(problem: Problem) -> Problem:
    """The problem with one fold alone, most of whose rows are learnt from; whole units.

    The first; in order of time the last, whose latest rows are judged by.
    """
    plan = problem.plan
    train, test = plan.folds[-1 if problem.forward else 0]
    share = max(_JUDGED / max(len(test), 1), _JUDGED_SHARE)
    if problem.forward:
        judged, lent = _parted(problem, test, share)
    else:
        judged = some(test, share, plan.units, seeds.generator(problem.seed, "lent"))
        lent = np.setdiff1d(test, judged)
    one = Plan(((np.sort(np.concatenate([train, lent])), judged),), plan.how, plan.unit, plan.units)
    return replace(problem, plan=one, encoders={})


def _parted(problem: Problem, test: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """About so large a share of the rows, the latest, and those strictly before them.

    The latter without rows of groups that the former have.
    """
    order = problem.dataset.time_order()
    assert order is not None
    late = np.sort(order[test])[-min(max(1, round(share * len(test))), len(test))]
    judged, before = test[order[test] >= late], test[order[test] < late]
    groups = problem.dataset.groups()
    if groups is not None:
        known = groups[judged][groups[judged] >= 0]
        before = before[~np.isin(groups[before], known)]
    return judged, before
