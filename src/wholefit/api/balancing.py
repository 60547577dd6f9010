"""`Result.with_threshold`: the same model, deciding otherwise."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
from functools import cache
from typing import Any

import numpy as np

from wholefit import evaluation
from wholefit.api import _answers, _record
from wholefit.api._telling import warn
from wholefit.base.errors import StateError, UnknownNameError
from wholefit.training import Entry, Fitted, Run, imbalance
from wholefit.training.decision import Decision
from wholefit.training.imbalance import Held, Imbalance


def with_threshold(
    fitted: Fitted, facts: _record.Facts, run: Run | None, threshold: Any, costs: Any, rows: Any,
    options: dict[str, Any],
) -> tuple[Fitted, _record.Facts, Run | None]:
    """What the new Result is made of; `options` are those of `Result.predict`, for `rows`."""
    asked = imbalance.asked_for(fitted.task, fitted.codec, np.empty(0, dtype=np.int32), None,
                                costs=costs, threshold=threshold)
    decision = _decision(fitted, run, asked, rows, options)
    changed = copy.copy(fitted)
    changed.decision = decision
    entries = tuple(_entry(entry, run, asked) if entry.recommended else entry
                    for entry in facts.entries)
    said = {name: value for name, value in facts.lineage.items()
            if name not in ("costs", "threshold")}
    said |= {} if asked is None else dict(asked.asked)
    shown = _exhibits(facts, run, asked)
    facts = dataclasses.replace(facts, entries=entries, lineage=said, exhibits=shown,
                                metric=_record.main_metric(facts.metric, entries))
    renewed = None if run is None else dataclasses.replace(
        run, metric=facts.metric, fitted=changed, leaderboard=entries,
        imbalance=_joined(run.imbalance, asked))
    return changed, facts, renewed


def _joined(before: Imbalance | None, asked: Imbalance | None) -> Imbalance | None:
    """The decision asked for, beside the treatment that there was."""
    if asked is None or before is None:
        return asked
    return dataclasses.replace(asked, treatment=before.treatment)


def _decision(
    fitted: Fitted, run: Run | None, asked: Imbalance | None, rows: Any, options: dict[str, Any]
) -> Decision | None:
    if asked is None:
        return None
    if asked.rule is None or asked.rule.kind == "given":
        return asked.decide(_no_rows(), np.empty((0, 2)))[0]
    held, answer = _to_choose_on(fitted, run, rows, options)
    made, said = asked.decide(held, answer)
    for sentence in said:
        warn(sentence)
    return made


def _to_choose_on(
    fitted: Fitted, run: Run | None, rows: Any, options: dict[str, Any]
) -> tuple[Held, np.ndarray]:
    """Answers to rows that the model had not seen, with their truth."""
    if rows is not None:
        given = _answers.dataset(fitted, rows, options, with_target=True)
        truth, raw = _answers.truth_and_answer(fitted, given)
        return Held(truth, np.zeros(len(truth), dtype=np.intp), given.weights(), None, 0), raw
    if run is None or run.held is None:
        raise StateError(
            "a loaded model does not hold the rows that a threshold is chosen on: give some with "
            "a known target that it was not fitted on, rows=..., or state the threshold as a "
            "number.")
    return _answered(run)


def _answered(run: Run) -> tuple[Held, np.ndarray]:
    answer = run.oof[run.chosen.model]
    seen = np.flatnonzero(np.isfinite(answer).all(axis=1))
    assert run.held is not None
    return run.held.take(seen), answer[seen]


def _entry(entry: Entry, run: Run | None, asked: Imbalance | None) -> Entry:
    """The leaderboard row with the scores that depend on the decision made anew, or left out."""
    if run is None or run.held is None:
        kept = {name: score for name, score in entry.scores.items() if name in _OF_PROBABILITIES}
        return dataclasses.replace(entry, scores=kept)
    held, answer = _answered(run)
    more = asked.metrics() if asked else []
    known = [name for name in entry.scores if _of_catalog(run.task.name, name)]
    scores = evaluation.score(
        run.task.name, held.truth, answer, metrics=[*known, *more],
        positive=getattr(run.codec, "positive", 1), weights=held.weights, units=held.units,
        seed=held.seed, predicted=asked.predicted(held, answer) if asked else None)
    return dataclasses.replace(entry, scores=scores)


def _of_catalog(task: str, name: str) -> bool:
    """Whether a score can be made anew: a function of the user's own is not at hand here."""
    with contextlib.suppress(UnknownNameError):
        return ":" not in name and evaluation.metrics.get(task, name).name == name
    return False


def _exhibits(facts: _record.Facts, run: Run | None, asked: Imbalance | None) -> Any:
    if run is None or run.held is None:
        kept = {name: part for name, part in facts.exhibits().items()
                if name in ("rows", "positive", "calibration", "reliance")}
        return lambda: kept
    held, answer = _answered(run)
    pictured = _record.shown(
        run.task, held.truth, answer, run.codec, weights=held.weights, units=held.units,
        predicted=asked.predicted(held, answer) if asked else None)
    # No decision changes which columns the probabilities lean on.
    return cache(lambda: {**pictured(), **{name: part for name, part in facts.exhibits().items()
                                           if name == "reliance"}})


def _no_rows() -> Held:
    return Held(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp), None, None, 0)


# Scores that no decision changes: a model that carries no rows keeps these.
_OF_PROBABILITIES = frozenset({"log_loss", "roc_auc", "average_precision", "brier", "ece"})
