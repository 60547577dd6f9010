"""Models held against rows that they have not seen: one for each label, or one for all at once."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from wholefit.base import tasks
from wholefit.base.errors import BudgetError, DataError, WholefitError
from wholefit.base.events import emit
from wholefit.base.state import State
from wholefit.data import Dataset
from wholefit.data.splits import Plan
from wholefit.features.encoder import Encoder
from wholefit.models import Model
from wholefit.models._network_entry import NetworkModel
from wholefit.training._folds import REFIT_FACTOR, Fit, Problem, fit_one, validate
from wholefit.training.found import Common
from wholefit.training.multilabel import _blend, _stack
from wholefit.training.multilabel._labels import Labels
from wholefit.training.multilabel._parts import Parts
from wholefit.training.record import Entry

# What a model's own code may raise without ending the fit of the others.
_FAULTS = (WholefitError, ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError,
           TypeError, ValueError, ImportError)
# Seconds of learning a map for each row and pair of labels, and the share of the time left that
# all its maps may take.
_SECONDS, _STACK_SHARE = 1.2e-8, 0.25
# Share of the time left that a model may take which uses all it has, where others follow.
_CLOCKED = 0.5
# Share of the time left that the last fits may learn in: what they learnt is also written down.
_KEPT = 0.85


@dataclass(frozen=True, eq=False)
class Trial:
    """What does not change from model to model: rows, who holds what, folds, what may be spent."""

    dataset: Dataset
    labels: Labels
    truth: np.ndarray
    plan: Plan
    common: Common
    weights: np.ndarray | None = None
    shared: dict[Any, tuple[Encoder, float]] = field(default_factory=dict)

    @property
    def baseline(self) -> str:
        """Name of the model that ignores the columns."""
        return tasks.get("multilabel").baseline

    @property
    def complete(self) -> bool:
        """Whether every label of every row is known."""
        return not bool(np.isnan(self.truth).any())

    def problem(self, label: int | None, model: Model) -> Problem:
        """The problem of one label; of all together where None."""
        if label is None:
            y, classes, plan = self.truth.astype(np.int32), len(self.labels), self.plan
            there = None
        else:
            known = ~np.isnan(self.truth[:, label])
            there = None if known.all() else known
            y, classes = np.nan_to_num(self.truth[:, label]).astype(np.int32), 2
            plan = self.plan if known.all() else Plan(tuple(
                (train[known[train]], test) for train, test in self.plan.folds),
                self.plan.how, self.plan.unit, self.plan.units)
        made = Problem(
            self.dataset, tasks.get("classification"), y, classes, plan, self.weights,
            self.common.jobs, self.common.seed, dict(self.common.features), known=there)
        # What is learnt of columns alone is the same for every label of the same rows.
        if plan is self.plan and not made.encoding(model).reduces \
                and not getattr(model, "steps", ()):
            made.encoders = self.shared
        return made


@dataclass(eq=False)
class Measured:
    """A model's answers to rows that it had not seen, (n, labels), NaN where it gave none.

    `members` are those whose answers are mixed, with what each counts for; none of a model by
    itself. `stack` corrects the answers.
    """

    name: str
    model: Model
    answer: np.ndarray
    status: str = "ok"
    reason: str = ""
    trace: str = ""
    folds: int = 0
    fit_seconds: float = math.nan
    predict_seconds: float = math.nan
    seconds: float = 0.0
    stack: _stack.Stack | None = None
    members: tuple[tuple[Measured, float], ...] = ()

    @property
    def shares(self) -> tuple[tuple[Measured, float], ...]:
        """The models that answer, and what each counts for."""
        return self.members or ((self, 1.0),)

    @property
    def burden(self) -> int:
        """Its place in the order of what a prediction costs."""
        own = sum(each.model.burden for each, _ in self.shares)
        return own + 100 * (len(self.shares) > 1) + (self.stack is not None)

    def entry(self, **said: Any) -> Entry:
        """Its row of the leaderboard."""
        return Entry(self.name, self.model.to_dict(), status=self.status, reason=self.reason,
                     traceback=self.trace, folds=self.folds, fit_seconds=self.fit_seconds,
                     predict_seconds=self.predict_seconds, **said)


def together(model: Model) -> bool:
    """Whether one model of this kind learns all labels: a network does."""
    return isinstance(model, NetworkModel)


def told_apart(truth: np.ndarray, plan: Plan) -> np.ndarray:
    """Labels (labels,) whose two values every fold's training rows have."""
    return np.array([all(len(np.unique(y[~np.isnan(y)])) == 2 for y in (
        truth[train, label] for train, _ in plan.folds)) for label in range(truth.shape[1])])


