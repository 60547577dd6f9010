"""Cross-validation of one model: out-of-fold answers, timed, stopped when the clock says so.

A model that is stopped early watches the rows its fold holds out while it learns. How many rounds
then answer those rows is read from the *other* folds' curves: a model whose length was settled by
the very rows that judge it would be judged too kindly. Where folds follow each other in time, it is
read from the two folds before it; the first has none and goes by its own, so an ensemble (see
`ensembling`) is not judged by that fold's rows.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
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
from wholefit.features.sheet import by_blocks
from wholefit.models import Model
from wholefit.models._model import Context, spread
from wholefit.training import _blind, _cleaning, _unlabelled, imbalance
from wholefit.training._heard import Heard, turns
from wholefit.training._stopping import Watch, rounds_of, rounds_to_come, watching
from wholefit.training.imbalance import Imbalance, Rows
from wholefit.training.replaying.script import key as counted_by

# The refit sees all rows, a fold only (k-1)/k of them; and a clock is never quite even.
REFIT_FACTOR = 1.35
_AFTER = REFIT_FACTOR + 0.65  # what a fold that a clock ends must leave to refit and answers
# The same where the folds' models are kept; those that watched answer when all are fitted.
_AFTER_KEPT, _AFTER_WATCHED = 0.1, 0.6
_LEAST = 0.05
# What of its pace a model that a clock may end can make do with in its last fold.
_AT_LEAST = 0.5
_TIMED = 1000  # rows by which answering is timed where the answers are known already


@dataclass
class Problem:
    """All that does not change from model to model within a run.

    `counted` says, in a replay, what fits that a clock ended did by count: by configuration,
    and by fold or "all"; `known` (n,) whose y is, None for all: others are never watched;
    `forward` if folds follow each other in time and nothing may be taken from a later one;
    `heard`, what is kept of the trainings of networks, and who is told of them.
    """

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
    counted: dict[str, dict[str, Any]] = field(default_factory=dict)
    known: np.ndarray | None = None
    forward: bool = False
    heard: Heard | None = None

    def encoding(self, model: Model) -> Encoding:
        """What the model's family needs, with the user's changes."""
        return changed(model.encoding(self.task), self.changes)

    @property
    def learnt_rows(self) -> int:
        """How many rows a fold learns; in order of time, where each learns more, in the mean."""
        counts = [len(train) for train, _ in self.plan.folds]
        return round(float(np.mean(counts))) if self.forward else counts[0]

    def blind(self, model: Model) -> bool:
        """True if the model needs no feature made."""
        return model.blind and self.imbalance is None

    def encoder(
        self, model: Model, rows: np.ndarray | None, key: Any
    ) -> tuple[Encoder, float]:
        """An encoder learnt on `rows`, and seconds spared because another model had it made.

        Models of the same needs share encoders within a fold; each is charged for its own.
        """
        encoding, steps = self.encoding(model), getattr(model, "steps", ())
        blind = self.blind(model)
        kept = encoding, tuple(step.name for step in steps), key, blind
        found = self.encoders.get(kept)
        if found is not None:
            return found
        start = time.perf_counter()
        made = Encoder(encoding, (*self.transformers, *steps),
                       seed=seeds.derive(self.seed, "blind encoder" if blind else "encoder"))
        dataset, rows, _ = _cleaning.of_fold(self, rows, key)
        y = self.y if rows is None else self.y[rows]
        if not (blind and _blind.fit(made, dataset, rows, y, self.seed)):
            made.fit(dataset, rows, y)
        self.encoders[kept] = made, time.perf_counter() - start
        return made, 0.0


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

    @property
    def counted(self) -> Any:
        """What the fit did, by count; None where no clock cut it short."""
        found = getattr(self.estimator, "counted_", None)
        return found if found and any(found) else None

    @property
    def learning(self) -> dict[str, Any] | None:
        """What a training tells of itself, for the record (`learning_`); None of most models."""
        return getattr(self.estimator, "learning_", None)

    @property
    def curve(self) -> np.ndarray | None:
        """Loss on the watched rows after each round; None where nothing was watched."""
        found = getattr(self.estimator, "curve_", None)
        return None if found is None or not len(found) else np.asarray(found, dtype=np.float64)


@dataclass
class Validated:
    """Out-of-fold answers of one model; `seen` marks the rows that have one.

    `rounds` of boosting in each fold's model, where they were stopped early, and last, in order of
    time, in one of all rows (see `rounds_for_all`); `kept`, where each fold's model was put, if it
    was kept, and `whole`, where those of all rows were, by number; `counted`, what each did by
    count under a clock.
    """

    answer: np.ndarray
    seen: np.ndarray
    fit_seconds: list[float]
    predict_seconds: list[float]
    folds: int = 0
    rounds: list[int] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    counted: list[Any] = field(default_factory=list)
    whole: dict[int, str] = field(default_factory=dict)

    @classmethod
    def empty(cls, problem: Problem) -> Validated:
        """No fold finished yet."""
        rows = len(problem.y)
        shape = (rows, problem.n_classes) if problem.n_classes else (rows,)
        return cls(np.zeros(shape), np.zeros(rows, dtype=np.int32), [], [])

    def add(
        self, test: np.ndarray, answer: np.ndarray | None, fit: float, predict: float
    ) -> None:
        """One more fold: the answers to its test rows, None if they follow, and what it took."""
        if answer is not None:
            self.answer[test] += answer
        self.seen[test] += 1
        self.fit_seconds.append(fit)
        self.predict_seconds.append(predict)
        self.folds += 1

    def instead(self, folds: Sequence[tuple[np.ndarray, np.ndarray]],
                answers: Sequence[np.ndarray]) -> None:
        """Other answers for the folds finished, in their order, before they are settled."""
        self.answer[:] = 0
        for (_, test), answer in zip(folds, answers, strict=False):
            self.answer[test] += answer

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
    seconds: float = math.inf, watched: np.ndarray | None = None,
) -> Fit:
    """Encode `rows` (all if None) and fit a fresh estimator on them, on `jobs` threads.

    A model that is `clocked`, or that `watches`, is told what is left of `seconds` once the rows
    are encoded; the latter is shown the rows `watched`, which it does not learn from.
    """
    optional.wake("sklearn", without="pandas")
    begun = time.perf_counter()
    _wake_library(model)
    start = time.perf_counter()
    encoder, spared = problem.encoder(model, rows, key)
    dataset, rows, replay = _cleaning.of_fold(problem, rows, key)
    y = problem.y if rows is None else problem.y[rows]
    X = _nothing(len(y), encoder) if problem.blind(model) else encoder.transform_training(
        dataset, rows)
    weights = None
    if problem.weights is not None and model.weighted:
        weights = problem.weights if rows is None else problem.weights[rows]
    watch: Watch | None = None
    if watched is not None and model.watches:
        watched = watched if problem.known is None else watched[problem.known[watched]]
        heavy = None if weights is None else problem.weights[watched]  # type: ignore[index]
        watch = encoder.transform(dataset, watched), problem.y[watched], heavy

    beside, more = turns(problem.heard, model, key), _unlabelled.given(problem, model, encoder)

    def learn(X: Any, y: np.ndarray, weights: np.ndarray | None) -> tuple[Any, Context]:
        context = Context(
            rows=X.shape[0], features=X.shape[1], categorical=encoder.categorical,
            n_classes=problem.n_classes, jobs=problem.jobs,
            seed=seeds.derive(problem.seed, "model", model.name), spans=encoder.spans,
            seconds=_left(seconds, begun) if _stops(model) else None,
            counted=_counted(problem, model, key),
        )
        estimator = model.build(problem.task, context)
        options = {**more, **next(beside)}
        if weights is not None:
            options["sample_weight"] = weights
        if model.watches:
            X, y, options = watching(X, y, options, watch, problem.seed)
        with threadpool_limits(problem.jobs, user_api="blas"):
            estimator.fit(X, y, **options)
        return estimator, context

    units = problem.plan.units if rows is None or problem.plan.units is None else (
        problem.plan.units[rows])
    answering, estimator, context = imbalance.learnt(
        problem, model, encoder, key, Rows(X, y, weights, units), learn)
    return Fit(answering, estimator, encoder, context, time.perf_counter() - start + spared,
               dataset, replay)


def _nothing(rows: int, encoder: Encoder) -> np.ndarray:
    """What a model is shown that looks at no feature: the shape of its matrix (rows, features)."""
    return np.broadcast_to(np.float32(0), (rows, len(encoder.names)))


def _cut(counted: Any) -> bool:
    """True for counts of a fit that a clock ended; not where only what was chosen is noted."""
    lessons = counted if isinstance(counted, list) else [counted]
    return any(bool(each) and not (isinstance(each, dict) and not each.get("plan") and set(
        each) <= {"plan", "chosen"}) for each in lessons)


def _counted(problem: Problem, model: Model, key: Any) -> Any:
    """What the fit that is repeated did by count; None where no clock cut it short."""
    if not problem.counted or not _stops(model):
        return None
    return problem.counted.get(counted_by(model), {}).get(str(key))


def _stops(model: Model) -> bool:
    """True if a fit of it ends by itself when its seconds are over, with what it has learnt."""
    return model.clocked or model.watches


def _wake_library(model: Model) -> None:
    """Import what a model that a clock may end needs: no part of a fold's pace or share."""
    if _stops(model) and model.requires and model.extra:
        optional.need(model.requires, extra=model.extra, user=f"model {model.name}")


