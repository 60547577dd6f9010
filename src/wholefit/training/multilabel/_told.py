"""What text and pages tell of labels: how well each is known, what goes together, what tells it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from wholefit import evaluation
from wholefit.base.seeds import generator
from wholefit.data import Dataset
from wholefit.evaluation import Score
from wholefit.training._folds import REFIT_FACTOR
from wholefit.training.multilabel._labels import Known
from wholefit.training.multilabel._learn import Measured, Trial, learnt, together
from wholefit.training.multilabel._parts import Parts
from wholefit.training.multilabel._stack import losses
from wholefit.training.multilabel._thresholds import Thresholds

SCORES = ("roc_auc", "average_precision", "f1", "precision", "recall", "log_loss")
_SETS, _PAIRS, _EXAMPLES = 12, 30, 8
# Columns and rows of the look at what tells the labels, and times that each is shuffled.
_COLUMNS, _ROWS, _REPEATS = 60, 2_000, 3


def told(
    trial: Trial, found: Known, chosen: Measured, rule: Thresholds, parts: Parts
) -> dict[str, Any]:
    """Everything that is told of a fit, as JSON."""
    seen = ~np.isnan(chosen.answer).any(axis=1)
    return {
        "labels": found.labels.to_json(), "parts": parts.told(),
        "thresholds": rule.values.tolist(), "rule": rule.rule,
        "stacked": chosen.stack is not None,
        "members": [{"model": each.name, "share": weight, "together": together(each.model)}
                    for each, weight in chosen.shares],
        "each": each_label(found, chosen.answer, rule, trial.weights, trial.plan.units),
        **_sets(found), "pairs": _pairs(found, np.where(seen[:, None], chosen.answer, np.nan)),
        "importance": _importance(trial, chosen),
        "examples": _examples(trial, found, chosen.answer, rule),
    }


def each_label(
    found: Known, answer: np.ndarray, rule: Thresholds, weights: Any, units: Any
) -> list[dict[str, Any]]:
    """Each label's share, threshold, and scores on rows that its models had not seen."""
    return facts_of(found.labels.names, found.truth, answer, rule.crossed, rule.values, weights,
                    units)


def facts_of(
    names: Sequence[str], truth: np.ndarray, answer: np.ndarray, decided: np.ndarray,
    thresholds: np.ndarray, weights: Any = None, units: Any = None,
) -> list[dict[str, Any]]:
    """What is told of each label, of truth, answers and decisions (n, labels)."""
    made = []
    for at, name in enumerate(names):
        scores = _scores_of(truth[:, at], answer[:, at], decided[:, at], weights, units)
        made.append({"name": name, "held": int(np.nansum(truth[:, at])),
                     "known": int((~np.isnan(truth[:, at])).sum()),
                     "threshold": float(thresholds[at]),
                     "scores": {key: score.to_json() for key, score in scores.items()}})
    return made


def _scores_of(
    truth: np.ndarray, answer: np.ndarray, decided: np.ndarray, weights: Any, units: Any
) -> dict[str, Score]:
    """One label's scores as those of any two classes, on rows where it is known and answered."""
    rows = ~np.isnan(truth) & ~np.isnan(answer)
    return evaluation.score(
        "classification", truth[rows].astype(np.intp),
        np.column_stack([1 - answer[rows], answer[rows]]), metrics=SCORES,
        predicted=decided[rows].astype(np.intp), weights=None if weights is None else weights[rows],
        units=None if units is None else units[rows])


def _sets(found: Known) -> dict[str, Any]:
    """How many labels rows hold, and which sets are frequent, of rows whose labels are all known.

    `empty`, the share of rows without labels, and the sets are None and none where no row is.
    """
    whole = found.truth[~np.isnan(found.truth).any(axis=1)]
    held = whole > 0
    sets = Counter(map(bytes, held.astype(np.uint8)))
    names = np.array(found.labels.names, dtype=object)
    top = [{"labels": names[np.frombuffer(key, np.uint8) > 0].tolist(), "rows": count}
           for key, count in sets.most_common(_SETS)]
    return {"cardinality": float(np.nansum(np.nanmean(found.truth, axis=0))),
            "empty": float((~held.any(axis=1)).mean()) if len(held) else None,
            "distinct": len(sets), "sets": top}


