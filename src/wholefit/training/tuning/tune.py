"""Tune: search the settings of models and of their pipelines, choose, refit; a Run like any fit's.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from wholefit import evaluation, models
from wholefit.base.budget import Clock
from wholefit.base.errors import BudgetError, DataError, ParameterError
from wholefit.base.events import emit
from wholefit.base.tasks import Task
from wholefit.data.dataset import Dataset
from wholefit.training import imbalance
from wholefit.training._folds import Validated
from wholefit.training._ground import finished
from wholefit.training._judge import judge
from wholefit.training._noted import entry_of, scheduled
from wholefit.training._search import Search
from wholefit.training.fitting import Options
from wholefit.training.record import Run
from wholefit.training.trials import Here
from wholefit.training.tuning import strategies
from wholefit.training.tuning._choice import Tried, best, crossfitted
from wholefit.training.tuning._ground import Ground, configured, ground, place, space_for
from wholefit.training.tuning._loop import Searching, end_of, validated
from wholefit.training.tuning._nested import nested, outer_plan
from wholefit.training.tuning._store import Store, Trial
from wholefit.training.tuning._strategy import Setting
from wholefit.training.tuning.space import Space
from wholefit.training.tuning.study import Gain, Study

# The best configurations that a leaderboard lists beside the tuned model.
_LISTED = 5


@dataclass(frozen=True)
class Tuning:
    """What is asked of a search, beside the `Options` that it shares with a fit.

    `space` as `Space.of` takes it, or a function that makes it of the ground and the clock;
    `strategy` a name, perhaps with options; `study` the path of a SQLite file; `nested` how many
    outer folds the search is repeated in, True for as many as `folds`, 0 for none.
    """

    space: Mapping[str, Any] | Callable[[Ground, Clock], Space] | None = None
    strategy: str = "random"
    study: str | os.PathLike[str] | None = None
    nested: int | bool = 0

    def __post_init__(self) -> None:
        strategies.check(self.strategy)
        if not isinstance(self.nested, bool) and (
                not isinstance(self.nested, int) or self.nested < 0 or self.nested == 1):
            raise ParameterError("nested must be True, or a number of outer folds of at least 2; "
                                 f"got {self.nested!r}.")


def tune(
    dataset: Dataset, task: Task, options: Options, tuning: Tuning, clock: Clock,
    apart: Any = None,
) -> tuple[Run, Study]:
    """Search, choose, refit on all rows.

    Raises what a fit raises, DataError for a study file that cannot be used, and BudgetError if
    not one configuration could be judged on all folds.
    """
    base = ground(dataset, task, options)
    space = space_for(base, tuning.space, clock)
    strategies.make(tuning.strategy, Setting(space, options.seed, base.folds))
    store = Store(tuning.study)
    try:
        return _tuned(base, space, tuning, clock, store, apart)
    finally:
        store.close()


def _tuned(
    base: Ground, space: Space, tuning: Tuning, clock: Clock, store: Store, apart: Any
) -> tuple[Run, Study]:
    searches = 1 + _outer(base, tuning)
    emit("plan", models=list(space.models), folds=base.folds, split=base.problem.plan.how,
         rows=len(base.problem.y), budget=str(clock.budget), estimate_seconds=math.nan,
         dimensions=list(space.dims), strategy=tuning.strategy)
    where = place(base, space, clock, apart)
    search = _begin(base, space, tuning, clock, store, where, 0, 1.0 / searches)
    try:
        tried = _searched(search)
        answers = tried[0].found() if len(tried) == 1 else crossfitted(
            tried, base.problem.plan.folds, _block(base))
        outer: tuple[dict[str, Any], ...] = ()
        if searches > 1 and not search.interrupted:
            def inside(inner: Ground, part: int, share: float) -> tuple[list[Tried], int]:
                within = _begin(inner, space, tuning, clock, store,
                                place(inner, space, clock), part, share)
                try:
                    return _searched(within), len(within.trials())
                finally:
                    within.where.close()

            answers, outer = nested(base, outer_plan(base, searches - 1), clock, inside)
        return _finished(search, tried, answers, outer, tuning, clock)
    finally:
        search.where.close()


def _outer(base: Ground, tuning: Tuning) -> int:
    """How many outer folds were asked for."""
    return base.folds if tuning.nested is True else int(tuning.nested)


def _block(base: Ground) -> int:
    """Folds of one repetition."""
    folds, repeats = base.folds, base.options.repeats
    return folds if folds % repeats else folds // repeats


def _begin(
    base: Ground, space: Space, tuning: Tuning, clock: Clock, store: Store, where: Any, part: int,
    share: float,
) -> Searching:
    """A search of one part of the study, ready to run."""
    most = clock.budget.trials
    rows = len(base.problem.plan.folds[0][0])
    setting = Setting(space, base.options.seed, base.folds, most, rows)
    if store.begin(part, base.facts(space, tuning.strategy)):
        emit("study_resumed", part=part, trials=len(store.trials(part, space)),
             path=str(store.path))
    return Searching(base, setting, tuning.strategy, store, where, end_of(clock, share), most, part)


def _searched(search: Searching) -> list[Tried]:
    """The defaults of each model judged, then the search run: all that was judged on all folds.

    Where nothing was, for lack of time, the best of the defaults that were judged on some.
    """
    tried: list[Tried] = []
    part: list[Tried] = []
    space, folds = search.space, search.base.folds
    for label, model in space.models.items():
        found = _default(search, model)
        if found is None or not found.folds:
            continue
        loss, losses = search.base.losses(found, model)
        one = Tried(label, model, loss, losses, partial(_same, found))
        search.learn(loss, found.fit_seconds)
        (tried if found.folds == folds else part).append(one)
        if found.folds == folds and space.has_defaults(label):
            search.known[space.key(space.usual(label))] = found
    search.run()
    done = sorted((trial for trial in search.trials() if trial.whole
                   and len(trial.losses) == folds), key=lambda one: one.loss)
    tried += [_of_trial(search, trial) for trial in done]
    if not tried and not part:
        raise _nothing(search)
    return tried or [best(part)]


def _same(found: Validated) -> Validated:
    return found


def _default(search: Searching, model: Any) -> Validated | None:
    """A model at its defaults, judged on as many folds as the time allows; None where it fails."""
    from wholefit.training.apart import Stopped

    try:
        return search.validate(model)
    except Stopped as stop:
        emit("model_stopped", model=model.name, reason=stop.reason)
        return stop.found if stop.limit == "time" else None
    except (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError,
            ValueError) as error:
        emit("model_failed", model=model.name, reason=str(error))
        return None


def _of_trial(search: Searching, trial: Trial) -> Tried:
    """A trial of the store, its answers read, or made again, when they are asked for."""
    model = configured(search.space, trial.values)

    def found() -> Validated:
        kept = search.store.answers(search.part, trial.number)
        if kept is not None and kept[0].shape == Validated.empty(search.base.problem).answer.shape:
            return validated(search.base, trial, kept)
        return Here(search.base.problem).validate(model, math.inf, search.base.folds)

    name = f"#{trial.number}" if trial.number >= 0 else "final"
    label = f"{search.space.label(trial.values)} {name}"
    return Tried(label, model, trial.loss, trial.losses, found, trial.values, trial.number)


def _nothing(search: Searching) -> Exception:
    failed = [trial.reason for trial in search.trials() if trial.status == "failed"]
    if failed:
        return DataError(f"no configuration could be fitted; the first failed with: {failed[0]}")
    return BudgetError(
        f"no configuration could be judged on {search.base.folds} folds within "
        "the budget; give a larger budget, fewer folds or fewer rows.")


# The end of it


def _finished(
    search: Searching, tried: list[Tried], answers: Validated, outer: tuple[dict[str, Any], ...],
    tuning: Tuning, clock: Clock,
) -> tuple[Run, Study]:
    """The leaderboard, the refit, and the records of both the fit and the search."""
    base, problem = search.base, search.base.problem
    chosen = best(tried)
    name = f"{_label(search, chosen)} (tuned)"
    answers = dataclasses.replace(answers, rounds=list(chosen.found().rounds))
    by_label, found = {name: chosen.model}, {name: answers}
    for one in _listed(search, tried, chosen):
        by_label[one.label], found[one.label] = one.model, one.found()
    baseline = models.make(problem.task.baseline)
    if baseline.name not in by_label:
        by_label[baseline.name] = baseline
        found[baseline.name] = Here(problem).validate(baseline, math.inf, base.folds)
    keeper = Search(problem, clock, base.folds, search.where)
    keeper.found, keeper.schedule = found, [
        scheduled(label, by_label[label], each) for label, each in found.items()]
    keeper.entries = {label: entry_of(label, by_label[label], each, len(outer) or base.folds
                                      if label == name else base.folds)
                      for label, each in found.items()}
    judged = judge(found, by_label, problem, base.options, base.stood.codec, keeper.entries)
    order = [entry.model for entry in judged.entries]
    label, fitted, said = keeper.refit(
        name, order, by_label, problem.dataset.schema, base.stood.codec)
    study = _study(search, chosen, answers, found, outer, tuning, clock)
    run = finished(
        base.stood, clock, label, fitted, by_label, found, judged.instead(label), [],
        keeper.schedule, said, tuning={
            "strategy": study.strategy, "trials": len(study.trials), "chosen": study.chosen,
            "values": search.space.packed(chosen.values), "nested": study.nested})
    return dataclasses.replace(run, split=_split(search, len(outer))), study


def _label(search: Searching, one: Tried) -> str:
    """The label of the model that a configuration is of."""
    return search.space.label(one.values) if one.values else one.label


def _listed(search: Searching, tried: list[Tried], chosen: Tried) -> list[Tried]:
    """What the leaderboard has beside the tuned model: defaults, and the next best."""
    space = search.space
    usual = {space.key(space.usual(label)) for label in space.models if space.has_defaults(label)}
    defaults = [one for one in tried if one.number is None]
    rest = [one for one in tried if one.number is not None and one is not chosen
            and space.key(one.values) not in usual]
    return [*defaults, *rest[:_LISTED]]


def _split(search: Searching, outer: int) -> str:
    how = search.base.problem.plan.how
    if outer:
        return (f"{how}; the tuned model's score is nested: the whole search was repeated in "
                f"each of {outer} outer folds, without its rows")
    return (f"{how}; for the tuned model's score the configuration was chosen anew for each fold, "
            "by the other folds")


def _study(
    search: Searching, chosen: Tried, answers: Validated, found: dict[str, Validated],
    outer: tuple[dict[str, Any], ...], tuning: Tuning, clock: Clock,
) -> Study:
    base = search.base
    sign = -1.0 if base.metric.better == "higher" else 1.0
    label = _label(search, chosen)
    default = found.get(label)
    return Study(
        strategy=tuning.strategy, space=search.space, trials=tuple(search.trials()),
        metric=base.metric.name, better=base.metric.better, chosen=chosen.number,
        values=dict(chosen.values), score=sign * base.losses(answers, chosen.model)[0],
        score_of_best=sign * chosen.loss,
        default=None if default is None else sign * base.losses(
            default, search.space.models[label])[0],
        gain=None if default is None else _gain(search, chosen, answers, default, label),
        nested=len(outer), seconds=clock.spent(),
        path=None if tuning.study is None else str(tuning.study), outer=outer)


def _gain(
    search: Searching, chosen: Tried, answers: Validated, default: Validated, label: str
) -> Gain:
    """Tuned against defaults, paired, on the rows that both answered."""
    base, problem = search.base, search.base.problem
    rows = np.flatnonzero((answers.seen > 0) & (default.seen > 0))
    found = evaluation.compare(
        problem.task.name, base.metric, problem.y[rows], answers.answer[rows],
        default.answer[rows], positive=base.positive, seed=problem.seed,
        weights=None if problem.weights is None else problem.weights[rows],
        units=None if problem.plan.units is None else problem.plan.units[rows],
        predicted=(imbalance.predicted(problem, answers.answer, rows, chosen.model),
                   imbalance.predicted(problem, default.answer, rows,
                                       search.space.models[label])))
    return Gain(found.value, found.low, found.high,
                {"a": "tuned", "b": "defaults"}.get(found.better, "tied"))