def _left(seconds: float, begun: float) -> float | None:
    """What is left of `seconds` since `begun`; None where there is no end."""
    left = seconds - (time.perf_counter() - begun)
    return max(left, _LEAST) if math.isfinite(left) else None


Keep = Callable[[int, Fit], str]


def validate(
    problem: Problem, model: Model, deadline: float, folds: int,
    each: Callable[[int, np.ndarray | None, float, float], None] | None = None,
    keep: Keep | None = None,
) -> Validated:
    """Cross-validate over the first `folds` folds of the plan.

    No fold is started that, at the pace of the slowest so far, would leave too little for a
    refit before `deadline` (a time.perf_counter value); the first always runs. `each` is told of
    every fold finished: its number, the answers to its test rows, seconds to fit and to answer.
    `keep` is given every fold's model once it is final, and says where it put it; where models
    are kept, nothing is spared for a refit, and answers that early stopping will settle at the end
    are not asked for before (`each` is given None).
    """
    found = Validated.empty(problem)
    _wake_library(model)
    after, beside = (_AFTER, REFIT_FACTOR) if keep is None else (
        _AFTER_WATCHED if model.watches else _AFTER_KEPT, 0.0)
    made: list[Fit] = []
    # What the clock gave, and what of it the library took again to end the fit; as much goes by
    # when the model is cut and kept.
    given = late = 0.0
    for number, (train, test) in enumerate(problem.plan.folds[:folds]):
        left = deadline - time.perf_counter() - late * given
        share = left / ((folds - number) * (1 + 2 * late) + after)
        pace = max(found.fit_seconds, default=0.0) + max(found.predict_seconds, default=0.0)
        if problem.forward and number:  # each learns from more rows than the one before
            pace *= len(train) / max(len(problem.plan.folds[number - 1][0]), 1)
        needs = pace * (_AT_LEAST if _stops(model) and keep is not None else 1 + beside)
        if number and time.perf_counter() + needs > deadline:
            break
        fold = fit_one(problem, model, train, number, share, test)
        if _cut(fold.counted) and 0 < share < math.inf:
            given, late = given + share, max(fold.seconds / share - 1, 0.0)
        waits = keep is not None and model.watches
        answer, predict = (None, 0.0) if waits else answered(problem, fold, test)
        found.add(test, answer, fold.seconds, predict)
        found.counted.append(fold.counted)
        if each is not None:
            each(number, answer, fold.seconds, predict)
        emit("fold_done", model=model.name, fold=number + 1, folds=folds, seconds=fold.seconds)
        if model.watches:
            made.append(fold)
        elif keep is not None:
            found.kept.append(keep(number, fold))
    if model.watches:
        _shortened(problem, found, made)
        if keep is not None:
            found.kept = [keep(number, fold) for number, fold in enumerate(made)]
    return found.settled()


