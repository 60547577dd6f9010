"""A second layer: small models that read the out-of-fold answers of the first.

A model of the second layer is cross-fitted by the folds of the first: what answers a fold has
learnt from the other folds' rows, whose inputs are out-of-fold answers themselves (Wolpert 1992,
"Stacked Generalization"; van der Laan, Polley and Hubbard 2007, "Super Learner").
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit import models
from wholefit.base import seeds, tasks
from wholefit.base.state import State
from wholefit.models import Model
from wholefit.models._kernels import second
from wholefit.models._model import Context
from wholefit.training.ensembling._greedy import climb
from wholefit.training.ensembling._objectives import Objective, objective
from wholefit.training.ensembling._pool import Pool, others

Array = np.ndarray
# Small and smooth: there are few inputs, and they are alike.
LAYER = {
    "classification": ("logistic(C=0.03)",
                       "extra_trees(n_estimators=60, min_samples_leaf=20, max_features=0.5)"),
    "regression": ("ridge(alpha=10.0, positive=True)",
                   "extra_trees(n_estimators=60, min_samples_leaf=20, max_features=0.5)"),
}
_MOST_ROWS = 30_000
_INPUTS = 12


@dataclass(frozen=True)
class Second:
    """A model of the second layer.

    `inputs` are the first-layer labels that it reads; `answer` its cross-fitted answers to the
    pool's rows, NaN where not judged; `state` its final form, learnt from all judged rows, which
    `predict` answers with; `cost` seconds for 1,000 rows, its inputs' apart.
    """

    label: str
    model: Model
    inputs: tuple[str, ...]
    answer: Array
    state: State
    cost: float

    def predict(self, answers: Mapping[str, Array], columns: Any = None) -> Array:
        """First-layer answers by label (and the columns it learnt with) to its own answer."""
        return second.Second(self.state).answer(answers, columns)


def layer(
    pool: Pool, *, columns: Any = None, names: Iterable[Any] | None = None, jobs: int = 1,
    seed: int = 0, deadline: float = np.inf,
) -> tuple[Second, ...]:
    """The models of a second layer, cross-fitted by the pool's folds; see `stacked`.

    One that, by its first fold, would not be done by `deadline` is given up.
    """
    labels, rows, _ = pool.judged
    parts = pool.parts(rows, seed)
    aim = objective(pool, labels, rows, parts, seed)
    chosen = [_inputs(aim, labels, number) for number in range(len(parts))]
    last = _inputs(aim, labels, None)
    table = _Table(pool, rows, parts, columns, jobs, seed)
    found = []
    for model in map(models.make, LAYER[pool.task] if names is None else names):
        made = table.learnt(f"second {model.name}", model, chosen, last, deadline)
        found += [made] if made is not None else []
    return tuple(found)


def _inputs(aim: Objective, labels: tuple[str, ...], without: int | None) -> tuple[str, ...]:
    """What greedy selection took, the weightiest first; chosen without the fold to be answered."""
    counts = climb(aim, without=without).counts
    order = np.argsort(-counts, kind="stable")[:_INPUTS]
    return tuple(labels[each] for each in order if counts[each])


class _Table:
    """The rows that a second layer learns from, and how one model of it is learnt."""

    def __init__(
        self, pool: Pool, rows: Array, parts: Sequence[Array], columns: Any, jobs: int, seed: int,
    ) -> None:
        self.pool, self.rows, self.parts, self.seed, self.jobs = pool, rows, parts, seed, jobs
        self.columns = None if columns is None else np.nan_to_num(np.asarray(columns, np.float64))
        self.task = tasks.get(pool.task)
        self.truth = np.asarray(pool.truth)

    def learnt(
        self, label: str, model: Model, chosen: Sequence[tuple[str, ...]], last: tuple[str, ...],
        deadline: float,
    ) -> Second | None:
        answer = np.full(next(iter(self.pool.answers.values())).shape, np.nan)
        everywhere, asked, begun = np.arange(len(self.rows)), 0.0, time.perf_counter()
        for done, (part, inputs) in enumerate(zip(self.parts, chosen, strict=True)):
            pace = (time.perf_counter() - begun) / max(done, 1)
            if time.perf_counter() + pace * (len(self.parts) + 1 - done) > deadline:
                return None
            state = self._fitted(model, inputs, others(len(self.rows), part))
            start = time.perf_counter()
            answer[self.rows[part]] = self._answered(state, self.rows[part])
            asked += time.perf_counter() - start
        return Second(label, model, last, answer, self._fitted(model, last, everywhere),
                      1000 * asked / len(self.rows))

    def _answered(self, state: State, rows: Array) -> Array:
        given = second.Second(state)
        answers = {label: np.asarray(self.pool.shown[label])[rows] for label in given.inputs}
        return given.answer(answers, None if self.columns is None else self.columns[rows])

    def _fitted(self, model: Model, inputs: tuple[str, ...], places: Array) -> State:
        places = places[seeds.some(len(places), _MOST_ROWS, self.seed, "second", "rows")]
        rows, pool = self.rows[places], self.pool
        y, middle, spread = self.truth[rows], 0.0, 1.0
        if not pool.is_classes:
            middle, spread = float(y.mean()), float(y.std()) or 1.0
            y = (y - middle) / spread
        X = second.features([np.asarray(pool.shown[label])[rows] for label in inputs],
                            None if self.columns is None else self.columns[rows], middle, spread)
        context = Context(rows=len(rows), features=X.shape[1], n_classes=pool.classes,
                          jobs=self.jobs, seed=seeds.derive(self.seed, "second", model.name))
        estimator = model.build(self.task, context)
        weights = {}
        if pool.weights is not None and model.weighted:
            weights = {"sample_weight": np.asarray(pool.weights)[rows]}
        estimator.fit(X, y, **weights)
        return State("second", {"inputs": list(inputs), "n_classes": pool.classes,
                                "middle": middle, "spread": spread,
                                "bounds": None if pool.bounds is None else list(pool.bounds)},
                     parts={"model": model.state(estimator, self.task, context)})
