"""Members learnt anew from all rows: they answer in the end, where the time carries it.

A fold's model lacks its fold's rows: that makes it a fair judge of a configuration and a poorer
model. The mean of all folds' models makes up for about as much as the rows are worth on tables of
few rows, for less of it on others, and takes as many times as long to answer. So what answers is
each member once more, over as many rounds as its folds were found to want; one that has most of the
weight, twice, by other random numbers. Scores stay those of the folds' models, which saw no row
that they answered. Where folds are repeated those scores are of means of several models, and such
means answer.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.models import Model
from wholefit.training._folds import Problem, Validated
from wholefit.training._search import settled
from wholefit.training.apart import Apart
from wholefit.training.automl._blend import asked
from wholefit.training.automl._crew import shared
from wholefit.training.ensembling import Blended

# A member of more weight than this is learnt twice if another seed makes it another model.
_MUCH = 0.5
_SEEDED = ("boosting", "trees", "networks")
# How much longer than its rows say a fit may take.
_MARGIN = 1.1


@dataclass(frozen=True)
class Turn:
    """The `number`th model, from 0, of a member that is learnt from all rows."""

    label: str
    number: int


def turns(blended: Blended, models: Mapping[str, Model], once: bool = False) -> list[Turn]:
    """What is to be learnt, the weightiest first; with `once`, one model of each member."""
    labels = sorted(asked(blended), key=lambda label: -blended.shares.get(label, 0.0))
    twice = [] if once else [
        label for label in labels
        if blended.shares.get(label, 0.0) > _MUCH and models[label].family in _SEEDED]
    return [Turn(label, 0) for label in labels] + [Turn(label, 1) for label in twice]


def learn(
    workers: Sequence[Apart], problem: Problem, models: Mapping[str, Model],
    found: Mapping[str, Validated], wanted: Sequence[Turn], deadline: float,
) -> tuple[dict[str, list[int]], bool]:
    """Learn each turn that should be ready by `deadline` (time.perf_counter).

    The models' names are put into `Validated.whole`. Gives the numbers learnt, by label, and
    whether the user interrupted it. What fails is left out: the folds' models of that member
    answer.
    """
    names: dict[Turn, str] = {}

    def one(worker: Apart, turn: Turn) -> None:
        each = found[turn.label]
        if time.perf_counter() + seconds_of(each, problem) > deadline:
            return
        try:
            names[turn] = worker.whole(
                settled(models[turn.label], each.rounds), deadline, number=turn.number,
                counted=None if each.rounds else next(filter(None, each.counted), None))
        except Exception:  # whatever a library raises, its folds' models can answer
            return

    ended = shared(workers, wanted, one)
    learnt: dict[str, list[int]] = {}
    for turn in sorted(wanted, key=lambda each: each.number):
        if names.get(turn):
            learnt.setdefault(turn.label, []).append(turn.number)
            found[turn.label].whole[turn.number] = names[turn]
    return learnt, ended


def seconds_of(found: Validated, problem: Problem) -> float:
    """Seconds that a fit on all rows should take."""
    if not found.fit_seconds:
        return math.inf
    return _MARGIN * float(np.mean(found.fit_seconds)) * grown(problem)


def grown(problem: Problem) -> float:
    """All rows, as a multiple of those that a fold's model learns."""
    return len(problem.y) / max(float(np.mean([len(rows) for rows, _ in problem.plan.folds])), 1.0)


def noted(stored: Mapping[str, Any], blended: Blended) -> list[Turn]:
    """The turns of a run that is replayed, as `learn` gave them, for the members of its blend."""
    return [Turn(label, number) for label in asked(blended) for number in stored.get(label, ())]