def trial_of(
    dataset: Dataset, labels: Labels, truth: np.ndarray, plan: Plan, common: Common
) -> Trial:
    """Everything settled before the first model is fitted."""
    return Trial(dataset, labels, truth, plan, common, dataset.telling_weights())


def measure_all(trial: Trial, candidates: dict[str, Model]) -> dict[str, Measured]:
    """Every model in turn while there is time, the first one always.

    BudgetError, or DataError, where none was finished.
    """
    clock, found = trial.common.clock, dict[str, Measured]()
    emit("plan", models=list(candidates), split=trial.plan.how, folds=len(trial.plan),
         budget=str(clock.budget), estimate_seconds=_guess(trial, list(candidates.values())))
    for name, model in candidates.items():
        done = [each.seconds for each in found.values() if each.status == "ok"]
        left = clock.left() - max(done, default=0.0) * REFIT_FACTOR / len(trial.plan)
        # What a clock may end takes what it is given: some of it is for those to come.
        share = _CLOCKED if model.clocked and len(found) + 1 < len(candidates) else 1.0
        found[name] = _measure(trial, name, model, left * share, first=not found)
    if not any(each.status == "ok" for each in found.values()):
        reasons = "; ".join(f"{name}: {each.reason}" for name, each in found.items())
        late = any(each.status in ("stopped", "skipped") for each in found.values())
        raise (BudgetError if late else DataError)(f"no model could be fitted: {reasons}.")
    return found


def _guess(trial: Trial, candidates: Sequence[Model]) -> float:
    cells = len(trial.dataset) * max(len(trial.dataset.schema.features), 1) / 1e6
    times = [float(model.pace) * (1 if together(model) else len(trial.labels))
             for model in candidates]
    return 1 + cells * sum(times) * (len(trial.plan) + 1)


def _measure(trial: Trial, name: str, model: Model, left: float, first: bool) -> Measured:
    found = Measured(name, model, np.full(trial.truth.shape, np.nan))
    if together(model) and (why := _unable(trial, model)):
        found.status, found.reason = "skipped", why
        return found
    if left <= 0 and not first:
        found.status, found.reason = "skipped", "the budget of time was spent"
        return found
    emit("model_started", model=name)
    start = time.perf_counter()
    try:
        _answer(trial, model, found, math.inf if first else start + left)
    except _FAULTS as error:
        found.status, found.trace = "failed", traceback.format_exc()
        found.reason = f"{type(error).__name__}: {error}"
    found.seconds = time.perf_counter() - start
    emit("model_done", model=name, seconds=found.seconds)
    return found


def _unable(trial: Trial, model: Model) -> str | None:
    """Why a model of all labels cannot learn here; None if it can."""
    if not trial.complete:
        return "it learns all labels of a row at once, and some are not known"
    if trial.problem(None, model).encoding(model).select not in ("none", "variance"):
        return ("it learns all labels at once, and a choice of features looks at one target: "
                "leave select out of features=")
    return None


def _answer(trial: Trial, model: Model, found: Measured, deadline: float) -> None:
    """Out-of-fold answers of all labels, put into `found`."""
    start, labels = time.perf_counter(), len(trial.labels)
    fits, asks = [], []
    rounds: list[int | None] = [None] if together(model) else list(range(labels))
    woken = start
    for done, label in enumerate(rounds):
        # What is left is dealt to the labels to come, so that the last has its share too; the
        # first also wakes libraries and learns encoders, once for all.
        left, now = deadline - time.perf_counter(), time.perf_counter()
        share = now + max(left / (len(rounds) - done), 0.3 * left if done == 0 else 0.0)
        made = validate(trial.problem(label, model), model, share, len(trial.plan))
        now = time.perf_counter()
        woken = now if done == 0 else woken
        pace = (now - woken) / done if done else 0.0
        if made.folds < len(trial.plan) or now + pace * (len(rounds) - done - 1) > deadline:
            found.status = "stopped"
            found.reason = (f"the budget of time was spent at label {done + 1} of {labels}"
                            if label is not None else "the budget of time was spent")
            return
        answer = made.known()
        if label is None:
            found.answer[:] = answer
        else:
            found.answer[:, label] = answer[:, 1]
        fits.append(sum(made.fit_seconds) / made.folds)
        asks.append(sum(made.predict_seconds))
    found.folds = len(trial.plan)
    found.fit_seconds = float(sum(fits))
    asked = int((~np.isnan(found.answer).all(axis=1)).sum())
    found.predict_seconds = float(sum(asks)) / max(asked, 1) * 1000