def _pairs(found: Known, answer: np.ndarray) -> list[dict[str, Any]]:
    """Labels that go together most, or shun each other most, and whether the answers know it.

    `phi` is their correlation; `expected`, how often both are held by the answers as they are,
    of independent labels given the columns; `both` how often they are in truth. Each pair is seen
    on the rows where both are known.
    """
    rows = ~np.isnan(answer).any(axis=1)
    known = ~np.isnan(found.truth[rows])
    held, given = np.nan_to_num(found.truth[rows]), np.where(known, answer[rows], 0.0)
    seen = known.astype(float)
    count = seen.T @ seen
    with np.errstate(divide="ignore", invalid="ignore"):
        both, expected = (held.T @ held) / count, (given.T @ given) / count
        own = (held.T @ seen) / count  # of the rows where both are known
        chance = own * own.T
        spread = own * (1 - own)
        phi = (both - chance) / np.sqrt(spread * spread.T)
    a, b = np.triu_indices(len(phi), 1)
    able = np.flatnonzero(np.isfinite(phi[a, b]))
    order = able[np.argsort(-np.abs(phi[a, b][able]), kind="stable")][:_PAIRS]
    names = found.labels.names
    return [{"labels": [names[a[at]], names[b[at]]], "phi": float(phi[a[at], b[at]]),
             "both": float(both[a[at], b[at]]), "chance": float(chance[a[at], b[at]]),
             "expected": float(expected[a[at], b[at]])} for at in order]


def _importance(trial: Trial, chosen: Measured) -> dict[str, Any] | None:
    """How much each label's log loss rises when a column is shuffled among rows held out.

    Models learn without these rows; what mixes them and the map between labels, a few numbers for
    all, stay those of the fit. None where the clock leaves no time for it, or there is nothing to
    shuffle.
    """
    columns = [name for name in trial.dataset.schema.features
               if trial.dataset.schema.role(name) != "image"][:_COLUMNS]
    again = REFIT_FACTOR * chosen.seconds / max(chosen.folds, 1)
    if not columns or trial.common.clock.left() < 2 * again \
            or np.isnan(trial.truth[trial.plan.folds[0][1]]).all():
        return None
    train, test = trial.plan.folds[0]
    draw = generator(trial.common.seed, "multilabel", "importance")
    if len(test) > _ROWS:
        test = np.sort(draw.choice(test, _ROWS, replace=False))
    begun = time.perf_counter()
    parts = learnt(trial, chosen, train, 0)
    test = test[~np.isnan(trial.truth[test]).all(axis=1)]
    held, truth = trial.dataset.take(test), trial.truth[test]
    heavy = np.ones(len(test)) if trial.weights is None else trial.weights[test]
    if not heavy.any():
        return None
    base = losses(parts.probabilities(held), truth)
    rises: list[dict[str, Any]] = []
    for name in columns:
        if trial.common.clock.left() < 2 * (time.perf_counter() - begun) / (len(rises) + 1):
            return None
        added = np.mean([losses(parts.probabilities(_shuffled(held, name, draw)), truth) - base
                         for _ in range(_REPEATS)], axis=0)
        rises.append(_rise(added, heavy / heavy.mean()))
    order = sorted(range(len(columns)), key=lambda at: -rises[at]["value"])
    return {"rows": len(test), "columns": [columns[at] for at in order],
            **{key: [rises[at][key] for at in order] for key in ("value", "low", "high", "each")}}


def _rise(added: np.ndarray, weights: np.ndarray) -> dict[str, Any]:
    """Mean over rows and labels with its interval, and each label's own (rows, labels)."""
    rows = np.nanmean(added, axis=1) * weights
    reach = 1.96 * float(rows.std(ddof=1)) / np.sqrt(len(rows)) if len(rows) > 1 else 0.0
    value, known = float(rows.mean()), ~np.isnan(added)
    each = (np.nan_to_num(added) * weights[:, None]).sum(axis=0) / np.maximum(
        (known * weights[:, None]).sum(axis=0), 1e-12)
    return {"value": value, "low": value - reach, "high": value + reach, "each": each.tolist()}


def _shuffled(held: Dataset, name: str, draw: np.random.Generator) -> Dataset:
    """The rows with one column's cells dealt anew among them."""
    order = pl.Series(draw.permutation(len(held)))
    frame = held.frame
    return Dataset(frame.with_columns(frame.get_column(name).gather(order)), held.schema)


def _examples(
    trial: Trial, found: Known, answer: np.ndarray, rule: Thresholds
) -> list[dict[str, Any]]:
    """A few held-out rows, drawn by chance: what they hold, and what was answered."""
    able = np.flatnonzero(~np.isnan(answer).any(axis=1) & ~np.isnan(found.truth).any(axis=1))
    draw = generator(trial.common.seed, "multilabel", "examples")
    rows = np.sort(draw.choice(able, min(_EXAMPLES, len(able)), replace=False))
    keys = trial.dataset.schema.having("identifier")
    names = trial.dataset.texts(keys[0]) if keys else None
    made = []
    for row in rows.tolist():
        shown = np.flatnonzero((found.truth[row] > 0) | rule.crossed[row])
        made.append({
            "row": row + 1, "name": None if names is None else names[row],
            "labels": [{"name": found.labels.names[at], "held": bool(found.truth[row, at]),
                        "given": bool(rule.crossed[row, at]),
                        "probability": float(answer[row, at])} for at in shown]})
    return made
