"""Reduction: a few numbers a row, which method to make them by, and what they keep.

A fifth of the rows is set apart (at most `judged` of them), whole groups where groups are known;
every method learns on others, and is judged on those set apart. The one that answers then learns on
all rows. What has no place for new rows (t-SNE, MDS) is judged on its own, and the board says so.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wholefit.base.errors import DataError, ParameterError, WholefitError, unknown
from wholefit.base.events import emit
from wholefit.base.optional import available
from wholefit.base.params import Params, param
from wholefit.base.seeds import derive, generator
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.data import Dataset
from wholefit.evaluation import reduction as measures
from wholefit.features.encoder import Encoder
from wholefit.features.encoding import Encoding, changed, for_linear
from wholefit.models import Context, Model, make, scorer
from wholefit.training.found import Common, Found, lineage
from wholefit.training.record import Entry
from wholefit.training.reduction import _told as tell

_LEARNT = 10_000
"""Most rows that a method learns on while it is judged; the one that answers learns on all."""
_FEWEST = 150
"""Rows from which on some are set apart."""
_JUDGED = 30
"""Fewest rows that anything is judged on."""


@dataclass(frozen=True)
class Options(Params):
    """The words of `wf.fit(..., task="reduction")`."""

    components: float | None = param(
        None, "Axes: a number, or below 1 the share of variance that principal components keep; "
        "None is 2, a map.", above=0, none=True)
    near: int = param(10, "How many nearest rows a method must keep near, when it is judged.",
                      low=1)
    judged: int = param(1000, "Most rows that methods are judged on.", low=30, high=5000)


@dataclass(frozen=True, eq=False)
class _Plan:
    """Rows to learn on while judging, rows to judge on, and the features that judge."""

    learn: np.ndarray
    held: np.ndarray
    reference: measures.Truth | None
    encoder: Encoder
    labels: np.ndarray | None
    categories: bool
    groups: np.ndarray | None = None

    @property
    def chance(self) -> float | None:
        """How often two rows have the same known label."""
        if self.labels is None or not self.categories:
            return None
        return measures.by_chance(self.labels)

    def labels_of(self, rows: np.ndarray) -> np.ndarray | None:
        """The known answers of some rows, where there are any."""
        return None if self.labels is None else self.labels[rows]

    def groups_of(self, rows: np.ndarray) -> np.ndarray | None:
        """The groups of some rows, where there are any."""
        return None if self.groups is None else self.groups[rows]


@dataclass(frozen=True, eq=False)
class _Trial:
    """A method learnt on `rows`: its place on the board, and what it was judged by."""

    model: Model
    entry: Entry
    judged: measures.Judged | None = None
    own_rows: bool = False
    encoder: Encoder | None = None
    state: State | None = None
    estimator: Any = None
    rows: np.ndarray | None = None


def fit(dataset: Dataset, task: Task, options: Options, common: Common) -> Found:
    """Judge the methods, let the best learn on all rows, and say what its axes mean.

    Raises DataError where there is nothing to reduce, ParameterError for components that no
    method asked for can give.
    """
    _check(dataset, common)
    metric = _metric(common)
    models = _models(options, common)
    encoders: dict[str, Encoder] = {}
    plan = _plan(dataset, options, common)
    trials: list[_Trial] = []
    for model, name in zip(models, _named(models), strict=True):
        emit("model_started", model=name)
        trials.append(_trial(model, name, dataset, task, plan, options, common, encoders,
                             trials))
    trials = _ranked(trials, metric)
    chosen = next(trial for trial in trials if trial.entry.recommended)
    final = _final(chosen, dataset, task, common)
    return _found(dataset, task, options, common, metric, plan, trials, final)


def _check(dataset: Dataset, common: Common) -> None:
    if len(dataset) < 3:
        raise DataError(f"a reduction needs at least 3 rows; got {len(dataset)}: add rows.")
    if not dataset.schema.features:
        raise DataError("a reduction needs columns to learn from, and none is left: every one is "
                        "an identifier, constant, ignored, or has a role of its own; say roles=.")


def _metric(common: Common) -> str:
    metric = common.metric or "trustworthiness"
    if not isinstance(metric, str) or metric not in measures.METRICS:
        raise unknown("metric of reduction", str(metric), measures.METRICS)
    return metric


def _models(options: Options, common: Common) -> list[Model]:
    """Those asked for, or PCA beside chance and the best map there is, with their components."""
    wanted = options.components
    share = wanted is not None and wanted < 1
    if wanted is not None and not share and wanted != int(wanted):
        raise ParameterError("components must be a whole number, or a share of variance below 1; "
                             f"got {wanted!r}.")
    if common.models is not None:
        return [_sized(model, wanted, common) for model in common.models]
    if share:
        return [make("pca").replace(components=wanted)]
    asked = ["pca", "random_projection"]
    if (wanted or 2) <= 2:
        asked += [name for name, library in (("umap", "umap"), ("opentsne", "openTSNE"))
                  if available(library)][:1]
    count = None if wanted is None else int(wanted)
    return [make(name).replace(components=count) for name in asked]


def _named(models: Sequence[Model]) -> list[str]:
    """Names on the board: a second one of a kind is called "umap_2"."""
    seen: dict[str, int] = {}
    found = []
    for model in models:
        seen[model.name] = seen.get(model.name, 0) + 1
        many = seen[model.name]
        found.append(model.name if many == 1 else f"{model.name}_{many}")
    return found


def _sized(model: Model, wanted: float | None, common: Common) -> Model:
    """The model with the components of the fit, where it does not say its own."""
    if wanted is None or getattr(model, "components", 0) is not None:
        return model
    if wanted < 1 and model.name != "pca":
        raise ParameterError(f"components={wanted:g}, a share of variance, must be asked of pca; "
                             f"got {model.name}: say a number of components.")
    return model.replace(components=wanted if wanted < 1 else int(wanted))


def _plan(dataset: Dataset, options: Options, common: Common) -> _Plan:
    """Draw the rows, and encode those that judge as the reference."""
    learn, held = _parted(dataset, options, common.seed)
    encoder = Encoder(changed(for_linear(), common.features), seed=common.seed)
    encoder.fit(dataset, learn)
    return _Plan(learn, held, measures.Truth(encoder.transform(dataset, held)) if len(held)
                 else None, encoder,
                 *_labels(dataset), dataset.groups())


def _parted(dataset: Dataset, options: Options, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows to learn on and rows to judge on, in order; those of a group are on one side."""
    n, groups = len(dataset), dataset.groups()
    order = generator(seed, "held rows").permutation(n)
    if n < _FEWEST:
        return np.sort(order[:_LEARNT]), order[:0]
    if groups is not None:
        codes = np.unique(np.where(groups < 0, n + np.arange(n), groups), return_inverse=True)[1]
        drawn = generator(seed, "held groups").permutation(int(codes.max()) + 1)
        size = np.cumsum(np.bincount(codes)[drawn])
        count = max(int((size <= n // 5).sum()), int((size < _JUDGED).sum()) + 1)
        apart = np.isin(codes, drawn[:count])[order]
        if _JUDGED <= apart.sum() <= n - _JUDGED:  # else too few groups to be told apart by
            return np.sort(order[~apart][:_LEARNT]), np.sort(order[apart][:options.judged])
    held = order[:min(n // 5, options.judged)]
    return np.sort(order[len(held):][:_LEARNT]), np.sort(held)


def _labels(dataset: Dataset) -> tuple[np.ndarray | None, bool]:
    """Known answers: codes where they are few, else numbers; None where there are none."""
    names = dataset.schema.having("label")
    if not names:
        return None, True
    column = dataset.schema.column(names[0])
    if column.distinct > 50 and column.low is not None:
        return dataset.numeric(names[0]), False
    return dataset.codes(names[0])[0].astype(np.int64), True


def _trial(
    model: Model, name: str, dataset: Dataset, task: Task, plan: _Plan, options: Options,
    common: Common, encoders: dict[str, Encoder], before: Sequence[_Trial],
) -> _Trial:
    """Learn and judge one method; a failure or a spent budget is a row of the board."""
    entry = Entry(name, model.to_dict())
    if before and any(trial.judged for trial in before) and common.clock.left() < _guess(
            model, len(plan.learn), len(plan.encoder.names)):
        return _Trial(model, replace(entry, status="skipped", reason="the budget was spent"))
    start = time.perf_counter()
    try:
        encoder = _encoder(model, dataset, plan, common, encoders)
        X = encoder.transform(dataset, plan.learn)
        estimator, state = _learnt(model, X, encoder, task, common)
        spent = time.perf_counter() - start
        judged, own, pace = _judged(state, estimator, encoder, dataset, plan, X, options)
    except WholefitError as error:
        if len(common.models or ()) == 1:
            raise
        return _Trial(model, replace(entry, status="failed", reason=str(error)))
    scores = {} if judged is None else judged.scores
    return _Trial(model, replace(entry, scores=scores, fit_seconds=spent, predict_seconds=pace,
                                 folds=1), judged, own, encoder, state, estimator, plan.learn)


def _guess(model: Model, rows: int, features: int) -> float:
    """Seconds that a method may take twice: once judged, once on all rows."""
    return 2 * model.pace * rows * min(features, 50) / 1e6


def _encoder(
    model: Model, dataset: Dataset, plan: _Plan, common: Common, encoders: dict[str, Encoder]
) -> Encoder:
    wanted = _encoding(model, common, plan.encoder.encoding)
    if wanted == plan.encoder.encoding:
        return plan.encoder
    key = repr(wanted)
    if key not in encoders:
        encoders[key] = Encoder(wanted, seed=common.seed).fit(dataset, plan.learn)
    return encoders[key]


def _encoding(model: Model, common: Common, base: Encoding) -> Encoding:
    from wholefit.base import tasks

    return changed(model.encoding(tasks.get("reduction")), common.features)


def _learnt(model: Model, X: Any, by: Encoder, task: Task, common: Common) -> tuple[Any, State]:
    context = Context(rows=X.shape[0], features=X.shape[1], jobs=common.jobs, spans=by.spans,
                      seed=derive(common.seed, "reduction", model.name))
    values = X.data if hasattr(X, "tocsr") else X
    if not np.isfinite(values).all():
        raise DataError("a reduction needs numbers without gaps, and some are missing: leave out "
                        "impute='none'.")
    try:
        estimator = model.build(task, context).fit(X)
    except WholefitError:
        raise
    except Exception as error:  # a library's own, on rows that it cannot take
        raise DataError(f"{model.name} cannot learn these rows ({type(error).__name__}: "
                        f"{str(error)[:200]}): choose another of models=.") from error
    return estimator, model.state(estimator, task, context)


def _judged(
    state: State, estimator: Any, encoder: Encoder, dataset: Dataset, plan: _Plan, X: Any,
    options: Options,
) -> tuple[measures.Judged | None, bool, float]:
    """Scores on the rows set apart, or on the map's own where others have no place in it."""
    own = state.config.get("rule") == "none" or not len(plan.held)
    answering = scorer(state)
    if own:
        return _on_own(state, answering, estimator, X, plan, options), True, float("nan")
    held = encoder.transform(dataset, plan.held)
    start = time.perf_counter()
    Z = answering.answer(held)
    pace = 1000 * (time.perf_counter() - start) / max(len(Z), 1)
    restored = mean = None
    if hasattr(answering, "restore"):
        restored = answering.restore(Z)
        mean = np.asarray(X.mean(axis=0)).ravel()
    assert plan.reference is not None
    return measures.judge(plan.reference, Z, near=options.near, restored=restored, original=held,
                          mean=mean, labels=plan.labels_of(plan.held),
                          categories=plan.categories,
                          where=f"{len(Z):,} rows set apart",
                          units=plan.groups_of(plan.held)), False, pace


def _on_own(
    state: State, answering: Any, estimator: Any, X: Any, plan: _Plan, options: Options
) -> measures.Judged | None:
    """Judge a map on rows that it was made of, drawn by chance."""
    drawn = getattr(estimator, "drawn_", np.arange(X.shape[0]))
    if len(drawn) < _JUDGED:
        return None
    some = np.linspace(0, len(drawn) - 1, min(len(drawn), options.judged)).astype(int)
    places = getattr(estimator, "places_", None)
    rows = X[drawn[some]]
    Z = answering.answer(rows) if places is None else places[some]
    return measures.judge(rows, Z, near=options.near, categories=plan.categories,
                          labels=plan.labels_of(plan.learn[drawn[some]]),
                          units=plan.groups_of(plan.learn[drawn[some]]),
                          where=f"{len(some):,} rows that it learnt from")


def _ranked(trials: list[_Trial], metric: str) -> list[_Trial]:
    """Best first; ties with the best marked, and the cheapest of them recommended."""
    trials = sorted(trials, key=lambda t: -measures.best_first(t.entry.scores, metric))
    done = [trial for trial in trials if trial.state is not None]
    if not done:
        raise DataError("no method could be fitted: " + "; ".join(
            f"{trial.model.name}: {trial.entry.reason}" for trial in trials))
    scored = [trial for trial in done if metric in trial.entry.scores]
    if not scored:
        return _marked(trials, done[0], {})
    best = scored[0]
    gaps = {trial.entry.model: _gap(trial, best, metric) for trial in scored}
    tied = [t for t in scored
            if t is best or (gaps[t.entry.model] or {"high": -1.0})["high"] >= 0]
    pick = min(tied, key=lambda trial: trial.model.burden)
    return _marked(trials, pick, gaps, best, tied)


def _gap(trial: _Trial, best: _Trial, metric: str) -> dict[str, float] | None:
    """How far behind the best, row by row where both were judged on the same rows."""
    if trial is best or trial.judged is None or best.judged is None:
        return None
    if trial.own_rows == best.own_rows is False:
        return measures.difference(trial.judged, best.judged, metric)
    a, b = trial.entry.scores[metric], best.entry.scores[metric]
    reach = float(np.hypot(a.high - a.low, b.high - b.low) / 2)
    gap = a.value - b.value
    return {"value": gap, "low": gap - reach, "high": gap + reach}


def _marked(
    trials: list[_Trial], pick: _Trial, gaps: dict[str, Any], best: _Trial | None = None,
    tied: Sequence[_Trial] = (),
) -> list[_Trial]:
    return [replace(t, entry=replace(
        t.entry, best=t is best, tied=len(tied) > 1 and t in tied, recommended=t is pick,
        difference=gaps.get(t.entry.model))) for t in trials]


def _final(chosen: _Trial, dataset: Dataset, task: Task, common: Common) -> _Trial:
    """The method learnt on all rows; what was judged, where the budget leaves no time for that."""
    assert chosen.encoder is not None
    rows = len(dataset)
    ratio = rows / max(1, min(rows, _LEARNT))
    if common.clock.left() < 1.5 * ratio * chosen.entry.fit_seconds:
        return chosen
    encoder = Encoder(chosen.encoder.encoding, seed=common.seed).fit(dataset)
    X = encoder.transform(dataset)
    estimator, state = _learnt(chosen.model, X, encoder, task, common)
    return replace(chosen, encoder=encoder, state=state, estimator=estimator,
                   rows=np.arange(rows))


def _found(
    dataset: Dataset, task: Task, options: Options, common: Common, metric: str, plan: _Plan,
    trials: list[_Trial], final: _Trial,
) -> Found:
    assert final.encoder is not None and final.state is not None and final.rows is not None
    told, loads = tell.told(
        tell.Learnt(dataset, final.model.name, final.encoder, final.state, final.estimator,
                    final.rows), options.near, common)
    return Found(
        task=task, schema=dataset.schema,
        model={"name": final.model.name, "params": final.model.to_dict()}, metric=metric,
        leaderboard=tuple(trial.entry for trial in trials),
        states={"encoder": final.encoder.state(), "model": final.state,
                "loadings": State("loadings", {}, {"values": loads})},
        told={**told, "near": options.near, "board": tell.board(
            [(t.entry, t.own_rows) for t in trials], metric, options.near, plan.chance)},
        said=tell.said(dataset, final.model, told), split=_split(plan, trials, options),
        warnings=tell.warnings(told, len(final.rows), len(dataset)),
        lineage=lineage(dataset, final.model, options.to_dict(), common))


def _split(plan: _Plan, trials: Sequence[_Trial], options: Options) -> str:
    own = [t.entry.model for t in trials if t.own_rows and t.judged]
    if not len(plan.held):
        return "too few rows to set some apart: methods are judged on the rows they learnt from"
    apart = (f"each method learnt on {len(plan.learn):,} rows and was judged on "
             f"{len(plan.held):,} others, by whether the {options.near} nearest stay near")
    return apart + (f"; {', '.join(own)} has no place for others and was judged on its own rows"
                    if own else "")