def mixed(trial: Trial, found: Sequence[Measured]) -> Measured | None:
    """The best mixture of the models' answers, by weights that are the same for all labels.

    What judges it was mixed by weights that other folds asked for. None where a single model
    does best, there is one fold only, or no time to fit its members on all rows.
    """
    rows = np.flatnonzero(~np.isnan([each.answer for each in found]).any(axis=(0, 2)))
    answers, truth, parts = [each.answer for each in found], trial.truth, _parts(trial, rows)
    if len(parts) < 2:
        return None
    start = time.perf_counter()
    weights = _blend.greedy(answers, truth, trial.weights, rows)
    chosen = [(each, weight) for each, weight in zip(found, weights, strict=True) if weight > 0]
    again = sum(each.seconds for each, _ in chosen) / len(trial.plan) * REFIT_FACTOR
    if len(chosen) < 2 or trial.common.clock.left() < 2 * again:
        return None
    answer = _blend.crossed(answers, truth, trial.weights, parts)
    spent = time.perf_counter() - start
    first = max(chosen, key=lambda pair: pair[1])[0]
    return Measured(
        "blend", first.model, answer, folds=first.folds, members=tuple(chosen),
        fit_seconds=sum(each.fit_seconds for each, _ in chosen) + spent,
        predict_seconds=sum(each.predict_seconds for each, _ in chosen),
        seconds=sum(each.seconds for each, _ in chosen) + spent)


def _parts(trial: Trial, rows: np.ndarray) -> list[np.ndarray]:
    """The rows of each fold's test, of those that every model answered."""
    parts = [np.intersect1d(test, rows) for _, test in trial.plan.folds]
    return [part for part in parts if len(part)]


def stacked(trial: Trial, base: Measured) -> Measured | None:
    """A model corrected by what labels tell of each other.

    None where there are too few rows for so many labels, or too little time.
    """
    rows = np.flatnonzero(~np.isnan(base.answer).any(axis=1))
    width = len(trial.labels)
    parts = _parts(trial, rows)
    guess = _SECONDS * len(rows) * width**2 * (1 + len(parts) * len(_stack.PULLS))
    if len(rows) < 20 * width or len(parts) < 2 or guess > _STACK_SHARE * trial.common.clock.left():
        return None
    start, name = time.perf_counter(), f"stacked {base.name}"
    emit("model_started", model=name)
    answer, stack = _stack.crossed(base.answer, trial.truth, trial.weights, parts)
    spent = time.perf_counter() - start
    emit("model_done", model=name, seconds=spent)
    return replace(base, name=name, answer=answer, seconds=base.seconds + spent,
                   fit_seconds=base.fit_seconds + spent, stack=stack, members=base.shares)


def learnt(trial: Trial, chosen: Measured, rows: np.ndarray | None, key: Any) -> Parts:
    """The chosen models fitted on `rows` (all where None), as they are saved and answer."""
    made, width = _Made(), len(trial.labels)
    left = max(trial.common.clock.left(), 1.0) if key == "all" else math.inf
    deadline = time.perf_counter() + _KEPT * left
    whole = sum(each.seconds for each, _ in chosen.shares) or 1.0
    for member, weight in chosen.shares:
        rounds: list[int | None] = [None] if together(member.model) else list(range(width))
        part = (deadline - time.perf_counter()) * member.seconds / whole
        whole = max(whole - member.seconds, 1e-9)
        ends = time.perf_counter() + part
        for done, label in enumerate(rounds):
            problem = trial.problem(label, member.model)
            seconds = (ends - time.perf_counter()) / (len(rounds) - done)
            fit = fit_one(problem, member.model, _known(trial, label, rows), key, seconds)
            made.add(fit, problem, range(width) if label is None else [label], weight)
    return Parts(made.encoders, made.states, made.told, chosen.stack)


class _Made:
    """Models as they are fitted, each encoder once."""

    def __init__(self) -> None:
        self.encoders: list[Encoder] = []
        self.states: list[State] = []
        self.told: list[dict[str, Any]] = []

    def add(self, fit: Fit, problem: Problem, labels: Sequence[int], weight: float) -> None:
        """One more, answering these labels."""
        at = next((at for at, kept in enumerate(self.encoders) if kept is fit.encoder), None)
        if at is None:
            at = len(self.encoders)
            self.encoders.append(fit.encoder)
        self.states.append(fit.model.state(fit.estimator, problem.task, fit.context))
        self.told.append({"encoder": at, "labels": list(labels), "weight": weight})


def _known(trial: Trial, label: int | None, rows: np.ndarray | None) -> np.ndarray | None:
    """The rows of those whose label is known; None for all there are."""
    if label is None or trial.complete:
        return rows
    known = np.flatnonzero(~np.isnan(trial.truth[:, label]))
    return known if rows is None else np.intersect1d(known, rows)
