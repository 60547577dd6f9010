"""What every curve stands on: folds, a model fitted on some of a fold's rows, scores, spreads.

A score here is of a way of learning, not of one fitted model: it would have come out otherwise
with other rows to judge by, and with other rows to learn from. Both are in its spread. Rows to
judge by pull on the score by their influence (see `evaluation.intervals`). Of rows to learn from,
several draws tell: with t^2 the variance of the score of one model taught s rows, the variance of
a mean over m models, any two of which share s/N of their rows, is

    t^2 (1/m + (1 - 1/m) s/N)

since scores are, to first order, means over what was learnt (Hoeffding, 1948; the 1/m + test/train
of Nadeau and Bengio, 2003, is of the same kind). Folds share rows, so m models are never m
independent ones, and the plain standard error over folds is too small.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit import evaluation, models
from wholefit.base.errors import DataError, ParameterError
from wholefit.base.tasks import Codec, Task
from wholefit.data import splits
from wholefit.data.dataset import Dataset
from wholefit.evaluation import Score, intervals
from wholefit.evaluation.intervals import Spread
from wholefit.evaluation.metrics import Custom, Metric
from wholefit.evaluation.score import score_sheet, value_of, why_undefined
from wholefit.models import Model
from wholefit.training._folds import Fit, Problem, fit_one
from wholefit.training.imbalance import main_metric

Array = np.ndarray
# Groups of units that are left out in turn where a metric is a user's own function.
_GROUPS = 25


@dataclass(frozen=True)
class Options:
    """How curves are measured; every word means the same as in `fit`."""

    metric: Any = None
    folds: int = 5
    jobs: int = 1
    seed: int = 0
    positive: Any = None
    level: float = 0.95

    def __post_init__(self) -> None:
        if self.folds < 2 or self.jobs < 1:
            raise ParameterError(f"folds must be >= 2 and jobs >= 1; got {self.folds}, "
                                 f"{self.jobs}.")
        if not 0 < self.level < 1:
            raise ParameterError(f"level must be above 0 and below 1; got {self.level}.")


@dataclass(frozen=True, eq=False)
class Bench:
    """Rows, folds and metric; fits models on rows and scores their answers."""

    problem: Problem
    codec: Codec
    metric: Metric
    options: Options

    @classmethod
    def of(cls, dataset: Dataset, task: Task, options: Options) -> Bench:
        """Folds as `fit` deals them: groups whole, copies together, later rows judged by earlier.

        DataError for a target that cannot be learnt.
        """
        if dataset.schema.target is None:
            raise DataError(f"{task.name} needs a target column; say target='...'.")
        codec = task.codec(dataset.schema.target, dataset.target_values(), options.positive)
        y = dataset.target(codec)
        plan = splits.kfold(dataset, y, folds=options.folds, seed=options.seed,
                            stratify=task.stratified)
        classes = getattr(codec, "classes", None)
        metric = evaluation.metrics.main(task.name, main_metric(None, options.metric), classes)
        problem = Problem(dataset, task, y, len(classes or ()), _longest(plan),
                          dataset.telling_weights(), options.jobs, options.seed, {})
        return cls(problem, codec, metric, options)

    @property
    def timed(self) -> bool:
        """Whether folds lie in order of time."""
        return self.problem.dataset.time_order() is not None

    @property
    def units(self) -> Array:
        """The unit of resampling of each row, (n,): its own number where there is none."""
        found = self.problem.plan.units
        return np.arange(len(self.problem.y)) if found is None else found

    @property
    def baseline(self) -> Model:
        """What knows the target alone."""
        return models.make(self.problem.task.baseline)

    def model(self, asked: Any) -> Model:
        """The model asked for; ParameterError where it is not of the task."""
        made = models.make(asked)
        if self.problem.task.name not in made.tasks:
            raise ParameterError(f"{made.name} does {' and '.join(made.tasks)}, not "
                                 f"{self.problem.task.name}.")
        return made

    def fit(self, model: Model, rows: Array, key: str) -> Fit:
        """The model and its encoder, learnt on these rows alone."""
        made = fit_one(self.problem, model, rows, key)
        self.problem.encoders.clear()
        return made

    def answers(self, made: Fit, rows: Array) -> Array:
        """What a fitted model answers to these rows."""
        X = made.encoder.transform(made.dataset, rows)
        return made.model.answer(made.estimator, X, self.problem.task, made.context)

    def sheet(self, rows: Array, answer: Array) -> Any:
        """Truth and answer of these rows, ready to be scored."""
        problem = self.problem
        return evaluation.metrics.sheet(
            problem.task.name, problem.y[rows], answer, positive=self._positive,
            weights=None if problem.weights is None else problem.weights[rows],
            units=None if problem.plan.units is None else problem.plan.units[rows])

    def value(self, sheet: Any) -> float:
        """The metric's value; NaN where it has none."""
        return math.nan if why_undefined(self.metric, sheet) else value_of(self.metric, sheet)

    def pulls(self, sheet: Any, rows: Array) -> Array:
        """How far each unit of the data pulls the value, (units of all rows,); 0 where absent."""
        found = np.zeros(int(self.units.max()) + 1)
        if why_undefined(self.metric, sheet):
            return found
        if isinstance(self.metric, Custom):
            return self._left_out(sheet, rows, found)
        if self.problem.weights is not None:
            rows = rows[self.problem.weights[rows] > 0]
        ids = self.units[rows] if sheet.unit is None else np.unique(self.units[rows])
        found[ids] = intervals.pull(self.metric, sheet)
        return found

    def compared(self, rows: Array, a: Array, b: Array, level: float | None = None
                 ) -> evaluation.Difference:
        """The paired difference a - b of two answers to the same rows."""
        problem = self.problem
        return evaluation.compare(
            problem.task.name, self.metric, problem.y[rows], a, b, positive=self._positive,
            weights=None if problem.weights is None else problem.weights[rows],
            units=None if problem.plan.units is None else problem.plan.units[rows],
            level=level or self.options.level, seed=self.options.seed)

    def scored(self, sheet: Any) -> Score:
        """The score of one set of answers, by its rows alone."""
        return score_sheet(self.metric, sheet, self.options.level, self.options.seed)

    def around(self, value: float, variance: float, sheet: Any, pulls: Array, how: str) -> Score:
        """A score whose error is known, its interval made on the metric's own scale."""
        level = self.options.level
        plain = Spread.of(pulls[pulls != 0] if pulls.any() else pulls)
        spread = Spread(math.sqrt(max(variance, 0.0)), max(plain.degrees, 1.0), plain.skew,
                        max(sheet.n_units, 2))
        if not math.isfinite(value):
            return Score(self.metric.name, math.nan, math.nan, math.nan, level,
                         "undefined on some of the rows", len(sheet))
        if not spread.error > intervals.negligible(value) or not plain.error > 0:
            known = self.scored(sheet)
            low, high = (known.low, known.high) if known.value == value else (value, value)
        else:
            low, high = intervals.around(self.metric, sheet, value, spread, level)
        return Score(self.metric.name, value, low, high, level, how, len(sheet))

    @property
    def _positive(self) -> int:
        return int(getattr(self.codec, "positive", 1))

    def _left_out(self, sheet: Any, rows: Array, found: Array) -> Array:
        """Pulls of 25 groups of units, each left out in turn, laid on one unit of each group."""
        group = self.units[rows] % _GROUPS
        names = np.unique(group)
        every = np.arange(len(rows))
        without = np.array([self._without(sheet, every[group != name]) for name in names])
        if len(names) > 1 and np.isfinite(without).all():
            found[names] = (without.mean() - without) * math.sqrt((len(names) - 1) / len(names))
        return found

    def _without(self, sheet: Any, rows: Array) -> float:
        try:
            return float(self.metric.on(sheet, rows))  # type: ignore[attr-defined]
        except DataError:
            return math.nan


