"""Teachers that have not seen a fold: what makes it honest to judge a student on rows learnt from.

A model answers the rows it learnt from too well, and what it learnt of them it tells about their
neighbours too; a student taught by it has seen them by hearsay. Measured, that alone made students
look better than their teacher where they were not (docs/distil.md). So each fold has a teacher of
its own, which was never shown the rows of that fold:

- a model asked about rows that are new to it is that teacher itself;
- of an ensemble whose members are the models of its folds, those that were fitted without the
  fold (they are in its file);
- of another model of the catalog, the same configuration fitted again without the fold, and so
  the members of an ensemble that learnt all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wholefit import models
from wholefit.base.errors import StateError, WholefitError
from wholefit.base.events import emit
from wholefit.base.state import State
from wholefit.data import Dataset
from wholefit.data.splits import Plan
from wholefit.models import scorer
from wholefit.models._kernels.blend import blend_state
from wholefit.training._folds import Problem, fit_one
from wholefit.training._search import asked_before, settled
from wholefit.training.fitted import Fitted

Answer = Callable[[Dataset], np.ndarray]
Fold = tuple[np.ndarray, np.ndarray]
# Facts of a fit that a model cannot simply be fitted again by.
_UNLIKE = ("clean", "engineer", "transformers", "balance", "costs", "threshold")


def members(fitted: Fitted, folds: int) -> list[Answer] | None:
    """For each fold, the members of an ensemble that were fitted without it; None if unknown.

    The models of each member's folds stand in the order of the folds.
    """
    try:
        state = fitted.state()
    except StateError:
        return None
    if state.kind != "blend" or any("whole" in each for each in state.config["members"]):
        return None
    place: dict[str, int] = {}
    number = []
    for each in state.config["members"]:
        label = str(each.get("model"))
        number.append(place.get(label, 0))
        place[label] = number[-1] + 1
    if set(place.values()) != {folds}:
        return None
    return [_part(fitted, state, np.array(number) == fold) for fold in range(folds)]


def _part(fitted: Fitted, state: State, kept: np.ndarray) -> Answer:
    """The answers of some members of a blend."""
    chosen = [(at, each) for at, each in enumerate(state.config["members"]) if kept[at]]
    encoders = sorted({int(each["encoder"]) for _, each in chosen})
    parts = {f"encoder {new}": state.parts[f"encoder {old}"] for new, old in enumerate(encoders)}
    parts |= {f"model {new}": state.parts[f"model {at}"] for new, (at, _) in enumerate(chosen)}
    config = {**state.config, "members": [
        {**each, "encoder": encoders.index(int(each["encoder"]))} for _, each in chosen]}
    asked = scorer(State(state.kind, config, state.arrays, state.blobs, parts))

    def answer(dataset: Dataset) -> np.ndarray:
        return np.asarray(asked.answer(fitted.cleaned(dataset)))

    return answer


def anew(
    fitted: Fitted, named: dict[str, Any], lineage: dict[str, Any], rows: Dataset,
    weights: np.ndarray | None, folds: Sequence[Fold], jobs: int,
) -> list[Answer] | None:
    """For each fold, the same configuration fitted without it; None where that cannot be done.

    `named` is the model's name in the catalog and its parameters; `lineage` what the fit was.
    """
    if any(name in lineage for name in _UNLIKE) or fitted.replay is not None:
        return None
    try:
        if fitted.state().kind == "blend":
            return _blends(fitted, lineage, _problem(fitted, lineage, rows, weights, folds, jobs))
        model = models.get(str(named["name"])).from_dict(dict(named["params"]))
        if fitted.task.name not in model.tasks:
            return None
        problem = _problem(fitted, lineage, rows, weights, folds, jobs)
        return [_fitted(problem, model, number) for number in range(len(folds))]
    except (WholefitError, TypeError, ValueError, KeyError):
        return None  # an estimator of the user's own, or one whose library is gone


def _problem(
    fitted: Fitted, lineage: dict[str, Any], rows: Dataset, weights: np.ndarray | None,
    folds: Sequence[Fold], jobs: int,
) -> Problem:
    return Problem(
        rows, fitted.task, rows.target(fitted.codec), len(getattr(fitted.codec, "classes", ())),
        Plan(tuple(folds), ""), weights, jobs, int(lineage.get("seed", 0)),
        dict(lineage.get("features", {})))


def _blends(fitted: Fitted, lineage: dict[str, Any], problem: Problem) -> list[Answer] | None:
    """An ensemble for each fold, of the same members by the same shares, fitted without it.

    None where a second layer reads the members.
    """
    config = fitted.state().config
    if config.get("seconds"):
        return None
    shares: dict[str, float] = {}
    for each in config["members"]:
        shares[str(each["model"])] = shares.get(str(each["model"]), 0.0) + float(each["share"])
    turns = {str(turn.get("model")): turn for turn in lineage.get("schedule", ())}
    members, forward = {}, asked_before(lineage)
    counted: dict[str, dict[str, Any]] = {}
    for label in shares:
        turn = turns[label]
        rounds = turn.get("rounds") or ()
        model = models.get(str(turn["name"])).from_dict(dict(turn["params"]))
        members[label] = settled(model, rounds, forward)
        if not rounds and (done := next(filter(None, turn.get("counted") or ()), None)):
            counted[str(turn["configuration"])] = {
                str(number): done for number in range(len(problem.plan.folds))}
    problem = replace(problem, counted=counted)
    return [_blended(problem, config, shares, members, number)
            for number in range(len(problem.plan.folds))]


def _blended(
    problem: Problem, config: Mapping[str, Any], shares: Mapping[str, float],
    members: Mapping[str, models.Model], number: int,
) -> Answer:
    emit("distil_step", student="the teacher without a part", fold=number + 1,
         folds=len(problem.plan.folds))
    states, encoders, told = [], {}, []
    for label, model in members.items():
        made = fit_one(problem, model, problem.plan.folds[number][0], number)
        key = repr(made.encoder.encoding)
        encoders[key] = made.encoder
        states.append(made.model.state(made.estimator, problem.task, made.context))
        told.append({"encoder": key, "model": label, "share": shares[label]})
    asked = scorer(blend_state(
        states, encoders, told, temperature=config["temperature"], n_classes=problem.n_classes,
        line=tuple(config["line"]), bounds=config.get("bounds")))

    def answer(dataset: Dataset) -> np.ndarray:
        return np.asarray(asked.answer(dataset))

    return answer


def _fitted(problem: Problem, model: models.Model, number: int) -> Answer:
    emit("distil_step", student="the teacher without a part", fold=number + 1,
         folds=len(problem.plan.folds))
    made = fit_one(problem, model, problem.plan.folds[number][0], number)

    def answer(dataset: Dataset) -> np.ndarray:
        return made.model.answer(made.estimator, made.encoder.transform(dataset), problem.task,
                                 made.context)

    return answer
