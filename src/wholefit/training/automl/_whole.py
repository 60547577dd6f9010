"""Fits after the race: members learnt anew from all rows, and a model beside a fold's.

A fold's model lacks its fold's rows: that makes it a fair judge of a configuration and a poorer
model. The mean of all folds' models makes up for about as much as the rows are worth on tables of
few rows, for less of it on others, and takes as many times as long to answer. So what answers is
each member once more, over as many rounds as its folds were found to want; one that has most of the
weight, twice, by other random numbers. Scores stay those of the folds' models, which saw no row
that they answered; the model beside a fold's shows what to expect beyond them (see `_expect`).
Where folds are repeated the scores are of means of several models, and such means answer. In
order of time the last fold's model, which knows most and latest, answers for a member that is not
learnt once more; those of earlier folds are out of date.
"""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit.models import Model
from wholefit.training._beside import share_beside, tells
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
# Where one fold's model learns more than this share of the rows, the rest is not worth measuring.
_NEARLY_ALL = 0.9


@dataclass(frozen=True)
class Turn:
    """The `number`th model, from 0, of a member that is learnt from all rows.

    None is the one beside its first fold's, which lacks more rows than that.
    """

    label: str
    number: int | None


@dataclass
class Learnt:
    """What came of the turns: numbers of models of all rows, and answers beside, by label.

    `interrupted` is True if the user interrupted it.
    """

    whole: dict[str, list[int]] = field(default_factory=dict)
    beside: dict[str, np.ndarray] = field(default_factory=dict)
    interrupted: bool = False


def turns(
    blended: Blended, models: Mapping[str, Model], *, whole: bool = True, once: bool = False,
    beside: bool = False,
) -> list[Turn]:
    """What is to be learnt, the weightiest first; with `once`, one model of each member at most."""
    labels = sorted(asked(blended), key=lambda label: -blended.shares.get(label, 0.0))
    twice = [] if once else [
        label for label in labels
        if blended.shares.get(label, 0.0) > _MUCH and models[label].family in _SEEDED]
    first = [Turn(label, 0) for label in labels] if whole else []
    second = [Turn(label, 1) for label in twice] if whole else []
    return first + [Turn(label, None) for label in labels if beside] + second


def measurable(problem: Problem, folds: int, *, whole: bool) -> bool:
    """True if a model beside a fold's tells something of what answers.

    The mean of `folds` models, or, if `whole`, models that learn clearly more than a fold's. In
    order of time none is made: rows to come may differ from all that were known, and how many
    they are says little of what they teach.
    """
    if problem.forward:
        return False
    if len(problem.plan.folds) == 1:
        return whole and grown(problem) * _NEARLY_ALL > 1 and tells(problem)
    return folds > 1 and tells(problem)  # with one, the second fold's rows are answered by none


def learn(
    workers: Sequence[Apart], problem: Problem, models: Mapping[str, Model],
    found: Mapping[str, Validated], wanted: Sequence[Turn], deadline: float,
) -> Learnt:
    """Take each turn that should be over by `deadline` (time.perf_counter).

    The workers share them, in the order given; the names of models of all rows are put into
    `Validated.whole`. What fails is left out: the folds' models of that member answer.
    """
    came: dict[Turn, Any] = {}
    growing: set[str] = set()  # members that learn all rows, or have
    small: set[str] = set()  # members that will not
    alone = len(problem.plan.folds) == 1

    def one(worker: Apart, turn: Turn) -> None:
        each, first = found[turn.label], turn.number == 0
        if time.perf_counter() + seconds_of(turn, each, problem) > deadline:
            small.update({turn.label} if first else ())
            return
        # What answers has not grown there, and where it is one model it is no mean, either.
        if turn.number is None and turn.label in small and (alone or growing):
            return
        growing.update({turn.label} if first else ())
        try:
            model = models[turn.label]
            came[turn] = _beside(worker, model, each, deadline) if turn.number is None else _whole(
                worker, settled(model, each.rounds, problem.forward), each, turn, deadline)
        except Exception:  # whatever a library raises, its folds' models can answer
            came[turn] = None
        if first and not came[turn]:
            growing.discard(turn.label)
            small.add(turn.label)

    learnt = Learnt(interrupted=shared(workers, wanted, one))
    for turn in wanted:
        if turn.number is None and came.get(turn) is not None:
            learnt.beside[turn.label] = came[turn]
        elif turn.number is not None and came.get(turn):
            learnt.whole.setdefault(turn.label, []).append(turn.number)
            found[turn.label].whole[turn.number] = came[turn]
    return learnt


def _whole(worker: Apart, model: Model, each: Validated, turn: Turn, deadline: float) -> str:
    return worker.whole(
        model, deadline, number=turn.number,
        counted=None if each.rounds else next(filter(None, each.counted), None))


def _beside(worker: Apart, model: Model, each: Validated, deadline: float) -> np.ndarray:
    return worker.beside(model, deadline, rounds=each.rounds[0] if each.rounds else None,
                         counted=each.counted[0] if each.counted else None)


def seconds_of(turn: Turn, found: Validated, problem: Problem) -> float:
    """Seconds that a turn should take."""
    if not found.fit_seconds:
        return math.inf
    if turn.number is None:
        return _MARGIN * (share_beside(problem) * found.fit_seconds[0]
                          + sum(found.predict_seconds[:2]))
    return _MARGIN * float(np.mean(found.fit_seconds)) * grown(problem)


def together(
    wanted: Sequence[Turn], found: Mapping[str, Validated], problem: Problem, workers: int
) -> float:
    """Seconds that so many workers should take for all turns, each the next when it is free."""
    free = [0.0] * workers
    for turn in wanted:
        heapq.heapreplace(free, free[0] + seconds_of(turn, found[turn.label], problem))
    return max(free)


def grown(problem: Problem) -> float:
    """All rows, as a multiple of those that a fold's model learns."""
    return len(problem.y) / max(float(np.mean([len(rows) for rows, _ in problem.plan.folds])), 1.0)


def noted(decided: Mapping[str, Any], blended: Blended) -> list[Turn]:
    """The turns of a run that is replayed, as it `decided` them, for the members of its blend."""
    stored, labels = decided.get("whole", {}), asked(blended)
    return [*(Turn(label, number) for label in labels for number in stored.get(label, ())),
            *(Turn(label, None) for label in labels if label in decided.get("beside", ()))]
