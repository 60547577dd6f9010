"""A model beside the first fold's, of fewer rows: what it does worse tells what rows teach.

Rows are set aside from what it learns by whole units, as a plan's folds are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from wholefit.base import seeds
from wholefit.models import Model
from wholefit.training._folds import Problem, answered, fit_one
from wholefit.training._stopping import best_rounds
from wholefit.training.replaying.script import key as counted_by

KEY = "beside"  # what it is called where a fold's model is called by its number
# Of what the one fold's model learns. Less takes less time and shows more, from further away.
_SHARE = 0.5
# Whole units may come to more of the rows or fewer: what is told of so few would be far off.
_LEAST, _MOST = 0.3, 0.95


def beside(
    problem: Problem, model: Model, *, rounds: int | None = None, counted: Any = None
) -> np.ndarray:
    """What a model that knows fewer rows than the first fold's answers to rows of neither.

    It learns by the same count (`counted`) as the first fold's model, or over as many `rounds` of
    boosting, where that was bounded by them. (With one fold, which settles its own model's rounds,
    over as many as those rows ask for here: both are chosen by the same rows then.) Which rows:
    see `rows_beside`.
    """
    less, asked = rows_beside(problem)
    if counted is not None:
        problem = replace(problem, counted={counted_by(model): {KEY: counted}})
    made = fit_one(problem, model, less, KEY, watched=problem.plan.folds[0][1])
    if rounds is not None and made.curve is not None:
        rounds = best_rounds([made.curve]) if len(problem.plan.folds) == 1 else rounds
        made.estimator.cut(min(rounds, len(made.curve)))
    return answered(problem, made, asked)[0]


def rows_beside(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """The rows that a model beside the first fold's learns, and those that it answers.

    It learns what the first fold's model learnt, but for the rows that the second fold holds out,
    and answers the first fold's rows, then the second's. Where there is one fold, it learns about
    half of what that learnt, and answers its rows.
    """
    train, test = problem.plan.folds[0]
    if len(problem.plan.folds) > 1:
        other = problem.plan.folds[1][1]
        return np.setdiff1d(train, other), np.concatenate([test, other])
    random = seeds.generator(problem.seed, KEY)
    return some(train, _SHARE, problem.plan.units, random), test


def share_beside(problem: Problem) -> float:
    """About what it learns of the rows that the first fold's model learns."""
    folds = problem.plan.folds
    return 1 - len(folds[1][1]) / max(len(folds[0][0]), 1) if len(folds) > 1 else _SHARE


def tells(problem: Problem) -> bool:
    """False where its answers would tell nothing of what rows teach.

    It would learn none, or hardly fewer, or no row of a class that the first fold's model knows.
    """
    less, train = rows_beside(problem)[0], problem.plan.folds[0][0]
    if not _LEAST < len(less) / max(len(train), 1) < _MOST:
        return False
    return not problem.n_classes or len(np.unique(problem.y[less])) == len(
        np.unique(problem.y[train]))


def some(
    rows: np.ndarray, share: float, units: np.ndarray | None, random: np.random.Generator
) -> np.ndarray:
    """About so large a share of the rows, in their order: whole units where there are any."""
    if share >= 1:
        return rows
    if units is None:
        return np.sort(random.choice(rows, max(1, round(share * len(rows))), replace=False))
    names, at = np.unique(units[rows], return_inverse=True)
    return rows[(random.random(len(names)) < share)[at]]
