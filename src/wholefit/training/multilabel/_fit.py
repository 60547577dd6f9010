"""Multilabel: from rows and the labels that each holds to a probability for every label.

Every model of classification is tried, fitted once for each label; networks learn all labels at
once. Their answers are then tried mixed (`_blend`), and the best of all with what labels tell of
each other put right (`_stack`). All are judged by answers to rows that they had not seen, in the
same folds, and the one that answers is fitted on all rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wholefit import evaluation, models
from wholefit.base import tasks
from wholefit.base.errors import ParameterError
from wholefit.base.events import emit
from wholefit.base.optional import available
from wholefit.base.params import Params, param
from wholefit.base.tasks import Task
from wholefit.data import Dataset, splits
from wholefit.evaluation import Difference, Score
from wholefit.models import Model
from wholefit.training import _judge, portfolio
from wholefit.training._search import candidates_by_label
from wholefit.training.found import Common, Found, lineage
from wholefit.training.multilabel import _told as tell
from wholefit.training.multilabel._labels import Known, known
from wholefit.training.multilabel._leaks import leaks
from wholefit.training.multilabel._learn import (
    Measured,
    Trial,
    learnt,
    measure_all,
    mixed,
    stacked,
    together,
    told_apart,
    trial_of,
)
from wholefit.training.multilabel._thresholds import Thresholds, checked_rule, settled
from wholefit.training.record import Entry

# Rows from which on a network of all labels is tried beside the others, unasked, and up to which.
_NETWORK_FROM, _NETWORK_TO = 500, 50_000


@dataclass(frozen=True)
class Options(Params):
    """The words of `wf.fit(..., task="multilabel")`."""

    separator: str | None = param(
        None, "What parts the labels in a cell of one column of sets; None: the one of ; | , that "
        "most cells have.", none=True)
    least: int = param(10, "Labels that fewer rows hold, or fewer do not hold, are left out.",
                       low=2)
    most: int = param(200, "Most labels that are learnt: the most frequent.", low=2, high=5000)
    threshold: str | float = param(
        0.5, "The probability from which on a row is given a label: a number, or 'f1' to have one "
        "chosen for each label on unseen rows.")
    folds: int = param(5, "Folds of the cross-validation.", low=2, high=100)
    blend: bool = param(True, "Try the models' answers mixed.")
    stack: bool = param(True, "Try the best of them once more with what labels tell of each other.")
    checks: bool = param(True, "Look for columns that give a label away.")


def fit(dataset: Dataset, task: Task, options: Options, common: Common) -> Found:
    """Try models on unseen rows, choose, and fit the chosen on all rows.

    Raises DataError for labels that cannot be learnt, ParameterError for words that do not fit,
    BudgetError if no model was finished.
    """
    rule = checked_rule(options.threshold)
    metric = _metric(task, common.metric)
    found = known(dataset, options.separator, options.least, options.most)
    plan = _plan(dataset, found, options, common.seed)
    able = told_apart(found.truth, plan)
    if not able.all():
        found = found.without(able, "cannot be told from the others in every fold, for all rows "
                              "that hold, or do not hold, one fall on one side")
    trial = trial_of(dataset, found.labels, found.truth, plan, common)
    leaked = leaks(trial) if options.checks else ()
    candidates = candidates_by_label(_candidates(trial, common))
    measured = measure_all(trial, candidates)
    _more(trial, measured, options)
    rules = {name: settled(rule, each.answer, found.truth, plan, trial.weights)
             for name, each in measured.items() if each.status == "ok"}
    entries, chosen, warnings = _board(trial, measured, rules, metric, task)
    emit("refit_start", model=chosen)
    parts = learnt(trial, measured[chosen], None, "all")
    emit("refit_done", model=chosen, seconds=common.clock.spent())
    told = tell.told(trial, found, measured[chosen], rules[chosen], parts)
    kept = {name: value for name, value in options.to_dict().items() if value is not None}
    model = measured[chosen].model
    return Found(
        task=task, schema=dataset.schema, metric=metric.name, leaderboard=entries,
        model={"name": chosen, "params": model.to_dict()}, states=parts.states(), told=told,
        said=f"multilabel: {found.said}", split=_how(plan, rules[chosen]),
        lineage=lineage(dataset, model, kept, common), warnings=(*warnings, *leaked),
        notes=(*dataset.notes, *found.notes))


def _metric(task: Task, wanted: object) -> Any:
    if wanted is not None and not isinstance(wanted, str):
        raise ParameterError("multilabel compares models by one of its own metrics: "
                             f"{', '.join(evaluation.metrics.names(task.name))}; got a function.")
    return evaluation.metrics.main(task.name, wanted)


def _plan(dataset: Dataset, found: Known, options: Options, seed: int) -> splits.Plan:
    """Folds in which every label has its share: rows are dealt by the rarest label they hold."""
    if dataset.time_order() is not None:
        return splits.time_ordered(dataset, folds=options.folds)
    held = found.truth == 1
    order = np.argsort(held.sum(axis=0), kind="stable")
    rarest = np.where(held.any(axis=1), held[:, order].argmax(axis=1), held.shape[1])
    plan = splits.kfold(dataset, rarest.astype(np.int32), folds=options.folds, seed=seed,
                        stratify=True)
    return replace(plan, how=plan.how.replace(
        "classes in proportion", "rows dealt by the rarest label that they hold"))


def _candidates(trial: Trial, common: Common) -> list[Model]:
    """The models asked for, or those that suit the table; the baseline first."""
    task, rows = tasks.get("classification"), len(trial.dataset)
    if common.models is None:
        schema = trial.dataset.schema
        seen = portfolio.seen(schema)
        made = list(portfolio.default(task, rows, len(schema.features), seen).models)
        # One network of all labels costs less than a model for each, and reads pictures and texts.
        made.sort(key=lambda model: (model.name != task.baseline, not together(model)))
        if not seen and _NETWORK_FROM <= rows <= _NETWORK_TO and trial.complete \
                and available("torch"):
            made.append(models.make("mlp"))
    else:
        made = list(common.models)
    baseline = next((model for model in made if model.name == task.baseline), None)
    return [baseline or models.make(task.baseline),
            *(model for model in made if model is not baseline)]


def _more(trial: Trial, measured: dict[str, Measured], options: Options) -> None:
    """Two candidates more: the models' answers mixed, and the best with its labels put right."""
    done = [each for each in measured.values() if each.status == "ok"
            and each.model.name != trial.baseline]
    if not done or trial.common.clock.left() <= 0:
        return
    blend = mixed(trial, done) if options.blend and len(done) > 1 else None
    if blend is not None:
        measured[blend.name] = blend
        done.append(blend)
    if options.stack:
        more = stacked(trial, min(done, key=lambda each: _value(trial, each)))
        if more is not None:
            measured[more.name] = more