def _longest(plan: splits.Plan) -> splits.Plan:
    """The folds that learn from about as many rows as the longest: early ones of time are short."""
    most = max(len(train) for train, _ in plan.folds)
    kept = tuple(fold for fold in plan.folds if len(fold[0]) >= 0.6 * most)
    return splits.Plan(kept, plan.how, plan.unit, plan.units)


def order(bench: Bench, train: Array, rng: np.random.Generator) -> Array:
    """A fold's training rows in the order in which they are taken: any first part is fair.

    Classes stay in proportion and units together; rows in time are taken latest first.
    """
    times = bench.problem.dataset.time_order()
    if times is not None:
        return train[np.argsort(-times[train], kind="stable")]
    units, first, back = np.unique(bench.units[train], return_index=True, return_inverse=True)
    strata = bench.problem.y[train][first] if bench.problem.n_classes else np.zeros(len(units))
    key = np.empty(len(units))
    for one in np.unique(strata):
        members = np.flatnonzero(strata == one)
        key[members] = (rng.permutation(len(members)) + rng.random()) / len(members)
    return train[np.lexsort((train, units[back], key[back]))]


def overlaps(sizes: Sequence[float], fits: Sequence[int], total: int) -> Array:
    """How much of a model's variance by what it learnt is left in means of scores, (s, s).

    Of sizes s <= t: models of one draw are nested and correlate by sqrt(s / t), others share
    rows by chance and correlate by sqrt(s t) / total.
    """
    s, m = np.asarray(sizes, dtype=float), np.asarray(fits, dtype=float)
    one = 1 / np.maximum.outer(m, m)
    nested = np.sqrt(np.minimum.outer(s, s) / np.maximum.outer(s, s))
    return one * nested + (1 - one) * np.sqrt(np.outer(s, s)) / total
