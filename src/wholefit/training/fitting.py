"""Fit: baseline and candidates cross-validated, compared, the choice refitted on all rows."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from wholefit import evaluation, models
from wholefit.base.budget import Budget, Clock
from wholefit.base.errors import BudgetError, DataError, ParameterError, unknown
from wholefit.base.events import emit
from wholefit.base.tasks import Codec, Task
from wholefit.data import splits
from wholefit.data.dataset import Dataset
from wholefit.features import engineer
from wholefit.features.encoding import Encoding
from wholefit.models import Model
from wholefit.training import _cleaning, automl, history, imbalance, leaks, portfolio
from wholefit.training._bounds import Bounds, answering
from wholefit.training._folds import Problem
from wholefit.training._ground import Ground, finished
from wholefit.training._heard import Heard
from wholefit.training._judge import Judged, judge
from wholefit.training._search import Search, candidates_by_label, estimate, is_stranger
from wholefit.training._warnings import target_warnings
from wholefit.training.apart import Apart, Limit, Unsendable, sendable
from wholefit.training.fitted import Fitted
from wholefit.training.history import Past
from wholefit.training.record import Entry, Run
from wholefit.training.replaying.script import Script, counted
from wholefit.training.trials import Here, Trials

DEFAULT_BUDGET = Budget(seconds=300.0)
# Models run in a process that can be stopped when they may take more than this share of the time
# that is left: below it the start of that process (a second and a half) is not worth its while.
_HEAVY = 0.1
_UNSEEN = ("faults of the data and leaks of the answer were not looked for: on {rows:,} rows that "
           "would take much of so short a budget; a longer one looks.")


@dataclass(frozen=True)
class Options:
    """How to fit; every word means the same on all faces."""

    models: Sequence[Any] | None = None
    metric: Any = None
    folds: int = 5
    repeats: int = 1
    jobs: int = 1
    seed: int = 0
    positive: Any = None
    choose: str | None = None
    features: dict[str, Any] = field(default_factory=dict)
    transformers: tuple[Any, ...] = ()
    balance: Any = None
    costs: Any = None
    threshold: Any = None
    clean: Any = None
    checks: bool = True
    preset: str = "fast"
    predict_time: float | None = None
    model_size: int | None = None
    script: Script | None = None
    history: Sequence[Past] = ()
    heard: Heard | None = None

    def __post_init__(self) -> None:
        if self.preset not in portfolio.PRESETS:
            raise unknown("preset", self.preset, portfolio.PRESETS)
        if self.preset == "interpretable" and self.models is not None and self.script is None:
            portfolio.check_readable(self.models)
        if self.folds < 2:
            raise ParameterError(f"folds must be >= 2; got {self.folds}.")
        if self.repeats < 1:
            raise ParameterError(f"repeats must be >= 1; got {self.repeats}.")
        if self.jobs < 1:
            raise ParameterError(f"jobs must be >= 1; got {self.jobs}.")
        if self.choose not in (None, "recommended", "best"):
            raise ParameterError(
                f"choose must be one of 'recommended', 'best'; got {self.choose!r}."
            )
        for word in ("predict_time", "model_size"):
            if (limit := getattr(self, word)) is not None and not limit > 0:
                raise ParameterError(f"{word} must be > 0; got {limit!r}.")
        imbalance.check_words(self.balance, self.costs, self.threshold)
        Encoding().replace(**self.features)  # a wrong one is refused before anything is read


def fit(
    dataset: Dataset, task: Task, options: Options, clock: Clock, apart: Apart | None = None
) -> Run:
    """Cross-validate the candidates, compare them, refit the choice on all rows.

    `apart` is a process begun before the data was read, where models are to be fitted; without,
    one is begun when the estimate says that the budget of time may bind. Raises DataError if the
    target cannot be learnt, BudgetError if not even the baseline could be finished; if every
    model failed, the first one's own error where wholefit raised it, else a DataError that names
    it.
    """
    crew = automl.begun(options, clock, apart)
    try:
        ground = prepared(
            dataset, task, options, math.inf if options.script is not None else clock.left())
        candidates, entries = _candidates(ground.problem, ground.options)
        if crew is not None and automl.fits(ground, candidates, clock):
            with contextlib.suppress(Unsendable):
                return automl.fit(ground, candidates, entries, clock, crew)
    finally:
        if crew is not None:
            crew.close()
    return _searched(ground, candidates, entries, clock, None if crew is not None else apart)


def prepared(
    dataset: Dataset, task: Task, options: Options, seconds: float = math.inf
) -> Ground:
    """Everything about a fit that is settled before the first model is.

    Where looking for faults of the data would take much of the `seconds`, that is left out, and
    said.
    """
    engineer.check(options.transformers, dataset.schema)
    _cleaning.check(options.clean, dataset)
    codec, y = _target(dataset, task, options)
    plan = plan_of(dataset, task, y, options)
    n_classes = len(getattr(codec, "classes", ()))
    weights = dataset.telling_weights()
    treated = imbalance.asked_for(
        task, codec, y, weights, way=options.balance, costs=options.costs,
        threshold=options.threshold, seed=options.seed)
    options = replace(options, metric=imbalance.main_metric(treated, options.metric))
    _try_metric(task, codec, y, options.metric)
    problem = Problem(
        dataset, task, y, n_classes, plan, weights, options.jobs, options.seed,
        dict(options.features), tuple(options.transformers), treated, clean=options.clean,
        counted={} if options.script is None else options.script.by_configuration(),
        forward=dataset.time_order() is not None and (
            options.script is None or bool(options.script.decided.get("forward"))),
        heard=options.heard if options.script is None else None,
    )
    warnings = target_warnings(dataset, task, codec, y, plan, treated is not None)
    looked = options.checks and leaks.affordable(dataset, seconds)
    findings = leaks.check(dataset, codec, y, plan) if looked else ()
    unseen = (_UNSEEN.format(rows=len(dataset)),) if options.checks and not looked else ()
    return Ground(problem, codec, options, (*warnings, *unseen), tuple(findings))


def _searched(
    ground: Ground, candidates: list[Model], entries: list[Entry], clock: Clock,
    apart: Apart | None,
) -> Run:
    """Candidates one after the other, here or in another process; the choice refitted."""
    problem, share, few = automl.judged_few(
        ground.problem, clock.left(), ground.options.script)
    ground = replace(ground, problem=problem)
    codec, options = ground.codec, ground.options
    plan = problem.plan
    candidates, cut = counted(candidates, clock.budget, problem.task.baseline)
    by_label = candidates_by_label(candidates)
    search = Search(problem, clock, len(plan.folds), place(problem, candidates, clock, apart),
                    options.script)
    try:
        search.announce(candidates)
        search.run(candidates)
        judged = judge(search.found, by_label, problem, options, codec, search.entries)
        label, fitted, said = _answering(search, judged, by_label, ground)
    finally:
        search.trials.close()
    run = finished(ground, clock, label, fitted, by_label, search.found, judged.instead(label),
                   [*entries, *cut], search.schedule, (*few, *said))
    if decided := {**({"judged": share} if few else {}), **ground.decided()}:
        run.lineage["decided"] = decided
    return run


def _answering(
    search: Search, judged: Judged, by_label: dict[str, Model], ground: Ground,
) -> tuple[str, Fitted, tuple[str, ...]]:
    """The choice fitted on all rows; where limits are set, the best that keeps them."""
    able = [entry for entry in judged.entries if entry.model in search.found]
    order, schema = [entry.model for entry in able], ground.problem.dataset.schema
    bounds = Bounds.of(ground.options)
    if bounds is None or search.script is not None:
        return search.refit(search.wanted(judged.chosen), order, by_label, schema, ground.codec)
    return answering(
        bounds, judged.chosen, able,
        lambda label, others: search.refit(label, others, by_label, schema, ground.codec),
        search.takes, time.perf_counter() + search.clock.left())


def place(
    problem: Problem, candidates: Sequence[Model], clock: Clock, apart: Apart | None
) -> Trials:
    """Where to fit: here, or in a process that can be stopped where the budget may bind."""
    if apart is None:
        guess = estimate(problem, candidates, len(problem.plan.folds))
        strangers = [model for model in candidates if is_stranger(model)]
        doubtful = clock.budget != DEFAULT_BUDGET and strangers
        if not all(sendable(getattr(model, "estimator", model)) for model in strangers):
            if doubtful:
                emit("warning", message="a model defined in a script or notebook cannot be sent to "
                     "another process, so nothing can stop it before it ends: define it in a "
                     "module that can be imported to have the budget kept.")
            return Here(problem)
        left = clock.left()  # where nothing is left, the baseline alone is fitted
        if not doubtful and (left <= 0 or guess < _HEAVY * left):
            return Here(problem)
        try:
            apart = Apart(Limit(clock.budget.bytes), time.perf_counter() + left)
        except OSError:  # no place for its files, no process to be had
            return Here(problem)
    try:
        apart.load(problem)
    except Unsendable as error:
        apart.close()
        if clock.budget.bytes is not None:
            raise ParameterError(f"memory= fits models in another process: {error}.") from error
        return Here(problem)
    used = apart.limit.own()
    if apart.limit.broken(used):
        apart.close()
        raise BudgetError(
            f"the data alone hold {used / 1e6:,.0f} MB, more than memory= allows; give more, "
            "fewer rows or columns, or smaller types.")
    return apart


def _target(dataset: Dataset, task: Task, options: Options) -> tuple[Codec, np.ndarray]:
    name = dataset.schema.target
    if name is None:
        raise DataError(f"{task.name} needs a target column; say target='...'.")
    codec = task.codec(name, dataset.target_values(), options.positive)
    return codec, dataset.target(codec)


def _try_metric(task: Task, codec: Codec, y: np.ndarray, wanted: Any) -> None:
    """Refuse a metric that is misspelt, or raises, before the search and not after it."""
    classes = getattr(codec, "classes", None)
    metric = evaluation.metrics.main(task.name, wanted, classes)
    if metric.name in task.metrics:
        return
    answer = np.full(len(y), y.mean()) if classes is None else np.full(
        (len(y), len(classes)), 1 / len(classes))
    evaluation.score(task.name, y, answer, metrics=[metric], level=None,
                     positive=getattr(codec, "positive", 1))


def plan_of(dataset: Dataset, task: Task, y: np.ndarray, options: Options) -> splits.Plan:
    """The folds that a fit with these options is judged by."""
    if dataset.time_order() is not None:
        return splits.time_ordered(dataset, folds=options.folds)
    return splits.kfold(
        dataset, y, folds=options.folds, repeats=options.repeats, seed=options.seed,
        stratify=task.stratified,
    )


def _candidates(problem: Problem, options: Options) -> tuple[list[Model], list[Entry]]:
    """The models to try, baseline first, and entries for what the default set leaves out."""
    if options.script is not None:
        return options.script.candidates(), []
    columns = len(problem.dataset.schema.features)
    baseline = models.make(problem.task.baseline)
    if options.models is None:
        found = portfolio.planned(
            problem.task, len(problem.y), columns, portfolio.seen(problem.dataset.schema),
            preset=options.preset, classes=problem.n_classes)
        tried = found.models if not options.history else history.warmed(
            found.models, history.of(problem.dataset, problem.y, problem.n_classes),
            options.history, problem.task, more=options.preset in automl.PRESETS)
        left_out = [Entry(model=name, params={}, status="skipped", reason=why)
                    for name, why in found.left_out.items()]
        return list(tried), left_out
    named = [models.make(model) for model in options.models]
    for model in named:
        if problem.task.name not in model.tasks:
            fitting = ", ".join(models.names(problem.task.name))
            raise ParameterError(
                f"{model.name} does {' and '.join(model.tasks)}, not {problem.task.name}; "
                f"models for it: {fitting}."
            )
    if problem.imbalance is not None:
        problem.imbalance.check(named)
    has_baseline = any(model.name == baseline.name for model in named)
    return ([] if has_baseline else [baseline]) + named, []
