"""Cross-validation of one model: out-of-fold answers, timed, stopped when the clock says so."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from wholefit.base import optional, seeds
from wholefit.base.events import emit
from wholefit.base.tasks import Task
from wholefit.data.dataset import Dataset
from wholefit.data.splits import Plan
from wholefit.features.encoder import Encoder
from wholefit.features.encoding import Encoding, changed
from wholefit.models import Model
from wholefit.models._model import Context
from wholefit.training import _cleaning, imbalance
from wholefit.training.imbalance import Imbalance, Rows

# The refit sees all rows, a fold only (k-1)/k of them; and a clock is never quite even.
REFIT_FACTOR = 1.35
# What a clocked model's fold must leave to a refit and to the answers, in folds.
_AFTER = REFIT_FACTOR + 0.65
_LEAST = 0.05


@dataclass
class Problem:
    """All that does not change from model to model within a run."""

    dataset: Dataset
    task: Task
    y: np.ndarray
    n_classes: int
    plan: Plan
    weights: np.ndarray | None
    jobs: int
    seed: int
    changes: dict[str, Any]
    transformers: tuple[Any, ...] = ()
    imbalance: Imbalance | None = None
    encoders: dict[Any, tuple[Encoder, float]] = field(default_factory=dict)
    clean: _cleaning.Cleaning | None = None
    cleaned_folds: _cleaning.Folds = field(default_factory=_cleaning.Folds)

    def encoding(self, model: Model) -> Encoding:
        """What the model's family needs, with the user's changes."""
        return changed(model.encoding(self.task), self.changes)

    def encoder(
        self, model: Model, rows: np.ndarray | None, key: Any
    ) -> tuple[Encoder, float]:
        """An encoder learnt on `rows`, and seconds spared because another model had it made.

        Models of the same needs share encoders within a fold; each is charged for its own.
        """
        encoding = self.encoding(model)
        found = self.encoders.get((encoding, key))
        if found is not None:
            return found
        start = time.perf_counter()
        made = Encoder(encoding, self.transformers, seed=seeds.derive(self.seed, "encoder"))
        dataset, rows, _ = _cleaning.of_fold(self, rows, key)
        made.fit(dataset, rows, self.y if rows is None else self.y[rows])
        self.encoders[encoding, key] = made, time.perf_counter() - start
        return made, 0.0


def telling_weights(dataset: Dataset) -> np.ndarray | None:
    """The rows' weights, or None where all are equal: then they must change nothing.

    Some learners draw otherwise once they are given weights, even equal ones.
    """
    weights = dataset.weights()
    if weights is None or bool(np.all(weights == weights[0])):
        return None
    return weights


@dataclass(frozen=True)
class Fit:
    """One fitted estimator with what it was fitted by; `seconds` its encoder included.

    `model` answers with the estimator: the one asked for, perhaps corrected for balanced rows.
    `dataset` holds all rows, cleaned as learnt here; `replay` cleans others so.
    """

    model: Model
    estimator: Any
    encoder: Encoder
    context: Context
    seconds: float
    dataset: Dataset
    replay: _cleaning.Replay | None = None


@dataclass
class Validated:
    """Out-of-fold answers of one model; `seen` marks the rows that have one."""

    answer: np.ndarray
    seen: np.ndarray
    fit_seconds: list[float]
    predict_seconds: list[float]
    folds: int = 0

    @classmethod
    def empty(cls, problem: Problem) -> Validated:
        """No fold finished yet."""
        rows = len(problem.y)
        shape = (rows, problem.n_classes) if problem.n_classes else (rows,)
        return cls(np.zeros(shape), np.zeros(rows, dtype=np.int32), [], [])

    def add(self, test: np.ndarray, answer: np.ndarray, fit: float, predict: float) -> None:
        """One more fold: the answers to its test rows, and what it took."""
        self.answer[test] += answer
        self.seen[test] += 1
        self.fit_seconds.append(fit)
        self.predict_seconds.append(predict)
        self.folds += 1

    def settled(self) -> Validated:
        """Once no fold will follow: rows answered several times get the mean."""
        repeated = self.seen > 1
        if repeated.any():
            self.answer[repeated] /= self.seen[repeated].reshape(
                -1, *[1] * (self.answer.ndim - 1))
        return self

    def known(self) -> np.ndarray:
        """The answers, NaN in rows that no finished fold has answered."""
        found = self.answer.copy()
        found[self.seen == 0] = np.nan
        return found


def fit_one(
    problem: Problem, model: Model, rows: np.ndarray | None, key: Any,
    seconds: float = math.inf,
) -> Fit:
    """Encode `rows` (all if None) and fit a fresh estimator on them, on `jobs` threads.

    A model that is `clocked` is told what is left of `seconds` once the rows are encoded.
    """
    optional.wake("sklearn", without="pandas")
    begun = time.perf_counter()
    _wake_library(model)
    start = time.perf_counter()
    encoder, spared = problem.encoder(model, rows, key)
    dataset, rows, replay = _cleaning.of_fold(problem, rows, key)
    X = encoder.transform_training(dataset, rows)
    y = problem.y if rows is None else problem.y[rows]
    weights = None
    if problem.weights is not None and model.weighted:
        weights = problem.weights if rows is None else problem.weights[rows]

    def learn(X: Any, y: np.ndarray, weights: np.ndarray | None) -> tuple[Any, Context]:
        context = Context(
            rows=X.shape[0], features=X.shape[1], categorical=encoder.categorical,
            n_classes=problem.n_classes, jobs=problem.jobs,
            seed=seeds.derive(problem.seed, "model", model.name), spans=encoder.spans,
            seconds=_left(seconds, begun) if model.clocked else None,
        )
        estimator = model.build(problem.task, context)
        options = {} if weights is None else {"sample_weight": weights}
        with threadpool_limits(problem.jobs, user_api="blas"):
            estimator.fit(X, y, **options)
        return estimator, context

    units = problem.plan.units if rows is None or problem.plan.units is None else (
        problem.plan.units[rows])
    answering, estimator, context = imbalance.learnt(
        problem, model, encoder, key, Rows(X, y, weights, units), learn)
    return Fit(answering, estimator, encoder, context, time.perf_counter() - start + spared,
               dataset, replay)


def _wake_library(model: Model) -> None:
    """Import what a clocked model needs, which is no part of a fold's pace or share."""
    if model.clocked and model.requires and model.extra:
        optional.need(model.requires, extra=model.extra, user=f"model {model.name}")


