"""`wf.tune`: search the settings of models and of their pipelines; the result is one like a fit's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wholefit import data, training
from wholefit.api._choice import tell_choice
from wholefit.api._shown import Paged, as_kind
from wholefit.api._tables import cleaned, read_recipe
from wholefit.api._telling import tell, warn
from wholefit.api.fitting import (
    _check_metric,
    _limits,
    _named,
    _steps,
    _which_target,
    choose_task,
)
from wholefit.api.result import Result
from wholefit.base.budget import Budget, Clock
from wholefit.base.cores import cores
from wholefit.base.errors import DataError, ParameterError
from wholefit.base.events import emit
from wholefit.training._costs import COST_WORDS
from wholefit.training.portfolio import usual_boosting
from wholefit.training.tuning import strategies as _strategies
from wholefit.training.tuning.study import Study as Found
from wholefit.training.tuning.tune import Tuning
from wholefit.training.tuning.tune import tune as search


@dataclass(frozen=True)
class Study(Paged, Found):
    """What a search tried; see `wholefit.training.tuning.study.Study` for its facts."""

    _topic = "tuning"


class Tuned(Result):
    """A Result whose model was tuned; `study` is what was tried. A loaded one is a plain Result."""

    study: Study


def tune(
    source: Any,
    *,
    target: str,
    models: Any = None,
    space: Mapping[str, Any] | None = None,
    strategy: str = "random",
    budget: str | float | Budget | None = None,
    nested: int | bool = 0,
    study: str | os.PathLike[str] | None = None,
    task: str | None = None,
    metric: Any = None,
    folds: int = 5,
    repeats: int = 1,
    memory: str | int | None = None,
    jobs: int | None = None,
    seed: int = 0,
    roles: Any = None,
    groups: str | None = None,
    time: str | None = None,
    weights: str | None = None,
    positive: Any = None,
    balance: Any = None,
    costs: Any = None,
    threshold: Any = None,
    clean: Any = None,
    features: dict[str, Any] | None = None,
    transformers: Sequence[Any] | str | os.PathLike[str] = (),
    checks: bool = True,
    **reading: Any,
) -> Tuned:
    """Search for the settings that do best on held-out rows, and refit with them on all rows.

    Parameters
    ----------
    source, target: as in `wf.fit`, and so are all words not named here.
    models: one or several, as in `wf.fit`; a boosted ensemble that is stopped early where left
        out. Parameters that are
        not at their defaults ("lightgbm(n_estimators=200)") are kept as given.
    space: what is searched: names of parameters ("learning_rate", or "lightgbm.learning_rate"
        where there are several models; "encoding.degree" for how columns become features) to a
        (low, high), a list of values, a scipy distribution, or a `Real`, `Whole` or `Choice` of
        `wholefit.training.tuning`. The catalog's ranges where left out; {"*": True, ...} has
        those, changed by what else is said (None takes one out).
        {"features": [wf.feature("ratio", ["a", "b"]), ...]} has engineered features, each of
        which may be in or out.
    strategy: "random", "grid", "bayes", "halving", "asha", "genetic", perhaps with options:
        "halving(eta=4)", "grid(resolution=5)".
    budget: a time ("60s") or a number of trials ("50 trials") or both; five minutes by default.
        With trials the result is the same for the same seed.
    nested: measure the search itself: repeat it in so many outer folds without their rows (True:
        as many as `folds`), each with an equal share of the time, or as many trials. Without, the
        score is of a choice made anew for each fold by the others: it counts the choosing among
        what was tried, not the trying.
    study: a SQLite file: a search that was stopped goes on when it is called again, and several
        processes that name the same file share one search.

    Returns a `Result` with a `study` besides: its trials, what mattered, pictures of both. The
    leaderboard has the tuned model, the defaults, and the best other configurations. Raises what
    `wf.fit` raises, and DataError for a study of another search.
    """
    clock = Clock(_limits(budget, memory, training.DEFAULT_BUDGET))
    asked = Tuning(space=space, strategy=strategy, study=study, nested=nested)
    recipe = None if clean is None else read_recipe(clean)
    options = training.Options(
        models=_named(models), metric=metric, folds=folds, repeats=repeats,
        jobs=cores() if jobs is None else jobs, seed=seed, positive=positive, choose="best",
        features=dict(features or {}), transformers=_steps(transformers), balance=balance,
        costs=costs, threshold=threshold, checks=checks)
    _check_metric(None if metric in COST_WORDS and costs is not None else metric, task)
    with training.begun(clock.budget) as apart:
        special = {"target": target, "time": time, "group": groups, "weight": weights}
        source, options, reading = cleaned(source, options, recipe, special, reading)
        dataset = data.load(source, target=target, roles=roles, time=time, groups=groups,
                            weights=weights, **reading)
        if dataset.schema.target is None:
            raise DataError(_which_target(dataset.source, dataset.original.columns))
        chosen, said = choose_task(dataset, dataset.schema.target, task)
        if not chosen.supervised:
            raise ParameterError(f"tune is for tasks with a target, not {chosen.name}: say "
                                 "task='classification' or 'regression', or leave task out.")
        if options.models is None:
            options = replace(options, models=_named(_usual(len(dataset))))
        emit("read", source=dataset.source, rows=len(dataset), columns=dataset.frame.width,
             said=said, seconds=clock.spent())
        tell(dataset.notes)
        run, found = search(dataset, chosen, options, asked, clock, apart)
    tell_choice(run.fitted.encoder)
    for sentence in run.warnings:
        warn(sentence)
    result = Tuned._of_run(run, said, dataset)
    assert isinstance(result, Tuned)
    result.study = as_kind(Study, found)
    return result


def _usual(rows: int) -> str:
    """A boosted ensemble that stops by itself: the number of rounds need not be searched."""
    return f"{usual_boosting(rows).partition('(')[0]}(n_estimators=1000, early_stopping=30)"


def strategies() -> list[dict[str, Any]]:
    """Each search strategy: name, when to use it, and its options."""
    return _strategies.describe()
