"""What a search stands on: the problem with its folds and metric, and where trials are fitted."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wholefit import evaluation, models
from wholefit.base.budget import Clock
from wholefit.base.errors import ParameterError, unknown
from wholefit.base.tasks import Task
from wholefit.data.dataset import Dataset
from wholefit.features import engineer
from wholefit.models import Model
from wholefit.training import _ground, imbalance
from wholefit.training._folds import Problem, Validated
from wholefit.training._lineage import data_hash
from wholefit.training._search import estimate, is_stranger
from wholefit.training.fitting import Options, plan_of, prepared
from wholefit.training.fitting import place as fit_place
from wholefit.training.trials import Here
from wholefit.training.tuning._configured import Configured
from wholefit.training.tuning.space import Space

# Numbers that a linear family may be given the products of, at most.
_FEW_NUMBERS = 12
# A configuration may take so many times what the catalog's defaults do.
_LARGER = 4
# The share of the time left that one trial may take in this process.
_LITTLE = 0.4


@dataclass(frozen=True, eq=False)
class Ground:
    """What a fit stands on (see `training._ground`), and the metric that configurations are
    judged by.
    """

    stood: _ground.Ground
    metric: Any

    @property
    def problem(self) -> Problem:
        """Rows, target, folds."""
        return self.stood.problem

    @property
    def options(self) -> Options:
        """How to fit, as settled."""
        found: Options = self.stood.options
        return found

    @property
    def folds(self) -> int:
        """Folds of the plan, repeats included."""
        return len(self.problem.plan.folds)

    @property
    def positive(self) -> int:
        """Code of the positive class."""
        return int(getattr(self.stood.codec, "positive", 1))

    def losses(self, found: Validated, model: Model) -> tuple[float, tuple[float, ...]]:
        """The metric of all answered rows, and of each fold finished; lower is better, inf where
        it has no value.
        """
        problem = self.problem
        seen = np.flatnonzero(found.seen)
        decided = imbalance.predicted(problem, found.answer, seen, model)
        codes = None
        if decided is not None:
            codes = np.zeros(len(problem.y), dtype=np.intp)
            codes[seen] = decided
        each = tuple(self._loss(test, found.answer, codes)
                     for _, test in problem.plan.folds[:found.folds])
        return self._loss(seen, found.answer, codes), each

    def _loss(self, rows: np.ndarray, answer: np.ndarray, codes: np.ndarray | None) -> float:
        problem = self.problem
        scored = evaluation.score(
            problem.task.name, problem.y[rows], answer[rows], metrics=[self.metric],
            positive=self.positive, level=None, seed=problem.seed,
            weights=None if problem.weights is None else problem.weights[rows],
            units=None if problem.plan.units is None else problem.plan.units[rows],
            predicted=None if codes is None else codes[rows])[self.metric.name].value
        if not math.isfinite(scored):
            return math.inf
        return -scored if self.metric.better == "higher" else scored

    def facts(self, space: Space, strategy: str) -> dict[str, Any]:
        """What a study must agree on to be gone on with."""
        made = self.options
        return {"rows or columns": data_hash(self.problem.dataset, self.problem.y),
                "target": str(self.problem.dataset.schema.target),
                "space": space.signature(), "strategy": strategy, "metric": self.metric.name,
                "folds": [made.folds, made.repeats], "seed": made.seed,
                "features": {name: str(value) for name, value in made.features.items()},
                "balance": str(made.balance), "clean": str(made.clean)}

    def within(self, rows: np.ndarray) -> Ground:
        """The same on some of the rows only, with folds of their own."""
        problem = self.problem
        dataset, y = problem.dataset.take(rows), problem.y[rows]
        inner = Problem(
            dataset, problem.task, y, problem.n_classes,
            plan_of(dataset, problem.task, y, self.options),
            None if problem.weights is None else problem.weights[rows], problem.jobs,
            problem.seed, problem.changes, problem.transformers, problem.imbalance,
            clean=problem.clean)
        return self.of(inner)

    def of(self, problem: Problem) -> Ground:
        """The same for another problem."""
        return replace(self, stood=replace(self.stood, problem=problem))


def ground(dataset: Dataset, task: Task, options: Options) -> Ground:
    """The ground of a search with these options; raises what a fit would of them."""
    stood = prepared(dataset, task, options)
    return Ground(stood, evaluation.metrics.main(
        task.name, stood.options.metric, getattr(stood.codec, "classes", None)))


def space_for(
    base: Ground, given: Mapping[str, Any] | Callable[[Ground, Clock], Space] | None, clock: Clock
) -> Space:
    """The space over the models asked for; the catalog's where none is given.

    `given` may also be a function of the ground and the clock, which makes the space itself.
    """
    if callable(given):
        return given(base, clock)
    named = [models.make(model) for model in base.options.models or ()]
    task = base.problem.task
    for model in named:
        if task.name not in model.tasks:
            fitting = ", ".join(models.names(task.name))
            raise ParameterError(f"{model.name} does {' and '.join(model.tasks)}, not {task.name}; "
                                 f"models for it: {fitting}.")
    if base.problem.imbalance is not None:
        base.problem.imbalance.check(named)
    found = Space.of(named, given, _encoding(base, named), task)
    _check_steps(base, found)
    return found


def _check_steps(base: Ground, space: Space) -> None:
    """Engineered features that are searched must be of columns that are there."""
    schema = base.problem.dataset.schema
    names = [column.name for column in schema.columns]
    for step in space.steps.values():
        for name in step.columns or ():
            if name not in names:
                raise unknown("column", name, names)
    engineer.check(tuple(space.steps.values()), schema)


def _encoding(base: Ground, named: list[Model]) -> dict[str, Any]:
    """What is searched of the encoding where nothing is said: what these columns make matter."""
    problem, found = base.problem, dict[str, Any]()
    wanted = [model.encoding(problem.task) for model in named]
    roles = [column.role for column in problem.dataset.schema.columns
             if column.name in problem.dataset.schema.features]
    if "categorical" in roles:
        found["rare"] = [0.0, 0.01, 0.05]
    smooth = all(each.scale != "none" for each in wanted)
    if smooth and 1 < roles.count("numeric") <= _FEW_NUMBERS:
        found["degree"] = [1, 2]
    return {name: value for name, value in found.items() if name not in problem.changes}


def place(base: Ground, space: Space, clock: Clock, apart: Any = None) -> Any:
    """Where trials are fitted: here where one takes little of the time, as the clock is looked at
    between them; else as a fit does (see `fit`), in a process that can be stopped.
    """
    named = list(space.models.values())
    one = max(estimate(base.problem, [model], base.folds) for model in named) - estimate(
        base.problem, [], base.folds)
    if apart is None and _LARGER * one < _LITTLE * clock.left() and not any(
            is_stranger(model) or model.clocked for model in named):
        return Here(base.problem)
    return fit_place(base.problem, named * 4, clock, apart)


def configured(space: Space, values: Mapping[str, Any], share: float = 1.0) -> Model:
    """The model that a configuration comes to; the bare one where it is no more than that."""
    model, changes = space.build(values)
    steps = space.chosen(values)
    bare = not changes and not steps and share >= 1
    return model if bare else Configured(model, changes, share, steps)
