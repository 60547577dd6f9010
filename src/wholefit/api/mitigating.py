"""`wf.mitigate`: ways to make a model treat groups alike, each a Result, each with its price."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from wholefit import data
from wholefit.api import _record
from wholefit.api._shown import Paged, as_kind
from wholefit.api.auditing import protected
from wholefit.api.fitting import fit
from wholefit.api.result import Result
from wholefit.base.errors import ParameterError, unknown
from wholefit.data import Dataset, _cells
from wholefit.evaluation import metrics
from wholefit.evaluation.fairness._groups import labelled
from wholefit.training import Entry, Run, fairness
from wholefit.training._folds import Problem
from wholefit.training._group_thresholds import joined
from wholefit.training.fairness import METHODS, Asked
from wholefit.training.fairness._by_group import GOALS
from wholefit.training.fairness._ground import Made
from wholefit.training.fitting import Options, plan_of

# A column of more numbers than these is cut at its quartiles.
_FEW = 12
_REFUSED = ("balance", "costs", "threshold", "clean", "transformers", "repeats", "memory")


@dataclass(frozen=True)
class Mitigated(fairness.Mitigated, Paged):
    """What each way comes to; see `wholefit.training.fairness.Mitigated` for what it holds.

    `results` has a Result for each method that could be done, to predict with and to save;
    `was` is the model that was mended. It writes itself as a page, and shows itself in a
    notebook.
    """

    _topic = "fairness"
    was: Result | None = None
    results: dict[str, Result] = field(default_factory=dict)


def mitigate(
    source: Any, *, target: str, by: str | Sequence[str],
    method: str | Sequence[str] = tuple(METHODS), goal: str = "selection",
    metric: str = "accuracy", positive: Any = None, bands: Mapping[str, Sequence[float]] |
    None = None, bound: float = 0.01, rounds: int = 40, thin: int = 30, seed: int = 0,
    folds: int = 5, **options: Any,
) -> Mitigated:
    """Fit, then make groups fare alike in several ways, each priced on rows no model had seen.

    Parameters
    ----------
    source, target, positive, folds, seed: as for `wf.fit`; so are other `options` (models,
        budget, roles, groups, time, weights, jobs, ...). The target is of two classes; its
        positive one is the outcome.
    by: the protected columns. Several make groups together.
    method: "blind" leaves the columns out, "reweighing" counts rows so that group and outcome
        look independent, "thresholds" decides by a threshold for each group (and so needs the
        columns at prediction, and a lawyer's leave), "constrained" learns within a `bound` on the
        gap by at most `rounds` weighted fits; all of them if left out.
    goal: what is to be equal: "selection" (the outcome is predicted equally often),
        "opportunity" (those who have it are found equally often), "odds" (so, and falsely too).
    metric: what the price is told in.
    bands: numbers to cut a protected column of numbers at; its quartiles if left out.
    thin: rows that a group needs to be judged.

    Raises UnknownNameError and ParameterError for words that cannot be followed, DataError for
    rows that cannot be learnt from.
    """
    methods = _methods(method)
    _check(goal, metric, options)
    names = list(dict.fromkeys([by] if isinstance(by, str) else by))
    roles = options.pop("roles", None)
    special = {name: options.pop(name, None) for name in ("time", "groups", "weights")}
    reading = {name: options.pop(name) for name in list(options) if name not in _FIT}
    dataset = data.load(source, target=target, roles=roles, **special, **reading)
    columns = protected(dataset, names)
    was = fit(dataset.original, target=target, roles=roles, positive=positive, seed=seed,
              folds=folds, **special, **options)
    run = was._run
    assert run is not None
    asked = _asked(columns, bands or {}, goal=goal, metric=metric, bound=bound, rounds=rounds,
                   thin=thin, seed=seed)
    problem = _problem(run, dataset, folds, seed, options)
    blind = _without(dataset, names)
    found, made = fairness.mitigate(run, problem, blind, methods, asked)
    results = {name: _result(was, run, name, each, found, dataset) for name, each in made.items()}
    return as_kind(Mitigated, found, was=was, results=results)


_FIT = frozenset({"task", "models", "budget", "jobs", "choose", "features", "checks"})


def _methods(asked: str | Sequence[str]) -> list[str]:
    names = [asked] if isinstance(asked, str) else list(asked)
    for name in names:
        if name not in METHODS:
            raise unknown("method", name, METHODS)
    if not names:
        raise ParameterError(f"method must name at least one of {', '.join(METHODS)}; got none.")
    return list(dict.fromkeys(names))


def _check(goal: str, metric: str, options: Mapping[str, Any]) -> None:
    """Refuse misspelt words before anything is read."""
    if goal not in GOALS:
        raise unknown("goal", goal, GOALS)
    if not isinstance(metric, str):
        raise ParameterError(f"metric must be a metric's name; got {metric!r}.")
    metrics.get("classification", metric)
    for name in _REFUSED:
        if options.get(name):
            raise ParameterError(f"{name}= changes what is learnt or decided, as mitigation does: "
                                 "leave it out.")


def _asked(
    columns: Mapping[str, pl.Series], bands: Mapping[str, Sequence[float]], **words: Any
) -> Asked:
    """The groups as codes, the largest first; columns of many numbers are cut where they say."""
    edges = {**{name: _quartiles(column) for name, column in columns.items()
                if name not in bands and _continuous(column)},
             **{name: tuple(cuts) for name, cuts in bands.items()}}
    labels = np.array(joined(labelled(columns, edges)), dtype=object)
    names, counts = np.unique(labels.astype(str), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    place = {str(names[at]): code for code, at in enumerate(order)}
    return Asked(tuple(columns), tuple(place), np.array([place[str(each)] for each in labels]),
                 edges, **words)


def _continuous(column: pl.Series) -> bool:
    return column.dtype.is_numeric() and column.n_unique() > _FEW


def _quartiles(column: pl.Series) -> tuple[float, ...]:
    numbers = _cells.to_numbers(column).drop_nulls().drop_nans().to_numpy()
    return tuple(map(float, np.unique(np.quantile(numbers, [0.25, 0.5, 0.75]))))


def _problem(
    run: Run, dataset: Dataset, folds: int, seed: int, options: Mapping[str, Any]
) -> Problem:
    """The problem that the fit solved, on the same folds."""
    changes = dict(options.get("features") or {})
    settings = Options(folds=folds, seed=seed, features=changes)
    y = dataset.target(run.codec)
    return Problem(dataset, run.task, y, len(getattr(run.codec, "classes", ())),
                   plan_of(dataset, run.task, y, settings), dataset.telling_weights(),
                   int(run.lineage["jobs"]), seed, changes)


def _without(dataset: Dataset, names: Sequence[str]) -> Dataset | None:
    """The dataset with these columns ignored; None where none of them is learnt from."""
    if not set(names) & set(dataset.schema.features):
        return None
    columns = tuple(dataclasses.replace(column, role="ignored", reason="protected: left out")
                    if column.name in names else column for column in dataset.schema.columns)
    return dataset.with_schema(dataclasses.replace(dataset.schema, columns=columns))


def _result(
    was: Result, run: Run, name: str, made: Made, found: fairness.Mitigated, dataset: Dataset
) -> Result:
    """A Result of the model that a method gave, scored as it was priced."""
    way, entry = found.way(name), run.chosen
    label = f"{entry.model}, {name}"
    mended = Entry(model=label, params=entry.params, scores=dict(way.scores), best=True,
                   recommended=True, folds=entry.folds, fit_seconds=way.seconds)
    gap = way.gaps[found.goal]
    warnings = (*run.warnings, *(f"{name}: {sentence}" for sentence in way.said))
    lineage = {**run.lineage, "mitigation": {
        "method": name, "by": list(found.by), "goal": found.goal,
        "gap_before": gap.before.to_json(), "gap_after": gap.after.to_json()}}
    changed = dataclasses.replace(
        run, fitted=made.fitted, leaderboard=(mended,), oof={label: made.answer},
        metric=run.metric if run.metric in way.scores else found.metric, warnings=warnings,
        lineage=lineage)
    facts = _record.of_run(changed, was.said, dataset)
    shown = _record.shown(run.task, run.truth, made.answer, run.codec, weights=dataset.weights(),
                          units=dataset.groups(), predicted=made.codes)
    return Result(made.fitted, dataclasses.replace(facts, exhibits=shown), changed)

