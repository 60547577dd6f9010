"""Nested cross-validation: the whole search repeated within each outer fold's training rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from wholefit.base.budget import Clock
from wholefit.base.events import emit
from wholefit.data.splits import Plan
from wholefit.training._folds import Problem, Validated
from wholefit.training._search import settled
from wholefit.training.fitting import plan_of
from wholefit.training.trials import Here
from wholefit.training.tuning._choice import Tried, best
from wholefit.training.tuning._ground import Ground


def outer_plan(base: Ground, folds: int) -> Plan:
    """The outer folds: those of the search itself where their number is the same."""
    if folds == base.folds:
        return base.problem.plan
    options = dataclasses.replace(base.options, folds=folds, repeats=1)
    return plan_of(base.problem.dataset, base.problem.task, base.problem.y, options)


def nested(
    base: Ground, plan: Plan, clock: Clock,
    search: Callable[[Ground, int, float], tuple[list[Tried], int]],
) -> tuple[Validated, tuple[dict[str, Any], ...]]:
    """Answers to each outer fold's rows by what a search without them chose.

    `search(ground, part, share)` searches within a share of the time that is left, and gives what
    it tried. Also what each outer fold chose, as plain data.
    """
    found = Validated.empty(base.problem)
    told = []
    for number, (train, test) in enumerate(plan.folds):
        emit("outer_start", fold=number + 1, folds=len(plan.folds))
        inner = base.within(train)
        tried, count = search(inner, number + 1, 1.0 / (len(plan.folds) - number))
        chosen = best(tried)
        model = settled(chosen.model, chosen.found().rounds, inner.problem.forward)
        once = _one_fold(base.problem, plan, train, test)
        part = Here(once).validate(model, float("inf"), 1)
        found.add(test, part.answer[test], part.fit_seconds[0], part.predict_seconds[0])
        loss = base.of(once).losses(part, model)[0]
        told.append({"fold": number + 1, "trials": count, "chosen": chosen.label,
                     "values": {name: value if not isinstance(value, tuple) else list(value)
                                for name, value in chosen.values.items()},
                     "inner": chosen.loss, "outer": loss})
    return found.settled(), tuple(told)


def _one_fold(problem: Problem, plan: Plan, train: np.ndarray, test: np.ndarray) -> Problem:
    """The problem with one fold only."""
    return dataclasses.replace(
        problem, plan=Plan(((train, test),), plan.how, plan.unit, plan.units), encoders={})
