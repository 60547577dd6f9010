"""`wf.fit`: one verb from a source to a Result."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from wholefit import data, evaluation
from wholefit import models as catalog
from wholefit.api import _unlabelled
from wholefit.api._choice import tell_choice
from wholefit.api._file_parts import too_large
from wholefit.api._tables import cleaned, read_recipe
from wholefit.api._telling import tell, warn
from wholefit.api.history import noted as into_history
from wholefit.api.history import remembered
from wholefit.api.replaying import asked_of
from wholefit.api.result import Result
from wholefit.base import tasks
from wholefit.base.budget import Budget, Clock
from wholefit.base.cores import cores
from wholefit.base.errors import (
    DataError,
    ParameterError,
    StateError,
    UnknownNameError,
    WholefitWarning,
    unknown,
)
from wholefit.base.events import emit
from wholefit.models import Model
from wholefit.training._costs import COST_WORDS
from wholefit.training._heard import Heard
from wholefit.training._unlabelled import noted as of_unlabelled
from wholefit.training.replaying.again import noted

if TYPE_CHECKING:
    from wholefit.api.anomaly import Alarms
    from wholefit.api.association import Rules
    from wholefit.api.clustering import Clusters
    from wholefit.api.generation import Generator
    from wholefit.api.multilabel import Multilabel
    from wholefit.api.recommendation import Recommender
    from wholefit.api.reduction import Reduction
    from wholefit.api.translation import Translation
    from wholefit.training import Run

_TARGETS = frozenset({"target", "y", "label", "labels", "class", "outcome", "response", "churn",
                      "survived", "default", "price", "sale_price", "saleprice", "species"})
_MOST_LISTED = 40


@overload
def fit(source: Any, *, target: list[str] | tuple[str, ...], **words: Any) -> Multilabel: ...
@overload
def fit(source: Any, *, task: Literal["classification", "regression"] | None = None,
        **words: Any) -> Result: ...
@overload
def fit(source: Any, *, task: Literal["clustering"], **words: Any) -> Clusters: ...
@overload
def fit(source: Any, *, task: Literal["reduction"], **words: Any) -> Reduction: ...
@overload
def fit(source: Any, *, task: Literal["anomaly"], **words: Any) -> Alarms: ...
@overload
def fit(source: Any, *, task: Literal["association"], **words: Any) -> Rules: ...
@overload
def fit(source: Any, *, task: Literal["generation"], **words: Any) -> Generator: ...
@overload
def fit(source: Any, *, task: Literal["multilabel"], **words: Any) -> Multilabel: ...
@overload
def fit(source: Any, *, task: Literal["recommendation"], **words: Any) -> Recommender: ...
@overload
def fit(source: Any, *, task: Literal["translation"], **words: Any) -> Translation: ...
@overload
def fit(source: Any, *, task: str | None, **words: Any) -> Any: ...


def fit(
    source: Any,
    *,
    target: str | Sequence[str] | None = None,
    task: str | None = None,
    models: str | Sequence[Any] | Any | None = None,
    metric: Any = None,
    folds: int = 5,
    repeats: int = 1,
    budget: str | float | Budget | None = None,
    memory: str | int | None = None,
    jobs: int | None = None,
    seed: int = 0,
    roles: Any = None,
    groups: str | None = None,
    time: str | None = None,
    weights: str | None = None,
    positive: Any = None,
    choose: str | None = None,
    preset: str | None = None,
    interpretable: bool = False,
    predict_time: float | None = None,
    model_size: str | int | None = None,
    history: str | os.PathLike[str] | None = None,
    balance: Any = None,
    costs: Any = None,
    threshold: Any = None,
    clean: Any = None,
    features: dict[str, Any] | None = None,
    transformers: Sequence[Any] | str | os.PathLike[str] = (),
    checks: bool = True,
    label: str | None = None,
    user: str | None = None,
    item: str | None = None,
    rating: str | None = None,
    basket: str | None = None,
    amount: str | None = None,
    checkpoint: Any = None,
    callbacks: Sequence[Any] = (),
    **reading: Any,
) -> Any:
    """Read, infer the task, cross-validate a few models, and refit the one to use.

    Parameters
    ----------
    source: a path (CSV, JSON, Parquet, Arrow, Excel, SQLite, a folder of tables), a SQL URL,
        "-" for standard input, or a pandas, polars, pyarrow, numpy or dict table.
    target: the column to predict; or a list of columns of two values each, all predicted at once
        (several labels: "multilabel").
    task: "classification" or "regression", inferred from the target when left out; "multilabel",
        where the target is one column that holds sets of labels; "translation", where it is a
        column of texts to be written; or one that has no target: "clustering", "reduction",
        "anomaly", "association", "recommendation", "generation".
    models: names ("ridge, random_forest(n_estimators=300)"), Model objects, scikit-learn-style
        estimators, or import paths; a default set chosen for the size of the data if left out.
    metric: what models are compared by, a name or a callable; the task's own by default.
    folds, repeats: k-fold cross-validation, repeated.
    budget: what may be spent, counted from this call: "60s", "5min"; five minutes by default.
    memory: what may be held above what the process holds now: "2GB", or bytes. Models are then
        fitted in a second process, and one that takes more is stopped; so are, with a budget of
        time, models that may take much of it.
    jobs: threads; all cores by default.
    roles: a dict of column to role, or the path of a TOML file, to override what is inferred.
    groups, time, weights: names of columns: rows of one group stay on one side of every
        split; rows are split by time order, past before future; each row counts by its weight.
    positive: the class that two-class metrics call positive.
    choose: "recommended" answers with the cheapest of the models that are statistically tied with
        the best and keep 98% of its gain over the baseline; "best" with the best by value. The
        best under preset "balanced" and "best", else the recommended.
    preset: how hard to try. "fast": a linear model, boosting, a forest; the default without
        budget=. "balanced": a portfolio of configurations and an ensemble of them, for as long as
        the budget lasts; the default with budget=. "best": more folds' worth of members.
        "interpretable": models that a person can read. "tiny": small and quick to answer.
    interpretable: only models that a person can read, the same as preset="interpretable"; `models`
        that are not are refused.
    predict_time, model_size: what the answer may cost: seconds for 1,000 rows; bytes or "5MB" of
        what answers, without the record that a file adds. The best that keeps them is chosen;
        where nothing does, what comes nearest, and it is said.
    history: a file that past fits were noted in, and this one will be; what did well on tables
        like this one is tried earlier. None is kept unless it, or WHOLEFIT_HISTORY, names one.
    balance: what is done to training rows of rare classes: "weights", "over", "under", "smote",
        "near_miss", ... (see `wholefit.training.balance`); probabilities are corrected for it.
    costs: what mistakes cost: {"no": {"yes": 1}, "yes": {"no": 50}}, the path of a TOML file, or
        "yes=50"; `predict` then gives the class of least expected cost.
    threshold: the probability of the positive class from which on it is predicted: a number, or
        "cost", "f1", "precision>=0.9", "recall>=0.8" to have it chosen on unseen rows.
    features: changes to how columns become features (see `features.Encoding`), e.g.
        {"impute": "mean", "degree": 2}.
    transformers: the user's own and engineered features (`wf.feature`), fitted on training rows
        only; or the path of a TOML file of features.
    clean: a cleaning recipe (a Recipe, a path, or a list of steps; see `wf.clean`): its fixed steps
        are repeated on every row asked, what it learns it learns from training rows only, and rows
        are left out of training rows only.
    checks: look for leaks of the answer and faults of the data first (`Result.findings`).
    label, user, item, rating, basket, amount: names of columns, for tasks without a target: known
        answers, which judge what is found and are never learnt; who, what, and how much it was
        liked; what was together, and its money.
    checkpoint: a folder where the trainings of networks in `models` are kept as they go, one inside
        it for each fold and one for all rows; called again with the same words, a fit that was
        ended goes on from there (a `nn.checkpoints.Checkpoint` says how often). Other rows,
        words or seeds are refused.
    callbacks: callables (event, loop) that the training loop of networks in `models` tells of
        steps and epochs; one with `alike(name)`, such as `nn.board.Board`, gives one of its own
        for each fold ("mlp-1f0c33ab/fold-1") and for all rows (".../all").
    reading: passed to `wf.read` (delimiter, na_values, sheet, query, ...); for tasks without a
        target also the words of the task (clusters=5, alerts="1%", support=0.01, ...).

    Returns a `Result`; for a task without a target that task's own (`Clusters`, `Rules`, ...).
    Raises DataError for a source that cannot be read or learnt from, ParameterError and
    UnknownNameError for a wrong option, BudgetError if nothing fits the budget.
    """
    from wholefit import training

    clock = Clock(_limits(budget, memory, training.DEFAULT_BUDGET))
    own: dict[str, Any] = {"label": label, "user": user, "item": item, "rating": rating,
                           "basket": basket, "amount": amount}
    chosen = None if task is None else tasks.get(task)  # misspelt: said before a target is missed
    target = _unlabelled.targets(target)
    if chosen is None and isinstance(target, list):
        chosen = tasks.get("multilabel")
    if chosen is not None and not chosen.supervised:
        _unlabelled.settle(chosen, own, reading, {
            "target": (target, None), "folds": (folds, 5), "threshold": (threshold, None),
            "repeats": (repeats, 1), "memory": (memory, None), "positive": (positive, None),
            "choose": (choose, None), "preset": (preset, None),
            "interpretable": (interpretable, False),
            "predict_time": (predict_time, None), "model_size": (model_size, None),
            "history": (history, None), "balance": (balance, None), "costs": (costs, None),
            "clean": (clean, None), "transformers": (transformers or (), ()),
            "checkpoint": (checkpoint, None), "callbacks": (callbacks or (), ())}, checks=checks)
        common = {"metric": metric, "jobs": _unlabelled.threads(jobs), "seed": seed,
                  "features": dict(features or {})}
        return _unlabelled.fit(
            source, chosen, clock, _named(models), reading, roles,
            {"time": time, "group": groups, "weight": weights, **own}, common)
    target = _unlabelled.one(target, task)
    _unlabelled.refuse_roles(own)
    _unlabelled.refuse_words(reading)
    recipe = None if clean is None else read_recipe(clean)
    named, preset = _named(models), _preset(preset, interpretable, budget, models)
    options = training.Options(
        models=named, metric=metric, folds=folds, repeats=repeats,
        jobs=cores() if jobs is None else jobs, seed=seed, positive=positive,
        choose=choose, features=dict(features or {}), transformers=_steps(transformers),
        balance=balance, costs=costs, threshold=threshold, checks=checks,
        preset=preset, predict_time=predict_time,
        model_size=_bytes("model_size", model_size), history=remembered(history),
        heard=_heard(checkpoint, callbacks, named, preset, clock.budget),
    )
    _check_metric(None if metric in COST_WORDS and costs is not None else metric, task)
    given = source, dict(reading)
    with training.begun(clock.budget) as apart:
        special = {"target": target, "time": time, "group": groups, "weight": weights}
        source, options, reading = cleaned(source, options, recipe, special, reading)
        dataset = data.load(source, target=target, roles=roles, time=time, groups=groups,
                            weights=weights, **reading)
        target = dataset.schema.target
        if target is None:
            raise DataError(_which_target(dataset.source, dataset.original.columns))
        chosen, said = choose_task(dataset, target, task)
        emit("read", source=dataset.source, rows=len(dataset), columns=dataset.frame.width,
             said=said, seconds=clock.spent())
        dataset.notes = of_unlabelled(dataset, named, recipe is not None)
        tell(dataset.notes)
        run = training.fit(dataset, chosen, options, clock, apart)
    options = dataclasses.replace(options, heard=None)  # a replay keeps nothing and tells nobody
    noted(run, asked_of(options, run, dataset, given, roles, recipe, clock.budget))
    into_history(history, run, dataset)
    _warned(run)
    return _weighed(run, said, dataset, options.model_size)


def _warned(run: Run) -> None:
    """Say how rows are read, and warn of what should be known, at the line of the user's call."""
    tell_choice(run.fitted.encoder)
    for sentence in run.warnings:
        warn(sentence, stacklevel=4)
    for finding in run.findings:
        if finding.severity == "critical":
            warnings.warn(str(finding), WholefitWarning, stacklevel=3)


