"""Anomalies: detectors fitted, their scores of unlearnt rows ranked, and a threshold by budget.

Nobody has said what an anomaly is, so nothing here counts them. What is promised is the alert
rate: the threshold is set on rows that the detectors had not learnt from, so that new rows of the
same kind alarm as often as was asked, and the interval says how closely that is known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wholefit.base.errors import DataError
from wholefit.base.params import Params, param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.data import Dataset
from wholefit.models import Model
from wholefit.training.anomaly import _alerts as alerts
from wholefit.training.anomaly import _labels as labels
from wholefit.training.anomaly import _told as told
from wholefit.training.anomaly._detect import (
    TOGETHER,
    Detected,
    Held,
    blocks,
    detect,
    forward,
    held_out,
    names_of,
)
from wholefit.training.anomaly._ensemble import default
from wholefit.training.anomaly._judge import REFERENCE, Judge, Verdict
from wholefit.training.anomaly._lens import Cutting, Plan, plan, time_column
from wholefit.training.anomaly._threshold import Ladder, Threshold
from wholefit.training.anomaly._usual import Usual
from wholefit.training.anomaly._windows import joints
from wholefit.training.found import Common, Found, lineage
from wholefit.training.record import Entry

_FEWEST = 10
# Rows whose features give the usual row and the usual range of each trait.
_REFERENCE_ROWS = 20_000


@dataclass(frozen=True)
class Options(Params):
    """The words of anomaly detection."""

    alerts: str | float = param(
        "1%", "How many alarms can be looked at: a share ('1%'), a number for as many rows as "
        "were learnt from (20), or a rate ('20 per 1000 rows'; '20 per day' with time=).")
    context: str | None = param(
        None, "What a value is judged beside, parted by commas: columns, or hour, weekday, day, "
        "month, quarter of the time column.", none=True)
    window: str | int | None = param(
        None, "Judge stretches of a series rather than rows: their length, in rows (48) or time "
        "('24h', with time=).", none=True)
    usual: str | None = param(
        None, "Values of the label column that mean a usual row, parted by commas; told from "
        "their names or frequency when left out.", none=True)


def fit(dataset: Dataset, task: Task, options: Options, common: Common) -> Found:
    """Fit the detectors, set the threshold on unlearnt rows, and tell what stands out.

    Raises ParameterError for a budget that means nothing, DataError for rows that are too few or
    lack what the words ask for.
    """
    common.no_metric(task)
    asked = alerts.read(options.alerts)
    wanted = plan(dataset, options.context, options.window)
    _check(dataset)
    models = names_of(common.models or default(
        len(dataset), len(dataset.schema.features)))
    cutting = Cutting(dataset, wanted, common.seed)
    budget = _budget(asked, cutting)
    held = held_out(cutting, models, task, common)
    detected, view = detect(cutting, np.ones(cutting.units, dtype=bool), models, task, common)
    _check_fitted(held, detected)
    held.settle(detected)
    chosen = detected.chosen
    ladder, threshold = _threshold(held.scores[chosen], budget.share, cutting)
    states = _states(detected, chosen, ladder, view, cutting)
    judge = Judge(states)
    known = labels.known(dataset, options.usual)
    facts, warnings = _facts(
        Fit(dataset, cutting, held, chosen, threshold, judge, known), budget, asked, wanted)
    later = _forward(cutting, models, task, common, detected, threshold)
    facts["forward"] = later
    warnings += _drifted(later, threshold)
    return Found(
        task=task, schema=dataset.schema, model=_model(chosen, models), metric="roc_auc",
        leaderboard=_board(held, detected, models, chosen, known, cutting), states=states,
        told=facts, said=_said(task, wanted, known), split=held.how,
        warnings=tuple(warnings),
        lineage=lineage(dataset, models.get(chosen), options.to_dict(), common,
                        detectors=[name for name in detected.states if name != TOGETHER]),
    )


@dataclass(frozen=True, eq=False)
class Fit:
    """What a fit has at hand when it tells what it found."""

    dataset: Dataset
    cutting: Cutting
    held: Held
    chosen: str
    threshold: Threshold
    judge: Judge
    known: labels.Known | None


def _check(dataset: Dataset) -> None:
    if len(dataset) < _FEWEST:
        raise DataError(f"{dataset.source} has {len(dataset):,} rows; at least {_FEWEST} are "
                        "needed to tell what is usual.")


def _budget(asked: alerts.Allowance, cutting: Cutting) -> alerts.Budget:
    """The budget as a share of rows, or of stretches as long as a window."""
    length = cutting.plan.length or 1
    return alerts.settle(asked, max(1, len(cutting.dataset) // length), _elapsed(cutting.dataset),
                         "row" if length == 1 else "stretch")


def _elapsed(dataset: Dataset) -> float | None:
    name = time_column(dataset.schema)
    return None if name is None else alerts.elapsed(dataset.times(name))


def _check_fitted(held: Held, detected: Detected) -> None:
    if not any(name in held.scores for name in detected.states):
        reasons = "; ".join(f"{name}: {why}" for name, why in detected.failed.items())
        raise DataError(f"no detector could be fitted ({reasons or 'too few rows'}).")


def _threshold(
    scores: np.ndarray, share: float, cutting: Cutting
) -> tuple[Ladder, Threshold]:
    """The ladder of unlearnt scores, and the threshold that keeps the budget."""
    kept = np.isfinite(scores)
    units = blocks(cutting)
    part = None if units is None else units[kept]
    if cutting.cut is None:
        ladder = Ladder.of(scores[kept])
        return ladder, ladder.chosen(share, scores[kept], part)
    whole = np.where(kept, scores, -np.inf)
    stretches = len(cutting.dataset) / cutting.plan.length
    ladder = Ladder.of(scores[kept], joints(cutting.cut, whole)[kept], stretches)
    found = ladder.chosen(share, scores[kept], part)
    return ladder, found.worth_of(min(found.worth, stretches))


def _states(
    detected: Detected, chosen: str, ladder: Ladder, view: Dataset, cutting: Cutting
) -> dict[str, State]:
    """All that answering needs."""
    rows = np.arange(len(view))
    if len(rows) > _REFERENCE_ROWS:
        rows = np.linspace(0, len(view) - 1, _REFERENCE_ROWS).astype(np.int64)
    X = np.asarray(detected.encoder.transform(view, rows), dtype=np.float64)
    values = np.quantile(X, 0.5, axis=0, method="inverted_cdf")
    for at in detected.encoder.categorical:
        codes, counts = np.unique(X[:, at], return_counts=True)
        values[at] = codes[np.argmax(counts)]
    low, high = np.quantile(X, [0.01, 0.99], axis=0)
    reference = State(REFERENCE, {}, {"values": values, "low": low, "high": high})
    return {"model": detected.states[chosen], "encoder": detected.encoder.state(),
            "ladder": ladder.state(), "usual": Usual.learn(cutting.dataset).state(),
            "reference": reference, **detected.lens.states()}


def _facts(
    fit: Fit, budget: alerts.Budget, asked: alerts.Allowance, wanted: Plan
) -> tuple[dict[str, Any], list[str]]:
    """What is told, and what must be warned of."""
    dataset, cutting, threshold = fit.dataset, fit.cutting, fit.threshold
    scores = fit.held.scores[fit.chosen]
    known = np.isfinite(scores)
    view = fit.judge.lens.view(dataset)
    whole = Verdict(view, scores, scores, scores, known)
    make = told.top_rows if cutting.cut is None else told.top_stretches
    top = make(dataset, fit.judge, whole, scores, threshold.value)
    rows = scores if cutting.cut is None else cutting.cut.spread(
        np.where(known, scores, -np.inf))
    with np.errstate(invalid="ignore"):
        alarms = rows > threshold.value
    facts = {
        "kind": wanted.kind, "context": [key.name for key in wanted.keys],
        "window": wanted.length or None, "rows": len(dataset), "units": cutting.units,
        "scored": int(known.sum()), "alerts": alerts.said(asked), "budget": budget.said,
        "share": budget.share, "threshold": threshold.to_json(), "seconds": _elapsed(dataset),
        "alarms": _count(cutting, scores, alarms, threshold.value),
        "histogram": told.histogram(scores[known], threshold.value), "top": top,
        "over_time": told.over_time(dataset, alarms, np.isfinite(rows)),
        "agreement": told.agreement(fit.held.scores, budget.share, fit.chosen),
        "columns": fit.judge.columns(), "label": None,
    }
    warnings = [] if not threshold.note else [
        f"the alert budget cannot be kept as asked: {threshold.note}."]
    if fit.known is not None:
        facts["label"] = _judged(fit, scores)
    return facts, warnings


def _count(cutting: Cutting, scores: np.ndarray, alarms: np.ndarray, value: float) -> int:
    """Alarms among the units held out: rows, or stretches counted once."""
    if cutting.cut is None:
        return int(alarms.sum())
    whole = np.where(np.isfinite(scores), scores, -np.inf)
    return int((whole > value).sum() - (joints(cutting.cut, whole) > value).sum())


def _judged(fit: Fit, scores: np.ndarray) -> dict[str, Any]:
    """What the label says of the scores of unlearnt units."""
    assert fit.known is not None
    truth = _truth(fit.known, fit.cutting)
    with np.errstate(invalid="ignore"):
        alarms = scores > fit.threshold.value
    shown = labels.scored(truth, scores, blocks(fit.cutting))
    return {"said": fit.known.said, "usual": list(fit.known.usual), "odd": fit.known.odd,
            "known": fit.known.known,
            "scores": {name: score.to_json() for name, score in shown.items()},
            "top": labels.of_the_top(truth, scores, alarms),
            "favoured": labels.favoured(truth, fit.held.scores, blocks(fit.cutting))
            if len(fit.held.scores) > 1 else None}


def _truth(known: labels.Known, cutting: Cutting) -> np.ndarray:
    return known.truth if cutting.cut is None else labels.of_windows(known.truth, cutting.cut)


def _board(
    held: Held, detected: Detected, models: dict[str, Model], chosen: str,
    known: labels.Known | None, cutting: Cutting,
) -> tuple[Entry, ...]:
    """One entry a detector, the chosen one first; scored where a label is known."""
    units = blocks(cutting)
    truth = None if known is None else _truth(known, cutting)
    entries = []
    for name in [chosen, *(n for n in (*models, TOGETHER) if n != chosen)]:
        if name in detected.failed:
            entries.append(Entry(name, _params(name, models), "failed", detected.failed[name]))
        elif name in held.scores:
            scores = {} if truth is None else labels.scored(truth, held.scores[name], units)
            took = held.seconds.get(name, [])
            entries.append(Entry(
                name, _params(name, models), scores=scores, folds=len(took),
                fit_seconds=float(np.mean(took)) if took else float("nan"),
                recommended=name == chosen))
    best = max(entries, key=lambda e: e.scores["roc_auc"].value if "roc_auc" in e.scores
               and np.isfinite(e.scores["roc_auc"].value) else -1.0)
    return tuple(replace(e, best=e is best and bool(e.scores)) for e in entries)


def _params(name: str, models: dict[str, Model]) -> dict[str, Any]:
    return models[name].to_dict() if name in models else {"members": list(models)}


def _model(chosen: str, models: dict[str, Model]) -> dict[str, Any]:
    return {"name": chosen, "params": _params(chosen, models)}


def _forward(
    cutting: Cutting, models: dict[str, Model], task: Task, common: Common,
    detected: Detected, threshold: Threshold,
) -> dict[str, Any] | None:
    """The alert rate on the last fifth of the time, by detectors of what came before."""
    chosen = detected.chosen
    found = forward(cutting, models, task, common, chosen, detected.inside[chosen])
    if found is None:
        return None
    units, scores = found
    lumps = blocks(cutting)
    again = Ladder.of(scores).rate(threshold.value, scores,
                                   None if lumps is None else lumps[units])
    if cutting.cut is not None:
        again = _by_stretch(cutting, units, scores, again)
    return {"rows": len(units), "share": again.share, "low": again.low, "high": again.high}


def _by_stretch(
    cutting: Cutting, units: np.ndarray, scores: np.ndarray, rate: Threshold
) -> Threshold:
    """The rate of windows as alarms per stretch, as the budget counts: windows overlap, and alarms
    that touch are one."""
    whole = np.full(cutting.units, -np.inf)
    whole[units] = scores
    stretches = len(cutting.dataset) / cutting.plan.length * len(units) / cutting.units
    alarms = _count(cutting, whole, whole > rate.value, rate.value)
    return replace(rate, share=min(alarms / stretches, 1.0)).worth_of(min(rate.worth, stretches))


def _drifted(later: dict[str, Any] | None, threshold: Threshold) -> list[str]:
    """A warning where the latest rows alarm more, or less, than the budget says."""
    if later is None or (later["low"] <= threshold.high and later["high"] >= threshold.low):
        return []
    way = "more" if later["share"] > threshold.share else "less"
    return [f"the data drift: the last fifth of the time, scored by what was learnt before it, "
            f"alarms {way} than asked ({alerts.share_said(later['share'])}, "
            f"{alerts.share_said(later['low'])} to {alerts.share_said(later['high'])}, where "
            f"{alerts.share_said(threshold.share)} was set): expect the same of rows to come, and "
            "fit anew often."]


def _said(task: Task, wanted: Plan, known: labels.Known | None) -> str:
    looked = {"point": "rows unlike the others",
              "contextual": "values unusual for their " + ", ".join(
                  key.name for key in wanted.keys),
              "collective": f"stretches of {wanted.length:,} rows unlike the others" + (
                  ", each value judged by its " + ", ".join(key.name for key in wanted.keys)
                  if wanted.keys else "")}[wanted.kind]
    return f"{task.name}: {looked}" + (f"; {known.said}" if known else "")