def answered(problem: Problem, made: Fit, test: np.ndarray) -> tuple[np.ndarray, float]:
    """The answers to the test rows, and the seconds they took."""
    start = time.perf_counter()
    X = _nothing(len(test), made.encoder) if problem.blind(made.model) else (
        made.encoder.transform(made.dataset, test))
    answer = by_blocks(X, lambda part: made.model.answer(
        made.estimator, part, problem.task, made.context))
    return answer, time.perf_counter() - start


def _shortened(problem: Problem, found: Validated, made: list[Fit]) -> None:
    """Cut each fold's model to the rounds that the other folds ask for; answers anew.

    In order of time, the two folds before it: later ones were not known then, and much earlier
    ones had learnt from so few rows that fewer rounds were best.
    """
    curves = [fold.curve for fold in made]
    answers = []
    for at, (fold, curve) in enumerate(zip(made, curves, strict=True)):
        test = problem.plan.folds[at][1]
        noted = None
        if curve is not None:  # else there was nothing to boost
            found.rounds.append(rounds_of(curves, at, problem.forward))
            noted = _noted(problem, fold, test, found.rounds[-1])
            fold.estimator.cut(found.rounds[-1])
        asked = test if noted is None else test[:_TIMED]
        answer, seconds = answered(problem, fold, asked)
        found.predict_seconds[at] = seconds * len(test) / len(asked)
        answers.append(answer if noted is None else noted)
    if problem.forward and found.rounds:
        found.rounds.append(rounds_to_come(curves))
    found.instead(problem.plan.folds, answers)


def _noted(problem: Problem, made: Fit, test: np.ndarray, rounds: int) -> np.ndarray | None:
    """What a watched model answered to its test rows while it learnt; None where it must be asked.

    Asking a thousand large trees takes longer than half of what growing them took.
    """
    if type(made.model).answer is not Model.answer or not hasattr(made.estimator, "watched"):
        return None
    answer = made.estimator.watched(made.encoder.transform(made.dataset, test), rounds)
    if answer is None or not problem.n_classes:
        return answer
    return spread(answer, np.asarray(made.estimator.classes_), problem.n_classes)
