"""The methods: each gives a model, its answers to unseen rows, and what it decides on them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from wholefit import models
from wholefit.base import seeds
from wholefit.base.state import State
from wholefit.data import Dataset
from wholefit.models import scorer
from wholefit.models._model import Context
from wholefit.training._folds import Problem, fit_one
from wholefit.training._group_thresholds import GroupThresholds
from wholefit.training.decision import Decision
from wholefit.training.fairness._ground import Ground, Made, thresholds
from wholefit.training.fairness._reductions import exponentiated_gradient, settled
from wholefit.training.fairness._weights import reweighing
from wholefit.training.fitted import Fitted
from wholefit.training.record import Run

METHODS = {
    "blind": "leave the columns out of what is learnt from",
    "reweighing": "count rows so that group and outcome look independent while learning",
    "thresholds": "decide by a threshold for each group; the group must be known at prediction",
    "constrained": "learn within a bound on the gap (exponentiated gradient)",
}


def _blind(ground: Ground, blind: Dataset | None) -> Made | str:
    if blind is None:
        return "the columns are not among those that are learnt from"
    if not blind.schema.features:
        return "there is nothing else to learn from"
    problem = dataclasses.replace(ground.problem, dataset=blind, encoders={})
    answer = _across(problem, lambda part, rows, number: _answering(part, ground, rows, number))
    fitted = _fitted(problem, ground.run)
    return Made(fitted, answer, answer.argmax(axis=1))


def _reweighed(ground: Ground, blind: Dataset | None) -> Made | str:
    if not ground.run.model.weighted:
        return f"{ground.run.model.name} takes no weights of rows"

    def weighed(rows: np.ndarray | None) -> Problem:
        problem, picked = ground.problem, slice(None) if rows is None else rows
        weights = np.zeros(len(problem.y))
        own = None if problem.weights is None else problem.weights[picked]
        weights[picked] = reweighing(ground.asked.group[picked], problem.y[picked], own)
        return dataclasses.replace(problem, weights=weights)

    answer = _across(ground.problem, lambda _, rows, number: _answering(
        weighed(rows), ground, rows, number))
    fitted = _fitted(weighed(None), ground.run)
    return Made(fitted, answer, answer.argmax(axis=1))


def _thresholds(ground: Ground, blind: Dataset | None) -> Made | str:
    asked, positive = ground.asked, ground.positive
    score, weights = ground.answer[:, positive], ground.problem.weights
    cuts = np.full(len(score), 0.5)
    for _, test in ground.problem.plan.folds:  # chosen on the rows of the other folds
        others = ground.seen()
        others[test] = False
        found = thresholds(ground, score, others)
        cuts[test] = found[asked.group[test]]
    codes = np.where(score >= cuts, positive, 1 - positive)
    whole = thresholds(ground, score, ground.seen())
    counts = np.bincount(asked.group, weights, minlength=len(asked.names))
    groups = GroupThresholds(asked.by, asked.edges, dict(zip(asked.names, map(float, whole),
                                                             strict=True)),
                             float(np.average(whole, weights=counts)))
    fitted = dataclasses.replace(ground.run).fitted
    changed = _copy(fitted)
    changed.decision = Decision("groups", f"chosen for equal {asked.goal} on {len(score):,} "
                                "answers to unseen rows", positive, groups=groups)
    by = " and ".join(map(repr, asked.by))
    return Made(changed, ground.answer, codes, (
        f"rows must have {by} when they are answered; a group that was not known gets "
        f"{groups.otherwise:.3g}.",
        "to decide by a protected column is treating groups differently on purpose; in many "
        "places the law forbids or limits it (in credit and hiring above all), whatever it "
        "equalises: ask before it is used."))


def _constrained(ground: Ground, blind: Dataset | None) -> Made | str:
    if not ground.run.model.weighted:
        return f"{ground.run.model.name} takes no weights of rows"
    ended: list[int] = []

    def answering(problem: Problem, rows: np.ndarray, number: int) -> Callable[..., np.ndarray]:
        encoder, state, rounds = _played(ground, rows, number)
        ended.append(rounds)
        answers = scorer(state)
        return lambda test: answers.answer(encoder.transform(problem.dataset, test))

    answer = _across(ground.problem, answering)
    encoder, state, rounds = _played(ground, None, "all")
    run, schema = ground.run, ground.problem.dataset.schema
    fitted = Fitted(run.task, schema, run.codec, encoder, state=state)
    fitted._from_file = False
    count = len(state.parts)
    own = scorer(state).answer(encoder.transform(ground.problem.dataset))
    return Made(fitted, answer, answer.argmax(axis=1), (
        f"{'one' if count == 1 else f'the mean of {count}'} of {rounds} {run.model.name} models "
        "that were fitted, so that a row always gets the same answer. Its probabilities are no "
        "longer frequencies: read them as scores.",
        *_held_only_at_home(ground, own, answer)))


def _held_only_at_home(ground: Ground, own: np.ndarray, answer: np.ndarray) -> list[str]:
    """A learner that knows its own rows by heart keeps any bound on them, and on no others."""
    rows = ground.seen()
    at_home, away = (ground.gap(found.argmax(axis=1)[rows] == ground.positive, rows)
                     for found in (own, answer))
    if not away > at_home + 0.05:
        return []
    return [f"on the rows that it learnt from the gap is {at_home:.2f}, on unseen ones {away:.2f}: "
            f"{ground.run.model.name} knows its own rows too well for the bound to hold on others; "
            "a simpler or more regularised model, or thresholds, would keep it better."]


def _played(ground: Ground, rows: np.ndarray | None, key: Any) -> tuple[Any, State, int]:
    """Encoder, mixture and rounds of the game on these rows."""
    problem, asked, run = ground.problem, ground.asked, ground.run
    encoder, _ = problem.encoder(run.model, rows, key)
    X = encoder.transform_training(problem.dataset, rows)
    picked = slice(None) if rows is None else rows
    context = Context(rows=X.shape[0], features=X.shape[1], categorical=encoder.categorical,
                      n_classes=2, jobs=problem.jobs,
                      seed=seeds.derive(asked.seed, "model", run.model.name))
    fitted: list[tuple[Any, Any]] = []
    chances: list[np.ndarray] = []

    def learn(labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
        own = run.model if labels.min() != labels.max() else models.make(run.task.baseline)
        estimator = own.build(run.task, context)
        # Labels are of the outcome; codes are what the model is used to.
        codes = np.where(labels == 1, ground.positive, 1 - ground.positive).astype(np.int32)
        estimator.fit(X, codes, **({"sample_weight": weights} if own.weighted else {}))
        fitted.append((own, estimator))
        answer = own.answer(estimator, X, run.task, context)
        chances.append(answer[:, ground.positive])
        return np.asarray(answer.argmax(axis=1) == ground.positive)

    heavy = None if problem.weights is None else problem.weights[picked]
    game = exponentiated_gradient(learn, asked.group[picked], ground.yes[picked], asked.goal,
                                  asked.bound, asked.rounds, heavy)
    mixture = settled(
        game, chances, ground.yes[picked],
        lambda said: ground.gap(said, np.arange(len(problem.y)) if rows is None else rows),
        asked.bound)
    parts = {str(at): fitted[member][0].state(fitted[member][1], run.task, context)
             for at, member in enumerate(mixture)}
    config = {"weights": list(mixture.values()), "classes": [0, 1], "n_classes": 2,
              "features": int(X.shape[1])}
    return encoder, State("mean", config, parts=parts), game.rounds


RUN: dict[str, Callable[[Ground, Dataset | None], Made | str]] = {
    "blind": _blind, "reweighing": _reweighed, "thresholds": _thresholds,
    "constrained": _constrained}


# ---- folds --------------------------------------------------------------------------------


def _across(
    problem: Problem,
    answering: Callable[[Problem, np.ndarray, int], Callable[[np.ndarray], np.ndarray]],
) -> np.ndarray:
    """Answers (n, 2) to the rows that each fold holds out; NaN in rows that none does."""
    total, times = np.zeros((len(problem.y), 2)), np.zeros(len(problem.y))
    for number, (train, test) in enumerate(problem.plan.folds):
        total[test] += answering(problem, train, number)(test)
        times[test] += 1
    with np.errstate(invalid="ignore"):
        return np.asarray(total / np.where(times, times, np.nan)[:, None])


def _answering(
    problem: Problem, ground: Ground, rows: np.ndarray, number: int
) -> Callable[[np.ndarray], np.ndarray]:
    """The model fitted on the rows of a fold, to be asked about others."""
    made = fit_one(problem, ground.run.model, rows, number)
    return lambda test: made.model.answer(
        made.estimator, made.encoder.transform(made.dataset, test), problem.task, made.context)


def _fitted(problem: Problem, run: Run) -> Fitted:
    made = fit_one(problem, run.model, None, "all")
    fitted = Fitted(run.task, problem.dataset.schema, run.codec, made.encoder, model=made.model,
                    estimator=made.estimator, context=made.context)
    fitted.replay = made.replay
    fitted.settle()
    return fitted


def _copy(fitted: Fitted) -> Fitted:
    fitted.settle()
    made = Fitted.__new__(Fitted)
    made.__dict__.update(fitted.__dict__)
    return made
