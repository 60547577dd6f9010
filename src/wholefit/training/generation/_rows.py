"""Rows like those that were learnt from, and how far they can be trusted.

A fifth of the rows is set apart (at most `judged` of them), whole groups where groups are known.
Every model learns on the others, makes as many rows as were set apart, and is judged by whether
they can be told from those. The one that answers then learns on all rows.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wholefit.base.errors import DataError, ParameterError, WholefitError, unknown
from wholefit.base.events import emit
from wholefit.base.seeds import derive
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.data import Dataset
from wholefit.models import Context, Model, make, scorer
from wholefit.training.found import Common, Found, lineage
from wholefit.training.generation import _told as tell
from wholefit.training.generation._columns import Columns, learn
from wholefit.training.generation._judge import Plan, Space, judge
from wholefit.training.generation._trials import (
    Options,
    Trial,
    labelled,
    metric_of,
    part,
    parted,
    ranked,
)
from wholefit.training.record import Entry

METRICS = ("told_apart", "coverage", "precision", "recall", "marginal_distance",
           "nearer_training", "usefulness", "frechet")
_DEFAULT = ("sequential_trees", "gaussian_copula", "independent_columns")
_PICTURES = ("vae", "independent_columns")


def fit(dataset: Dataset, task: Task, options: Options, common: Common) -> Found:
    """Judge the models, let the best learn on all rows.

    Raises DataError where there is nothing to learn, ParameterError for words that do not fit.
    """
    if common.features:
        raise ParameterError("generation makes columns, not features; got features="
                             f"{common.features!r}: leave it out.")
    metric = metric_of(common, "told_apart", METRICS)
    plan = _plan(dataset, options, common)
    trials: list[Trial] = []
    models = _models(common, plan.columns)
    for model, name in zip(models, labelled(models), strict=True):
        emit("model_started", model=name)
        trials.append(_trial(model, name, task, plan, options, common, trials))
    trials = ranked(trials, metric)
    chosen = next(trial for trial in trials if trial.entry.recommended)
    final, columns = _final(chosen, dataset, task, plan, options, common)
    return _found(dataset, task, options, common, metric, plan, trials, chosen, final, columns)


def shape_of(said: str | None) -> tuple[int, int, int] | None:
    """(channels, height, width) of "28x28" or "3x32x32"; ParameterError for other words."""
    if said is None:
        return None
    parts = said.lower().replace(",", "x").split("x")
    if len(parts) not in (2, 3) or not all(part.strip().isdigit() for part in parts):
        raise ParameterError("shape must be a height and a width, such as '28x28', or channels, "
                             f"height and width, such as '3x32x32'; got {said!r}.")
    sizes = [int(part) for part in parts]
    channels, high, wide = sizes if len(sizes) == 3 else [1, *sizes]
    if channels not in (1, 3) or not 2 <= high <= 512 or not 2 <= wide <= 512:
        raise ParameterError("shape must have 1 or 3 channels, and sides from 2 to 512; got "
                             f"{said!r}.")
    return channels, high, wide


def _plan(dataset: Dataset, options: Options, common: Common) -> Plan:
    if len(dataset) < 3:
        raise DataError(f"generation learns from at least 3 rows; got {len(dataset)}: add rows.")
    rows, held = parted(dataset, options, common.seed)
    shape = shape_of(options.shape)
    columns = learn(dataset.take(rows) if len(held) else dataset, shape)
    X = columns.matrix(dataset)
    return Plan(columns, X, rows, held, Space(X[rows], columns), _target(columns, options))


def _whole(dataset: Dataset, plan: Plan, options: Options) -> Plan:
    """The plan of the last fit: columns as all rows show them, those set apart too."""
    columns = learn(dataset, shape_of(options.shape))
    if columns == plan.columns:
        return plan
    return replace(plan, columns=columns, X=columns.matrix(dataset))


def _target(columns: Columns, options: Options) -> int | None:
    names = [made.name for made in columns.order]
    if options.useful_for is None:
        return 0 if columns.label is not None and columns.pixels is None else None
    if options.useful_for not in names or columns.pixels is not None:
        raise unknown("column that rows are made of", options.useful_for, names)
    return names.index(options.useful_for)


def _models(common: Common, columns: Columns) -> list[Model]:
    """Those asked for, or a few that suit; ParameterError for one that cannot make these rows."""
    wanted = "table" if columns.pixels is None else "image"
    if common.models is None:
        return [make(name) for name in (_DEFAULT if wanted == "table" else _PICTURES)]
    for model in common.models:
        makes = getattr(model, "makes", (wanted,))
        if wanted not in makes:
            raise ParameterError(f"{model.name} makes {' and '.join(makes)}s, not {wanted}s: "
                                 "choose another of models=.")
    return list(common.models)


def _trial(
    model: Model, name: str, task: Task, plan: Plan, options: Options, common: Common,
    before: Sequence[Trial],
) -> Trial:
    """Learn and judge one model; a failure or a spent budget is a row of the board."""
    entry = Entry(name, model.to_dict())
    if any(trial.state is not None for trial in before) and common.clock.left() <= 0:
        return Trial(model, replace(entry, status="skipped", reason="the budget was spent"))
    start = time.perf_counter()
    try:
        estimator, state = _learnt(model, plan, plan.learn, task, common, share=0.5)
        spent = time.perf_counter() - start
        if not len(plan.held):
            return Trial(model, replace(entry, fit_seconds=spent), None, state, estimator)
        start = time.perf_counter()
        answering: Any = scorer(state)
        made = _as_given(plan, answering.sample(len(plan.held), derive(common.seed, "judged")))
        pace = 1000 * (time.perf_counter() - start) / len(made)
        judged = judge(plan.columns, plan.space, plan.X[plan.learn], plan.X[plan.held], made,
                       target=plan.target, near=options.near, seed=derive(common.seed, "judge"))
    except WholefitError as error:
        if len(common.models or ()) == 1:
            raise
        return Trial(model, replace(entry, status="failed", reason=str(error)))
    return Trial(model, replace(entry, scores=judged.scores, fit_seconds=spent,
                                predict_seconds=pace, folds=1), judged, state, estimator, made)


def _as_given(plan: Plan, made: np.ndarray) -> np.ndarray:
    """Made rows as they are given out: rounded, within range, in the types of their columns."""
    from wholefit.data import dataset_of

    if plan.columns.pixels is not None:
        return np.round(made)
    frame = plan.columns.frame(made)
    roles = {each.name: {"number": "numeric", "date": "datetime"}.get(each.kind, "categorical")
             for each in plan.columns.order}
    roles |= {each.name: "ignored" for each in plan.columns.made if each.name not in roles}
    return plan.columns.matrix(dataset_of(frame, roles=roles))


def _learnt(
    model: Model, plan: Plan, rows: np.ndarray, task: Task, common: Common, share: float
) -> tuple[Any, State]:
    X = plan.X[rows]
    context = Context(rows=X.shape[0], features=X.shape[1], jobs=common.jobs,
                      seed=derive(common.seed, "generation", model.name),
                      spans=plan.columns.spans)
    estimator = model.build(task, context)
    if hasattr(estimator, "clock"):
        estimator.clock = part(common, share)
    try:
        estimator = estimator.fit(X)
    except WholefitError:
        raise
    except Exception as error:  # a library's own, on rows that it cannot take
        raise DataError(f"{model.name} cannot learn these rows ({type(error).__name__}: "
                        f"{str(error)[:200]}): choose another of models=.") from error
    return estimator, model.state(estimator, task, context)


def _final(
    chosen: Trial, dataset: Dataset, task: Task, plan: Plan, options: Options, common: Common
) -> tuple[Trial, Columns]:
    """The model learnt on all rows, and its columns; what was judged, where the budget leaves no
    time for that.
    """
    rows = np.arange(len(plan.X))
    ratio = len(rows) / max(1, len(plan.learn))
    if not len(plan.held) or common.clock.left() < 1.3 * ratio * chosen.entry.fit_seconds:
        return chosen, plan.columns
    whole = _whole(dataset, plan, options)
    estimator, state = _learnt(chosen.model, whole, rows, task, common, share=0.9)
    return replace(chosen, estimator=estimator, state=state), whole.columns


def _found(
    dataset: Dataset, task: Task, options: Options, common: Common, metric: str, plan: Plan,
    trials: list[Trial], chosen: Trial, final: Trial, columns: Columns,
) -> Found:
    assert final.state is not None
    told = tell.told(plan, chosen, final, options, common)
    told["left_out"] = list(columns.left_out)
    last = replace(plan, columns=columns)
    return Found(
        task=task, schema=dataset.schema,
        model={"name": final.model.name, "params": final.model.to_dict()}, metric=metric,
        leaderboard=tuple(trial.entry for trial in trials),
        states={"columns": columns.state(), "model": final.state}, told=told,
        said=tell.said(dataset, last, final.model), split=_split(plan),
        warnings=tell.warnings(last, chosen, final, told),
        lineage=lineage(dataset, final.model, options.to_dict(), common))


def _split(plan: Plan) -> str:
    if not len(plan.held):
        return "too few rows to set some apart: nothing could be judged"
    return (f"each model learnt on {len(plan.learn):,} rows and made {len(plan.held):,}, judged "
            f"against {len(plan.held):,} others; distances in {plan.space.name}")
