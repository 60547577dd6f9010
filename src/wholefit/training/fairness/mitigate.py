"""Mitigation: each way to make groups fare alike, fitted, and priced on the same folds."""

from __future__ import annotations

import time

from wholefit.base.errors import ParameterError
from wholefit.base.events import emit
from wholefit.data import Dataset
from wholefit.training._folds import Problem
from wholefit.training.fairness._ground import Asked, Ground, Made
from wholefit.training.fairness._pricing import before, priced
from wholefit.training.fairness._ways import METHODS, RUN
from wholefit.training.fairness.records import Mitigated, Way
from wholefit.training.record import Run

__all__ = ["METHODS", "Asked", "Made", "Mitigated", "mitigate"]


def mitigate(
    run: Run, problem: Problem, blind: Dataset | None, methods: list[str], asked: Asked
) -> tuple[Mitigated, dict[str, Made]]:
    """Each method, fitted on all rows and priced on the folds of the run.

    `blind` is the dataset without the protected columns among its features; None where there
    were none among them. Raises ParameterError for a task that is not of two classes.
    """
    if problem.n_classes != 2:
        what = f"{problem.n_classes} classes" if problem.n_classes else "a number"
        raise ParameterError(f"mitigation is of an outcome that is so or not, and the target is "
                             f"{what}: make it two classes first.")
    positive = int(getattr(run.codec, "positive", 1))
    answer = run.oof[run.chosen.model]
    ground = Ground(run, problem, positive, answer.argmax(axis=1), asked)
    made: dict[str, Made] = {}
    ways = []
    for name in methods:
        start = time.perf_counter()
        found = RUN[name](ground, blind)
        if isinstance(found, str):
            ways.append(Way(name, reason=found))
            continue
        made[name] = found
        ways.append(priced(ground, name, found, time.perf_counter() - start))
        emit("mitigated", method=name, seconds=ways[-1].seconds)
    labels = tuple(map(str, getattr(run.codec, "classes", ())))
    return Mitigated(
        str(problem.dataset.schema.target), labels[positive], asked.by, asked.goal, asked.metric,
        run.chosen.model, int(ground.seen().sum()), problem.plan.how, before(ground),
        tuple(ways), asked.level), made