def _weighed(run: Run, said: str, dataset: data.Dataset, most: int | None) -> Result:
    """The result, with a warning where its file would be larger than was allowed to its model."""
    result = Result._of_run(run, said, dataset)
    if most is None or not (sentence := _too_large(result, most)):
        return result
    warn(sentence)
    return Result._of_run(dataclasses.replace(run, warnings=(*run.warnings, sentence)), said,
                          dataset)


def _too_large(result: Result, most: int) -> str:
    """A sentence where the saved file would be larger than that; else nothing."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return too_large(result.save(Path(folder, "model.wf")), most)
        except (OSError, StateError):  # no room, or no stored form: saving says so
            return ""


def _limits(
    budget: str | float | Budget | None, memory: str | int | None, default: Budget
) -> Budget:
    """The budget of time and memory asked for, which must be one that a fit can keep."""
    found = default if budget is None else Budget.parse(budget)
    if found.seconds is None and found.trials is None:
        found = dataclasses.replace(found, seconds=default.seconds)
    if found.steps is not None:
        raise ParameterError(
            "fit keeps budgets of time and memory, and counts trials, such as '60s', '60s 2GB' or "
            f"'20 trials'; got {str(budget)!r}.")
    return found if memory is None else dataclasses.replace(found, bytes=_bytes("memory", memory))


def _bytes(word: str, given: str | int | None) -> int | None:
    """A size in bytes, from a number of them or words such as "2GB"."""
    if given is None:
        return None
    text = "" if isinstance(given, bool) else str(given).strip()
    with contextlib.suppress(ParameterError):  # it would speak of a budget
        size = Budget(bytes=int(text)) if text.isdecimal() else Budget.parse(text)
        if size == Budget(bytes=size.bytes) and size.bytes:
            return size.bytes
    raise ParameterError(
        f"{word} must be a size above 0: a number with KB, MB, GB, TB (or KiB, MiB, GiB, TiB), "
        f"such as '500KB' or '2GB', or a whole number of bytes; got {given!r}.")


def _preset(asked: str | None, interpretable: bool, budget: Any, models: Any) -> str:
    """A budget is there to be used: with one, the default is more than the quick set."""
    if not isinstance(interpretable, bool):
        raise ParameterError(f"interpretable must be True or False; got {interpretable!r}.")
    if interpretable and asked not in (None, "interpretable"):
        raise ParameterError(f"interpretable=True is preset='interpretable'; got preset={asked!r} "
                             "too: leave out one of them.")
    if interpretable:
        return "interpretable"
    if asked is not None:
        return asked
    given = Budget() if budget is None else Budget.parse(budget)
    spends = given.seconds is not None or given.trials is not None
    return "balanced" if spends and models is None else "fast"


def _heard(
    checkpoint: Any, callbacks: Any, models: list[Model] | None, preset: str, budget: Budget
) -> Heard | None:
    """What is kept of trainings and who hears of them, refused before a long reading."""
    found = Heard.of(checkpoint, callbacks)
    if found is not None:
        found.check(models, preset, budget.bytes is not None)
    return found


def _check_metric(metric: Any, task: str | None) -> None:
    """Refuse a misspelt metric before a long reading, not after it."""
    if not isinstance(metric, str) or ":" in metric or task not in (
            None, *tasks.names(supervised=True)):
        return
    asked = tasks.names(supervised=True) if task is None else [task]
    for name in asked:
        with contextlib.suppress(UnknownNameError):
            evaluation.metrics.get(name, metric)
            return
    raise unknown("metric", metric, [known for name in asked
                                     for known in evaluation.metrics.names(name)])


def _steps(given: Sequence[Any] | str | os.PathLike[str]) -> tuple[Any, ...]:
    """Transformers as given, or those of a TOML file of engineered features."""
    if isinstance(given, (str, os.PathLike)):
        from wholefit.features import engineer

        return tuple(engineer.load(given))
    return tuple(given)


def _named(models: Any) -> list[Model] | None:
    """The models asked for, made before a long read rather than after it; None for the default."""
    if models is None:
        return None
    named = catalog.split_list(models) if isinstance(models, str) else models
    named = list(named) if isinstance(named, (list, tuple)) else [named]
    if not named:
        raise ParameterError(f"models must name at least one model; got {models!r}.")
    return [catalog.make(model) for model in named]


def _which_target(source: str, names: Sequence[str]) -> str:
    """The way out for a person who did not name the target: what it may be."""
    likely = [name for name in names if name.lower().strip() in _TARGETS]
    likely += [name for name in names[-1:] if name not in likely]
    listed = ", ".join(repr(name) for name in names[:_MOST_LISTED])
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return ("fit needs to know which column to predict: say target= (--target on the command "
            f"line). {source} has {listed}{more}; perhaps "
            f"{' or '.join(repr(name) for name in likely)}? Without a target, say task= "
            f"{', '.join(tasks.names(supervised=False))}.")


def choose_task(
    dataset: data.Dataset, target: str, named: str | None
) -> tuple[tasks.Task, str]:
    """The task asked for, or the one that the target asks for, and the sentence that says so."""
    if named is None:
        return tasks.infer(data.target_facts(dataset.frame, target))
    if named not in tasks.names():
        raise unknown("task", named, tasks.names())
    return tasks.get(named), f"{named}: as asked"