def _value(trial: Trial, each: Measured) -> float:
    """Log loss over the cells that are known: what a map between labels is learnt by."""
    return evaluation.score("multilabel", trial.truth, _safe(each.answer), metrics=["log_loss"],
                            weights=trial.weights, level=None)["log_loss"].value


def _safe(answer: np.ndarray) -> np.ndarray:
    """Answers that never were given as a half: their rows are not judged."""
    return np.nan_to_num(answer, nan=0.5)


def _board(
    trial: Trial, measured: Mapping[str, Measured], rules: Mapping[str, Thresholds], metric: Any,
    task: Task,
) -> tuple[tuple[Entry, ...], str, tuple[str, ...]]:
    """The leaderboard, the name of the model that answers, and warnings."""
    done = {name: each for name, each in measured.items() if each.status == "ok"}
    seen = np.logical_and.reduce([~np.isnan(each.answer).any(axis=1) for each in done.values()])
    words: dict[str, Any] = {
        "weights": None if trial.weights is None else trial.weights[seen],
        "units": None if trial.plan.units is None else trial.plan.units[seen],
        "seed": trial.common.seed}
    truth = trial.truth[seen]
    asked = [metric, *(name for name in task.metrics if name != metric.name)]
    scores = {name: evaluation.score(task.name, truth, each.answer[seen], metrics=asked,
                                     predicted=rules[name].crossed[seen], **words)
              for name, each in done.items()}
    ties = evaluation.ties(
        task.name, metric, truth, {name: each.answer[seen] for name, each in done.items()},
        predicted={name: rules[name].crossed[seen] for name in done}, **words)
    best = _judge._best(ties, metric)
    tied = [name for name in done if name == best or ties[name].better == "tied"]
    near = [name for name in tied if _judge._keeps_the_gain(ties, name, best, task.baseline)]
    chosen = min(near, key=lambda name: (done[name].burden, name != best))
    made = [_entry(each, scores[name], ties[name], best, tied, chosen)
            for name, each in done.items()]
    made.sort(key=lambda entry: _rank(entry.scores[metric.name], metric))
    rest = [each.entry() for name, each in measured.items() if name not in done]
    return (*made, *rest), chosen, _warnings(ties, best, measured, task)


def _entry(
    each: Measured, scores: dict[str, Score], difference: Difference, best: str, tied: list[str],
    chosen: str,
) -> Entry:
    name = each.name
    return each.entry(
        scores=scores, best=name == best, tied=name in tied and len(tied) > 1,
        recommended=name == chosen,
        difference=None if name == best else _judge._plain(difference))


def _rank(score: Score, metric: Any) -> tuple[bool, float]:
    unknown = math.isnan(score.value)
    return unknown, 0.0 if unknown else -metric.sign * score.value


def _warnings(
    ties: Mapping[str, Difference], best: str, measured: Mapping[str, Measured], task: Task
) -> tuple[str, ...]:
    said = []
    if len(ties) > 1 and task.baseline in ties and (
            best == task.baseline or ties[task.baseline].better == "tied"):
        said.append("no model is significantly better than the baseline, which gives every row "
                    "the same probabilities: these columns may say nothing about the labels, or "
                    "the rows are too few to tell.")
    for status, what in (("failed", "failed and left out"), ("skipped", "left out"),
                         ("stopped", "stopped and left out")):
        reasons: dict[str, list[str]] = {}
        for name, each in measured.items():
            if each.status == status:
                reasons.setdefault(each.reason, []).append(name)
        said += [f"{what}: {', '.join(names)} ({reason[:200]})."
                 for reason, names in reasons.items()]
    return tuple(said)


def _how(plan: splits.Plan, rule: Thresholds) -> str:
    return plan.how if rule.rule != "f1" else (
        f"{plan.how}; each label's threshold is chosen on the folds that it is not judged on")
