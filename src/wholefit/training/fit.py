"""Fit: baseline and candidates cross-validated, compared, the choice refitted on all rows."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit import evaluation, models
from wholefit.base.budget import Budget, Clock
from wholefit.base.errors import BudgetError, DataError, ParameterError, WholefitError
from wholefit.base.events import emit
from wholefit.base.tasks import Codec, Task
from wholefit.data import splits
from wholefit.data.dataset import Dataset
from wholefit.features.encoding import Encoding
from wholefit.models import Model
from wholefit.training import _cost, portfolio
from wholefit.training._folds import Problem, Validated, fit_one, telling_weights, validate
from wholefit.training._judge import judge
from wholefit.training._lineage import lineage
from wholefit.training._warnings import target_warnings
from wholefit.training.fitted import Fitted
from wholefit.training.record import Entry, Run

DEFAULT_BUDGET = Budget(seconds=300.0)
# The refit sees all rows, a fold only (k-1)/k of them; and a clock is never quite even.
_REFIT_FACTOR = 1.35


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
    choose: str = "recommended"
    features: dict[str, Any] = field(default_factory=dict)
    transformers: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise ParameterError(f"folds must be >= 2; got {self.folds}.")
        if self.repeats < 1:
            raise ParameterError(f"repeats must be >= 1; got {self.repeats}.")
        if self.jobs < 1:
            raise ParameterError(f"jobs must be >= 1; got {self.jobs}.")
        if self.choose not in ("recommended", "best"):
            raise ParameterError(
                f"choose must be one of 'recommended', 'best'; got {self.choose!r}."
            )
        Encoding().replace(**self.features)  # a wrong one is refused before anything is read


def fit(dataset: Dataset, task: Task, options: Options, clock: Clock) -> Run:
    """Cross-validate the candidates, compare them, refit the choice on all rows.

    Raises DataError if the target cannot be learnt, BudgetError if not even the baseline
    could be finished; if every model failed, the first one's own error where wholefit raised it,
    else a DataError that names it.
    """
    codec, y = _target(dataset, task, options)
    plan = _plan(dataset, task, y, options)
    n_classes = len(getattr(codec, "classes", ()))
    _try_metric(task, codec, y, options.metric)
    problem = Problem(
        dataset, task, y, n_classes, plan, telling_weights(dataset), options.jobs, options.seed,
        dict(options.features), tuple(options.transformers),
    )
    candidates, entries = _candidates(problem, options)
    warnings = target_warnings(dataset, task, codec, y, plan)
    search = _Search(problem, clock, len(plan.folds))
    search.announce(candidates)
    search.run(candidates)
    by_label = candidates_by_label(candidates)
    judged = judge(search.found, by_label, problem, options, codec, search.entries)
    chosen = by_label[judged.chosen]
    fitted = _refit(problem, chosen, dataset, codec)
    board = (*judged.entries, *entries)
    return Run(
        task=task, codec=codec, fitted=fitted, model=chosen, metric=judged.metric,
        leaderboard=board, split=plan.how, truth=y,
        oof={label: found.known() for label, found in search.found.items()},
        warnings=(*warnings, *judged.warnings),
        lineage=lineage(dataset, options, clock, problem, chosen, search.schedule),
    )


def labels(candidates: Sequence[Model]) -> list[str]:
    """A distinct leaderboard name for each candidate: its own, numbered where they repeat."""
    seen: dict[str, int] = {}
    found = []
    for model in candidates:
        seen[model.name] = seen.get(model.name, 0) + 1
        times = seen[model.name]
        found.append(model.name if times == 1 else f"{model.name}_{times}")
    return found


def candidates_by_label(candidates: Sequence[Model]) -> dict[str, Model]:
    """Leaderboard name to model."""
    return dict(zip(labels(candidates), candidates, strict=True))


class _Search:
    """Runs candidates one after the other within the clock, and keeps what each gave."""

    def __init__(self, problem: Problem, clock: Clock, folds: int) -> None:
        self.problem, self.clock, self.folds = problem, clock, folds
        self.found: dict[str, Validated] = {}
        self.entries: dict[str, Entry] = {}
        self.schedule: list[dict[str, Any]] = []
        self._errors: dict[str, Exception] = {}

    def announce(self, candidates: Sequence[Model]) -> None:
        """Say what will be tried, and about how long it may take."""
        cells = len(self.problem.y) * len(self.problem.dataset.schema.features) / 1e6
        estimate = sum(model.pace for model in candidates) * cells * (self.folds + 1)
        emit("plan", models=labels(candidates), folds=self.folds, split=self.problem.plan.how,
             rows=len(self.problem.y), budget=str(self.clock.budget),
             estimate_seconds=estimate + 0.5)

    def run(self, candidates: Sequence[Model]) -> None:
        """Try each; an interrupt ends the search and keeps what is done."""
        for label, model in candidates_by_label(candidates).items():
            try:
                self._try(label, model)
            except KeyboardInterrupt:
                self._close(label, model, "stopped", "interrupted")
                if not self.found:
                    raise
                emit("interrupted", model=label, kept=list(self.found))
                return
        if not self.found:
            if self._errors:
                raise _every_failed(self._errors)
            raise BudgetError(
                f"no model could be fitted within {self.clock.budget}; give a larger budget, "
                "fewer rows, or a cheaper model (models='dummy' costs next to nothing)."
            )

    def _try(self, label: str, model: Model) -> None:
        emit("model_start", model=label, left=self.clock.left())
        try:
            folds, reason = self._affordable(model)
            if folds == 0:
                self._close(label, model, "skipped", reason)
                return
            deadline = time.perf_counter() + self.clock.left()
            found = validate(self.problem, model, deadline, folds)
        except (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError,
                ImportError) as error:
            self._errors[label] = error
            reason = f"{type(error).__name__}: {error}"
            self._close(label, model, "failed", reason, traceback.format_exc())
            return
        self._keep(label, model, found)

    def _affordable(self, model: Model) -> tuple[int, str]:
        """How many folds fit in what is left, beside a refit; 0 with the reason if none."""
        left = self.clock.left()
        if math.isinf(left):
            return self.folds, ""
        if left <= 0:
            return (self.folds if not self.found else 0), "the budget was spent before its turn"
        train = self.problem.plan.folds[0][0]
        columns = len(self.problem.dataset.schema.features)
        if not _cost.worth_a_pilot(len(train), columns, model.growth):
            return self.folds, ""
        guess = model.pace * len(train) * columns / 1e6
        if guess * (self.folds + _REFIT_FACTOR) * 10 < left and model.growth == "linear":
            return self.folds, ""
        return self._by_pilot(model, train)

    def _by_pilot(self, model: Model, train: np.ndarray) -> tuple[int, str]:
        order = np.random.default_rng(0).permutation(train)

        def fit_rows(rows: int) -> None:
            fit_one(self.problem, model, np.sort(order[:rows]), ("pilot", rows))

        pace = _cost.pilot(fit_rows, len(train), model.growth)
        left = self.clock.left()
        folds = min(self.folds, int(left / pace - _REFIT_FACTOR))
        if folds >= 1:
            return folds, ""
        return 0, f"one fold would take about {pace:.0f} s of the {max(left, 0):.0f} s left"

    def _keep(self, label: str, model: Model, found: Validated) -> None:
        self.found[label] = found
        rows = max(len(self.problem.y) * found.folds / self.folds, 1)
        partial = found.folds < self.folds
        self.entries[label] = Entry(
            model=label, params=_jsonable(model.to_dict()),
            status="stopped" if partial else "ok",
            reason=f"{found.folds} of {self.folds} folds fitted the budget" if partial else "",
            fit_seconds=float(np.mean(found.fit_seconds)),
            predict_seconds=float(np.sum(found.predict_seconds) / rows * 1000),
            folds=found.folds,
        )
        self.schedule.append({"model": label, "folds": found.folds})
        emit("model_done", model=label, folds=found.folds,
             seconds=float(np.sum(found.fit_seconds) + np.sum(found.predict_seconds)))

    def _close(
        self, label: str, model: Model, status: str, reason: str, trace: str = ""
    ) -> None:
        self.entries[label] = Entry(
            model=label, params=_jsonable(model.to_dict()), status=status, reason=reason,
            traceback=trace,
        )
        self.schedule.append({"model": label, "folds": 0, "status": status})
        emit("model_" + status, model=label, reason=reason)


def _every_failed(errors: dict[str, Exception]) -> Exception:
    label, error = next(iter(errors.items()))
    if isinstance(error, WholefitError):
        return error
    failed = DataError(f"every model failed; {label}: {type(error).__name__}: {error}")
    failed.__cause__ = error
    return failed


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


def _plan(dataset: Dataset, task: Task, y: np.ndarray, options: Options) -> splits.Plan:
    if dataset.time_order() is not None:
        return splits.time_ordered(dataset, folds=options.folds)
    return splits.kfold(
        dataset, y, folds=options.folds, repeats=options.repeats, seed=options.seed,
        stratify=task.stratified,
    )


def _candidates(problem: Problem, options: Options) -> tuple[list[Model], list[Entry]]:
    """The models to try, baseline first, and entries for what the default set leaves out."""
    columns = len(problem.dataset.schema.features)
    baseline = models.make(problem.task.baseline)
    if options.models is None:
        found = portfolio.default(problem.task, len(problem.y), columns)
        left_out = [Entry(model=name, params={}, status="skipped", reason=why)
                    for name, why in found.left_out.items()]
        return list(found.models), left_out
    named = [models.make(model) for model in options.models]
    for model in named:
        if problem.task.name not in model.tasks:
            fitting = ", ".join(models.names(problem.task.name))
            raise ParameterError(
                f"{model.name} does {' and '.join(model.tasks)}, not {problem.task.name}; "
                f"models for it: {fitting}."
            )
    has_baseline = any(model.name == baseline.name for model in named)
    return ([] if has_baseline else [baseline]) + named, []


def _refit(problem: Problem, model: Model, dataset: Dataset, codec: Codec) -> Fitted:
    emit("refit_start", model=model.name)
    start = time.perf_counter()
    made = fit_one(problem, model, None, "all")
    emit("refit_done", model=model.name, seconds=time.perf_counter() - start)
    return Fitted(
        problem.task, dataset.schema, codec, made.encoder,
        model=model, estimator=made.estimator, context=made.context,
    )


def _jsonable(values: dict[str, Any]) -> dict[str, Any]:
    plain = (str, int, float, bool, type(None))
    return {name: value if isinstance(value, plain) else str(value)
            for name, value in values.items()}
