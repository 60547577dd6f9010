"""Cross-validation of one model: out-of-fold answers, timed, stopped when the clock says so."""

from __future__ import annotations

import time
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
from wholefit.features.encoding import Encoding
from wholefit.models import Model
from wholefit.models._model import Context


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
    encoders: dict[Any, tuple[Encoder, float]] = field(default_factory=dict)

    def encoding(self, model: Model) -> Encoding:
        """What the model's family needs, with the user's changes."""
        return model.encoding(self.task).replace(**self.changes)

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
        made.fit(self.dataset, rows)
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
    """One fitted estimator with what it was fitted by; `seconds` its encoder included."""

    estimator: Any
    encoder: Encoder
    context: Context
    seconds: float


@dataclass
class Validated:
    """Out-of-fold answers of one model; `seen` marks the rows that have one."""

    answer: np.ndarray
    seen: np.ndarray
    fit_seconds: list[float]
    predict_seconds: list[float]
    folds: int = 0

    def known(self) -> np.ndarray:
        """The answers, NaN in rows that no finished fold has answered."""
        found = self.answer.copy()
        found[self.seen == 0] = np.nan
        return found


def fit_one(problem: Problem, model: Model, rows: np.ndarray | None, key: Any) -> Fit:
    """Encode `rows` (all if None) and fit a fresh estimator on them, on `jobs` threads."""
    optional.wake("sklearn", without="pandas")
    start = time.perf_counter()
    encoder, spared = problem.encoder(model, rows, key)
    X = encoder.transform(problem.dataset, rows)
    y = problem.y if rows is None else problem.y[rows]
    context = Context(
        rows=X.shape[0], features=X.shape[1], categorical=encoder.categorical,
        n_classes=problem.n_classes, jobs=problem.jobs,
        seed=seeds.derive(problem.seed, "model", model.name),
    )
    estimator = model.build(problem.task, context)
    options = {}
    if problem.weights is not None and model.weighted:
        options["sample_weight"] = problem.weights if rows is None else problem.weights[rows]
    with threadpool_limits(problem.jobs, user_api="blas"):
        estimator.fit(X, y, **options)
    return Fit(estimator, encoder, context, time.perf_counter() - start + spared)


def validate(problem: Problem, model: Model, deadline: float, folds: int) -> Validated:
    """Cross-validate over the first `folds` folds of the plan.

    No fold is started that, at the pace of the slowest so far, would end after `deadline`
    (a time.perf_counter value); the first always runs.
    """
    rows = len(problem.y)
    shape = (rows, problem.n_classes) if problem.n_classes else (rows,)
    found = Validated(np.zeros(shape), np.zeros(rows, dtype=np.int32), [], [])
    for number, (train, test) in enumerate(problem.plan.folds[:folds]):
        pace = max(found.fit_seconds, default=0.0) + max(found.predict_seconds, default=0.0)
        if number and time.perf_counter() + pace > deadline:
            break
        _one_fold(problem, model, number, train, test, found)
        emit("fold_done", model=model.name, fold=number + 1, folds=folds,
             seconds=found.fit_seconds[-1])
    repeated = found.seen > 1
    if repeated.any():
        found.answer[repeated] /= found.seen[repeated].reshape(-1, *[1] * (found.answer.ndim - 1))
    return found


def _one_fold(
    problem: Problem, model: Model, number: int, train: np.ndarray, test: np.ndarray,
    found: Validated,
) -> None:
    made = fit_one(problem, model, train, number)
    start = time.perf_counter()
    X = made.encoder.transform(problem.dataset, test)
    found.answer[test] += model.answer(made.estimator, X, problem.task, made.context)
    found.seen[test] += 1
    found.fit_seconds.append(made.seconds)
    found.predict_seconds.append(time.perf_counter() - start)
    found.folds += 1