def _left(seconds: float, begun: float) -> float | None:
    """What is left of `seconds` since `begun`; None where there is no end."""
    left = seconds - (time.perf_counter() - begun)
    return max(left, _LEAST) if math.isfinite(left) else None


def validate(
    problem: Problem, model: Model, deadline: float, folds: int,
    each: Callable[[int, np.ndarray, float, float], None] | None = None,
) -> Validated:
    """Cross-validate over the first `folds` folds of the plan.

    No fold is started that, at the pace of the slowest so far, would leave too little for a
    refit before `deadline` (a time.perf_counter value); the first always runs. `each` is told of
    every fold finished: its number, the answers to its test rows, seconds to fit and to answer.
    """
    found = Validated.empty(problem)
    _wake_library(model)
    for number, (train, test) in enumerate(problem.plan.folds[:folds]):
        share = (deadline - time.perf_counter()) / (folds - number + _AFTER)
        pace = max(found.fit_seconds, default=0.0) + max(found.predict_seconds, default=0.0)
        if number and time.perf_counter() + pace * (1 + REFIT_FACTOR) > deadline:
            break
        answer, fit, predict = _one_fold(problem, model, number, train, test, share)
        found.add(test, answer, fit, predict)
        if each is not None:
            each(number, answer, fit, predict)
        emit("fold_done", model=model.name, fold=number + 1, folds=folds, seconds=fit)
    return found.settled()


def _one_fold(
    problem: Problem, model: Model, number: int, train: np.ndarray, test: np.ndarray,
    seconds: float,
) -> tuple[np.ndarray, float, float]:
    """The answers to the test rows, seconds to fit, and seconds to answer."""
    made = fit_one(problem, model, train, number, seconds)
    start = time.perf_counter()
    X = made.encoder.transform(made.dataset, test)
    answer = made.model.answer(made.estimator, X, problem.task, made.context)
    return answer, made.seconds, time.perf_counter() - start
